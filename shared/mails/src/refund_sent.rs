//! The mail that a refund was sent. Pure: a refund, its sessions and its shop in, a mail out.

use models::{Refund, Session, Shop};

use crate::content::{Content, Part, Reader, Said};
use crate::mail::Mail;
use crate::payment::Payment;

/// The mail about `refund` of `session`, paid by the session `paid_by` if that is still there; none if the refund was
/// not sent, or if there is no address.
pub fn render(refund: &Refund, session: &Session, shop: Option<&Shop>, paid_by: Option<&Session>) -> Option<Mail> {
    let payment = Payment::sent(session, shop)?;
    let texts = payment.shell.texts();
    let facts = payment.at(refund.sent_at()?).name("reference", refund.reference.as_str()).text("id", refund.id);
    let account = paid_by.map(|paid_by| {
        let facts = facts.clone().text("account", paid_by.payee.account.last_four());
        (texts.checkout.to, Said::new(texts.checkout.account_ending, &facts))
    });
    let mut of_refund = vec![(texts.refunds.refund_reference, Said::new("{reference}", &facts))];
    of_refund.extend(account);
    of_refund.push((texts.mails.sent_at, Said::new("{time}", &facts)));
    of_refund.push((texts.mails.refund_id, Said::new("{id}", &facts)));
    let sent = format!("{} {}", texts.mails.refund_sent, texts.mails.refund_soon);
    let content = Content {
        subject: texts.mails.refund_sent_subject,
        test: texts.mails.test_refund,
        heading: texts.mails.refund_heading,
        facts: payment.refund_facts(refund),
        sections: vec![
            vec![payment.part_refunded(refund)],
            vec![Part::Paragraph(Said::new(&sent, &facts)), Part::Facts(of_refund)],
            vec![Part::Heading(texts.mails.your_payment), Part::Facts(vec![payment.reference()]), payment.proof()],
        ],
        reader: Reader::Payer { ask: texts.mails.ask_about_refund },
    };
    Mail::of(&payment, &content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    fn render_refunded(session: &Session, minor: i64) -> Mail {
        let (refund, payment) = refunded(session, minor);
        render(&refund, session, Some(&samples::shop()), Some(&payment)).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let mail = render_refunded(&sent(candles(), "Gerald Wiley"), 400);
        assert_eq!(mail.to.as_str(), "paula@example.com");
        assert_eq!(mail.reply_to.as_ref().unwrap().as_str(), "help@brightcandles.example");
        assert_eq!(mail.subject, "[Test] Refund of £4.00 · Illuminate · Bright Candles");
        let expected = "\
Refund from Bright Candles
£4.00

Test refund: no real money moved.

Part of the £16.50 you paid on {sent_at}

Bright Candles has sent the money to your account. It usually shows there the same day.

Refund reference: Broken candles
To: account ending 4321
Sent: {refunded_at}
Refund ID: 9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77

Your payment

Reference: Illuminate

To: Gerald Wiley, account ending 5678
Payment ID: 728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this e-mail because your address was given for this payment. If you have a question about the refund, ask Bright \
Candles. Replies to this e-mail go to Bright Candles.

Payments by Counterfoil
Help: help@brightcandles.example · https://brightcandles.example
"
        .replace("{sent_at}", &shown("2019-11-01T15:50:59.999Z"))
        .replace("{refunded_at}", &shown("2019-11-05T08:15:40Z"));
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        let mail = render_refunded(&sent(candles(), "Gerald Wiley"), 400);
        let (sent_at, refunded_at) = (shown("2019-11-01T15:50:59.999Z"), shown("2019-11-05T08:15:40Z"));
        let facts = [
            "Bright Candles",
            "£4.00",
            "£16.50",
            "account ending 4321",
            "Broken candles",
            &refunded_at,
            "9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77",
            "Gerald Wiley",
            "account ending 5678",
            "Illuminate",
            &sent_at,
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "Part of the",
            "Test refund: no real money moved",
        ];
        assert_both_say(&mail, &facts);
        assert_keeps_secrets(&mail);
        assert_both_say(&render_refunded(&sent(candles(), "Gerald Wiley"), 1650), &["All of the"]);
    }

    #[test]
    fn it_is_written_in_the_payers_language() {
        assert_speaks_every_language("refund_sent", &sent(candles(), "Gerald Wiley"), |session| {
            render_refunded(session, 400)
        });
    }

    #[test]
    fn without_the_session_that_paid_it_the_rest_is_said() {
        let session = sent(candles(), "Gerald Wiley");
        let (refund, payment) = refunded(&session, 400);
        let whole = render(&refund, &session, None, Some(&payment)).unwrap().text;
        let rest = render(&refund, &session, None, None).unwrap();
        assert_eq!(rest.text, whole.replace("To: account ending 4321\n", ""));
        assert_eq!(rest.html.matches("account ending").count(), 1, "{}", rest.html);
    }

    #[test]
    fn only_a_test_says_so() {
        let session = sent(candles(), "Gerald Wiley");
        assert_says_test(&render_refunded(&session, 400), true);
        let mail = render_refunded(&live(session), 400);
        assert_eq!(mail.subject, "Refund of £4.00 · Illuminate · Bright Candles");
        assert_says_test(&mail, false);
    }

    #[test]
    fn only_a_refund_that_was_sent_to_somebody_with_an_address_has_one() {
        let session = sent(candles(), "Gerald Wiley");
        assert_eq!(render(&awaiting_details(&session, 400), &session, None, None), None);
        let (refund, payment) = awaiting_payment(&session, 400);
        assert_eq!(render(&refund, &session, None, Some(&payment)), None);
        let (refund, payment) = refunded(&session, 400);
        for session in without_address(&session) {
            assert_eq!(render(&refund, &session, None, Some(&payment)), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let session = sent(candles(), HOSTILE);
        let (refund, payment) = refunded(&session, 400);
        // Heading, who sent it, payee, whom to ask.
        assert_shows_hostile(&render(&refund, &session, None, Some(&payment)).unwrap(), 4);
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_shop_is_called() {
        let session = sent(candles(), "Gerald Wiley");
        let (refund, payment) = refunded(&session, 400);
        let subject_of = |shop: &Shop| render(&refund, &session, Some(shop), Some(&payment)).unwrap().subject;
        assert_subject_ends_in_any_shop("[Test] Refund of £4.00 · Illuminate · ", subject_of);
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        let session = sent(candles(), "Gerald Wiley");
        let (refund, payment) = refunded(&session, 400);
        assert_fetches_nothing(&render(&refund, &session, None, Some(&payment)).unwrap().html);
    }
}
