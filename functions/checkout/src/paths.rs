//! Where pages are, and how one leads to another.

use models::{RefundId, Session, SessionId};

/// A session's own page.
pub(crate) fn checkout_path(id: &SessionId) -> String {
    format!("/checkout/{id}")
}

/// Where a payer comes back from a bank.
pub(crate) fn return_path(id: &SessionId) -> String {
    format!("{}/return", checkout_path(id))
}

/// A refund's own page, which all of its forms are sent to as well: to reload a form's answer is to load the page.
pub(crate) fn refund_path(id: &RefundId) -> String {
    format!("/refunds/{id}")
}

/// The path of a URL below the session's base URL.
pub(crate) fn own_path<'a>(session: &Session, url: &'a str) -> Option<&'a str> {
    url.strip_prefix(session.base_url.as_str()).filter(|path| path.starts_with('/') && !path.starts_with("//"))
}
