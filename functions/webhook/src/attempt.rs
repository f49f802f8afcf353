//! What an attempt to deliver an event says of its endpoint.

use std::time::Duration;

use outbound::{DeliveryResult, Failure};

/// How long the endpoint took to answer or to fail; none if it did neither in time.
pub(crate) fn took(attempt: &DeliveryResult) -> Option<Duration> {
    match attempt.response {
        Err(Failure::TimedOut | Failure::NotAtOnce) => None,
        Ok(_)
        | Err(
            Failure::ConnectionFailed
            | Failure::NameNotFound
            | Failure::AddressNotAllowed
            | Failure::PortNotAllowed
            | Failure::TlsFailed,
        ) => Some(Duration::from_millis(attempt.latency_ms)),
    }
}
