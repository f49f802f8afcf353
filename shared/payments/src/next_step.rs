//! What follows from what a provider says: functions of its word, the session and the time alone.

use jiff::{SignedDuration, Timestamp};
use models::{AttemptEnd, DeclineReason, PaidFrom, Session, SessionState, TakenBackReason, next_check_at};
use providers::{Arrivals, Status};

/// How long after submission the same bytes are sent again, while the provider doesn't know whether it got them.
const RESEND_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The next thing to do about an attempt whose money moves at submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Record the submission, then ask for the money.
    Submit,
    /// Send the stored submission again, under its key.
    Resend,
    /// Record that the money is sent, and from where.
    Settle(PaidFrom),
    /// Record that the money was sent, and taken back since.
    SettleTakenBack(TakenBackReason),
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
        Status::Consented | Status::Accepted | Status::Settled(_) | Status::TakenBack(_) => Step::Submit,
        Status::Refused(why) => Step::Refuse(why),
        // Transfers move at consent alone: that word says nothing here.
        Status::AwaitingConsent | Status::Unknown | Status::Cancelled | Status::Arrived(_) => Step::Wait,
    }
}

/// What to do at `now` about a payment submitted at `submitted_at`.
///
/// An unknown payment is never failed and never given a new key: the stored bytes are sent again after ten minutes,
/// under the same key, so that a provider that did get them does nothing twice.
pub(crate) fn after_submission(status: Status, submitted_at: Timestamp, now: Timestamp) -> Step {
    match status {
        Status::Settled(from) => Step::Settle(from),
        Status::TakenBack(reason) => Step::SettleTakenBack(reason),
        Status::Refused(why) => Step::Refuse(why),
        Status::Accepted => Step::CheckAgainAt(next_check_at(submitted_at, now)),
        // The provider knows the payment and says that our order never came.
        Status::AwaitingConsent | Status::Consented => Step::Resend,
        Status::Unknown if now.duration_since(submitted_at) >= RESEND_AFTER => Step::Resend,
        // Nobody cancels what is submitted, or pays it by transfer: those words say as little.
        Status::Unknown | Status::Cancelled | Status::Arrived(_) => {
            Step::CheckAgainAt(next_check_at(submitted_at, now))
        }
    }
}

/// The next thing to do about an attempt whose money moves at consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AtConsentStep {
    /// Record that the payer consented: the session is pending.
    Authorise,
    /// The same, and that the money is sent.
    AuthoriseAndSettle(PaidFrom),
    /// Record that the money is sent.
    Settle(PaidFrom),
    /// Record that the money was sent, and taken back since.
    SettleTakenBack(TakenBackReason),
    /// Record that the attempt was refused, and the session with it.
    Decline(DeclineReason),
    /// Record that the attempt has ended, and the session goes on.
    EndAttempt(AttemptEnd),
    /// The session's time has passed and the payer has not consented: ask the provider to cancel, then record it.
    Expire,
    /// The session's time has passed, and a part alone has come by transfers: ask the provider to give that up and return it, then
    /// record it.
    GiveUp,
    /// Record that the provider has returned the part that came, and that the session has failed.
    EndUnderpaid,
    /// Ask again later.
    CheckAgain,
}

/// What to do at `now` about a session whose latest attempt moves money at consent, and which is not final.
///
/// What is unknown is never failed, and time alone ends nothing.
pub(crate) fn at_consent(session: &Session, status: Status, now: Timestamp) -> AtConsentStep {
    let is_pending = session.state == SessionState::Pending;
    match status {
        Status::Settled(from) if is_pending => AtConsentStep::Settle(from),
        Status::Settled(from) => AtConsentStep::AuthoriseAndSettle(from),
        Status::TakenBack(reason) if is_pending => AtConsentStep::SettleTakenBack(reason),
        Status::Consented | Status::Accepted if is_pending => AtConsentStep::CheckAgain,
        // Once it is pending, the next check finds out that it was taken back.
        Status::Consented | Status::Accepted | Status::TakenBack(_) => AtConsentStep::Authorise,
        Status::Refused(why) if goes_on_after_refusal(session, now) => AtConsentStep::EndAttempt(why.into()),
        Status::Refused(why) => AtConsentStep::Decline(why),
        // It was promised, and will not come.
        Status::Cancelled if is_pending => AtConsentStep::Decline(DeclineReason::ByBank),
        Status::Cancelled => AtConsentStep::EndAttempt(AttemptEnd::Cancelled),
        Status::Arrived(arrivals) => by_transfers(session, arrivals, now),
        Status::AwaitingConsent if !is_pending && now >= session.expires_at => AtConsentStep::Expire,
        Status::AwaitingConsent | Status::Unknown => AtConsentStep::CheckAgain,
    }
}

/// What to do at `now` about what has come by transfers. What came after the attempt was closed is late money, and changes
/// nothing.
fn by_transfers(session: &Session, arrivals: Arrivals, now: Timestamp) -> AtConsentStep {
    let is_pending = session.state == SessionState::Pending;
    let Arrivals { received, closed, payer_account, .. } = arrivals;
    let paid_from = payer_account.map_or(PaidFrom::Undisclosed, PaidFrom::Account);
    match (is_pending, closed) {
        (false, true) if received.get() == 0 => AtConsentStep::EndAttempt(AttemptEnd::Cancelled),
        (true, true) => AtConsentStep::EndUnderpaid,
        // It is closed when it is pending alone; if not, it becomes so.
        (false, true) => AtConsentStep::Authorise,
        (false, false) if received >= session.amount.minor_units() => AtConsentStep::AuthoriseAndSettle(paid_from),
        (true, false) if received >= session.amount.minor_units() => AtConsentStep::Settle(paid_from),
        (false, false) => AtConsentStep::Authorise,
        (true, false) if now >= session.expires_at => AtConsentStep::GiveUp,
        (true, false) => AtConsentStep::CheckAgain,
    }
}

/// Whether the payer may choose again after the provider's final no.
pub(crate) fn goes_on_after_refusal(session: &Session, now: Timestamp) -> bool {
    session.retry && session.pays_refund.is_none() && session.may_choose_again() && now < session.expires_at
}

#[cfg(test)]
mod tests {
    use models::{MAX_ATTEMPTS, MinorUnits, PaysRefund, RefundId, SessionEvent, transition};
    use samples::{NOW, later};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn money_is_asked_for_on_consent_alone() {
        for status in [Status::Consented, Status::Accepted, Status::Settled(PaidFrom::Undisclosed)] {
            assert_eq!(before_submission(status), Step::Submit);
        }
        for status in [Status::AwaitingConsent, Status::Unknown, Status::Cancelled] {
            assert_eq!(before_submission(status), Step::Wait);
        }
        assert_eq!(before_submission(Status::Refused(DeclineReason::ByPayer)), Step::Refuse(DeclineReason::ByPayer));
    }

    #[test]
    fn a_submitted_payment_ends_by_the_providers_word_alone() {
        let step = |status| after_submission(status, at(0), at(1));
        assert_eq!(step(Status::Settled(PaidFrom::Undisclosed)), Step::Settle(PaidFrom::Undisclosed));
        assert_eq!(step(Status::Refused(DeclineReason::ByBank)), Step::Refuse(DeclineReason::ByBank));
        for status in [Status::Accepted, Status::Unknown, Status::Cancelled] {
            assert_eq!(step(status), Step::CheckAgainAt(at(3)));
        }
        for status in [Status::Consented, Status::AwaitingConsent] {
            assert_eq!(step(status), Step::Resend);
        }
    }

    #[test]
    fn an_unknown_payment_is_resent_after_ten_minutes_and_never_failed() {
        assert_eq!(after_submission(Status::Unknown, at(0), at(599)), Step::CheckAgainAt(at(599 + 299)));
        assert_eq!(after_submission(Status::Unknown, at(0), at(600)), Step::Resend);
        assert_eq!(after_submission(Status::Unknown, at(0), at(1_000_000)), Step::Resend);
    }

    fn session(state: SessionState) -> Session {
        let mut session = samples::session();
        session.state = state;
        session
    }

    #[test]
    fn what_the_provider_says_of_an_attempt_that_awaits_consent() {
        use AtConsentStep as Step;
        let session = session(SessionState::AwaitingPaymentConsent);
        let (in_time, past) = (later(1), session.expires_at);
        let refused = Status::Refused(DeclineReason::InsufficientFunds);
        for (status, now, step) in [
            (Status::AwaitingConsent, in_time, Step::CheckAgain),
            (Status::AwaitingConsent, past, Step::Expire),
            // The clock alone ends nothing.
            (Status::Unknown, past, Step::CheckAgain),
            (Status::Consented, past, Step::Authorise),
            (Status::Accepted, in_time, Step::Authorise),
            (Status::Settled(PaidFrom::Undisclosed), past, Step::AuthoriseAndSettle(PaidFrom::Undisclosed)),
            (Status::Cancelled, in_time, Step::EndAttempt(AttemptEnd::Cancelled)),
            (refused, in_time, Step::Decline(DeclineReason::InsufficientFunds)),
        ] {
            assert_eq!(at_consent(&session, status.clone(), now), step, "{status:?}");
        }
    }

    #[test]
    fn what_the_provider_says_of_a_payment_that_is_pending_there() {
        use AtConsentStep as Step;
        let session = session(SessionState::Pending);
        for (status, step) in [
            (Status::AwaitingConsent, Step::CheckAgain),
            (Status::Unknown, Step::CheckAgain),
            (Status::Consented, Step::CheckAgain),
            (Status::Accepted, Step::CheckAgain),
            (Status::Settled(PaidFrom::Undisclosed), Step::Settle(PaidFrom::Undisclosed)),
            (Status::Refused(DeclineReason::ByBank), Step::Decline(DeclineReason::ByBank)),
            (Status::Cancelled, Step::Decline(DeclineReason::ByBank)),
        ] {
            assert_eq!(at_consent(&session, status.clone(), later(100_000)), step, "{status:?}");
        }
    }

    fn arrived(received: i64, late: i64, closed: bool) -> Status {
        let (received, late) = (MinorUnits::new(received), MinorUnits::new(late));
        Status::Arrived(Arrivals { received, late, closed, payer_account: None })
    }

    /// The table of docs/decisions/0042-transfers.md, for a payment of 400.
    #[test]
    fn what_follows_from_what_has_come_by_transfers() {
        use AtConsentStep as Step;
        let [consenting, pending] = [SessionState::AwaitingPaymentConsent, SessionState::Pending].map(session);
        let (in_time, past) = (later(1), consenting.expires_at);
        for (session, status, now, step) in [
            (&consenting, arrived(1, 0, false), in_time, Step::Authorise),
            (&consenting, arrived(399, 0, false), past, Step::Authorise),
            (&consenting, arrived(400, 0, false), in_time, Step::AuthoriseAndSettle(PaidFrom::Undisclosed)),
            (&consenting, arrived(401, 0, false), past, Step::AuthoriseAndSettle(PaidFrom::Undisclosed)),
            (&consenting, arrived(0, 400, true), in_time, Step::EndAttempt(AttemptEnd::Cancelled)),
            (&pending, arrived(1, 0, false), in_time, Step::CheckAgain),
            (&pending, arrived(399, 0, false), past, Step::GiveUp),
            (&pending, arrived(399, 400, true), past, Step::EndUnderpaid),
            (&pending, arrived(400, 0, false), in_time, Step::Settle(PaidFrom::Undisclosed)),
            (&pending, arrived(400, 0, false), past, Step::Settle(PaidFrom::Undisclosed)),
            (&pending, arrived(999, 0, false), past, Step::Settle(PaidFrom::Undisclosed)),
        ] {
            assert_eq!(at_consent(session, status.clone(), now), step, "{} {status:?}", session.state);
        }
    }

    /// No step leads where the domain's table does not.
    #[test]
    fn every_step_can_be_recorded() {
        for state in [SessionState::AwaitingPaymentConsent, SessionState::Pending] {
            for status in [
                Status::AwaitingConsent,
                Status::Consented,
                Status::Accepted,
                Status::Settled(PaidFrom::Undisclosed),
                Status::TakenBack(TakenBackReason::Chargeback),
                Status::Refused(DeclineReason::ByPayer),
                Status::Cancelled,
                Status::Unknown,
                arrived(0, 1, true),
                arrived(1, 0, false),
                arrived(1, 0, true),
                arrived(400, 0, false),
                arrived(401, 0, true),
            ] {
                for now in [NOW, later(100_000)] {
                    let event = match at_consent(&session(state), status.clone(), now) {
                        AtConsentStep::Authorise | AtConsentStep::AuthoriseAndSettle(_) => SessionEvent::ConsentGiven,
                        AtConsentStep::Settle(_) | AtConsentStep::SettleTakenBack(_) => SessionEvent::Settled,
                        AtConsentStep::Decline(why) => why.event(),
                        AtConsentStep::EndAttempt(_) => SessionEvent::AttemptEnded,
                        AtConsentStep::Expire => SessionEvent::TimePassed,
                        AtConsentStep::EndUnderpaid => SessionEvent::Underpaid,
                        AtConsentStep::GiveUp | AtConsentStep::CheckAgain => continue,
                    };
                    assert!(transition(state, event).is_ok(), "{state} {status:?}: {event}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_leads_back_to_the_choice_where_the_merchant_wants_it_and_there_is_time() {
        let mut session = session(SessionState::AwaitingPaymentConsent);
        assert!(!goes_on_after_refusal(&session, NOW));
        session.retry = true;
        assert!(goes_on_after_refusal(&session, NOW));
        let step = at_consent(&session, Status::Refused(DeclineReason::ByPayer), NOW);
        assert_eq!(step, AtConsentStep::EndAttempt(AttemptEnd::DeclinedByPayer));
        assert!(!goes_on_after_refusal(&session, session.expires_at));
        let refund_id = RefundId::new(samples::uuid());
        let refund = Session { pays_refund: Some(PaysRefund { refund_id, session_id: session.id }), ..session.clone() };
        assert!(!goes_on_after_refusal(&refund, NOW));
        session.attempt = Some(samples::attempt(session.id, MAX_ATTEMPTS));
        assert!(!goes_on_after_refusal(&session, NOW));
    }
}
