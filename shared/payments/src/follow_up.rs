//! Asks the provider where a payment stands, and records what follows.

use std::error::Error as StdError;

use jiff::{SignedDuration, Timestamp};
use models::{PaymentAttempt, Session, SessionEvent, SessionState, Submission};
use providers::{Provider, ProviderError, ask_again_at};
use runtime::Metric;
use store::ChangeError;

use crate::Payments;
use crate::error::{PaymentError, recorded};
use crate::next_step::{Step, after_submission, before_submission};

/// How long after its submission a payment that is still pending is counted as stuck. Banks settle within seconds, and
/// promise two hours.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(1);

impl Payments {
    /// Finds out where a payment stands and records it; nothing, if nothing is open at a provider.
    ///
    /// If another request was first, its writes hold and ours are refused, which is no error.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn follow_up(&self, session: &Session) -> Result<(), PaymentError> {
        let now = self.clock.now();
        let state = session.state_at(now);
        match state {
            SessionState::AwaitingPaymentConsent | SessionState::Pending => {}
            SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::Sent
            | SessionState::Failed
            | SessionState::Cancelled
            | SessionState::Expired => return Ok(()),
        }
        let attempt = session.attempt.as_ref().ok_or(PaymentError::Inconsistent("attempt"))?;
        let connector = self.providers.find(&attempt.bank, session.mode);
        let connector = connector.ok_or(PaymentError::Inconsistent("provider that is there"))?;
        if state == SessionState::Pending {
            let submission = session.submission.as_ref().ok_or(PaymentError::Inconsistent("submission"))?;
            self.after_submission(&connector, session, attempt, submission, now).await
        } else {
            self.before_submission(&connector, session, attempt, now).await
        }
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
            Step::Decline(event) => {
                let change = self.change(session.id, event);
                recorded(self.sessions.decline(change, attempt.number).await, event)?;
                Ok(())
            }
            Step::Wait | Step::Resend | Step::Settle(_) | Step::AskAgainAt(_) => Ok(()),
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
        let Some(submission) = provider.prepare(session, attempt, now) else { return Ok(()) };
        let next_check_at = ask_again_at(submission.submitted_at, now);
        let event = SessionEvent::ConsentGiven;
        let change = self.change(session.id, event);
        let session = match self.sessions.give_consent(change, attempt.number, &submission, next_check_at).await {
            Ok(changed) => changed.session,
            Err(ChangeError::Refused(_) | ChangeError::NotFound) => return Ok(()),
            Err(ChangeError::Store(error)) => return Err(error.into()),
        };
        tracing::info!(session_id = %session.id, event = event.as_str(), "recorded");
        // From here on the payment is pending whatever happens, and the schedule asks the provider again.
        let followed = match provider.submit(&session, attempt, &submission, now).await {
            Ok(status) => match after_submission(status, submission.submitted_at, now) {
                step @ (Step::Settle(_) | Step::Decline(_)) => self.record(&session, step).await,
                Step::Submit | Step::Resend | Step::AskAgainAt(_) | Step::Wait => Ok(()),
            },
            Err(error) => Err(error.into()),
        };
        if let Err(error) = followed {
            let cause = error.source().map(ToString::to_string);
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
        let ask_later = || Step::AskAgainAt(ask_again_at(submission.submitted_at, now));
        let step = match provider.status(session, attempt, now).await {
            Ok(status) => after_submission(status, submission.submitted_at, now),
            Err(error) => unreachable(session, &error, ask_later()),
        };
        let step = match step {
            // The stored bytes, under the stored key: nothing moves twice.
            Step::Resend => match provider.submit(session, attempt, submission, now).await {
                Ok(status) => after_submission(status, submission.submitted_at, now),
                Err(error) => unreachable(session, &error, ask_later()),
            },
            step @ (Step::Settle(_) | Step::Decline(_) | Step::AskAgainAt(_) | Step::Submit | Step::Wait) => step,
        };
        match step {
            step @ (Step::Settle(_) | Step::Decline(_)) => self.record(session, step).await,
            Step::AskAgainAt(at) => self.ask_again_at(session, submission, at, now).await,
            Step::Resend | Step::Submit | Step::Wait => {
                self.ask_again_at(session, submission, ask_again_at(submission.submitted_at, now), now).await
            }
        }
    }

    async fn ask_again_at(
        &self,
        session: &Session,
        submission: &Submission,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), PaymentError> {
        if now.duration_since(submission.submitted_at) >= STUCK_AFTER {
            tracing::warn!(session_id = %session.id, submitted_at = %submission.submitted_at, "still pending");
            Metric::StuckPending.count();
        }
        Ok(self.sessions.check_again_at(session, at).await?)
    }

    /// Records how a pending payment ended.
    async fn record(&self, session: &Session, step: Step) -> Result<(), PaymentError> {
        let (event, changed) = match step {
            Step::Settle(payer_account) => {
                let event = SessionEvent::Settled;
                (event, self.sessions.settle(self.change(session.id, event), payer_account.as_ref()).await)
            }
            Step::Decline(event) => (event, self.sessions.record(self.change(session.id, event), None, None).await),
            Step::Submit | Step::Resend | Step::AskAgainAt(_) | Step::Wait => return Ok(()),
        };
        recorded(changed, event)?;
        Ok(())
    }
}

/// A provider that can't be reached says nothing about the payment.
fn unreachable(session: &Session, error: &ProviderError, later: Step) -> Step {
    let cause = error.source().map(ToString::to_string);
    tracing::warn!(session_id = %session.id, cause, "the bank could not be asked");
    later
}
