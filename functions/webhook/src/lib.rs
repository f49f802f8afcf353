//! The webhooks queue → merchants' endpoints.

mod faults;
mod handler;

pub use handler::Webhook;
