//! What leads a merchant to the session that pays a refund, where the wire format has no field for its link. Pure: a refund,
//! its session and its shop in, a mail out.
//!
//! It goes to the shop's address for support: the only one that is known of a merchant. It says nothing of the customer.

use jiff::Timestamp;
use models::{Refund, Session, Shop};

use crate::content::{Content, Part, Reader, Said};
use crate::mail::Mail;
use crate::payment::Payment;

/// The mail with the link to authorise `refund` of `session`; none if that is not awaited any more at `now`, or if the shop
/// has no address.
pub fn render(refund: &Refund, session: &Session, shop: Option<&Shop>, now: Timestamp) -> Option<Mail> {
    let url = refund.authorisation_url_at(now)?;
    let payment = Payment::sent(session, shop)?;
    let texts = payment.shell.texts();
    let is_all = refund.amount == session.amount;
    let part = if is_all { texts.mails.all_to_refund } else { texts.mails.part_to_refund };
    let approval = vec![
        Part::Paragraph(Said::new(texts.mails.refund_approval, &payment.facts)),
        Part::Button { label: texts.mails.refund_approval_button, url },
        Part::Paragraph(Said::new(texts.mails.refund_approval_until, &payment.at(refund.expires_at))),
    ];
    let facts = payment.facts.clone().name("reference", refund.reference.as_str()).text("id", refund.id);
    let of_refund = Part::Facts(vec![
        (texts.refunds.refund_reference, Said::new("{reference}", &facts)),
        (texts.mails.refund_id, Said::new("{id}", &facts)),
    ]);
    let content = Content {
        subject: texts.mails.refund_approval_subject,
        test: texts.mails.test_refund_to_come,
        heading: texts.mails.refund_approval_heading,
        facts: payment.refund_facts(refund),
        sections: vec![
            vec![Part::Paragraph(Said::new(part, &payment.facts)), of_refund],
            approval,
            vec![Part::Heading(texts.mails.refunded_payment), Part::Facts(vec![payment.reference()]), payment.proof()],
        ],
        reader: Reader::Shop,
    };
    Mail::of(&payment, &content)
}

#[cfg(test)]
mod tests {
    use models::RefundState;

    use super::*;
    use crate::samples::*;

    fn render_at_once(session: &Session, minor: i64) -> Mail {
        let (refund, _) = awaiting_payment(session, minor);
        render(&refund, session, Some(&samples::shop()), refund.created_at).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let session = sent(candles(), "Gerald Wiley");
        let mail = render_at_once(&session, 400);
        assert_eq!(mail.to.as_str(), "help@brightcandles.example");
        assert_eq!(mail.reply_to, None);
        assert_eq!(mail.subject, "[Test] Approve the refund of £4.00 · Illuminate · Bright Candles");
        let expected = "\
Approve a refund
£4.00

Test refund: no real money will move.

Part of the £16.50 paid on {sent_at}

Refund reference: Broken candles
Refund ID: 9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77

The money leaves your account once you approve it at your bank. Nothing is sent to the customer before.

Continue to approve:
http://127.0.0.1:3000/checkout/5e0c2b8e-51f4-4d5b-8d0e-0f3f6f0f7c11

The link works until {expires_at}. After that the refund has failed, and the amount can be refunded again.

The payment

Reference: Illuminate

To: Gerald Wiley, account ending 5678
Payment ID: 728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this e-mail because it is the support address of Bright Candles.

Payments by Counterfoil
"
        .replace("{sent_at}", &shown("2019-11-01T15:50:59.999Z"))
        .replace("{expires_at}", &shown("2019-11-11T18:02:10Z"));
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        let session = sent(candles(), "Gerald Wiley");
        let mail = render_at_once(&session, 400);
        let facts = [
            "Bright Candles",
            "£4.00",
            "£16.50",
            "http://127.0.0.1:3000/checkout/5e0c2b8e-51f4-4d5b-8d0e-0f3f6f0f7c11",
            &shown("2019-11-11T18:02:10Z"),
            "Broken candles",
            "9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77",
            "Gerald Wiley",
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "Part of the",
            "Test refund: no real money will move",
        ];
        assert_both_say(&mail, &facts);
        // Not who the customer is, nor where the money goes.
        for part in [&mail.subject, &mail.text, &mail.html] {
            for secret in ["Paula", "paula@example.com", "P J Payer", "87654321", "4321", "Help"] {
                assert!(!part.contains(secret), "{secret} in {part}");
            }
        }
        assert_both_say(&render_at_once(&session, 1650), &["All of the"]);
    }

    #[test]
    fn it_is_written_in_the_sessions_language() {
        assert_speaks_every_language("refund_to_authorise", &sent(candles(), "Gerald Wiley"), |session| {
            render_at_once(session, 400)
        });
    }

    #[test]
    fn only_a_test_says_so() {
        let session = sent(candles(), "Gerald Wiley");
        assert_says_test(&render_at_once(&session, 400), true);
        let mail = render_at_once(&live(session), 400);
        assert_eq!(mail.subject, "Approve the refund of £4.00 · Illuminate · Bright Candles");
        assert_says_test(&mail, false);
    }

    #[test]
    fn only_while_it_is_to_be_authorised() {
        let session = sent(candles(), "Gerald Wiley");
        let shop = samples::shop();
        let render = |refund: &Refund, now| render(refund, &session, Some(&shop), now);
        let (refund, _) = awaiting_payment(&session, 400);
        let just_before = Timestamp::from_millisecond(refund.expires_at.as_millisecond() - 1).unwrap();
        assert!(render(&refund, just_before).is_some());
        assert_eq!(render(&refund, refund.expires_at), None);
        assert_eq!(render(&awaiting_details(&session, 400), refund.created_at), None);
        assert_eq!(render(&Refund { submitted: true, ..refund.clone() }, refund.created_at), None);
        for state in [RefundState::Sent, RefundState::Failed] {
            assert_eq!(render(&Refund { state, ..refund.clone() }, refund.created_at), None);
        }
    }

    #[test]
    fn a_shop_without_an_address_gets_none() {
        let session = sent(candles(), "Gerald Wiley");
        let (refund, _) = awaiting_payment(&session, 400);
        for shop in [None, Some(&shop("Bright Candles"))] {
            assert_eq!(render(&refund, &session, shop, refund.created_at), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        let session = sent(candles(), HOSTILE);
        let (refund, _) = awaiting_payment(&session, 400);
        let shop = Shop { display_name: samples::name(HOSTILE), ..samples::shop() };
        // Payee, whose address it is.
        assert_shows_hostile(&render(&refund, &session, Some(&shop), refund.created_at).unwrap(), 2);
    }

    #[test]
    fn its_own_link_is_the_only_one() {
        let session = sent(candles(), "Gerald Wiley");
        let mail = render_at_once(&session, 400);
        let url = "http://127.0.0.1:3000/checkout/5e0c2b8e-51f4-4d5b-8d0e-0f3f6f0f7c11";
        let link = format!("<a class=\"button\" href=\"{url}\"");
        assert_eq!(mail.html.matches(&link).count(), 1);
        assert_fetches_nothing(&mail.html.replace(&link, "").replace(url, ""));
    }
}
