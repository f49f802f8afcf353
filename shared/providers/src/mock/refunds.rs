//! The refunds of the mock bank whose money moves at consent.

use jiff::{SignedDuration, Timestamp};
use models::{EndToEndId, ProviderRequest, RefundId};
use serde::{Deserialize, Serialize};

use super::ids;
use super::ledger::{Entry, Ledger, RefundOrder};
use super::refusal::Refusal;
use crate::port::{ProviderError, RefundAnswer, RefundRefusal, RefundStatus};

/// How long a refund takes that does not settle at once.
const DELAY: SignedDuration = SignedDuration::from_secs(10);

/// How many refunds of one payment the mock bank makes.
const MAX_REFUNDS: u8 = 100;

/// What the mock bank is sent to pay a part of a payment back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RefundBody {
    pub(super) refund_id: RefundId,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
}

/// A settled payment of which a part may be paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) payment: EndToEndId,
    pub(super) attempt: u8,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
}

/// What becomes of a refund: the last two digits of its amount say so, so that a shop can try each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// `91`: refused at once.
    RefusedAtOnce,
    /// `92`: accepted, and refused after [`DELAY`].
    RefusedLater,
    /// `93`: accepted, and settled after [`DELAY`].
    SettledLater,
    /// Any other: settled at once.
    SettledAtOnce,
}

impl Course {
    const fn of(amount_minor: i64) -> Self {
        match amount_minor % 100 {
            91 => Self::RefusedAtOnce,
            92 => Self::RefusedLater,
            93 => Self::SettledLater,
            _ => Self::SettledAtOnce,
        }
    }
}

/// How a refund stands that was accepted.
pub(super) fn status(order: &RefundOrder, now: Timestamp) -> RefundStatus {
    let waiting = now.duration_since(order.asked_at) < DELAY;
    match Course::of(order.amount_minor) {
        Course::RefusedLater | Course::SettledLater if waiting => RefundStatus::Accepted,
        Course::SettledAtOnce | Course::SettledLater => RefundStatus::Settled,
        Course::RefusedAtOnce | Course::RefusedLater => RefundStatus::Refused,
    }
}

/// Pays a part of a payment back. Refunds stand at positions without gaps, each of which is written once: so none is made
/// twice under its key, and all together never exceed what was paid, whatever races.
pub(super) async fn refund(
    ledger: &impl Ledger,
    paid: &Paid,
    body: &RefundBody,
    request: &ProviderRequest,
    now: Timestamp,
) -> Result<RefundAnswer, ProviderError> {
    let by_provider = Ok(RefundAnswer::Refused(RefundRefusal::ByProvider));
    if body.currency != paid.currency || body.amount_minor < 1 || Course::of(body.amount_minor) == Course::RefusedAtOnce
    {
        return by_provider;
    }
    let mut left = paid.amount_minor;
    for position in 1..=MAX_REFUNDS {
        let entry = Entry::Refund { attempt: paid.attempt, position };
        let order: RefundOrder = match ledger.get(paid.payment, entry).await? {
            Some(order) => order,
            None if body.amount_minor > left => return Ok(RefundAnswer::Refused(RefundRefusal::TooMuch)),
            None => {
                let order = RefundOrder {
                    idempotency_key: request.idempotency_key.clone(),
                    body: request.body.clone(),
                    amount_minor: body.amount_minor,
                    asked_at: now,
                };
                ledger.put(paid.payment, entry, order).await?
            }
        };
        if order.idempotency_key == request.idempotency_key {
            return match ids::payment_id(paid.payment, paid.attempt).and_then(|id| ids::refund_id(&id, position)) {
                Some(id) if order.body == request.body => Ok(RefundAnswer::Accepted(id)),
                Some(_) | None => Err(ProviderError::refused(Refusal::DifferentRequest)),
            };
        }
        match status(&order, now) {
            RefundStatus::Accepted | RefundStatus::Settled | RefundStatus::Unknown => left -= order.amount_minor,
            RefundStatus::Refused => {}
        }
    }
    by_provider
}
