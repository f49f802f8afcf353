//! The writes that sessions are put and changed by.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use models::{
    InTime, MAX_HISTORY_ENTRIES, Money, PaysRefund, RefundEvent, RefundState, Session, SessionEvent, SessionId,
    SessionState, SortableTimestamp, WireFormat,
};

use crate::change::Change;
use crate::error::StoreError;
use crate::history::{correlate_new, history_entry, with_key};
use crate::keys;
use crate::owner::Owner;
use crate::refund_writes;
use crate::table::{Item, Key, ms, n, s};
use crate::transaction::Transaction;
use crate::update::Update;
use crate::write::WriteKind;

/// A session's item as it is first put: in the index of what is due and, if it is shown, in its merchant's list.
pub(crate) fn new_item(session: &Session) -> Result<(Key, Item), StoreError> {
    let key = keys::session(&session.id);
    let mut item: Item = serde_dynamo::to_item(session)?;
    correlate_new(&mut item);
    let list_pk = keys::list_pk(&session.merchant_id, session.mode, session.format, session.list_shard);
    if session.is_shown() {
        item.insert("list_pk".into(), s(list_pk));
        item.insert("list_sk".into(), s(keys::list_sk(session.created_at, session.id)));
    }
    // What follows a test clock is due by that, and found by who advances it: the schedule never sees it.
    if session.test_clock.is_none() {
        item.insert("due_pk".into(), s(keys::due_pk(&key)));
    }
    item.insert("due_at".into(), s(SortableTimestamp::from(session.expires_at).as_str()));
    Ok((key, item))
}

/// Not deleted.
pub(crate) fn present(update: Update) -> Update {
    update.when("attribute_not_exists(#deleted_at)", [])
}

/// Of this owner, and of the format that it comes through.
pub(crate) fn owned(update: Update, owner: &Owner) -> Update {
    let update = update.when(
        "#merchant_id = :owner AND #mode = :mode",
        [(":owner", s(owner.merchant_id.as_str())), (":mode", s(owner.mode.as_str()))],
    );
    let Some(format) = owner.format else { return update };
    // The default is not written.
    let is_default = format == WireFormat::default();
    let condition = if is_default { "attribute_not_exists(#format) OR #format = :format" } else { "#format = :format" };
    let update = update.when(condition, [(":format", s(format.as_str()))]);
    // Where a format doesn't show what pays a refund, there is none for it (`Session::is_shown`).
    if format.shows_refund_link() { update } else { update.when("attribute_not_exists(#pays_refund)", []) }
}

/// The state, the history entry and the due keys of a change. Which states it can come from is the domain's word; its entry
/// is not earlier than the one before; the session's time has not passed or, if that is the event, has; and where it gives
/// up an attempt whose money moves at consent, the provider has `cancelled` the attempt with this number.
pub(crate) fn transition(change: &Change, cancelled: Option<u8>) -> Update {
    // Only `Created` has no target, and no state has it as a way out: the update's condition can't hold.
    let target = change.event.target().unwrap_or(SessionState::AwaitingPayer);
    let entry = history_entry(target.as_str(), change.at, change.event.as_str(), &change.write_id);
    let update = with_key(present(Update::new(WriteKind::SessionChange, keys::session(&change.session_id))))
        .when_one_of("state", change.event.sources().map(SessionState::as_str))
        .not_before_history(MAX_HISTORY_ENTRIES, change.at)
        .set("state", s(target.as_str()))
        .append("history", entry);
    let update = if target.is_final() { update.remove(&["due_pk", "due_at"]) } else { update };
    let update = if change.event.sources().any(SessionState::is_awaiting) { in_time(update, change) } else { update };
    if change.event.gives_up_attempt() { nothing_open(update, cancelled) } else { update }
}

fn in_time(update: Update, change: &Change) -> Update {
    let at = (":at", ms(change.at));
    let pending = (":pending", s(SessionState::Pending.as_str()));
    match change.event.in_time() {
        InTime::Before => update.when("#expires_at > :at", [at]),
        InTime::After => update.when("#expires_at <= :at", [at]),
        InTime::BeforeUnlessOpenAtConsent => update.when(
            "#expires_at > :at OR #state = :pending OR (#state = :consenting AND attribute_exists(#attempt.#at_consent))",
            [at, pending, consenting()],
        ),
    }
}

/// No attempt is open whose money moves at consent, or the provider has cancelled it.
fn nothing_open(update: Update, cancelled: Option<u8>) -> Update {
    match cancelled {
        None => update.when("attribute_not_exists(#attempt.#at_consent) OR NOT #state = :consenting", [consenting()]),
        Some(number) => update.when(
            "attribute_not_exists(#attempt.#at_consent) OR NOT #state = :consenting OR #attempt.#number = :cancelled",
            [consenting(), (":cancelled", n(number))],
        ),
    }
}

fn consenting() -> (&'static str, AttributeValue) {
    (":consenting", s(SessionState::AwaitingPaymentConsent.as_str()))
}

/// What a change of a session means for the refund that it pays.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ForRefund {
    /// Nothing.
    Nothing,
    /// Whether an attempt is open now whose money moves at consent.
    OpenAtConsent(bool),
    /// It was submitted.
    Submitted,
    /// It ended.
    Ended(RefundEvent),
}

impl ForRefund {
    /// Of an event that brings nothing but itself.
    pub(crate) const fn of(event: SessionEvent) -> Self {
        match RefundEvent::of_payment(event) {
            Some(event) => Self::Ended(event),
            None => Self::Nothing,
        }
    }

    /// A transaction, with what it means.
    pub(crate) fn add_to(
        self,
        all: Transaction,
        pays_refund: &PaysRefund,
        amount: Money,
        change: &Change,
    ) -> Transaction {
        match self {
            Self::Nothing => all,
            Self::OpenAtConsent(open) => all.update(refund_writes::payment_open_at_consent(pays_refund, change, open)),
            Self::Submitted => all.update(refund_writes::payment_submitted(pays_refund, change)),
            Self::Ended(event) => {
                let all = all.update(refund_writes::payment_ended(pays_refund, change, event));
                if event.target() == Some(RefundState::Failed) {
                    all.update(refund_writes::give_back(&pays_refund.session_id, amount))
                } else {
                    all
                }
            }
        }
    }
}

/// Of attempt `number`, which is the latest.
pub(crate) fn of_attempt(update: Update, number: u8) -> Update {
    update.when("#attempt.#number = :number", [(":number", n(number))])
}

/// From when on it is final, so that its personal data is removed when that is long enough ago.
pub(crate) fn final_keys(id: &SessionId, at: Timestamp) -> [(&'static str, AttributeValue); 2] {
    let final_pk = keys::final_pk(&keys::session(id));
    [("final_pk", s(final_pk)), ("final_at", s(SortableTimestamp::from(at).as_str()))]
}
