//! What needs a person, of what a bounded search of the newest payments finds, and which mails did not arrive within the last
//! week.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use models::{ListShards, PaymentMethod, Session, SessionState};
use pages::{Facts, Zone};
use store::{ListRange, ListStart, StoreError};

use crate::frame::Frame;
use crate::paths::payment_path;
use crate::refunds;
use crate::services::Services;
use crate::webhooks::Status;
use crate::words::method_of;

/// How many payments are named that are pending for too long.
const PENDING: usize = 10;

/// How many notes of mails that did not arrive are read.
const BOUNCES: usize = 20;

/// Something that needs a person, and where it is mended.
pub(super) struct Need {
    pub(super) path: String,
    /// What it is about: a name that others gave it.
    pub(super) name: String,
    pub(super) text: String,
}

/// What needs a person.
pub(super) struct Needs {
    pub(super) found: Vec<Need>,
    /// Says how far back payments and their refunds were searched; none if all were.
    pub(super) searched_to: Option<String>,
}

/// What needs a person now, most urgent first.
pub(super) async fn find(
    services: &Services,
    frame: &Frame<'_>,
    shards: ListShards,
    now: Timestamp,
) -> Result<Needs, StoreError> {
    let owner = frame.visitor.owner(frame.mode);
    let (t, facts) = (frame.texts().overview, || Facts::new(frame.language));
    let range = ListRange { limit: PENDING, ..ListRange::default() };
    let is_late = |session: &Session| late_since(session, now).is_some();
    let pending = services.sessions.search(&owner, shards, range, None, Some(&is_late)).await?;
    let mut found: Vec<Need> = Vec::new();
    for session in &pending.items {
        let Some(since) = late_since(session, now) else { continue };
        let facts = facts().amount("amount", &session.amount).time("since", since, Zone::London);
        found.push(Need {
            path: payment_path(frame.mode, session.id),
            name: session.reference.as_str().to_owned(),
            text: facts.plain(t.pending_since),
        });
    }
    let (refunds, refunds_next) = refunds::find(services, &owner, shards, ListStart::Newest).await?;
    let to_authorise = refunds.iter().filter(|refund| refund.authorisation_url_at(now).is_some()).count();
    if to_authorise > 0 {
        found.push(Need {
            path: format!("{}/refunds", frame.root()),
            name: frame.texts().frame.refunds.to_owned(),
            text: facts().text("n", to_authorise).plain(if to_authorise == 1 { t.one_awaits } else { t.others_await }),
        });
    }
    for endpoint in services.endpoints.of(&owner.merchant_id).await? {
        let status = Status::of(&endpoint, frame.language, now);
        if endpoint.mode == frame.mode && status.class == "bad" {
            found.push(Need {
                path: format!("{}/webhooks/{}", frame.root(), endpoint.id),
                name: endpoint.url.as_str().to_owned(),
                text: status.text,
            });
        }
    }
    let mut named = BTreeSet::new();
    for bounce in services.bounces.newest(&owner, now, BOUNCES).await? {
        // What was suppressed after the first came to nothing more.
        if named.insert(bounce.session_id) {
            found.push(Need {
                path: payment_path(frame.mode, bounce.session_id),
                name: facts().text("id", bounce.session_id).plain(t.payment_name),
                text: facts().time("at", bounce.at, Zone::London).plain(t.mail_not_arrived),
            });
        }
    }
    // The nearer one: nothing older was searched for everything.
    let searched = [pending.next, refunds_next].into_iter().flatten();
    let searched_to = searched.filter_map(|next| next.created_at()).max();
    let searched_to = searched_to.map(|to| facts().time("to", to, Zone::London).plain(t.searched_to));
    Ok(Needs { found, searched_to })
}

/// Since when a payment is pending, if that is for longer than payments by its method are.
fn late_since(session: &Session, now: Timestamp) -> Option<Timestamp> {
    let since = session.pending_since().filter(|_| session.state == SessionState::Pending)?;
    (session.now(now).duration_since(since) > patience(method_of(session))).then_some(since)
}

/// How long a payment is pending at the most, as a rule.
const fn patience(method: Option<PaymentMethod>) -> SignedDuration {
    match method {
        Some(
            PaymentMethod::Card
            | PaymentMethod::CardPresent
            | PaymentMethod::DirectTransfer
            | PaymentMethod::PayByBank
            | PaymentMethod::BuyNowPayLater,
        )
        | None => SignedDuration::from_hours(1),
        // Some working days at the payer's bank, and the notice before.
        Some(PaymentMethod::BacsDebit | PaymentMethod::SepaDebit | PaymentMethod::Autogiro) => {
            SignedDuration::from_hours(10 * 24)
        }
        // The payer makes it when they come to it.
        Some(PaymentMethod::BankTransfer | PaymentMethod::GbpCreditTransfer) => SignedDuration::from_hours(14 * 24),
    }
}
