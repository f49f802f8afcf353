//! What the mock bank whose money moves at consent calls payments and refunds: the ids say which they are.

use models::{EndToEndId, ProviderPaymentId, ProviderRefundId, whole_number};

const PREFIX: &str = "mock";

/// The id of an attempt at a payment.
pub(super) fn payment_id(payment: EndToEndId, attempt: u8) -> Option<ProviderPaymentId> {
    format!("{PREFIX}.{payment}.{attempt}").parse().ok()
}

/// Which attempt an id is of; none if the mock bank calls none so.
pub(super) fn attempt_of(id: &ProviderPaymentId) -> Option<(EndToEndId, u8)> {
    let (payment, attempt) = id.as_str().strip_prefix(PREFIX)?.strip_prefix('.')?.split_once('.')?;
    Some((payment.parse().ok()?, whole_number(attempt)?))
}

/// The id of a refund of an attempt.
pub(super) fn refund_id(payment: &ProviderPaymentId, position: u8) -> Option<ProviderRefundId> {
    format!("{payment}.{position}").parse().ok()
}

/// Which refund an id is of: of which attempt, at which position.
pub(super) fn refund_of(id: &ProviderRefundId) -> Option<(EndToEndId, u8, u8)> {
    let (payment, position) = id.as_str().rsplit_once('.')?;
    let (payment, attempt) = attempt_of(&payment.parse().ok()?)?;
    Some((payment, attempt, whole_number(position)?))
}
