//! UK bank accounts.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::Name;

/// Why an account was refused; reads on after the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidAccount(&'static str);

/// `count` digits, with the spaces and hyphens people type between them left out.
fn digits(text: &str, count: usize) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
    (text.len() <= 3 * count && digits.len() == count && all_digits).then_some(digits)
}

macro_rules! digits_newtype {
    ($(#[$doc:meta])* $name:ident, $count:literal, $message:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The digits alone.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidAccount;
            fn try_from(text: String) -> Result<Self, InvalidAccount> {
                digits(&text, $count).map(Self).ok_or(InvalidAccount($message))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        // Account details are personal data; debug output may reach a log.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

digits_newtype!(
    /// A UK sort code: six digits. `01-02-03` and `01 02 03` are the same as `010203`.
    SortCode,
    6,
    "must be 6 digits"
);
digits_newtype!(
    /// A UK account number: eight digits.
    AccountNumber,
    8,
    "must be 8 digits"
);

impl AccountNumber {
    /// The last four digits: enough to recognise an account by, too little to pay into it.
    pub fn last_four(&self) -> &str {
        self.0.get(4..).unwrap_or_default()
    }
}

/// Which account: sort code and number together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccountIdentifier {
    /// The bank and branch.
    pub sort_code: SortCode,
    /// The account at that branch.
    pub account_number: AccountNumber,
}

/// Who is paid, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payee {
    /// As the client wrote it, else the linked account's name.
    pub name: Name,
    /// The account that receives the money.
    #[serde(flatten)]
    pub account: AccountIdentifier,
}

impl Payee {
    /// Stands where a person's account was, once it is removed.
    pub fn erased() -> Self {
        let account =
            AccountIdentifier { sort_code: SortCode("0".repeat(6)), account_number: AccountNumber("0".repeat(8)) };
        Self { name: Name::erased(), account }
    }
}

/// An account that a merchant may be paid into ("Creating a payment session", section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedAccount {
    /// The account holder.
    pub name: Name,
    /// The account.
    #[serde(flatten)]
    pub account: AccountIdentifier,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn separators_are_normalised() {
        for text in ["010203", "01-02-03", "01 02 03", " 010203 "] {
            assert_eq!(SortCode::try_from(text.to_owned()).unwrap().as_str(), "010203");
        }
        for text in ["", "01020", "0102034", "01.02.03", "０１０２０３", "01020a"] {
            assert!(SortCode::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(AccountNumber::try_from("12345678".to_owned()).is_ok());
        assert!(AccountNumber::try_from("1234567".to_owned()).is_err());
    }

    proptest! {
        #[test]
        fn any_separators_give_the_same_digits(digits in "[0-9]{6}", a in "[ -]{0,2}", b in "[ -]{0,2}") {
            let typed = format!("{}{a}{}{b}{}", &digits[..2], &digits[2..4], &digits[4..]);
            let code = SortCode::try_from(typed).unwrap();
            prop_assert_eq!(code.as_str(), digits);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            if let Ok(code) = SortCode::try_from(text) {
                prop_assert_eq!(code.as_str().len(), 6);
            }
        }
    }
}
