//! What stops a verb.

use std::error::Error;

use models::{Session, SessionEvent};
use providers::ProviderError;
use store::{ChangeError, Changed, StoreError};

/// The provider or the table could not be asked; where the payment stands is as it was, and a follow-up finds out.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of ours: an item lacks what every item like it has.
    #[error("the session has no {0}")]
    Inconsistent(&'static str),
}

/// What an error was caused by, for the log.
pub(crate) fn cause(error: &dyn Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

/// The session after a change, or, if another request was first, as that one left it; none if it was deleted.
pub(crate) fn recorded(
    change: Result<Changed, ChangeError>,
    event: SessionEvent,
) -> Result<Option<Session>, StoreError> {
    match change {
        Ok(Changed { session, .. }) => {
            tracing::info!(session_id = %session.id, event = event.as_str(), "recorded");
            Ok(Some(session))
        }
        Err(ChangeError::Refused(session)) => Ok(Some(*session)),
        Err(ChangeError::NotFound) => Ok(None),
        Err(ChangeError::Store(error)) => Err(error),
    }
}
