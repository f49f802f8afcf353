//! What asks a customer where a refund should go. Pure: a refund, its session and its shop in, a mail out.
//!
//! Its link is the page that asks, and what they know comes with it: the order's reference, what was bought, and when.

use jiff::Timestamp;
use models::{AccountKind, Refund, RefundState, Session, Shop};

use crate::content::{Content, Part, Reader, Said};
use crate::items::Items;
use crate::mail::Mail;
use crate::payment::Payment;

/// The mail about `refund` of `session`; none if nothing is asked any more at `now`, so that no link leads nowhere, or
/// if there is no address.
pub fn render(refund: &Refund, session: &Session, shop: Option<&Shop>, now: Timestamp) -> Option<Mail> {
    if refund.state_at(now) != RefundState::AwaitingDetails {
        return None;
    }
    let asked = AccountKind::of_refund(refund.amount.currency())?;
    let payment = Payment::sent(session, shop)?;
    let texts = &payment.shell.texts().mails;
    let until = match asked {
        AccountKind::UkAccount => texts.refund_question_until,
        AccountKind::Iban => texts.refund_question_until_iban,
    };
    let question = vec![
        Part::Paragraph(Said::new(texts.refund_question, &payment.facts)),
        Part::Button { label: texts.refund_question_button, url: refund.page_url() },
        Part::Paragraph(Said::new(until, &payment.at(refund.expires_at))),
    ];
    let mut order = vec![
        Part::Heading(texts.order_heading),
        Part::Paragraph(Said::new(texts.order_check, &payment.facts)),
        Part::Facts(vec![payment.reference()]),
    ];
    order.extend(Items::of(session, payment.shell.language).map(Part::Items));
    order.push(payment.proof());
    let content = Content {
        subject: texts.refund_question_subject,
        test: texts.test_refund_to_come,
        heading: texts.refund_heading,
        facts: payment.refund_facts(refund),
        sections: vec![vec![payment.part_refunded(refund)], question, order],
        reader: Reader::Payer { ask: texts.ask_about_refund },
    };
    Mail::of(&payment, &content)
}

#[cfg(test)]
mod tests {
    use models::Currency;

    use super::*;
    use crate::samples::*;

    fn render_at_once(session: &Session, minor: i64) -> Mail {
        let refund = awaiting_details(session, minor);
        render(&refund, session, Some(&samples::shop()), refund.created_at).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let mail = render_at_once(&sent(candles(), "Gerald Wiley"), 400);
        assert_eq!(mail.to.as_str(), "paula@example.com");
        assert_eq!(mail.reply_to.as_ref().unwrap().as_str(), "help@brightcandles.example");
        assert_eq!(mail.subject, "[Test] Where should your refund go? £4.00 · Illuminate · Bright Candles");
        let expected = "\
Refund from Bright Candles
£4.00

Test refund: no real money will move.

Part of the £16.50 you paid on {sent_at}

Your bank didn’t share the account you paid from. Please say where Bright Candles should send the money.

Give your account details:
http://127.0.0.1:3000/refunds/9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77

The link works until {expires_at}. The page asks for your name, sort code and account number, and never for passwords, PINs \
or card numbers.

Your order

If you don’t know this order, or don’t expect a refund, ignore this e-mail.

Reference: Illuminate

Candles
4 × £1.00 = £4.00

Diffuser
Lavender, 200 ml
£12.50

Total: £16.50

To: Gerald Wiley, account ending 5678
Payment ID: 728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this e-mail because your address was given for this payment. If you have a question about the refund, ask Bright \
Candles. Replies to this e-mail go to Bright Candles.

Payments by Counterfoil
Help: help@brightcandles.example · https://brightcandles.example
"
        .replace("{sent_at}", &shown("2019-11-01T15:50:59.999Z"))
        .replace("{expires_at}", &shown("2019-12-04T09:30:00Z"));
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn it_says_what_the_page_asks_for() {
        for (currency, asked) in [(Currency::GBP, "sort code and account number"), (Currency::EUR, "name and IBAN")] {
            let session = samples::in_currency(sent(candles(), "Gerald Wiley"), currency);
            assert_both_say(&render_at_once(&session, 400), &[asked]);
        }
    }

    #[test]
    fn html_and_text_say_the_same() {
        let mail = render_at_once(&sent(candles(), "Gerald Wiley"), 400);
        let (sent_at, expires_at) = (shown("2019-11-01T15:50:59.999Z"), shown("2019-12-04T09:30:00Z"));
        let facts = [
            "Bright Candles",
            "£4.00",
            "£16.50",
            "http://127.0.0.1:3000/refunds/9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77",
            &expires_at,
            "Illuminate",
            "Lavender, 200 ml",
            "Gerald Wiley",
            "ending 5678",
            &sent_at,
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "passwords",
            "ignore this e-mail",
            "Test refund: no real money will move",
        ];
        assert_both_say(&mail, &facts);
        assert_keeps_secrets(&mail);
        assert_both_say(&mail, &["Part of the"]);
        assert_both_say(&render_at_once(&sent(candles(), "Gerald Wiley"), 1650), &["All of the"]);
    }

    #[test]
    fn it_is_written_in_the_payers_language() {
        assert_speaks_every_language("refund_details", &sent(candles(), "Gerald Wiley"), |session| {
            render_at_once(session, 400)
        });
    }

    #[test]
    fn only_a_test_says_so() {
        let session = sent(candles(), "Gerald Wiley");
        assert_says_test(&render_at_once(&session, 400), true);
        let mail = render_at_once(&live(session), 400);
        assert_eq!(mail.subject, "Where should your refund go? £4.00 · Illuminate · Bright Candles");
        assert_says_test(&mail, false);
    }

    #[test]
    fn only_while_details_are_awaited() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        let just_before = Timestamp::from_millisecond(refund.expires_at.as_millisecond() - 1).unwrap();
        assert!(render(&refund, &session, None, just_before).is_some());
        assert_eq!(render(&refund, &session, None, refund.expires_at), None);
        for (refund, _) in [awaiting_payment(&session, 400), refunded(&session, 400)] {
            assert_eq!(render(&refund, &session, None, refund.created_at), None);
        }
        let cancelled = Refund { state: RefundState::Failed, ..refund };
        assert_eq!(render(&cancelled, &session, None, cancelled.created_at), None);
    }

    #[test]
    fn nobody_without_an_address_gets_one() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        for session in without_address(&session) {
            assert_eq!(render(&refund, &session, None, refund.created_at), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let session = sent(vec![item(HOSTILE, Some(HOSTILE), 400, 1)], HOSTILE);
        let refund = awaiting_details(&session, 400);
        // Heading, question, item, its description, payee, whom to ask.
        assert_shows_hostile(&render(&refund, &session, None, refund.created_at).unwrap(), 6);
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_shop_is_called() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        let subject_of = |shop: &Shop| render(&refund, &session, Some(shop), refund.created_at).unwrap().subject;
        assert_subject_ends_in_any_shop("[Test] Where should your refund go? £4.00 · Illuminate · ", subject_of);
    }

    #[test]
    fn its_own_link_is_the_only_one() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        let mail = render(&refund, &session, None, refund.created_at).unwrap();
        let url = refund.page_url();
        let link = format!("<a class=\"button\" href=\"{url}\"");
        assert_eq!(mail.html.matches(&link).count(), 1);
        assert_fetches_nothing(&mail.html.replace(&link, "").replace(&url, ""));
        assert_eq!(mail.text.matches("//").count(), 1);
        assert!(mail.text.lines().any(|line| line == url), "{}", mail.text);
    }

    #[test]
    fn the_button_has_the_shops_colour_where_white_can_be_read_on_it() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        for (colour, painted) in [("#8a4b08", "#8a4b08"), ("#ffd24d", "#0b5d4b")] {
            let shop = Shop { colour: Some(colour.parse().unwrap()), ..shop("Bright Candles") };
            let html = render(&refund, &session, Some(&shop), refund.created_at).unwrap().html;
            assert_eq!(html.matches(&format!("background:{painted};")).count(), 2, "{html}");
        }
    }

    #[test]
    fn the_link_cannot_break_out_of_its_attribute() {
        let session = sent(candles(), "Gerald Wiley");
        let base_url = r#"http://127.0.0.1:3000/"><script>&'"#.to_owned();
        let refund = Refund { base_url, ..awaiting_details(&session, 400) };
        let html = render(&refund, &session, None, refund.created_at).unwrap().html;
        assert!(
            html.contains(r#"href="http://127.0.0.1:3000/&#34;&#62;&#60;script&#62;&#38;&#39;/refunds/"#),
            "{html}"
        );
        assert!(!html.contains("<script"), "{html}");
    }
}
