//! Delivering to one endpoint again all that happened since a time.

use lambda_http::Request;
use models::{ActChange, ActKind, ActObject};
use pages::{Answer, Facts, Problem, read_form, see_other};
use serde::Deserialize;
use store::{ListCursor, ListRange, ListStart, StoredEvent};

use super::act::disabled_meanwhile;
use super::endpoint::{self, Beside};
use super::resent::{AT_ONCE, Resent, read_time};
use crate::acts::{self, refused};
use crate::frame::Frame;
use crate::services::Services;

#[derive(Deserialize)]
struct ResendForm {
    #[serde(default)]
    since: String,
    /// Before which one to go on, if it goes on.
    #[serde(default)]
    after: String,
    /// How many were queued before, if it goes on.
    #[serde(default)]
    before: u32,
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
    let ResendForm { since, after, before } = read_form(request)?;
    let endpoint = endpoint::own(services, frame, id).await?;
    let Some(from) = read_time(&since) else {
        let facts = Facts::new(frame.language).text("example", "2026-01-31T09:30");
        let wrong = facts.plain(frame.texts().webhooks.since_wrong);
        let beside = Beside { since, errors: vec![("since", wrong)], ..Beside::default() };
        return endpoint::page(services, frame, &endpoint, beside, base_url).await;
    };
    let after = match after.as_str() {
        "" => None,
        after => Some(ListCursor::of_events(after).ok_or(Problem::Malformed)?),
    };
    let mut act = acts::on_page(services, frame, ActKind::EventResent, ActObject::Endpoint(endpoint.id));
    let to = match after.as_ref().and_then(ListCursor::created_at) {
        None => format!("all since {from}"),
        Some(before) => format!("since {from}, before {before}"),
    };
    act.change = Some(ActChange { from: String::new(), to });
    if !endpoint.is_enabled() {
        services.acts.put(&refused(act, "disabled_meanwhile")).await?;
        return Err(disabled_meanwhile());
    }
    // Before: each event's cursor is moved by a write of its own, and none of them without the act.
    services.acts.put(&act).await?;
    let merchant = services.merchants.get(&endpoint.merchant_id).await?.ok_or(Problem::NotFound)?;
    let wanted = |event: &StoredEvent| endpoint.wants(&event.object);
    let start = after.map_or(ListStart::Newest, ListStart::After);
    let range = ListRange { created_from: Some(from), start, limit: AT_ONCE, ..ListRange::default() };
    let (owner, shards) = (frame.visitor.owner(frame.mode), merchant.list_sharding.shards());
    let found = services.events.list(&owner, shards, range, Some(&wanted)).await?;
    // The oldest first, as they happened.
    for event in found.items.iter().rev() {
        services.deliveries.replay(event, &[endpoint.id]).await?;
    }
    let queued = u16::try_from(found.items.len()).unwrap_or(u16::MAX);
    tracing::info!(request_id = api::request_id(request), endpoint_id = %endpoint.id, act_id = %act.id, queued, "resent");
    let in_all = before.saturating_add(queued.into());
    let after = found.next.map(|next| next.encode()).unwrap_or_default();
    let resent = Resent { queued, in_all, since, after };
    // Texts and numbers are always written.
    let query = serde_urlencoded::to_string(&resent).unwrap_or_default();
    see_other(&format!("{}/webhooks/{}?{query}", frame.root(), endpoint.id))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use jiff::SignedDuration;
    use models::{Mode, Role};

    use super::*;
    use crate::desk::{BASE_URL, Desk, form, seen, words};

    #[tokio::test]
    async fn what_goes_on_says_so_in_its_act_and_adds_up() {
        let mut desk = Desk::new().await;
        desk.visitor.person.role = Role::Develop;
        let endpoint = samples::endpoint();
        desk.services.endpoints.create(&endpoint, None).await.unwrap();
        let id = endpoint.id.to_string();
        let first = format!("2026-01-31T09:30:00.000Z#evt_{}_1", samples::uuid());
        let first = BASE64_URL_SAFE_NO_PAD.encode(first);
        let since = ("since", "2026-01-30T09:30");
        for (fields, in_all, to) in [
            (vec![since], "0 in all since 30 January 2026, 09:30", "all since 2026-01-30T09:30:00Z"),
            (
                vec![since, ("after", first.as_str()), ("before", "137")],
                "137 in all since 30 January 2026, 09:30",
                "since 2026-01-30T09:30:00Z, before 2026-01-31T09:30:00Z",
            ),
        ] {
            desk.advance(SignedDuration::from_millis(1));
            let frame = desk.frame(Mode::Test);
            let answer = Box::pin(resend_since(&desk.services, &frame, &id, &form(&fields), BASE_URL)).await;
            let (status, location) = seen(answer);
            assert_eq!(status, 303, "{location}");
            let (_, query) = location.split_once('?').unwrap();
            let page = Box::pin(endpoint::show(&desk.services, &frame, &id, query, BASE_URL)).await;
            let said = words(&seen(page).1);
            assert!(said.contains(in_all), "{said}");
            assert_eq!(desk.acts().await.pop().unwrap().change.unwrap().to, to);
        }
    }
}
