//! Linked accounts: into which a merchant's payments are paid, in test and live alike. Who links one in the console opens a way for
//! real money, so all owners are mailed, and live payments can be paid into it a day later.

mod change;
mod form;
mod link;
mod list;
mod own;
#[cfg(test)]
mod tests;
mod unlink;

pub(crate) use link::link;
pub(crate) use list::show;
pub(crate) use unlink::unlink;
