//! The webhooks queue → merchants' endpoints.

mod attempt;
mod faults;
mod handler;

pub use handler::Webhook;
