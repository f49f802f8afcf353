//! The people who work in the console, and what each may do.

mod add;
mod link;
mod list;
mod path;
mod person;
mod role_choice;
#[cfg(test)]
mod tests;

pub(crate) use add::add;
pub(crate) use list::show;
pub(crate) use person::{change, show as show_person};
