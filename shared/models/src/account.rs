//! Bank accounts, and who pays and is paid.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::iban::Iban;
use crate::money::Currency;
use crate::text::{EmailAddress, Name, PhoneNumber};
use crate::typed::typed_digits;

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

impl SortCode {
    /// As a person types it, with any dashes, spaces or full-width digits.
    ///
    /// # Errors
    /// Not six digits.
    pub fn from_typed(typed: &str) -> Result<Self, InvalidAccount> {
        typed_digits(typed).try_into()
    }
}

impl AccountNumber {
    /// As a person types it, with any dashes, spaces or full-width digits. Some banks print six or seven digits, which
    /// payments begin with zeros; a caller of this shows the eight to be confirmed.
    ///
    /// # Errors
    /// Not six to eight digits.
    pub fn from_typed(typed: &str) -> Result<Self, InvalidAccount> {
        let digits = typed_digits(typed);
        if digits.len() < 6 { digits.try_into() } else { format!("{digits:0>8}").try_into() }
    }

    /// The last four digits: enough to recognise an account by, too little to pay into it.
    pub fn last_four(&self) -> &str {
        self.0.get(4..).unwrap_or_default()
    }
}

/// Which account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AccountIdentifier {
    /// One in the United Kingdom: sort code and number together.
    UkAccount {
        /// The bank and branch.
        sort_code: SortCode,
        /// The account at that branch.
        account_number: AccountNumber,
    },
    /// Any other.
    Iban {
        /// Its number.
        iban: Iban,
    },
}

impl AccountIdentifier {
    /// An account in the United Kingdom, as clients write it.
    ///
    /// # Errors
    /// What is wrong with the sort code or the number.
    pub fn uk(sort_code: &str, account_number: &str) -> Result<Self, InvalidAccount> {
        let sort_code = sort_code.to_owned().try_into()?;
        Ok(Self::UkAccount { sort_code, account_number: account_number.to_owned().try_into()? })
    }

    /// Whether money of this currency can be paid into it, by the rails of that currency: Faster Payments takes British accounts,
    /// SEPA those of its countries, and Swedish transfers Swedish accounts. For others there is none yet.
    pub fn receives(&self, currency: Currency) -> bool {
        match (self, currency) {
            (Self::UkAccount { .. }, currency) => currency == Currency::GBP,
            (Self::Iban { iban }, Currency::EUR) => iban.is_in_sepa(),
            (Self::Iban { iban }, Currency::GBP) => iban.country() == "GB",
            (Self::Iban { iban }, Currency::SEK) => iban.country() == "SE",
            (Self::Iban { .. }, _) => false,
        }
    }

    /// The last four digits: enough to recognise an account by, too little to pay into it.
    pub fn last_four(&self) -> &str {
        match self {
            Self::UkAccount { account_number, .. } => account_number.last_four(),
            Self::Iban { iban } => iban.last_four(),
        }
    }
}

/// By what a person names an account of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// A sort code and an account number.
    UkAccount,
    /// An IBAN.
    Iban,
}

impl AccountKind {
    /// What a payer is asked for, to be sent back money of this currency from a merchant's bank; none of a currency that is paid by
    /// bank nowhere ([`PaymentMethod::can_have`](crate::PaymentMethod::can_have)): it goes back through the provider that brought it.
    pub fn of_refund(currency: Currency) -> Option<Self> {
        const BY_BANK: [(Currency, AccountKind); 2] =
            [(Currency::GBP, AccountKind::UkAccount), (Currency::EUR, AccountKind::Iban)];
        BY_BANK.into_iter().find(|(paid, _)| *paid == currency).map(|(_, kind)| kind)
    }
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
        let (sort_code, account_number) = (SortCode("0".repeat(6)), AccountNumber("0".repeat(8)));
        let account = AccountIdentifier::UkAccount { sort_code, account_number };
        Self { name: Name::erased(), account }
    }
}

/// How long it takes until an account that was linked in the console can be paid live.
const TO_BE_SEEN: SignedDuration = SignedDuration::from_hours(24);

/// An account that a merchant may be paid into ("Creating a payment session", section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedAccount {
    /// The account holder.
    pub name: Name,
    /// The account.
    #[serde(flatten)]
    pub account: AccountIdentifier,
    /// Whether it comes before the merchant's others of the same currency, where a payment names none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// When somebody linked it in the console; none if an operator did.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub linked_at: Option<Timestamp>,
}

impl LinkedAccount {
    /// From when on live payments can be paid into it; none if they always could. Its merchant's owners have that long to see the mail
    /// that says so.
    pub fn live_from(&self) -> Option<Timestamp> {
        self.linked_at.map(|at| at.checked_add(TO_BE_SEEN).unwrap_or(Timestamp::MAX))
    }
}

/// Who pays. Personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// The payer's name.
    pub name: Name,
    /// Where a receipt goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Where the payer can be called, as the merchant gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
}

impl Payer {
    /// Whether they can be reached: by an e-mail address, or by a telephone number that says its country. TrueLayer begins no
    /// payment of anybody else (`user` in <https://docs.truelayer.com/reference/create-payment>).
    pub fn can_be_reached(&self) -> bool {
        self.email.is_some() || self.phone.as_ref().is_some_and(|phone| phone.international().is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_payer_is_reached_by_an_address_or_by_a_number_that_can_be_dialled_from_anywhere() {
        let payer = |phone: &str| Payer {
            name: "Ada".to_owned().try_into().unwrap(),
            email: None,
            phone: Some(phone.to_owned().try_into().unwrap()),
        };
        for (phone, expected) in [
            ("+44 20 7946 0999", Some("+442079460999")),
            ("+44 (0)20 7946 0999", Some("+442079460999")),
            ("+353 1 234 5678", Some("+35312345678")),
            ("020 7946 0999", None),
            ("+020 7946 0999", None),
            ("+44 1", None),
        ] {
            let payer = payer(phone);
            assert_eq!(payer.phone.as_ref().unwrap().international().as_deref(), expected, "{phone}");
            assert_eq!(payer.can_be_reached(), expected.is_some());
        }
        assert!(
            Payer { phone: None, email: Some("ada@example.com".to_owned().try_into().unwrap()), ..payer("+44 1") }
                .can_be_reached()
        );
    }

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

    #[test]
    fn what_people_type_is_read_as_they_mean_it() {
        let sort_code = |typed: &str| SortCode::from_typed(typed).ok().map(String::from);
        for typed in [
            "01-02-03",
            "01 02 03",
            "01\u{2011}02\u{2011}03",
            "01–02–03",
            "01—02—03",
            "01−02−03",
            "01\u{ad}02\u{ad}03",
            "01\u{a0}02\u{a0}03",
            "01\u{2009}02\u{202f}03",
            "\u{202a}01-02-03\u{202c}",
            "\u{feff}01\u{200b}02\u{2060}03\t",
            "01 - 02 - 03",
            "０１０２０３",
            "０１－０２ー０３",
            "０１　０２　03",
        ] {
            assert_eq!(sort_code(typed).as_deref(), Some("010203"), "{typed:?}");
        }
        for typed in ["", "-", "01020", "0102034", "01.02.03", "01/02/03", "01020a", "٠١٠٢٠٣", "01_02_03", "+10203"]
        {
            assert_eq!(sort_code(typed), None, "{typed:?}");
        }
        let account_number = |typed: &str| AccountNumber::from_typed(typed).ok().map(String::from);
        for (typed, number) in [
            ("12345678", "12345678"),
            ("1234 5678", "12345678"),
            ("1234567", "01234567"),
            ("123456", "00123456"),
            ("０００１２３", "00000123"),
            ("123–456", "00123456"),
        ] {
            assert_eq!(account_number(typed).as_deref(), Some(number), "{typed:?}");
        }
        for typed in ["", "0", "12345", "123456789", "1234567a", "123456é", "1234567\u{301}", "a12345"] {
            assert_eq!(account_number(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn an_account_receives_what_the_rails_of_a_currency_bring_there() {
        let iban = |text: &str| AccountIdentifier::Iban { iban: Iban::try_from(text.to_owned()).unwrap() };
        let currencies = [Currency::GBP, Currency::EUR, Currency::SEK, Currency::USD];
        for (account, received) in [
            (AccountIdentifier::uk("010203", "12345678").unwrap(), [true, false, false, false]),
            (iban("GB29NWBK60161331926819"), [true, true, false, false]),
            (iban("FR1420041010050500013M02606"), [false, true, false, false]),
            (iban("SE4550000000058398257466"), [false, true, true, false]),
            (iban("BR1800360305000010009795493C1"), [false; 4]),
        ] {
            assert_eq!(currencies.map(|currency| account.receives(currency)), received, "{}", account.last_four());
        }
    }

    #[test]
    fn an_account_is_asked_for_where_a_merchants_bank_can_pay_it() {
        for currency in (0..1000).filter_map(Currency::from_numeric) {
            let can_be_paid = crate::PaymentMethods::default().as_slice().iter().any(|way| way.can_have(currency));
            assert_eq!(AccountKind::of_refund(currency).is_some(), can_be_paid, "{currency}");
        }
    }

    #[test]
    fn an_account_of_either_kind_is_kept_beside_its_name() {
        let uk = r#"{"name":"Gerald Wiley","sort_code":"010203","account_number":"12345678"}"#;
        let iban = r#"{"name":"Gerald Wiley","iban":"DE89370400440532013000"}"#;
        for (kept, last_four) in [(uk, "5678"), (iban, "3000")] {
            let payee: Payee = serde_json::from_str(kept).unwrap();
            assert_eq!(payee.account.last_four(), last_four);
            assert_eq!(serde_json::to_string(&payee).unwrap(), kept);
        }
        let later = uk.replace('}', r#","from_the_future":{"a":1}}"#);
        assert!(serde_json::from_str::<Payee>(&later).is_ok());
        for neither in [r#"{"name":"Gerald Wiley"}"#, r#"{"name":"Gerald Wiley","sort_code":"010203"}"#] {
            assert!(serde_json::from_str::<Payee>(neither).is_err(), "{neither}");
        }
    }

    proptest! {
        #[test]
        fn what_is_typed_is_its_digits_or_refused(typed in "[0-9０-９ –\u{a0}-]{0,12}|\\PC{0,12}") {
            let digits: Option<String> = typed
                .chars()
                .filter(|c| !" –\u{a0}-".contains(*c))
                .map(|c| if ('０'..='９').contains(&c) { char::from_u32(u32::from(c) - 0xfee0) } else { Some(c) })
                .collect();
            let digits = digits.filter(|text| text.bytes().all(|b| b.is_ascii_digit())).unwrap_or_default();
            if let Ok(number) = AccountNumber::from_typed(&typed) && (6..=8).contains(&digits.len()) {
                prop_assert_eq!(number.as_str(), format!("{digits:0>8}"));
            }
            prop_assert!(AccountNumber::from_typed(&typed).is_ok() || !(6..=8).contains(&digits.len()));
            prop_assert!(SortCode::from_typed(&typed).is_ok() || digits.len() != 6);
        }

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
