//! Refunds that the payment's own provider makes: recorded, then asked for, then followed up until the provider has said how
//! they ended. What was recorded is all that is ever sent, so that none is made twice.

use jiff::{SignedDuration, Timestamp};
use models::{Money, Refund, RefundAtProvider, RefundId, RefundState, Session, next_check_at, next_check_by_clock};
use providers::{Provider, RefundAnswer, RefundStatus};
use runtime::Metric;
use store::{RefundChangeError, RefundConclusion};

use crate::Payments;
use crate::connector::Connector;
use crate::error::{PaymentError, cause};
use crate::follow_up::STUCK_AFTER;

/// How long a refund that the provider has accepted is under way until it is counted as stuck: some take working days.
const SLOW_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What became of following a refund up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Followed {
    /// It has ended.
    Ended,
    /// The provider makes it.
    UnderWay,
    /// The provider can't tell.
    Unknown,
}

impl Payments {
    /// The provider of a session's payment, and what asks it to refund so much; none unless the money moved at consent and that
    /// provider can refund.
    pub(crate) fn refund_at_provider(
        &self,
        session: &Session,
        id: RefundId,
        amount: Money,
    ) -> Option<(Connector, RefundAtProvider)> {
        let attempt = session.attempt.as_ref()?;
        let payment_id = attempt.at_consent.as_ref()?.payment_id.clone()?;
        let provider = self.connector(attempt, session).ok()?;
        let request = provider.refund_request(session, attempt, id, amount)?;
        Some((provider, RefundAtProvider { provider: attempt.bank.clone(), payment_id, request, id: None }))
    }

    /// Finds out where a refund stands that its provider makes, and records it; nothing of any other. Whatever goes wrong, it
    /// stays due.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn follow_up_refund(&self, refund: &Refund) -> Result<(), PaymentError> {
        let Some(at_provider) = refund.open_at_provider() else { return Ok(()) };
        match self.providers.connected(&at_provider.provider, refund.mode) {
            Ok(provider) => self.follow_up_refund_at(&provider, refund, at_provider).await,
            Err(error) => self.refund_is_unknown(refund, &error).await,
        }
    }

    /// The same, of each of a session's refunds.
    pub(crate) async fn follow_up_refunds_of(&self, session: &Session) -> Result<(), PaymentError> {
        if session.refund_count > 0 {
            for refund in self.refunds.of(&session.id).await?.refunds {
                self.follow_up_refund(&refund).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn follow_up_refund_at(
        &self,
        provider: &impl Provider,
        refund: &Refund,
        at_provider: &RefundAtProvider,
    ) -> Result<(), PaymentError> {
        let now = refund.now(self.clock.now());
        let followed = match self.ask_about_refund(provider, refund, at_provider, now).await {
            Ok(followed) => followed,
            Err(error @ PaymentError::Provider(_)) => return self.refund_is_unknown(refund, &error).await,
            Err(error @ (PaymentError::Store(_) | PaymentError::Inconsistent(_))) => return Err(error),
        };
        self.check_refund_again(refund, followed, now).await
    }

    /// The provider could not be asked: it stays due.
    async fn refund_is_unknown(&self, refund: &Refund, error: &PaymentError) -> Result<(), PaymentError> {
        let cause = cause(error);
        tracing::warn!(refund_id = %refund.id, %error, cause, "the provider could not be asked about a refund");
        self.check_refund_again(refund, Followed::Unknown, refund.now(self.clock.now())).await
    }

    /// When the provider is next asked, unless the refund has ended.
    async fn check_refund_again(
        &self,
        refund: &Refund,
        followed: Followed,
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
        Ok(self.refunds.check_again_at(refund, next_check(refund.created_at, now)).await?)
    }

    /// Until the provider has said what it calls a refund, it may not have heard of it: the recorded request is sent again,
    /// under its key.
    async fn ask_about_refund(
        &self,
        provider: &impl Provider,
        refund: &Refund,
        at_provider: &RefundAtProvider,
        now: Timestamp,
    ) -> Result<Followed, PaymentError> {
        let Some(id) = &at_provider.id else { return self.ask_for_refund(provider, refund, at_provider, now).await };
        match provider.refund_status(&at_provider.payment_id, id, now).await? {
            RefundStatus::Settled => self.conclude(refund, RefundConclusion::Settled).await,
            RefundStatus::Refused => self.conclude(refund, RefundConclusion::Refused).await,
            RefundStatus::Accepted => Ok(Followed::UnderWay),
            RefundStatus::Unknown => Ok(Followed::Unknown),
        }
    }

    /// The refund has just been recorded: whatever becomes of asking the provider, the schedule goes on from what is recorded.
    pub(crate) async fn begin_refund(&self, provider: &impl Provider, refund: &Refund, at_provider: &RefundAtProvider) {
        let now = refund.now(self.clock.now());
        if let Err(error) = self.ask_for_refund(provider, refund, at_provider, now).await {
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
