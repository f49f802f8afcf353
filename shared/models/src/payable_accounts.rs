//! Into which of a merchant's linked accounts a payment may be paid.

use jiff::Timestamp;
use thiserror::Error;

use crate::account::{AccountIdentifier, LinkedAccount};
use crate::merchant::Merchant;
use crate::mode::Mode;
use crate::money::Currency;

/// A merchant's linked accounts, as payments of one mode find them at one time.
#[derive(Debug, Clone, Copy)]
pub struct PayableAccounts<'a> {
    linked: &'a [LinkedAccount],
    mode: Mode,
    now: Timestamp,
}

/// Why no payment may be paid into an account; reads on after the name of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum NotPayable {
    /// It is none of the merchant's.
    #[error("must be one of your linked accounts")]
    NotLinked,
    /// It was linked a short while ago: see [`LinkedAccount::live_from`].
    #[error("was linked less than 24 hours ago: live payments can be paid into it from {0} on")]
    NotYet(Timestamp),
}

impl Merchant {
    /// The accounts that payments of this mode may be paid into now.
    pub fn payable_accounts(&self, mode: Mode, now: Timestamp) -> PayableAccounts<'_> {
        PayableAccounts { linked: &self.linked_accounts, mode, now }
    }
}

impl<'a> PayableAccounts<'a> {
    /// The linked account that `account` names.
    ///
    /// # Errors
    /// It is none, or can't be paid into yet.
    pub fn named(self, account: &AccountIdentifier) -> Result<&'a LinkedAccount, NotPayable> {
        let linked = self.linked.iter().find(|linked| linked.account == *account).ok_or(NotPayable::NotLinked)?;
        self.payable(linked)
    }

    /// Where a payment in this currency is paid to if it names no account: the one that is marked as the default, else the one
    /// that was linked first of those that can receive it.
    ///
    /// # Errors
    /// There is none, or none that can be paid into yet.
    pub fn of_currency(self, currency: Currency) -> Result<&'a LinkedAccount, NotPayable> {
        let fitting = self.linked.iter().filter(|linked| linked.account.receives(currency));
        let payable = fitting.clone().filter(|linked| self.payable(linked).is_ok());
        let marked = payable.clone().find(|linked| linked.default);
        // Of those that were linked by an operator it is not known when: they come first, in the order of their numbers.
        let first = || payable.min_by_key(|linked| linked.linked_at);
        marked.or_else(first).ok_or_else(|| {
            let soonest = fitting.filter_map(|linked| self.payable(linked).err()).min();
            soonest.unwrap_or(NotPayable::NotLinked)
        })
    }

    /// All of them, but those that can't be paid into yet.
    pub fn all(self) -> impl Iterator<Item = &'a LinkedAccount> {
        self.linked.iter().filter(move |linked| self.payable(linked).is_ok())
    }

    fn payable(self, linked: &'a LinkedAccount) -> Result<&'a LinkedAccount, NotPayable> {
        match (self.mode, linked.live_from()) {
            (Mode::Live, Some(from)) if self.now < from => Err(NotPayable::NotYet(from)),
            (Mode::Live | Mode::Test, _) => Ok(linked),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::list_shards::ListSharding;
    use crate::text::Name;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn merchant(linked_accounts: Vec<LinkedAccount>) -> Merchant {
        let name = Name::try_from("Gerald Wiley".to_owned()).unwrap();
        Merchant {
            id: "demo".parse().unwrap(),
            name,
            idempotency_salt: [0; 32],
            list_sharding: ListSharding::default(),
            linked_accounts,
            keys: Vec::new(),
        }
    }

    fn linked(account: &AccountIdentifier, default: bool) -> LinkedAccount {
        let name = Name::try_from("Gerald Wiley".to_owned()).unwrap();
        LinkedAccount { name, account: account.clone(), default, linked_at: None }
    }

    #[test]
    fn a_payment_that_names_no_account_is_paid_to_one_that_can_receive_it() {
        let uk = AccountIdentifier::uk("010203", "12345678").unwrap();
        let iban = |text: &str| AccountIdentifier::Iban { iban: text.to_owned().try_into().unwrap() };
        let [gb, de, se] = ["GB29NWBK60161331926819", "DE89370400440532013000", "SE4550000000058398257466"].map(iban);
        let chosen = |accounts: &[(&AccountIdentifier, bool)], currency| {
            let merchant = merchant(accounts.iter().map(|(account, default)| linked(account, *default)).collect());
            let found = merchant.payable_accounts(Mode::Live, NOW).of_currency(currency);
            found.map(|linked| linked.account.clone()).ok()
        };
        let all = [(&se, false), (&uk, false), (&gb, false), (&de, false)];
        assert_eq!(chosen(&all, Currency::GBP), Some(uk.clone()));
        assert_eq!(chosen(&all, Currency::EUR), Some(se.clone()));
        assert_eq!(chosen(&all, Currency::SEK), Some(se.clone()));
        assert_eq!(chosen(&all, Currency::USD), None);
        // The default of one currency is none of another's.
        let marked = [(&se, false), (&uk, false), (&gb, true), (&de, true)];
        assert_eq!(chosen(&marked, Currency::GBP), Some(gb.clone()));
        assert_eq!(chosen(&marked, Currency::EUR), Some(gb.clone()));
        assert_eq!(chosen(&marked, Currency::SEK), Some(se.clone()));
        assert_eq!(chosen(&[(&de, true)], Currency::GBP), None);
        assert_eq!(chosen(&[(&uk, true)], Currency::EUR), None);
    }

    #[test]
    fn an_account_that_was_linked_in_the_console_is_paid_live_a_day_later() {
        let [old, new] =
            ["12345678", "00345678"].map(|number| linked(&AccountIdentifier::uk("010203", number).unwrap(), false));
        let new = LinkedAccount { linked_at: Some(NOW), ..new };
        let from = NOW + SignedDuration::from_hours(24);
        let alone = merchant(vec![new.clone()]);
        let at = |mode, now| {
            let accounts = alone.payable_accounts(mode, now);
            let named = accounts.named(&new.account);
            assert_eq!(accounts.of_currency(Currency::GBP), named);
            assert_eq!(accounts.all().count(), usize::from(named.is_ok()));
            named.map(|_| ())
        };
        assert_eq!(at(Mode::Test, NOW), Ok(()));
        let just_before = from - SignedDuration::from_millis(1);
        for now in [NOW, just_before] {
            assert_eq!(at(Mode::Live, now), Err(NotPayable::NotYet(from)));
        }
        assert_eq!(at(Mode::Live, from), Ok(()));
        assert_eq!(alone.payable_accounts(Mode::Live, from).named(&old.account), Err(NotPayable::NotLinked));
        assert!(NotPayable::NotYet(from).to_string().ends_with("from 1970-01-02T00:00:00Z on"));
        // It never takes the place of one that was there before.
        let both = merchant(vec![new, old.clone()]);
        for now in [NOW, from] {
            let chosen = both.payable_accounts(Mode::Live, now).of_currency(Currency::GBP);
            assert_eq!(chosen.map(|linked| &linked.account), Ok(&old.account));
        }
    }
}
