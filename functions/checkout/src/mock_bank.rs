//! The mock bank's pages. They are a stranger's: of ours they share the style alone.

use askama::Template;
use jiff::Timestamp;
use models::Session;
use providers::mock::Decision;

use crate::flow::{Stage, stage};
use crate::page::account_ending;
use crate::paths::checkout_path;

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
    decisions: [DecisionButton; Decision::ALL.len()],
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
            Decision::Refuse => ("Refused by the bank".to_owned(), "The bank refuses at once, and nothing is sent."),
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
    use super::*;

    #[test]
    fn the_mock_bank_offers_every_decision() {
        let session = samples::session();
        let html = MockBankPage::new(&session, 3).render().unwrap();
        for decision in Decision::ALL {
            assert!(html.contains(&format!("name=\"decision\" value=\"{}\"", decision.as_str())));
        }
        assert!(html.contains(&format!("action=\"/mock-bank/{}/3\"", session.id)));
        assert!(html.contains("£4.00") && html.contains("Bright Candles Ltd") && html.contains("Illuminate"));
        assert!(
            html.contains("type=\"checkbox\" name=\"payer_account\" value=\"withheld\"") && !html.contains("checked")
        );
    }
}
