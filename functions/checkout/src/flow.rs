//! Every decision of the checkout, as functions of the session and the time alone.

use jiff::Timestamp;
use models::{MovesMoney, PaymentAttempt, PaymentMethod, Session, SessionEvent, SessionState};
use providers::Offer;

use crate::paths::{checkout_path, own_path};
use crate::view::View;

/// Which page fits the session now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Ask who pays.
    Payer,
    /// Ask which bank.
    Bank,
    /// Show the way to the bank.
    Consent,
    /// The time to pay has run out, and the bank has not said whether the payer approved: where money moves at consent, only it
    /// knows.
    TimeUp,
    /// The bank has been asked for the money.
    Pending,
    /// The money is sent.
    Sent,
    /// It ended without the money being sent; the cause, if the history names it.
    NotSent(Option<SessionEvent>),
}

/// The page that fits the session at `now`.
pub(crate) fn stage(session: &Session, now: Timestamp) -> Stage {
    match session.state_at(now) {
        SessionState::AwaitingPayer => Stage::Payer,
        SessionState::AwaitingProvider => Stage::Bank,
        SessionState::AwaitingPaymentConsent if session.now(now) >= session.expires_at => Stage::TimeUp,
        SessionState::AwaitingPaymentConsent => Stage::Consent,
        SessionState::Pending => Stage::Pending,
        SessionState::Sent => Stage::Sent,
        SessionState::Failed | SessionState::Cancelled | SessionState::Expired => {
            Stage::NotSent(session.failure_reason_at(now))
        }
    }
}

/// What a payer who is to choose is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Which bank, or which provider of the way to pay that the page's address names.
    Provider,
    /// How to pay, first.
    Method,
    /// Nothing: the merchant named the provider, and the payer goes on to it.
    Nothing,
}

/// What a payer who is to choose is asked by a page with this view.
pub(crate) fn asks(session: &Session, offers: &[Offer], view: &View) -> Asks {
    if session.offer_limits.provider.is_some() {
        return Asks::Nothing;
    }
    let of = |method| offers.iter().filter(|offer| offer.method == method).count();
    if by_bank_alone(session) || view.method.is_some_and(|method| of(method) > 1) {
        return Asks::Provider;
    }
    Asks::Method
}

/// Whether the page of an attempt leads to another choice: not where the merchant named the provider.
pub(crate) fn may_choose_another(session: &Session) -> bool {
    session.may_choose_again() && session.offer_limits.provider.is_none()
}

/// Whether a session can be paid by bank and in no other way: then nobody is asked how.
pub(crate) fn by_bank_alone(session: &Session) -> bool {
    let currency = session.amount.currency();
    let mut possible = session.payment_methods.as_slice().iter().filter(|method| method.can_have(currency));
    possible.all(|method| *method == PaymentMethod::PayByBank)
}

/// The shop's page that a payer is led on to at once: there is nothing left to wait for, and it gave an address.
pub(crate) fn way_on(session: &Session, now: Timestamp) -> Option<String> {
    match stage(session, now) {
        Stage::Sent | Stage::NotSent(_) => api::return_url(session, now),
        Stage::Payer | Stage::Bank | Stage::Consent | Stage::TimeUp | Stage::Pending => None,
    }
}

/// What becomes of a choice of a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It is the session's next attempt.
    Begin,
    /// It would be, but there have been [`MAX_ATTEMPTS`].
    TooMany,
    /// The session has moved on: a double click, a stale tab, the back button. [`destination`] says where to.
    Past,
}

/// What becomes of choosing a bank as attempt `asked`, which is what the form said that this choice would be.
pub(crate) fn choice(session: &Session, asked: u8, now: Timestamp) -> Choice {
    match stage(session, now) {
        Stage::Bank | Stage::Consent if session.attempt_number().checked_add(1) == Some(asked) => {
            if session.may_choose_again() { Choice::Begin } else { Choice::TooMany }
        }
        Stage::Bank | Stage::Consent => Choice::Past,
        Stage::Payer | Stage::TimeUp | Stage::Pending | Stage::Sent | Stage::NotSent(_) => Choice::Past,
    }
}

/// Where a payer goes whose choice was attempt `asked`: to that attempt's bank if it is the one going on, else to the
/// page that shows where the session stands.
///
/// Only our own pages: browsers hold a form's redirect to `form-action 'self'`, so that another origin's page is
/// reached by the link on ours.
pub(crate) fn destination(session: &Session, asked: u8, now: Timestamp) -> String {
    open_attempt(session, asked, now)
        // The page that repeats a begin leads on to another origin.
        .filter(|attempt| attempt.moves_money() == MovesMoney::AtSubmission)
        .and_then(|attempt| own_path(session, &attempt.redirect_url))
        .map_or_else(|| checkout_path(&session.id), str::to_owned)
}

/// Attempt `number`, if it is the latest and the session awaits the payer's consent to it.
fn open_attempt(session: &Session, number: u8, now: Timestamp) -> Option<&PaymentAttempt> {
    match stage(session, now) {
        Stage::Consent => session.attempt.as_ref().filter(|attempt| attempt.number == number),
        Stage::Payer | Stage::Bank | Stage::TimeUp | Stage::Pending | Stage::Sent | Stage::NotSent(_) => None,
    }
}

/// What a page does by itself for a payer who asked it to check: while it waits for a bank it asks that again after some seconds,
/// and leads on at once where nothing is left to wait for. The value of a `Refresh` header.
pub(crate) fn refresh(session: &Session, now: Timestamp) -> Option<String> {
    match stage(session, now) {
        Stage::TimeUp | Stage::Pending => {
            Some(format!("{}; url={}/return?check=auto", refresh_s(session, now), checkout_path(&session.id)))
        }
        Stage::Sent | Stage::NotSent(_) => way_on(session, now).map(|url| format!("0; url={url}")),
        // Nobody has to come back from anywhere: the money comes by itself.
        Stage::Consent if session.transfer().is_some() => {
            Some(format!("{}; url={}/return?check=auto", refresh_s(session, now), checkout_path(&session.id)))
        }
        Stage::Payer | Stage::Bank | Stage::Consent => None,
    }
}

/// How often a page that waits for a bank loads itself again: while the payment is young every three seconds, later less.
pub(crate) fn refresh_s(session: &Session, now: Timestamp) -> i64 {
    let now = session.now(now);
    let transfer = session.transfer().and_then(|_| session.attempt.as_ref()?.at_consent.as_ref());
    let begun_at = transfer.map(|at_consent| at_consent.begun_at).filter(|_| now < session.expires_at);
    let since = session.pending_since().or(begun_at).unwrap_or(session.expires_at).min(now);
    (now.duration_since(since).as_secs() / 10).clamp(3, 60)
}

#[cfg(test)]
mod tests {
    use models::MAX_ATTEMPTS;
    use samples::{NOW, later};

    use super::*;
    use crate::samples::in_state;

    #[test]
    fn each_state_has_its_page() {
        use SessionEvent as E;
        use SessionState as S;
        let expected = |state: S| match state {
            S::AwaitingPayer => Stage::Payer,
            S::AwaitingProvider => Stage::Bank,
            S::AwaitingPaymentConsent => Stage::Consent,
            S::Pending => Stage::Pending,
            S::Sent => Stage::Sent,
            S::Failed => Stage::NotSent(Some(E::DeclinedByPayer)),
            S::Cancelled => Stage::NotSent(Some(E::CancelledByPayer)),
            S::Expired => Stage::NotSent(Some(E::TimePassed)),
        };
        for state in S::ALL {
            assert_eq!(stage(&in_state(state), NOW), expected(state), "{state}");
            // Past expires_at, what awaited the payer shows as expired though nobody has written it down.
            let then = if state.is_awaiting() { expected(S::Expired) } else { expected(state) };
            assert_eq!(stage(&in_state(state), later(86_400)), then, "{state}");
        }
    }

    #[test]
    fn a_choice_begins_the_next_attempt_and_no_other() {
        let mut session = in_state(SessionState::AwaitingProvider);
        assert_eq!(choice(&session, 1, NOW), Choice::Begin);
        for asked in [0, 2, 20, 255] {
            assert_eq!(choice(&session, asked, NOW), Choice::Past, "{asked}");
        }
        session = in_state(SessionState::AwaitingPaymentConsent);
        assert_eq!(choice(&session, 1, NOW), Choice::Past);
        assert_eq!(choice(&session, 2, NOW), Choice::Begin);
        assert_eq!(choice(&session, 2, later(86_400)), Choice::Past);
        if let Some(attempt) = session.attempt.as_mut() {
            attempt.number = MAX_ATTEMPTS;
        }
        assert_eq!(choice(&session, MAX_ATTEMPTS + 1, NOW), Choice::TooMany);
        assert_eq!(choice(&session, MAX_ATTEMPTS, NOW), Choice::Past);
        for state in SessionState::ALL {
            if !matches!(state, SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent) {
                let session = in_state(state);
                assert_eq!(choice(&session, session.attempt_number() + 1, NOW), Choice::Past, "{state}");
            }
        }
    }

    #[test]
    fn a_double_click_reaches_the_bank_and_a_stale_tab_the_session() {
        let mut session = in_state(SessionState::AwaitingPaymentConsent);
        let checkout = format!("/checkout/{}", session.id);
        assert_eq!(destination(&session, 1, NOW), format!("/mock-bank/{}/1", session.id));
        assert_eq!(destination(&session, 0, NOW), checkout);
        assert_eq!(destination(&session, 2, NOW), checkout);
        assert_eq!(destination(&session, 1, later(86_400)), checkout);
        assert_eq!(destination(&in_state(SessionState::Pending), 1, NOW), checkout);
        // Another origin is reached by a link on our page, never by a form's redirect.
        for url in [
            "https://bank.example/consent",
            "http://pay.example.evil/",
            "http://pay.example//evil",
            "http://pay.example",
        ] {
            if let Some(attempt) = session.attempt.as_mut() {
                attempt.redirect_url = url.to_owned();
            }
            assert_eq!(destination(&session, 1, NOW), checkout, "{url}");
        }
    }

    #[test]
    fn a_decision_is_accepted_for_the_latest_attempt_alone() {
        for state in SessionState::ALL {
            let session = in_state(state);
            let open = open_attempt(&session, 1, NOW).is_some();
            assert_eq!(open, state == SessionState::AwaitingPaymentConsent, "{state}");
            assert!(open_attempt(&session, 0, NOW).is_none() && open_attempt(&session, 2, NOW).is_none());
            assert!(open_attempt(&session, 1, later(86_400)).is_none());
        }
    }

    #[test]
    fn a_page_that_checks_waits_or_leads_on() {
        for state in SessionState::ALL {
            let session = in_state(state);
            let refresh = refresh(&session, NOW);
            assert_eq!(refresh.is_some(), !state.is_awaiting(), "{state}");
            assert_eq!(way_on(&session, NOW).is_some(), state.is_final(), "{state}");
            let leads = refresh.is_some_and(|refresh| refresh.starts_with("0; url=https://shop.example/"));
            assert_eq!(leads, state.is_final(), "{state}");
        }
        let session = Session { success_url: None, ..in_state(SessionState::Sent) };
        assert_eq!((refresh(&session, NOW), way_on(&session, NOW)), (None, None));
    }

    #[test]
    fn a_pending_page_refreshes_less_and_less_often() {
        let session = in_state(SessionState::Pending);
        for (age, wait) in [(0, 3), (30, 3), (100, 10), (100_000, 60)] {
            assert_eq!(refresh_s(&session, later(age)), wait);
        }
    }

    #[test]
    fn the_page_of_a_transfer_is_young_again_when_its_time_is_up() {
        let mut session = in_state(SessionState::AwaitingPaymentConsent);
        let mut attempt = samples::attempt_at_consent(session.id, 1, NOW);
        let instructions =
            models::TransferInstructions { payee: session.payee.clone(), reference: session.reference.clone() };
        attempt.at_consent.iter_mut().for_each(|at_consent| at_consent.transfer = Some(instructions.clone()));
        session.attempt = Some(attempt);
        let ends = session.expires_at.duration_since(NOW).as_secs();
        for (age, wait) in [(0, 3), (100, 10), (ends - 1, 60), (ends, 3), (ends + 100, 10), (ends + 100_000, 60)] {
            assert_eq!(refresh_s(&session, later(age)), wait, "{age}");
        }
        // By its test clock, which stands still.
        session.test_clock = Some(models::OnClock { id: models::TestClockId::new(samples::uuid()), now: later(100) });
        assert_eq!(refresh_s(&session, later(100_000)), 10);
    }
}
