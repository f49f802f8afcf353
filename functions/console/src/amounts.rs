//! Amounts as people type them, in their own language.

use models::{AnyAmount, Currency, Money};
use pages::Language;

/// The currencies that a payment link may ask for, the most common first.
pub(crate) const CURRENCIES: [Currency; 3] = [Currency::GBP, Currency::EUR, Currency::SEK];

/// The amount as [`Money::from_typed`] reads it. None if it is anything else, or may be meant in two ways: `1,249` where a
/// comma stands before decimals.
pub(crate) fn read_typed(typed: &str, currency: Currency, language: Language) -> Option<Money> {
    Money::from_typed(typed, currency).ok().filter(|_| !is_unclear(typed, language))
}

/// An amount of any currency, likewise.
pub(crate) fn read_any(typed: &str, language: Language) -> Option<AnyAmount> {
    typed.parse().ok().filter(|_| !is_unclear(typed, language))
}

/// Whether it may be meant in two ways.
fn is_unclear(typed: &str, language: Language) -> bool {
    language.decimal_mark() == ',' && ends_in_three_after_a_comma(typed)
}

/// Whether its number has one comma, three digits after that, and nothing else between its digits.
fn ends_in_three_after_a_comma(typed: &str) -> bool {
    let number = typed.trim_matches(|c: char| !c.is_ascii_digit());
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    number.split_once(',').is_some_and(|(whole, rest)| rest.len() == 3 && are_digits(whole) && are_digits(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_after_a_comma_are_read_where_a_comma_is_no_decimal_mark() {
        let read = |typed, language| read_typed(typed, Currency::EUR, language).map(Money::minor);
        for language in Language::ALL {
            let groups = matches!(language, Language::English | Language::Welsh);
            for typed in ["1,249", "€1,249", " 1,249 EUR"] {
                assert_eq!(read(typed, language), groups.then_some(124_900), "{language:?} {typed}");
            }
            for (typed, minor) in [
                ("12,50", Some(1_250)),
                ("12.50", Some(1_250)),
                ("1249", Some(124_900)),
                ("1,249.00", Some(124_900)),
                ("1,249,000", Some(124_900_000)),
                ("1 249,00", Some(124_900)),
                ("1\u{202f}249", Some(124_900)),
                ("1249,000", None),
                ("12.345", None),
            ] {
                assert_eq!(read(typed, language), minor, "{language:?} {typed}");
            }
        }
    }
}
