//! `/v2/webhooks`: where a merchant is told of events.

mod handler;

pub use handler::EndpointsFunction;
