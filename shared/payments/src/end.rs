//! Cancelled, deleted, or its time has passed.

use jiff::Timestamp;
use models::{Session, SessionEvent, SessionId, WriteId};
use store::{Change, ChangeError, Changed, Deleted, Owner};

use crate::Payments;
use crate::error::{PaymentError, recorded};

impl Payments {
    /// Ends a session by this change: cancelled, or its time has passed. With an owner, only theirs.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn end(&self, change: Change, owner: Option<&Owner>) -> Result<Changed, ChangeError> {
        self.sessions.record(change, owner, None).await
    }

    /// Ends a session by `event`, now; the session as it is then, none if it was deleted. If another request was first, its
    /// change holds.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn end_by(&self, id: SessionId, event: SessionEvent) -> Result<Option<Session>, PaymentError> {
        Ok(recorded(self.end(self.change(id, event), None).await, event)?)
    }

    /// Deletes a session for good.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn delete(
        &self,
        id: SessionId,
        owner: &Owner,
        at: Timestamp,
        write_id: WriteId,
    ) -> Result<Deleted, ChangeError> {
        self.sessions.delete(id, owner, at, write_id, None).await
    }
}
