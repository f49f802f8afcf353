//! Where a provider serves payers.

use std::str::FromStr;

use models::Currency;
use thiserror::Error;

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

/// Countries whose payers pay in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Market {
    currency: Currency,
    countries: &'static [[u8; 2]],
}

impl Market {
    /// Whether a payer from this country, if it is known, pays in this currency here.
    pub(crate) fn serves(&self, currency: Currency, country: Option<Country>) -> bool {
        self.currency == currency && country.is_none_or(|Country(letters)| self.countries.contains(&letters))
    }
}

/// Pounds in the United Kingdom.
pub(crate) const UNITED_KINGDOM: Market = Market { currency: Currency::GBP, countries: &[*b"GB"] };

/// Kronor in Sweden.
pub(crate) const SWEDEN: Market = Market { currency: Currency::SEK, countries: &[*b"SE"] };

/// Euros in the countries whose currency it is, Bulgaria since 2026 among them.
pub(crate) const EURO_AREA: Market = Market {
    currency: Currency::EUR,
    countries: &[
        *b"AT", *b"BE", *b"BG", *b"CY", *b"DE", *b"EE", *b"ES", *b"FI", *b"FR", *b"GR", *b"HR", *b"IE", *b"IT", *b"LT",
        *b"LU", *b"LV", *b"MT", *b"NL", *b"PT", *b"SI", *b"SK",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_capital_letters() {
        assert_eq!("GB".parse(), Ok(Country(*b"GB")));
        for text in ["", "G", "GBR", "gb", "Gb", "gB", "G1", "É", "G "] {
            assert_eq!(text.parse::<Country>(), Err(InvalidCountry), "{text}");
        }
    }

    #[test]
    fn a_market_serves_its_countries_in_its_currency() {
        let country = |text: &str| Some(text.parse().unwrap());
        assert!(UNITED_KINGDOM.serves(Currency::GBP, None) && UNITED_KINGDOM.serves(Currency::GBP, country("GB")));
        assert!(!UNITED_KINGDOM.serves(Currency::EUR, country("GB")) && !UNITED_KINGDOM.serves(Currency::EUR, None));
        assert!(EURO_AREA.serves(Currency::EUR, country("FR")) && EURO_AREA.serves(Currency::EUR, country("SK")));
        assert!(!EURO_AREA.serves(Currency::EUR, country("GB")) && !EURO_AREA.serves(Currency::GBP, country("FR")));
    }
}
