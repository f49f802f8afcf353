//! Refunds: reading what is asked for, and showing it.

#![expect(clippy::todo, reason = "is written next")]

use jiff::Timestamp;
use models::{NewRefund, NotRefundable, Refund};

use crate::answer::Answer;
use crate::error::Refusal;
use crate::json::Json;
use crate::list::RefundListRequest;

/// What a client calls the payment that is refunded.
pub(crate) const SESSION_ID: &str = "meta.session_id";

/// Reads a request for a refund.
///
/// # Errors
/// 400 with everything that is wrong.
pub(crate) fn parse_refund(_body: &Json<'_>) -> Result<NewRefund, Refusal> {
    todo!()
}

/// Why a session is not refunded.
pub(crate) fn not_refundable(_why: NotRefundable) -> Refusal {
    todo!()
}

/// Reads which of the refunds of the session in the path are asked for.
///
/// # Errors
/// 400 with the parameter that is wrong; 404 if the session's id is none.
pub(crate) fn list_of(_id: &str, _query: &str) -> Result<RefundListRequest, Refusal> {
    todo!()
}

/// The answer to the making of a refund.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn refund_created(_refund: &Refund) -> Answer {
    todo!()
}

/// A refund as it is at `now`.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn refund(_refund: &Refund, _now: Timestamp) -> Answer {
    todo!()
}

/// Those of a session's refunds, which come oldest first, that are asked for.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn refunds(_refunds: &[Refund], _asked: &RefundListRequest, _now: Timestamp) -> Answer {
    todo!()
}
