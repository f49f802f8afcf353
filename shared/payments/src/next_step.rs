//! What follows from what a provider says: functions of its word, the session and the time alone.

use jiff::{SignedDuration, Timestamp};
use models::{AttemptEnd, DeclineReason, Payee, Session, SessionState, next_check_at};
use providers::Status;

/// How long after submission the same bytes are sent again, while the provider can't tell whether it got them.
const RESEND_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The next thing to do about an attempt whose money moves at submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Record the submission, then ask for the money.
    Submit,
    /// Send the stored submission again, under its key.
    Resend,
    /// Record that the money is sent; from this account, if the provider shares it.
    Settle(Option<Payee>),
    /// Record that the attempt was refused, and by whom and why.
    Refuse(DeclineReason),
    /// Ask again then.
    CheckAgainAt(Timestamp),
    /// Nothing has been decided.
    Wait,
}

/// What to do about an attempt that was not submitted.
pub(crate) fn before_submission(status: Status) -> Step {
    match status {
        Status::Consented | Status::Accepted | Status::Settled(_) => Step::Submit,
        Status::Refused(why) => Step::Refuse(why),
        Status::AwaitingConsent | Status::Unknown | Status::Cancelled => Step::Wait,
    }
}

/// What to do at `now` about a payment submitted at `submitted_at`.
///
/// An unknown payment is never failed and never given a new key: the stored bytes are sent again after ten minutes,
/// under the same key, so that a provider that did get them does nothing twice.
pub(crate) fn after_submission(status: Status, submitted_at: Timestamp, now: Timestamp) -> Step {
    match status {
        Status::Settled(payer_account) => Step::Settle(payer_account),
        Status::Refused(why) => Step::Refuse(why),
        Status::Accepted => Step::CheckAgainAt(next_check_at(submitted_at, now)),
        // The provider knows the payment and says that our order never came.
        Status::AwaitingConsent | Status::Consented => Step::Resend,
        Status::Unknown if now.duration_since(submitted_at) >= RESEND_AFTER => Step::Resend,
        // Nobody cancels what is submitted: that word says as little.
        Status::Unknown | Status::Cancelled => Step::CheckAgainAt(next_check_at(submitted_at, now)),
    }
}

/// The next thing to do about an attempt whose money moves at consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AtConsentStep {
    /// Record that the payer consented: the session is pending.
    Authorise,
    /// The same, and that the money is sent.
    AuthoriseAndSettle(Option<Payee>),
    /// Record that the money is sent.
    Settle(Option<Payee>),
    /// Record that the attempt was refused, and the session with it.
    Decline(DeclineReason),
    /// Record that the attempt has ended, and the session goes on.
    EndAttempt(AttemptEnd),
    /// The session's time has passed and the payer has not consented: ask the provider to cancel, then record it.
    Expire,
    /// Ask again later.
    CheckAgain,
}

/// What to do at `now` about a session whose latest attempt moves money at consent, and which is not final.
///
/// What is unknown is never failed, and time alone ends nothing.
pub(crate) fn at_consent(session: &Session, status: Status, now: Timestamp) -> AtConsentStep {
    let is_pending = session.state == SessionState::Pending;
    match status {
        Status::Settled(payer_account) if is_pending => AtConsentStep::Settle(payer_account),
        Status::Settled(payer_account) => AtConsentStep::AuthoriseAndSettle(payer_account),
        Status::Consented | Status::Accepted if is_pending => AtConsentStep::CheckAgain,
        Status::Consented | Status::Accepted => AtConsentStep::Authorise,
        Status::Refused(why) if goes_on_after_refusal(session, now) => AtConsentStep::EndAttempt(why.into()),
        Status::Refused(why) => AtConsentStep::Decline(why),
        // It was promised, and will not come.
        Status::Cancelled if is_pending => AtConsentStep::Decline(DeclineReason::ByBank),
        Status::Cancelled => AtConsentStep::EndAttempt(AttemptEnd::Cancelled),
        Status::AwaitingConsent if !is_pending && now >= session.expires_at => AtConsentStep::Expire,
        Status::AwaitingConsent | Status::Unknown => AtConsentStep::CheckAgain,
    }
}

/// Whether the payer may choose again after the provider's final no.
pub(crate) fn goes_on_after_refusal(session: &Session, now: Timestamp) -> bool {
    session.retry && session.pays_refund.is_none() && session.may_choose_again() && now < session.expires_at
}
