//! What leads a payer to the checkout. Pure: a session and its shop in, a mail out.
//!
//! Its link is the checkout itself: who holds it can pay, and sees what is paid.

use jiff::Timestamp;
use models::{Session, Shop};

use crate::content::{Content, Part, Reader, Said};
use crate::items::Items;
use crate::mail::Mail;
use crate::payment::Payment;

/// The mail with the link to `session`; none if it can't be paid any more at `now`, so that no link leads nowhere, or if
/// there is no address.
pub fn render(session: &Session, shop: Option<&Shop>, now: Timestamp) -> Option<Mail> {
    if !session.state_at(now).is_awaiting() || session.now(now) >= session.expires_at {
        return None;
    }
    let payment = Payment::to_come(session, shop);
    let texts = payment.shell.texts();
    let link = vec![
        Part::Button { label: texts.mails.link_button, url: session.checkout_url() },
        Part::Paragraph(Said::new(texts.mails.link_until, &payment.facts)),
        Part::Paragraph(Said::new(texts.mails.link_check, &payment.facts)),
    ];
    let mut bought: Vec<_> = Items::of(session, payment.shell.language).map(Part::Items).into_iter().collect();
    let id = (texts.checkout.payment_id, Said::new("{id}", &payment.facts));
    bought.push(Part::Facts(vec![payment.reference(), id]));
    let content = Content {
        subject: texts.mails.link_subject,
        test: texts.mails.test_payment_to_come,
        heading: texts.checkout.pay_shop,
        facts: payment.facts.clone(),
        sections: vec![vec![Part::Paragraph(Said::new(texts.mails.link_asks, &payment.facts))], link, bought],
        reader: Reader::Payer { ask: texts.mails.ask_about_payment_to_come },
    };
    Mail::of(&payment, &content)
}

#[cfg(test)]
mod tests {
    use models::SessionState;

    use super::*;
    use crate::samples::*;

    /// A session whose payer the merchant named and wants to be mailed the link.
    fn session() -> Session {
        let session = created(candles(), "Gerald Wiley");
        let description = Some(samples::text("Rent for March, flat 3"));
        Session { email_link: true, email_receipt: false, line_items: vec![], description, ..session }
    }

    fn render_at_once(session: &Session) -> Mail {
        render(session, Some(&samples::shop()), session.created_at).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let session = session();
        let mail = render_at_once(&session);
        assert_eq!(mail.to.as_str(), "paula@example.com");
        assert_eq!(mail.reply_to.as_ref().unwrap().as_str(), "help@brightcandles.example");
        assert_eq!(mail.subject, "[Test] Pay £16.50 to Bright Candles");
        let expected = "\
Pay Bright Candles
£16.50

Test payment: no real money will move.

Bright Candles is asking you to pay. You choose how to pay.

See and pay:
http://127.0.0.1:3000/checkout/1ae1ce03-dfa9-4593-b487-65c656991cb5

The link works until {expires_at}.

If you don’t know Bright Candles, or what this is for, don’t pay.

Rent for March, flat 3
£16.50

Total: £16.50

Reference: Illuminate
Payment ID: 728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this e-mail because your address was given for this payment. If you have a question about it, ask Bright Candles. \
Replies to this e-mail go to Bright Candles.

Payments by Counterfoil
Help: help@brightcandles.example · https://brightcandles.example
"
        .replace("{expires_at}", &shown(&session.expires_at.to_string()));
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        let session = session();
        let mail = render_at_once(&session);
        let facts = [
            "Pay ",
            "Bright Candles",
            "£16.50",
            "Rent for March, flat 3",
            &session.checkout_url(),
            &shown(&session.expires_at.to_string()),
            "Illuminate",
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "Test payment: no real money will move",
        ];
        assert_both_say(&mail, &facts);
        // Items, where the merchant gave them.
        assert_both_say(
            &render_at_once(&created(candles(), "Gerald Wiley")),
            &["Candles", "Lavender, 200 ml", "£12.50"],
        );
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("Paula") && !part.contains("12345678"), "{part}");
        }
    }

    #[test]
    fn it_is_written_in_the_payers_language() {
        assert_speaks_every_language("payment_link", &session(), render_at_once);
    }

    #[test]
    fn only_a_test_says_so() {
        assert_says_test(&render_at_once(&session()), true);
        let mail = render_at_once(&live(session()));
        assert_eq!(mail.subject, "Pay £16.50 to Bright Candles");
        assert_says_test(&mail, false);
    }

    #[test]
    fn only_while_it_can_be_paid() {
        let session = session();
        let just_before = Timestamp::from_millisecond(session.expires_at.as_millisecond() - 1).unwrap();
        assert!(render(&session, None, just_before).is_some());
        assert_eq!(render(&session, None, session.expires_at), None);
        // The clock alone does not end what may be paid at its provider, but the link is of no use any more.
        let attempt = Some(samples::attempt_at_consent(session.id, 1, session.created_at));
        let open = Session { attempt, state: SessionState::AwaitingPaymentConsent, ..session.clone() };
        assert!(render(&open, None, just_before).is_some());
        assert_eq!(render(&open, None, session.expires_at), None);
        for state in SessionState::ALL {
            let session = Session { state, ..session.clone() };
            assert_eq!(render(&session, None, session.created_at).is_some(), state.is_awaiting(), "{state}");
        }
    }

    #[test]
    fn nobody_without_an_address_gets_one() {
        for session in without_address(&session()) {
            assert_eq!(render(&session, None, session.created_at), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let session = Session { description: Some(samples::text(HOSTILE)), ..session() };
        let shop = shop(HOSTILE);
        // Heading, who asks, who may not be known, description, whom to ask.
        assert_shows_hostile(&render(&session, Some(&shop), session.created_at).unwrap(), 5);
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_shop_is_called() {
        let session = session();
        assert_subject_ends_in_any_shop("[Test] Pay £16.50 to ", |shop| {
            render(&session, Some(shop), session.created_at).unwrap().subject
        });
    }

    #[test]
    fn its_own_link_is_the_only_one() {
        let session = session();
        let mail = render(&session, None, session.created_at).unwrap();
        let url = session.checkout_url();
        let link = format!("<a class=\"button\" href=\"{url}\"");
        assert_eq!(mail.html.matches(&link).count(), 1);
        assert_fetches_nothing(&mail.html.replace(&link, "").replace(&url, ""));
        assert_eq!(mail.text.matches("//").count(), 1);
        assert!(mail.text.lines().any(|line| line == url), "{}", mail.text);
    }
}
