//! How amounts are written.

use models::{Currency, Money};

/// How a language writes amounts (CLDR's `numbers`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    /// Stands before the decimals.
    pub(crate) decimal: char,
    /// Stands before each three digits of a number's whole part.
    pub(crate) group: char,
    /// The fewest digits of a whole part that are grouped.
    pub(crate) grouped_digits: usize,
    /// Where the currency stands.
    pub(crate) currency: CurrencyPosition,
    /// What stands for a currency; for every other its ISO 4217 code does.
    pub(crate) symbols: &'static [(Currency, &'static str)],
}

/// Where an amount's currency stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CurrencyPosition {
    /// At its first digit, but for a no-break space if it ends with a letter.
    Before,
    /// After its last digit and a no-break space.
    After,
}

const NO_BREAK_SPACE: char = '\u{a0}';

impl Numbers {
    /// The amount, exact to its last minor unit. Nothing in it wraps, but after a hyphen or a comma of its own.
    pub(crate) fn amount(&self, amount: &Money) -> String {
        let currency = amount.currency();
        let symbol = self.symbols.iter().find(|(known, _)| *known == currency).map(|(_, symbol)| *symbol);
        let symbol = symbol.unwrap_or_else(|| currency.code());
        let sign = if amount.minor() < 0 { "-" } else { "" };
        let number = self.decimal(amount.minor().unsigned_abs(), currency.exponent().unwrap_or(0));
        match self.currency {
            CurrencyPosition::Before if symbol.ends_with(char::is_alphabetic) => {
                format!("{sign}{symbol}{NO_BREAK_SPACE}{number}")
            }
            CurrencyPosition::Before => format!("{sign}{symbol}{number}"),
            CurrencyPosition::After => format!("{sign}{number}{NO_BREAK_SPACE}{symbol}"),
        }
    }

    /// A number of minor units, of which `10^exponent` are one major unit.
    fn decimal(&self, minor: u64, exponent: u16) -> String {
        let scale = 10_u64.pow(u32::from(exponent));
        let whole = (minor / scale).to_string();
        let groups = whole.len() >= self.grouped_digits;
        let mut text = String::with_capacity(32);
        for (left, digit) in (0..whole.len()).rev().zip(whole.chars()) {
            text.push(digit);
            if groups && left > 0 && left % 3 == 0 {
                text.push(self.group);
            }
        }
        if exponent > 0 {
            text.push(self.decimal);
            text.push_str(&format!("{:0width$}", minor % scale, width = usize::from(exponent)));
        }
        text
    }
}
