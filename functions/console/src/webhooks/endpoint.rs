//! One endpoint: what it gets, how it does, what waits for it, and the last events.

use askama::Template;
use futures_util::future::try_join;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{CursorId, Endpoint, EndpointId, ObjectId, Permission, Subscription};
use pages::{Answer, Facts, Html, Language, Problem, Shell, Zone};
use store::{DeliveryAttempt, FoundBackingOff, ListRange, Search, StoredEvent};

use super::event::outcome;
use super::resent::{Resent, read_time};
use super::same::of_endpoint;
use super::status::Status;
use crate::days::Errors;
use crate::frame::Frame;
use crate::services::Services;
use crate::texts::{WebhookTexts, around, texts};

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
    latency: Html,
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
    /// Until when the previous secret is valid beside the new one.
    previous_secret_until: Option<String>,
    beside: Beside<'a>,
    tested: Option<Tested>,
    waiting: Vec<Waiting>,
    /// How many more wait than are listed, if any.
    more_waiting: Option<String>,
    /// How many wait for their next try, and until when, if any.
    backing_off: Option<Html>,
    events: Vec<Row>,
    may_change: bool,
    same: Option<String>,
}

impl EndpointPage<'_> {
    /// How many events were sent again just now.
    fn resent_heading(&self, resent: &Resent) -> Html {
        let facts = Facts::new(self.frame.language).text("n", resent.queued);
        facts.html(self.frame.texts().webhooks.resent_heading)
    }

    /// How many were sent again in all, and since when.
    fn resent_text(&self, resent: &Resent) -> Html {
        let (t, language) = (self.frame.texts().webhooks, self.frame.language);
        let at = read_time(&resent.since);
        let since = at.map(|at| language.date_and_time(at, Zone::London)).unwrap_or_default();
        let text = if resent.after.is_empty() { t.resent_all } else { t.resent_some };
        Facts::new(language).text("n", resent.in_all).text("since", since).html(text)
    }

    /// What stands before and after the header of a test event.
    fn test_hint(&self) -> (&'static str, &'static str) {
        around(self.frame.texts().webhooks.test_hint, "{header}")
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
    let paused = services.cursors.paused_of(&endpoint.id, COUNTED);
    // What backs off at an endpoint that is disabled is not tried again: when its time comes, it waits like the others.
    let backing_off = async {
        if endpoint.is_enabled() {
            services.cursors.backing_off(&endpoint.id, now, Search::Glance).await.map(Some)
        } else {
            Ok(None)
        }
    };
    let (mut paused, backing_off) = try_join(paused, backing_off).await?;
    let more_waiting = more(paused.len(), frame.language);
    paused.truncate(LISTED);
    let t = frame.texts().webhooks;
    let tested = beside.tested.as_ref().map(|attempt| {
        let (what, class) = outcome(attempt, frame.language);
        let latency = Facts::new(frame.language).text("n", attempt.latency_ms).html(t.latency);
        Tested { what, class, latency }
    });
    let page = EndpointPage {
        shell: &frame.shell(),
        frame,
        path: format!("{}/webhooks/{}", frame.root(), endpoint.id),
        endpoint,
        status: Status::of(endpoint, frame.language, now),
        created_at: frame.language.date_and_time(endpoint.created_at, Zone::London),
        subscribed: subscribed(&endpoint.events, t),
        previous_secret_until: previous_secret_until(endpoint, frame.language, now),
        beside,
        tested,
        waiting: paused.iter().map(|cursor| waiting(cursor, frame)).collect(),
        more_waiting,
        backing_off: backing_off.and_then(|found| backing_off_text(&found, frame.language)),
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
fn more(found: usize, language: Language) -> Option<String> {
    let t = texts(language).webhooks;
    let more = found.min(COUNTED).checked_sub(LISTED).filter(|more| *more > 0)?;
    let text = match more {
        1 => t.one_more,
        _ if found < COUNTED => t.more,
        _ => t.at_least_more,
    };
    Some(Facts::new(language).text("n", more).plain(text))
}

/// How many wait for their next try, and when the first is tried, if any; where not all were found, only a count that they reach.
fn backing_off_text(found: &FoundBackingOff, language: Language) -> Option<Html> {
    let t = texts(language).webhooks;
    let next = found.cursors.iter().map(|one| one.due_at).min()?;
    let count = found.cursors.len();
    let text = match (found.is_all, count) {
        (true, 1) => t.one_backs_off,
        (true, _) => t.back_off,
        (false, _) => t.at_least_back_off,
    };
    Some(Facts::new(language).text("n", count).time("time", next, Zone::London).html(text))
}

fn subscribed(events: &Subscription, t: &WebhookTexts) -> String {
    match events {
        Subscription::All => t.all_events.to_owned(),
        Subscription::Types(types) => types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn previous_secret_until(endpoint: &Endpoint, language: Language, now: Timestamp) -> Option<String> {
    endpoint.previous_secret_at(now)?;
    Some(language.date_and_time(endpoint.previous_secret_until?, Zone::London))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use models::{DisabledBy, Mode};
    use store::BackingOff;

    use super::*;
    use crate::desk::{BASE_URL, Desk, seen, words};
    use crate::frame::Part;

    #[test]
    fn what_waits_is_counted_up_to_a_hundred() {
        for (found, said) in [
            (0, None),
            (25, None),
            (26, Some("And 1 more.")),
            (99, Some("And 74 more.")),
            (100, Some("And at least 75 more.")),
            (1600, Some("And at least 75 more.")),
        ] {
            assert_eq!(more(found, Language::English).as_deref(), said, "{found}");
        }
    }

    #[test]
    fn what_backs_off_is_counted_where_all_of_it_was_found() {
        let now: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        let id = CursorId {
            object_id: samples::session_at(now).id.into(),
            merchant_id: "demo".parse().unwrap(),
            endpoint_id: samples::endpoint().id,
            replay_of: None,
        };
        let waiting = |count: i64| {
            let at = |n: i64| now + SignedDuration::from_mins(n);
            (1..=count).rev().map(|n| BackingOff { id: id.clone(), due_at: at(n) }).collect::<Vec<_>>()
        };
        let said = |count, is_all| {
            let found = FoundBackingOff { cursors: waiting(count), is_all };
            backing_off_text(&found, Language::English).map(|text| text.to_string())
        };
        for (count, is_all, start) in [
            (1, true, "Events of 1 payment or refund wait for their next try, on <time"),
            (2, true, "Events of 2 payments and refunds wait for their next try, the first on <time"),
            (1600, true, "Events of 1600 payments and refunds wait for their next try, the first on <time"),
            (1, false, "Events of 1 or more payments and refunds wait for their next try, the first by <time"),
            (1600, false, "Events of 1600 or more payments and refunds wait for their next try, the first by <time"),
        ] {
            let text = said(count, is_all).unwrap();
            assert!(text.starts_with(start) && text.contains("31 January 2026, 09:31"), "{text}");
        }
        assert_eq!([true, false].map(|is_all| said(0, is_all)), [None, None]);
    }

    #[tokio::test]
    async fn what_backs_off_is_shown_while_its_endpoint_is_enabled() {
        let desk = Desk::new().await;
        let session = desk.paid(|_| {}).await;
        for (disabled_by, is_shown) in [(None, true), (Some(DisabledBy::Merchant), false)] {
            let endpoint = Endpoint { disabled_by, ..samples::endpoint() };
            desk.services.endpoints.create(&endpoint, None).await.unwrap();
            let (cursors, now) = (&desk.services.cursors, desk.services.clock.now());
            let (merchant_id, endpoint_id) = (endpoint.merchant_id.clone(), endpoint.id);
            let cursor = CursorId { object_id: session.id.into(), merchant_id, endpoint_id, replay_of: None };
            cursors.advance(&cursor, 1, now, None).await.unwrap();
            let claim = cursors.claim(&cursor, now).await.unwrap().unwrap();
            cursors.retry_at(&claim, now + SignedDuration::from_hours(2), 3, now).await.unwrap();
            let id = endpoint.id.to_string();
            let frame = desk.frame(Mode::Test);
            let (_, html) = seen(Box::pin(show(&desk.services, &frame, &id, "", BASE_URL)).await);
            let said = words(&html);
            let text = "Events of 1 payment or refund wait for their next try, on 31 January 2026, 11:30";
            assert_eq!(said.contains(text), is_shown, "{said}");
            assert!(said.contains("Nothing waits for this endpoint to be resumed."), "{said}");
        }
    }

    #[tokio::test]
    async fn endpoints_are_shown_in_other_languages() {
        let desk = Desk::new().await;
        let endpoint = samples::endpoint();
        desk.services.endpoints.create(&endpoint, None).await.unwrap();
        let id = endpoint.id.to_string();
        for (language, heading) in [
            (Language::French, "À propos de ce point de terminaison"),
            (Language::German, "Über diesen Endpunkt"),
            (Language::Spanish, "Acerca de este punto de conexión"),
            (Language::Welsh, "Ynglŷn â’r pwynt terfyn hwn"),
        ] {
            let frame = Frame::new(&desk.visitor, Mode::Test, Part::Webhooks, language);
            let (_, html) = seen(Box::pin(show(&desk.services, &frame, &id, "", BASE_URL)).await);
            let said = words(&html);
            assert!(said.contains(heading), "{heading}: {said}");
            let english = ["About this endpoint", "What waits", "The last events"];
            assert!(!english.iter().any(|text| said.contains(text)), "{said}");
        }
    }
}
