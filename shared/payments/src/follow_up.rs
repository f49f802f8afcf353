//! Asks the provider where a payment stands, and records what follows.

use jiff::{SignedDuration, Timestamp};
use models::{
    AttemptEnd, DeclineReason, PaidFrom, PaymentAttempt, Session, SessionEvent, SessionState, Submission, TakenBack,
    TakenBackReason, next_check_at, next_check_by_clock,
};
use providers::{Provider, ProviderError};
use runtime::Metric;
use store::ChangeError;

use crate::Payments;
use crate::at_consent::{consenting, done, open};
use crate::connector::Connector;
use crate::error::{PaymentError, cause, recorded};
use crate::next_step::{Step, after_submission, before_submission, goes_on_after_refusal};

/// How long a payment is pending until it is counted as stuck. Banks settle within seconds, and promise two hours.
pub(crate) const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(1);

impl Payments {
    /// Finds out where a payment stands and records it; nothing, if nothing is open at a provider.
    ///
    /// If another request was first, its writes hold and ours are refused, which is no error.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn follow_up(&self, session: &Session) -> Result<(), PaymentError> {
        let now = self.now(session);
        if let Some((attempt, at_consent)) = open(session) {
            // In a box, as are other deep futures here: a thread's stack has 2 MB where tests run.
            return match Box::pin(self.follow_up_at_consent(session, attempt, at_consent, now)).await {
                // It is logged, and due again.
                Err(PaymentError::Provider(_)) => Ok(()),
                followed => followed,
            };
        }
        let state = session.state_at(now);
        match state {
            SessionState::AwaitingPaymentConsent | SessionState::Pending => {}
            SessionState::Sent => return self.follow_up_sent(session, now).await,
            SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::Failed
            | SessionState::Cancelled
            | SessionState::Expired => return Ok(()),
        }
        let attempt = session.attempt.as_ref().ok_or(PaymentError::Inconsistent("attempt"))?;
        let connector = self.connector(attempt, session)?;
        if state == SessionState::Pending {
            let submission = session.submission.as_ref().ok_or(PaymentError::Inconsistent("submission"))?;
            self.after_submission(&connector, session, attempt, submission, now).await
        } else {
            self.before_submission(&connector, session, attempt, now).await
        }
    }

    /// Who an attempt is at.
    pub(crate) fn connector(&self, attempt: &PaymentAttempt, session: &Session) -> Result<Connector, PaymentError> {
        Ok(self.providers.connected(&attempt.chosen(), session.mode)?)
    }

    /// The payer may have consented; or come back without.
    pub(crate) async fn before_submission(
        &self,
        provider: &impl Provider,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        match before_submission(provider.status(session, attempt, now).await?) {
            Step::Submit => self.submit(provider, session, attempt, now).await,
            Step::Refuse(why) => self.refuse(session, attempt, why, now).await,
            Step::Wait | Step::Resend | Step::Settle(_) | Step::SettleTakenBack(_) | Step::CheckAgainAt(_) => Ok(()),
        }
    }

    /// Records the submission and, only if that succeeded, asks the provider for the money.
    async fn submit(
        &self,
        provider: &impl Provider,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        let submission = provider.prepare(session, attempt, now);
        let submission = submission.ok_or(PaymentError::Inconsistent("provider that is asked for money"))?;
        let check_at = next_check_at(submission.submitted_at, now);
        let event = SessionEvent::ConsentGiven;
        let change = self.change(session.id, event);
        let session = match self.sessions.give_consent(change, attempt.number, &submission, check_at).await {
            Ok(changed) => changed.session,
            Err(ChangeError::Refused(_) | ChangeError::NotFound) => return Ok(()),
            Err(ChangeError::Store(error)) => return Err(error.into()),
        };
        tracing::info!(session_id = %session.id, event = event.as_str(), "recorded");
        // From here on the payment is pending whatever happens, and the schedule asks the provider again.
        let followed = match provider.submit(&session, attempt, &submission, now).await {
            Ok(status) => match after_submission(status, submission.submitted_at, now) {
                Step::Settle(from) => self.settle(&session, &from, None).await,
                Step::SettleTakenBack(why) => self.settle(&session, &PaidFrom::Undisclosed, Some(why)).await,
                Step::Refuse(why) => self.refuse(&session, attempt, why, now).await,
                Step::Submit | Step::Resend | Step::CheckAgainAt(_) | Step::Wait => Ok(()),
            },
            Err(error) => Err(error.into()),
        };
        if let Err(error) = followed {
            let cause = cause(&error);
            tracing::error!(session_id = %session.id, %error, cause, "submitted, and the outcome is not known yet");
        }
        Ok(())
    }

    /// Finds out what became of a submitted payment.
    async fn after_submission(
        &self,
        provider: &impl Provider,
        session: &Session,
        attempt: &PaymentAttempt,
        submission: &Submission,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        let later = || Step::CheckAgainAt(next_check_at(submission.submitted_at, now));
        let step = match provider.status(session, attempt, now).await {
            Ok(status) => after_submission(status, submission.submitted_at, now),
            Err(error) => unreachable(session, &error, later()),
        };
        let step = match step {
            // The stored bytes, under the stored key: nothing moves twice.
            Step::Resend => match provider.submit(session, attempt, submission, now).await {
                Ok(status) => after_submission(status, submission.submitted_at, now),
                Err(error) => unreachable(session, &error, later()),
            },
            step @ (Step::Settle(_)
            | Step::SettleTakenBack(_)
            | Step::Refuse(_)
            | Step::CheckAgainAt(_)
            | Step::Submit
            | Step::Wait) => step,
        };
        let at = match step {
            Step::Settle(from) => return self.settle(session, &from, None).await,
            Step::SettleTakenBack(why) => return self.settle(session, &PaidFrom::Undisclosed, Some(why)).await,
            Step::Refuse(why) => return self.refuse(session, attempt, why, now).await,
            Step::CheckAgainAt(at) => at,
            Step::Resend | Step::Submit | Step::Wait => next_check_at(submission.submitted_at, now),
        };
        self.note_if_stuck(session, now);
        let by_clock = session.test_clock.is_some();
        let at = if by_clock { next_check_by_clock(submission.submitted_at, now) } else { at };
        Ok(self.sessions.check_again_at(session, at).await?)
    }

    /// Counts a payment that has been pending for too long.
    pub(crate) fn note_if_stuck(&self, session: &Session, now: Timestamp) {
        // A merchant's own test lets days pass in seconds.
        if session.test_clock.is_some() {
            return;
        }
        // Past its time it only waits for the provider to give it up; until then, the rest of a transfer may come.
        let awaits_payer = consenting(session).is_some() || session.missing().is_some();
        let past_its_time = awaits_payer.then_some(session.expires_at);
        if let Some(since) = past_its_time.or(session.pending_since())
            && now.duration_since(since) >= STUCK_AFTER
        {
            tracing::warn!(session_id = %session.id, %since, "still pending");
            Metric::StuckPending.count();
        }
    }

    /// The money of a pending payment is sent; and was taken back since, if this is why.
    pub(crate) async fn settle(
        &self,
        session: &Session,
        from: &PaidFrom,
        taken_back: Option<TakenBackReason>,
    ) -> Result<(), PaymentError> {
        let event = SessionEvent::Settled;
        let change = self.change(session.id, event);
        let taken_back = taken_back.map(|reason| TakenBack { reason, at: session.now(change.at) });
        done(recorded(self.sessions.settle(change, from, taken_back).await, event))
    }

    /// The provider's final no: the session fails by it, or goes on, if it was so created.
    pub(crate) async fn refuse(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        why: DeclineReason,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        if goes_on_after_refusal(session, now) {
            self.end_attempt(session, why.into()).await
        } else if session.state == SessionState::Pending {
            let event = why.event();
            done(recorded(self.sessions.decline_submitted(self.change(session.id, event), attempt.number).await, event))
        } else {
            self.decline(session, attempt, why).await
        }
    }

    /// An attempt was refused, and the session fails by it.
    pub(crate) async fn decline(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        why: DeclineReason,
    ) -> Result<(), PaymentError> {
        let event = why.event();
        done(recorded(self.sessions.decline(self.change(session.id, event), attempt.number).await, event))
    }

    /// An attempt has ended and its money never moves; the session awaits another.
    pub(crate) async fn end_attempt(&self, session: &Session, end: AttemptEnd) -> Result<(), PaymentError> {
        let event = SessionEvent::AttemptEnded;
        done(recorded(self.sessions.end_attempt(self.change(session.id, event), session, end).await, event))
    }
}

/// A provider that can't be reached says nothing about the payment.
fn unreachable(session: &Session, error: &ProviderError, later: Step) -> Step {
    let cause = cause(error);
    tracing::warn!(session_id = %session.id, cause, "the bank could not be asked");
    later
}
