//! The card that a payment was made with: as much of it as a receipt shows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::account::Payee;

/// Whose scheme a card is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardBrand {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// American Express.
    Amex,
}

impl CardBrand {
    /// Every brand.
    pub const ALL: [Self; 3] = [Self::Visa, Self::Mastercard, Self::Amex];

    /// As it is stored and spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Amex => "amex",
        }
    }

    /// Its name, in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "Visa",
            Self::Mastercard => "Mastercard",
            Self::Amex => "American Express",
        }
    }
}

/// The last four digits of a card's number: what a receipt may show of it (PCI DSS 4.0, 3.4.1). Personal data, so `Debug`
/// hides them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastFour([u8; 4]);

/// Not four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not four digits")]
pub struct InvalidLastFour;

impl FromStr for LastFour {
    type Err = InvalidLastFour;
    fn from_str(text: &str) -> Result<Self, InvalidLastFour> {
        let digits: [u8; 4] = text.as_bytes().try_into().map_err(|_| InvalidLastFour)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(InvalidLastFour) }
    }
}

impl LastFour {
    /// The digits.
    pub fn as_str(&self) -> &str {
        // They are ASCII digits.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for LastFour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastFour(…)")
    }
}

impl Serialize for LastFour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for LastFour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What was read is in no error: it may be more of a number than this.
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A card, as its holder knows it again. Personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Card {
    /// Whose scheme.
    pub brand: CardBrand,
    /// The end of its number.
    pub last_four: LastFour,
}

/// What a provider says of where the money of a payment came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaidFrom {
    /// Nothing.
    Undisclosed,
    /// The account: refunds go there.
    Account(Payee),
    /// The card.
    Card(Card),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_stored_by_brand_and_last_four_digits_and_shown_in_no_debug_output() {
        for brand in CardBrand::ALL {
            assert_eq!(serde_json::to_value(brand).unwrap(), brand.as_str());
        }
        let card = Card { brand: CardBrand::Visa, last_four: "0242".parse().unwrap() };
        let stored = r#"{"brand":"visa","last_four":"0242"}"#;
        assert_eq!(serde_json::to_string(&card).unwrap(), stored);
        assert_eq!(serde_json::from_str::<Card>(stored).unwrap(), card);
        assert!(!format!("{card:?}").contains("0242"));
    }

    #[test]
    fn four_digits_and_nothing_else_are_kept() {
        for text in ["", "424", "42424", "4242424242424242", "42 4", "424a", "４２４２", "+424"] {
            assert_eq!(text.parse::<LastFour>(), Err(InvalidLastFour), "{text}");
            let error = serde_json::from_value::<LastFour>(text.into()).unwrap_err();
            assert_eq!(error.to_string(), "not four digits");
        }
    }
}
