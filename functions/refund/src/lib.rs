//! `/v2/refunds`: makes refunds, shows them, and cancels them.

mod handler;

pub use handler::RefundFunction;
