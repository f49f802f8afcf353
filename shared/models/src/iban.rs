//! Accounts by IBAN.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::typed::typed_digits;

/// Countries that SEPA's transfers and direct debits reach, by the letters that their IBANs begin with (EPC409-09, "List of SEPA
/// scheme countries").
const SEPA: [&str; 42] = [
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO", "RS", "SE",
    "SI", "SK", "SM", "VA",
];

/// It is no IBAN; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be an IBAN")]
pub struct InvalidIban;

/// An International Bank Account Number (ISO 13616), in its electronic form: capitals and digits, at most 34.
///
/// Made by `try_from` alone, which checks country, structure, length and check digits. What was stored is read back as it is:
/// the registry of structures changes, and must not make a payment unreadable.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Iban(String);

impl Iban {
    /// As a person types or pastes it: with any dashes and spaces, in small letters, after the word "IBAN" and a colon.
    ///
    /// # Errors
    /// It is no IBAN.
    pub fn from_typed(typed: &str) -> Result<Self, InvalidIban> {
        let typed = typed_digits(typed);
        let named = typed.get(..4).filter(|word| word.eq_ignore_ascii_case("iban")).and_then(|_| typed.get(4..));
        let number = named.map_or(typed.as_str(), |rest| rest.strip_prefix(':').unwrap_or(rest));
        number.to_owned().try_into()
    }

    /// The electronic form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country's two letters (ISO 3166-1).
    pub fn country(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    /// Whether transfers and direct debits in euro reach it.
    pub fn is_in_sepa(&self) -> bool {
        SEPA.contains(&self.country())
    }

    /// As it is printed: in groups of four (ISO 13616).
    pub fn in_groups(&self) -> String {
        let chars: Vec<char> = self.0.chars().collect();
        chars.chunks(4).map(|group| group.iter().collect()).collect::<Vec<String>>().join(" ")
    }

    /// The last four characters: enough to recognise an account by, too little to pay into it.
    pub fn last_four(&self) -> &str {
        self.0.len().checked_sub(4).and_then(|from| self.0.get(from..)).unwrap_or_default()
    }
}

impl TryFrom<String> for Iban {
    type Error = InvalidIban;

    /// Takes the spaces that people write between groups, and small letters.
    fn try_from(text: String) -> Result<Self, InvalidIban> {
        let mut electronic: String = text.chars().filter(|c| *c != ' ').collect();
        electronic.make_ascii_uppercase();
        match electronic.parse::<iban::Iban>() {
            Ok(_) => Ok(Self(electronic)),
            Err(_) => Err(InvalidIban),
        }
    }
}

// Account details are personal data; debug output may reach a log.
impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iban(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn iban(text: &str) -> Result<Iban, InvalidIban> {
        Iban::try_from(text.to_owned())
    }

    #[test]
    fn an_iban_is_read_as_people_type_and_paste_it() {
        for typed in [
            "FR1420041010050500013M02606",
            " fr14 2004 1010 0505 0001 3m02 606 ",
            "FR14-2004-1010-0505-0001-3M02-606",
            "FR14\u{a0}2004\u{202f}1010\u{2011}0505–0001 3M02 606",
            "\u{feff}FR14\t2004 1010 0505 0001 3M02 606\u{200b}",
            "FR１４２００４1010050500013M02606",
            "IBAN: FR14 2004 1010 0505 0001 3M02 606",
            "iban FR1420041010050500013M02606",
        ] {
            assert_eq!(Iban::from_typed(typed).unwrap().as_str(), "FR1420041010050500013M02606", "{typed:?}");
        }
        for typed in [
            "",
            "IBAN",
            "IBAN:",
            "IBAN: IBAN: FR1420041010050500013M02606",
            "FR1520041010050500013M02606",
            "FR142004101005050001",
            "FR14.2004.1010.0505.0001.3M02.606",
            "FR14/20041010050500013M02606",
            "éban FR1420041010050500013M02606",
            "112233 87654321",
        ] {
            assert_eq!(Iban::from_typed(typed), Err(InvalidIban), "{typed:?}");
        }
    }

    #[test]
    fn an_iban_is_printed_in_groups_of_four() {
        for (kept, printed) in [
            ("FR1420041010050500013M02606", "FR14 2004 1010 0505 0001 3M02 606"),
            ("SE4550000000058398257466", "SE45 5000 0000 0583 9825 7466"),
        ] {
            assert_eq!(iban(kept).unwrap().in_groups(), printed);
            assert_eq!(Iban::from_typed(printed), iban(kept));
        }
    }

    #[test]
    fn ibans_of_the_registry_are_known_and_others_are_not() {
        // Examples of SWIFT's IBAN registry.
        for (typed, kept) in [
            ("GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819"),
            ("FR1420041010050500013M02606", "FR1420041010050500013M02606"),
            ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
            ("SE4550000000058398257466", "SE4550000000058398257466"),
            ("MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"),
        ] {
            assert_eq!(iban(typed).unwrap().as_str(), kept);
        }
        for bad in [
            "",
            "GB29",
            "GB30NWBK60161331926819",
            "GB29NWBK6016133192681",
            "GB29NWBK601613319268190",
            "XX29NWBK60161331926819",
            "GB29-NWBK-6016-1331-9268-19",
            "ＧB29NWBK60161331926819",
        ] {
            assert!(iban(bad).is_err(), "{bad}");
        }
        let known = iban("GB29NWBK60161331926819").unwrap();
        assert_eq!((known.last_four(), format!("{known:?}")), ("6819", "Iban(…)".to_owned()));
    }

    proptest! {
        #[test]
        fn another_digit_is_another_account_or_none(at in 4..22_usize, digit in "[0-9]") {
            let mut text = "DE89370400440532013000".to_owned();
            text.replace_range(at..=at, &digit);
            prop_assert_eq!(iban(&text).is_ok(), text == "DE89370400440532013000");
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            if let Ok(iban) = iban(&text) {
                prop_assert!(iban.as_str().len() <= 34 && iban.last_four().len() == 4);
            }
        }
    }
}
