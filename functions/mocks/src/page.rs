//! What the bank's pages show: the payment, and what was decided about it.

use askama::Template;
use jiff::Timestamp;
use models::{Session, SessionState};
use providers::mock::Decision;

use crate::route::{bank_path, checkout_path, return_path};

/// Asks for the payer's decision.
#[derive(Template)]
#[template(path = "decide.html")]
pub(crate) struct DecidePage<'a> {
    checkout: String,
    action: String,
    payee: &'a str,
    account_ending: &'a str,
    amount: String,
    reference: &'a str,
    /// Whether it matters to anyone which account pays: a refund itself is never refunded.
    may_be_refunded: bool,
    decisions: [DecisionButton; Decision::ALL.len()],
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
    pub(crate) fn new(session: &'a Session, number: u8) -> Self {
        Self {
            checkout: checkout_path(&session.id),
            action: bank_path(&session.id, number),
            payee: session.payee.name.as_str(),
            account_ending: session.payee.account.last_four(),
            amount: session.amount.to_string(),
            reference: session.reference.as_str(),
            may_be_refunded: session.pays_refund.is_none(),
            decisions: Decision::ALL.map(DecisionButton::new),
        }
    }
}

/// What was decided, and the way back: there is no second decision.
#[derive(Template)]
#[template(path = "decided.html")]
pub(crate) struct DecidedPage {
    heading: &'static str,
    way_back: String,
}

impl DecidedPage {
    pub(crate) fn new(session: &Session, decision: Decision) -> Self {
        let heading = match decision {
            Decision::Approve | Decision::ApproveThenSettle | Decision::ApproveThenFail => {
                "You have approved this payment"
            }
            Decision::Decline => "You have declined this payment",
            Decision::InsufficientFunds => "Your account holds too little for this payment",
            Decision::Refuse => "We have refused this payment",
        };
        Self { heading, way_back: return_path(&session.id) }
    }
}

/// The page for an attempt that is not open: a stale tab, or the back button.
#[derive(Template)]
#[template(path = "closed.html")]
pub(crate) struct ClosedPage {
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
        Self { checkout: checkout_path(&session.id), text }
    }
}

#[cfg(test)]
mod tests {
    use models::{LineItem, PaysRefund, RefundId, SessionEvent as E};
    use samples::{NOW, PAYER_EMAIL, PAYER_NAME, item, name};

    use super::*;

    /// Every page there is, with a name.
    fn gallery() -> Vec<(String, String)> {
        let mut pages = Vec::new();
        let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
        let word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze".repeat(2);
        let mut long = samples::session_of(vec![LineItem { description: None, ..item(&word, 12_345_678, 8) }]);
        long.payee.name = name(&word);
        add("mock_bank", DecidePage::new(&samples::session(), 1).render().unwrap());
        add("mock_bank_long", DecidePage::new(&long, 1).render().unwrap());
        for decision in Decision::ALL {
            let page = DecidedPage::new(&samples::session(), decision);
            add(&format!("mock_bank_{}", decision.as_str()), page.render().unwrap());
        }
        let chosen = [E::PayerIdentified, E::BankChosen];
        for more in [&[][..], &[E::ConsentGiven], &[E::ConsentGiven, E::Settled], &[E::DeclinedByPayer]] {
            let session = samples::session_after(&[&chosen, more].concat());
            add(&format!("mock_bank_closed_{}", session.state), ClosedPage::new(&session, NOW).render().unwrap());
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
    fn the_mock_bank_offers_every_decision() {
        let session = samples::session();
        let html = DecidePage::new(&session, 3).render().unwrap();
        for decision in Decision::ALL {
            assert!(html.contains(&format!("name=\"decision\" value=\"{}\"", decision.as_str())));
        }
        assert!(html.contains(&format!("action=\"/mock-bank/{}/3\"", session.id)));
        assert!(html.contains("£4.00") && html.contains("Bright Candles Ltd") && html.contains("Illuminate"));
        assert!(
            html.contains("type=\"checkbox\" name=\"payer_account\" value=\"withheld\"") && !html.contains("checked")
        );
    }

    #[test]
    fn what_was_decided_offers_no_second_decision_and_the_way_back_alone() {
        let session = samples::session();
        for decision in Decision::ALL {
            let html = DecidedPage::new(&session, decision).render().unwrap();
            assert!(!html.contains("<form") && !html.contains("<button"), "{html}");
            assert!(html.contains(&format!("href=\"/checkout/{}/return\"", session.id)), "{html}");
            assert_eq!(html.matches("href=").count(), 1, "{html}");
        }
    }

    #[test]
    fn what_others_wrote_is_text_and_nothing_else() {
        let mut session = samples::session();
        session.payee.name = name("\"><script>alert('x')</script>&");
        let html = DecidePage::new(&session, 1).render().unwrap();
        assert!(!html.contains("<script") && html.contains("&#60;script&#62;alert(&#39;x&#39;)"), "{html}");
    }

    #[test]
    fn where_a_refund_is_paid_nobody_asks_for_the_payers_account() {
        let mut refund = samples::session();
        assert!(DecidePage::new(&refund, 1).render().unwrap().contains("payer_account"));
        refund.pays_refund = Some(PaysRefund { refund_id: RefundId::new(samples::uuid()), session_id: refund.id });
        assert!(!DecidePage::new(&refund, 1).render().unwrap().contains("payer_account"));
    }
}
