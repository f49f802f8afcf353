//! The mock banks there are: their names, and what happens at each.

use jiff::SignedDuration;
use models::{MovesMoney, PayerKind, PaymentMethod};

use super::decision::{Decided, Decision, PayerAccount};
use super::refusal::Refusal;
use crate::availability::Outage;
use crate::market::{EURO_AREA, Market, SWEDEN, UNITED_KINGDOM};

/// What the page of a mock asks of the payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MockPage {
    /// One of its decisions, as a bank asks.
    Decide,
    /// A card: its number says what is decided.
    Card,
    /// Whether to agree to a plan, by which the payer pays later.
    Plan,
    /// A mandate to collect from an account.
    Mandate(MandateScheme),
    /// Nothing: the payer makes a transfer by the instructions they get.
    Transfer,
}

/// By whose rules an account is collected from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MandateScheme {
    /// Bacs Direct Debit, from a sort code and account number.
    Bacs,
    /// SEPA Core Direct Debit, from an IBAN.
    Sepa,
    /// Autogiro, from a clearing and account number.
    Autogiro,
}

/// A mock provider: a bank, or another that moves money. Each but the first does one thing, so that a shop sees it happen.
/// All names are made up.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedMock {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What happens there, for a developer who tries a shop.
    pub note: &'static str,
    /// How it is paid.
    pub method: PaymentMethod,
    /// What its page asks.
    pub page: MockPage,
    /// Where it serves payers; none if everywhere, in any currency.
    pub markets: Option<&'static [Market]>,
    /// Whom it serves; none if persons and companies.
    pub payers: Option<PayerKind>,
    /// When its money moves.
    pub moves_money: MovesMoney,
    /// For how long the payer's link to an attempt can be made again; none for as long as the attempt is open.
    pub link_lasts: Option<SignedDuration>,
    /// Why it can't be used now, if it can't.
    pub down: Option<Outage>,
    /// What a payer can decide there, in the order in which its page offers it.
    pub decisions: &'static [Decision],
    /// Whether the merchant learns from which account the payer pays; none where the payer decides that.
    pub payer_account: Option<PayerAccount>,
}

/// The one that offers every decision.
pub(super) static MOCK_BANK: NamedMock = NamedMock {
    markets: None,
    payer_account: None,
    ..at_submission("mock-bank", "Mock Bank", "You choose what happens.", &Decision::ALL)
};

/// A named bank that moves money at submission and shares the payer's account.
const fn at_submission(
    id: &'static str,
    name: &'static str,
    note: &'static str,
    decisions: &'static [Decision],
) -> NamedMock {
    NamedMock {
        id,
        name,
        note,
        method: PaymentMethod::PayByBank,
        page: MockPage::Decide,
        markets: Some(&[UNITED_KINGDOM, EURO_AREA]),
        payers: None,
        moves_money: MovesMoney::AtSubmission,
        link_lasts: None,
        down: None,
        decisions,
        payer_account: Some(PayerAccount::Shared),
    }
}

/// One that collects from an account by a mandate. Refunds are its own, so that nobody learns from which.
const fn collecting(
    method: PaymentMethod,
    scheme: MandateScheme,
    markets: &'static [Market],
    id: &'static str,
    name: &'static str,
    note: &'static str,
) -> NamedMock {
    NamedMock {
        method,
        page: MockPage::Mandate(scheme),
        markets: Some(markets),
        moves_money: MovesMoney::AtConsent,
        payer_account: Some(PayerAccount::Withheld),
        ..at_submission(
            id,
            name,
            note,
            &[Decision::ApproveThenSettle, Decision::ApproveThenLackFunds, Decision::Refuse, Decision::Decline],
        )
    }
}

static NAMED: [NamedMock; 16] = [
    at_submission(
        "mock-settles",
        "Brightwick Bank",
        "Sends the money at once.",
        &[Decision::Approve, Decision::Decline],
    ),
    NamedMock {
        payers: Some(PayerKind::Retail),
        ..at_submission(
            "mock-settles-later",
            "Slowmere Building Society",
            "Sends the money 10 seconds after you approve.",
            &[Decision::ApproveThenSettle, Decision::Decline],
        )
    },
    at_submission(
        "mock-fails-later",
        "Faltermoor Bank",
        "Accepts, and refuses 10 seconds later.",
        &[Decision::ApproveThenFail, Decision::Decline],
    ),
    at_submission("mock-refuses", "Sternholt Bank", "Refuses every time.", &[Decision::Refuse, Decision::Decline]),
    at_submission(
        "mock-insufficient-funds",
        "Thinpurse Bank",
        "Your account there never holds enough.",
        &[Decision::InsufficientFunds, Decision::Decline],
    ),
    NamedMock {
        payer_account: Some(PayerAccount::Withheld),
        payers: Some(PayerKind::Corporate),
        ..at_submission(
            "mock-withholds-account",
            "Hushwell Bank",
            "Sends the money at once, and does not say from which account.",
            &[Decision::Approve, Decision::Decline],
        )
    },
    NamedMock {
        down: Some(Outage::Maintenance),
        ..at_submission("mock-down", "Nightclose Bank", "Is always down for maintenance.", &[])
    },
    NamedMock {
        moves_money: MovesMoney::AtConsent,
        link_lasts: Some(SignedDuration::from_mins(15)),
        payer_account: None,
        ..at_submission(
            "mock-consent",
            "Thistledown Pay",
            "Moves the money when you approve. You choose what happens.",
            &Decision::ALL,
        )
    },
    NamedMock {
        method: PaymentMethod::Card,
        page: MockPage::Card,
        markets: None,
        moves_money: MovesMoney::AtConsent,
        payer_account: Some(PayerAccount::Withheld),
        ..at_submission(
            "mock-card",
            "Mock Card",
            "Takes the test numbers that its page lists, and no other.",
            &[Decision::Approve, Decision::Decline, Decision::InsufficientFunds, Decision::Refuse],
        )
    },
    collecting(
        PaymentMethod::BacsDebit,
        MandateScheme::Bacs,
        &[UNITED_KINGDOM],
        "mock-bacs",
        "Mock Direct Debit",
        "Collects from the account that you give it.",
    ),
    collecting(
        PaymentMethod::SepaDebit,
        MandateScheme::Sepa,
        &[EURO_AREA],
        "mock-sepa-debit",
        "Mock SEPA Direct Debit",
        "Collects from the account that you give it.",
    ),
    collecting(
        PaymentMethod::Autogiro,
        MandateScheme::Autogiro,
        &[SWEDEN],
        "mock-autogiro",
        "Mock Autogiro",
        "Collects from the account that you give it.",
    ),
    NamedMock {
        method: PaymentMethod::BuyNowPayLater,
        page: MockPage::Plan,
        moves_money: MovesMoney::AtConsent,
        payer_account: Some(PayerAccount::Withheld),
        ..at_submission(
            "mock-pay-later",
            "Mock Pay Later",
            "Offers three instalments, or none: you choose.",
            &[Decision::ApproveThenSettle, Decision::Refuse, Decision::Decline],
        )
    },
    by_transfer("mock-transfer", "Mock Transfer", PaymentMethod::BankTransfer, &[UNITED_KINGDOM, EURO_AREA]),
    by_transfer(
        "mock-direct-transfer",
        "Mock Direct Transfer",
        PaymentMethod::DirectTransfer,
        &[UNITED_KINGDOM, SWEDEN],
    ),
    by_transfer("mock-credit-transfer", "Mock Credit Transfer", PaymentMethod::GbpCreditTransfer, &[UNITED_KINGDOM]),
];

/// One that is paid by transfers. Which of them it is says by which way to pay it was chosen.
const fn by_transfer(
    id: &'static str,
    name: &'static str,
    method: PaymentMethod,
    markets: &'static [Market],
) -> NamedMock {
    NamedMock {
        method,
        page: MockPage::Transfer,
        markets: Some(markets),
        moves_money: MovesMoney::AtConsent,
        ..at_submission(id, name, "Says where to transfer the money. You send it from a page of its own.", &[])
    }
}

/// All of them, as payers see them listed.
pub fn mocks() -> impl Iterator<Item = &'static NamedMock> {
    std::iter::once(&MOCK_BANK).chain(&NAMED)
}

impl NamedMock {
    /// Whether a payment can be taken back that was made: what is collected from a card or an account can be disputed.
    pub const fn can_be_taken_back(&self) -> bool {
        match self.page {
            MockPage::Card | MockPage::Mandate(_) => true,
            // The provider bears it if the payer does not pay by the plan.
            MockPage::Decide | MockPage::Plan | MockPage::Transfer => false,
        }
    }

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

#[cfg(test)]
mod tests {
    use models::BankId;

    use super::*;

    #[test]
    fn each_bank_has_an_id_and_a_name_of_its_own() {
        let mut ids: Vec<BankId> = mocks().map(|mock| mock.id.parse().unwrap()).collect();
        let mut names: Vec<&str> = mocks().map(|mock| mock.name).collect();
        assert_eq!((ids[0].as_str(), names[0], ids.len()), ("mock-bank", "Mock Bank", 17));
        ids.sort();
        ids.dedup();
        names.sort_unstable();
        names.dedup();
        assert_eq!((ids.len(), names.len()), (17, 17));
    }

    #[test]
    fn a_bank_is_down_exactly_if_nothing_can_be_decided_there() {
        for mock in mocks().filter(|mock| mock.page != MockPage::Transfer) {
            assert_eq!(mock.down.is_some(), mock.decisions.is_empty(), "{}", mock.id);
        }
    }

    #[test]
    fn the_payer_says_who_learns_of_their_account_where_everything_can_be_decided() {
        let asked: Vec<&str> = mocks().filter(|mock| mock.payer_account.is_none()).map(|mock| mock.id).collect();
        assert_eq!(asked, ["mock-bank", "mock-consent"]);
        let withheld = mocks().find(|mock| mock.payer_account == Some(PayerAccount::Withheld));
        assert_eq!(withheld.map(|mock| mock.id), Some("mock-withholds-account"));
    }

    #[test]
    fn a_bank_takes_the_decisions_that_it_offers_alone() {
        let withheld = |decision| Decided { payer_account: PayerAccount::Withheld, ..Decided::from(decision) };
        for mock in mocks() {
            for decision in Decision::ALL {
                let expected = withheld(decision);
                let expected =
                    Decided { payer_account: mock.payer_account.unwrap_or(PayerAccount::Withheld), ..expected };
                let offered = mock.decisions.contains(&decision);
                let expected = if offered { Ok(expected) } else { Err(Refusal::NotOffered) };
                assert_eq!(mock.offered(withheld(decision)), expected, "{}", mock.id);
            }
        }
    }
}
