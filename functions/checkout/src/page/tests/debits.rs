//! Debits: the pages in their words.

use models::PaymentMethods;

use super::*;

fn offers() -> Vec<Offer> {
    let (mode, method) = (Mode::Test, PaymentMethod::BacsDebit);
    Providers::new(NoLedger, false).offers(&Wanted {
        mode,
        method,
        currency: Currency::GBP,
        country: None,
        payers: None,
        provider: None,
    })
}

/// A session whose payer is at the mandate's page, after these events.
fn debited(events: &[SessionEvent]) -> Session {
    let mut session = at_consent();
    session.payment_methods = PaymentMethods::new(vec![PaymentMethod::BacsDebit]).unwrap();
    session.attempt.iter_mut().for_each(|attempt| attempt.bank = "mock-bacs".parse().unwrap());
    session.retry = events == [SessionEvent::AttemptEnded];
    events.iter().for_each(|event| happen(&mut session, *event, NOW));
    session
}

fn after(end: AttemptEnd) -> Session {
    let mut session = debited(&[SessionEvent::AttemptEnded]);
    session.attempt.iter_mut().for_each(|attempt| attempt.ended = Some(end));
    session
}

fn pages() -> [(&'static str, Session); 5] {
    [
        ("debit_consent", debited(&[])),
        ("debit_pending", debited(&[SessionEvent::ConsentGiven])),
        ("debit_sent", debited(&[SessionEvent::ConsentGiven, SessionEvent::Settled])),
        ("debit_after_refusal", after(AttemptEnd::DeclinedByBank)),
        ("debit_after_lack_of_funds", after(AttemptEnd::InsufficientFunds)),
    ]
}

pub(super) fn gallery(language: Language) -> Vec<(String, String)> {
    let show = |session: &Session| View::default().show(session, &offers(), language, NOW);
    pages().map(|(name, session)| (name.to_owned(), show(&session))).into()
}

#[test]
fn a_debit_is_spoken_of_as_one() {
    let pages = gallery(Language::English);
    for ((name, html), says) in pages.iter().zip([
        "Sign the mandate at <bdi>Mock Direct Debit</bdi>",
        "The amount is being collected",
        "<span class=\"amount\">£4.00</span> has been collected from your account for <bdi>Bright Candles Ltd</bdi>.",
        "Collecting from your account was refused. No money has left it.",
        "There was not enough money in your account. No money has left it.",
    ]) {
        assert!(html.contains(says), "{name}: {html}");
        assert!(!html.contains("Your bank said no") && !html.contains("Your bank is sending"), "{name}: {html}");
        assert!(!html.contains("Your bank has sent"), "{name}: {html}");
    }
}
