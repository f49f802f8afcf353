//! A provider's webhook: a hint to ask where a payment stands, never a fact.

use models::{BankId, LateMoney, Mode, ProviderPaymentId, Session, SessionEvent, SessionId, SessionState};
use providers::{Arrivals, EventRefusal, NotGenuine, Provider, ProviderError, ProviderEvent, RawEvent, Status};
use runtime::Metric;
use store::{BankPayment, StoreError};
use thiserror::Error;

use crate::Payments;
use crate::at_consent::open;
use crate::connector::Connector;
use crate::error::PaymentError;

/// Why a provider's webhook was not followed up.
#[derive(Debug, Error)]
pub enum EventError {
    /// The provider did not send it.
    #[error(transparent)]
    NotGenuine(#[from] NotGenuine),
    /// There is no such provider, or no payment of ours that it calls so.
    #[error("no such payment")]
    NotFound,
    /// The provider or the table stopped us.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl From<StoreError> for EventError {
    fn from(error: StoreError) -> Self {
        Self::Payment(error.into())
    }
}

impl From<ProviderError> for EventError {
    fn from(error: ProviderError) -> Self {
        Self::Payment(error.into())
    }
}

impl Payments {
    /// Follows up the payment that a webhook of this provider is about, if it is genuine. May come twice, late or never.
    ///
    /// # Errors
    /// See [`EventError`]; nothing is recorded then, or a part that a repeat goes on from.
    pub async fn follow_up_event(&self, provider: &BankId, event: &RawEvent<'_>) -> Result<(), EventError> {
        let connector = [Mode::Test, Mode::Live].into_iter().find_map(|mode| self.providers.find(provider, mode));
        let connector = connector.ok_or(EventError::NotFound)?;
        let payment_id = match connector.read_event(event).await {
            Ok(ProviderEvent { payment_id }) => payment_id,
            Err(EventRefusal::NotGenuine(refused)) => return Err(refused.into()),
            // It is the provider's, and there is nothing to follow up.
            Err(EventRefusal::NothingOfOurs) => return Ok(()),
            Err(EventRefusal::Unreachable(error)) => return Err(error.into()),
        };
        self.follow_up_payment(&connector, provider, &payment_id).await
    }

    /// The session of a payment that a provider calls so, if it began there: some send payers back with no more than that.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn session_of_provider(
        &self,
        provider: &BankId,
        payment_id: &ProviderPaymentId,
    ) -> Result<Option<SessionId>, PaymentError> {
        let found = self.bank_payments.get(provider, payment_id).await?;
        Ok(found.map(|BankPayment { session_id, .. }| session_id))
    }

    /// A provider says that something happened to a payment of its own: finds the session, and asks. Of a payment that is not
    /// its session's open one (an older attempt's, or its session has ended) it is noted if the money comes all the same.
    ///
    /// # Errors
    /// See [`EventError`].
    async fn follow_up_payment(
        &self,
        connector: &Connector,
        provider: &BankId,
        payment_id: &ProviderPaymentId,
    ) -> Result<(), EventError> {
        let found = self.bank_payments.get(provider, payment_id).await?;
        let BankPayment { session_id, attempt } = found.ok_or(EventError::NotFound)?;
        // What is erased has no attempt any more; and an attempt may have had another id first.
        let is_latest = |session: &Session| {
            let recorded =
                session.attempt.as_ref().and_then(|attempt| attempt.at_consent.as_ref()?.payment_id.as_ref());
            session.history.count(SessionEvent::BankChosen) == usize::from(attempt)
                && recorded.is_none_or(|recorded| recorded == payment_id)
        };
        let session = self.sessions.get(&session_id).await?;
        let now = session.as_ref().map_or_else(|| self.clock.now(), |session| self.now(session));
        if let Some(session) = session.filter(is_latest) {
            if let Some((latest, at_consent)) = open(&session) {
                // Where it could not be asked, the answer says so, and it sends the webhook again.
                Box::pin(self.follow_up_at_consent(&session, latest, at_consent, now)).await?;
                // The provider may have closed it before, and what made this webhook have come after that.
                let followed = self.sessions.get(&session_id).await?.filter(is_latest);
                if followed.is_some_and(|session| open(&session).is_some() || session.state == SessionState::Sent) {
                    return Ok(());
                }
            } else if session.state == SessionState::Sent {
                // Its money is known, and what of it goes back may not be.
                self.follow_up_refunds_of(&session).await?;
                return Ok(self.note_what_came_after(&session, connector, payment_id, now).await?);
            }
        }
        let (is_late, amount_minor) = match connector.status_by_id(payment_id, now).await? {
            Status::Consented | Status::Accepted | Status::Settled(_) => (true, None),
            // What came before the attempt was closed went back.
            Status::Arrived(Arrivals { late, .. }) => (late.get() > 0, Some(late)),
            // What came and was taken back again leaves nothing to return.
            Status::AwaitingConsent
            | Status::Refused(_)
            | Status::Cancelled
            | Status::TakenBack(_)
            | Status::Unknown => (false, None),
        };
        if is_late {
            let (provider, payment_id) = (provider.clone(), payment_id.clone());
            let late = LateMoney { at: now, provider, payment_id, attempt, amount_minor };
            // The stream's reader sees it, logs it and counts it.
            if !self.sessions.note_late_money(&session_id, &late).await? {
                self.log_more_late_money(&late, &session_id).await?;
            }
        }
        Ok(())
    }

    /// Only the first is noted: another payment's is counted and logged here.
    async fn log_more_late_money(&self, late: &LateMoney, session_id: &SessionId) -> Result<(), StoreError> {
        let first = self.sessions.late_money(session_id).await?;
        if first.is_some_and(|first| first.payment_id != late.payment_id) {
            let LateMoney { attempt, payment_id, .. } = late;
            tracing::error!(%session_id, attempt, %payment_id, "more money came after the end");
            Metric::LateMoney.count();
        }
        Ok(())
    }
}
