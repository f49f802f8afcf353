//! `GET …/payment_sessions`: one, or a list.

mod handler;

pub use handler::Get;
