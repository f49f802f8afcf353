//! What follows when a payer comes back from a bank. Coming back proves nothing: the bank is asked.

use std::error::Error as StdError;

use jiff::Timestamp;
use models::{Session, SessionEvent, SessionId};
use providers::{Outcome, Provider, ProviderError, Status};
use runtime::{Clock, Random};
use store::{Change, ChangeError, Changed, Sessions, StoreError};
use thiserror::Error;

/// The bank or the table could not be asked; where the payment stands is as it was.
#[derive(Debug, Error)]
pub(crate) enum CallbackError {
    /// The bank.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to do about what the bank says of a payment that we have not submitted.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Record the submission, then ask for the money.
    Submit,
    /// Record that this attempt was refused, and the session with it.
    Decline(SessionEvent),
    /// Nothing has been decided.
    Wait,
}

fn next(status: Status) -> Next {
    match status {
        // A bank that moves the money at consent says so; submitting is then its connector's business, and harmless.
        Status::Consented | Status::Accepted | Status::Settled(_) => Next::Submit,
        Status::Declined(event) => Next::Decline(event),
        Status::AwaitingConsent | Status::Unknown => Next::Wait,
    }
}

/// What to record about the bank's answer to our submission; nothing leaves it pending, and `expire` asks again.
fn outcome(status: Status) -> Option<Outcome> {
    match status {
        Status::Settled(payer_account) => Some(Outcome::Settled(payer_account)),
        Status::Declined(event) => Some(Outcome::Declined(event)),
        Status::Accepted | Status::AwaitingConsent | Status::Consented | Status::Unknown => None,
    }
}

/// What is done to payments, and by which clock and randomness.
#[derive(Debug)]
pub(crate) struct Payments {
    pub(crate) sessions: Sessions,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Payments {
    /// `event` happens to the session now.
    pub(crate) fn change(&self, session_id: SessionId, event: SessionEvent) -> Change {
        Change { session_id, event, at: self.clock.now(), write_id: self.random.write_id() }
    }

    /// Follows up a payer's coming back from `bank`, given the session that awaits their consent.
    ///
    /// If another request was first, its writes hold and ours are refused, which is no error.
    pub(crate) async fn come_back(
        &self,
        bank: &impl Provider,
        session: &Session,
        now: Timestamp,
    ) -> Result<(), CallbackError> {
        match next(bank.status(session, now).await?) {
            Next::Submit => self.submit(bank, session, now).await,
            Next::Decline(event) => {
                let change = self.change(session.id, event);
                recorded(self.sessions.decline(change, session.attempt_number()).await, session, event)
            }
            Next::Wait => Ok(()),
        }
    }

    /// Records the submission and, only if that succeeded, asks the bank for the money.
    async fn submit(&self, bank: &impl Provider, session: &Session, now: Timestamp) -> Result<(), CallbackError> {
        let submission = bank.prepare(session, now);
        let ask_again_at = providers::ask_again_at(submission.submitted_at, now);
        let change = self.change(session.id, SessionEvent::ConsentGiven);
        let consented = self.sessions.give_consent(change, session.attempt_number(), &submission, ask_again_at).await;
        let session = match consented {
            Ok(changed) => changed.session,
            Err(ChangeError::Refused(_) | ChangeError::NotFound) => return Ok(()),
            Err(ChangeError::Store(error)) => return Err(error.into()),
        };
        log(&session, SessionEvent::ConsentGiven);
        // From here on the payment is pending whatever happens, and `expire` asks the bank again.
        let followed = match bank.submit(&session, &submission, now).await {
            Ok(status) => match outcome(status) {
                Some(outcome) => self.record(&session, &outcome).await,
                None => Ok(()),
            },
            Err(error) => Err(error.into()),
        };
        if let Err(error) = followed {
            let cause = error.source().map(ToString::to_string);
            tracing::error!(session_id = %session.id, %error, cause, "submitted, and the outcome is not known yet");
        }
        Ok(())
    }

    async fn record(&self, session: &Session, outcome: &Outcome) -> Result<(), CallbackError> {
        let change = self.change(session.id, outcome.event());
        let changed = match outcome {
            Outcome::Settled(payer_account) => self.sessions.settle(change, payer_account.as_ref()).await,
            Outcome::Declined(_) => self.sessions.record(change, None).await,
        };
        recorded(changed, session, outcome.event())
    }
}

/// If another request was first, its write holds.
fn recorded(change: Result<Changed, ChangeError>, session: &Session, event: SessionEvent) -> Result<(), CallbackError> {
    match change {
        Ok(_) => {
            log(session, event);
            Ok(())
        }
        Err(ChangeError::Refused(_) | ChangeError::NotFound) => Ok(()),
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}

fn log(session: &Session, event: SessionEvent) {
    tracing::info!(session_id = %session.id, event = event.as_str(), "recorded");
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLINED: Status = Status::Declined(SessionEvent::DeclinedByPayer);

    #[test]
    fn money_is_asked_for_on_consent_alone() {
        assert_eq!(next(Status::Consented), Next::Submit);
        assert_eq!(next(Status::AwaitingConsent), Next::Wait);
        assert_eq!(next(Status::Unknown), Next::Wait);
        assert_eq!(next(DECLINED), Next::Decline(SessionEvent::DeclinedByPayer));
    }

    #[test]
    fn a_submitted_payment_ends_by_the_banks_word_alone() {
        assert_eq!(outcome(Status::Settled(None)), Some(Outcome::Settled(None)));
        assert_eq!(outcome(DECLINED), Some(Outcome::Declined(SessionEvent::DeclinedByPayer)));
        for status in [Status::Accepted, Status::Unknown, Status::Consented, Status::AwaitingConsent] {
            assert_eq!(outcome(status), None);
        }
    }
}
