//! What people type into a field.

use icu_properties::CodePointSetData;
use icu_properties::props::{Dash, DefaultIgnorableCodePoint};

/// What people type or paste into a field for digits, as digits: dashes and spaces of any kind and what nobody sees are
/// left out, and full-width digits are ASCII's. Everything else stays.
pub fn typed_digits(typed: &str) -> String {
    let is_left_out = |c: char| {
        c.is_whitespace()
            || CodePointSetData::new::<Dash>().contains(c)
            || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
            // Not dashes by their property, but by their looks; a Japanese keyboard types the last two for one.
            || matches!(c, '\u{2d7}' | '\u{2043}' | '\u{30fc}' | '\u{ff70}')
    };
    let digit = |c: char| match c {
        '\u{ff10}'..='\u{ff19}' => u32::from(c).checked_sub(0xff10).and_then(|n| char::from_digit(n, 10)).unwrap_or(c),
        c => c,
    };
    typed.chars().filter(|c| !is_left_out(*c)).map(digit).collect()
}
