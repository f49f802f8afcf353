//! Payer over HTTP: the checkout's pages, and the page of a refund.

mod epc;
mod flow;
mod form;
mod handler;
mod page;
mod paths;
mod problem;
mod refund;
mod route;
#[cfg(test)]
mod samples;
mod view;

pub use handler::{Checkout, refuse};
