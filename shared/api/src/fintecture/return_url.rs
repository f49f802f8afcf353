//! Where the payer goes back to: with the session, its status, the merchant's own `state` and the provider in the query.

use jiff::Timestamp;
use models::{MerchantUrl, Session, SessionEvent, SessionState};

use super::extra::SessionExtra;
use super::status::session_status;
use crate::extra;

/// The merchant's page with the result; none while the session awaits the payer.
pub(crate) fn return_url(session: &Session, now: Timestamp) -> Option<String> {
    let url: &MerchantUrl = match session.state_at(now) {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => None,
        SessionState::Pending | SessionState::Sent => session.success_url.as_ref(),
        SessionState::Cancelled if session.failure_reason_at(now) == Some(SessionEvent::CancelledByPayer) => {
            session.cancel_url.as_ref().or(session.error_url.as_ref())
        }
        SessionState::Cancelled | SessionState::Failed | SessionState::Expired => session.error_url.as_ref(),
    }?;
    let id = session.id.to_hex();
    let SessionExtra { state, .. } = extra::read(session.extra.as_ref());
    let provider = session.attempt.as_ref().map(|attempt| attempt.bank.as_str());
    let all = [
        ("session_id", Some(id.as_str())),
        ("status", Some(session_status(session, now))),
        ("state", state.as_deref()),
        ("provider", provider),
    ];
    // A query that holds other values of these would say of any payment what it likes.
    Some(url.with_query_replaced(&all))
}

#[cfg(test)]
mod tests {
    use samples::{NOW, later, session_after, text};

    use super::*;

    /// A session with a `state` that is no plain word, after these events.
    fn after(causes: &[SessionEvent]) -> Session {
        let extra = models::Extra::new(r#"{"state":"order 7&x=1"}"#.to_owned()).unwrap();
        let url = |path: &str| Some(text(&format!("https://shop.example/{path}?order=7")));
        let (success_url, error_url, cancel_url) = (url("back"), url("back"), url("basket"));
        Session { extra: Some(extra), success_url, error_url, cancel_url, ..session_after(causes) }
    }

    #[test]
    fn the_payer_goes_back_with_what_came_of_the_payment() {
        use SessionEvent as E;
        let pending = [E::PayerIdentified, E::BankChosen, E::ConsentGiven];
        let way = |causes: &[E]| return_url(&after(causes), NOW);
        let url = |path: &str, status: &str, provider: &str| {
            let id = "00000000000000000000000000000007";
            let state = "order%207%26x%3D1";
            Some(format!("https://shop.example/{path}?order=7&session_id={id}&status={status}&state={state}{provider}"))
        };
        let bank = "&provider=mock-bank";
        for awaiting in 0..3 {
            assert_eq!(way(&pending[..awaiting]), None);
        }
        assert_eq!(way(&pending), url("back", "payment_pending", bank));
        assert_eq!(way(&[&pending[..], &[E::Settled]].concat()), url("back", "payment_created", bank));
        assert_eq!(way(&[&pending[..], &[E::DeclinedByBank]].concat()), url("back", "payment_unsuccessful", bank));
        assert_eq!(way(&[E::CancelledByPayer]), url("basket", "payment_cancelled", ""));
        assert_eq!(way(&[E::CancelledByMerchant]), url("back", "payment_cancelled", ""));
        assert_eq!(return_url(&after(&[]), later(86_400)), url("back", "payment_expired", ""));
        let without_origin = Session { cancel_url: None, ..after(&[E::CancelledByPayer]) };
        assert_eq!(return_url(&without_origin, NOW), url("back", "payment_cancelled", ""));
    }

    #[test]
    fn without_a_url_or_a_state_there_is_none() {
        let ended = || after(&[SessionEvent::CancelledByMerchant]);
        assert_eq!(return_url(&Session { error_url: None, ..ended() }, NOW), None);
        let back = return_url(&Session { extra: None, ..ended() }, NOW).unwrap();
        assert!(back.ends_with("&status=payment_cancelled"), "{back}");
    }
}
