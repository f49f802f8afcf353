//! Ids, as 32 hexadecimal digits.

use models::{ObjectId, SessionId};

/// A session's id, as a path or a body names it.
pub(crate) fn read_session(text: &str) -> Option<SessionId> {
    SessionId::from_hex(text).ok()
}

/// A session's or refund's id.
pub(crate) fn read_object(text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text).ok()
}
