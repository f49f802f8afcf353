//! The banks to choose from: those used most, all, or those that are searched for.

use models::{PaymentMethod, Session};
use pages::CheckoutTexts;
use providers::{Availability, Offer, Outage};

use crate::view::{Banks, View};

/// A list that is no longer is shown whole, without a search.
const SHORT: usize = 10;

/// How many of a longer one are shown first. The directory has those first that are used most.
const POPULAR: usize = 8;

/// The longest search, in characters; more of it is not read.
const MAX_SEARCH_CHARS: usize = 64;

/// The offers of one way to pay.
pub(super) fn of_method(offers: &[Offer], method: PaymentMethod) -> Vec<&Offer> {
    offers.iter().filter(|offer| offer.method == method).collect()
}

/// The banks to choose from, and which attempt the choice would be.
pub(super) struct BankList<'a> {
    pub(super) banks: Vec<Bank<'a>>,
    pub(super) attempt: u8,
    /// How many there are in all.
    pub(super) all: usize,
    /// Whether some are left out that a link leads to.
    pub(super) more: bool,
    /// Whether there are too many to read, so that one searches.
    pub(super) long: bool,
    /// What was searched for.
    pub(super) search: String,
}

/// A bank, as it is shown at the choice.
pub(super) struct Bank<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'static str,
    /// Stand for a logo.
    pub(super) initials: String,
    /// What happens there, if it is a mock.
    pub(super) note: Option<&'static str>,
    /// Why it can't be chosen, if it can't.
    pub(super) down: Option<&'static str>,
}

impl<'a> Bank<'a> {
    fn new(offer: &'a Offer, t: &'static CheckoutTexts) -> Self {
        let down = down(offer, t);
        let first = |word: &str| word.chars().next();
        let initials = offer.name.split_whitespace().filter_map(first).take(2).flat_map(char::to_uppercase).collect();
        Self { id: offer.id.as_str(), name: offer.name, initials, note: offer.note, down }
    }
}

impl<'a> BankList<'a> {
    /// None after the last choice that there may be.
    pub(super) fn new(
        session: &Session,
        offers: Vec<&'a Offer>,
        view: &View,
        t: &'static CheckoutTexts,
    ) -> Option<Self> {
        let attempt = session.attempt_number().checked_add(1)?;
        if !session.may_choose_again() {
            return None;
        }
        let search: String = view.q.trim().chars().take(MAX_SEARCH_CHARS).collect();
        let wanted = search.to_lowercase();
        let (all, long) = (offers.len(), offers.len() > SHORT);
        let found = offers.into_iter().filter(|offer| offer.name.to_lowercase().contains(&wanted));
        let mut banks: Vec<_> = found.map(|offer| Bank::new(offer, t)).collect();
        let more = long && (view.banks == Banks::Popular || !search.is_empty());
        if long && search.is_empty() && view.banks == Banks::Popular {
            banks.truncate(POPULAR);
        }
        Some(Self { banks, attempt, all, more, long, search })
    }
}

/// Why a provider can't be chosen, if it can't.
pub(super) const fn down(offer: &Offer, t: &'static CheckoutTexts) -> Option<&'static str> {
    match offer.availability {
        Availability::Available => None,
        Availability::Down(Outage::Maintenance) => Some(t.bank_down_for_maintenance),
    }
}

/// The name of the bank that the session's latest attempt is at.
pub(super) fn bank_of(session: &Session, offers: &[Offer]) -> Option<&'static str> {
    let attempt = session.attempt.as_ref()?;
    offers.iter().find(|offer| offer.id == attempt.bank).map(|offer| offer.name)
}
