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
    use models::{Creation, transition};
    use serde_json::json;

    use super::*;
    use crate::banked::{Dialect, parse_create, tests::merchant};
    use crate::json::Json;

    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

    /// What happens to a session that is paid.
    const PAID: [SessionEvent; 4] =
        [SessionEvent::PayerIdentified, SessionEvent::BankChosen, SessionEvent::ConsentGiven, SessionEvent::Settled];

    fn later(seconds: i64) -> Timestamp {
        NOW + jiff::SignedDuration::from_secs(seconds)
    }

    /// A session that awaits the payer, and what then happened to it.
    fn after(causes: &[SessionEvent]) -> Session {
        let request = json!({
            "reference": "Illuminate",
            "success_url": "https://shop.example/thanks?order=7",
            "error_url": "https://shop.example/sorry?order=7",
            "line_items": [{ "name": "Candles", "amount": 100, "currency": "GBP", "quantity": 4 }],
            "payee": { "account_number": "12345678", "sort_code": "010203" },
        });
        let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let body = request.to_string();
        let body = Json::read(body.as_bytes()).unwrap();
        let new = parse_create(&body, Dialect::V2, &merchant(), id, &"GBP:1000".parse().unwrap()).unwrap();
        let creation = Creation {
            id,
            end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
            merchant_id: "demo".parse().unwrap(),
            mode: models::Mode::Test,
            list_shard: models::ListShard::default(),
            at: NOW,
            base_url: "http://pay.example".to_owned(),
            write_id: "w".parse().unwrap(),
        };
        let mut session = Session::create(new, creation);
        for cause in causes {
            session.state = transition(session.state, *cause).unwrap();
            session.history.append(session.state, NOW, *cause, "w".parse().unwrap());
        }
        session
    }

    #[test]
    fn the_return_url_tells_the_merchant_what_came_of_it() {
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
