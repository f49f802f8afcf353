//! Which banks a payer may choose.

use models::{BankId, Mode};

use crate::mock::{Ledger, MockBank};

/// Whether there is any bank for sessions of this mode. Live ones have none until there is a live connector;
/// `local_live`, which only `local` sets, gives them the mock bank so that the live paths can be tested.
pub const fn can_pay(mode: Mode, local_live: bool) -> bool {
    match mode {
        Mode::Test => true,
        Mode::Live => local_live,
    }
}

/// A bank as a payer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: BankId,
    /// Its name.
    pub name: &'static str,
}

/// All banks there are.
#[derive(Debug, Clone)]
pub struct Providers<L> {
    mock: MockBank<L>,
    local_live: bool,
}

impl<L: Ledger> Providers<L> {
    /// The banks of [`can_pay`], the mock bank's ledger kept by `ledger`.
    pub fn new(ledger: L, local_live: bool) -> Self {
        Self { mock: MockBank::new(ledger), local_live }
    }

    /// What a payer may choose from.
    pub fn offers(&self, mode: Mode) -> Vec<Offer> {
        if can_pay(mode, self.local_live) {
            vec![Offer { id: MockBank::<L>::id(), name: "Mock Bank" }]
        } else {
            Vec::new()
        }
    }

    /// The connector of a bank that payers in this mode may choose.
    pub fn find(&self, id: &BankId, mode: Mode) -> Option<&MockBank<L>> {
        self.offers(mode).iter().any(|offer| offer.id == *id).then_some(&self.mock)
    }
}
