//! The webhooks queue → merchants' endpoints.

mod handler;

pub use handler::Webhook;
