//! The payer chose how to pay.

use models::{BankId, PaymentAttempt, Session, SessionEvent};
use providers::{Begun, Provider, ProviderError};
use store::StoreError;
use thiserror::Error;

use crate::Payments;
use crate::error::recorded;

/// Why an attempt was not begun.
#[derive(Debug, Error)]
pub enum BeginError {
    /// There is no such provider for this session.
    #[error("no such provider")]
    UnknownProvider,
    /// The session was deleted.
    #[error("no such session")]
    NotFound,
    /// The provider could not be asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The table failed us.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Payments {
    /// Begins attempt `number` at a provider; the session as it is then. If another request was first, its choice holds.
    ///
    /// # Errors
    /// See [`BeginError`]; nothing has begun.
    pub async fn begin(&self, session: &Session, provider: BankId, number: u8) -> Result<Session, BeginError> {
        let connector = self.providers.find(&provider, session.mode).ok_or(BeginError::UnknownProvider)?;
        let Begun { redirect_url, provider_state } = connector.begin(session, number).await?;
        let attempt =
            PaymentAttempt { number, bank: provider, redirect_url, provider_state, at_consent: None, ended: None };
        let event = SessionEvent::BankChosen;
        let change = self.change(session.id, event);
        recorded(self.sessions.choose_bank(change, &attempt).await, event)?.ok_or(BeginError::NotFound)
    }
}
