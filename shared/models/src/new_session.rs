//! What a client asks for when it creates a session, valid by construction.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::{Payee, Payer};
use crate::money::{MinorUnits, Money, MoneyError};
use crate::text::{MerchantUrl, Name, Reference, is_noncharacter};

/// A session to be. Every part has been checked, so that creating it can't fail for what it holds.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// What is paid for, and its sum.
    pub line_items: LineItems,
    /// Who is paid: one of the merchant's linked accounts.
    pub payee: Payee,
    /// Who pays, if the merchant knows.
    pub payer: Option<Payer>,
    /// What stands on the bank statement.
    pub reference: Reference,
    /// Where the payer goes after success.
    pub success_url: Option<MerchantUrl>,
    /// Where the payer goes after failure.
    pub error_url: Option<MerchantUrl>,
    /// Whether the payer gets a receipt.
    pub email_receipt: bool,
    /// The merchant's own notes.
    pub metadata: Metadata,
    /// How long it can be paid.
    pub lifetime: Lifetime,
}

/// One thing that is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    /// What it is.
    pub name: Name,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Name>,
    /// The price of one.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
}

/// 1 to 100 line items of one currency and their exact sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItems {
    items: Vec<LineItem>,
    total: Money,
}

/// Why line items were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidLineItems {
    /// None, or more than 100.
    #[error("must hold 1 to {} items", LineItems::MAX)]
    Count,
    /// They don't add up: two currencies, or a sum beyond 64 bits.
    #[error("can't be added up: {0}")]
    Sum(#[from] MoneyError),
    /// The sum is above the operator's cap.
    #[error("add up to more than {0}, the most a payment may be")]
    AboveCap(Money),
}

impl LineItems {
    /// The most items that one session may have.
    pub const MAX: usize = 100;

    /// Adds up `items`, to at most `cap` minor units.
    ///
    /// # Errors
    /// See [`InvalidLineItems`].
    pub fn new(items: Vec<LineItem>, cap: MinorUnits) -> Result<Self, InvalidLineItems> {
        let currency = match items.first() {
            Some(first) if items.len() <= Self::MAX => first.unit_price.currency(),
            Some(_) | None => return Err(InvalidLineItems::Count),
        };
        let total = items.iter().try_fold(Money::zero(currency), |sum, item| {
            sum.checked_add(item.unit_price.checked_mul(item.quantity)?)
        })?;
        if total.minor() > cap.get() {
            return Err(InvalidLineItems::AboveCap(Money::new(cap, currency)));
        }
        Ok(Self { items, total })
    }

    /// One of one thing.
    pub(crate) fn one(name: Name, price: Money) -> Self {
        Self { items: vec![LineItem { name, description: None, unit_price: price, quantity: 1 }], total: price }
    }

    /// The sum of price × quantity.
    pub fn total(&self) -> Money {
        self.total
    }

    /// The items.
    pub fn into_items(self) -> Vec<LineItem> {
        self.items
    }
}

/// A merchant's own notes on a session: at most 50, with keys of 1 to 40 and values of at most 500 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

/// Why metadata was refused; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidMetadata {
    /// Too many.
    #[error("must have at most 50 keys")]
    Count,
    /// A key's length.
    #[error("must have keys of 1 to 40 characters")]
    Key,
    /// A value's length.
    #[error("must have values of at most 500 characters")]
    Value,
    /// A key or value with what is no character in any text (Unicode, 23.7).
    #[error("must have keys and values without noncharacters such as U+FFFE")]
    Noncharacter,
}

impl TryFrom<BTreeMap<String, String>> for Metadata {
    type Error = InvalidMetadata;
    fn try_from(pairs: BTreeMap<String, String>) -> Result<Self, InvalidMetadata> {
        if pairs.len() > Self::MAX_KEYS {
            return Err(InvalidMetadata::Count);
        }
        if pairs.keys().any(|key| !(1..=40).contains(&key.chars().count())) {
            return Err(InvalidMetadata::Key);
        }
        if pairs.values().any(|value| value.chars().count() > 500) {
            return Err(InvalidMetadata::Value);
        }
        if pairs.iter().any(|(key, value)| key.chars().chain(value.chars()).any(is_noncharacter)) {
            return Err(InvalidMetadata::Noncharacter);
        }
        Ok(Self(pairs))
    }
}

impl Metadata {
    /// The most notes that one session may have.
    pub const MAX_KEYS: usize = 50;

    /// The notes by key.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// How long a session can be paid: 60 seconds to 7 days, 24 hours unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(SignedDuration);

/// Outside of the limits; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be {} to {} seconds", Lifetime::MIN_SECONDS, Lifetime::MAX_SECONDS)]
pub struct InvalidLifetime;

impl Lifetime {
    /// The shortest.
    pub const MIN_SECONDS: i64 = 60;
    /// The longest.
    pub const MAX_SECONDS: i64 = 7 * 24 * 60 * 60;

    /// A lifetime of this many seconds.
    ///
    /// # Errors
    /// Below 60 seconds or above 7 days.
    pub fn from_seconds(seconds: i64) -> Result<Self, InvalidLifetime> {
        if (Self::MIN_SECONDS..=Self::MAX_SECONDS).contains(&seconds) {
            Ok(Self(SignedDuration::from_secs(seconds)))
        } else {
            Err(InvalidLifetime)
        }
    }

    /// The longest: 7 days.
    pub const MAX: Self = Self(SignedDuration::from_secs(Self::MAX_SECONDS));

    /// As a duration.
    pub fn as_duration(self) -> SignedDuration {
        self.0
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self(SignedDuration::from_hours(24))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    const CAP: MinorUnits = MinorUnits::new(100_000_000);

    fn item(minor: i64, quantity: u32, currency: Currency) -> LineItem {
        LineItem {
            name: Name::try_from("Candles".to_owned()).unwrap(),
            description: None,
            unit_price: Money::new(MinorUnits::new(minor), currency),
            quantity: NonZeroU32::new(quantity).unwrap().get(),
        }
    }

    fn gbp(minor: i64, quantity: u32) -> LineItem {
        item(minor, quantity, Currency::GBP)
    }

    #[test]
    fn items_are_counted_summed_and_capped() {
        assert_eq!(LineItems::new(vec![gbp(100, 4)], CAP).unwrap().total().minor(), 400);
        assert_eq!(LineItems::new(vec![], CAP), Err(InvalidLineItems::Count));
        assert!(LineItems::new(vec![gbp(1, 1); 100], CAP).is_ok());
        assert_eq!(LineItems::new(vec![gbp(1, 1); 101], CAP), Err(InvalidLineItems::Count));
        assert!(LineItems::new(vec![gbp(100_000_000, 1)], CAP).is_ok());
        assert!(matches!(
            LineItems::new(vec![gbp(100_000_000, 1), gbp(1, 1)], CAP),
            Err(InvalidLineItems::AboveCap(_))
        ));
        let mixed = vec![gbp(1, 1), item(1, 1, Currency::EUR)];
        assert!(matches!(LineItems::new(mixed, CAP), Err(InvalidLineItems::Sum(MoneyError::CurrencyMismatch(..)))));
    }

    #[test]
    fn metadata_limits() {
        let pairs = |count: usize, key: usize, value: usize| {
            (0..count).map(|n| (format!("{n:0key$}"), "é".repeat(value))).collect::<BTreeMap<_, _>>()
        };
        assert!(Metadata::try_from(pairs(50, 40, 500)).is_ok());
        assert_eq!(Metadata::try_from(pairs(51, 2, 1)), Err(InvalidMetadata::Count));
        assert_eq!(Metadata::try_from(pairs(1, 41, 1)), Err(InvalidMetadata::Key));
        assert_eq!(Metadata::try_from(BTreeMap::from([(String::new(), String::new())])), Err(InvalidMetadata::Key));
        assert_eq!(Metadata::try_from(pairs(1, 1, 501)), Err(InvalidMetadata::Value));
        for (key, value) in [("a\u{fffe}", "b"), ("a", "\u{fdd0}b"), ("a", "\u{10ffff}")] {
            let pair = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            assert_eq!(Metadata::try_from(pair), Err(InvalidMetadata::Noncharacter));
        }
        // What a merchant writes for itself may be of more than one line, and show nothing.
        assert!(Metadata::try_from(BTreeMap::from([("a".to_owned(), "\u{200b}\n\u{e000}".to_owned())])).is_ok());
    }

    #[test]
    fn lifetimes() {
        for (seconds, good) in [(59, false), (60, true), (604_800, true), (604_801, false), (-1, false)] {
            assert_eq!(Lifetime::from_seconds(seconds).is_ok(), good, "{seconds}");
        }
        assert_eq!(Lifetime::default().as_duration(), SignedDuration::from_hours(24));
    }

    proptest! {
        #[test]
        fn the_sum_is_exact_or_refused(prices in prop::collection::vec((1..=i64::MAX, 1..=u32::MAX), 1..=100)) {
            let exact: i128 = prices.iter().map(|(price, quantity)| i128::from(*price) * i128::from(*quantity)).sum();
            let items = prices.iter().map(|(price, quantity)| gbp(*price, *quantity)).collect();
            let total = LineItems::new(items, MinorUnits::new(i64::MAX)).ok().map(|items| i128::from(items.total().minor()));
            prop_assert_eq!(total, (exact <= i128::from(i64::MAX)).then_some(exact));
        }
    }
}
