//! The session's id in the URLs that a payer is sent back to ("Creating a payment session", section 2).

use models::{InvalidText, MerchantUrl, Session, SessionId};
use uuid::Uuid;

/// Replaced by the session's id wherever it stands in `success_url` and `error_url`.
const PLACEHOLDER: &str = "__PAYMENT_ID__";

/// A URL of a session to be, as it is stored: with its id.
pub(super) fn of_session(text: &str, id: SessionId) -> Result<MerchantUrl, InvalidText> {
    MerchantUrl::try_from(text.replace(PLACEHOLDER, &id.to_string()))
}

/// A URL of the session that will pay a refund. There may be none for a while, and so no id; every id is as long.
pub(super) fn of_refund(text: String) -> Result<MerchantUrl, InvalidText> {
    if text.contains(PLACEHOLDER) {
        of_session(&text, SessionId::new(Uuid::nil()))?;
    }
    MerchantUrl::try_from(text)
}

/// The session that pays a refund, with its id in the URLs that the refund was made with.
pub(crate) fn fill_in(payment: Session) -> Session {
    let fill_in = |url: MerchantUrl| of_session(url.as_str(), payment.id).unwrap_or(url);
    let (success_url, error_url) = (payment.success_url.map(fill_in), payment.error_url.map(fill_in));
    Session { success_url, error_url, ..payment }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_filled_in_wherever_it_is_to_stand() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let url = of_session("https://shop.example/__PAYMENT_ID__/thanks?a=__PAYMENT_ID__", id).unwrap();
        assert_eq!(url.as_str(), format!("https://shop.example/{id}/thanks?a={id}"));
        assert!(of_session("/__PAYMENT_ID__", id).is_err());
    }

    #[test]
    fn a_url_is_as_long_as_it_will_be() {
        let id = SessionId::new(Uuid::max());
        let url = |length: usize| format!("https://example.com/{}__PAYMENT_ID__", "a".repeat(length - 20 - 36));
        assert!(of_session(&url(2048), id).is_ok() && of_session(&url(2049), id).is_err());
        assert_eq!(of_refund(url(2048)).unwrap().as_str(), url(2048));
        assert!(of_refund(url(2049)).is_err() && of_refund("/__PAYMENT_ID__".to_owned()).is_err());
    }
}
