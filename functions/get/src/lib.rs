//! `GET …/payment_sessions`: one, or a list.

mod handler;
mod resources;

pub use handler::Get;
