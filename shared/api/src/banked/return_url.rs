//! Where the payer is sent on to, with what came of the payment.

use jiff::Timestamp;
use models::{Session, SessionEvent, SessionState};

use super::shown_state;

/// The merchant's page that the payer goes on to, with the result in its query; none while the session awaits the
/// payer, or if the merchant gave no such URL.
pub(crate) fn return_url(session: &Session, now: Timestamp) -> Option<String> {
    let state = session.state_at(now);
    let (url, result) = match state {
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
            return None;
        }
        SessionState::Pending => (&session.success_url, "pending"),
        SessionState::Sent => (&session.success_url, "success"),
        SessionState::Cancelled if session.failure_reason_at(now) == Some(SessionEvent::CancelledByPayer) => {
            (&session.error_url, "user-cancelled")
        }
        SessionState::Cancelled | SessionState::Failed | SessionState::Expired => (&session.error_url, "failure"),
    };
    let id = session.id.to_string();
    let query =
        [("banked-checkout-result", result), ("payment_result", shown_state(state)), ("payment_id", id.as_str())];
    url.as_ref().map(|url| url.with_query(&query))
}

#[cfg(test)]
mod tests {
    use samples::{NOW, later, session_after as after};

    use super::*;

    /// What happens to a session that is paid.
    const PAID: [SessionEvent; 4] =
        [SessionEvent::PayerIdentified, SessionEvent::BankChosen, SessionEvent::ConsentGiven, SessionEvent::Settled];

    #[test]
    fn the_return_url_says_how_the_payment_ended() {
        use SessionEvent as E;
        let id = after(&[]).id;
        let way = |causes: &[E]| return_url(&after(causes), NOW);
        let url = |path: &str, result: &str, state: &str| {
            Some(format!(
                "https://shop.example/{path}?order=7&banked-checkout-result={result}&payment_result={state}&payment_id={id}"
            ))
        };
        let pending = &PAID[..3];
        assert_eq!(way(&[]), None);
        assert_eq!(way(&pending[..2]), None);
        assert_eq!(way(pending), url("thanks", "pending", "pending"));
        assert_eq!(way(&[pending, &[E::Settled]].concat()), url("thanks", "success", "sent"));
        assert_eq!(way(&[pending, &[E::DeclinedByBank]].concat()), url("sorry", "failure", "failed"));
        assert_eq!(way(&[&pending[..2], &[E::DeclinedByPayer]].concat()), url("sorry", "failure", "failed"));
        assert_eq!(way(&[&pending[..2], &[E::InsufficientFunds]].concat()), url("sorry", "failure", "failed"));
        assert_eq!(way(&[E::CancelledByPayer]), url("sorry", "user-cancelled", "failed"));
        assert_eq!(way(&[E::CancelledByMerchant]), url("sorry", "failure", "failed"));
        assert_eq!(return_url(&after(&[]), later(86_400)), url("sorry", "failure", "failed"));
    }

    #[test]
    fn what_the_merchant_has_in_its_url_is_not_added_again() {
        let url = |text: &str| Some(models::MerchantUrl::try_from(text.to_owned()).unwrap());
        let session = Session { success_url: url("https://shop.example/?payment%5Fid=order-7#top"), ..after(&PAID) };
        let expected =
            "https://shop.example/?payment%5Fid=order-7&banked-checkout-result=success&payment_result=sent#top";
        assert_eq!(return_url(&session, NOW).as_deref(), Some(expected));
    }

    #[test]
    fn without_a_url_there_is_no_return_url() {
        for causes in [&PAID[..], &PAID[..3], &PAID[..2], &[SessionEvent::CancelledByPayer], &[]] {
            let session = Session { success_url: None, error_url: None, ..after(causes) };
            assert_eq!(return_url(&session, NOW), None);
        }
    }
}
