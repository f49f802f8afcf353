//! Reads events, and replays one.

use api::{Answer, ApiError, AttemptView, Authenticator, Caller, Format, ListParameters, Refusal, ReplayView, Route};
use deliveries::Deliveries;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{EventId, EventType, ObjectId, SessionId, whole_number};
use queue::Queue;
use runtime::{Clock, SettingError};
use store::{Events, ListCursor, ListRange, Merchants, Owner, Sessions, StoredEvent, Table};

/// The most events of one object, or attempts at one event, in an answer.
const MAX_ITEMS: usize = 100;

/// Shows and replays events.
#[derive(Debug)]
pub struct EventsFunction {
    authenticator: Authenticator,
    events: Events,
    sessions: Sessions,
    deliveries: Deliveries,
}

/// What the query string of a list asks for.
#[derive(Debug, Default)]
struct Query {
    range: ListRange,
    /// All if empty.
    types: Vec<EventType>,
    object: Option<ObjectId>,
}

impl EventsFunction {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?, runtime::Random::System);
        let webhooks = Queue::new(&config, runtime::required("WEBHOOKS_QUEUE_URL")?);
        Ok(Self::new(table, webhooks, Clock::System).await)
    }

    /// Over this table and queue, by this clock.
    pub async fn new(table: Table, webhooks: Queue, clock: Clock) -> Self {
        Self {
            authenticator: Authenticator::start(Merchants::new(table.clone()), clock.clone()).await,
            events: Events::new(table.clone()),
            sessions: Sessions::new(table.clone()),
            deliveries: Deliveries::new(table, webhooks, clock),
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let query = request.uri().query().unwrap_or("");
        match Route::of(&request) {
            Some(Route::Events) => self.list(parse_query(query)?, &caller).await,
            Some(Route::SessionEvents(id)) => {
                let owner = caller.owner_in(Format::of(&request));
                self.of_session(&api::path_id(id)?, parse_after(query)?, &owner).await
            }
            Some(Route::Attempts(id)) => {
                api::read_query(query, ListParameters::NONE, |_, _| Ok(()))?;
                let event = self.own(&api::read_event_id(id)?, &caller).await?;
                let attempts = self.events.attempts(&event.id(), MAX_ITEMS).await?;
                api::list(attempts.iter().map(AttemptView::new), None)
            }
            Some(Route::Replay(id)) => {
                let event = self.own(&api::read_event_id(id)?, &caller).await?;
                let answer = self.replay(&event).await?;
                tracing::info!(request_id = api::request_id(&request), event_id = %event.id(), key_id = %caller.key_id, "replayed");
                Ok(answer)
            }
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    /// An event of the caller's.
    async fn own(&self, id: &EventId, caller: &Caller) -> Result<StoredEvent, ApiError> {
        let event = self.events.get(id).await?;
        Ok(event.filter(|event| is_own(event, caller)).ok_or(Refusal::NotFound)?)
    }

    async fn list(&self, query: Query, caller: &Caller) -> Answer {
        let wanted = |event: &StoredEvent| query.types.is_empty() || query.types.contains(&event.event_type());
        let Some(object) = query.object else {
            let filter: Option<&(dyn Fn(&StoredEvent) -> bool + Sync)> =
                if query.types.is_empty() { None } else { Some(&wanted) };
            let shards = caller.merchant.list_sharding.shards();
            let page = self.events.list(&caller.owner(), shards, query.range, filter).await?;
            return show(&page.items, page.next.map(|cursor| cursor.encode()));
        };
        // An object has few enough events for one page.
        let range = &query.range;
        let in_range = |event: &StoredEvent| {
            range.created_from.is_none_or(|from| event.created_at() >= from)
                && range.created_before.is_none_or(|before| event.created_at() < before)
        };
        let mut events = self.events.after(&object, 0, MAX_ITEMS).await?;
        events.retain(|event| is_own(event, caller) && wanted(event) && in_range(event));
        events.reverse();
        events.truncate(range.limit);
        show(&events, None)
    }

    /// The events of a session after this sequence number, in order: for clients that poll.
    async fn of_session(&self, id: &SessionId, after: usize, owner: &Owner) -> Answer {
        let session = self.sessions.get(id).await?;
        session.filter(|session| owner.owns(session)).ok_or(Refusal::NotFound)?;
        show(&self.events.after(&(*id).into(), after, MAX_ITEMS).await?, None)
    }

    /// Delivers the event again to every endpoint that subscribes to its type now.
    async fn replay(&self, event: &StoredEvent) -> Answer {
        let subscribers = self.deliveries.subscribers(event).await?;
        if subscribers.is_empty() {
            let title = format!("no enabled webhook endpoint is notified of {}", event.event_type());
            return Err(Refusal::InvalidAction { title, parameter: None }.into());
        }
        self.deliveries.replay(event, &subscribers).await?;
        api::json(StatusCode::ACCEPTED, &ReplayView::new(event, &subscribers))
    }
}

fn is_own(event: &StoredEvent, caller: &Caller) -> bool {
    let object = &event.object;
    *object.merchant_id() == caller.merchant.id && object.mode() == caller.mode() && object.is_shown()
}

/// Those of what is shown, in formats that are served: one that isn't keeps nobody from the others.
fn show(events: &[StoredEvent], next_cursor: Option<String>) -> Answer {
    let shown = events.iter().filter(|event| event.object.is_shown());
    let served = shown.filter_map(|event| match api::event(event, false) {
        Ok(shown) => Some(shown),
        Err(error) => {
            tracing::warn!(event_id = %event.id(), %error, "an event is not listed");
            None
        }
    });
    api::list(served, next_cursor)
}

fn parse_query(query: &str) -> Result<Query, Refusal> {
    let (mut types, mut object) = (Vec::new(), None);
    let known = ListParameters { once: &["object"], repeated: &["type"] };
    // An object's events are in one page.
    let of_object = api::gives(query, "object");
    let cursor = |text: &str| if of_object { Ok(None) } else { api::list_cursor(ListCursor::of_events(text)) };
    let range = api::list_query(query, known, cursor, |name, value| {
        if name == "object" {
            object = Some(api::read_object_id(value).ok_or("must be the id of a payment session or refund")?);
        } else {
            let several: Option<Vec<EventType>> = value.split(',').map(|text| text.parse().ok()).collect();
            types.extend(several.ok_or("must be an event type, or several with commas between them")?);
        }
        Ok(())
    })?;
    Ok(Query { range, types, object })
}

fn parse_after(query: &str) -> Result<usize, Refusal> {
    let mut after = 0;
    api::read_query(query, ListParameters { once: &["after"], repeated: &[] }, |_, value| {
        after = whole_number(value).ok_or("must be the sequence number of an event, or 0")?;
        Ok(())
    })?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use store::ListStart;

    use super::*;

    fn refused(query: &str) -> Vec<String> {
        match parse_query(query) {
            Err(Refusal::Invalid(violations)) => violations.into_iter().filter_map(|wrong| wrong.parameter).collect(),
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn reads_what_events_can_be_asked_for() {
        let query = parse_query("type=refund.sent,refund.failed&type=payment_session.sent&limit=2").unwrap();
        assert_eq!((query.types.len(), query.range.limit), (3, 2));
        // An object's events are in one page, so that no cursor counts.
        let object = "object=1AE1CE03-dfa9-4593-b487-65c656991cb5";
        let escaped = format!("%6F{}", object.trim_start_matches('o'));
        for query in [
            object.to_owned(),
            format!("{object}&cursor=x"),
            format!("cursor=x&{object}"),
            format!("{escaped}&cursor=x"),
            format!("cursor=x&{escaped}"),
        ] {
            let query = parse_query(&query).unwrap();
            assert_eq!(query.object.unwrap().to_string(), "1ae1ce03-dfa9-4593-b487-65c656991cb5");
            assert_eq!(query.range.start, ListStart::Newest);
        }
    }

    #[test]
    fn names_every_parameter_that_is_wrong() {
        assert_eq!(refused("cursor=x"), ["cursor"]);
        assert_eq!(refused("cursor=object%3Dx"), ["cursor"]);
        assert_eq!(refused("types=refund.sent&type[]=refund.sent"), ["types", "type[]"]);
        assert_eq!(refused("object=x&cursor=x"), ["object"]);
        let object = "object=1ae1ce03-dfa9-4593-b487-65c656991cb5";
        assert_eq!(refused(&format!("{object}&{object}")), ["object"]);
        assert!(parse_after("after=3").is_ok_and(|after| after == 3));
        for query in ["after=+3", "after=03", "after=-1", "after=1&after=1", "limit=1", "after[]=1"] {
            assert!(matches!(parse_after(query), Err(Refusal::Invalid(_))), "{query}");
        }
    }
}
