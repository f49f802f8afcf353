//! Plans: the pages in their words.

use models::PaymentMethods;

use super::*;

fn offers() -> Vec<Offer> {
    let (mode, method) = (Mode::Test, PaymentMethod::BuyNowPayLater);
    Providers::new(NoLedger, false).offers(&Wanted {
        mode,
        method,
        currency: Currency::GBP,
        country: None,
        payers: None,
        provider: None,
    })
}

/// A session whose payer is at the plan's page, after these events.
fn planned(events: &[SessionEvent]) -> Session {
    let mut session = at_consent();
    session.payment_methods = PaymentMethods::new(vec![PaymentMethod::BuyNowPayLater]).unwrap();
    session.attempt.iter_mut().for_each(|attempt| attempt.bank = "mock-pay-later".parse().unwrap());
    session.retry = events == [SessionEvent::AttemptEnded];
    events.iter().for_each(|event| happen(&mut session, *event, NOW));
    session
}

fn after_refusal() -> Session {
    let mut session = planned(&[SessionEvent::AttemptEnded]);
    session.attempt.iter_mut().for_each(|attempt| attempt.ended = Some(AttemptEnd::DeclinedByBank));
    session
}

fn pages() -> [(&'static str, Session); 5] {
    [
        ("plan_consent", planned(&[])),
        ("plan_pending", planned(&[SessionEvent::ConsentGiven])),
        ("plan_sent", planned(&[SessionEvent::ConsentGiven, SessionEvent::Settled])),
        ("plan_declined", planned(&[SessionEvent::DeclinedByBank])),
        ("plan_after_refusal", after_refusal()),
    ]
}

pub(super) fn gallery(language: Language) -> Vec<(String, String)> {
    let show = |session: &Session| View::default().show(session, &offers(), language, NOW);
    pages().map(|(name, session)| (name.to_owned(), show(&session))).into()
}

#[test]
fn a_plan_is_spoken_of_as_one() {
    let pages = gallery(Language::English);
    for ((name, html), says) in pages.iter().zip([
        "Agree to a plan at <bdi>Mock Pay Later</bdi>",
        "Your plan is agreed",
        "<span class=\"amount\">£4.00</span> has been paid to <bdi>Bright Candles Ltd</bdi>. You pay by your plan, as agreed.",
        "You were not offered a plan</h1>",
        "You were not offered a plan at <bdi>Mock Pay Later</bdi>. Nothing is due.",
    ]) {
        assert!(html.contains(says), "{name}: {html}");
        assert!(!html.contains("Your bank") && !html.contains("your bank") && !html.contains("your account"), "{name}: {html}");
    }
}
