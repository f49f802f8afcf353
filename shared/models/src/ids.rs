//! Identifiers, a type each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::mode::Mode;

/// What was given is not an identifier of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a valid {0}")]
pub struct InvalidId(&'static str);

impl InvalidId {
    /// `what` names the kind of id.
    pub(crate) const fn new(what: &'static str) -> Self {
        Self(what)
    }
}

/// Numbers of 128 bits to the base of 62. A power of two would need no division, but 26 digits; clients of Yorlet's format
/// see letters and digits alone.
mod base62 {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// 62^21 < 2^128 < 62^22.
    const LENGTH: usize = 22;

    pub(super) fn write(mut number: u128) -> String {
        let mut digits = Vec::new();
        for _ in 0..LENGTH {
            let digit = usize::try_from(number % 62).ok().and_then(|digit| DIGITS.get(digit));
            digits.push(digit.copied().map_or('0', char::from));
            number /= 62;
        }
        digits.iter().rev().collect()
    }

    /// None unless it is what [`write`] writes.
    pub(super) fn read(text: &str) -> Option<u128> {
        let digit =
            |byte: u8| DIGITS.iter().position(|digit| *digit == byte).and_then(|digit| u128::try_from(digit).ok());
        let number = |number: u128, byte: u8| number.checked_mul(62)?.checked_add(digit(byte)?);
        if text.len() == LENGTH { text.bytes().try_fold(0, number) } else { None }
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that the caller made.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Its 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// As 32 hex digits, in small letters: how Fintecture's format shows it.
            pub fn to_hex(&self) -> String {
                self.0.simple().to_string()
            }

            /// The id that [`Self::to_hex`] writes so.
            ///
            /// # Errors
            /// It writes none so.
            pub fn from_hex(text: &str) -> Result<Self, InvalidId> {
                let id = Uuid::try_parse(text).map(Self).map_err(|_| InvalidId($what))?;
                if id.to_hex() == text { Ok(id) } else { Err(InvalidId($what)) }
            }

            /// As 22 digits to the base of 62, which are in the order of ids: how Yorlet's format shows it, after a prefix.
            pub fn to_base62(&self) -> String {
                base62::write(self.0.as_u128())
            }

            /// The id that [`Self::to_base62`] writes so.
            ///
            /// # Errors
            /// It writes none so.
            pub fn from_base62(text: &str) -> Result<Self, InvalidId> {
                base62::read(text).map(|id| Self(Uuid::from_u128(id))).ok_or(InvalidId($what))
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Takes the 36 characters with hyphens alone. Capitals name the same id (RFC 9562, section 4); it is always
            /// written in lower case.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = Uuid::try_parse(text).map(Self).map_err(|_| InvalidId($what))?;
                if id.to_string().eq_ignore_ascii_case(text) { Ok(id) } else { Err(InvalidId($what)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

uuid_id!(
    /// A payment session. Its id opens its checkout, so it is unguessable and never logged with a query.
    SessionId,
    "payment session id"
);
uuid_id!(
    /// The id of a payment that all parties see, the bank included; independent of the session id on purpose.
    EndToEndId,
    "end-to-end id"
);

uuid_id!(
    /// A refund. Its id opens the page that asks where the money goes.
    RefundId,
    "refund id"
);

uuid_id!(
    /// A merchant's customer.
    CustomerId,
    "customer id"
);

uuid_id!(
    /// A transfer that a payer makes: under one id it arrives once.
    TransferId,
    "transfer id"
);

uuid_id!(
    /// A test clock.
    TestClockId,
    "test clock id"
);

uuid_id!(
    /// Mails to a merchant's people: sign-in links that somebody asked for, or a notice to owners.
    LinkMailId,
    "id of mails with sign-in links"
);

uuid_id!(
    /// An act: something that a person or an operator did.
    ActId,
    "act id"
);

/// When it was made, which an id of version 7 says (RFC 9562, section 5.7); none of any other.
fn made_at(id: &Uuid) -> Option<jiff::Timestamp> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    jiff::Timestamp::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?).ok()
}

impl TestClockId {
    /// When it was made; none if it is not of version 7.
    pub(crate) fn made_at(&self) -> Option<jiff::Timestamp> {
        made_at(&self.0)
    }
}

impl ActId {
    /// When it was made; none if it is not of version 7.
    pub(crate) fn made_at(&self) -> Option<jiff::Timestamp> {
        made_at(&self.0)
    }
}

uuid_id!(
    /// A session or a refund: what events are about.
    ObjectId,
    "payment session or refund id"
);
uuid_id!(
    /// A merchant's webhook endpoint.
    EndpointId,
    "webhook endpoint id"
);

impl From<SessionId> for ObjectId {
    fn from(SessionId(uuid): SessionId) -> Self {
        Self(uuid)
    }
}

impl From<RefundId> for ObjectId {
    fn from(RefundId(uuid): RefundId) -> Self {
        Self(uuid)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId($what)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

fn is_plain(text: &str, max_length: usize) -> bool {
    (1..=max_length).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

text_id!(
    /// A merchant: 1 to 24 lower-case letters and digits, because keys carry it.
    MerchantId,
    "merchant id (1 to 24 lower-case letters and digits)",
    |text| is_plain(text, 24)
);
text_id!(
    /// A bank that a payer may choose, such as `mock-bank`; one that is reached through a provider of many begins with that one's
    /// name and a dot, such as `truelayer.ob-monzo`. 1 to 64 lower-case letters, digits, `-` and `.`.
    BankId,
    "bank id",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    }
);

impl BankId {
    /// Who is asked about its payments: the bank itself, or the provider of many that it is reached through.
    pub fn provider(&self) -> &str {
        self.parts().0
    }

    /// Who is asked, and what that one calls the bank if it leads to many.
    pub fn parts(&self) -> (&str, Option<&str>) {
        self.0.split_once('.').map_or((&self.0, None), |(provider, bank)| (provider, Some(bank)))
    }
}

text_id!(
    /// What a provider calls a payment, as it spells it: 1 to 128 letters, digits, `_`, `-`, `.` and `:`.
    ProviderPaymentId,
    "provider's payment id",
    is_providers
);
text_id!(
    /// What a provider calls a refund, likewise.
    ProviderRefundId,
    "provider's refund id",
    is_providers
);
text_id!(
    /// Marks one write. If the item found after a refused write bears it, the write had succeeded and only its answer
    /// was lost.
    WriteId,
    "write id",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
);

/// Whether a provider may call something so.
fn is_providers(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
}

impl From<Uuid> for WriteId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid.simple().to_string())
    }
}

text_id!(
    /// What was going on when something happened: the id that API Gateway gave the request, or Lambda a run of the
    /// schedule. It follows what happened into logs, webhooks and mails, and says nothing of anybody.
    CorrelationId,
    "correlation id",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
);

/// How a credential begins, which says whose it is without a look-up: `pk_test_demo…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Credential {
    mode: Mode,
    merchant: MerchantId,
}

impl Credential {
    /// `<kind>_<mode>_<merchant>` and then nothing, or `_` and up to 64 letters and digits.
    fn parse(kind: &str, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(kind)?.strip_prefix('_')?;
        let (mode, rest) = rest.split_once('_')?;
        let (merchant, random) = rest.split_once('_').unwrap_or((rest, "0"));
        let random_is_plain = (1..=64).contains(&random.len()) && random.bytes().all(|b| b.is_ascii_alphanumeric());
        (random_is_plain).then_some(())?;
        Some(Self { mode: mode.parse().ok()?, merchant: merchant.parse().ok()? })
    }
}

/// What a new credential of `kind` (`pk` or `sk`) begins with; the issuer appends up to 64 random letters and
/// digits.
pub fn credential_prefix(kind: &str, mode: Mode, merchant: &MerchantId) -> String {
    format!("{kind}_{}_{merchant}_", mode.as_str())
}

macro_rules! credential {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name {
            text: String,
            credential: Credential,
        }

        impl $name {
            /// The whole text.
            pub fn as_str(&self) -> &str {
                &self.text
            }

            /// Whether it is for test or live payments.
            pub fn mode(&self) -> Mode {
                self.credential.mode
            }

            /// Whose it is.
            pub fn merchant(&self) -> &MerchantId {
                &self.credential.merchant
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let credential = Credential::parse($kind, text).ok_or(InvalidId($what))?;
                Ok(Self { text: text.to_owned(), credential })
            }
        }
    };
}

credential!(
    /// The public half of an API key, `pk_<mode>_<merchant>…`. Not a secret.
    ApiKeyId,
    "pk",
    "API key"
);
credential!(
    /// The secret half of an API key, `sk_<mode>_<merchant>…`. It is never stored, shown or logged.
    ApiSecret,
    "sk",
    "API secret"
);

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiSecret(…)")
    }
}

impl TryFrom<String> for ApiKeyId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl Serialize for ApiKeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ApiKeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_names_its_merchant_and_mode() {
        let key: ApiKeyId = "pk_test_demo".parse().unwrap();
        assert_eq!((key.merchant().as_str(), key.mode()), ("demo", Mode::Test));
        let secret: ApiSecret = "sk_live_acme_3fA9".parse().unwrap();
        assert_eq!((secret.merchant().as_str(), secret.mode()), ("acme", Mode::Live));
        assert_eq!(format!("{secret:?}"), "ApiSecret(…)");
    }

    #[test]
    fn a_providers_payment_id_is_short_and_plain() {
        for text in ["a", "pay_3f-A.9:7", &"x".repeat(128)] {
            assert_eq!(text.parse::<ProviderPaymentId>().map(|id| id.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "a b", "a/b", "a#b", "ä", "a\n", &"x".repeat(129)] {
            assert!(text.parse::<ProviderPaymentId>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for text in [
            "",
            "pk",
            "pk_test",
            "pk_test_",
            "pk_prod_demo",
            "sk_test_demo",
            "pk_test_Demo",
            "pk_test_demo_",
            "pk_test_demo_a b",
            "pk_test_demo_a_b",
        ] {
            assert!(text.parse::<ApiKeyId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_session_id_is_written_in_one_way() {
        let text = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
        assert_eq!(text.parse::<SessionId>().unwrap().to_string(), text);
        for capitals in [text.to_uppercase(), text.replacen('a', "A", 1)] {
            assert_eq!(capitals.parse::<SessionId>().unwrap().to_string(), text);
        }
        let others =
            [text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}"), format!(" {text}"), "x".into()];
        for other in others.iter().flat_map(|other| [other.clone(), other.to_uppercase()]) {
            assert!(other.parse::<SessionId>().is_err(), "{other}");
        }
    }

    #[test]
    fn an_id_is_shown_in_the_ways_of_the_formats() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        assert_eq!(id.to_hex(), "1ae1ce03dfa94593b48765c656991cb5");
        for (number, text) in
            [(0, "0".repeat(22)), (61, format!("{}z", "0".repeat(21))), (62, format!("{}10", "0".repeat(20)))]
        {
            assert_eq!(SessionId::new(Uuid::from_u128(number)).to_base62(), text);
        }
        let last = SessionId::new(Uuid::from_u128(u128::MAX)).to_base62();
        assert_eq!(SessionId::from_base62(&last).unwrap().to_hex(), "f".repeat(32));
        // One more than the last, the highest of its length, another length, and what are no digits.
        let beyond = format!("{}{}", &last[..21], char::from(last.as_bytes()[21] + 1));
        for other in [&beyond, &"z".repeat(22), &"0".repeat(21), &"0".repeat(23), &format!("{}-", "0".repeat(21)), ""] {
            assert!(SessionId::from_base62(other).is_err(), "{other}");
        }
        for other in
            [id.to_string(), id.to_hex().to_uppercase(), format!("{{{}}}", id.to_hex()), "0".repeat(31), String::new()]
        {
            assert!(SessionId::from_hex(&other).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_an_id_is_shown_as_is_that_id_alone(number: u128, other: u128, text in "[0-9A-Za-z]{22}|[0-9a-fA-F]{32}") {
            let [id, another] = [number, other].map(|number| SessionId::new(Uuid::from_u128(number)));
            prop_assert_eq!(SessionId::from_hex(&id.to_hex()), Ok(id));
            prop_assert_eq!(SessionId::from_base62(&id.to_base62()), Ok(id));
            prop_assert_eq!((id.to_hex().len(), id.to_base62().len()), (32, 22));
            prop_assert_eq!(id.to_base62().cmp(&another.to_base62()), number.cmp(&other));
            prop_assert!(SessionId::from_hex(&text).map_or(true, |id| id.to_hex() == text));
            prop_assert!(SessionId::from_base62(&text).map_or(true, |id| id.to_base62() == text));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = (text.parse::<SessionId>(), SessionId::from_hex(&text), SessionId::from_base62(&text));
            let _ = text.parse::<ApiKeyId>();
            let _ = text.parse::<MerchantId>();
        }
    }
}
