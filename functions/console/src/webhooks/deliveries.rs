//! What each endpoint is sent of an event: the headers and the body, without personal data and signatures.

use jiff::Timestamp;
use models::{Endpoint, EventEncoding, Object};
use outbound::{Delivery, Policy};
use pages::Problem;
use store::{DeliveryAttempt, StoredEvent};

use crate::frame::Frame;
use crate::payments::{indented, masked};
use crate::services::Services;

/// What stands in place of what is made from the whole body, by a secret or not.
const HIDDEN: &str = "made from the body";

/// What one endpoint is sent.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// What the endpoints are sent that are notified of the event, or were; the headers are those of the last of these attempts, or as
/// they would be now.
pub(super) async fn shown(
    services: &Services,
    frame: &Frame<'_>,
    event: &StoredEvent,
    attempts: &[DeliveryAttempt],
) -> Result<Vec<Shown>, Problem> {
    let now = services.clock.now();
    let mut event = event.clone();
    event.object = match event.object {
        Object::Session(session) => Object::Session(Box::new(masked(*session, now))),
        Object::Refund(refund) => Object::Refund(Box::new(refund.erased())),
    };
    let mut all = Vec::new();
    for endpoint in services.endpoints.of(&frame.visitor.person.merchant_id).await? {
        // The newest attempt is the first.
        let last = attempts.iter().find(|attempt| attempt.endpoint_id == endpoint.id);
        if last.is_some() || endpoint.wants(&event.object) {
            all.push(of_endpoint(&event, &endpoint, last.map_or(now, |attempt| attempt.at))?);
        }
    }
    Ok(all)
}

fn of_endpoint(event: &StoredEvent, endpoint: &Endpoint, at: Timestamp) -> Result<Shown, Problem> {
    let internal = |error: String| Problem::Internal(error.into());
    let body = api::event_body(event, endpoint).map_err(|error| internal(error.to_string()))?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let delivery = Delivery {
        // It is not called from here.
        url: outbound::check_url(endpoint.url.as_str(), false, Policy { loopback_allowed: true })
            .map_err(|error| internal(error.to_string()))?,
        id: api::event_id(event).parse().map_err(|_| internal("no message id".to_owned()))?,
        format: endpoint.format,
        correlation_id: event.correlation_id().cloned(),
        timestamp_s: at.as_second(),
        encoding: endpoint.encoding,
        body,
        application: None,
        secret: endpoint.secret.as_str().parse().map_err(|_| internal("no secret".to_owned()))?,
        further_secrets: Vec::new(),
    };
    let is_of_body = |name: &str| name.ends_with("signature") || name == "digest";
    let hide = |(name, value)| (name, if is_of_body(name) { HIDDEN.to_owned() } else { value });
    Ok(Shown {
        url: endpoint.url.as_str().to_owned(),
        headers: delivery.headers().into_iter().map(hide).collect(),
        body: match endpoint.encoding {
            EventEncoding::Json => indented(&text),
            EventEncoding::Form => text,
        },
    })
}

#[cfg(test)]
mod tests {
    use models::{EndpointSecret, Mode, WireFormat};
    use outbound::WebhookSecret;
    use samples::{PAYER_EMAIL, PAYER_NAME};

    use super::*;
    use crate::desk::Desk;

    #[tokio::test]
    async fn each_format_says_what_happened_and_neither_who_paid_nor_how_it_is_signed() {
        for format in WireFormat::ALL {
            let desk = Desk::new().await;
            let session = desk.paid(|session| session.format = format).await;
            let event = StoredEvent::new(Object::Session(Box::new(session)), 1);
            let secret = WebhookSecret::generate([7; 32]);
            let endpoint = Endpoint {
                format,
                encoding: format.encodings()[0],
                secret: EndpointSecret::new(secret.expose().to_owned()),
                ..samples::endpoint()
            };
            desk.services.endpoints.create(&endpoint, None).await.unwrap();
            let all = shown(&desk.services, &desk.frame(Mode::Test), &event, &[]).await.unwrap();
            let [one] = &all[..] else { panic!("{all:?}") };
            let said = format!("{one:?}");
            assert!(said.contains("webhook-id") && said.contains(HIDDEN), "{said}");
            for hidden in [PAYER_NAME, PAYER_EMAIL, "87654321", "v1,", secret.expose()] {
                assert!(!said.contains(hidden), "{hidden}: {said}");
            }
        }
    }
}
