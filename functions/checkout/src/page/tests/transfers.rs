//! The pages of a payer who makes a transfer.

use models::{AccountIdentifier, MinorUnits, Money, Payee, PaymentMethods, Received, TransferInstructions};
use providers::virtual_account;

use super::*;

fn uk() -> AccountIdentifier {
    AccountIdentifier::uk("040004", "11223344").unwrap()
}

fn iban() -> AccountIdentifier {
    AccountIdentifier::Iban { iban: "DE89370400440532013000".to_owned().try_into().unwrap() }
}

/// One that awaits a transfer, or after that, these.
fn by_transfer(
    account: AccountIdentifier,
    currency: Currency,
    then: &[SessionEvent],
    received: Option<i64>,
) -> Session {
    let mut session = at_consent();
    session.amount = Money::new(MinorUnits::new(400), currency);
    session.payment_methods = PaymentMethods::new(vec![PaymentMethod::BankTransfer, PaymentMethod::Card]).unwrap();
    let payee = Payee { name: session.payee.name.clone(), account };
    let to = TransferInstructions { payee, reference: samples::text("91V5RSB9J75N") };
    let attempt = session.attempt.as_mut().unwrap();
    attempt.bank = "mock-transfer".parse().unwrap();
    attempt.at_consent.as_mut().unwrap().transfer = Some(to);
    then.iter().for_each(|event| happen(&mut session, *event, NOW));
    session.received = received.map(|minor| Received { total: MinorUnits::new(minor), at: NOW });
    session
}

/// One whose transfers go to an account of its own.
fn to_its_own_account() -> Session {
    let mut session = by_transfer(iban(), Currency::EUR, &[], None);
    session.virtual_iban = true;
    let own = virtual_account(&session).unwrap().payee;
    let at_consent = session.attempt.as_mut().unwrap().at_consent.as_mut().unwrap();
    at_consent.transfer.as_mut().unwrap().payee = own;
    session
}

/// A page without how amounts and names are set apart.
fn plain(html: &str) -> String {
    ["<span class=\"amount\">", "</span>", "<bdi>", "</bdi>"]
        .iter()
        .fold(html.to_owned(), |html, tag| html.replace(tag, ""))
}

/// Each of them, with a name.
pub(super) fn gallery(language: Language) -> Vec<(String, String)> {
    use SessionEvent as E;
    let show = |session: &Session, now| View::default().show(session, &offers(), language, now);
    let pages = [
        ("transfer", by_transfer(uk(), Currency::GBP, &[], None), NOW),
        ("transfer_eur", by_transfer(iban(), Currency::EUR, &[], None), NOW),
        ("transfer_own_account", to_its_own_account(), NOW),
        ("transfer_missing", by_transfer(iban(), Currency::EUR, &[E::ConsentGiven], Some(150)), NOW),
        ("transfer_time_up", by_transfer(uk(), Currency::GBP, &[], None), later(86_400)),
        ("transfer_underpaid", by_transfer(uk(), Currency::GBP, &[E::ConsentGiven, E::Underpaid], Some(150)), NOW),
        ("transfer_excess", by_transfer(uk(), Currency::GBP, &[E::ConsentGiven, E::Settled], Some(450)), NOW),
    ];
    pages.into_iter().map(|(name, session, now)| (name.to_owned(), show(&session, now))).collect()
}

#[test]
fn where_to_and_what_is_asked_can_be_copied_each() {
    let html = plain(&show(&by_transfer(uk(), Currency::GBP, &[], None), NOW));
    for part in [
        "<h1>Transfer £4.00</h1>",
        "value=\"04-00-04\"",
        "value=\"11223344\"",
        "value=\"£4.00\"",
        "value=\"91V5RSB9J75N\"",
        "?choose=another",
        "/cancel",
        "/transfer\">Send a test transfer</a>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("class=\"scan\"") && !html.contains("IBAN"), "{html}");
    let live = Session { mode: Mode::Live, ..by_transfer(uk(), Currency::GBP, &[], None) };
    assert!(!show(&live, NOW).contains("mock-bank"), "real money is not for trying out");
}

#[test]
fn one_that_is_on_its_way_is_spoken_of_before_another_way_is_chosen_or_the_payment_cancelled() {
    let session = by_transfer(uk(), Currency::GBP, &[], None);
    let html = plain(&show(&session, NOW));
    assert!(html.contains("If it arrives after you cancel, Bright Candles Ltd has to return it"), "{html}");
    let html = plain(&super::choose_another(&session));
    for part in
        ["go back and wait for it", "If it arrives after you choose another way", "If it arrives after you cancel"]
    {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("you still pay once") && !html.contains("Nothing has been paid yet"), "{html}");
}

#[test]
fn an_account_of_its_own_is_what_a_transfer_is_recognised_by() {
    let html = show(&to_its_own_account(), NOW);
    assert!(html.contains("The account is for this payment only") && html.contains("value=\"FR"), "{html}");
    let by_reference = show(&by_transfer(iban(), Currency::EUR, &[], None), NOW);
    assert!(by_reference.contains("recognised by its reference") && !by_reference.contains("alone"), "{by_reference}");
}

#[test]
fn a_transfer_in_euro_has_a_code() {
    let html = plain(&show(&by_transfer(iban(), Currency::EUR, &[], None), NOW));
    assert!(html.contains("value=\"DE89 3704 0044 0532 0130 00\""), "{html}");
    assert!(html.contains("<section class=\"scan\" aria-labelledby=\"scan\">\n<svg"), "{html}");
}

#[test]
fn what_is_missing_is_asked_for_and_can_not_be_cancelled() {
    let session = by_transfer(iban(), Currency::EUR, &[SessionEvent::ConsentGiven], Some(150));
    for view in [View::default(), View { choose: Choose::Another, ..View::default() }] {
        let html = plain(&view.show(&session, &offers(), Language::English, NOW));
        assert!(html.contains("<h1>Transfer the missing €2.50</h1>"), "{html}");
        assert!(html.contains("Of €4.00, €1.50 has arrived. What is missing is €2.50."), "{html}");
        assert!(!html.contains("/cancel") && !html.contains("choose=another"), "{html}");
        assert!(html.contains("value=\"€2.50\""), "{html}");
    }
}

#[test]
fn what_it_came_to_says_what_goes_back() {
    use SessionEvent::{ConsentGiven, Settled, Underpaid};
    let underpaid = plain(&show(&by_transfer(uk(), Currency::GBP, &[ConsentGiven, Underpaid], Some(150)), NOW));
    assert!(underpaid.contains("<h1>Not all of the money arrived in time</h1>"), "{underpaid}");
    assert!(underpaid.contains("Of £4.00, £1.50 arrived. It is being returned"), "{underpaid}");
    let above = plain(&show(&by_transfer(uk(), Currency::GBP, &[ConsentGiven, Settled], Some(450)), NOW));
    assert!(above.contains("You sent £0.50 too much. Contact Bright Candles Ltd"), "{above}");
    let time_up = show(&by_transfer(uk(), Currency::GBP, &[], None), later(86_400));
    assert!(time_up.contains("We are asking whether your transfer has arrived."), "{time_up}");
}

#[test]
fn a_page_that_awaits_a_transfer_checks_by_itself_if_asked() {
    let session = by_transfer(uk(), Currency::GBP, &[], None);
    let refresh = |session: &Session, now| crate::flow::refresh(session, now).unwrap();
    assert!(refresh(&session, NOW).starts_with("3; url=/checkout/"));
    assert!(refresh(&session, later(1_000)).starts_with("60; url=/checkout/"));
}
