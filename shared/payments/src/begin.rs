//! The payer chose how to pay.

use models::{BankId, PaymentAttempt, Session, SessionEvent};
use providers::{Begun, Next, Provider, ProviderError};
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
        let request = connector.begin_request(session, number);
        let Begun { provider_state, next, .. } = connector.begin(session, number, &request).await?;
        // All that there is yet moves money at submission, and redirects.
        let Next::Redirect(link) = next else { return Err(BeginError::UnknownProvider) };
        let attempt = PaymentAttempt {
            number,
            bank: provider,
            redirect_url: link.reveal().to_owned(),
            provider_state,
            at_consent: None,
            ended: None,
        };
        let event = SessionEvent::BankChosen;
        let change = self.change(session.id, event);
        recorded(self.sessions.choose_bank(change, &attempt, None).await, event)?.ok_or(BeginError::NotFound)
    }
}
