//! API keys: which there are, what each may do, and how they are issued, rolled and revoked. Test keys below test, live ones below
//! live, where that takes another role and a fresh sign-in.

mod issue;
mod key;
mod list;
mod own;
mod scopes;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use issue::issue;
pub(crate) use key::{change, show as show_key};
pub(crate) use list::show;
