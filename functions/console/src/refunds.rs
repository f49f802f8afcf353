//! Refunds, those first that await somebody. There is no list of refunds: they are found at their payments, newest first, and by
//! the payments that pay them; a page says how far it searched.

use std::collections::BTreeMap;

use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{ListShards, Permission, Refund, RefundId, RefundState, Session};
use pages::{Answer, Facts, Html, Problem, Shell, Zone};
use store::{ListCursor, ListRange, ListStart, Owner, StoreError};

use crate::frame::Frame;
use crate::paths::payment_path;
use crate::services::Services;
use crate::words::{refund_state_of, refund_state_text};

/// How many payments with refunds one page shows the refunds of: each is a query.
const PAYMENTS: usize = 25;

/// A refund, as a row shows it.
struct Row {
    amount: String,
    reference: String,
    made_at: String,
    /// With what stands before the link, if there is one.
    state: String,
    payment_path: String,
    /// Where the merchant authorises it, for who may.
    authorise_at: Option<String>,
}

/// The page.
#[derive(Template)]
#[template(path = "refunds.html")]
struct RefundsPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    /// Heading and rows, in the order of how urgent they are.
    groups: Vec<(&'static str, Vec<Row>)>,
    /// Whether it begins with the newest payments.
    is_newest: bool,
    /// That there are none; none if there are.
    empty: Option<&'static str>,
    /// How far was searched; none if all was.
    searched_to: Option<Html>,
    /// Where the search goes on.
    older: Option<String>,
}

/// A page of the refunds of the newest payments, or of those after the position in the address.
pub(crate) async fn list(services: &Services, frame: &Frame<'_>, query: &str) -> Answer {
    let start = match query.strip_prefix("after=") {
        None if query.is_empty() => ListStart::Newest,
        None => return Err(Problem::Malformed),
        Some(after) => ListStart::After(ListCursor::of_sessions(after).ok_or(Problem::Malformed)?),
    };
    let owner = frame.visitor.owner(frame.mode);
    let merchant = frame.visitor.merchant(services).await?;
    let (refunds, next) = find(services, &owner, merchant.list_sharding.shards(), start).await?;
    let now = services.clock.now();
    let t = frame.texts().refunds;
    let (is_newest, groups) = (query.is_empty(), groups(&refunds, frame, now));
    let searched_to = next.as_ref().and_then(ListCursor::created_at);
    let none = match (is_newest, searched_to) {
        (true, None) => t.none,
        (true, Some(_)) => t.none_so_far,
        (false, None) => t.none_more,
        (false, Some(_)) => t.none_more_so_far,
    };
    let page = RefundsPage {
        shell: frame.shell(),
        frame,
        empty: groups.is_empty().then_some(none),
        groups,
        is_newest,
        searched_to: searched_to.map(|at| Facts::new(frame.language).time("at", at, Zone::London).html(t.searched_to)),
        older: next.map(|next| format!("{}/refunds?after={}", frame.root(), next.encode())),
    };
    frame.page(StatusCode::OK, &page)
}

/// The refunds of a page of payments, newest first, and where the search goes on.
pub(crate) async fn find(
    services: &Services,
    owner: &Owner,
    shards: ListShards,
    start: ListStart,
) -> Result<(Vec<Refund>, Option<ListCursor>), StoreError> {
    let range = ListRange { start, limit: PAYMENTS, ..ListRange::default() };
    let has_refunds = |session: &Session| session.refund_count > 0 || session.pays_refund.is_some();
    let page = services.sessions.search(owner, shards, range, None, Some(&has_refunds)).await?;
    let mut refunds: BTreeMap<RefundId, Refund> = BTreeMap::new();
    for session in &page.items {
        let found = match &session.pays_refund {
            Some(paid) if refunds.contains_key(&paid.refund_id) => vec![],
            Some(paid) => services.refunds.find(&paid.session_id, &paid.refund_id).await?.into_iter().collect(),
            None => services.refunds.of(&session.id).await?.refunds,
        };
        refunds.extend(found.into_iter().map(|refund| (refund.id, refund)));
    }
    let mut refunds: Vec<Refund> = refunds.into_values().filter(|refund| owner.owns_refund(refund)).collect();
    refunds.sort_by_key(|refund| std::cmp::Reverse((refund.created_at, refund.id)));
    Ok((refunds, page.next))
}

fn groups(refunds: &[Refund], frame: &Frame<'_>, now: Timestamp) -> Vec<(&'static str, Vec<Row>)> {
    let t = frame.texts().refunds;
    let mut groups = [
        (refund_state_text(RefundState::AwaitingPayment, frame.language), vec![]),
        (refund_state_text(RefundState::AwaitingDetails, frame.language), vec![]),
        (t.others, vec![]),
    ];
    for refund in refunds {
        let [(_, authorise), (_, details), (_, others)] = &mut groups;
        let group = match refund.state_at(now) {
            RefundState::AwaitingDetails => details,
            RefundState::AwaitingPayment if refund.submitted => others,
            RefundState::AwaitingPayment => authorise,
            RefundState::Sent | RefundState::Failed => others,
        };
        let may_authorise = frame.visitor.may(Permission::MoveMoney);
        let authorise_at = refund.authorisation_url_at(now).filter(|_| may_authorise);
        let state = refund_state_of(refund, frame.language, now).text;
        let state = match authorise_at {
            Some(_) => Facts::new(frame.language).text("state", state).plain(t.state_before_link),
            None => state.to_owned(),
        };
        group.push(Row {
            amount: frame.language.amount(&refund.amount),
            reference: refund.reference.as_str().to_owned(),
            made_at: frame.language.date_and_time(refund.created_at, Zone::London),
            state,
            payment_path: format!("{}#refunds", payment_path(frame.mode, refund.session_id)),
            authorise_at,
        });
    }
    groups.into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use models::{Mode, Role};

    use super::*;
    use crate::desk::{Desk, seen, words};

    async fn refunds_page(desk: &Desk, query: &str) -> (u16, String) {
        seen(Box::pin(list(&desk.services, &desk.frame(Mode::Test), query)).await)
    }

    #[tokio::test]
    async fn what_awaits_the_merchant_comes_first() {
        let mut desk = Desk::new().await;
        assert!(words(&refunds_page(&desk, "").await.1).contains("No refunds"), "an empty page");
        for withheld in [false, true, false] {
            let session = desk
                .paid(|session| {
                    if withheld {
                        session.payer_account = None;
                    }
                })
                .await;
            let creation = samples::refund_creation(desk.services.clock.now());
            let (refund, payment) =
                Refund::create(&session, samples::new_refund(&session, Some(100)), creation).unwrap();
            desk.services.refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
        }
        desk.paid(|_| {}).await;
        let (status, html) = refunds_page(&desk, "").await;
        let said = words(&html);
        assert_eq!(status, 200);
        assert_eq!(said.matches("£1.00").count(), 3, "each once: {said}");
        let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text}: {said}"));
        assert!(at("Awaits your authorisation") < at("Awaits the payer’s account"), "{said}");
        assert_eq!(html.matches("/checkout/").count(), 2, "{html}");
        assert!(said.contains("These are all refunds"), "{said}");
        desk.visitor.person.role = Role::Look;
        assert!(!refunds_page(&desk, "").await.1.contains("/checkout/"), "who only looks authorises nothing");
        for query in ["after=", "after=x", "before=x", "x"] {
            assert_eq!(refunds_page(&desk, query).await.0, 400, "{query}");
        }
    }

    #[tokio::test]
    async fn a_page_says_how_far_it_searched() {
        let desk = Desk::new().await;
        for _ in 0..=PAYMENTS {
            desk.paid(|session| session.refund_count = 1).await;
        }
        let (_, html) = refunds_page(&desk, "").await;
        let (_, rest) = html.split_once("/console/test/refunds?").unwrap();
        let query = rest.split_once('"').unwrap().0;
        assert!(words(&html).contains("Searched the payments back to 31 January 2026, 09:30 (London time)"), "{html}");
        let (status, older) = refunds_page(&desk, query).await;
        assert_eq!(status, 200);
        assert!(words(&older).contains("No more refunds"), "{older}");
    }
}
