//! The updates that refunds are changed by, as parts of the transactions that they change in.

use models::{
    Money, OnClock, PaysRefund, ProviderRefundId, Refund, RefundEvent, RefundState, SessionId, SortableTimestamp,
    WriteId,
};

use crate::change::Change;
use crate::history::{history_entry, with_key};
use crate::keys;
use crate::table::{ms, n, s};
use crate::update::Update;
use crate::write::WriteKind;

/// The most entries that a refund's history has: made, details given, ended.
const MAX_ENTRIES: usize = 3;

/// Takes `amount` of what is left of a session that was sent, pays no refund itself, and whose money was not taken back. If it
/// follows a test clock, that shows the same time as where the refund follows it. If it was `seen` how many refunds it has, only
/// if it has as many still.
pub(crate) fn reserve(session: &SessionId, amount: Money, test_clock: Option<&OnClock>, seen: Option<u32>) -> Update {
    let (amount, one) = (n(amount.minor()), n(1));
    let update = Update::new(WriteKind::RefundReserve, keys::session(session))
        .when_one_of("state", [models::SessionState::Sent.as_str()])
        .when("attribute_not_exists(#pays_refund) AND attribute_not_exists(#taken_back)", [])
        .when(
            "#refundable >= :amount OR (attribute_not_exists(#refundable) AND #amount.#minor >= :amount)",
            [(":amount", amount)],
        )
        .when("#refund_count < :most OR attribute_not_exists(#refund_count)", [(":most", n(models::MAX_REFUNDS))])
        .set_to("refundable", "if_not_exists(#refundable, #amount.#minor) - :amount", [])
        .set_to("refund_count", "if_not_exists(#refund_count, :none) + :one", [(":none", n(0)), (":one", one)]);
    let update = match seen {
        None => update,
        Some(0) => {
            update.when("attribute_not_exists(#refund_count) OR #refund_count = :seen_count", [(":seen_count", n(0))])
        }
        Some(seen) => update.when("#refund_count = :seen_count", [(":seen_count", n(seen))]),
    };
    match test_clock {
        None => update,
        Some(clock) => update.when("#test_clock.#now = :clock_now", [(":clock_now", ms(clock.now))]),
    }
}

/// Gives back what a refund had reserved.
pub(crate) fn give_back(session: &SessionId, amount: Money) -> Update {
    Update::new(WriteKind::RefundGiveBack, keys::session(session)).when("attribute_exists(#refundable)", []).set_to(
        "refundable",
        "#refundable + :amount",
        [(":amount", n(amount.minor()))],
    )
}

/// The refund's payment was submitted: from now on only the bank ends it.
pub(crate) fn payment_submitted(paid: &PaysRefund, change: &Change) -> Update {
    awaiting_payment(WriteKind::RefundSubmit, paid, &change.session_id)
        .set("submitted", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
}

/// Whether the refund's payment has an attempt open whose money moves at consent: the clock ends neither then.
pub(crate) fn payment_open_at_consent(paid: &PaysRefund, change: &Change, open: bool) -> Update {
    let update = awaiting_payment(WriteKind::RefundOpen, paid, &change.session_id);
    if open {
        update.set("open_at_consent", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
    } else {
        update.remove(&["open_at_consent"])
    }
}

/// The refund's payment ended, and the refund with it.
pub(crate) fn payment_ended(paid: &PaysRefund, change: &Change, event: RefundEvent) -> Update {
    let update = awaiting_payment(WriteKind::RefundChange, paid, &change.session_id).remove(&["open_at_consent"]);
    happened(update, event, change.at, &change.write_id)
}

fn awaiting_payment(kind: WriteKind, paid: &PaysRefund, payment: &SessionId) -> Update {
    Update::new(kind, keys::refund(&paid.session_id, &paid.refund_id))
        .when_one_of("state", [RefundState::AwaitingPayment.as_str()])
        .when("#payment_session_id = :payment", [(":payment", s(payment.to_string()))])
}

/// The provider has accepted the refund, and calls it `id`.
pub(crate) fn accepted(refund: &Refund, id: &ProviderRefundId) -> Update {
    open_at_provider(WriteKind::RefundAnswer, refund)
        .when("attribute_not_exists(#at_provider.#id) OR #at_provider.#id = :id", [(":id", s(id.as_str()))])
        .set_inside("#at_provider.#id", s(id.as_str()))
}

/// The refund ended by `event`, by the provider's word on what is known there as `refund` says.
pub(crate) fn concluded(refund: &Refund, event: RefundEvent, at: jiff::Timestamp, write_id: &WriteId) -> Update {
    let update = open_at_provider(WriteKind::RefundChange, refund);
    let update = match refund.at_provider.as_ref().and_then(|at_provider| at_provider.id.as_ref()) {
        Some(id) => update.when("#at_provider.#id = :id", [(":id", s(id.as_str()))]),
        None => update.when("attribute_not_exists(#at_provider.#id)", []),
    };
    // No provider sends money that it has not accepted to send.
    let needs_id = event.target() == Some(RefundState::Sent);
    let update = if needs_id { update.when("attribute_exists(#at_provider.#id)", []) } else { update };
    happened(update, event, at, write_id)
}

/// The provider is asked again then.
pub(crate) fn check_again_at(refund: &Refund, at: jiff::Timestamp) -> Update {
    open_at_provider(WriteKind::RefundCheckAgain, refund)
        // Later than it was: a first attempt that arrives late brings an earlier one.
        .when("#due_at < :set_due_at", [])
        .set("due_at", s(SortableTimestamp::from(at).as_str()))
}

/// A refund that its provider makes, and has not said how it ended.
fn open_at_provider(kind: WriteKind, refund: &Refund) -> Update {
    Update::new(kind, keys::refund(&refund.session_id, &refund.id))
        .when_one_of("state", [RefundState::AwaitingPayment.as_str()])
        .when("attribute_exists(#at_provider)", [])
}

/// A refund that waited for details ends by `event`.
pub(crate) fn details_ended(refund: &Refund, event: RefundEvent, at: jiff::Timestamp, write_id: &WriteId) -> Update {
    let in_time = if event == RefundEvent::TimePassed { "#expires_at <= :at" } else { "#expires_at > :at" };
    happened(awaiting_details(refund).when(in_time, [(":at", ms(at))]), event, at, write_id)
}

/// A refund's details were given, in time: `refund` is as it is then.
pub(crate) fn details_given(refund: &Refund, payment: &SessionId, at: jiff::Timestamp, write_id: &WriteId) -> Update {
    let update = awaiting_details(refund)
        .when("#expires_at > :at", [(":at", ms(at))])
        .set("payment_session_id", s(payment.to_string()))
        .set("expires_at", ms(refund.expires_at))
        .remove(&["success_url", "error_url", "due_pk", "due_at"]);
    happened(update, RefundEvent::DetailsGiven, at, write_id)
}

fn awaiting_details(refund: &Refund) -> Update {
    Update::new(WriteKind::RefundChange, keys::refund(&refund.session_id, &refund.id))
        .when_one_of("state", [RefundState::AwaitingDetails.as_str()])
}

/// State and history, whose entry is not earlier than the one before; and nothing is due any more of a refund that has ended.
fn happened(update: Update, event: RefundEvent, at: jiff::Timestamp, write_id: &WriteId) -> Update {
    // Only `Created` has no target, and nobody writes that by an update.
    let target = event.target().unwrap_or(RefundState::Failed);
    let update = with_key(update)
        .not_before_history(MAX_ENTRIES, at)
        .set("state", s(target.as_str()))
        .append("history", history_entry(target.as_str(), at, event.as_str(), write_id));
    if target.is_final() { update.remove(&["due_pk", "due_at"]) } else { update }
}
