//! Payments: the list of them, search, and the page of each.

mod books;
mod export;
mod filter;
mod json;
mod list;
pub(crate) mod mask;
mod parties;
mod payment;
mod personal;
mod search;
#[cfg(test)]
mod tests;
mod timeline;

pub(crate) use export::{export, export_page};
pub(crate) use json::{indented, json_page, masked};
pub(crate) use list::list_page;
pub(crate) use payment::payment_page;
pub(crate) use personal::ask_for_personal_data;
