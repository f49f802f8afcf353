//! Where the console's pages are.

use models::{Mode, RefundId, SessionId};

/// Where those of a mode are.
pub(crate) fn root(mode: Mode) -> String {
    format!("/console/{}", mode.as_str())
}

/// The page of a payment.
pub(crate) fn payment_path(mode: Mode, id: SessionId) -> String {
    format!("{}/payments/{id}", root(mode))
}

/// The form of a refund.
pub(crate) fn refund_path(mode: Mode, id: SessionId) -> String {
    format!("{}/refund", payment_path(mode, id))
}

/// The form by which a payment is cancelled.
pub(crate) fn cancel_path(mode: Mode, id: SessionId) -> String {
    format!("{}/cancel", payment_path(mode, id))
}

/// The form by which a payment link is made.
pub(crate) fn links_path(mode: Mode) -> String {
    format!("{}/links", root(mode))
}

/// The page with the link by which a payment is paid.
pub(crate) fn link_path(mode: Mode, id: SessionId) -> String {
    format!("{}/link", payment_path(mode, id))
}

/// The form by which a refund is cancelled.
pub(crate) fn cancel_refund_path(mode: Mode, id: RefundId) -> String {
    format!("{}/refunds/{id}/cancel", root(mode))
}
