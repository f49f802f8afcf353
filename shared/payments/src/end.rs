//! Cancelled, deleted, or its time has passed: where money could still move, the provider is asked first.

use jiff::Timestamp;
use models::{Session, SessionEvent, SessionId, WriteId};
use store::{ActWrite, Change, ChangeError, Changed, Deleted, Owner, StoreError};
use thiserror::Error;

use crate::Payments;
use crate::at_consent::{Stopped, consenting};
use crate::error::{PaymentError, recorded};

/// How often a session is ended again because it has changed meanwhile: payers make a few changes a minute.
const MAX_TRIES: usize = 5;

/// Why a session was not ended.
#[derive(Debug, Error)]
pub enum EndError {
    /// See [`ChangeError`]. Refused, if money may still move: the session is as the provider's word left it.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The provider, who could still move the money, or the table could not be asked.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl From<StoreError> for EndError {
    fn from(error: StoreError) -> Self {
        Self::Change(error.into())
    }
}

impl Payments {
    /// Ends a session by this change: cancelled, or its time has passed. With an owner, only theirs. One write, unless an
    /// attempt is open whose money moves at consent: then its provider is asked to cancel it before the write is repeated. If a
    /// person ends it, the write is a transaction with the `act` that it is.
    ///
    /// # Errors
    /// See [`EndError`].
    pub async fn end(
        &self,
        change: Change,
        owner: Option<&Owner>,
        act: Option<&ActWrite>,
    ) -> Result<Changed, EndError> {
        self.unless_money_moves(|cancelled| self.sessions.record(change.clone(), owner, cancelled, act)).await
    }

    /// Ends a session by `event`, now; the session as it is then, none if it was deleted. If another request was first, or the
    /// provider said no, its change holds.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn end_by(&self, id: SessionId, event: SessionEvent) -> Result<Option<Session>, PaymentError> {
        match self.end(self.change(id, event), None, None).await {
            Ok(changed) => Ok(recorded(Ok(changed), event)?),
            Err(EndError::Change(error)) => Ok(recorded(Err(error), event)?),
            Err(EndError::Payment(error)) => Err(error),
        }
    }

    /// Deletes a session for good, in the same way.
    ///
    /// # Errors
    /// See [`EndError`].
    pub async fn delete(
        &self,
        id: SessionId,
        owner: &Owner,
        at: Timestamp,
        write_id: WriteId,
    ) -> Result<Deleted, EndError> {
        self.unless_money_moves(|cancelled| self.sessions.delete(id, owner, at, write_id.clone(), cancelled)).await
    }

    /// Makes a change that an attempt whose money moves at consent stands in the way of; again, once its provider has given it
    /// up.
    async fn unless_money_moves<T, F: Future<Output = Result<T, ChangeError>>>(
        &self,
        end: impl Fn(Option<u8>) -> F,
    ) -> Result<T, EndError> {
        let mut cancelled = None;
        for _ in 0..MAX_TRIES {
            let session = match end(cancelled).await {
                Err(ChangeError::Refused(session)) => session,
                ended => return Ok(ended?),
            };
            let Some((attempt, at_consent)) = consenting(&session).filter(|(open, _)| cancelled != Some(open.number))
            else {
                return Err(ChangeError::Refused(session).into());
            };
            match Box::pin(self.stop(&session, attempt, at_consent)).await? {
                Stopped::Yes(number) => cancelled = Some(number),
                Stopped::No => {
                    let session = self.sessions.get(&session.id).await?.ok_or(ChangeError::NotFound)?;
                    // What the provider said may have ended the attempt and not the session.
                    if consenting(&session).is_some() || !session.state.is_awaiting() {
                        return Err(ChangeError::Refused(Box::new(session)).into());
                    }
                }
            }
        }
        Err(StoreError::Conflict { operation: "UpdateItem" }.into())
    }
}
