//! Text that clients give, each kind with its own limits.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::SessionId;

/// The longest URL taken, in bytes, with its placeholders replaced.
const MAX_URL_LENGTH: usize = 2048;

/// Replaced by the session's id wherever it stands in `success_url` and `error_url`
/// ("Creating a payment session", section 2).
pub const PAYMENT_ID_PLACEHOLDER: &str = "__PAYMENT_ID__";

/// How long a session's id is as text.
const PAYMENT_ID_LENGTH: usize = 36;

/// Why a text was refused; reads on after the field's name ("must …").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidText(&'static str);

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        ///
        /// Made by `try_from` alone. What was stored is read back as it is: a rule that has become stricter since must
        /// not make a payment unreadable.
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;
            fn try_from(text: String) -> Result<Self, InvalidText> {
                let check: fn(&str) -> Result<(), InvalidText> = $check;
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }
    };
}

text!(
    /// What the payee reads on the bank statement: 1 to 18 ASCII letters, digits and spaces, not all spaces
    /// ("Creating a payment session", section 2; the limit of Faster Payments).
    Reference,
    |text| {
        let allowed = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ');
        if allowed && text.len() <= 18 && !text.trim().is_empty() {
            Ok(())
        } else {
            Err(InvalidText("must be 1 to 18 letters, digits or spaces"))
        }
    }
);

text!(
    /// A person's, payee's or product's name: 1 to 140 characters (ISO 20022 Max140Text), something of it to be seen,
    /// and nothing that breaks a line or turns the direction of what stands around it (UAX #9, 2.1 to 2.5).
    Name,
    |text| {
        if text.chars().all(is_invisible) || text.chars().count() > 140 || text.chars().any(breaks_out) {
            Err(InvalidText("must be 1 to 140 characters, without control characters"))
        } else {
            Ok(())
        }
    }
);

text!(
    /// An e-mail address of at most 254 characters (RFC 5321, 4.5.3.1.3), a bare address with a domain name.
    EmailAddress,
    |text| {
        let options = email_address::Options::default().without_display_text().without_domain_literal().with_required_tld();
        match email_address::EmailAddress::parse_with_options(text, options) {
            // A quoted local part may hold spaces and brackets, which mail headers are better off without.
            Ok(_) if text.len() <= 254 && text.is_ascii() && !text.contains('"') => Ok(()),
            Ok(_) | Err(_) => Err(InvalidText("must be an e-mail address")),
        }
    }
);

text!(
    /// Where a payer is sent when the checkout ends: an absolute http or https URL of at most 2048 bytes.
    MerchantUrl,
    |text| {
        let refused = Err(InvalidText("must be an http or https URL of at most 2048 characters"));
        let grown_by = text.matches(PAYMENT_ID_PLACEHOLDER).count() * (PAYMENT_ID_LENGTH - PAYMENT_ID_PLACEHOLDER.len());
        if text.len() + grown_by > MAX_URL_LENGTH || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refused;
        }
        match url::Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && !has_credentials(&url) => Ok(()),
            Ok(_) | Err(_) => refused,
        }
    }
);

fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{3164}' | '\u{feff}'
        )
}

fn breaks_out(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn has_credentials(url: &url::Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

impl Name {
    /// Stands where a person's name was, once it is removed.
    pub(crate) fn erased() -> Self {
        Self("(removed)".to_owned())
    }
}

impl MerchantUrl {
    /// This URL with every [`PAYMENT_ID_PLACEHOLDER`] replaced by the id.
    #[must_use]
    pub(crate) fn with_payment_id(self, id: &SessionId) -> Self {
        Self(self.0.replace(PAYMENT_ID_PLACEHOLDER, &id.to_string()))
    }

    /// This URL with `pairs` added to its query, after what is there and before a fragment.
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> String {
        match url::Url::parse(&self.0) {
            Ok(mut url) => {
                url.query_pairs_mut().extend_pairs(pairs);
                url.into()
            }
            // Can't be: it parsed when it was made.
            Err(_) => self.0.clone(),
        }
    }
}

// Names and addresses are personal data: debug output, which may reach a log, doesn't show them.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({:?})", self.0)
    }
}

impl fmt::Debug for MerchantUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MerchantUrl({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference(text: &str) -> Result<Reference, InvalidText> {
        Reference::try_from(text.to_owned())
    }

    #[test]
    fn references() {
        for good in ["Illuminate", "refund Candles", "A", "123456789012345678"] {
            assert!(reference(good).is_ok(), "{good}");
        }
        for bad in ["", "   ", "1234567890123456789", "a-b", "café", "a\tb", "٣"] {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn e_mail_addresses() {
        let email = |text: &str| EmailAddress::try_from(text.to_owned());
        assert!(email("gerald.wiley+pay@example.co.uk").is_ok());
        for bad in [
            "",
            "gerald",
            "gerald@",
            "@example.com",
            "a b@example.com",
            "Gerald <g@example.com>",
            "g@[127.0.0.1]",
            "g@localhost",
            "g@example.com\r\nBcc: x@y.z",
            "\"a\tb\"@example.com",
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls() {
        let url = |text: &str| MerchantUrl::try_from(text.to_owned());
        assert!(url("http://example.com/success?id=__PAYMENT_ID__").is_ok());
        for bad in [
            "",
            "/success",
            "javascript:alert(1)",
            "ftp://example.com",
            "https://",
            "http://exa mple.com",
            "https://example.com/\n",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
        let long = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
        assert!(url(&long(2048)).is_ok() && url(&long(2049)).is_err());
        // A placeholder counts as what it is replaced by, 22 characters more.
        let placed = |length: usize| format!("{}__PAYMENT_ID__", long(length - 36));
        assert!(url(&placed(2048)).is_ok() && url(&placed(2049)).is_err());
        let with_query = url("https://example.com/s?id=1#top").unwrap().with_query(&[("payment_result", "sent")]);
        assert_eq!(with_query, "https://example.com/s?id=1&payment_result=sent#top");
    }

    #[test]
    fn names() {
        let name = |text: &str| Name::try_from(text.to_owned());
        for good in ["Gerald Wiley", "Zoë", "李小龍", "محمد", "O’Brien & Söhne <GmbH>", &"é".repeat(140)] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in
            ["", " ", "\u{200b}", "\u{3164}\u{feff}", "a\nb", "a\u{2028}b", "evil\u{202e}lived", &"é".repeat(141)]
        {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn personal_data_is_not_debugged() {
        assert_eq!(format!("{:?}", Name::try_from("Gerald Wiley".to_owned()).unwrap()), "Name(…)");
    }

    proptest! {
        #[test]
        fn a_reference_is_taken_exactly_when_the_rule_says(text in "[A-Za-z0-9 _.£-]{0,20}") {
            let rule = (1..=18).contains(&text.chars().count())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
                && text.chars().any(|c| c != ' ');
            prop_assert_eq!(reference(&text).is_ok(), rule);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = reference(&text);
            let _ = Name::try_from(text.clone());
            let _ = EmailAddress::try_from(text.clone());
            if let Ok(url) = MerchantUrl::try_from(text) {
                let _ = url.with_query(&[("a", "b")]);
            }
        }
    }
}
