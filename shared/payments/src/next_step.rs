//! What follows from what a provider says: functions of its word and the time alone.

use jiff::{SignedDuration, Timestamp};
use models::{Payee, SessionEvent};
use providers::{Status, ask_again_at};

/// How long after submission the same bytes are sent again, while the provider can't tell whether it got them.
const RESEND_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The next thing to do about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Record the submission, then ask for the money.
    Submit,
    /// Send the stored submission again, under its key.
    Resend,
    /// Record that the money is sent; from this account, if the provider shares it.
    Settle(Option<Payee>),
    /// Record that the attempt was refused; the event says by whom and why.
    Decline(SessionEvent),
    /// Ask again then.
    AskAgainAt(Timestamp),
    /// Nothing has been decided.
    Wait,
}

/// What to do about an attempt whose money moves at submission, and that was not submitted.
pub(crate) fn before_submission(status: Status) -> Step {
    match status {
        Status::Consented | Status::Accepted | Status::Settled(_) => Step::Submit,
        Status::Refused(reason) => Step::Decline(reason.event()),
        Status::AwaitingConsent | Status::Cancelled | Status::Unknown => Step::Wait,
    }
}

/// What to do at `now` about a payment submitted at `submitted_at`.
///
/// An unknown payment is never failed and never given a new key: the stored bytes are sent again after ten minutes,
/// under the same key, so that a provider that did get them does nothing twice.
pub(crate) fn after_submission(status: Status, submitted_at: Timestamp, now: Timestamp) -> Step {
    match status {
        Status::Settled(payer_account) => Step::Settle(payer_account),
        Status::Refused(reason) => Step::Decline(reason.event()),
        Status::Accepted => Step::AskAgainAt(ask_again_at(submitted_at, now)),
        // The provider knows the payment and says that our order never came.
        Status::AwaitingConsent | Status::Consented => Step::Resend,
        Status::Unknown if now.duration_since(submitted_at) >= RESEND_AFTER => Step::Resend,
        // Nobody cancels what was submitted.
        Status::Unknown | Status::Cancelled => Step::AskAgainAt(ask_again_at(submitted_at, now)),
    }
}

#[cfg(test)]
mod tests {
    use models::DeclineReason;

    use super::*;

    const DECLINED: Status = Status::Refused(DeclineReason::ByPayer);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn money_is_asked_for_on_consent_alone() {
        assert_eq!(before_submission(Status::Consented), Step::Submit);
        assert_eq!(before_submission(Status::AwaitingConsent), Step::Wait);
        assert_eq!(before_submission(Status::Unknown), Step::Wait);
        assert_eq!(before_submission(DECLINED), Step::Decline(SessionEvent::DeclinedByPayer));
    }

    #[test]
    fn a_submitted_payment_ends_by_the_providers_word_alone() {
        let step = |status| after_submission(status, at(0), at(1));
        assert_eq!(step(Status::Settled(None)), Step::Settle(None));
        assert_eq!(step(DECLINED), Step::Decline(SessionEvent::DeclinedByPayer));
        for status in [Status::Accepted, Status::Unknown] {
            assert_eq!(step(status), Step::AskAgainAt(at(3)));
        }
        for status in [Status::Consented, Status::AwaitingConsent] {
            assert_eq!(step(status), Step::Resend);
        }
    }

    #[test]
    fn an_unknown_payment_is_resent_after_ten_minutes_and_never_failed() {
        assert_eq!(after_submission(Status::Unknown, at(0), at(599)), Step::AskAgainAt(at(599 + 299)));
        assert_eq!(after_submission(Status::Unknown, at(0), at(600)), Step::Resend);
        assert_eq!(after_submission(Status::Unknown, at(0), at(1_000_000)), Step::Resend);
    }

    #[test]
    fn an_accepted_payment_is_asked_for_less_and_less_often() {
        for (now, wait) in [(0, 2), (10, 5), (100, 50), (100_000, 3600)] {
            assert_eq!(after_submission(Status::Accepted, at(0), at(now)), Step::AskAgainAt(at(now + wait)));
        }
    }
}
