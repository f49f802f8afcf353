//! Every page, as it is rendered.

use askama::Template;
use jiff::Timestamp;
use models::{
    AttemptEnd, Currency, EmailAddress, LateMoney, LineItem, MAX_ATTEMPTS, MerchantUrl, Mode, Payer, PaymentMethod,
    Session, SessionEvent, SessionState,
};
use providers::{Availability, Offer, Providers, Wanted};
use samples::{NOW, PAYER_EMAIL, PAYER_NAME, happen, item, later, name, session, session_after, session_of};

use super::outcome::LEAVE_AFTER_S;
use super::*;
use crate::flow::{Stage, stage};
use crate::form::{PayerErrors, PayerForm};
use crate::paths::Back;
use crate::samples::{NoLedger, in_state, refund_with_payment};

fn offers() -> Vec<Offer> {
    let (mode, method) = (Mode::Test, PaymentMethod::PayByBank);
    Providers::new(NoLedger, false).offers(&Wanted { mode, method, currency: Currency::GBP, country: None })
}

/// The page of the session's stage, as the handler chooses it.
fn show(session: &Session, now: Timestamp) -> String {
    let blank = PayerForm::default();
    match stage(session, now) {
        Stage::Payer => PayerPage::new(session, &blank, PayerErrors::default()).render(),
        Stage::Bank => BankPage::new(session, &offers()).render(),
        Stage::Consent => ConsentPage::new(session, &offers()).render(),
        Stage::TimeUp => TimeUpPage::new(session, &offers(), now).render(),
        Stage::Pending => PendingPage::new(session, now).render(),
        Stage::Sent => ResultPage::sent(session, now).render(),
        Stage::NotSent(cause) => ResultPage::not_sent(session, cause, now).render(),
    }
    .unwrap()
}

/// A session whose payer is at the bank whose money moves at consent.
fn at_consent() -> Session {
    let mut session = in_state(SessionState::AwaitingPaymentConsent);
    let mut attempt = samples::attempt_at_consent(session.id, 1, NOW);
    attempt.bank = "mock-consent".parse().unwrap();
    session.attempt = Some(attempt);
    session
}

/// A session that awaits another choice after this end of its attempt.
fn after(end: AttemptEnd) -> Session {
    let mut session = at_consent();
    session.retry = true;
    happen(&mut session, SessionEvent::AttemptEnded, NOW);
    session.attempt.iter_mut().for_each(|attempt| attempt.ended = Some(end));
    session
}

fn late_money() -> LateMoney {
    let provider = "mock-consent".parse().unwrap();
    LateMoney { at: NOW, provider, payment_id: "payment-1".parse().unwrap(), attempt: 1 }
}

const ENDS: [AttemptEnd; 5] = [
    AttemptEnd::DeclinedByPayer,
    AttemptEnd::DeclinedByBank,
    AttemptEnd::InsufficientFunds,
    AttemptEnd::Cancelled,
    AttemptEnd::NotBegun,
];

fn problem(problem: crate::answer::Problem) -> String {
    let response = problem.into_page(Some(Back { path: "/checkout/7".to_owned(), label: "Back to the payment" }));
    String::from_utf8(response.body().to_vec()).unwrap()
}

/// Every page there is, with a name.
fn gallery() -> Vec<(String, String)> {
    use SessionEvent as E;
    let mut pages: Vec<(String, String)> =
        SessionState::ALL.into_iter().map(|state| (state.to_string(), show(&in_state(state), NOW))).collect();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
    let consent = [E::PayerIdentified, E::BankChosen];
    for cause in [E::DeclinedByBank, E::InsufficientFunds, E::CancelledByMerchant] {
        add(&format!("not_sent_{cause}"), show(&session_after(&[&consent[..], &[cause]].concat()), NOW));
    }
    let session = session();
    let typed = PayerForm { name: String::new(), email: "gerald@".to_owned() };
    let errors = typed.check(None, true).unwrap_err();
    add("awaiting_payer_errors", PayerPage::new(&session, &typed, errors).render().unwrap());
    let mut named = session.clone();
    named.payer = Some(Payer { name: name(PAYER_NAME), email: None, phone: None });
    add("awaiting_payer_email", show(&named, NOW));
    let errors = typed.check(named.payer.as_ref(), true).unwrap_err();
    add("awaiting_payer_email_errors", PayerPage::new(&named, &typed, errors).render().unwrap());
    let many = session_of((1..=40).map(|n| item(&format!("Candle no. {n}"), 100 + n, 1)).collect());
    add("awaiting_payer_optional_email", show(&Session { email_receipt: false, mode: Mode::Live, ..many }, NOW));
    let mut last = in_state(SessionState::AwaitingPaymentConsent);
    last.attempt.iter_mut().for_each(|attempt| attempt.number = MAX_ATTEMPTS);
    add("awaiting_payment_consent_last", show(&last, NOW));
    let word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze".repeat(2);
    let mut long = session_of(vec![LineItem { description: Some(name(&word)), ..item(&word, 12_345_678, 8) }]);
    long.payee.name = name(&word);
    add("long", show(&long, NOW));
    long.state = SessionState::AwaitingProvider;
    add("long_bank", show(&long, NOW));
    add("sent_no_url", show(&Session { success_url: None, ..in_state(SessionState::Sent) }, NOW));
    add("no_banks", BankPage::new(&session, &[]).render().unwrap());
    let paying = |events: &[E]| {
        let (_, mut payment) = refund_with_payment();
        events.iter().for_each(|event| happen(&mut payment, *event, NOW));
        payment
    };
    let at_the_bank = paying(&[E::BankChosen]);
    add("refund_bank", show(&paying(&[]), NOW));
    add("refund_no_banks", BankPage::new(&at_the_bank, &[]).render().unwrap());
    add("refund_consent", show(&at_the_bank, NOW));
    add("refund_pending", show(&paying(&[E::BankChosen, E::ConsentGiven]), NOW));
    add("refund_sent", show(&paying(&[E::BankChosen, E::ConsentGiven, E::Settled]), NOW));
    for cause in [E::DeclinedByPayer, E::DeclinedByBank, E::CancelledByPayer, E::CancelledByMerchant, E::TimePassed] {
        add(&format!("refund_{cause}"), show(&paying(&[E::BankChosen, cause]), NOW));
    }
    add("at_consent", show(&at_consent(), NOW));
    add("at_consent_time_up", show(&at_consent(), later(86_400)));
    for end in ENDS {
        add(&format!("after_{end:?}"), show(&after(end), NOW));
    }
    let mut late = in_state(SessionState::Cancelled);
    late.late_money = Some(late_money());
    add("late_money", show(&late, NOW));
    add("not_found", problem(crate::answer::Problem::NotFound));
    add("bank_down", problem(crate::answer::Problem::BankDown));
    add("too_many", problem(crate::answer::Problem::TooManyAttempts));
    pages.extend(crate::refund::gallery());
    pages
}

#[test]
fn every_page_is_whole_and_shows_no_payer() {
    let folder = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from);
    for (name, html) in gallery() {
        if let Some(folder) = &folder {
            std::fs::write(folder.join(format!("{name}.html")), &html).unwrap();
        }
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en-GB\">"), "{name}");
        assert!(!html.contains(PAYER_NAME) && !html.contains(PAYER_EMAIL) && !html.contains("Wiley"), "{name}");
        assert!(!html.contains("<script") && !html.contains(" style=") && !html.contains("javascript:"), "{name}");
        assert!(!html.contains("12345678") && !html.contains("010203"), "{name}");
    }
}

#[test]
fn every_page_of_a_session_shows_what_is_paid_for() {
    for state in SessionState::ALL {
        let html = show(&in_state(state), NOW);
        for part in [
            "Pillar candle",
            "2 × £1.50",
            "£3.00",
            "Box of matches",
            "£4.00",
            "Bright Candles Ltd",
            "Illuminate",
            "Test mode: no real money moves",
        ] {
            assert!(html.contains(part), "{state}: {part}");
        }
        assert!(!show(&Session { mode: Mode::Live, ..in_state(state) }, NOW).contains("Test mode"));
    }
}

#[test]
fn what_others_wrote_is_text_and_nothing_else() {
    let hostile = "\"><script>alert('x')</script>&";
    let url = MerchantUrl::try_from("https://shop.example/?a=1&b='\"><script>".to_owned()).unwrap();
    for state in SessionState::ALL {
        let mut session = in_state(state);
        session.payee.name = name(hostile);
        session.line_items = vec![LineItem { description: Some(name(hostile)), ..item(hostile, 400, 1) }];
        session.success_url = Some(url.clone());
        session.error_url = Some(url.clone());
        let html = show(&session, NOW);
        assert!(!html.contains("<script") && !html.contains("'x'") && !html.contains("'\""), "{state}: {html}");
        assert!(html.contains("&#60;script&#62;alert(&#39;x&#39;)"), "{state}");
    }
    let typed = PayerForm { name: hostile.to_owned(), email: hostile.to_owned() };
    let errors = typed.check(None, true).unwrap_err();
    let html = PayerPage::new(&session(), &typed, errors).render().unwrap();
    assert!(!html.contains("<script") && html.contains("value=\"&#34;&#62;&#60;script"));
}

#[test]
fn a_form_with_errors_keeps_what_was_typed_and_says_what_is_wrong() {
    let typed = PayerForm { name: "Ada".to_owned(), email: "ada@".to_owned() };
    let errors = typed.check(None, true).unwrap_err();
    let html = PayerPage::new(&session(), &typed, errors).render().unwrap();
    assert!(html.contains("value=\"Ada\"") && html.contains("value=\"ada@\""));
    assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"email-hint email-error\""));
    assert!(html.contains("id=\"email-error\"") && html.contains("href=\"#email\"") && html.contains("role=\"alert\""));
    assert!(!html.contains("id=\"name-error\""));
}

#[test]
fn a_payer_whose_name_is_known_is_asked_for_the_address_alone() {
    let mut session = session();
    assert!(show(&session, NOW).contains("name=\"name\""));
    session.payer = Some(Payer { name: name(PAYER_NAME), email: None, phone: None });
    let html = show(&session, NOW);
    assert!(html.contains("name=\"email\"") && !html.contains("name=\"name\"") && !html.contains("will see who paid"));
}

#[test]
fn a_choice_says_which_attempt_it_would_be() {
    let attempt =
        |session: &Session, number: u8| show(session, NOW).contains(&format!("name=\"attempt\" value=\"{number}\""));
    assert!(attempt(&in_state(SessionState::AwaitingProvider), 1));
    let mut session = in_state(SessionState::AwaitingPaymentConsent);
    assert!(attempt(&session, 2));
    session.attempt.iter_mut().for_each(|attempt| attempt.number = MAX_ATTEMPTS);
    assert!(!show(&session, NOW).contains("name=\"attempt\""));
}

#[test]
fn the_bank_is_reached_by_a_path_of_ours_or_by_its_own_address() {
    let mut session = in_state(SessionState::AwaitingPaymentConsent);
    assert!(show(&session, NOW).contains(&format!("href=\"/mock-bank/{}/1\"", session.id)));
    session.attempt.iter_mut().for_each(|attempt| attempt.redirect_url = "https://bank.example/c?a=1&b=2".to_owned());
    assert!(show(&session, NOW).contains("href=\"https://bank.example/c?a=1&#38;b=2\""));
}

#[test]
fn only_results_leave_for_the_merchants_site_by_themselves() {
    for state in SessionState::ALL {
        let html = show(&in_state(state), NOW);
        let refresh = html.contains("http-equiv=\"refresh\"");
        let leaves = html.contains(&format!("content=\"{LEAVE_AFTER_S}; url=https://shop.example/"));
        assert_eq!(refresh, !state.is_awaiting(), "{state}");
        assert_eq!(leaves, state.is_final(), "{state}");
        assert_eq!(html.contains("href=\"https://shop.example/"), !state.is_awaiting(), "{state}");
    }
    let html = show(&Session { success_url: None, ..in_state(SessionState::Sent) }, NOW);
    assert!(!html.contains("http-equiv=\"refresh\"") && html.contains("You can close this page"));
}

#[test]
fn an_expired_session_asks_for_nothing() {
    for state in SessionState::ALL {
        let html = show(&in_state(state), later(86_400));
        assert!(!html.contains("<form"), "{state}");
    }
}

#[test]
fn a_receipt_is_promised_only_if_there_is_an_address() {
    let mut session = in_state(SessionState::Sent);
    assert!(show(&session, NOW).contains("receipt"));
    session.payer.iter_mut().for_each(|payer| payer.email = None::<EmailAddress>);
    assert!(!show(&session, NOW).contains("receipt"));
}

#[test]
fn where_a_refund_is_paid_it_is_the_merchant_who_pays() {
    let (_, payment) = refund_with_payment();
    let html = show(&payment, NOW);
    assert!(html.contains("Refund to <strong>Ada Customer") && html.contains("£2.50"));
    assert!(html.contains("Cancel this refund") && !html.contains("payment"), "{html}");
    let mut sent = payment;
    sent.success_url = session().success_url;
    [SessionEvent::BankChosen, SessionEvent::ConsentGiven, SessionEvent::Settled]
        .iter()
        .for_each(|event| happen(&mut sent, *event, NOW));
    let html = show(&sent, NOW);
    assert!(html.contains("Your bank has sent £2.50 to Ada Customer."));
    assert!(html.contains("Return to Bright Candles Ltd"));
}

#[test]
fn the_choice_is_a_real_list_and_a_bank_that_is_down_can_not_be_chosen() {
    let html = show(&in_state(SessionState::AwaitingProvider), NOW);
    let offers = offers();
    assert_eq!(offers.len(), 9);
    for offer in &offers {
        let button = format!("name=\"bank\" value=\"{}\"", offer.id);
        assert_eq!(html.contains(&button), offer.availability == Availability::Available, "{}", offer.id);
        assert!(html.contains(offer.name) && html.contains(&format!("aria-describedby=\"{}\"", offer.id)));
    }
    let down =
        "<button type=\"button\" class=\"down\" aria-disabled=\"true\" aria-describedby=\"mock-down\">Nightclose Bank";
    assert!(html.contains(down) && html.contains("id=\"mock-down\">Down for maintenance</span>"), "{html}");
    assert!(html.find("Pay £4.00 with Mock Bank") < html.find("Pay £4.00 with Brightwick Bank"));
}

#[test]
fn after_a_refusal_the_choice_says_why_and_offers_every_bank_again() {
    for end in ENDS {
        let html = show(&after(end), NOW);
        let notice = html.split_once("role=\"status\">").unwrap().1.split_once("</p>").unwrap().0;
        let says = match end {
            AttemptEnd::DeclinedByPayer => "You declined the payment at Thistledown Pay.",
            AttemptEnd::DeclinedByBank => "declined by Thistledown Pay",
            AttemptEnd::InsufficientFunds => "not enough money",
            AttemptEnd::Cancelled => "cancelled at Thistledown Pay",
            AttemptEnd::NotBegun => "could not be begun at Thistledown Pay",
        };
        assert!(notice.contains(says) && notice.ends_with("The payment was not made."), "{end:?}: {notice}");
        assert!(html.contains("name=\"attempt\" value=\"2\"") && html.contains("value=\"mock-bank\""), "{html}");
    }
    let mut last = after(AttemptEnd::DeclinedByBank);
    last.attempt.iter_mut().for_each(|attempt| attempt.number = MAX_ATTEMPTS);
    let html = show(&last, NOW);
    assert!(!html.contains("name=\"attempt\"") && html.contains("No other bank can be chosen"), "{html}");
}

#[test]
fn while_money_may_move_at_the_bank_nothing_is_promised_that_only_the_bank_knows() {
    let html = show(&at_consent(), NOW);
    assert!(html.contains("href=\"/checkout/") && html.contains("/bank/1\""), "{html}");
    assert!(
        html.contains("Thistledown Pay is asked to give the payment up") && !html.contains("Nothing has been paid yet")
    );
    assert!(!html.contains("A new choice replaces") && html.contains("you still pay once"));
    let html = show(&at_consent(), later(86_400));
    assert!(html.contains("Thistledown Pay is being asked whether you have approved the payment"), "{html}");
    assert!(!html.contains("<form") && !html.contains("/bank/1") && !html.contains("No money has left"), "{html}");
    let mut late = in_state(SessionState::Cancelled);
    assert!(show(&late, NOW).contains("No money has left your account"));
    late.late_money = Some(late_money());
    let html = show(&late, NOW);
    assert!(html.contains("the money has left your account all the same") && !html.contains("No money has left"));
}
