//! What the bank's pages show: the payment, and what was decided about it.

use askama::Template;
use jiff::Timestamp;
use models::{Session, SessionState};
use pages::Language;
use providers::mock::{Conclusion, Decision, NamedMock};

use crate::house::House;
use crate::route::{bank_path, checkout_path, return_path};

/// Asks for the payer's decision.
#[derive(Template)]
#[template(path = "decide.html")]
pub(crate) struct DecidePage<'a> {
    house: House,
    note: &'static str,
    checkout: String,
    action: String,
    token: &'a str,
    payee: &'a str,
    account_ending: &'a str,
    amount: String,
    reference: &'a str,
    /// Whether the payer says if the merchant learns of their account. A refund itself is never refunded, so that nobody
    /// needs it then.
    asks_for_account: bool,
    decisions: Vec<DecisionButton>,
}

/// One of the buttons.
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
            Decision::ApproveThenLackFunds => (
                format!("Approve, insufficient funds after {delay_s} s"),
                "The payment stays pending, then the account holds too little.",
            ),
            Decision::Decline => ("Decline".to_owned(), "You say no, and nothing is sent."),
            Decision::InsufficientFunds => {
                ("Insufficient funds".to_owned(), "The account holds too little, and nothing is sent.")
            }
            Decision::Refuse => ("Refused by the bank".to_owned(), "The bank refuses at once, and nothing is sent."),
        };
        Self { value: decision.as_str(), label, meaning }
    }
}

impl<'a> DecidePage<'a> {
    pub(crate) fn new(bank: &'static NamedMock, session: &'a Session, number: u8, token: &'a str) -> Self {
        Self {
            house: House::of(bank),
            note: bank.note,
            checkout: checkout_path(&session.id),
            action: bank_path(&session.id, number, ""),
            token,
            payee: session.payee.name.as_str(),
            account_ending: session.payee.account.last_four(),
            amount: Language::English.amount(&session.amount),
            reference: session.reference.as_str(),
            asks_for_account: bank.payer_account.is_none() && session.pays_refund.is_none(),
            decisions: bank.decisions.iter().copied().map(DecisionButton::new).collect(),
        }
    }
}

/// What ended the payer's choice, and the way back: there is no second decision.
#[derive(Template)]
#[template(path = "concluded.html")]
pub(crate) struct ConcludedPage<'a> {
    house: House,
    heading: &'static str,
    text: &'static str,
    way_back: String,
    /// Where the payer disputes it, and the token that goes along, if that is possible.
    dispute: Option<(String, &'a str)>,
}

impl<'a> ConcludedPage<'a> {
    /// Of a payment by card, which can be disputed, or was.
    pub(crate) fn of_card(
        provider: &'static NamedMock,
        session: &Session,
        conclusion: Conclusion,
        dispute: Option<(String, &'a str)>,
        was_disputed: bool,
    ) -> Self {
        let heading = match conclusion {
            Conclusion::Decided(_) if was_disputed => "You have disputed this payment",
            Conclusion::Decided(decided) => match decided.decision {
                Decision::Approve
                | Decision::ApproveThenSettle
                | Decision::ApproveThenFail
                | Decision::ApproveThenLackFunds => "You have paid by card",
                Decision::Decline => "You have not paid",
                Decision::InsufficientFunds => "There was not enough money on your card",
                Decision::Refuse => "Your card was declined",
            },
            Conclusion::Cancelled => return Self::new(provider, session, conclusion),
        };
        let text = match was_disputed {
            true => "The money is yours again.",
            false => "What came of a card first holds, and no other can be entered here.",
        };
        Self { house: House::of(provider), heading, text, way_back: return_path(&session.id), dispute }
    }

    pub(crate) fn new(bank: &'static NamedMock, session: &Session, conclusion: Conclusion) -> Self {
        let first_holds = "What you decide first holds, and can’t be decided again.";
        let (heading, text) = match conclusion {
            Conclusion::Decided(decided) => match decided.decision {
                Decision::Approve
                | Decision::ApproveThenSettle
                | Decision::ApproveThenFail
                | Decision::ApproveThenLackFunds => ("You have approved this payment", first_holds),
                Decision::Decline => ("You have declined this payment", first_holds),
                Decision::InsufficientFunds => ("Your account holds too little for this payment", first_holds),
                Decision::Refuse => ("We have refused this payment", first_holds),
            },
            Conclusion::Cancelled => {
                ("This payment was cancelled", "We were asked to give it up. Nothing can be approved here any more.")
            }
        };
        Self { house: House::of(bank), heading, text, way_back: return_path(&session.id), dispute: None }
    }
}

/// The page for an attempt that is not open: a stale tab, or the back button.
#[derive(Template)]
#[template(path = "closed.html")]
pub(crate) struct ClosedPage {
    house: House,
    checkout: String,
    text: &'static str,
}

impl ClosedPage {
    pub(crate) fn new(session: &Session, now: Timestamp) -> Self {
        let text = match session.state_at(now) {
            SessionState::AwaitingPayer | SessionState::AwaitingProvider => "No bank has been asked for this payment.",
            SessionState::AwaitingPaymentConsent => {
                "A bank has been chosen again since. Nothing can be approved on this page any more."
            }
            SessionState::Pending => {
                "You have approved this payment, and it is being sent. You don’t need to do anything here."
            }
            SessionState::Sent => "This payment has been made. You don’t need to do anything here.",
            SessionState::Failed | SessionState::Cancelled | SessionState::Expired => {
                "This payment has ended without the money being sent. Nothing can be approved any more."
            }
        };
        Self { house: House::ANY, checkout: checkout_path(&session.id), text }
    }
}

#[cfg(test)]
mod tests {
    use models::{LineItem, PaysRefund, RefundId, SessionEvent as E};
    use providers::mock::{Decided, MockPage, mocks};
    use samples::{NOW, PAYER_EMAIL, PAYER_NAME, item, name};

    use super::*;

    fn bank(id: &str) -> &'static NamedMock {
        mocks().find(|mock| mock.id == id).unwrap()
    }

    fn decide(bank_id: &str, session: &Session) -> String {
        DecidePage::new(bank(bank_id), session, 3, "").render().unwrap()
    }

    /// Every way in which a payer's choice can have ended.
    fn conclusions() -> impl Iterator<Item = Conclusion> {
        let decided = Decision::ALL.map(|decision| Conclusion::Decided(Decided::from(decision)));
        decided.into_iter().chain([Conclusion::Cancelled])
    }

    /// Every page there is, with a name.
    fn gallery() -> Vec<(String, String)> {
        let mut pages = Vec::new();
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze".repeat(2);
        let mut long = samples::session_of(vec![LineItem { description: None, ..item(&word, 12_345_678, 8) }]);
        long.payee.name = name(&word);
        for mock in mocks().filter(|mock| mock.page == MockPage::Decide) {
            add(&format!("bank_{}", mock.id), decide(mock.id, &samples::session()));
        }
        add("bank_long", decide("mock-bank", &long));
        for (number, conclusion) in conclusions().enumerate() {
            let page = ConcludedPage::new(bank("mock-consent"), &samples::session(), conclusion);
            add(&format!("bank_concluded_{number}"), page.render().unwrap());
        }
        let chosen = [E::PayerIdentified, E::BankChosen];
        for more in [&[][..], &[E::ConsentGiven], &[E::ConsentGiven, E::Settled], &[E::DeclinedByPayer]] {
            let session = samples::session_after(&[&chosen, more].concat());
            add(&format!("bank_closed_{}", session.state), ClosedPage::new(&session, NOW).render().unwrap());
        }
        pages
    }

    #[test]
    fn every_page_is_whole_and_shows_no_payer() {
        let folder = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from);
        for (name, html) in gallery() {
            if let Some(folder) = &folder {
                std::fs::write(folder.join(format!("{name}.html")), &html).unwrap();
            }
            assert_eq!((html.matches("<h1").count(), html.matches("<main").count()), (1, 1), "{name}");
            assert!(html.starts_with("<!doctype html>\n<html lang=\"en-GB\">"), "{name}");
            assert!(!html.contains(PAYER_NAME) && !html.contains(PAYER_EMAIL), "{name}");
            assert!(!html.contains("<script") && !html.contains(" style="), "{name}");
            assert!(!html.contains("12345678") && !html.contains("010203"), "{name}");
        }
    }

    #[test]
    fn a_bank_offers_its_own_decisions_under_its_own_name() {
        let session = samples::session();
        for mock in mocks().filter(|mock| mock.page == MockPage::Decide) {
            let html = decide(mock.id, &session);
            for decision in Decision::ALL {
                let button = format!("name=\"decision\" value=\"{}\"", decision.as_str());
                assert_eq!(html.contains(&button), mock.decisions.contains(&decision), "{}: {button}", mock.id);
            }
            assert!(html.contains(&format!("action=\"/mock-bank/{}/3\"", session.id)));
            assert!(html.contains("<span class=\"amount\">£4.00</span>") && html.contains("Illuminate"), "{html}");
            assert!(html.contains("<bdi>Bright Candles Ltd</bdi>"), "{html}");
            assert!(html.contains(&format!("<p class=\"brand\">{}</p>", mock.name)) && html.contains(mock.note));
            let tick = "type=\"checkbox\" name=\"payer_account\" value=\"withheld\"";
            assert_eq!(html.contains(tick), mock.payer_account.is_none(), "{}", mock.id);
            assert!(!html.contains("checked") && !html.contains("name=\"token\""));
        }
        assert_eq!(bank("mock-bank").decisions, Decision::ALL);
    }

    #[test]
    fn a_links_token_goes_with_the_form() {
        let session = samples::session();
        let html = DecidePage::new(bank("mock-consent"), &session, 1, "a1b2").render().unwrap();
        assert!(html.contains("type=\"hidden\" name=\"token\" value=\"a1b2\""), "{html}");
    }

    #[test]
    fn what_was_decided_offers_no_second_decision_and_the_way_back_alone() {
        let session = samples::session();
        for conclusion in conclusions() {
            let html = ConcludedPage::new(bank("mock-bank"), &session, conclusion).render().unwrap();
            assert!(!html.contains("<form") && !html.contains("<button"), "{html}");
            assert!(html.contains(&format!("href=\"/checkout/{}/return\"", session.id)), "{html}");
            assert_eq!(html.matches("<a ").count(), 1, "{html}");
        }
    }

    #[test]
    fn what_others_wrote_is_text_and_nothing_else() {
        let mut session = samples::session();
        session.payee.name = name("\"><script>alert('x')</script>&");
        let html = DecidePage::new(bank("mock-bank"), &session, 1, "\"><script>").render().unwrap();
        assert!(!html.contains("<script") && html.contains("&#60;script&#62;alert(&#39;x&#39;)"), "{html}");
    }

    #[test]
    fn where_a_refund_is_paid_nobody_asks_for_the_payers_account() {
        let mut refund = samples::session();
        assert!(decide("mock-bank", &refund).contains("payer_account"));
        refund.pays_refund = Some(PaysRefund { refund_id: RefundId::new(samples::uuid()), session_id: refund.id });
        assert!(!decide("mock-bank", &refund).contains("payer_account"));
    }
}
