//! The page of a session whose merchant named the provider.

use models::OfferLimits;

use super::*;

fn named(id: &str, method: PaymentMethod, session: &Session) -> (Session, Vec<Offer>) {
    let (mode, currency, provider) = (Mode::Test, Currency::GBP, id.parse().ok());
    let wanted = Wanted { mode, method, currency, country: None, payers: None, provider: provider.as_ref() };
    let offers = Providers::new(NoLedger, false).offers(&wanted);
    let payment_methods = PaymentMethods::new(vec![method]).unwrap();
    let offer_limits = OfferLimits { provider, ..OfferLimits::default() };
    (Session { payment_methods, offer_limits, ..session.clone() }, offers)
}

/// The body of the page, without the marks around names.
fn shown(session: &Session, offers: &[Offer]) -> String {
    let html = View::default().show(session, offers, Language::English, NOW);
    html.split_once("<body>").unwrap().1.replace("<bdi>", "").replace("</bdi>", "")
}

#[test]
fn it_leads_to_that_provider_and_lists_none() {
    use PaymentMethod as M;
    let waiting = in_state(SessionState::AwaitingProvider);
    for (id, method, heading) in [
        ("mock-settles", M::PayByBank, "Approve the payment at Brightwick Bank"),
        ("mock-card", M::Card, "Pay by card at Mock Card"),
        ("mock-bacs", M::BacsDebit, "Sign the mandate at Mock Direct Debit"),
        ("mock-transfer", M::BankTransfer, "Bank transfer"),
        ("mock-pay-later", M::BuyNowPayLater, "Agree to a plan at Mock Pay Later"),
    ] {
        let (session, offers) = named(id, method, &waiting);
        let html = shown(&session, &offers);
        assert!(html.contains(&format!("<h1>{heading}</h1>")), "{html}");
        assert!(
            html.contains(&format!("name=\"bank\" value=\"{id}\"")) && html.contains("name=\"attempt\" value=\"1\"")
        );
        assert!(!html.contains("class=\"banks\""), "{html}");
        assert_eq!(asks(&session, &offers, &View { banks: Banks::All, ..View::default() }), Asks::Nothing);
    }
}

#[test]
fn it_says_why_it_leads_nowhere_and_what_became_of_the_last_attempt() {
    let by_bank = |id, session: &Session| named(id, PaymentMethod::PayByBank, session);
    let show = |(session, offers): &(Session, Vec<Offer>)| shown(session, offers);
    let waiting = in_state(SessionState::AwaitingProvider);
    let html = show(&by_bank("mock-down", &waiting));
    assert!(html.contains("Down for maintenance") && !html.contains("name=\"bank\""), "{html}");
    // The directory no longer has it.
    let html = show(&by_bank("mock-gone", &waiting));
    assert!(html.contains("There is no bank to pay with") && !html.contains("name=\"bank\""), "{html}");
    let declined = by_bank("mock-consent", &after(AttemptEnd::DeclinedByPayer));
    let html = show(&declined);
    assert!(html.contains("You said no at Thistledown Pay") && html.contains("name=\"attempt\" value=\"2\""), "{html}");
    let mut last = declined;
    last.0.attempt.iter_mut().for_each(|attempt| attempt.number = MAX_ATTEMPTS);
    let html = show(&last);
    assert!(html.contains("No other bank can be chosen") && !html.contains("name=\"bank\""), "{html}");
    // Nothing leads from the way to it to another choice.
    let chosen = show(&by_bank("mock-consent", &at_consent()));
    assert!(chosen.contains("Continue at Thistledown Pay") && !chosen.contains("choose=another"), "{chosen}");
    assert!(show(&(at_consent(), offers())).contains("choose=another"));
}
