//! The writes that sessions are put and changed by.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use models::{
    Money, PaysRefund, RefundEvent, RefundState, Session, SessionEvent, SessionId, SessionState, SortableTimestamp,
    WireFormat,
};

use crate::change::Change;
use crate::error::StoreError;
use crate::history::{correlate_first, history_entry};
use crate::keys;
use crate::owner::Owner;
use crate::refund_writes;
use crate::table::{Item, Key, ms, s};
use crate::transaction::Transaction;
use crate::update::Update;
use crate::write::WriteKind;

/// The most entries that a session's history has: created, identified, consented and ended, and each choice of a bank.
const MAX_ENTRIES: usize = 4 + models::MAX_ATTEMPTS as usize;

/// A session's item as it is first put, in both indexes.
pub(crate) fn new_item(session: &Session) -> Result<(Key, Item), StoreError> {
    let key = keys::session(&session.id);
    let mut item: Item = serde_dynamo::to_item(session)?;
    correlate_first(&mut item);
    item.insert("list_pk".into(), s(keys::list_pk(&session.merchant_id, session.mode, session.list_shard)));
    item.insert("list_sk".into(), s(keys::list_sk(session.created_at, session.id)));
    item.insert("due_pk".into(), s(keys::due_pk(&key)));
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
    update.when(condition, [(":format", s(format.as_str()))])
}

/// The state, the history entry and the due keys of a change. Which states it can come from is the domain's word; its entry
/// is not earlier than the one before; and the session's time has not passed or, if that is the event, has.
pub(crate) fn transition(change: &Change) -> Update {
    // Only `Created` has no target, and no state has it as a way out: the update's condition can't hold.
    let target = change.event.target().unwrap_or(SessionState::AwaitingPayer);
    let entry = history_entry(target.as_str(), change.at, change.event.as_str(), &change.write_id);
    let update = present(Update::new(WriteKind::SessionChange, keys::session(&change.session_id)))
        .when_one_of("state", change.event.sources().map(SessionState::as_str))
        .not_before_history(MAX_ENTRIES, change.at)
        .set("state", s(target.as_str()))
        .append("history", entry);
    let update = if target.is_final() { update.remove(&["due_pk", "due_at"]) } else { update };
    let at = (":at", ms(change.at));
    if change.event == SessionEvent::TimePassed {
        update.when("#expires_at <= :at", [at])
    } else if change.event.sources().any(SessionState::is_awaiting) {
        let pending = (":pending", s(SessionState::Pending.as_str()));
        update.when("#expires_at > :at OR #state = :pending", [at, pending])
    } else {
        update
    }
}

/// A transaction, with what a change of the payment session means for its refund.
pub(crate) fn with_refund(all: Transaction, pays_refund: &PaysRefund, amount: Money, change: &Change) -> Transaction {
    match RefundEvent::of_payment(change.event) {
        Some(event) => {
            let all = all.update(refund_writes::payment_ended(pays_refund, change, event));
            if event.target() == Some(RefundState::Failed) {
                all.update(refund_writes::give_back(&pays_refund.session_id, amount))
            } else {
                all
            }
        }
        None => all.update(refund_writes::payment_submitted(pays_refund, change)),
    }
}

/// From when on it is final, so that its personal data is removed when that is long enough ago.
pub(crate) fn final_keys(id: &SessionId, at: Timestamp) -> [(&'static str, AttributeValue); 2] {
    let final_pk = keys::final_pk(&keys::session(id));
    [("final_pk", s(final_pk)), ("final_at", s(SortableTimestamp::from(at).as_str()))]
}
