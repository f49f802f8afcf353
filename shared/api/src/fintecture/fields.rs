//! What several requests have: how their fields are read, and the codes of what is wrong with them.

use std::fmt::Display;

use models::{Currency, MinorUnits, Money, Name};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::given::{Given, Object};
use crate::violations::{A_STRING, AN_OBJECT, Violations};

/// The code of what has to be given and is not. What is given and breaks a rule has the format's general code.
pub(super) const MISSING: &str = "mandatory_field_missing";

pub(super) const AN_AMOUNT: &str =
    "must be more than 0, with at most two decimals after a point, like 149.30: a string or a number";

/// The longest text of an amount. The largest number of 64 bits has 20 characters.
const MAX_AMOUNT_LENGTH: usize = 32;

/// A JSON string, or a number as its text: house numbers, postcodes and references are sent as either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        exact_text_of(raw).map(Self).ok_or_else(|| serde::de::Error::custom("neither a string nor a number"))
    }
}

/// The most digits of a number: every reader distinguishes all of these (RFC 8259, 6), and so does the comparison of a repeated
/// request.
const MAX_DIGITS: usize = 15;

/// The text of a JSON string, or of a number as it is written.
pub(super) fn text_of(raw: &RawValue) -> Option<String> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok(),
        b'-' | b'0'..=b'9' => Some(raw.get().to_owned()),
        _ => None,
    }
}

/// The same, but for a number that has more than [`MAX_DIGITS`].
pub(super) fn exact_text_of(raw: &RawValue) -> Option<String> {
    let is_string = raw.get().starts_with('"');
    let is_exact = is_string || raw.get().bytes().filter(u8::is_ascii_digit).count() <= MAX_DIGITS;
    text_of(raw).filter(|_| is_exact)
}

/// A field that must be there.
pub(super) fn required<T, U, E: Display>(
    wrong: &mut Violations,
    given: Given<T>,
    parameter: &str,
    wrong_type: &str,
    check: impl FnOnce(T) -> Result<U, E>,
) -> Option<U> {
    if matches!(given, Given::Nothing) {
        wrong.add(MISSING, parameter, "must be given");
    }
    wrong.optional(given, None, parameter, wrong_type, check)
}

/// A text that may be left out. An empty one counts as left out: shops send those for what their customer did not fill in.
pub(super) fn text<U, E: Display>(
    wrong: &mut Violations,
    given: Given<Text>,
    parameter: &str,
    check: impl FnOnce(String) -> Result<U, E>,
) -> Option<U> {
    wrong.optional(filled(given), None, parameter, A_STRING, check)
}

/// A text that must be there.
pub(super) fn required_text<U, E: Display>(
    wrong: &mut Violations,
    given: Given<Text>,
    parameter: &str,
    check: impl FnOnce(String) -> Result<U, E>,
) -> Option<U> {
    required(wrong, filled(given), parameter, A_STRING, check)
}

/// The text, unless it is empty.
pub(super) fn filled(given: Given<Text>) -> Given<String> {
    match given {
        Given::Nothing => Given::Nothing,
        Given::Wrong => Given::Wrong,
        Given::Value(Text(text)) if text.is_empty() => Given::Nothing,
        Given::Value(Text(text)) => Given::Value(text),
    }
}

/// An object; where it is left out, so are all of its fields.
pub(super) fn object<T: Default>(wrong: &mut Violations, given: Given<Object<T>>, parameter: &str) -> Option<T> {
    match given {
        Given::Nothing => Some(T::default()),
        Given::Value(Object(object)) => Some(object),
        Given::Wrong => {
            wrong.add(None, parameter, AN_OBJECT);
            None
        }
    }
}

/// Checks a text of at most `max` characters, by the rules of a [`Name`] else.
pub(super) fn at_most(max: usize) -> impl Fn(String) -> Result<String, String> {
    move |text| {
        let rule =
            || format!("must be 1 to {max} characters, at least one of them visible, without control characters");
        if text.chars().count() > max {
            Err(rule())
        } else {
            Name::try_from(text).map(String::from).map_err(|_| rule())
        }
    }
}

/// Checks two letters, of a country or a language.
pub(super) fn two_letters(text: String) -> Result<String, &'static str> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(text)
    } else {
        Err("must be two letters")
    }
}

/// What is to be paid or refunded. All currencies of the format have two decimals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    /// As it was sent.
    pub(super) text: String,
    pub(super) minor: MinorUnits,
}

/// Reads an amount of more than nothing, exactly as it is written.
///
/// # Errors
/// It is anything else; reads on after the field's name.
pub(super) fn amount(raw: &RawValue) -> Result<Amount, &'static str> {
    let text = text_of(raw).filter(|text| text.len() <= MAX_AMOUNT_LENGTH).ok_or(AN_AMOUNT)?;
    let money = Money::from_decimal(&text, Currency::EUR).map_err(|_| AN_AMOUNT)?;
    if money.minor() > 0 { Ok(Amount { text, minor: money.minor_units() }) } else { Err(AN_AMOUNT) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Option<i64> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        amount(&raw).ok().map(|amount| amount.minor.get())
    }

    #[test]
    fn an_amount_is_read_from_its_text() {
        for (text, minor) in [
            ("149.3", Some(14_930)),
            ("149.30", Some(14_930)),
            ("20", Some(2_000)),
            ("0.01", Some(1)),
            ("1.1", Some(110)),
            ("9007199254740993.07", Some(900_719_925_474_099_307)),
            ("92233720368547758.07", Some(i64::MAX)),
            ("92233720368547758.08", None),
            ("0", None),
            ("0.00", None),
            ("0.001", None),
            ("1.000", None),
            ("-1", None),
            ("1e2", None),
            ("1E2", None),
            ("1.0e1", None),
        ] {
            assert_eq!((read(text), read(&format!("\"{text}\""))), (minor, minor), "{text}");
        }
        for json in [
            "\"149,30\"",
            "\"1.\"",
            "\".5\"",
            "\" 1\"",
            "\"+1\"",
            "\"\"",
            "\"1 000\"",
            "\"0x1\"",
            "\"٣\"",
            "true",
            "[1]",
            "{}",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
        assert_eq!(read(&format!("\"{}1\"", "0".repeat(31))), Some(100));
        assert_eq!(read(&format!("\"{}1\"", "0".repeat(32))), None);
    }

    proptest! {
        #[test]
        fn an_amount_is_its_minor_units_as_string_and_as_number(minor in 1..=i64::MAX) {
            let text = format!("{}.{:02}", minor / 100, minor % 100);
            prop_assert_eq!((read(&text), read(&format!("\"{text}\""))), (Some(minor), Some(minor)));
            let short = text.trim_end_matches('0').trim_end_matches('.');
            prop_assert_eq!((read(short), read(&format!("\"{short}\""))), (Some(minor), Some(minor)));
            let raw: Box<RawValue> = serde_json::from_str(short).unwrap();
            prop_assert_eq!(amount(&raw).unwrap().text, short);
        }

        #[test]
        fn whatever_is_read_is_more_than_nothing(text in "\\PC{0,24}|[0-9.,eE+-]{0,24}") {
            let json = serde_json::to_string(&text).unwrap();
            if let Some(minor) = read(&json) {
                prop_assert!(minor > 0 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
            }
        }

        #[test]
        fn a_limit_is_of_characters(max in 1..64_usize, over: bool) {
            let text = "é".repeat(max + usize::from(over));
            prop_assert_eq!(at_most(max)(text).is_ok(), !over);
        }
    }

    #[test]
    fn texts_may_be_numbers_and_empty_ones_are_left_out() {
        let read = |json: &str| filled(serde_json::from_str(json).unwrap());
        assert_eq!(read("\"12 bis\""), Given::Value("12 bis".to_owned()));
        assert_eq!(
            (read("75001"), read("-1.50")),
            (Given::Value("75001".to_owned()), Given::Value("-1.50".to_owned()))
        );
        assert_eq!((read("\"\""), read("null")), (Given::Nothing, Given::Nothing));
        // A repeated request could not be distinguished from another by these.
        let digits = |count: usize| "9".repeat(count);
        assert_eq!(read(&digits(15)), Given::Value(digits(15)));
        assert_eq!((read(&digits(16)), read(&format!("0.{}", digits(15)))), (Given::Wrong, Given::Wrong));
        assert_eq!(read(&format!("\"{}\"", digits(16))), Given::Value(digits(16)));
        assert_eq!((read("true"), read("[]"), read("{}")), (Given::Wrong, Given::Wrong, Given::Wrong));
        for bad in ["", " ", "a\nb", "\u{200b}", "\u{fffe}"] {
            assert!(at_most(140)(bad.to_owned()).is_err(), "{bad:?}");
        }
        for (letters, good) in
            [("FR", true), ("fr", true), ("", false), ("F", false), ("FRA", false), ("é", false), ("F1", false)]
        {
            assert_eq!(two_letters(letters.to_owned()).is_ok(), good, "{letters}");
        }
    }
}
