//! Every minute: what has fallen due.

mod due;
mod endpoints;
mod erasure;
mod expiry;
mod handler;
mod mails;
mod waiting;

pub use handler::Expire;
