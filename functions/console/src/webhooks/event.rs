//! One event: what happened, and each attempt to deliver it.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{ObjectId, Permission};
use pages::{Answer, Facts, Language, Problem, Shell, Zone};
use store::{DeliveryAttempt, StoredEvent};

use super::deliveries::{Shown, hidden, shown};
use super::same::of_event;
use crate::frame::Frame;
use crate::services::Services;
use crate::texts::texts;
use crate::words::why_unanswered;

/// The most attempts that are shown.
const MAX_ATTEMPTS: usize = 100;

/// One attempt, in a line.
struct Row {
    at: String,
    endpoint_path: String,
    endpoint: String,
    what: String,
    class: &'static str,
    latency_ms: u64,
    /// As they were sent. What is made from the body is for those who may change webhooks, and so know what signs: some signatures
    /// hold no time, and are good again whenever they are sent.
    headers: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "webhooks/event.html")]
struct EventPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    id: String,
    what: String,
    at: String,
    of: ObjectId,
    /// The payment that it happened to, or to a refund of.
    payment_path: String,
    correlation_id: Option<&'a str>,
    attempts: Vec<Row>,
    /// What each endpoint is sent.
    deliveries: Vec<Shown>,
    may_resend: bool,
    same: Option<String>,
}

/// An event of the visitor's merchant, in this mode.
pub(super) async fn own(services: &Services, frame: &Frame<'_>, id: &str) -> Result<StoredEvent, Problem> {
    let id = api::read_event_id(id).map_err(|_| Problem::NotFound)?;
    let event = services.events.get(&id).await?.ok_or(Problem::NotFound)?;
    let object = &event.object;
    let is_own =
        *object.merchant_id() == frame.visitor.person.merchant_id && object.mode() == frame.mode && object.is_shown();
    if is_own { Ok(event) } else { Err(Problem::NotFound) }
}

/// Its page.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, id: &str, base_url: &str) -> Answer {
    let event = &own(services, frame, id).await?;
    let may_resend = frame.visitor.may(Permission::ChangeWebhooks);
    let attempts = services.events.attempts(&event.id(), MAX_ATTEMPTS).await?;
    let page = EventPage {
        shell: &frame.shell(),
        frame,
        path: format!("{}/events/{}", frame.root(), event.id()),
        id: api::event_id(event),
        what: event.event_type().to_string(),
        at: frame.language.date_and_time(event.created_at(), Zone::London),
        of: event.object.id(),
        payment_path: format!("{}/payments/{}", frame.root(), event.object.session_id()),
        correlation_id: event.correlation_id().map(models::CorrelationId::as_str),
        attempts: attempts.iter().map(|attempt| row(attempt, frame, may_resend)).collect(),
        deliveries: shown(services, frame, event, &attempts).await?,
        may_resend,
        same: may_resend.then(|| of_event(event, base_url)),
    };
    frame.page(StatusCode::OK, &page)
}

/// What came of an attempt, and how that is shown. What a server answered in words may name a person: its status says enough.
pub(super) fn outcome(attempt: &DeliveryAttempt, language: Language) -> (String, &'static str) {
    let (t, facts) = (texts(language).webhooks, Facts::new(language));
    match (attempt.status, &attempt.error) {
        (Some(status), _) => {
            let class = if (200..300).contains(&status) { "good" } else { "bad" };
            (facts.text("status", status).plain(t.answered), class)
        }
        (None, Some(error)) => (facts.text("why", why_unanswered(error, language)).plain(t.not_answered_why), "bad"),
        (None, None) => (t.not_answered.to_owned(), "bad"),
    }
}

fn row(attempt: &DeliveryAttempt, frame: &Frame<'_>, may_change: bool) -> Row {
    let (what, class) = outcome(attempt, frame.language);
    let shown = |name: &str, value: &str| {
        if may_change { value.to_owned() } else { hidden(name, value.to_owned(), frame.language) }
    };
    Row {
        at: frame.language.date_and_time(attempt.at, Zone::London),
        endpoint_path: format!("{}/webhooks/{}", frame.root(), attempt.endpoint_id),
        endpoint: attempt.endpoint_id.to_string(),
        what,
        class,
        latency_ms: attempt.latency_ms,
        headers: attempt.headers.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect(),
    }
}
