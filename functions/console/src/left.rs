//! What is left of a payment to refund.

use jiff::Timestamp;
use models::{MAX_REFUNDS, Money, NotRefundable, Refund, Session, left_of};
use payments::{Payments, RefundWay};

/// What is left of a session at `now`, at least the least there is: also what refunds reserve whose time has passed, which is
/// given back before another is made.
///
/// # Errors
/// Why it can't be refunded.
pub(crate) fn left(
    payments: &Payments,
    session: &Session,
    refunds: &[Refund],
    now: Timestamp,
) -> Result<Money, NotRefundable> {
    session.refundable(now)?;
    if session.refund_count >= MAX_REFUNDS {
        return Err(NotRefundable::TooMany);
    }
    let left = left_of(session.amount, refunds, now);
    if left.minor() < 1 {
        return Err(NotRefundable::NothingLeft { left });
    }
    match payments.refund_way(session) {
        RefundWay::ByProvider | RefundWay::ToPayer(_) | RefundWay::ToBeAsked(_) => Ok(left),
        RefundWay::None => Err(NotRefundable::NotByBank(left.currency())),
    }
}
