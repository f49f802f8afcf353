//! What limits the providers that a session's payer is offered.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::BankId;

/// Which of the providers of its ways to pay a session is offered: those that fit all that is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OfferLimits {
    /// This one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<BankId>,
    /// Those that serve payers in this country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Those that serve payers of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payers: Option<PayerKind>,
}

impl OfferLimits {
    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What a payer is to a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayerKind {
    /// A person.
    Retail,
    /// A company.
    Corporate,
}

/// A country by its two capital letters (ISO 3166-1, alpha-2). Whether there is such a country is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// Not two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a country's two letters")]
pub struct InvalidCountry;

impl Country {
    /// Its letters.
    pub const fn letters(self) -> [u8; 2] {
        self.0
    }
}

impl FromStr for Country {
    type Err = InvalidCountry;
    fn from_str(text: &str) -> Result<Self, InvalidCountry> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(InvalidCountry),
        }
    }
}

impl TryFrom<String> for Country {
    type Error = InvalidCountry;
    fn try_from(text: String) -> Result<Self, InvalidCountry> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0.map(char::from);
        write!(f, "{first}{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_capital_letters() {
        assert_eq!("GB".parse(), Ok(Country(*b"GB")));
        assert_eq!(Country(*b"FR").to_string(), "FR");
        for text in ["", "G", "GBR", "gb", "Gb", "gB", "G1", "É", "G "] {
            assert_eq!(text.parse::<Country>(), Err(InvalidCountry), "{text}");
        }
    }

    #[test]
    fn they_are_stored_as_they_are_named_and_what_is_not_said_not_at_all() {
        let none = OfferLimits::default();
        assert!(none.is_none());
        let all = OfferLimits {
            provider: Some("mock-bank".parse().unwrap()),
            country: Some(Country(*b"FR")),
            payers: Some(PayerKind::Corporate),
        };
        assert!(!all.is_none());
        for (limits, stored) in [(none, "{}"), (all, r#"{"provider":"mock-bank","country":"FR","payers":"corporate"}"#)]
        {
            assert_eq!(serde_json::to_string(&limits).unwrap(), stored);
            assert_eq!(serde_json::from_str::<OfferLimits>(stored).unwrap(), limits);
        }
    }
}
