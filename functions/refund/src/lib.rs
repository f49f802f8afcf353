//! Refunds: makes, shows and cancels them.

mod handler;

pub use handler::RefundFunction;
