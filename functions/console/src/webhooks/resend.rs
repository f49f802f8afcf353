//! Delivering to one endpoint again all that happened since a time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use lambda_http::Request;
use models::{ActChange, ActKind, ActObject};
use pages::{Answer, Problem, Zone, read_form, see_other};
use serde::{Deserialize, Serialize};
use store::{ListCursor, ListRange, ListStart, StoredEvent};

use super::act::disabled_meanwhile;
use super::endpoint::{self, Beside};
use crate::acts::{self, refused};
use crate::frame::Frame;
use crate::services::Services;

/// How many events are queued at once.
const AT_ONCE: usize = 100;

#[derive(Deserialize)]
struct ResendForm {
    #[serde(default)]
    since: String,
    /// Before which one to go on, if it goes on.
    #[serde(default)]
    after: String,
}

/// What the address of an endpoint's page says of events that were queued just now.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resent {
    /// How many.
    pub(super) queued: u16,
    pub(super) since: String,
    /// Before which there are more; empty if there are none.
    #[serde(default)]
    pub(super) after: String,
}

impl Resent {
    /// That of a query string; none if it says nothing of it.
    pub(super) fn read(query: &str) -> Option<Self> {
        serde_urlencoded::from_str(query).ok()
    }
}

/// Queues the newest of them, and leads to the endpoint's page, which says how many they are and goes on with those before. They
/// are delivered independently of each other, and of what waits.
pub(crate) async fn resend_since(
    services: &Services,
    frame: &Frame<'_>,
    id: &str,
    request: &Request,
    base_url: &str,
) -> Answer {
    let ResendForm { since, after } = read_form(request)?;
    let endpoint = endpoint::own(services, frame, id).await?;
    let Some(from) = read_time(&since) else {
        let wrong = "Since: give a date and a time, like 2026-01-31T09:30.".to_owned();
        let beside = Beside { since, errors: vec![("since", wrong)], ..Beside::default() };
        return endpoint::page(services, frame, &endpoint, beside, base_url).await;
    };
    let start = match after.as_str() {
        "" => ListStart::Newest,
        after => ListStart::After(ListCursor::of_events(after).ok_or(Problem::Malformed)?),
    };
    let mut act = acts::on_page(services, frame, ActKind::EventResent, ActObject::Endpoint(endpoint.id));
    act.change = Some(ActChange { from: String::new(), to: format!("all since {from}") });
    if !endpoint.is_enabled() {
        services.acts.put(&refused(act, "disabled_meanwhile")).await?;
        return Err(disabled_meanwhile());
    }
    // Before: each event's cursor is moved by a write of its own, and none of them without the act.
    services.acts.put(&act).await?;
    let merchant = services.merchants.get(&endpoint.merchant_id).await?.ok_or(Problem::NotFound)?;
    let wanted = |event: &StoredEvent| endpoint.wants(&event.object);
    let range = ListRange { created_from: Some(from), start, limit: AT_ONCE, ..ListRange::default() };
    let (owner, shards) = (frame.visitor.owner(frame.mode), merchant.list_sharding.shards());
    let found = services.events.list(&owner, shards, range, Some(&wanted)).await?;
    // The oldest first, as they happened.
    for event in found.items.iter().rev() {
        services.deliveries.replay(event, &[endpoint.id]).await?;
    }
    let queued = u16::try_from(found.items.len()).unwrap_or(u16::MAX);
    tracing::info!(request_id = api::request_id(request), endpoint_id = %endpoint.id, act_id = %act.id, queued, "resent");
    let resent = Resent { queued, since, after: found.next.map(|next| next.encode()).unwrap_or_default() };
    // Texts and numbers are always written.
    let query = serde_urlencoded::to_string(&resent).unwrap_or_default();
    see_other(&format!("{}/webhooks/{}?{query}", frame.root(), endpoint.id))
}

/// `2026-01-31T09:30`, by London's clocks.
fn read_time(text: &str) -> Option<Timestamp> {
    let has_its_form = (16..=19).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'T' | b':'));
    let shown: DateTime = text.parse().ok().filter(|_| has_its_form)?;
    Zone::London.time_of(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_londons() {
        for (text, read) in [
            ("2026-01-31T09:30", Some("2026-01-31T09:30:00Z")),
            ("2026-06-30T09:30:15", Some("2026-06-30T08:30:15Z")),
            ("2026-01-31", None),
            ("2026-01-31T09:30Z", None),
            ("2026-01-31T25:30", None),
            ("-009999-01-01T00:00", None),
            ("", None),
        ] {
            assert_eq!(read_time(text).map(|at| at.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn an_address_says_what_was_queued() {
        let resent = Resent { queued: 100, since: "2026-01-31T09:30".to_owned(), after: "abc".to_owned() };
        assert_eq!(Resent::read(&serde_urlencoded::to_string(&resent).unwrap()), Some(resent));
        for query in ["", "queued=x&since=a", "queued=70000&since=a", "since=a"] {
            assert_eq!(Resent::read(query), None, "{query}");
        }
    }
}
