//! Amounts: whole minor units (pence, cents) with their currency, and arithmetic that refuses rather than wraps.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

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

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor.get()
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
        fn what_is_shown_reads_back_to_the_same_amount(minor: i64) {
            let shown = gbp(minor).to_string();
            let digits: String = shown.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
            prop_assert_eq!(digits.parse::<i128>().ok(), Some(i128::from(minor)));
        }
    }
}
