//! Every page, as it is rendered.

mod debits;
mod extremes;
mod plans;
mod provider;
mod transfers;

use askama::Template;
use jiff::Timestamp;
use models::{
    AttemptEnd, Card, CardBrand, Currency, EmailAddress, LateMoney, LineItem, MAX_ATTEMPTS, MerchantUrl, MinorUnits,
    Mode, Payer, PaymentMethod, PaymentMethods, Session, SessionEvent, SessionState, TakenBack, TakenBackReason,
};
use providers::{Availability, Offer, Providers, Wanted};
use samples::{NOW, PAYER_EMAIL, PAYER_NAME, happen, item, later, name, session, session_after, session_of};

use pages::{Back, Language, Problem, Shell};

use super::*;
use crate::flow::{Asks, Stage, asks, stage};
use crate::form::{EmailFor, PayerErrors, PayerForm};
use crate::problem::{bank_down, too_many_attempts};
use crate::samples::{NoLedger, in_state, refund_with_payment};
use crate::view::{Banks, Check, Choose, View};

fn offers() -> Vec<Offer> {
    let (mode, method) = (Mode::Test, PaymentMethod::PayByBank);
    Providers::new(NoLedger, false).offers(&Wanted {
        mode,
        method,
        currency: Currency::GBP,
        country: None,
        payers: None,
        provider: None,
    })
}

/// The page of the session's stage, as the handler chooses it, to a merchant that has said nothing of its shop.
fn show(session: &Session, now: Timestamp) -> String {
    View::default().show(session, &offers(), Language::English, now)
}

/// The page to choose another bank on, while one is chosen.
fn choose_another(session: &Session) -> String {
    View { choose: Choose::Another, ..View::default() }.show(session, &offers(), Language::English, NOW)
}

impl View {
    fn show(&self, session: &Session, offers: &[Offer], language: Language, now: Timestamp) -> String {
        self.render(&Shell::of(face(session, None), session.mode, language), session, offers, now)
    }

    fn render(&self, shell: &Shell<'_>, session: &Session, offers: &[Offer], now: Timestamp) -> String {
        let (summary, blank) = (Summary::new(session, shell, stage(session, now)), PayerForm::default());
        if let Some(to) = instructions(session, stage(session, now), self) {
            return TransferPage::new(shell, summary, to, offers, self, now).render().unwrap();
        }
        match stage(session, now) {
            Stage::Payer => {
                let email_for = EmailFor::of(session, false);
                PayerPage::new(shell, summary, email_for, &blank, PayerErrors::default()).render()
            }
            Stage::Consent if self.choose == Choose::No => ConsentPage::new(shell, summary, offers).render(),
            Stage::Bank | Stage::Consent => match asks(session, offers, self) {
                Asks::Provider => BankPage::new(shell, summary, offers, self).render(),
                Asks::Method => MethodsPage::new(shell, summary, offers).render(),
                Asks::Nothing => ProviderPage::new(shell, summary, offers).render(),
            },
            Stage::TimeUp => TimeUpPage::new(shell, summary, offers, self, now).render(),
            Stage::Pending => PendingPage::new(shell, summary, offers, self, now).render(),
            Stage::Sent => ResultPage::sent(shell, summary, offers, now).render(),
            Stage::NotSent(cause) => ResultPage::not_sent(shell, summary, cause, offers, now).render(),
        }
        .unwrap()
    }
}

/// The answer to a form of the payer's details that has errors.
fn asked_again(session: &Session, typed: &PayerForm, language: Language) -> String {
    let texts = &language.texts().checkout;
    let email_for = EmailFor::of(session, false);
    let errors = typed.check(session.payer.as_ref(), email_for, texts).unwrap_err();
    let shell = &Shell::of(face(session, None), session.mode, language);
    PayerPage::new(shell, Summary::new(session, shell, Stage::Payer), email_for, typed, errors).render().unwrap()
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
    LateMoney { at: NOW, provider, payment_id: "payment-1".parse().unwrap(), attempt: 1, amount_minor: None }
}

const ENDS: [AttemptEnd; 5] = [
    AttemptEnd::DeclinedByPayer,
    AttemptEnd::DeclinedByBank,
    AttemptEnd::InsufficientFunds,
    AttemptEnd::Cancelled,
    AttemptEnd::NotBegun,
];

fn problem(problem: Problem, language: Language) -> String {
    let label = language.texts().problems.back_to_payment;
    let back = Some(Back { path: "/checkout/7".to_owned(), label });
    let response = problem.into_page(&Shell::nobodys(language), back);
    String::from_utf8(response.body().to_vec()).unwrap()
}

/// Every page there is, with a name.
fn gallery(language: Language) -> Vec<(String, String)> {
    use SessionEvent as E;
    let offers = &offers();
    let show = |session: &Session, now| View::default().show(session, offers, language, now);
    let view = |view: View, session: &Session, offers: &[Offer]| view.show(session, offers, language, NOW);
    let mut pages: Vec<(String, String)> =
        SessionState::ALL.into_iter().map(|state| (state.to_string(), show(&in_state(state), NOW))).collect();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
    let consent = [E::PayerIdentified, E::BankChosen];
    for cause in [E::DeclinedByBank, E::InsufficientFunds, E::CancelledByMerchant] {
        add(&format!("not_sent_{cause}"), show(&session_after(&[&consent[..], &[cause]].concat()), NOW));
    }
    let session = session();
    let typed = PayerForm { name: String::new(), email: "gerald@".to_owned() };
    add("awaiting_payer_errors", asked_again(&session, &typed, language));
    let mut named = session.clone();
    named.payer = Some(Payer { name: name(PAYER_NAME), email: None, phone: None });
    add("awaiting_payer_email", show(&named, NOW));
    add("awaiting_payer_email_errors", asked_again(&named, &typed, language));
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
    let bank = in_state(SessionState::AwaitingProvider);
    add("no_banks", view(View::default(), &bank, &[]));
    let many = &many_offers();
    add("many_banks", view(View::default(), &bank, many));
    add("all_banks", view(View { banks: Banks::All, ..View::default() }, &bank, many));
    let search = |q: &str| View { q: q.to_owned(), ..View::default() };
    add("found_banks", view(search("bank 7"), &bank, many));
    add("found_no_bank", view(search("<Söns>"), &bank, many));
    let consent_session = in_state(SessionState::AwaitingPaymentConsent);
    let another = View { choose: Choose::Another, ..View::default() };
    add("choose_another", view(another.clone(), &consent_session, offers));
    add("choose_another_at_consent", view(another, &at_consent(), many));
    let auto = View { check: Check::Auto, ..View::default() };
    add("pending_checks", view(auto, &in_state(SessionState::Pending), offers));
    let paying = |events: &[E]| {
        let (_, mut payment) = refund_with_payment();
        events.iter().for_each(|event| happen(&mut payment, *event, NOW));
        payment
    };
    let at_the_bank = paying(&[E::BankChosen]);
    add("refund_bank", show(&paying(&[]), NOW));
    add("refund_no_banks", view(View::default(), &paying(&[]), &[]));
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
    for (name, session) in [("again", after(AttemptEnd::DeclinedByPayer)), ("sent", in_state(SessionState::Sent))] {
        add(&format!("late_money_{name}"), show(&Session { late_money: Some(late_money()), ..session }, NOW));
    }
    for (name, html) in ways(language) {
        add(name, html);
    }
    add("not_found", problem(Problem::NotFound, language));
    add("bank_down", problem(bank_down(), language));
    add("too_many", problem(too_many_attempts(), language));
    pages.extend(transfers::gallery(language));
    pages.extend(crate::refund::gallery(language));
    pages.extend(debits::gallery(language));
    pages.extend(plans::gallery(language));
    pages.extend(extremes::gallery(language));
    pages
}

/// What a payer sees of a session that can be paid in several ways, and by card.
fn ways(language: Language) -> Vec<(&'static str, String)> {
    use SessionEvent as E;
    let show = |view: View, session: &Session| view.show(session, &offers_of(session), language, NOW);
    let another = View { choose: Choose::Another, ..View::default() };
    let list = View { method: Some(PaymentMethod::PayByBank), ..View::default() };
    let none = Session { payment_methods: methods(&[PaymentMethod::CardPresent]), ..several(&[E::PayerIdentified]) };
    let mut named = several(&[]);
    named.payer = Some(Payer { name: name(PAYER_NAME), email: None, phone: None });
    let declined = |end| {
        let mut session = by_card(&[]);
        happen(&mut session, E::AttemptEnded, NOW);
        session.attempt.iter_mut().for_each(|attempt| attempt.ended = Some(end));
        session
    };
    let mut last = declined(AttemptEnd::DeclinedByBank);
    last.attempt.iter_mut().for_each(|attempt| attempt.number = MAX_ATTEMPTS);
    let mut paid = by_card(&[E::ConsentGiven, E::Settled]);
    paid.card = Some(Card { brand: CardBrand::Amex, last_four: "0005".parse().unwrap() });
    let mut taken_back = paid.clone();
    taken_back.taken_back = Some(TakenBack { reason: TakenBackReason::Chargeback, at: NOW });
    vec![
        ("ways_details", show(View::default(), &several(&[]))),
        ("ways_email", show(View::default(), &named)),
        ("ways", show(View::default(), &several(&[E::PayerIdentified]))),
        ("ways_none", show(View::default(), &none)),
        ("ways_bank", show(list, &several(&[E::PayerIdentified]))),
        ("ways_another", show(another, &by_card(&[]))),
        ("ways_last", show(View::default(), &last)),
        ("card", show(View::default(), &by_card(&[]))),
        ("card_again_declined", show(View::default(), &declined(AttemptEnd::DeclinedByBank))),
        ("card_again_insufficient_funds", show(View::default(), &declined(AttemptEnd::InsufficientFunds))),
        ("card_declined", show(View::default(), &by_card(&[E::DeclinedByBank]))),
        ("card_insufficient_funds", show(View::default(), &by_card(&[E::InsufficientFunds]))),
        ("card_sent", show(View::default(), &paid)),
        ("card_taken_back", show(View::default(), &taken_back)),
    ]
}

fn methods(named: &[PaymentMethod]) -> PaymentMethods {
    PaymentMethods::new(named.to_vec()).unwrap()
}

/// A session that can be paid in every way that there is.
fn several(events: &[SessionEvent]) -> Session {
    Session { payment_methods: methods(&PaymentMethod::ALL), ..session_after(events) }
}

/// One whose payer has chosen to pay by card, after these events.
fn by_card(events: &[SessionEvent]) -> Session {
    let events = [&[SessionEvent::PayerIdentified, SessionEvent::BankChosen], events].concat();
    let mut session = Session { retry: true, ..several(&events) };
    let mut attempt = samples::attempt_at_consent(session.id, 1, NOW);
    attempt.bank = "mock-card".parse().unwrap();
    session.attempt = Some(attempt);
    session
}

/// What a session offers, as payments do.
fn offers_of(session: &Session) -> Vec<Offer> {
    let (mode, currency) = (session.mode, session.amount.currency());
    let providers = Providers::new(NoLedger, false);
    let methods = session.payment_methods.as_slice().iter().filter(|method| method.can_have(currency));
    methods
        .flat_map(|method| {
            providers.offers(&Wanted { mode, method: *method, currency, country: None, payers: None, provider: None })
        })
        .collect()
}

#[test]
fn the_ways_that_the_currency_can_have_are_rows_in_the_sessions_order() {
    let html = View::default().show(
        &several(&[SessionEvent::PayerIdentified]),
        &offers_of(&several(&[])),
        Language::English,
        NOW,
    );
    let rows: Vec<_> = html.match_indices("<span class=\"about\">").map(|(at, _)| &html[at + 20..at + 40]).collect();
    let expected = [
        "Card<",
        "Direct Debit<",
        "Bank transfer<",
        "Direct transfer<",
        "Transfer in pounds<",
        "Pay by bank<",
        "Buy now, pay later<",
    ];
    assert_eq!(rows.len(), expected.len(), "{rows:?}");
    for (row, expected) in rows.iter().zip(expected) {
        assert!(row.starts_with(expected), "{rows:?}");
    }
    // Every session that can be paid by bank alone is asked for the bank at once, whatever else it names.
    let alone = Session {
        payment_methods: methods(&[PaymentMethod::SepaDebit, PaymentMethod::PayByBank]),
        ..in_state(SessionState::AwaitingProvider)
    };
    let named = View { method: Some(PaymentMethod::PayByBank), ..View::default() };
    let as_ever = show(&in_state(SessionState::AwaitingProvider), NOW);
    let banks = |html: &str| html.matches("name=\"bank\"").count();
    for view in [View::default(), named] {
        let html = view.show(&alone, &offers_of(&alone), Language::English, NOW);
        assert!(html.contains("<h1>Choose your bank</h1>") && !html.contains("All ways to pay"), "{html}");
        assert_eq!(banks(&html), banks(&as_ever));
    }
}

/// Enough banks that one searches.
fn many_offers() -> Vec<Offer> {
    const NAMES: [&str; 8] =
        ["Bank 10", "Bank 20", "Bank 30", "Bank 40", "Bank 50", "Bank 60", "Bank 70", "The Bank 77 of Somewhere"];
    let offers = offers();
    let offer = |number: usize| {
        let id = format!("bank-{number}").parse().unwrap();
        Offer { id, name: NAMES[number / 10].to_owned(), note: None, ..offers[0].clone() }
    };
    (0..80).map(offer).collect()
}

#[test]
fn every_page_is_whole_and_shows_no_payer() {
    let folder = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from);
    for (language, (name, html)) in Language::ALL.iter().flat_map(|language| {
        let pages = gallery(*language);
        pages.into_iter().map(move |page| (language, page))
    }) {
        let name = format!("{name}_{}", language.tag());
        if let Some(folder) = &folder {
            std::fs::write(folder.join(format!("{name}.html")), &html).unwrap();
        }
        assert!(!html.contains("{{") && !html.contains("{shop"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert!(html.starts_with(&format!("<!doctype html>\n<html lang=\"{}\">", language.tag())), "{name}");
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
            "<summary><bdi>2 items</bdi> · <bdi>Illuminate</bdi></summary>",
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
    let html = asked_again(&session(), &typed, Language::English);
    assert!(!html.contains("<script") && html.contains("value=\"&#34;&#62;&#60;script"));
}

#[test]
fn a_form_with_errors_keeps_what_was_typed_and_says_what_is_wrong() {
    let typed = PayerForm { name: "Ada".to_owned(), email: "ada@".to_owned() };
    let html = asked_again(&session(), &typed, Language::English);
    assert!(html.contains("value=\"Ada\"") && html.contains("value=\"ada@\""));
    assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"email-hint email-error\""));
    assert!(html.contains("id=\"email-error\"") && html.contains("href=\"#email\"") && html.contains("role=\"alert\""));
    assert!(!html.contains("id=\"name-error\""));
}

#[test]
fn an_address_that_a_provider_needs_is_required_and_promises_no_receipt() {
    let session = Session { email_receipt: false, ..session() };
    let (shell, blank) = (Shell::of(face(&session, None), session.mode, Language::English), PayerForm::default());
    let show = |session: &Session, needs_contact| {
        let (summary, email_for) = (Summary::new(session, &shell, Stage::Payer), EmailFor::of(session, needs_contact));
        PayerPage::new(&shell, summary, email_for, &blank, PayerErrors::default()).render().unwrap()
    };
    let (required, optional) = (show(&session, true), show(&session, false));
    let is_required = |html: &str| html.contains("autocapitalize=\"off\" required");
    assert!(is_required(&required) && !is_required(&optional));
    assert!(required.contains("The service that takes you to your bank needs it.") && !required.contains("(optional)"));
    assert!(optional.contains("For questions about this payment.") && optional.contains("(optional)"));
    assert!(!required.contains("receipt"), "{required}");
    // Nor a merchant, who pays a refund and is known by name.
    let (_, mut payment) = refund_with_payment();
    payment.state = SessionState::AwaitingPayer;
    let html = show(&payment, true);
    assert!(is_required(&html) && !html.contains("name=\"name\"") && !html.contains("receipt"), "{html}");
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
    assert!(!attempt(&session, 2) && choose_another(&session).contains("name=\"attempt\" value=\"2\""));
    session.attempt.iter_mut().for_each(|attempt| attempt.number = MAX_ATTEMPTS);
    let html = choose_another(&session);
    assert!(!html.contains("name=\"attempt\""));
    assert!(html.contains(&format!("<a href=\"/checkout/{}\">Stay with <bdi>Mock Bank", session.id)), "{html}");
}

#[test]
fn the_bank_is_reached_by_a_path_of_ours_or_by_its_own_address() {
    let mut session = in_state(SessionState::AwaitingPaymentConsent);
    assert!(show(&session, NOW).contains(&format!("href=\"/mock-bank/{}/1\"", session.id)));
    session.attempt.iter_mut().for_each(|attempt| attempt.redirect_url = "https://bank.example/c?a=1&b=2".to_owned());
    assert!(show(&session, NOW).contains("href=\"https://bank.example/c?a=1&#38;b=2\""));
}

#[test]
fn no_page_leaves_or_loads_itself() {
    for state in SessionState::ALL {
        let html = show(&in_state(state), NOW);
        assert!(!html.contains("http-equiv"), "{state}");
        assert_eq!(html.contains("href=\"https://shop.example/"), !state.is_awaiting(), "{state}");
    }
    let html = show(&Session { success_url: None, ..in_state(SessionState::Sent) }, NOW);
    assert!(html.contains("You can close this page"));
    let pending = show(&in_state(SessionState::Pending), NOW);
    assert!(pending.contains("/return\">Check again now") && pending.contains("?check=auto\">Let this page check"));
    let checks = View { check: Check::Auto, ..View::default() };
    let html = checks.show(&in_state(SessionState::Pending), &offers(), Language::English, NOW);
    assert!(html.contains("checks by itself every 3 seconds") && html.contains("Stop checking"), "{html}");
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
    assert!(html.contains("Refund to <bdi>Ada Customer") && html.contains("£2.50"));
    assert!(html.contains("Cancel the refund") && !html.contains("the payment"), "{html}");
    let mut sent = payment;
    sent.success_url = session().success_url;
    [SessionEvent::BankChosen, SessionEvent::ConsentGiven, SessionEvent::Settled]
        .iter()
        .for_each(|event| happen(&mut sent, *event, NOW));
    let html = show(&sent, NOW);
    assert!(html.contains("Your bank has sent <span class=\"amount\">£2.50</span> to <bdi>Ada Customer</bdi>."));
    assert!(html.contains("Return to <bdi>Bright Candles Ltd</bdi>"));
}

#[test]
fn the_choice_is_a_real_list_and_a_bank_that_is_down_can_not_be_chosen() {
    let html = show(&in_state(SessionState::AwaitingProvider), NOW);
    let offers = offers();
    assert_eq!(offers.len(), 9);
    for offer in &offers {
        let button = format!("<button name=\"bank\" value=\"{}\">", offer.id);
        assert_eq!(html.contains(&button), offer.availability == Availability::Available, "{}", offer.id);
        assert!(html.contains(&format!("<bdi>{}</bdi><small", offer.name)));
    }
    assert!(html.contains("<bdi>Nightclose Bank</bdi><small>Down for maintenance</small>"), "{html}");
    assert!(html.find("<bdi>Mock Bank") < html.find("<bdi>Brightwick Bank"));
    assert!(!html.contains("role=\"search\"") && !html.contains("All banks"));
}

#[test]
fn of_many_banks_those_used_most_are_shown_all_can_be_and_one_searches() {
    let bank = in_state(SessionState::AwaitingProvider);
    let many = many_offers();
    let rows = |view: View| {
        let html = view.show(&bank, &many, Language::English, NOW);
        (html.matches("name=\"bank\"").count(), html.contains("role=\"search\""), html.contains("?banks=all"))
    };
    let search = |q: &str| View { q: q.to_owned(), ..View::default() };
    assert_eq!(rows(View::default()), (8, true, true));
    assert_eq!(rows(View { banks: Banks::All, ..View::default() }), (80, true, false));
    assert_eq!(rows(search(" bAnK 77 ")), (10, true, true));
    assert_eq!(rows(search("bank 8")), (0, true, true));
    assert_eq!(rows(search("SÖMEWHERE")), (10, true, true));
    let html = search("<bank>").show(&bank, &many, Language::English, NOW);
    assert!(
        html.contains("No bank here is called “<bdi>&#60;bank&#62;</bdi>”.")
            && html.contains("value=\"&#60;bank&#62;\"")
    );
    let long = search(&"é".repeat(500)).show(&bank, &many, Language::English, NOW);
    assert!(long.contains(&format!("value=\"{}\"", "é".repeat(64))));
}

#[test]
fn after_a_refusal_the_choice_says_why_and_offers_every_bank_again() {
    for end in ENDS {
        let html = show(&after(end), NOW);
        let notice = html.split_once("role=\"status\">").unwrap().1.split_once("</p>").unwrap().0;
        let says = match end {
            AttemptEnd::DeclinedByPayer => "You said no at <bdi>Thistledown Pay</bdi>. No money has left your account.",
            AttemptEnd::DeclinedByBank => "Your bank said no. No money has left your account.",
            AttemptEnd::InsufficientFunds => "not enough money in the account at <bdi>Thistledown Pay</bdi>. No money",
            AttemptEnd::Cancelled => "At <bdi>Thistledown Pay</bdi>, the payment was cancelled. No money",
            AttemptEnd::NotBegun => "At <bdi>Thistledown Pay</bdi>, the payment could not be begun. No money",
        };
        assert!(notice.contains(says), "{end:?}: {notice}");
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
        html.contains("We ask <bdi>Thistledown Pay</bdi> to cancel the payment")
            && !html.contains("Nothing has been paid yet")
    );
    let html = choose_another(&at_consent());
    assert!(!html.contains("A new choice replaces") && html.contains("you still pay once"));
    assert!(!html.contains("Nothing has been paid yet"), "{html}");
    let html = show(&at_consent(), later(86_400));
    assert!(html.contains("We are asking <bdi>Thistledown Pay</bdi> whether you have approved the payment"), "{html}");
    assert!(!html.contains("<form") && !html.contains("/bank/1") && !html.contains("No money has left"), "{html}");
    let mut late = in_state(SessionState::Cancelled);
    assert!(show(&late, NOW).contains("No money has left your account"));
    late.late_money = Some(late_money());
    let html = show(&late, NOW);
    assert!(html.contains("the money has left your account") && !html.contains("No money has left"));
}

#[test]
fn money_that_came_for_a_closed_attempt_is_said_while_another_is_made_and_after_it() {
    for end in ENDS {
        let mut again = after(end);
        again.late_money = Some(late_money());
        let html = show(&again, NOW);
        assert!(html.contains("the money has left your account"), "{html}");
        assert!(!html.contains("No money has left") && !html.contains("Nothing has been paid yet"), "{html}");
    }
    let mut waiting = at_consent();
    waiting.late_money = Some(late_money());
    let html = show(&waiting, NOW);
    assert!(html.contains("the money has left your account") && !html.contains("Nothing has been paid yet"), "{html}");
    let mut sent = in_state(SessionState::Sent);
    assert!(!show(&sent, NOW).contains("too much"));
    sent.late_money = Some(late_money());
    let html = show(&sent, NOW);
    assert!(html.contains("You sent <span class=\"amount\">£4.00</span> too much"), "{html}");
    sent.late_money = Some(LateMoney { amount_minor: Some(MinorUnits::new(150)), ..late_money() });
    assert!(show(&sent, NOW).contains("You sent <span class=\"amount\">£1.50</span> too much"));
}
