//! Refunds that the payment's own provider makes: recorded, then asked for, then followed up until the provider has said how
//! they ended. What was recorded is all that is ever sent, so that none is made twice.

use jiff::{SignedDuration, Timestamp};
use models::{Money, Refund, RefundAtProvider, RefundId, RefundState, Session, next_check_at, next_check_by_clock};
use providers::{Provider, ProviderError, RefundAnswer, RefundStatus};
use runtime::Metric;
use store::{RefundChangeError, RefundConclusion};

use crate::Payments;
use crate::connector::is_not_connected;
use crate::error::{PaymentError, cause};
use crate::follow_up::STUCK_AFTER;

/// How many refunds of a session are followed up while somebody waits; the schedule follows the others up.
const FOLLOWED_AT_ONCE: usize = 20;

/// How long a refund that the provider has accepted is under way until it is counted as stuck: some take working days.
const SLOW_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What became of following a refund up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Followed {
    /// It has ended.
    Ended,
    /// The provider makes it.
    UnderWay,
    /// The provider doesn't know.
    Unknown,
}

impl Payments {
    /// What asks the provider of a session's payment to refund so much; none unless the money moved at consent and that
    /// provider can refund.
    ///
    /// # Errors
    /// The provider is not connected, and it alone knows whether the refund is its own to make.
    pub(crate) fn refund_at_provider(
        &self,
        session: &Session,
        id: RefundId,
        amount: Money,
    ) -> Result<Option<RefundAtProvider>, ProviderError> {
        let Some(attempt) = &session.attempt else { return Ok(None) };
        let payment_id = attempt.at_consent.as_ref().and_then(|at_consent| at_consent.payment_id.clone());
        let Some(payment_id) = payment_id else { return Ok(None) };
        let connector = self.providers.connected(&attempt.chosen(), session.mode)?;
        let request = connector.refund_request(session, attempt, id, amount);
        let provider = attempt.bank.clone();
        Ok(request.map(|request| RefundAtProvider { provider, payment_id, request, id: None }))
    }

    /// Finds out where a refund stands that its provider makes, and records it; nothing of any other. Whatever goes wrong, it
    /// stays due.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn follow_up_refund(&self, refund: &Refund) -> Result<(), PaymentError> {
        match self.ask_about_open_refund(refund).await {
            // It is logged, and due again.
            Err(PaymentError::Provider(_)) => Ok(()),
            followed => followed,
        }
    }

    /// The same, of the first of a session's refunds that are open, until their provider can't be asked.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub(crate) async fn follow_up_refunds_of(&self, session: &Session) -> Result<(), PaymentError> {
        if session.refund_count > 0 {
            let refunds = self.refunds.of(&session.id).await?.refunds;
            let open = refunds.iter().filter(|refund| refund.open_at_provider().is_some());
            for refund in open.take(FOLLOWED_AT_ONCE) {
                self.ask_about_open_refund(refund).await?;
            }
        }
        Ok(())
    }

    /// Follows a refund up, if it is open at its provider. That this could not be asked is logged, and it is due again then.
    async fn ask_about_open_refund(&self, refund: &Refund) -> Result<(), PaymentError> {
        let Some(at_provider) = refund.open_at_provider() else { return Ok(()) };
        let now = refund.now(self.clock.now());
        let followed = match self.providers.connected(&at_provider.provider, refund.mode) {
            Ok(provider) => self.ask_about_refund(&provider, refund, at_provider, now).await,
            Err(error) => Err(error.into()),
        };
        match followed {
            Ok(followed) => self.check_refund_again(refund, followed, refund.created_at, now).await,
            Err(PaymentError::Provider(error)) => {
                let cause = cause(&error);
                let is_not_connected = is_not_connected(&error);
                if is_not_connected {
                    tracing::error!(refund_id = %refund.id, %error, cause, "the provider of a refund is not connected");
                    Metric::DueFailed.count();
                } else {
                    tracing::warn!(refund_id = %refund.id, %error, cause, "the provider could not be asked about a refund");
                }
                // As soon as can be, so that the alarm rings until it is mended.
                let since = if is_not_connected && refund.test_clock.is_none() { now } else { refund.created_at };
                self.check_refund_again(refund, Followed::Unknown, since, now).await?;
                Err(error.into())
            }
            Err(error @ (PaymentError::Store(_) | PaymentError::Inconsistent(_))) => Err(error),
        }
    }

    /// When the provider is next asked about what has been so `since` then, unless the refund has ended.
    async fn check_refund_again(
        &self,
        refund: &Refund,
        followed: Followed,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        let stuck_after = match followed {
            Followed::Ended => return Ok(()),
            Followed::UnderWay => SLOW_AFTER,
            Followed::Unknown => STUCK_AFTER,
        };
        if refund.test_clock.is_none() && now.duration_since(refund.created_at) >= stuck_after {
            tracing::warn!(refund_id = %refund.id, asked_since = %refund.created_at, "a refund is still under way");
            Metric::StuckPending.count();
        }
        let next_check = if refund.test_clock.is_some() { next_check_by_clock } else { next_check_at };
        Ok(self.refunds.check_again_at(refund, next_check(since, now)).await?)
    }

    /// Until the provider has said what it calls a refund, it may not have heard of it: the recorded request is sent again,
    /// under its key; but not once that may have expired.
    async fn ask_about_refund(
        &self,
        provider: &impl Provider,
        refund: &Refund,
        at_provider: &RefundAtProvider,
        now: Timestamp,
    ) -> Result<Followed, PaymentError> {
        let Some(id) = &at_provider.id else {
            let age = now.duration_since(refund.created_at);
            if provider.repeats_within().is_some_and(|within| age >= within) {
                tracing::error!(refund_id = %refund.id, payment_id = %at_provider.payment_id, "not known whether the provider makes a refund, and it is not asked again: `counterfoil refunds conclude` ends it");
                return Ok(Followed::Unknown);
            }
            return self.ask_for_refund(provider, refund, at_provider, now).await;
        };
        match provider.refund_status(&at_provider.payment_id, id, now).await? {
            RefundStatus::Settled => self.conclude(refund, RefundConclusion::Settled).await,
            RefundStatus::Refused => self.conclude(refund, RefundConclusion::Refused).await,
            RefundStatus::Accepted => Ok(Followed::UnderWay),
            RefundStatus::Unknown => Ok(Followed::Unknown),
        }
    }

    /// The refund has just been recorded: whatever becomes of asking its provider, if it has one, the schedule goes on from what is
    /// recorded.
    pub(crate) async fn begin_refund(&self, refund: &Refund) {
        let Some(at_provider) = &refund.at_provider else { return };
        let now = refund.now(self.clock.now());
        let begun = match self.providers.connected(&at_provider.provider, refund.mode) {
            Ok(provider) => self.ask_for_refund(&provider, refund, at_provider, now).await.map(drop),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = begun {
            let cause = cause(&error);
            tracing::warn!(refund_id = %refund.id, %error, cause, "a refund was recorded, and its provider's answer is not");
        }
    }

    /// Sends the recorded request, and records the answer.
    async fn ask_for_refund(
        &self,
        provider: &impl Provider,
        refund: &Refund,
        at_provider: &RefundAtProvider,
        now: Timestamp,
    ) -> Result<Followed, PaymentError> {
        let id = match provider.refund(&at_provider.payment_id, &at_provider.request, now).await? {
            RefundAnswer::Accepted(id) => id,
            RefundAnswer::Refused(why) => {
                tracing::warn!(refund_id = %refund.id, %why, "the provider refused a refund");
                return self.conclude(refund, RefundConclusion::Refused).await;
            }
        };
        match self.refunds.provider_accepted(refund, &id).await {
            Ok(_) => {
                tracing::info!(refund_id = %refund.id, "accepted by the provider");
                Ok(Followed::UnderWay)
            }
            Err(RefundChangeError::Refused(now_as)) => {
                if now_as.open_at_provider().is_some() {
                    tracing::error!(refund_id = %refund.id, "the provider calls one refund by two ids");
                } else if now_as.state == RefundState::Failed {
                    tracing::error!(refund_id = %refund.id, provider_refund_id = %id, "the provider accepted a refund that has failed");
                }
                Ok(Followed::Ended)
            }
            Err(RefundChangeError::Store(error)) => Err(error.into()),
        }
    }

    /// Records how a refund ended. If another request was first, its word holds; if that was another, the refund stays due.
    async fn conclude(&self, refund: &Refund, conclusion: RefundConclusion) -> Result<Followed, PaymentError> {
        let write_id = self.random.write_id();
        match self.refunds.conclude(refund, conclusion, self.clock.now(), &write_id).await {
            Ok(_) => tracing::info!(refund_id = %refund.id, ?conclusion, "recorded"),
            Err(RefundChangeError::Refused(_)) => {}
            Err(RefundChangeError::Store(error)) => return Err(error.into()),
        }
        Ok(Followed::Ended)
    }
}
