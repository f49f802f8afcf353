//! `/v2/webhooks`: where a merchant receives events.

mod handler;

pub use handler::EndpointsFunction;
