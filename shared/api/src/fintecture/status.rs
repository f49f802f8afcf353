//! What the states of sessions, refunds and transfers are called.

#![expect(clippy::todo, reason = "is written next")]

use models::SessionState;

/// A session's state: its first word, of which [`super::session`] knows more.
pub(crate) const fn shown_status(_state: SessionState) -> &'static str {
    todo!()
}
