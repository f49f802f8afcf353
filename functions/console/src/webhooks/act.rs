//! What a person does about an endpoint or an event.

use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Endpoint, EndpointSecret, Mode};
use outbound::WebhookSecret;
use pages::{Answer, Language, Problem, ProblemTexts, read_form, see_other};
use serde::Deserialize;
use store::{EndpointChange, NotChanged};

use super::endpoint;
use super::event;
use crate::frame::root;
use crate::services::Services;
use crate::visitor::Visitor;

/// Which button was pressed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Enable,
    Disable,
    Resume,
    Roll,
    Finish,
}

#[derive(Deserialize)]
struct ChangeForm {
    change: Change,
}

/// Does it. A new secret is shown in the answer, and nowhere else again.
pub(crate) async fn change(
    services: &Services,
    visitor: &Visitor,
    mode: Mode,
    id: &str,
    request: &Request,
    language: Language,
) -> Answer {
    let ChangeForm { change } = read_form(request)?;
    let endpoint = endpoint::own(services, visitor, mode, id).await?;
    let (owner, now) = (visitor.owner(mode), services.clock.now());
    let enabled = |enabled| EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
    let endpoints = &services.endpoints;
    let changed: Result<Endpoint, NotChanged> = match change {
        Change::Enable => endpoints.change(&owner, &endpoint.id, enabled(true), now).await,
        Change::Disable => endpoints.change(&owner, &endpoint.id, enabled(false), now).await,
        Change::Finish => endpoints.finish_rotation(&owner, &endpoint.id).await,
        Change::Resume => {
            if !endpoints.resume(&owner.merchant_id, &endpoint.id, now).await? {
                return Err(disabled_meanwhile());
            }
            Ok(endpoint.clone())
        }
        Change::Roll => {
            let secret = EndpointSecret::new(WebhookSecret::generate(services.random.bytes()).expose().to_owned());
            let rolled = endpoints.rotate(&owner, &endpoint.id, &secret, now).await.map_err(not_changed)?;
            return endpoint::page(services, visitor, &rolled, Some(secret.as_str()), language).await;
        }
    };
    changed.map_err(not_changed)?;
    tracing::info!(endpoint_id = %endpoint.id, ?change, "changed");
    see_other(&format!("{}/webhooks/{}", root(mode), endpoint.id))
}

/// Delivers an event again to whoever is notified of it now.
pub(crate) async fn resend(services: &Services, visitor: &Visitor, mode: Mode, id: &str) -> Answer {
    let event = event::own(services, visitor, mode, id).await?;
    if services.deliveries.replay(&event).await?.is_empty() {
        return Err(nobody_subscribes());
    }
    tracing::info!(event_id = %event.id(), "resent");
    see_other(&format!("{}/events/{}", root(mode), event.id()))
}

fn not_changed(error: NotChanged) -> Problem {
    match error {
        NotChanged::NotFound => Problem::NotFound,
        NotChanged::Store(error) => error.into(),
    }
}

fn disabled_meanwhile() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |_| ProblemTexts {
        heading: "The endpoint is disabled",
        text: "Somebody disabled it, or it answered 410 Gone. Go back, load the page again, and enable it: that resumes it, too.",
    })
}

fn nobody_subscribes() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |_| ProblemTexts {
        heading: "No endpoint is notified of this",
        text: "No enabled endpoint subscribes to events of this type. Enable or register one, and send the event again.",
    })
}
