//! What a client asks for when it creates a session, valid by construction.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::account::{Payee, Payer};
use crate::ids::{CustomerId, TestClockId};
use crate::money::{Currency, Money, MoneyError};
use crate::offer_limits::OfferLimits;
use crate::payment_method::PaymentMethods;
use crate::text::{Description, Locale, MerchantUrl, Name, Reference, is_noncharacter};
use crate::wire_format::{Extra, WireFormat};

/// A session to be. Every part has been checked, so that creating it can't fail for what it holds. Whether the parts agree
/// (the line items with the amount) is for the format that reads them to see.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// In whose format it is asked for.
    pub format: WireFormat,
    /// What that format keeps of it for itself.
    pub extra: Option<Extra>,
    /// What is to be paid.
    pub amount: Money,
    /// What is paid for, item by item; there may be none.
    pub line_items: Vec<LineItem>,
    /// What is paid for, in a line.
    pub description: Option<Description>,
    /// Who is paid: one of the merchant's linked accounts.
    pub payee: Payee,
    /// Who pays, if the merchant knows.
    pub payer: Option<Payer>,
    /// Which of the merchant's customers that is.
    pub customer_id: Option<CustomerId>,
    /// The payer's language.
    pub locale: Option<Locale>,
    /// What stands on the bank statement; one of the payment's own ([`Reference::of_payment`]) if there is none.
    pub reference: Option<Reference>,
    /// Where the payer goes after success.
    pub success_url: Option<MerchantUrl>,
    /// Where the payer goes after failure.
    pub error_url: Option<MerchantUrl>,
    /// Where a payer goes who cancels.
    pub cancel_url: Option<MerchantUrl>,
    /// How it can be paid.
    pub payment_methods: PaymentMethods,
    /// Which providers of these the payer is offered.
    pub offer_limits: OfferLimits,
    /// Whether transfers for it go to an IBAN of its own, by which they are matched.
    pub virtual_iban: bool,
    /// Whether the payer is sent the checkout's address by e-mail.
    pub email_link: bool,
    /// Whether the payer may choose again after a refusal.
    pub retry: bool,
    /// Whether the payer gets a receipt.
    pub email_receipt: bool,
    /// The merchant's own notes.
    pub metadata: Metadata,
    /// How long it can be paid.
    pub lifetime: Lifetime,
    /// The test clock that it is to follow, if it is.
    pub test_clock: Option<TestClockId>,
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

impl LineItem {
    /// What all of `items` cost together; nothing, in `currency`, if there are none.
    ///
    /// # Errors
    /// An item of another currency, or a sum beyond 64 bits.
    pub fn sum(items: &[Self], currency: Currency) -> Result<Money, MoneyError> {
        items
            .iter()
            .try_fold(Money::zero(currency), |sum, item| sum.checked_add(item.unit_price.checked_mul(item.quantity)?))
    }
}

impl NewSession {
    /// One of which nothing more is said than what has to be.
    pub fn new(format: WireFormat, amount: Money, payee: Payee, reference: Option<Reference>) -> Self {
        Self {
            format,
            extra: None,
            amount,
            line_items: Vec::new(),
            description: None,
            payee,
            payer: None,
            customer_id: None,
            locale: None,
            reference,
            success_url: None,
            error_url: None,
            cancel_url: None,
            payment_methods: PaymentMethods::default(),
            offer_limits: OfferLimits::default(),
            virtual_iban: false,
            email_link: false,
            retry: false,
            email_receipt: false,
            metadata: Metadata::default(),
            lifetime: Lifetime::default(),
            test_clock: None,
        }
    }

    /// Who pays, if enough is known of them: the checkout asks them nothing, and begins with the choice of how to pay.
    pub fn known_payer(&self) -> Option<&Payer> {
        self.payer.as_ref().filter(|payer| !self.email_receipt || payer.email.is_some())
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

    /// The same for test mode, where a session may expire after a second, so that its expiry can be tried out.
    ///
    /// # Errors
    /// Below 1 second or above 7 days.
    pub fn from_test_seconds(seconds: i64) -> Result<Self, InvalidLifetime> {
        if (1..Self::MIN_SECONDS).contains(&seconds) {
            Ok(Self(SignedDuration::from_secs(seconds)))
        } else {
            Self::from_seconds(seconds)
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
    use super::*;

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
        for (seconds, good) in
            [(0, false), (1, true), (59, true), (60, true), (604_800, true), (604_801, false), (-1, false)]
        {
            assert_eq!(Lifetime::from_test_seconds(seconds).is_ok(), good, "{seconds}");
        }
        assert_eq!(Lifetime::default().as_duration(), SignedDuration::from_hours(24));
    }
}
