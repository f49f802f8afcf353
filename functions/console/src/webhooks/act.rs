//! What a person does about an endpoint or an event.

use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, ActObject, Endpoint, EndpointSecret};
use outbound::WebhookSecret;
use pages::{Answer, Problem, ProblemTexts, read_form, see_other};
use serde::Deserialize;
use store::{EndpointChange, NotChanged};

use super::endpoint::{self, Beside};
use super::event;
use crate::acts::{self, refused};
use crate::frame::Frame;
use crate::services::Services;
use crate::texts::texts;

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
    /// How often the secret had been replaced when the form was shown.
    seen: u32,
}

/// Does it, with the act that it is. A new secret is shown in the answer, and nowhere else again.
pub(crate) async fn change(
    services: &Services,
    frame: &Frame<'_>,
    id: &str,
    request: &Request,
    base_url: &str,
) -> Answer {
    let ChangeForm { change, seen } = read_form(request)?;
    let endpoint = endpoint::own(services, frame, id).await?;
    let (owner, now) = (frame.visitor.owner(frame.mode), services.clock.now());
    let enabled = |enabled| EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
    let (endpoints, id) = (&services.endpoints, &endpoint.id);
    let act = Act {
        change: words_of(change, &endpoint),
        ..acts::on_page(services, frame, kind_of(change), ActObject::Endpoint(*id))
    };
    let write = &services.acts.write(&act)?;
    let changed: Result<Endpoint, NotChanged> = match change {
        Change::Enable => endpoints.change(&owner, id, enabled(true), now, Some(write)).await,
        Change::Disable => endpoints.change(&owner, id, enabled(false), now, Some(write)).await,
        Change::Finish => endpoints.finish_rotation(&owner, id, Some(write)).await,
        Change::Resume => {
            if !endpoints.resume(&owner.merchant_id, id, now, Some(write)).await? {
                services.acts.put(&refused(act, "disabled_meanwhile")).await?;
                return Err(disabled_meanwhile());
            }
            Ok(endpoint.clone())
        }
        Change::Roll => {
            let secret = new_secret(services);
            let Some(rolled) = endpoints.rotate_once(&owner, id, &secret, now, seen, write).await? else {
                services.acts.put(&refused(act, "changed_meanwhile")).await?;
                return Err(rolled_meanwhile());
            };
            tracing::info!(endpoint_id = %id, act_id = %act.id, ?change, "changed");
            let beside = Beside { secret: Some(secret.as_str()), ..Beside::default() };
            return endpoint::page(services, frame, &rolled, beside, base_url).await;
        }
    };
    changed.map_err(not_changed)?;
    tracing::info!(endpoint_id = %id, act_id = %act.id, ?change, "changed");
    see_other(&format!("{}/webhooks/{}", frame.root(), endpoint.id))
}

/// Delivers an event again to each endpoint that is notified of it now.
pub(crate) async fn resend(services: &Services, frame: &Frame<'_>, id: &str) -> Answer {
    let event = event::own(services, frame, id).await?;
    let act = acts::on_page(services, frame, ActKind::EventResent, ActObject::Event(event.id()));
    let subscribers = services.deliveries.subscribers(&event).await?;
    if subscribers.is_empty() {
        services.acts.put(&refused(act, "nobody_subscribes")).await?;
        return Err(nobody_subscribes());
    }
    // Before: each endpoint's cursor is moved by a write of its own, and none of them without the act.
    services.acts.put(&act).await?;
    services.deliveries.replay(&event, &subscribers).await?;
    tracing::info!(event_id = %event.id(), act_id = %act.id, "resent");
    see_other(&format!("{}/events/{}", frame.root(), event.id()))
}

/// A secret for an endpoint.
pub(super) fn new_secret(services: &Services) -> EndpointSecret {
    EndpointSecret::new(WebhookSecret::generate(services.random.bytes()).expose().to_owned())
}

const fn kind_of(change: Change) -> ActKind {
    match change {
        Change::Enable | Change::Disable | Change::Finish => ActKind::WebhookChanged,
        Change::Resume => ActKind::WebhookResumed,
        Change::Roll => ActKind::SecretRolled,
    }
}

/// What it changes of the endpoint as it was read, as people read it.
fn words_of(change: Change, endpoint: &Endpoint) -> Option<ActChange> {
    let status = if endpoint.is_enabled() { "enabled" } else { "disabled" };
    let (from, to) = match change {
        Change::Enable => (status, "enabled"),
        Change::Disable => (status, "disabled"),
        Change::Finish => ("two secrets valid", "one secret valid"),
        Change::Resume | Change::Roll => return None,
    };
    Some(ActChange { from: from.to_owned(), to: to.to_owned() })
}

fn not_changed(error: NotChanged) -> Problem {
    match error {
        NotChanged::NotFound => Problem::NotFound,
        NotChanged::Store(error) => error.into(),
    }
}

pub(super) fn disabled_meanwhile() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).webhooks;
        ProblemTexts { heading: t.disabled_heading, text: t.disabled_text }
    })
}

fn rolled_meanwhile() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).webhooks;
        ProblemTexts { heading: t.rolled_heading, text: t.rolled_text }
    })
}

fn nobody_subscribes() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = texts(language).webhooks;
        ProblemTexts { heading: t.nobody_heading, text: t.nobody_text }
    })
}
