//! Every minute: what has fallen due.

mod handler;

pub use handler::Expire;
