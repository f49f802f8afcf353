//! Where a provider serves payers.

use models::{Country, Currency};

/// The countries whose own currency this is, of those that any provider serves by country.
pub fn countries(currency: Currency) -> impl Iterator<Item = Country> {
    let of_it = [UNITED_KINGDOM, EURO_AREA, SWEDEN].into_iter().filter(move |market| market.currency == currency);
    of_it.flat_map(|market| market.countries).filter_map(|letters| std::str::from_utf8(letters).ok()?.parse().ok())
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
        self.currency == currency && country.is_none_or(|country| self.countries.contains(&country.letters()))
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
    fn each_currency_has_its_countries() {
        let of = |currency| countries(currency).map(|country| country.to_string()).collect::<Vec<_>>();
        assert_eq!([of(Currency::GBP), of(Currency::SEK), of(Currency::USD)], [vec!["GB"], vec!["SE"], vec![]]);
        let of_euro = of(Currency::EUR);
        assert!(of_euro.len() == 21 && of_euro.contains(&"FR".to_owned()), "{of_euro:?}");
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
