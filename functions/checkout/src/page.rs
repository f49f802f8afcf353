//! What each page shows. No page shows a customer who pays, neither name nor e-mail address: the link may be opened by
//! anyone, later. Where a refund is paid, the payer is the merchant, who sees whom it goes to.

use askama::Template;
use banks::Offer;
use banks::mock::Decision;
use jiff::Timestamp;
use models::{LineItem, MAX_ATTEMPTS, Mode, Name, Session, SessionEvent};

use crate::flow::{Stage, checkout_path, merchant, own_path, refresh_s, stage};
use crate::form::{PayerErrors, PayerForm};
use crate::route::Back;

/// The style sheet of every page, the mock bank's included. It stands in the page; the policy knows it by its hash.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

/// How long a result is shown before the page goes on to the merchant's by itself.
const LEAVE_AFTER_S: u8 = 6;

/// With more line items than this, those after the first three are folded away.
const MAX_OPEN_ITEMS: usize = 5;

/// What every page of a session shows.
pub(crate) struct Summary<'a> {
    path: String,
    /// `payment`, or `refund` where the merchant pays one.
    what: &'static str,
    payee: &'a str,
    merchant: &'a str,
    account_ending: &'a str,
    total: String,
    reference: &'a str,
    items: Vec<Row<'a>>,
    folded_items: Vec<Row<'a>>,
    test: bool,
    pay_by: String,
}

/// One line item.
struct Row<'a> {
    name: &'a str,
    description: Option<&'a str>,
    /// `2 × £1.50`, unless it is one.
    each: Option<String>,
    total: String,
}

impl<'a> Row<'a> {
    fn new(item: &'a LineItem) -> Self {
        let each = (item.quantity != 1).then(|| format!("{} × {}", item.quantity, item.unit_price));
        // The session's total holds every product, so that none of them overflows.
        let total =
            item.unit_price.checked_mul(item.quantity).map_or_else(|_| String::new(), |total| total.to_string());
        Self { name: item.name.as_str(), description: item.description.as_ref().map(Name::as_str), each, total }
    }
}

impl<'a> Summary<'a> {
    fn new(session: &'a Session) -> Self {
        let mut items: Vec<_> = session.line_items.iter().map(Row::new).collect();
        let folded_items = if items.len() > MAX_OPEN_ITEMS { items.split_off(3) } else { Vec::new() };
        Self {
            path: checkout_path(&session.id),
            what: what(session),
            payee: session.payee.name.as_str(),
            merchant: merchant(session),
            account_ending: account_ending(session),
            total: session.amount.to_string(),
            reference: session.reference.as_str(),
            items,
            folded_items,
            test: session.mode == Mode::Test,
            pay_by: moment(session.expires_at),
        }
    }
}

/// What is paid: the word for it in every text.
const fn what(session: &Session) -> &'static str {
    if session.pays_refund.is_some() { "refund" } else { "payment" }
}

/// The last four digits of the payee's account.
fn account_ending(session: &Session) -> &str {
    session.payee.account.last_four()
}

/// `1 November 2019, 15:48 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// Asks who pays.
#[derive(Template)]
#[template(path = "payer.html")]
pub(crate) struct PayerPage<'a> {
    summary: Summary<'a>,
    /// What was typed, in the answer to the form itself; empty in every other.
    typed: &'a PayerForm,
    errors: PayerErrors,
    /// Then it is not asked for, nor shown.
    name_known: bool,
    email_required: bool,
}

impl<'a> PayerPage<'a> {
    pub(crate) fn new(session: &'a Session, typed: &'a PayerForm, errors: PayerErrors) -> Self {
        // By the merchant: it awaits no more than their e-mail address.
        let name_known = session.payer.is_some();
        Self { summary: Summary::new(session), typed, errors, name_known, email_required: session.email_receipt }
    }
}

/// The banks to choose from, and which attempt the choice would be.
struct Choice<'a> {
    banks: &'a [Offer],
    attempt: u8,
}

impl<'a> Choice<'a> {
    fn new(session: &Session, banks: &'a [Offer]) -> Self {
        Self { banks, attempt: session.attempt_number().saturating_add(1) }
    }
}

/// Asks which bank.
#[derive(Template)]
#[template(path = "bank.html")]
pub(crate) struct BankPage<'a> {
    summary: Summary<'a>,
    choice: Choice<'a>,
}

impl<'a> BankPage<'a> {
    pub(crate) fn new(session: &'a Session, offers: &'a [Offer]) -> Self {
        Self { summary: Summary::new(session), choice: Choice::new(session, offers) }
    }
}

/// Shows the way to the bank, and the choice of another.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    summary: Summary<'a>,
    bank: &'static str,
    bank_url: &'a str,
    /// None after the last attempt there may be.
    choice: Option<Choice<'a>>,
}

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(session: &'a Session, offers: &'a [Offer]) -> Self {
        let attempt = session.attempt.as_ref();
        let chosen = attempt.and_then(|attempt| offers.iter().find(|offer| offer.id == attempt.bank));
        let url = attempt.map_or("", |attempt| attempt.redirect_url.as_str());
        Self {
            summary: Summary::new(session),
            bank: chosen.map_or("your bank", |offer| offer.name),
            bank_url: own_path(session, url).unwrap_or(url),
            choice: Some(Choice::new(session, offers)).filter(|choice| choice.attempt <= MAX_ATTEMPTS),
        }
    }
}

/// The bank is sending the money; the page loads itself anew.
#[derive(Template)]
#[template(path = "pending.html")]
pub(crate) struct PendingPage<'a> {
    summary: Summary<'a>,
    refresh_s: i64,
    way_on: Option<String>,
}

impl<'a> PendingPage<'a> {
    pub(crate) fn new(session: &'a Session, now: Timestamp) -> Self {
        Self {
            summary: Summary::new(session),
            refresh_s: refresh_s(session, now),
            way_on: api::return_url(session, now),
        }
    }
}

/// What came of it, and the way on to the merchant.
#[derive(Template)]
#[template(path = "result.html")]
pub(crate) struct ResultPage<'a> {
    summary: Summary<'a>,
    heading: String,
    text: String,
    sent: Option<Sent>,
    way_on: Option<String>,
    leave_after_s: u8,
}

/// What a payer may want to keep of a payment that was made.
struct Sent {
    at: Option<String>,
    end_to_end_id: String,
    receipt: bool,
}

impl<'a> ResultPage<'a> {
    /// The money is sent.
    pub(crate) fn sent(session: &'a Session, now: Timestamp) -> Self {
        let has_email = session.payer.as_ref().is_some_and(|payer| payer.email.is_some());
        let sent = Sent {
            at: session.sent_at().map(moment),
            end_to_end_id: session.end_to_end_id.to_string(),
            receipt: session.email_receipt && has_email,
        };
        let heading = if session.pays_refund.is_some() { "Refund sent" } else { "Payment sent" }.to_owned();
        let text = format!("Your bank has sent {} to {}.", session.amount, session.payee.name.as_str());
        Self { sent: Some(sent), ..Self::of(session, heading, text, now) }
    }

    /// It ended otherwise.
    pub(crate) fn not_sent(session: &'a Session, cause: Option<SessionEvent>, now: Timestamp) -> Self {
        let (what, merchant) = (what(session), merchant(session));
        let (heading, text) = match cause {
            Some(SessionEvent::DeclinedByPayer) => {
                (format!("You declined the {what}"), "No money has left your account.".to_owned())
            }
            Some(SessionEvent::DeclinedByBank) => (
                format!("Your bank declined the {what}"),
                "The money was not sent. Your bank can tell you why.".to_owned(),
            ),
            Some(SessionEvent::InsufficientFunds) => (
                "There was not enough money in the account".to_owned(),
                "Your bank did not make the payment. No money has left your account.".to_owned(),
            ),
            Some(SessionEvent::CancelledByPayer) => {
                (format!("You cancelled the {what}"), "No money has left your account.".to_owned())
            }
            Some(SessionEvent::CancelledByMerchant | SessionEvent::DeletedByMerchant) => {
                (format!("{merchant} cancelled the {what}"), "No money has left your account.".to_owned())
            }
            Some(SessionEvent::TimePassed) => {
                let again = if session.pays_refund.is_some() {
                    "The amount can be refunded again.".to_owned()
                } else {
                    format!("If you still want to pay, ask {merchant} for a new link.")
                };
                ("The time to pay has run out".to_owned(), format!("No money has left your account. {again}"))
            }
            // None of these ends a session.
            Some(
                SessionEvent::Created
                | SessionEvent::PayerIdentified
                | SessionEvent::BankChosen
                | SessionEvent::ConsentGiven
                | SessionEvent::Settled,
            )
            | None => (format!("The {what} was not made"), String::new()),
        };
        Self::of(session, heading, text, now)
    }

    fn of(session: &'a Session, heading: String, text: String, now: Timestamp) -> Self {
        let way_on = api::return_url(session, now);
        Self { summary: Summary::new(session), heading, text, sent: None, way_on, leave_after_s: LEAVE_AFTER_S }
    }
}

/// What could not be done.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage {
    pub(crate) heading: &'static str,
    pub(crate) text: String,
    pub(crate) back: Option<Back>,
}

/// The mock bank asks for the payer's decision.
#[derive(Template)]
#[template(path = "mock_bank.html")]
pub(crate) struct MockBankPage<'a> {
    checkout: String,
    action: String,
    payee: &'a str,
    account_ending: &'a str,
    amount: String,
    reference: &'a str,
    /// Whether it matters to anyone which account pays: a refund itself is never refunded.
    may_be_refunded: bool,
    decisions: [DecisionButton; 5],
}

/// One of the mock bank's buttons.
struct DecisionButton {
    value: &'static str,
    label: String,
    meaning: &'static str,
}

impl DecisionButton {
    fn new(decision: Decision) -> Self {
        let delay_s = decision.delay().as_secs();
        let (label, meaning) = match decision {
            Decision::Approve => ("Approve".to_owned(), "The money is sent at once."),
            Decision::ApproveThenSettle => {
                (format!("Approve, settle after {delay_s} s"), "The payment stays pending, then the money is sent.")
            }
            Decision::ApproveThenFail => {
                (format!("Approve, fail after {delay_s} s"), "The payment stays pending, then the bank refuses it.")
            }
            Decision::Decline => ("Decline".to_owned(), "You say no, and nothing is sent."),
            Decision::InsufficientFunds => {
                ("Insufficient funds".to_owned(), "The account holds too little, and nothing is sent.")
            }
        };
        Self { value: decision.as_str(), label, meaning }
    }
}

impl<'a> MockBankPage<'a> {
    pub(crate) fn new(session: &'a Session, number: u8) -> Self {
        Self {
            checkout: checkout_path(&session.id),
            action: format!("/mock-bank/{}/{number}", session.id),
            payee: session.payee.name.as_str(),
            account_ending: account_ending(session),
            amount: session.amount.to_string(),
            reference: session.reference.as_str(),
            may_be_refunded: session.pays_refund.is_none(),
            decisions: Decision::ALL.map(DecisionButton::new),
        }
    }
}

/// The mock bank's page for an attempt that is not open: a stale tab, or the back button.
#[derive(Template)]
#[template(path = "mock_bank_closed.html")]
pub(crate) struct MockBankClosedPage {
    checkout: String,
    text: &'static str,
}

impl MockBankClosedPage {
    pub(crate) fn new(session: &Session, now: Timestamp) -> Self {
        let text = match stage(session, now) {
            Stage::Payer | Stage::Bank => "No bank has been asked for this payment.",
            Stage::Consent => "A bank has been chosen again since. Nothing can be approved on this page any more.",
            Stage::Pending => {
                "You have approved this payment, and it is being sent. You don’t need to do anything here."
            }
            Stage::Sent => "This payment has been made. You don’t need to do anything here.",
            Stage::NotSent(_) => {
                "This payment has ended without the money being sent. Nothing can be approved any more."
            }
        };
        Self { checkout: checkout_path(&session.id), text }
    }
}

#[cfg(test)]
mod tests {
    use banks::Banks;
    use models::{EmailAddress, MerchantUrl, Payer, SessionState};

    use super::*;
    use crate::samples::{
        NOW, NoLedger, PAYER_EMAIL, PAYER_NAME, happen, in_state, item, later, name, refund_with_payment, session,
        session_of,
    };

    fn offers() -> Vec<Offer> {
        Banks::new(NoLedger, false).offers(Mode::Test)
    }

    /// The page of the session's stage, as the handler chooses it.
    fn show(session: &Session, now: Timestamp) -> String {
        let blank = PayerForm::default();
        match stage(session, now) {
            Stage::Payer => PayerPage::new(session, &blank, PayerErrors::default()).render(),
            Stage::Bank => BankPage::new(session, &offers()).render(),
            Stage::Consent => ConsentPage::new(session, &offers()).render(),
            Stage::Pending => PendingPage::new(session, now).render(),
            Stage::Sent => ResultPage::sent(session, now).render(),
            Stage::NotSent(cause) => ResultPage::not_sent(session, cause, now).render(),
        }
        .unwrap()
    }

    fn happened(events: &[SessionEvent]) -> Session {
        let mut session = session();
        events.iter().for_each(|event| happen(&mut session, *event));
        session
    }

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
            add(&format!("not_sent_{cause}"), show(&happened(&[&consent[..], &[cause]].concat()), NOW));
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
        add("long_mock_bank", MockBankPage::new(&long, 1).render().unwrap());
        add("sent_no_url", show(&Session { success_url: None, ..in_state(SessionState::Sent) }, NOW));
        add("no_banks", BankPage::new(&session, &[]).render().unwrap());
        add("mock_bank", MockBankPage::new(&session, 1).render().unwrap());
        add("mock_bank_closed", MockBankClosedPage::new(&in_state(SessionState::Sent), NOW).render().unwrap());
        let paying = |events: &[E]| {
            let (_, mut payment) = refund_with_payment();
            events.iter().for_each(|event| happen(&mut payment, *event));
            payment
        };
        let at_the_bank = paying(&[E::BankChosen]);
        add("refund_bank", show(&paying(&[]), NOW));
        add("refund_no_banks", BankPage::new(&at_the_bank, &[]).render().unwrap());
        add("refund_consent", show(&at_the_bank, NOW));
        add("refund_mock_bank", MockBankPage::new(&at_the_bank, 1).render().unwrap());
        add("refund_pending", show(&paying(&[E::BankChosen, E::ConsentGiven]), NOW));
        add("refund_sent", show(&paying(&[E::BankChosen, E::ConsentGiven, E::Settled]), NOW));
        for cause in [E::DeclinedByPayer, E::DeclinedByBank, E::CancelledByPayer, E::CancelledByMerchant, E::TimePassed]
        {
            add(&format!("refund_{cause}"), show(&paying(&[E::BankChosen, cause]), NOW));
        }
        add("not_found", problem(crate::answer::Problem::NotFound));
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
        assert!(
            html.contains("id=\"email-error\"") && html.contains("href=\"#email\"") && html.contains("role=\"alert\"")
        );
        assert!(!html.contains("id=\"name-error\""));
    }

    #[test]
    fn a_payer_whose_name_is_known_is_asked_for_the_address_alone() {
        let mut session = session();
        assert!(show(&session, NOW).contains("name=\"name\""));
        session.payer = Some(Payer { name: name(PAYER_NAME), email: None, phone: None });
        let html = show(&session, NOW);
        assert!(
            html.contains("name=\"email\"") && !html.contains("name=\"name\"") && !html.contains("will see who paid")
        );
    }

    #[test]
    fn a_choice_says_which_attempt_it_would_be() {
        let attempt = |session: &Session, number: u8| {
            show(session, NOW).contains(&format!("name=\"attempt\" value=\"{number}\""))
        };
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
        session
            .attempt
            .iter_mut()
            .for_each(|attempt| attempt.redirect_url = "https://bank.example/c?a=1&b=2".to_owned());
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
    fn the_mock_bank_offers_every_decision() {
        let html = MockBankPage::new(&session(), 3).render().unwrap();
        for decision in Decision::ALL {
            assert!(html.contains(&format!("name=\"decision\" value=\"{}\"", decision.as_str())));
        }
        assert!(html.contains(&format!("action=\"/mock-bank/{}/3\"", session().id)));
        assert!(html.contains("£4.00") && html.contains("Bright Candles Ltd") && html.contains("Illuminate"));
        assert!(
            html.contains("type=\"checkbox\" name=\"payer_account\" value=\"withheld\"") && !html.contains("checked")
        );
    }

    #[test]
    fn where_a_refund_is_paid_it_is_the_merchant_who_pays() {
        let (_, payment) = refund_with_payment();
        let html = show(&payment, NOW);
        assert!(html.contains("Refund to <strong>Ada Customer") && html.contains("£2.50"));
        assert!(html.contains("Cancel this refund") && !html.contains("payment"), "{html}");
        assert!(!MockBankPage::new(&payment, 1).render().unwrap().contains("payer_account"));
        let mut sent = payment;
        sent.success_url = session().success_url;
        [SessionEvent::BankChosen, SessionEvent::ConsentGiven, SessionEvent::Settled]
            .iter()
            .for_each(|event| happen(&mut sent, *event));
        let html = show(&sent, NOW);
        assert!(html.contains("Your bank has sent £2.50 to Ada Customer."));
        assert!(html.contains("Return to Bright Candles Ltd"));
    }

    #[test]
    fn the_style_sheet_can_stand_in_a_page() {
        assert!(!STYLE.contains('<') && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
