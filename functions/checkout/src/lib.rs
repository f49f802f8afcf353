//! The payer's pages, the page of a refund, and the mock bank's.

mod answer;
mod flow;
mod form;
mod handler;
mod mock_bank;
mod page;
mod paths;
mod refund;
mod route;
#[cfg(test)]
mod samples;

pub use handler::{Checkout, refuse};
