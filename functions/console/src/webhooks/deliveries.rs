//! What each endpoint is sent of an event: the headers and the body, without personal data and signatures.

use std::error::Error;

use jiff::Timestamp;
use models::{Endpoint, EventEncoding, Object};
use pages::{Facts, Language, Problem};
use store::{DeliveryAttempt, StoredEvent};

use crate::frame::Frame;
use crate::payments::{indented, masked};
use crate::services::Services;
use crate::texts::texts;

/// What one endpoint is sent.
#[derive(Debug)]
pub(super) struct Shown {
    /// To which URL.
    pub(super) heading: String,
    /// What is said to be for that URL.
    pub(super) body_label: String,
    /// None if it can't be shown: today's rules refuse the URL or the secret that the endpoint is stored with.
    pub(super) sent: Option<Sent>,
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Sent {
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
            let at = last.map_or(now, |attempt| attempt.at);
            let sent = sent(&event, &endpoint, frame.language, at).inspect_err(|error| {
                let (endpoint_id, event_id) = (endpoint.id, event.id());
                tracing::warn!(%endpoint_id, %event_id, %error, "what is sent of an event can't be shown");
            });
            let (t, facts) = (frame.texts().webhooks, Facts::new(frame.language).text("url", endpoint.url.as_str()));
            all.push(Shown { heading: facts.plain(t.sent_to), body_label: facts.plain(t.body_for), sent: sent.ok() });
        }
    }
    Ok(all)
}

fn sent(
    event: &StoredEvent,
    endpoint: &Endpoint,
    language: Language,
    at: Timestamp,
) -> Result<Sent, Box<dyn Error + Send + Sync>> {
    let delivery = deliveries::delivery(event, endpoint, None, at)?;
    let text = String::from_utf8_lossy(&delivery.body).into_owned();
    let headers = delivery.headers().into_iter();
    Ok(Sent {
        headers: headers.map(|(name, value)| (name, hidden(name, value, language))).collect(),
        body: match endpoint.encoding {
            EventEncoding::Json => indented(&text),
            EventEncoding::Form => text,
        },
    })
}

/// A header's value, unless it is made from the whole body, by a secret or not.
pub(super) fn hidden(name: &str, value: String, language: Language) -> String {
    let is_of_body = name.ends_with("signature") || name == "digest";
    if is_of_body { texts(language).webhooks.made_from_body.to_owned() } else { value }
}

#[cfg(test)]
mod tests {
    use models::{EndpointSecret, Mode, WireFormat};
    use outbound::WebhookSecret;
    use samples::{PAYER_EMAIL, PAYER_NAME};

    use super::*;
    use crate::desk::Desk;

    #[tokio::test]
    async fn an_endpoint_that_rules_refuse_hides_no_other() {
        let desk = Desk::new().await;
        let session = desk.paid(|_| {}).await;
        let event = StoredEvent::new(Object::Session(Box::new(session)), 1);
        let secrets = ["short".to_owned(), WebhookSecret::generate([7; 32]).expose().to_owned()];
        for secret in secrets {
            let endpoint = Endpoint { secret: EndpointSecret::new(secret), ..samples::endpoint() };
            desk.services.endpoints.create(&endpoint, None).await.unwrap();
        }
        let all = shown(&desk.services, &desk.frame(Mode::Test), &event, &[]).await.unwrap();
        assert_eq!(all.iter().filter(|one| one.sent.is_some()).count(), 1, "{all:?}");
        assert_eq!(all.len(), 2);
    }

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
            assert!(said.contains("webhook-id") && said.contains("made from the body"), "{said}");
            for hidden in [PAYER_NAME, PAYER_EMAIL, "87654321", "v1,", secret.expose()] {
                assert!(!said.contains(hidden), "{hidden}: {said}");
            }
        }
    }
}
