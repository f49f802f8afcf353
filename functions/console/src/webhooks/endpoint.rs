//! One endpoint: what it gets, how it does, what waits for it, and the last events.

use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{CursorId, Endpoint, EndpointId, ObjectId, Permission, Subscription};
use pages::{Answer, Language, Problem, Shell, Zone};
use store::{DeliveryAttempt, ListRange, StoredEvent};

use super::event::outcome;
use super::resent::{Resent, read_time};
use super::same::of_endpoint;
use super::status::Status;
use crate::days::Errors;
use crate::frame::Frame;
use crate::services::Services;

/// How many payments that wait are listed, and how many of the last events.
const LISTED: usize = 25;

/// From here on, what waits is not counted.
const COUNTED: usize = 100;

/// What waits to be resumed: events of one payment or refund.
struct Waiting {
    of: ObjectId,
    /// What leads to the payment, whichever it is.
    path: String,
}

/// An event that the endpoint gets, in a line.
struct Row {
    path: String,
    at: String,
    what: String,
    of: ObjectId,
}

/// What came of a test event.
struct Tested {
    what: String,
    class: &'static str,
    latency_ms: u64,
}

/// What the page says beside how the endpoint is.
#[derive(Default)]
pub(super) struct Beside<'a> {
    /// The new secret, shown once.
    pub(super) secret: Option<&'a str>,
    /// What was queued just now.
    pub(super) resent: Option<Resent>,
    /// What came of the test event that was sent just now.
    pub(super) tested: Option<DeliveryAttempt>,
    /// From when on events are to be sent again, as it was typed, and what is wrong with it.
    pub(super) since: String,
    pub(super) errors: Errors,
}

#[derive(Template)]
#[template(path = "webhooks/endpoint.html")]
struct EndpointPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    endpoint: &'a Endpoint,
    status: Status,
    created_at: String,
    subscribed: String,
    /// Until when the secret before is valid beside the new one.
    previous_secret_until: Option<String>,
    beside: Beside<'a>,
    tested: Option<Tested>,
    waiting: Vec<Waiting>,
    /// How many more wait than are listed, if any.
    more_waiting: Option<String>,
    events: Vec<Row>,
    may_change: bool,
    same: Option<String>,
}

impl EndpointPage<'_> {
    /// Since when events were sent again.
    fn since(&self, resent: &Resent) -> String {
        let at = read_time(&resent.since);
        at.map(|at| self.frame.language.date_and_time(at, Zone::London)).unwrap_or_default()
    }
}

/// An endpoint of the visitor's merchant, in this mode.
pub(super) async fn own(services: &Services, frame: &Frame<'_>, id: &str) -> Result<Endpoint, Problem> {
    let id: EndpointId = id.parse().map_err(|_| Problem::NotFound)?;
    let endpoint = services.endpoints.get(&frame.visitor.person.merchant_id, &id).await?;
    endpoint.filter(|endpoint| endpoint.mode == frame.mode).ok_or(Problem::NotFound)
}

/// Its page.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, id: &str, query: &str, base_url: &str) -> Answer {
    let endpoint = own(services, frame, id).await?;
    let beside = Beside { resent: Resent::read(query), ..Beside::default() };
    page(services, frame, &endpoint, beside, base_url).await
}

/// Its page, with this beside; 422 if something is wrong.
pub(super) async fn page(
    services: &Services,
    frame: &Frame<'_>,
    endpoint: &Endpoint,
    beside: Beside<'_>,
    base_url: &str,
) -> Answer {
    let may_change = frame.visitor.may(Permission::ChangeWebhooks);
    let status = if beside.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let now = services.clock.now();
    let mut paused = services.cursors.paused_of(&endpoint.id, COUNTED).await?;
    let more_waiting = more(paused.len());
    paused.truncate(LISTED);
    let tested = beside.tested.as_ref().map(|attempt| {
        let (what, class) = outcome(attempt);
        Tested { what, class, latency_ms: attempt.latency_ms }
    });
    let page = EndpointPage {
        shell: &frame.shell(),
        frame,
        path: format!("{}/webhooks/{}", frame.root(), endpoint.id),
        endpoint,
        status: Status::of(endpoint, frame.language, now),
        created_at: frame.language.date_and_time(endpoint.created_at, Zone::London),
        subscribed: subscribed(&endpoint.events),
        previous_secret_until: previous_secret_until(endpoint, frame.language, now),
        beside,
        tested,
        waiting: paused.iter().map(|cursor| waiting(cursor, frame)).collect(),
        more_waiting,
        events: events(services, endpoint, frame).await?,
        may_change,
        same: may_change.then(|| of_endpoint(endpoint, base_url)),
    };
    frame.page(status, &page)
}

/// The last events that the endpoint gets, newest first.
async fn events(services: &Services, endpoint: &Endpoint, frame: &Frame<'_>) -> Result<Vec<Row>, Problem> {
    let merchant = frame.visitor.merchant(services).await?;
    let wanted = |event: &StoredEvent| {
        endpoint.format == event.object.format()
            && event.object.is_shown()
            && endpoint.events.includes(event.event_type())
    };
    let range = ListRange { limit: LISTED, ..ListRange::default() };
    let owner = frame.visitor.owner(endpoint.mode);
    let found = services.events.list(&owner, merchant.list_sharding.shards(), range, Some(&wanted)).await?;
    let row = |event: &StoredEvent| Row {
        path: format!("{}/events/{}", frame.root(), event.id()),
        at: frame.language.date_and_time(event.created_at(), Zone::London),
        what: event.event_type().to_string(),
        of: event.object.id(),
    };
    Ok(found.items.iter().map(row).collect())
}

fn waiting(cursor: &CursorId, frame: &Frame<'_>) -> Waiting {
    Waiting { of: cursor.object_id, path: format!("{}/payments?q={}", frame.root(), cursor.object_id) }
}

/// How many more there are than are listed; of very many, only a count that they reach.
fn more(found: usize) -> Option<String> {
    let more = found.min(COUNTED).checked_sub(LISTED).filter(|more| *more > 0)?;
    Some(if found < COUNTED { more.to_string() } else { format!("at least {more}") })
}

fn subscribed(events: &Subscription) -> String {
    match events {
        Subscription::All => "All events".to_owned(),
        Subscription::Types(types) => types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn previous_secret_until(endpoint: &Endpoint, language: Language, now: Timestamp) -> Option<String> {
    endpoint.previous_secret_at(now)?;
    Some(language.date_and_time(endpoint.previous_secret_until?, Zone::London))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_up_to_a_hundred() {
        for (found, said) in [
            (0, None),
            (25, None),
            (26, Some("1")),
            (99, Some("74")),
            (100, Some("at least 75")),
            (1600, Some("at least 75")),
        ] {
            assert_eq!(more(found).as_deref(), said, "{found}");
        }
    }
}
