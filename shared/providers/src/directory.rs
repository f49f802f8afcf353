//! Which providers a payer may choose.

use std::fmt;
use std::str::FromStr;

use models::{BankId, Currency, Mode, PaymentMethod};
use thiserror::Error;

use crate::connector::Connector;
use crate::mock::{Ledger, MOCK_BANK, MockBank, NamedBank};

/// Whether there is any provider for sessions of this mode. Live ones have none until there is a live connector;
/// `local_live`, which only `local` sets, gives them the mock banks so that the live paths can be tested.
pub const fn can_pay(mode: Mode, local_live: bool) -> bool {
    match mode {
        Mode::Test => true,
        Mode::Live => local_live,
    }
}

/// A country by its two capital letters (ISO 3166-1, alpha-2). Whether there is such a country is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country([u8; 2]);

/// Not two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a country's two letters")]
pub struct InvalidCountry;

impl FromStr for Country {
    type Err = InvalidCountry;
    fn from_str(text: &str) -> Result<Self, InvalidCountry> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(InvalidCountry),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// What a payer wants to pay by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Test or live.
    pub mode: Mode,
    /// How.
    pub method: PaymentMethod,
    /// In which currency.
    pub currency: Currency,
    /// Where the payer's account is, if that is known.
    pub country: Option<Country>,
}

/// Whether an offer can be chosen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available,
    /// It can't, for this reason, which is for the payer to read.
    Down(&'static str),
}

/// A provider as a payer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: BankId,
    /// Its name.
    pub name: &'static str,
    /// Where its logo is, if it has one.
    pub logo: Option<&'static str>,
    /// What happens there, if it is a mock.
    pub note: Option<&'static str>,
    /// How it is paid.
    pub method: PaymentMethod,
    /// Whether it can be chosen now.
    pub availability: Availability,
}

/// All providers there are.
#[derive(Debug, Clone)]
pub struct Providers<L> {
    ledger: L,
    local_live: bool,
}

impl<L: Ledger + Clone> Providers<L> {
    /// The providers of [`can_pay`], the mock banks' ledger kept by `ledger`.
    pub const fn new(ledger: L, local_live: bool) -> Self {
        Self { ledger, local_live }
    }

    /// What a payer may choose from, in the order in which it is shown.
    pub fn offers(&self, wanted: &Wanted) -> Vec<Offer> {
        self.mocks(wanted.mode).filter(|mock| serves(mock, wanted)).filter_map(offer).collect()
    }

    /// The connector of a provider that payers in this mode may choose. Whether it can be chosen now is another question.
    pub fn find(&self, id: &BankId, mode: Mode) -> Option<Connector<L>> {
        let mock = self.mocks(mode).find(|mock| mock.id == id.as_str())?;
        Some(Connector::MockBank(MockBank::named(mock, self.ledger.clone())))
    }

    fn mocks(&self, mode: Mode) -> impl Iterator<Item = &'static NamedBank> {
        [&MOCK_BANK].into_iter().filter(move |_| can_pay(mode, self.local_live))
    }
}

/// Whether a mock bank is what is wanted.
fn serves(_: &NamedBank, wanted: &Wanted) -> bool {
    wanted.method == PaymentMethod::PayByBank
}

fn offer(mock: &'static NamedBank) -> Option<Offer> {
    Some(Offer {
        id: mock.id.parse().ok()?,
        name: mock.name,
        logo: None,
        note: Some(mock.note),
        method: PaymentMethod::PayByBank,
        availability: mock.down.map_or(Availability::Available, Availability::Down),
    })
}
