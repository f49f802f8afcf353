//! What to do about a submitted payment that is still pending, given what the bank says.

use jiff::{SignedDuration, Timestamp};
use models::{Payee, SessionEvent};

use crate::Status;

/// How long after submission the same bytes are sent again, while the bank can't tell whether it got them.
const RESEND_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// How a submitted payment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The money is sent; from this account, if the bank shares it.
    Settled(Option<Payee>),
    /// It was refused; the event says by whom and why.
    Declined(SessionEvent),
}

impl Outcome {
    /// As history has it.
    pub const fn event(&self) -> SessionEvent {
        match self {
            Self::Settled(_) => SessionEvent::Settled,
            Self::Declined(event) => *event,
        }
    }
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Record how it ended.
    Record(Outcome),
    /// Send the stored submission again, under its key.
    Resend,
    /// Ask again then.
    AskAgainAt(Timestamp),
}

/// What to do at `now` about a payment submitted at `submitted_at`.
///
/// An unknown payment is never failed and never given a new key: the stored bytes are sent again after ten minutes,
/// under the same key, so that a bank that did get them does nothing twice.
pub fn next_step(status: Status, submitted_at: Timestamp, now: Timestamp) -> Step {
    match status {
        Status::Settled(payer_account) => Step::Record(Outcome::Settled(payer_account)),
        Status::Declined(event) => Step::Record(Outcome::Declined(event)),
        Status::Accepted => Step::AskAgainAt(ask_again_at(submitted_at, now)),
        // The bank knows the payment and says that our order never came.
        Status::AwaitingConsent | Status::Consented => Step::Resend,
        Status::Unknown if now.duration_since(submitted_at) >= RESEND_AFTER => Step::Resend,
        Status::Unknown => Step::AskAgainAt(ask_again_at(submitted_at, now)),
    }
}

/// The next time to ask: soon for a young payment, within the hour for an old one.
pub fn ask_again_at(submitted_at: Timestamp, now: Timestamp) -> Timestamp {
    let age_s = now.duration_since(submitted_at).as_secs();
    let wait = SignedDuration::from_secs((age_s / 2).clamp(2, 3600));
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn follows_what_the_bank_knows() {
        assert_eq!(next_step(Status::Settled(None), at(0), at(1)), Step::Record(Outcome::Settled(None)));
        let event = SessionEvent::InsufficientFunds;
        let declined = next_step(Status::Declined(event), at(0), at(1));
        assert_eq!(declined, Step::Record(Outcome::Declined(event)));
        assert_eq!(next_step(Status::Consented, at(0), at(1)), Step::Resend);
    }

    #[test]
    fn an_unknown_payment_is_resent_after_ten_minutes_and_never_failed() {
        assert_eq!(next_step(Status::Unknown, at(0), at(599)), Step::AskAgainAt(at(599 + 299)));
        assert_eq!(next_step(Status::Unknown, at(0), at(600)), Step::Resend);
        assert_eq!(next_step(Status::Unknown, at(0), at(1_000_000)), Step::Resend);
    }

    #[test]
    fn an_accepted_payment_is_asked_for_less_and_less_often() {
        for (now, wait) in [(0, 2), (10, 5), (100, 50), (100_000, 3600)] {
            assert_eq!(next_step(Status::Accepted, at(0), at(now)), Step::AskAgainAt(at(now + wait)));
        }
    }
}
