//! What is sent to an endpoint, and what its merchant can read of what came of it.

use std::error::Error;

use jiff::Timestamp;
use models::{Application, Endpoint};
use outbound::{Delivery, DeliveryApplication, DeliveryResult, EndpointResponse, InvalidSecret, WebhookSecret};
use store::{DeliveryAttempt, StoredEvent};
use url::Url;

/// What is sent of an event, for the endpoint's application if it has one.
///
/// # Errors
/// The event's format is not served, or the endpoint is not stored as one that can be sent to.
pub fn delivery(
    event: &StoredEvent,
    endpoint: &Endpoint,
    application: Option<&Application>,
    at: Timestamp,
) -> Result<Delivery, Box<dyn Error + Send + Sync>> {
    let (secret, further_secrets) = secrets(endpoint, at)?;
    Ok(Delivery {
        url: Url::parse(endpoint.url.as_str())?,
        id: api::event_id(event).parse()?,
        format: endpoint.format,
        correlation_id: event.correlation_id().cloned(),
        is_test: false,
        timestamp_s: at.as_second(),
        encoding: endpoint.encoding,
        body: api::event_body(event, endpoint)?,
        application: application.and_then(for_application),
        secret,
        further_secrets,
    })
}

/// By its newest public key; none if it has none.
fn for_application(application: &Application) -> Option<DeliveryApplication> {
    let key = application.newest_key()?;
    Some(DeliveryApplication { app_id: application.key_id.to_string(), spki: key.spki.clone() })
}

/// What signs. While a secret is being replaced both do, the old one first: one of the two headers holds one
/// signature only.
fn secrets(endpoint: &Endpoint, at: Timestamp) -> Result<(WebhookSecret, Vec<WebhookSecret>), InvalidSecret> {
    let new = endpoint.secret.as_str().parse()?;
    match endpoint.previous_secret_at(at) {
        Some(old) => Ok((old.as_str().parse()?, vec![new])),
        None => Ok((new, Vec::new())),
    }
}

/// What the merchant can read of an attempt.
pub fn note(endpoint: &Endpoint, at: Timestamp, attempt: DeliveryResult) -> DeliveryAttempt {
    let (status, answer, error) = match attempt.response {
        Ok(EndpointResponse { status, body_start, retry_after: _ }) => (Some(status), Some(body_start), None),
        Err(failure) => (None, None, Some(failure.to_string())),
    };
    let headers = attempt.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    DeliveryAttempt { endpoint_id: endpoint.id, at, latency_ms: attempt.latency_ms, headers, status, answer, error }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use models::EndpointSecret;
    use samples::NOW;

    use super::*;

    fn secret(byte: u8) -> EndpointSecret {
        EndpointSecret::new(WebhookSecret::generate([byte; 32]).expose().to_owned())
    }

    #[test]
    fn the_old_secret_signs_first_until_its_time_is_over() {
        let endpoint = Endpoint {
            secret: secret(2),
            rotations: 1,
            previous_secret: Some(secret(1)),
            previous_secret_until: Some(NOW),
            ..samples::endpoint()
        };
        let signing = |at| {
            let (first, further) = secrets(&endpoint, at).unwrap();
            [vec![first], further].concat().iter().map(|secret| secret.expose().to_owned()).collect::<Vec<_>>()
        };
        let [old, new] = [secret(1), secret(2)].map(|secret| secret.as_str().to_owned());
        assert_eq!(signing(NOW - SignedDuration::from_secs(1)), [old, new.clone()]);
        assert_eq!(signing(NOW), [new]);
    }
}
