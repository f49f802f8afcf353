//! What asks a customer where a refund should go. Pure: a refund and its session in, a mail out.
//!
//! Its one URL is the page that asks.

use askama::Template;
use jiff::Timestamp;
use models::{Refund, RefundState, Session};

use crate::mail::Mail;
use crate::payment::{Payment, date_and_time, part_refunded};

/// The mail about `refund` of `session`; none if nothing is asked any more at `now`, so that no link leads nowhere, or
/// if there is no address.
pub(crate) fn render(refund: &Refund, session: &Session, now: Timestamp) -> Option<Mail> {
    if refund.state_at(now) != RefundState::AwaitingDetails {
        return None;
    }
    let details = Details::of(refund, session)?;
    let subject = format!("Where should your refund go? {} from {}", details.amount, details.payment.payee);
    Mail::to_payer(session, &subject, &Text { mail: &details }, &Html { mail: &details })
}

/// All that is shown, as it is shown.
#[derive(Debug)]
struct Details<'a> {
    amount: String,
    part: String,
    page_url: String,
    expires_at: String,
    payment: Payment<'a>,
}

#[derive(Template)]
#[template(path = "refund_details.txt")]
struct Text<'a> {
    mail: &'a Details<'a>,
}

#[derive(Template)]
#[template(path = "refund_details.html")]
struct Html<'a> {
    mail: &'a Details<'a>,
}

impl<'a> Details<'a> {
    fn of(refund: &Refund, session: &'a Session) -> Option<Self> {
        Some(Self {
            amount: refund.amount.to_string(),
            part: part_refunded(refund, session),
            page_url: refund.page_url(),
            expires_at: date_and_time(refund.expires_at),
            payment: Payment::of(session)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    fn render_at_once(session: &Session, minor: i64) -> Mail {
        let refund = awaiting_details(session, minor);
        render(&refund, session, refund.created_at).unwrap()
    }

    #[test]
    fn reads_well_as_plain_text() {
        let mail = render_at_once(&sent(candles(), "Gerald Wiley"), 400);
        assert_eq!(mail.to.as_str(), "paula@example.com");
        assert_eq!(mail.subject, "[Test] Where should your refund go? £4.00 from Gerald Wiley");
        let expected = "\
You have a refund of £4.00 from Gerald Wiley.

Test refund: no real money will move.

Your bank did not share the account you paid
from. Please say where the money should go:

http://127.0.0.1:3000/refunds/9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77

The link works until 4 December 2019, 09:30 UTC.
The page asks for your name, sort code and
account number, and never for passwords or card
numbers.

Refund      £4.00 of your payment of £16.50

Your payment
Paid to     Gerald Wiley
            account ending 5678
Reference   Illuminate
Sent        1 November 2019, 15:50 UTC
Payment ID  728d061b-8e47-4052-be4f-5f9bcdee39ff

You get this e-mail because your address was
given for this payment. If you don't expect a
refund, ignore this e-mail. If you have a
question about it, ask Gerald Wiley.
";
        assert_eq!(mail.text, expected);
    }

    #[test]
    fn html_and_text_say_the_same() {
        let mail = render_at_once(&sent(candles(), "Gerald Wiley"), 400);
        let facts = [
            "Gerald Wiley",
            "£4.00 of your payment of £16.50",
            "http://127.0.0.1:3000/refunds/9d8f1a52-6a0e-4c57-9a2b-3a1e4d1f0b77",
            "4 December 2019, 09:30 UTC",
            "ending 5678",
            "Illuminate",
            "1 November 2019, 15:50 UTC",
            "728d061b-8e47-4052-be4f-5f9bcdee39ff",
            "passwords",
            "ignore this e-mail",
            "Test refund: no real money will move",
        ];
        assert_both_say(&mail, &facts);
        assert_keeps_secrets(&mail);
        assert_both_say(&render_at_once(&sent(candles(), "Gerald Wiley"), 1650), &["£16.50, all of your payment"]);
    }

    #[test]
    fn only_a_test_says_so() {
        let session = sent(candles(), "Gerald Wiley");
        assert_says_test(&render_at_once(&session, 400), true);
        let mail = render_at_once(&live(session), 400);
        assert_eq!(mail.subject, "Where should your refund go? £4.00 from Gerald Wiley");
        assert_says_test(&mail, false);
    }

    #[test]
    fn only_while_details_are_awaited() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        let just_before = Timestamp::from_millisecond(refund.expires_at.as_millisecond() - 1).unwrap();
        assert!(render(&refund, &session, just_before).is_some());
        assert_eq!(render(&refund, &session, refund.expires_at), None);
        for (refund, _) in [awaiting_payment(&session, 400), refunded(&session, 400)] {
            assert_eq!(render(&refund, &session, refund.created_at), None);
        }
        let cancelled = Refund { state: RefundState::Failed, ..refund };
        assert_eq!(render(&cancelled, &session, cancelled.created_at), None);
    }

    #[test]
    fn nobody_without_an_address_gets_one() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        for session in without_address(&session) {
            assert_eq!(render(&refund, &session, refund.created_at), None);
        }
    }

    #[test]
    fn names_are_text_and_never_markup() {
        assert_shows_hostile(&render_at_once(&sent(candles(), HOSTILE), 400), 3);
    }

    #[test]
    fn the_subject_is_one_line_whatever_the_payee_is_called() {
        let subject_to = |payee: &str| render_at_once(&sent(candles(), payee), 400).subject;
        assert_subject_ends_in_any_payee("[Test] Where should your refund go? £4.00 from ", subject_to);
    }

    #[test]
    fn its_own_link_is_the_only_one() {
        let session = sent(candles(), "Gerald Wiley");
        let refund = awaiting_details(&session, 400);
        let (mail, url) = (render_at_once(&session, 400), refund.page_url());
        let link = format!("<a class=\"button\" href=\"{url}\"");
        assert_eq!(mail.html.matches(&link).count(), 1);
        assert_fetches_nothing(&mail.html.replace(&link, "").replace(&url, ""));
        assert_eq!(mail.text.matches("//").count(), 1);
        assert!(mail.text.lines().any(|line| line == url), "{}", mail.text);
    }

    #[test]
    fn the_link_cannot_break_out_of_its_attribute() {
        let session = sent(candles(), "Gerald Wiley");
        let base_url = r#"http://127.0.0.1:3000/"><script>&'"#.to_owned();
        let refund = Refund { base_url, ..awaiting_details(&session, 400) };
        let html = render(&refund, &session, refund.created_at).unwrap().html;
        assert!(
            html.contains(r#"href="http://127.0.0.1:3000/&#34;&#62;&#60;script&#62;&#38;&#39;/refunds/"#),
            "{html}"
        );
        assert!(!html.contains("<script"), "{html}");
    }
}
