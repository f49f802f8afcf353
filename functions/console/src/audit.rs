//! What was done, by whom: a list, and the same as a file.

mod export;
mod filter;
mod list;
mod words;

pub(crate) use export::export;
pub(crate) use list::show;
