//! The payer chose how to pay.

use models::{AtConsent, BankId, MovesMoney, PaymentAttempt, Session, SessionEvent};
use providers::{Begun, Next, Provider, ProviderError};
use store::StoreError;
use thiserror::Error;

use crate::Payments;
use crate::at_consent::{Stopped, consenting};
use crate::error::{PaymentError, cause, recorded};

/// Why an attempt was not begun.
#[derive(Debug, Error)]
pub enum BeginError {
    /// There is no such provider for this session.
    #[error("no such provider")]
    UnknownProvider,
    /// The session was deleted.
    #[error("no such session")]
    NotFound,
    /// The provider or the table stopped us.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl From<StoreError> for BeginError {
    fn from(error: StoreError) -> Self {
        Self::Payment(error.into())
    }
}

impl From<ProviderError> for BeginError {
    fn from(error: ProviderError) -> Self {
        Self::Payment(error.into())
    }
}

impl Payments {
    /// Begins attempt `number` at a provider; the session as it is then. If another request was first, its choice holds.
    ///
    /// Where the attempt before may still move money, its provider is asked to cancel it first; if that says no, nothing is begun,
    /// and the session is as the provider's word left it. The transfer that is awaited is not begun again: what is on its way
    /// would come too late.
    ///
    /// # Errors
    /// See [`BeginError`]; nothing has begun.
    pub async fn begin(&self, session: &Session, provider: BankId, number: u8) -> Result<Session, BeginError> {
        let connector = self.providers.find(&provider, session.mode).ok_or(BeginError::UnknownProvider)?;
        if session.transfer().is_some() && session.attempt.as_ref().is_some_and(|open| open.chosen() == provider) {
            return Ok(session.clone());
        }
        match connector.moves_money() {
            MovesMoney::AtSubmission => {
                // It moves no money, and so can come before anything else.
                let Begun { provider_state, next, .. } =
                    connector.begin(session, number, &connector.begin_request(session, number)).await?;
                let Next::Redirect(link) = next else {
                    return Err(PaymentError::Inconsistent("link to its provider").into());
                };
                let redirect_url = link.reveal().to_owned();
                let attempt = PaymentAttempt {
                    number,
                    bank: provider,
                    redirect_url,
                    provider_state,
                    at_consent: None,
                    ended: None,
                };
                self.choose(session, &attempt).await
            }
            MovesMoney::AtConsent => {
                let begun_at = self.now(session);
                let (asked, chosen) = provider.parts();
                let request = connector.begin_request(session, number);
                let at_consent = AtConsent { begun_at, request, payment_id: None, transfer: None };
                let attempt = PaymentAttempt {
                    number,
                    bank: asked.parse().map_err(|_| BeginError::UnknownProvider)?,
                    redirect_url: format!("{}/bank/{number}", session.checkout_url()),
                    provider_state: chosen.unwrap_or_default().to_owned(),
                    at_consent: Some(at_consent),
                    ended: None,
                };
                let chosen = self.choose(session, &attempt).await?;
                match consenting(&chosen) {
                    // Recorded: from here on the link and the schedule repeat what is lost.
                    Some((latest, at_consent)) if *latest == attempt => {
                        self.ask_to_begin(&chosen, latest, at_consent).await.map_or_else(log, drop);
                        self.sessions.get(&session.id).await?.ok_or(BeginError::NotFound)
                    }
                    Some(_) | None => Ok(chosen),
                }
            }
        }
    }

    /// Records a choice, once the attempt before it can't move money any more.
    async fn choose(&self, session: &Session, attempt: &PaymentAttempt) -> Result<Session, BeginError> {
        let cancelled = match consenting(session) {
            Some((open, at_consent)) => match Box::pin(self.stop(session, open, at_consent)).await? {
                Stopped::Yes(number) => Some(number),
                Stopped::No => return self.sessions.get(&session.id).await?.ok_or(BeginError::NotFound),
            },
            None => None,
        };
        let event = SessionEvent::BankChosen;
        let chosen = self.sessions.choose_bank(self.change(session.id, event), attempt, cancelled).await;
        recorded(chosen, event)?.ok_or(BeginError::NotFound)
    }
}

/// The attempt is recorded, and what is wrong is found out by the next request.
fn log(error: PaymentError) {
    let cause = cause(&error);
    tracing::warn!(%error, cause, "the provider could not be asked to begin");
}
