//! Ids, as 32 hexadecimal digits.

use models::{ObjectId, RefundId, SessionId};

/// A session's id, as a path or a body names it.
pub(crate) fn read_session(text: &str) -> Option<SessionId> {
    SessionId::from_hex(text).ok()
}

/// A refund's id, which paths name as they do a session's.
pub(crate) fn read_refund(text: &str) -> Option<RefundId> {
    RefundId::from_hex(text).ok()
}

/// A session's or refund's id.
pub(crate) fn read_object(text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text).ok()
}
