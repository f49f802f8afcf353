//! Finds out what became of pending payments, and records it.

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Error;
use models::{Session, SessionEvent, SessionId, Submission};
use providers::{Outcome, Provider, ProviderError, Status, Step, next_step};
use runtime::Metric;
use store::{Change, ChangeError, Changed};

use crate::handler::Expire;

/// How long after its submission a payment that is still pending is counted as stuck. Banks settle within seconds, and
/// promise two hours.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(1);

impl Expire {
    /// Finds out what became of a submitted payment.
    pub(crate) async fn follow_up(&self, session: &Session, now: Timestamp) -> Result<(), Error> {
        let (Some(attempt), Some(submission)) = (&session.attempt, &session.submission) else {
            return Err("a pending session without a submission".into());
        };
        let Some(bank) = self.providers.find(&attempt.bank, session.mode) else {
            return Err("a pending session with a bank that is not there".into());
        };
        let step = match bank.status(session, now).await {
            Ok(status) => next_step(status, submission.submitted_at, now),
            Err(error) => ask_later(session, submission, now, &error),
        };
        let step = match step {
            // The stored bytes, under the stored key: nothing moves twice.
            Step::Resend => match bank.submit(session, submission, now).await {
                Ok(status) => match next_step(status, submission.submitted_at, now) {
                    Step::Resend => ask_again(submission, now),
                    step @ (Step::Record(_) | Step::AskAgainAt(_)) => step,
                },
                Err(error) => ask_later(session, submission, now, &error),
            },
            step @ (Step::Record(_) | Step::AskAgainAt(_)) => step,
        };
        match step {
            Step::Record(outcome) => self.record(session, &outcome).await,
            Step::AskAgainAt(at) => {
                if now.duration_since(submission.submitted_at) >= STUCK_AFTER {
                    tracing::warn!(session_id = %session.id, submitted_at = %submission.submitted_at, "still pending");
                    Metric::StuckPending.count();
                }
                Ok(self.sessions.ask_again_at(&session.id, at).await?)
            }
            Step::Resend => Ok(()),
        }
    }

    async fn record(&self, session: &Session, outcome: &Outcome) -> Result<(), Error> {
        let change = self.change(session.id, outcome.event());
        let changed = match outcome {
            Outcome::Settled(payer_account) => self.sessions.settle(change, payer_account.as_ref()).await,
            Outcome::Declined(_) => self.sessions.record(change, None).await,
        };
        recorded(session.id, outcome.event(), changed)
    }

    pub(crate) fn change(&self, session_id: SessionId, event: SessionEvent) -> Change {
        Change { session_id, event, at: self.clock.now(), write_id: self.random.write_id() }
    }
}

pub(crate) fn recorded(
    session_id: SessionId,
    event: SessionEvent,
    change: Result<Changed, ChangeError>,
) -> Result<(), Error> {
    match change {
        Ok(_) => {
            tracing::info!(%session_id, event = event.as_str(), "recorded");
            Ok(())
        }
        // Somebody else was first.
        Err(ChangeError::Refused(_) | ChangeError::NotFound) => Ok(()),
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}

fn ask_again(submission: &Submission, now: Timestamp) -> Step {
    next_step(Status::Accepted, submission.submitted_at, now)
}

/// A bank that can't be reached says nothing about the payment.
fn ask_later(session: &Session, submission: &Submission, now: Timestamp, error: &ProviderError) -> Step {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(session_id = %session.id, cause, "the bank could not be asked");
    ask_again(submission, now)
}
