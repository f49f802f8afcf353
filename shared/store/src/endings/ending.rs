//! What of a session or refund that has ended is counted.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use models::{Money, Object, PaymentMethod, Refund, RefundState, Session, SessionEvent, SessionState};
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::table::Key;

/// How long after the end what is counted of it is kept; DynamoDB's TTL removes it within days after. The overview shows 90
/// days.
const KEPT: SignedDuration = SignedDuration::from_hours(100 * 24);

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    PaymentSent,
    PaymentFailed,
    PaymentCancelled,
    PaymentExpired,
    RefundSent,
    RefundFailed,
}

/// What is counted of a session or refund, by its history alone: what is put twice is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) end: End,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(crate) at: Timestamp,
    pub(crate) amount: Money,
    /// How it was paid, or would have been, if that was known by then. Not of refunds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<PaymentMethod>,
    /// Why a payment was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<SessionEvent>,
    /// Of a payment that was sent: how long after its payer's consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waited_ms: Option<u64>,
}

/// What is counted of it, and under which key: by its merchant and mode, the day of its end, and its shard of lists. None of what
/// has not ended; nor of a session that pays a refund, which is counted as that; nor of what follows a test clock, whose days
/// are not ours.
pub(crate) fn counted(object: &Object) -> Option<(Key, Ending)> {
    if object.test_clock().is_some() {
        return None;
    }
    let (refund_id, ending) = match object {
        Object::Session(session) => (None, of_session(session)?),
        Object::Refund(refund) => (Some(refund.id), of_refund(refund)?),
    };
    let pk = keys::ended_pk(object.merchant_id(), object.mode(), day_of(ending.at), object.list_shard());
    Some((Key::new(pk, keys::ended_sk(&object.session_id(), refund_id.as_ref())), ending))
}

fn of_session(session: &Session) -> Option<Ending> {
    let last = session.history.last().filter(|_| session.pays_refund.is_none())?;
    let end = match last.state {
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Pending => return None,
        SessionState::Sent => End::PaymentSent,
        SessionState::Failed => End::PaymentFailed,
        SessionState::Cancelled => End::PaymentCancelled,
        SessionState::Expired => End::PaymentExpired,
    };
    let is_sent = end == End::PaymentSent;
    let consented_at = session.history.latest_at(SessionEvent::ConsentGiven).filter(|_| is_sent);
    Some(Ending {
        end,
        at: last.at,
        amount: session.amount,
        method: providers::method_of_session(session),
        reason: (!is_sent).then_some(last.cause),
        waited_ms: consented_at.map(|from| u64::try_from(last.at.duration_since(from).as_millis()).unwrap_or(0)),
    })
}

fn of_refund(refund: &Refund) -> Option<Ending> {
    let last = refund.history.last()?;
    let end = match last.state {
        RefundState::AwaitingDetails | RefundState::AwaitingPayment => return None,
        RefundState::Sent => End::RefundSent,
        RefundState::Failed => End::RefundFailed,
    };
    Some(Ending { end, at: last.at, amount: refund.amount, method: None, reason: None, waited_ms: None })
}

/// The day, by UTC.
pub(crate) fn day_of(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

/// When a day begins, by UTC.
pub(crate) fn start_of(day: Date) -> Timestamp {
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    Offset::UTC.to_timestamp(midnight).unwrap_or(Timestamp::MAX)
}

/// Until when what happened then is kept.
pub(crate) fn kept_until(at: Timestamp) -> Timestamp {
    at.checked_add(KEPT).unwrap_or(Timestamp::MAX)
}
