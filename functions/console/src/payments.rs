//! Payments: the list of them, search, and the page of each.

mod books;
mod filter;
mod json;
mod list;
mod mask;
mod parties;
mod payment;
mod personal;
mod search;
#[cfg(test)]
mod tests;
mod timeline;

pub(crate) use json::json_page;
pub(crate) use list::list_page;
pub(crate) use payment::payment_page;
pub(crate) use personal::ask_for_personal_data;
