//! Showing a session: what its creation is answered with, and how it stands.

#![expect(clippy::todo, reason = "is written next")]

use jiff::Timestamp;
use models::Session;

use crate::answer::Answer;

/// The answer to a session's creation: of what is fixed then.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn created(_session: &Session) -> Answer {
    todo!()
}

/// A session as it is at `now`.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn session(_session: &Session, _now: Timestamp) -> Answer {
    todo!()
}
