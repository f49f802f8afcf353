//! Sending a test event to one endpoint, and showing what it answered.

use api::ApiError;
use deliveries::TestEvents;
use models::{ActKind, ActObject};
use pages::{Answer, Problem};

use super::endpoint::{self, Beside};
use crate::acts;
use crate::frame::Frame;
use crate::services::Services;

/// Sends it, and shows the endpoint's page with what came of it. A reload sends another.
pub(crate) async fn test(services: &Services, frame: &Frame<'_>, id: &str, base_url: &str) -> Answer {
    let endpoint = endpoint::own(services, frame, id).await?;
    let act = acts::on_page(services, frame, ActKind::TestEventSent, ActObject::Endpoint(endpoint.id));
    // Before: what is sent can't be taken back, and nothing is without the act.
    services.acts.put(&act).await?;
    let events = TestEvents {
        merchants: &services.merchants,
        policy: services.settings.policy,
        lookup: &services.lookup,
        clock: &services.clock,
        random: &services.random,
    };
    let attempt = events.send(&endpoint).await.map_err(not_sent)?;
    let (status, latency_ms) = (attempt.status, attempt.latency_ms);
    tracing::info!(endpoint_id = %endpoint.id, act_id = %act.id, status, latency_ms, "a test event was sent");
    let beside = Beside { tested: Some(attempt), ..Beside::default() };
    endpoint::page(services, frame, &endpoint, beside, base_url).await
}

fn not_sent(error: ApiError) -> Problem {
    match error {
        ApiError::Unavailable(cause) => Problem::Unavailable(cause),
        ApiError::Internal(cause) => Problem::Internal(cause),
        ApiError::Refused(refusal) => Problem::Internal(Box::new(refusal)),
    }
}

#[cfg(test)]
mod tests {
    use models::{ActOutcome, DisabledBy, Endpoint, EndpointSecret, Mode, Role};
    use outbound::{Lookup, WebhookSecret};

    use super::*;
    use crate::desk::{BASE_URL, Desk, seen, words};

    #[tokio::test]
    async fn an_address_within_is_not_called_and_the_page_says_so() {
        let mut desk = Desk::new().await;
        desk.visitor.person.role = Role::Develop;
        desk.services.lookup = Lookup::by(|_| async { Ok(vec![[10, 0, 0, 1].into()]) });
        let secret = WebhookSecret::generate([7; 32]);
        let endpoint = Endpoint {
            secret: EndpointSecret::new(secret.expose().to_owned()),
            disabled_by: Some(DisabledBy::Merchant),
            ..samples::endpoint()
        };
        desk.services.endpoints.create(&endpoint, None).await.unwrap();
        let id = endpoint.id.to_string();
        let (status, html) = seen(Box::pin(test(&desk.services, &desk.frame(Mode::Test), &id, BASE_URL)).await);
        let said = words(&html);
        assert_eq!(status, 200, "{html}");
        assert!(said.contains("Not answered: the host is not on the public internet"), "{said}");
        let acts: Vec<_> = desk.acts().await.into_iter().map(|act| (act.what, act.object, act.outcome)).collect();
        assert_eq!(acts, [(ActKind::TestEventSent, ActObject::Endpoint(endpoint.id), ActOutcome::Done)]);

        let (status, _) = seen(Box::pin(test(&desk.services, &desk.frame(Mode::Live), &id, BASE_URL)).await);
        assert_eq!(status, 404, "it is of the other mode");
        assert_eq!(desk.acts().await.len(), 1);
    }
}
