//! The payer's pages, and the page of a refund.

mod answer;
mod flow;
mod form;
mod handler;
mod page;
mod paths;
mod refund;
mod route;
#[cfg(test)]
mod samples;

pub use handler::{Checkout, refuse};
