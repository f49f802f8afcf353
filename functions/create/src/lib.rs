//! `POST …/payment_sessions`: creates a payment session.

mod handler;

pub use handler::{Create, Settings};
