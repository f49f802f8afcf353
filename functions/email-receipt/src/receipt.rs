//! What a receipt says. Pure: a session in, a mail out.
//!
//! It shows nothing that the payer typed: whoever gives somebody else's address can't make us mail them a text of their
//! own. Nor does it show the session's id, which opens the checkout.

use askama::Template;
use models::{EmailAddress, LineItem, Mode, Name, Session};

/// A mail to a payer, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Whom it is for.
    pub(crate) to: EmailAddress,
    /// One line, without control characters.
    pub(crate) subject: String,
    /// The body as plain text.
    pub(crate) text: String,
    /// The same as HTML.
    pub(crate) html: String,
}

/// The receipt of a payment; none if it was not sent, or there is no address to send the receipt to.
pub(crate) fn render(session: &Session) -> Option<Receipt> {
    let to = session.payer.as_ref()?.email.clone()?;
    let details = Details::of(session)?;
    let test = if details.test { "[Test] " } else { "" };
    Some(Receipt {
        to,
        // The payee last: however its name is written, the amount before it reads as it is.
        subject: format!("{test}Receipt: {} to {}", details.total, details.payee),
        // Templates fail only if what they show can't be shown, and texts always can.
        text: Text { receipt: &details }.render().ok()?,
        html: Html { receipt: &details }.render().ok()?,
    })
}

/// All that is shown, as it is shown.
#[derive(Debug)]
struct Details<'a> {
    test: bool,
    items: Vec<Item<'a>>,
    total: String,
    payee: &'a str,
    /// The last four digits of the payee's account number.
    account: &'a str,
    reference: &'a str,
    sent_at: String,
    end_to_end_id: String,
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
    receipt: &'a Details<'a>,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct Html<'a> {
    receipt: &'a Details<'a>,
}

impl<'a> Details<'a> {
    fn of(session: &'a Session) -> Option<Self> {
        let payee = &session.payee;
        Some(Self {
            test: session.mode == Mode::Test,
            items: session.line_items.iter().map(Item::of).collect::<Option<_>>()?,
            total: session.amount.to_string(),
            payee: payee.name.as_str(),
            account: payee.account.account_number.last_four(),
            reference: session.reference.as_str(),
            sent_at: session.sent_at()?.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            end_to_end_id: session.end_to_end_id.to_string(),
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
    use jiff::Timestamp;
    use models::{
        AccountIdentifier, Creation, Currency, HistoryEntry, Lifetime, LineItems, Metadata, MinorUnits, Money,
        NewSession, Payee, Payer, SessionEvent, SessionState,
    };

    use super::*;

    const HOSTILE: &str = r#"<script>alert("1")</script> & 'Söns' {{ total }}"#;

    fn name(text: &str) -> Name {
        text.to_owned().try_into().unwrap()
    }

    fn item(text: &str, description: Option<&str>, minor: i64, quantity: u32) -> LineItem {
        LineItem {
            name: name(text),
            description: description.map(name),
            unit_price: Money::new(MinorUnits::new(minor), Currency::GBP),
            quantity,
        }
    }

    /// Awaits its payer.
    fn created(items: Vec<LineItem>, payee: &str) -> Session {
        let new = NewSession {
            line_items: LineItems::new(items, MinorUnits::new(100_000_000)).unwrap(),
            payee: Payee {
                name: name(payee),
                account: AccountIdentifier {
                    sort_code: "010203".to_owned().try_into().unwrap(),
                    account_number: "12345678".to_owned().try_into().unwrap(),
                },
            },
            payer: Some(Payer {
                name: name("Paula Payer"),
                email: Some("paula@example.com".to_owned().try_into().unwrap()),
            }),
            reference: "Illuminate".to_owned().try_into().unwrap(),
            success_url: None,
            error_url: None,
            email_receipt: true,
            metadata: Metadata::default(),
            lifetime: Lifetime::default(),
        };
        let creation = Creation {
            id: "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap(),
            end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
            merchant_id: "demo".parse().unwrap(),
            mode: Mode::Test,
            at: "2019-11-01T15:48:26Z".parse().unwrap(),
            base_url: "http://127.0.0.1:3000".to_owned(),
            write_id: "w1".parse().unwrap(),
        };
        Session::create(new, creation)
    }

    fn sent(items: Vec<LineItem>, payee: &str) -> Session {
        let mut session = created(items, payee);
        let at: Timestamp = "2019-11-01T15:50:59.999Z".parse().unwrap();
        session.state = SessionState::Sent;
        let entry =
            HistoryEntry { state: session.state, at, cause: SessionEvent::Settled, write_id: "w2".parse().unwrap() };
        session.history.push(entry);
        session
    }

    fn candles() -> Vec<LineItem> {
        vec![item("Candles", None, 100, 4), item("Diffuser", Some("Lavender, 200 ml"), 1250, 1)]
    }

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
        let session = sent(candles(), "Gerald Wiley");
        let receipt = render(&session).unwrap();
        for fact in [
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
        ] {
            assert!(receipt.text.contains(fact) && receipt.html.contains(fact), "{fact}");
        }
        for secret in [session.id.to_string().as_str(), "12345678", "010203", "Paula", "paula"] {
            let all = [&receipt.subject, &receipt.text, &receipt.html];
            assert!(all.iter().all(|part| !part.contains(secret)), "{secret}");
        }
    }

    #[test]
    fn only_a_test_says_so() {
        let mut session = sent(candles(), "Gerald Wiley");
        session.mode = Mode::Live;
        let receipt = render(&session).unwrap();
        assert_eq!(receipt.subject, "Receipt: £16.50 to Gerald Wiley");
        assert!(!receipt.text.contains("Test") && !receipt.html.contains("Test payment"));
    }

    #[test]
    fn only_a_payment_that_was_sent_to_somebody_with_an_address_has_one() {
        assert_eq!(render(&created(candles(), "Gerald Wiley")), None);
        let mut session = sent(candles(), "Gerald Wiley");
        session.payer.as_mut().unwrap().email = None;
        assert_eq!(render(&session), None);
        session.payer = None;
        assert_eq!(render(&session), None);
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let receipt = render(&sent(vec![item(HOSTILE, Some(HOSTILE), 1, 1)], HOSTILE)).unwrap();
        assert!(!receipt.html.contains("<script") && !receipt.html.contains("'Söns'"));
        let shown = html_unescaped(&receipt.html);
        assert_eq!(shown.matches(HOSTILE).count(), receipt.html.matches("&#60;script").count());
        assert_eq!(receipt.text.matches(HOSTILE).count(), 5);
    }

    fn html_unescaped(html: &str) -> String {
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
            .into_iter()
            .fold(html.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_payee_is_called() {
        for text in ["Gerald\r\nBcc: x@example.com", "Gerald\nWiley", "Gerald\u{85}Wiley", "Gerald\0", "\u{7f}"] {
            assert!(Name::try_from(text.to_owned()).is_err(), "{text:?}");
        }
        for payee in [HOSTILE, "Gerald: Wiley; Bcc=x", "=?UTF-8?Q?=0ABcc:?=", &"é".repeat(140)] {
            let subject = render(&sent(candles(), payee)).unwrap().subject;
            assert_eq!(subject, format!("[Test] Receipt: £16.50 to {payee}"));
            assert!(!subject.chars().any(char::is_control));
        }
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        let html = render(&sent(candles(), "Gerald Wiley")).unwrap().html;
        for remote in ["http:", "https:", "//", "src=", "<img", "<link", "url(", "@import", "<script", "<a "] {
            assert!(!html.contains(remote), "{remote}");
        }
    }

    #[test]
    fn a_hundred_ordinary_items_are_not_cut_off() {
        // Gmail cuts a mail's HTML off after 102 KB.
        let items = (0..100).map(|n| item(&format!("Scented candle no. {n}"), Some("Lavender, 200 g"), 1250, 2));
        let html = render(&sent(items.collect(), "Gerald Wiley")).unwrap().html;
        assert!(html.len() < 102_000, "{}", html.len());
    }
}
