//! What the mock bank whose money moves at consent calls payments and refunds: the ids say which they are.

use models::{EndToEndId, ProviderPaymentId, ProviderRefundId, whole_number};

use super::sha256::sha256;

const PREFIX: &str = "mock";

/// The id of an attempt at a payment.
pub(super) fn payment_id(payment: EndToEndId, attempt: u8) -> Option<ProviderPaymentId> {
    format!("{PREFIX}.{payment}.{attempt}").parse().ok()
}

/// Which attempt an id is of; none if the mock bank calls none so.
pub(super) fn attempt_of(id: &ProviderPaymentId) -> Option<(EndToEndId, u8)> {
    let (payment, attempt) = id.as_str().strip_prefix(PREFIX)?.strip_prefix('.')?.split_once('.')?;
    Some((payment.parse().ok()?, whole_number(attempt)?))
}

/// The id of a refund of an attempt.
pub(super) fn refund_id(payment: &ProviderPaymentId, position: u8) -> Option<ProviderRefundId> {
    format!("{payment}.{position}").parse().ok()
}

/// Which refund an id is of: of which attempt, at which position.
pub(super) fn refund_of(id: &ProviderRefundId) -> Option<(EndToEndId, u8, u8)> {
    let (payment, position) = id.as_str().rsplit_once('.')?;
    let (payment, attempt) = attempt_of(&payment.parse().ok()?)?;
    Some((payment, attempt, whole_number(position)?))
}

/// What the ledger calls the payment with a reference, or with an account of its own, as somebody typed it: banks leave out blanks and hyphens and make
/// capitals, and people take O for 0, and I and L for 1 (Crockford's base 32, which has no such letters).
pub(super) fn of_reference(typed: &str) -> Option<EndToEndId> {
    of_text(&as_meant(typed))
}

/// Whether what was typed has the form of a reference of ours, which says nothing of anybody.
pub(super) fn is_like_a_reference(typed: &str) -> bool {
    let meant = as_meant(typed);
    meant.len() == 12 && meant.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What was typed, as a reference is written.
fn as_meant(typed: &str) -> String {
    let digit = |letter: char| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    typed.chars().filter(|c| !matches!(c, ' ' | '-')).map(digit).collect()
}

/// What the ledger calls the list of transfers that match no payment. No reference has small letters by then.
pub fn unmatched_list() -> Option<EndToEndId> {
    of_text("unmatched")
}

/// The first half of its SHA-256.
fn of_text(text: &str) -> Option<EndToEndId> {
    EndToEndId::from_hex(sha256(text).get(..32)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_look_like_digits_are_those() {
        let payment = of_reference("000000000001").unwrap();
        for typed in ["oO00-0000 000I", "00000000000l", " 0000 0000 0001 ", "00000000000i"] {
            assert_eq!(of_reference(typed), Some(payment), "{typed}");
        }
        assert_ne!(of_reference("000000000002"), Some(payment));
    }

    #[test]
    fn what_has_the_form_of_a_reference_has_twelve_letters_and_digits() {
        for (typed, is_like_one) in [
            ("CANDLES 12345", true),
            ("candles-12345", true),
            ("4242 4242 4242 4242", false),
            ("Ada Lovelace!", false),
            ("", false),
        ] {
            assert_eq!(is_like_a_reference(typed), is_like_one, "{typed}");
        }
    }
}
