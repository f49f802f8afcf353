//! Money that was taken back after it was sent: a chargeback, an indemnity claim, a return.

use jiff::Timestamp;
use models::{ProviderPaymentId, Session, TakenBack};
use providers::{Provider, Status};

use crate::Payments;
use crate::connector::Connector;
use crate::error::PaymentError;

impl Payments {
    /// Of a session that is sent: whether its money was taken back since, if its provider knows the payment by an id. What moved
    /// at our submission is not asked about again. A provider that can't be asked is asked by the next follow-up: this one is
    /// often a payer's, who has paid.
    pub(crate) async fn follow_up_sent(&self, session: &Session, now: Timestamp) -> Result<(), PaymentError> {
        let Some(attempt) = &session.attempt else { return Ok(()) };
        let Some(payment_id) = attempt.at_consent.as_ref().and_then(|at_consent| at_consent.payment_id.as_ref()) else {
            return Ok(());
        };
        let noted =
            async { self.note_what_came_after(session, &self.connector(attempt, session)?, payment_id, now).await };
        match noted.await {
            Err(error @ PaymentError::Provider(_)) => {
                tracing::warn!(session_id = %session.id, %error, "not known whether the money was taken back");
                Ok(())
            }
            noted => noted,
        }
    }

    /// Notes that the money of a session that is sent was taken back, if its provider says so of the payment. The state stays,
    /// and what was noted first stays. So with what has come again by transfer.
    pub(crate) async fn note_what_came_after(
        &self,
        session: &Session,
        provider: &Connector,
        payment_id: &ProviderPaymentId,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        if session.taken_back.is_some() || !provider.takes_back() {
            return Ok(());
        }
        match provider.status_by_id(payment_id, now).await? {
            Status::TakenBack(reason) => {
                // The stream's reader sees it, logs it and counts it.
                self.sessions.note_taken_back(&session.id, &TakenBack { reason, at: now }).await?;
            }
            // Somebody has transferred again: what is above the amount is a person's to return.
            status @ Status::Arrived(_) => self.note_received(session, session.attempt_number(), &status, now).await?,
            Status::AwaitingConsent
            | Status::Consented
            | Status::Accepted
            | Status::Settled(_)
            | Status::Refused(_)
            | Status::Cancelled
            | Status::Unknown => {}
        }
        Ok(())
    }
}
