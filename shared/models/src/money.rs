//! Amounts: whole minor units (pence, cents) with their currency, and arithmetic that refuses rather than wraps.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::number::whole_number;

/// An ISO 4217 currency.
pub use iso_currency::Currency;

/// A number of minor units (pence for GBP) of some currency. Never a float, never rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MinorUnits(i64);

impl MinorUnits {
    /// Wraps a count of minor units.
    pub const fn new(minor: i64) -> Self {
        Self(minor)
    }

    /// The count.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// An amount of one currency.
///
/// `Display` is for people: the currency's own symbol and number of decimals (`£1,234.00`, `¥400`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: MinorUnits,
    currency: Currency,
}

/// A text is no amount of its currency; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a decimal number with at most the currency's number of decimals, like 149.30")]
pub struct InvalidDecimal;

/// Why two amounts could not be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// The result does not fit in 64 bits.
    #[error("the amount is too large")]
    Overflow,
    /// Amounts of different currencies can't be added.
    #[error("{0} and {1} can't be added")]
    CurrencyMismatch(Currency, Currency),
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: MinorUnits, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`: what a sum begins with.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(MinorUnits::new(0), currency)
    }

    /// The amount that `text` writes as a decimal number of the major unit: `149.30`, or `20`. Exact: digits, and, after a
    /// point, at most as many as the currency has minor digits (ISO 4217). Without a sign, an exponent, separators or spaces.
    ///
    /// # Errors
    /// It is anything else, or beyond 64 bits.
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, InvalidDecimal> {
        let exponent = currency.exponent().map_or(0, usize::from);
        let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, decimals)| (whole, Some(decimals)));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole) || decimals.is_some_and(|decimals| !are_digits(decimals) || decimals.len() > exponent) {
            return Err(InvalidDecimal);
        }
        let digits = format!("{whole}{:0<exponent$}", decimals.unwrap_or(""));
        let minor = digits.parse().map_err(|_| InvalidDecimal)?;
        Ok(Self::new(MinorUnits::new(minor), currency))
    }

    /// The amount as a person types it: as [`Money::from_decimal`] reads it, and with the currency's code or symbol before or after
    /// it, with commas or spaces between groups of three digits, with a comma in the point's place before all of the currency's
    /// decimals, and spaces around it. Exact.
    ///
    /// # Errors
    /// It is anything else, or beyond 64 bits. What may be meant in two ways is none: `0,500`, or `1,500` of a currency with three
    /// decimals.
    pub fn from_typed(text: &str, currency: Currency) -> Result<Self, InvalidDecimal> {
        let number = without_currency(text.trim(), currency);
        let (whole, decimals) = around_point(number, currency)?;
        let is_space = |c: char| c.is_whitespace();
        let separator = whole.chars().find(|c| *c == ',' || is_space(*c));
        let mut groups = whole.split(|c| Some(c) == separator);
        let first = groups.next().unwrap_or_default();
        let groups: Vec<&str> = groups.collect();
        let are_groups = groups.iter().all(|group| group.len() == 3);
        let begins_groups = (1..=3).contains(&first.len()) && !first.starts_with('0');
        if !are_groups || (separator.is_some() && !begins_groups) {
            return Err(InvalidDecimal);
        }
        let point = if decimals.is_some() { "." } else { "" };
        Self::from_decimal(&format!("{first}{}{point}{}", groups.concat(), decimals.unwrap_or_default()), currency)
    }

    /// The amount as a decimal number of the major unit, with all of its currency's decimals: `149.30`, or `400` of a currency
    /// without any. [`Money::from_decimal`] reads it back, unless it is negative.
    pub fn to_decimal(self) -> String {
        let sign = if self.minor() < 0 { "-" } else { "" };
        let minor = self.minor().unsigned_abs();
        match self.currency.exponent().unwrap_or(0) {
            0 => format!("{sign}{minor}"),
            exponent => {
                let scale = 10_u64.pow(u32::from(exponent));
                format!("{sign}{}.{:0width$}", minor / scale, minor % scale, width = usize::from(exponent))
            }
        }
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor.get()
    }

    /// The number of its minor units.
    pub const fn minor_units(self) -> MinorUnits {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// `self + other`.
    ///
    /// # Errors
    /// Different currencies, or a sum beyond 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let minor = self.minor().checked_add(other.minor()).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(MinorUnits::new(minor), self.currency))
    }

    /// `self × quantity`.
    ///
    /// # Errors
    /// A product beyond 64 bits.
    pub fn checked_mul(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor().checked_mul(i64::from(quantity)).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(MinorUnits::new(minor), self.currency))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor() < 0 { "-" } else { "" };
        let minor = self.minor().unsigned_abs();
        let symbol = self.currency.symbol();
        match self.currency.exponent().unwrap_or(0) {
            0 => write!(f, "{sign}{symbol}{}", grouped(minor)),
            exponent => {
                let scale = 10_u64.pow(u32::from(exponent));
                let width = usize::from(exponent);
                write!(f, "{sign}{symbol}{}.{:0width$}", grouped(minor / scale), minor % scale)
            }
        }
    }
}

/// A number without the code or symbol of this currency that stands before or after it.
fn without_currency(text: &str, currency: Currency) -> &str {
    let symbol = currency.symbol().to_string();
    for name in [currency.code(), symbol.as_str()] {
        let begins = text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        if begins && let Some(rest) = text.get(name.len()..) {
            return rest.trim_start();
        }
        let end = text.len().saturating_sub(name.len());
        if text.get(end..).is_some_and(|rest| rest.eq_ignore_ascii_case(name)) {
            return text.get(..end).unwrap_or_default().trim_end();
        }
    }
    text
}

/// What of a number stands before its point, and what after it; or after the comma that stands in the point's place.
fn around_point(number: &str, currency: Currency) -> Result<(&str, Option<&str>), InvalidDecimal> {
    if let Some((whole, decimals)) = number.split_once('.') {
        return Ok((whole, Some(decimals)));
    }
    let exponent = currency.exponent().map_or(0, usize::from);
    match number.split_once(',') {
        // These may be all of its decimals, or a group.
        Some((_, rest)) if rest.len() == 3 && exponent == 3 => Err(InvalidDecimal),
        Some((whole, rest)) if rest.len() == exponent => Ok((whole, Some(rest))),
        Some(_) | None => Ok((number, None)),
    }
}

/// An amount as a person types it, of any of the currencies that payments are made in. Payments are found by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyAmount(String);

impl AnyAmount {
    /// Whether this amount was meant, read in its own currency.
    pub fn is(&self, money: Money) -> bool {
        Money::from_typed(&self.0, money.currency()) == Ok(money)
    }
}

impl FromStr for AnyAmount {
    type Err = InvalidDecimal;

    /// What [`Money::from_typed`] reads as an amount of one of them.
    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        let is_read = |currency| Money::from_typed(text, currency).is_ok();
        let currencies = [Currency::GBP, Currency::EUR, Currency::SEK, Currency::USD];
        if currencies.into_iter().any(is_read) { Ok(Self(text.to_owned())) } else { Err(InvalidDecimal) }
    }
}

/// The most that a payment may be, by currency. In a currency that none is named for, nothing can be paid.
///
/// `FromStr` reads `GBP:100000000,EUR:50000000`, in minor units; a number alone is for pounds, the one currency that there
/// was at first. Pounds must be among them, as linked accounts have no other currency yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountCaps(Vec<Money>);

/// The text says no caps; reads on after a setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "must be caps by currency, in minor units, each currency once and GBP among them, like GBP:100000000,EUR:50000000"
)]
pub struct InvalidAmountCaps;

impl AmountCaps {
    /// The cap of this currency, if one is named.
    pub fn of(&self, currency: Currency) -> Option<Money> {
        self.0.iter().find(|cap| cap.currency() == currency).copied()
    }
}

impl FromStr for AmountCaps {
    type Err = InvalidAmountCaps;
    fn from_str(text: &str) -> Result<Self, InvalidAmountCaps> {
        let mut caps = Self(Vec::new());
        for cap in text.split(',') {
            let (code, minor) = cap.split_once(':').unwrap_or(("GBP", cap));
            let currency = Currency::from_code(code).ok_or(InvalidAmountCaps)?;
            let minor = whole_number(minor).filter(|minor| *minor >= 1).ok_or(InvalidAmountCaps)?;
            if caps.of(currency).is_some() {
                return Err(InvalidAmountCaps);
            }
            caps.0.push(Money::new(MinorUnits::new(minor), currency));
        }
        if caps.of(Currency::GBP).is_none() {
            return Err(InvalidAmountCaps);
        }
        Ok(caps)
    }
}

/// With a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (left, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        grouped.push(digit);
        if left > 0 && left % 3 == 0 {
            grouped.push(',');
        }
    }
    grouped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gbp(minor: i64) -> Money {
        Money::new(MinorUnits::new(minor), Currency::GBP)
    }

    #[test]
    fn shows_the_currencys_symbol_and_decimals() {
        let show = |minor, currency| Money::new(MinorUnits::new(minor), currency).to_string();
        assert_eq!(show(400, Currency::GBP), "£4.00");
        assert_eq!(show(5, Currency::GBP), "£0.05");
        assert_eq!(show(-1234, Currency::EUR), "-€12.34");
        assert_eq!(show(99_999, Currency::GBP), "£999.99");
        assert_eq!(show(100_000_000, Currency::GBP), "£1,000,000.00");
        assert_eq!(show(400, Currency::JPY), "¥400");
        assert_eq!(show(1234, Currency::KWD), format!("{}1.234", Currency::KWD.symbol()));
    }

    #[test]
    fn a_decimal_is_read_exactly_or_not_at_all() {
        let read = |text, currency| Money::from_decimal(text, currency).ok().map(Money::minor);
        for (text, currency, minor) in [
            ("149.30", Currency::EUR, 14_930),
            ("149.3", Currency::EUR, 14_930),
            ("20", Currency::EUR, 2_000),
            ("0.01", Currency::GBP, 1),
            ("000.10", Currency::GBP, 10),
            ("400", Currency::JPY, 400),
            ("1.234", Currency::KWD, 1_234),
            ("92233720368547758.07", Currency::GBP, i64::MAX),
        ] {
            assert_eq!(read(text, currency), Some(minor), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1.234",
            "-1",
            "+1",
            "1e2",
            "1,000.00",
            "1.2.3",
            " 1",
            "1 ",
            "0x1",
            "٣",
            "NaN",
            "inf",
            "92233720368547758.08",
        ] {
            assert_eq!(read(text, Currency::GBP), None, "{text}");
        }
        assert_eq!(read("400.0", Currency::JPY), None);
    }

    #[test]
    fn an_amount_is_read_as_people_type_it() {
        let read = |text, currency| Money::from_typed(text, currency).ok().map(Money::minor);
        for (text, currency, minor) in [
            ("10", Currency::GBP, 1_000),
            (" 10.00 ", Currency::GBP, 1_000),
            ("£10.00", Currency::GBP, 1_000),
            ("£ 10", Currency::GBP, 1_000),
            ("10 gbp", Currency::GBP, 1_000),
            ("GBP10.5", Currency::GBP, 1_050),
            ("1,000.00", Currency::GBP, 100_000),
            ("1,234,567.89", Currency::GBP, 123_456_789),
            ("1 000", Currency::EUR, 100_000),
            ("1\u{a0}000.50\u{a0}€", Currency::EUR, 100_050),
            ("¥1,000", Currency::JPY, 1_000),
            ("1.234", Currency::KWD, 1_234),
            ("10,00", Currency::GBP, 1_000),
            (" £1,50 ", Currency::GBP, 150),
            ("0,05", Currency::EUR, 5),
            ("1234,56", Currency::EUR, 123_456),
            ("1\u{202f}234,56\u{a0}€", Currency::EUR, 123_456),
            // Groups stay groups.
            ("1,000", Currency::GBP, 100_000),
            ("1,000.50", Currency::GBP, 100_050),
            ("1,234,567", Currency::KWD, 1_234_567_000),
            ("1,234.500", Currency::KWD, 1_234_500),
        ] {
            assert_eq!(read(text, currency), Some(minor), "{text}");
        }
        for text in [
            "",
            "£",
            "10,5",
            "0,500",
            "0 500",
            "01,000",
            "000,000.00",
            ",50",
            "1,",
            ",",
            "1,50,00",
            "1,00,50",
            "1,0.5",
            "1,5 0",
            "-1,50",
            "1.000,00",
            "1,0000",
            "1000,000",
            ",100",
            "1,000 000",
            "1 2",
            "-10",
            "€10",
            "10.005",
            "10.0 0",
            "££10",
            "10.",
            "1e3",
            "ten",
        ] {
            assert_eq!(read(text, Currency::GBP), None, "{text}");
        }
        for text in ["0,500", "1,500", "1,500 KWD", "1 234,500", "1,50", "0,500.000"] {
            assert_eq!(read(text, Currency::KWD), None, "{text}");
        }
        for text in ["400,", "0,500"] {
            assert_eq!(read(text, Currency::JPY), None, "{text}");
        }
    }

    #[test]
    fn an_amount_of_any_currency_is_so_much_of_each_that_it_may_be_of() {
        let is = |text: &str, minor, currency| {
            let amount: AnyAmount = text.parse().unwrap();
            amount.is(Money::new(MinorUnits::new(minor), currency))
        };
        for currency in [Currency::GBP, Currency::EUR, Currency::SEK, Currency::USD] {
            assert!(is("51.94", 5194, currency) && is("51,94", 5194, currency) && is("50", 5000, currency));
            assert!(!is("51.94", 5195, currency));
            assert!(is(&format!("{} 1,234.50", currency.code()), 123_450, currency));
        }
        assert!(is("€4", 400, Currency::EUR) && !is("€4", 400, Currency::GBP));
        assert!(is("4", 4, Currency::JPY) && !is("4.00", 4, Currency::JPY));
        for text in ["", "ten", "12,3", "12.345", "-1", "1e3", "GBP", "£1 EUR"] {
            assert_eq!(text.parse::<AnyAmount>(), Err(InvalidDecimal), "{text}");
        }
    }

    #[test]
    fn a_decimal_has_all_of_the_currencys_decimals() {
        let write = |minor, currency| Money::new(MinorUnits::new(minor), currency).to_decimal();
        assert_eq!(write(14_930, Currency::EUR), "149.30");
        assert_eq!(write(123_456_789, Currency::GBP), "1234567.89");
        assert_eq!(write(5, Currency::GBP), "0.05");
        assert_eq!(write(-5, Currency::GBP), "-0.05");
        assert_eq!(write(400, Currency::JPY), "400");
        assert_eq!(write(1_234, Currency::KWD), "1.234");
    }

    #[test]
    fn caps_are_by_currency() {
        let caps: AmountCaps = "GBP:100000000,EUR:400".parse().unwrap();
        let cap = |currency| caps.of(currency).map(|cap| cap.minor());
        assert_eq!([Currency::GBP, Currency::EUR, Currency::SEK].map(cap), [Some(100_000_000), Some(400), None]);
        assert_eq!("400".parse(), Ok(AmountCaps(vec![gbp(400)])));
        for text in [
            "",
            "GBP",
            "GBP:",
            ":1",
            "GBP:0",
            "GBP:-1",
            "gbp:1",
            "XYZW:1",
            "GBP:1,",
            "GBP:1,GBP:2",
            "GBP:1 ,EUR:1",
            "EUR:1",
        ] {
            assert_eq!(text.parse::<AmountCaps>(), Err(InvalidAmountCaps), "{text}");
        }
    }

    #[test]
    fn refuses_to_add_currencies() {
        let euro = Money::new(MinorUnits::new(1), Currency::EUR);
        assert_eq!(gbp(1).checked_add(euro), Err(MoneyError::CurrencyMismatch(Currency::GBP, Currency::EUR)));
    }

    proptest! {
        #[test]
        fn arithmetic_is_exact_or_refused(a: i64, b: i64, quantity: u32) {
            let sum = i128::from(a) + i128::from(b);
            prop_assert_eq!(gbp(a).checked_add(gbp(b)).ok().map(|m| i128::from(m.minor())), i64::try_from(sum).ok().map(i128::from));
            let product = i128::from(a) * i128::from(quantity);
            prop_assert_eq!(gbp(a).checked_mul(quantity).ok().map(|m| i128::from(m.minor())), i64::try_from(product).ok().map(i128::from));
        }

        #[test]
        fn a_decimal_is_its_integer(minor in 0..=i64::MAX, zeros in 0..3_usize, cut: bool) {
            for (currency, exponent) in [(Currency::JPY, 0), (Currency::GBP, 2), (Currency::KWD, 3)] {
                let scale = 10_i64.pow(exponent);
                let width = exponent as usize;
                let decimals = if width == 0 { String::new() } else { format!(".{:0width$}", minor % scale) };
                let mut text = format!("{}{}{decimals}", "0".repeat(zeros), minor / scale);
                if cut && width > 0 {
                    text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
                }
                let expected = Money::new(MinorUnits::new(minor), currency);
                // What is left of nothing is no number.
                prop_assert_eq!(Money::from_decimal(&text, currency).ok(), (!text.is_empty()).then_some(expected));
                prop_assert_eq!(Money::from_decimal(&expected.to_decimal(), currency), Ok(expected));
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>(), digits in "[0-9]{0,30}[.,eE+-]?[0-9]{0,5}") {
            for text in [text, digits] {
                if let Ok(read) = Money::from_decimal(&text, Currency::GBP) {
                    prop_assert!(read.minor() >= 0);
                }
                let _ = text.parse::<AmountCaps>();
            }
        }

        #[test]
        fn what_is_shown_can_be_typed(minor in 0..=i64::MAX) {
            for currency in [Currency::GBP, Currency::EUR, Currency::JPY, Currency::KWD] {
                let amount = Money::new(MinorUnits::new(minor), currency);
                let decimal = amount.to_decimal();
                for text in [amount.to_string(), decimal.clone(), format!(" {decimal} {} ", currency.code())] {
                    prop_assert_eq!(Money::from_typed(&text, currency), Ok(amount), "{}", text);
                }
            }
        }

        #[test]
        fn what_is_typed_is_what_its_digits_say(text in any::<String>(), like in "[£ ]{0,2}[0-9]{0,4}([, ]?[0-9]{2,4}){0,3}[.,]?[0-9]{0,3}") {
            for text in [text, like] {
                if let Ok(read) = Money::from_typed(&text, Currency::GBP) {
                    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
                    let after = |mark| text.split_once(mark).map(|(_, rest)| digits(rest));
                    let decimals = after('.').or_else(|| after(',').filter(|rest| rest.len() == 2)).unwrap_or_default();
                    let padded = format!("{}{}", digits(&text), "0".repeat(2 - decimals.len()));
                    prop_assert_eq!(padded.parse::<i64>().ok(), Some(read.minor()));
                }
            }
        }

        #[test]
        fn a_comma_is_read_as_the_point_or_not_at_all(minor in 0..=i64::MAX, grouped_by_spaces: bool) {
            for (currency, is_read) in [(Currency::GBP, true), (Currency::EUR, true), (Currency::KWD, false)] {
                let amount = Money::new(MinorUnits::new(minor), currency);
                let decimal = amount.to_decimal();
                let (whole, decimals) = decimal.split_once('.').unwrap();
                let whole = match grouped_by_spaces {
                    true => grouped(whole.parse().unwrap()).replace(',', " "),
                    false => whole.to_owned(),
                };
                let text = format!("{whole},{decimals}");
                prop_assert_eq!(Money::from_typed(&text, currency).ok(), is_read.then_some(amount), "{}", text);
            }
        }

        #[test]
        fn what_is_shown_reads_back_to_the_same_amount(minor: i64) {
            let shown = gbp(minor).to_string();
            let digits: String = shown.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
            prop_assert_eq!(digits.parse::<i128>().ok(), Some(i128::from(minor)));
        }
    }
}
