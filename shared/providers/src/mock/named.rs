//! The mock banks there are: their names, and what happens at each.

use models::MovesMoney;

use super::decision::{Decided, Decision, PayerAccount};
use super::refusal::Refusal;

/// A mock bank. Each but the first does one thing, so that a shop sees it happen. All names are made up.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedBank {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What happens there, for whoever tries a shop.
    pub note: &'static str,
    /// When its money moves.
    pub moves_money: MovesMoney,
    /// Why it can't be used now, if it can't.
    pub down: Option<&'static str>,
    /// What a payer can decide there, in the order in which its page offers it.
    pub decisions: &'static [Decision],
    /// Whether the merchant learns from which account the payer pays; none where the payer says so.
    pub payer_account: Option<PayerAccount>,
}

/// The one that offers every decision, and is there longest.
pub const MOCK_BANK: NamedBank = NamedBank {
    id: "mock-bank",
    name: "Mock Bank",
    note: "You choose what happens.",
    moves_money: MovesMoney::AtSubmission,
    down: None,
    decisions: &Decision::ALL,
    payer_account: None,
};

/// A named bank that moves money at submission and shares the payer's account.
const fn at_submission(
    id: &'static str,
    name: &'static str,
    note: &'static str,
    decisions: &'static [Decision],
) -> NamedBank {
    NamedBank {
        id,
        name,
        note,
        moves_money: MovesMoney::AtSubmission,
        down: None,
        decisions,
        payer_account: Some(PayerAccount::Shared),
    }
}

/// All of them, as a payer sees them listed.
pub static MOCKS: [NamedBank; 9] = [
    MOCK_BANK,
    at_submission(
        "mock-settles",
        "Brightwick Bank",
        "Sends the money at once.",
        &[Decision::Approve, Decision::Decline],
    ),
    at_submission(
        "mock-settles-later",
        "Slowmere Building Society",
        "Sends the money 10 seconds after you approve.",
        &[Decision::ApproveThenSettle, Decision::Decline],
    ),
    at_submission(
        "mock-fails-later",
        "Faltermoor Bank",
        "Takes the payment, and refuses it 10 seconds later.",
        &[Decision::ApproveThenFail, Decision::Decline],
    ),
    at_submission("mock-refuses", "Sternholt Bank", "Refuses every payment.", &[Decision::Refuse, Decision::Decline]),
    at_submission(
        "mock-insufficient-funds",
        "Thinpurse Bank",
        "Your account there never holds enough.",
        &[Decision::InsufficientFunds, Decision::Decline],
    ),
    NamedBank {
        payer_account: Some(PayerAccount::Withheld),
        ..at_submission(
            "mock-withholds-account",
            "Hushwell Bank",
            "Sends the money at once, and does not say from which account.",
            &[Decision::Approve, Decision::Decline],
        )
    },
    NamedBank {
        down: Some("Down for maintenance."),
        ..at_submission("mock-down", "Nightclose Bank", "Is always down for maintenance.", &[])
    },
    NamedBank {
        moves_money: MovesMoney::AtConsent,
        payer_account: None,
        ..at_submission(
            "mock-consent",
            "Thistledown Pay",
            "Moves the money when you approve. You choose what happens.",
            &Decision::ALL,
        )
    },
];

impl NamedBank {
    /// What the payer decided, as this bank has it.
    ///
    /// # Errors
    /// The bank does not offer this decision.
    pub(super) fn offered(&self, decided: Decided) -> Result<Decided, Refusal> {
        let payer_account = self.payer_account.unwrap_or(decided.payer_account);
        if self.decisions.contains(&decided.decision) {
            Ok(Decided { payer_account, ..decided })
        } else {
            Err(Refusal::NotOffered)
        }
    }
}
