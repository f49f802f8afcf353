//! Applications: what stands beside an API key by which signed requests are sent.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, InvalidId};
use crate::mode::Mode;
use crate::text::MerchantUrl;

/// How many public keys an application may have at once: each is tried for a signature.
pub const MAX_PUBLIC_KEYS: usize = 5;

/// How many URLs an application may have registered.
pub const MAX_REDIRECT_URLS: usize = 20;

/// What an API key has for a format whose requests are signed. A key without one can be used in test mode, unsigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The key, which is the application's id too.
    pub key_id: ApiKeyId,
    /// What its requests may be signed by; the newest last. One that is removed is gone.
    pub public_keys: Vec<PublicKey>,
    /// Where its payers may be sent back to.
    pub redirect_urls: Vec<MerchantUrl>,
    /// Whether its requests have to be signed even in test mode.
    pub signed: bool,
    /// When it was made.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}

/// An RSA public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Its id.
    pub id: PublicKeyId,
    /// The key itself: a `SubjectPublicKeyInfo` (RFC 5280, 4.1) in DER.
    #[serde(with = "serde_bytes")]
    pub spki: Vec<u8>,
    /// When it was added.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub added_at: Timestamp,
}

/// A public key's id: the first 16 hexadecimal digits, in small letters, of the SHA-256 of its `SubjectPublicKeyInfo`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKeyId(String);

impl Application {
    /// Whether its requests have to be signed: all live ones, and those of test mode if it says so.
    pub fn needs_signature(&self) -> bool {
        self.signed || self.key_id.mode() == Mode::Live
    }

    /// The key that was added last, if there is any.
    pub fn newest_key(&self) -> Option<&PublicKey> {
        self.public_keys.last()
    }

    /// Whether payers may be sent back to this URL: it is registered, or a registered one has the same scheme, host, port and
    /// path. Queries may differ. A test application that has registered none takes any.
    pub fn allows_redirect(&self, url: &MerchantUrl) -> bool {
        if self.redirect_urls.is_empty() {
            return self.key_id.mode() == Mode::Test;
        }
        self.redirect_urls.iter().any(|registered| registered.has_same_page_as(url))
    }
}

impl FromStr for PublicKeyId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 16 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("public key id"))
        }
    }
}

impl fmt::Display for PublicKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PublicKeyId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<PublicKeyId> for String {
    fn from(id: PublicKeyId) -> String {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(key: &str, urls: &[&str]) -> Application {
        Application {
            key_id: key.parse().unwrap(),
            public_keys: Vec::new(),
            redirect_urls: urls.iter().map(|text| url(text)).collect(),
            signed: false,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn url(text: &str) -> MerchantUrl {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn payers_are_sent_to_registered_pages_whatever_their_queries() {
        let registered = ["https://shop.example/back?order=1", "http://localhost:8000/"];
        let live = application("pk_live_demo", &registered);
        for allowed in [
            "https://shop.example/back?order=1",
            "https://shop.example/back",
            "https://shop.example:443/back?order=2",
            "https://SHOP.example/back#paid",
            "http://localhost:8000?order=2",
        ] {
            assert!(live.allows_redirect(&url(allowed)), "{allowed}");
        }
        for refused in [
            "http://shop.example/back",
            "https://shop.example/back/",
            "https://shop.example/Back",
            "https://shop.example:8443/back",
            "https://shop.example.evil.example/back",
            "https://evil.example/back?https://shop.example/back",
            "https://shop.example/back/../admin",
            "http://localhost/",
        ] {
            assert!(!live.allows_redirect(&url(refused)), "{refused}");
        }
        assert!(!application("pk_live_demo", &[]).allows_redirect(&url("https://shop.example/")));
        assert!(application("pk_test_demo", &[]).allows_redirect(&url("https://shop.example/")));
        assert!(!application("pk_test_demo", &registered).allows_redirect(&url("https://evil.example/")));
    }

    #[test]
    fn live_requests_are_signed_and_those_of_test_mode_if_it_says_so() {
        let [test, live] = ["pk_test_demo", "pk_live_demo"].map(|key| application(key, &[]));
        assert!(!test.needs_signature() && live.needs_signature());
        assert!(Application { signed: true, ..test }.needs_signature());
    }

    #[test]
    fn an_application_is_stored_as_it_is_and_its_newest_key_is_the_last() {
        let key = |digit: char| PublicKey {
            id: digit.to_string().repeat(16).parse().unwrap(),
            spki: vec![1],
            added_at: Timestamp::UNIX_EPOCH,
        };
        let application = Application {
            public_keys: vec![key('a'), key('0')],
            ..application("pk_test_demo", &["https://a.example/"])
        };
        let stored = serde_json::to_string(&application).unwrap();
        assert_eq!(serde_json::from_str::<Application>(&stored).unwrap(), application);
        assert_eq!(application.newest_key(), Some(&key('0')));
        for bad in ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg"] {
            assert!(bad.parse::<PublicKeyId>().is_err(), "{bad}");
        }
    }
}
