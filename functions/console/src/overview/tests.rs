//! The overview of a desk's payments.

use jiff::SignedDuration;
use models::{MailId, MailTopic, Mode, Object, Refund, Session, SessionEvent};

use super::*;
use crate::desk::{Desk, seen, words};
use crate::frame::Part;

const PENDING: [SessionEvent; 3] =
    [SessionEvent::PayerIdentified, SessionEvent::BankChosen, SessionEvent::ConsentGiven];

/// Status and HTML of the page.
async fn overview(desk: &Desk, query: &str) -> (u16, String) {
    seen(Box::pin(show(&desk.services, &desk.frame(Mode::Test), query)).await)
}

/// A session of £4.00 to which this happens now; it is noted how it ended, if it did.
async fn session(desk: &Desk, events: &[SessionEvent]) -> Session {
    let now = desk.services.clock.now();
    let session = desk.session(|session| events.iter().for_each(|event| samples::happen(session, *event, now))).await;
    let object = Object::Session(Box::new(session.clone()));
    for _ in 0..3 {
        desk.services.endings.note(&object, now).await.unwrap();
    }
    session
}

fn tile(html: &str, label: &str, value: &str) -> bool {
    html.contains(&format!("<dt>{label}</dt><dd>{value}</dd>"))
}

#[tokio::test]
async fn before_the_first_payment_it_says_how_to_make_it() {
    let desk = Desk::new().await;
    let (status, html) = overview(&desk, "").await;
    let said = words(&html);
    assert_eq!(status, 200);
    assert!(
        said.contains("There are no payments in test mode yet") && said.contains("Nothing needs your attention."),
        "{said}"
    );
    session(&desk, &[]).await;
    assert!(words(&overview(&desk, "").await.1).contains("No payment or refund has ended in this time"));
    for query in ["days=8", "days=", "x", "days=7&x=1"] {
        assert_eq!(overview(&desk, query).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn a_payment_of_which_mails_did_not_arrive_is_named_once_for_a_week() {
    let desk = Desk::new().await;
    let session = session(&desk, &[]).await;
    let now = desk.services.clock.now();
    for (topic, at) in [
        (MailTopic::PaymentLink(session.id), now - SignedDuration::from_hours(1)),
        (MailTopic::Receipt(session.id), now),
    ] {
        desk.services.bounces.note(&MailId { topic, sequence: 1 }, at).await.unwrap();
    }
    let named = format!("Payment {}: a mail about it did not arrive, ", session.id);
    let said = words(&overview(&desk, "").await.1);
    assert_eq!(said.matches(&named).count(), 1, "{said}");
    desk.advance(SignedDuration::from_hours(7 * 24 + 1));
    let said = words(&overview(&desk, "").await.1);
    assert!(!said.contains(&named) && said.contains("Nothing needs your attention."), "{said}");
}

#[tokio::test]
async fn what_ended_is_shown_in_figures_charts_and_tables() {
    let desk = Desk::new().await;
    let sent = [PENDING.as_slice(), &[SessionEvent::Settled]].concat();
    let refused = [PENDING.as_slice(), &[SessionEvent::DeclinedByBank]].concat();
    for events in [&sent, &sent, &refused] {
        session(&desk, events).await;
    }
    for query in ["", "days=1", "days=7", "days=30", "days=90"] {
        let (status, html) = overview(&desk, query).await;
        assert_eq!(status, 200);
        for (label, value) in [
            ("Payments ended", "3"),
            ("Paid", "2"),
            ("Success rate", "66.6%"),
            ("Half of them paid", "within 10 s"),
            ("Volume", "£8.00"),
            ("Failed", "1"),
            ("Refunded", "£0.00"),
        ] {
            assert!(tile(&html, label, value), "{query}, {label}: {html}");
        }
        assert!(html.contains("<th scope=\"row\">The bank refused</th><td class=\"num\">1</td>"), "{html}");
        assert!(html.contains("<th scope=\"row\">Pay by bank</th><td class=\"num\">3</td>"), "{html}");
        assert_eq!(html.matches("<svg ").count(), 2, "{html}");
        assert_eq!(html.matches("aria-current=\"true\"").count(), 1, "{html}");
        assert!(!html.contains("still being counted") && !html.contains("too many to count"), "{html}");
        assert!(!html.contains("taken back later"), "not by bank: {html}");
    }
    let (_, html) = overview(&desk, "days=7").await;
    assert!(html.contains("31 Jan</th><td class=\"num\">2</td><td class=\"num\">1</td>"), "{html}");
    // A week later it has passed.
    desk.advance(SignedDuration::from_hours(8 * 24));
    assert!(words(&overview(&desk, "days=7").await.1).contains("No payment or refund has ended in this time"));
    assert!(tile(&overview(&desk, "days=30").await.1, "Volume", "£8.00"));
}

#[tokio::test]
async fn what_needs_a_person_comes_first() {
    let desk = Desk::new().await;
    let pending = session(&desk, &PENDING).await;
    assert!(words(&overview(&desk, "").await.1).contains("Nothing needs your attention."), "it is pending since now");
    desk.advance(SignedDuration::from_hours(2));
    let paid = desk.paid(|_| {}).await;
    let creation = samples::refund_creation(desk.services.clock.now());
    let (refund, payment) = Refund::create(&paid, samples::new_refund(&paid, Some(100)), creation).unwrap();
    desk.services.refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
    let endpoint = models::Endpoint { failures: 2, ..samples::endpoint() };
    desk.services.endpoints.create(&endpoint, None).await.unwrap();
    let (_, html) = overview(&desk, "").await;
    let said = words(&html);
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text}: {said}"));
    assert!(at("£4.00 is pending since 31 January 2026, 09:30") < at("one awaits your authorisation"), "{said}");
    assert!(at("The last 2 deliveries failed") < at("24 hours"), "{said}");
    for path in [
        format!("/console/test/payments/{}", pending.id),
        "/console/test/refunds".to_owned(),
        format!("/console/test/webhooks/{}", endpoint.id),
    ] {
        assert!(html.contains(&format!("<li><a href=\"{path}\">")), "{path}: {html}");
    }
    let live = seen(Box::pin(show(&desk.services, &desk.frame(Mode::Live), "")).await).1;
    assert!(words(&live).contains("Nothing needs your attention."), "of the other mode");
}

#[test]
fn what_could_not_be_counted_is_not_said_to_be_nothing() {
    let column = Column { label: "31 Jan".to_owned(), tally: None };
    assert!(Row::of(&column).counts.is_none());
    let column = Column { label: "31 Jan".to_owned(), tally: Some(Tally::default()) };
    assert_eq!(Row::of(&column).counts, Some((0, 0)));
}

#[test]
fn only_what_was_paid_by_some_methods_can_be_taken_back() {
    let sent = ByMethod { ended: 2, sent: 1 };
    assert!(may_be_taken_back(&(Some(PaymentMethod::Card), sent)));
    assert!(may_be_taken_back(&(Some(PaymentMethod::BacsDebit), sent)));
    assert!(!may_be_taken_back(&(Some(PaymentMethod::Card), ByMethod { ended: 2, sent: 0 })));
    assert!(!may_be_taken_back(&(Some(PaymentMethod::PayByBank), sent)) && !may_be_taken_back(&(None, sent)));
}

#[test]
fn shares_and_waits_are_said_in_words() {
    for (ended, sent, text) in
        [(0, 0, "–"), (3, 2, "66.6%"), (3, 3, "100.0%"), (1_000_000, 999_999, "99.9%"), (u64::MAX, 0, "0.0%")]
    {
        assert_eq!(rate(ByMethod { ended, sent }, Language::English), text);
    }
    for (seconds, text) in [
        (10, "10 s"),
        (90, "90 s"),
        (120, "2 min"),
        (1_800, "30 min"),
        (3_600, "1 h"),
        (86_400, "1 day"),
        (259_200, "3 days"),
    ] {
        assert_eq!(span(Duration::from_secs(seconds), Language::English), text);
    }
    let beyond = Some(Wait::Beyond(Duration::from_secs(259_200)));
    assert_eq!(wait_text(beyond, Language::English), "after more than 3 days");
    assert_eq!(wait_text(beyond, Language::German), "nach mehr als 3\u{a0}Tagen");
    assert_eq!(wait_text(None, Language::English), "–");
    assert_eq!(rate(ByMethod { ended: 3, sent: 2 }, Language::French), "66,6\u{202f}%");
}

#[test]
fn a_day_is_said_in_short() {
    for (day, english, french, german) in
        [("2026-01-31", "31 Jan", "31 janvier", "31. Januar"), ("2026-12-01", "1 Dec", "1er décembre", "1. Dezember")]
    {
        let day: Date = day.parse().unwrap();
        let said = [Language::English, Language::French, Language::German].map(|language| date_text(day, language));
        assert_eq!(said, [english, french, german]);
    }
}

#[tokio::test]
async fn it_speaks_the_language_of_its_reader() {
    let desk = Desk::new().await;
    session(&desk, &[PENDING.as_slice(), &[SessionEvent::Settled]].concat()).await;
    for query in ["days=1", "days=7"] {
        let frame = Frame::new(&desk.visitor, Mode::Test, Part::Overview, Language::German);
        let (status, html) = seen(Box::pin(show(&desk.services, &frame, query)).await);
        assert_eq!(status, 200);
        for heading in ["<h1>Übersicht</h1>", ">Zu erledigen</h2>", "<h2>Zahlungen</h2>", ">Nach Zahlungsart</h2>"] {
            assert!(html.contains(heading), "{heading}: {html}");
        }
        let said = words(&html);
        for english in ["Overview", "Needs a person", "Payments", "By how they were paid", "Volume in", "Refunded"] {
            assert!(!said.contains(english), "{english}: {said}");
        }
        assert!(tile(&html, "Erfolgsquote", "100,0\u{a0}%"), "{html}");
    }
}
