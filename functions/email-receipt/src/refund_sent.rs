//! The mail that a refund was sent. Pure: a refund and its sessions in, a mail out.

use askama::Template;
use models::{Refund, Session};

use crate::mail::Mail;
use crate::payment::{Payment, date_and_time, part_refunded};

/// The mail about `refund` of `session`, paid by the session `paid_by` if that is still there; none if the refund was
/// not sent, or if there is no address.
pub(crate) fn render(refund: &Refund, session: &Session, paid_by: Option<&Session>) -> Option<Mail> {
    let details = Details::of(refund, session, paid_by)?;
    let subject = format!("Refund: {} from {}", details.amount, details.payment.payee);
    Mail::to_payer(session, &subject, &Text { mail: &details }, &Html { mail: &details })
}

/// All that is shown, as it is shown.
#[derive(Debug)]
struct Details<'a> {
    amount: String,
    part: String,
    reference: &'a str,
    sent_at: String,
    id: String,
    /// The last four digits of the customer's account number.
    account: Option<&'a str>,
    payment: Payment<'a>,
}

#[derive(Template)]
#[template(path = "refund_sent.txt")]
struct Text<'a> {
    mail: &'a Details<'a>,
}

#[derive(Template)]
#[template(path = "refund_sent.html")]
struct Html<'a> {
    mail: &'a Details<'a>,
}

impl<'a> Details<'a> {
    fn of(refund: &'a Refund, session: &'a Session, paid_by: Option<&'a Session>) -> Option<Self> {
        let sent_at = refund.sent_at()?;
        Some(Self {
            amount: refund.amount.to_string(),
            part: part_refunded(refund, session),
            reference: refund.reference.as_str(),
            sent_at: date_and_time(sent_at),
            id: refund.id.to_string(),
            account: paid_by.map(|payment| payment.payee.account.last_four()),
            payment: Payment::of(session)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    fn render_refunded(session: &Session, minor: i64) -> Mail {
        let (refund, payment) = refunded(session, minor);
        render(&refund, session, Some(&payment)).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let mail = render_refunded(&sent(candles(), "Gerald Wiley"), 400);
        assert_eq!(mail.to.as_str(), "paula@example.com");
        assert_eq!(mail.subject, "[Test] Refund: £4.00 from Gerald Wiley");
        let expected = "\
A refund of £4.00 was sent to you by Gerald Wiley.

Test refund: no real money moved.

Refund      £4.00 of your payment of £16.50
Paid to     account ending 4321
Reference   Broken candles
Sent        5 November 2019, 08:15 UTC
Refund ID   9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77

Your payment
Paid to     Gerald Wiley
            account ending 5678
Reference   Illuminate
Sent        1 November 2019, 15:50 UTC
Payment ID  728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this e-mail because your address was
given for this payment. Your bank shows the
money soon, most often on the same day. If you
have a question about the refund, ask Gerald Wiley.
";
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        let mail = render_refunded(&sent(candles(), "Gerald Wiley"), 400);
        let facts = [
            "Gerald Wiley",
            "£4.00 of your payment of £16.50",
            "account ending 4321",
            "Broken candles",
            "5 November 2019, 08:15 UTC",
            "9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77",
            "account ending 5678",
            "Illuminate",
            "1 November 2019, 15:50 UTC",
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "Test refund: no real money moved",
        ];
        assert_both_say(&mail, &facts);
        assert_keeps_secrets(&mail);
        assert_both_say(&render_refunded(&sent(candles(), "Gerald Wiley"), 1650), &["£16.50, all of your payment"]);
    }

    #[test]
    fn without_the_session_that_paid_it_the_rest_is_told() {
        let session = sent(candles(), "Gerald Wiley");
        let (refund, payment) = refunded(&session, 400);
        let whole = render(&refund, &session, Some(&payment)).unwrap().text;
        let rest = render(&refund, &session, None).unwrap();
        assert_eq!(rest.text, whole.replace("Paid to     account ending 4321\n", ""));
        assert_eq!(rest.html.matches("account ending").count(), 1, "{}", rest.html);
    }

    #[test]
    fn only_a_test_says_so() {
        let session = sent(candles(), "Gerald Wiley");
        assert_says_test(&render_refunded(&session, 400), true);
        let mail = render_refunded(&live(session), 400);
        assert_eq!(mail.subject, "Refund: £4.00 from Gerald Wiley");
        assert_says_test(&mail, false);
    }

    #[test]
    fn only_a_refund_that_was_sent_to_somebody_with_an_address_has_one() {
        let session = sent(candles(), "Gerald Wiley");
        assert_eq!(render(&awaiting_details(&session, 400), &session, None), None);
        let (refund, payment) = awaiting_payment(&session, 400);
        assert_eq!(render(&refund, &session, Some(&payment)), None);
        let (refund, payment) = refunded(&session, 400);
        for session in without_address(&session) {
            assert_eq!(render(&refund, &session, Some(&payment)), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        assert_shows_hostile(&render_refunded(&sent(candles(), HOSTILE), 400), 3);
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_payee_is_called() {
        let subject_to = |payee: &str| render_refunded(&sent(candles(), payee), 400).subject;
        assert_subject_ends_in_any_payee("[Test] Refund: £4.00 from ", subject_to);
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        assert_fetches_nothing(&render_refunded(&sent(candles(), "Gerald Wiley"), 400).html);
    }
}
