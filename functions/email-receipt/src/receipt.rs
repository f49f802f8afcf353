//! What a receipt says. Pure: a session in, a mail out.

use askama::Template;
use models::{LineItem, Name, Session};

use crate::mail::Mail;
use crate::payment::Payment;

/// The receipt of a payment; none if it was not sent, or there is no address to send the receipt to.
pub(crate) fn render(session: &Session) -> Option<Mail> {
    let details = Details::of(session)?;
    // The payee last, here and in every mail: however its name is written, the amount before it reads as it is.
    let subject = format!("Receipt: {} to {}", details.payment.amount, details.payment.payee);
    Mail::to_payer(session, &subject, &Text { mail: &details }, &Html { mail: &details })
}

/// All that is shown, as it is shown.
#[derive(Debug)]
struct Details<'a> {
    items: Vec<Item<'a>>,
    payment: Payment<'a>,
}

#[derive(Debug)]
struct Item<'a> {
    name: &'a str,
    description: Option<&'a str>,
    /// `4 × £1.00`.
    price: String,
    total: String,
}

#[derive(Template)]
#[template(path = "receipt.txt")]
struct Text<'a> {
    mail: &'a Details<'a>,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct Html<'a> {
    mail: &'a Details<'a>,
}

impl<'a> Details<'a> {
    fn of(session: &'a Session) -> Option<Self> {
        Some(Self {
            items: session.line_items.iter().map(Item::of).collect::<Option<_>>()?,
            payment: Payment::of(session)?,
        })
    }
}

impl<'a> Item<'a> {
    /// None if price × quantity doesn't fit in 64 bits; the session's total would not have either.
    fn of(item: &'a LineItem) -> Option<Self> {
        Some(Self {
            name: item.name.as_str(),
            description: item.description.as_ref().map(Name::as_str),
            price: format!("{} × {}", item.quantity, item.unit_price),
            total: item.unit_price.checked_mul(item.quantity).ok()?.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn reads_well_as_plain_text() {
        let receipt = render(&sent(candles(), "Gerald Wiley")).unwrap();
        assert_eq!(receipt.to.as_str(), "paula@example.com");
        assert_eq!(receipt.subject, "[Test] Receipt: £16.50 to Gerald Wiley");
        let expected = "\
You paid £16.50 to Gerald Wiley.

Test payment: no real money moved.

Candles
  4 × £1.00                                £4.00
Diffuser
  Lavender, 200 ml
  1 × £12.50                              £12.50
------------------------------------------------
Total                                     £16.50

Paid to     Gerald Wiley
            account ending 5678
Reference   Illuminate
Sent        1 November 2019, 15:50 UTC
Payment ID  728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this receipt because your address was
given for this payment. If you have a question
about what you bought, ask Gerald Wiley.
";
        assert_eq!(receipt.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        let receipt = render(&sent(candles(), "Gerald Wiley")).unwrap();
        let facts = [
            "Candles",
            "4 × £1.00",
            "£4.00",
            "Diffuser",
            "Lavender, 200 ml",
            "1 × £12.50",
            "£16.50",
            "Gerald Wiley",
            "ending 5678",
            "Illuminate",
            "1 November 2019, 15:50 UTC",
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "Test payment: no real money moved",
        ];
        assert_both_say(&receipt, &facts);
        assert_keeps_secrets(&receipt);
    }

    #[test]
    fn only_a_test_says_so() {
        let session = sent(candles(), "Gerald Wiley");
        assert_says_test(&render(&session).unwrap(), true);
        let receipt = render(&live(session)).unwrap();
        assert_eq!(receipt.subject, "Receipt: £16.50 to Gerald Wiley");
        assert_says_test(&receipt, false);
    }

    #[test]
    fn only_a_payment_that_was_sent_to_somebody_with_an_address_has_one() {
        assert_eq!(render(&created(candles(), "Gerald Wiley")), None);
        for session in without_address(&sent(candles(), "Gerald Wiley")) {
            assert_eq!(render(&session), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        assert_shows_hostile(&render(&sent(vec![item(HOSTILE, Some(HOSTILE), 1, 1)], HOSTILE)).unwrap(), 5);
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_payee_is_called() {
        for text in ["Gerald\r\nBcc: x@example.com", "Gerald\nWiley", "Gerald\u{85}Wiley", "Gerald\0", "\u{7f}"] {
            assert!(Name::try_from(text.to_owned()).is_err(), "{text:?}");
        }
        let subject_to = |payee: &str| render(&sent(candles(), payee)).unwrap().subject;
        assert_subject_ends_in_any_payee("[Test] Receipt: £16.50 to ", subject_to);
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        assert_fetches_nothing(&render(&sent(candles(), "Gerald Wiley")).unwrap().html);
    }

    #[test]
    fn a_hundred_ordinary_items_are_not_cut_off() {
        // Gmail cuts a mail's HTML off after 102 KB.
        let items = (0..100).map(|n| item(&format!("Scented candle no. {n}"), Some("Lavender, 200 g"), 1250, 2));
        let html = render(&sent(items.collect(), "Gerald Wiley")).unwrap().html;
        assert!(html.len() < 102_000, "{}", html.len());
    }
}
