//! What is to happen to a session, and what became of it.

use jiff::Timestamp;
use models::{Session, SessionEvent, SessionId, WriteId};
use thiserror::Error;

use crate::error::StoreError;

/// What is to happen to a session.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which session.
    pub session_id: SessionId,
    /// What happens.
    pub event: SessionEvent,
    /// When: now.
    pub at: Timestamp,
    /// Marks the write.
    pub write_id: WriteId,
}

/// A session after a change.
#[derive(Debug)]
pub struct Changed {
    /// As it is now.
    pub session: Session,
    /// Whether this very change, by its write id, had been made before.
    pub repeated: bool,
}

/// Why a session was not changed.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// There is none with this id, or not this owner's, or it was deleted.
    #[error("no such session")]
    NotFound,
    /// It is as it is; the change can't happen to it.
    #[error("the change can't happen to the session as it is")]
    Refused(Box<Session>),
    /// The table failed us.
    #[error(transparent)]
    Store(#[from] StoreError),
}
