//! What deliveries are signed with.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use thiserror::Error;

const PREFIX: &str = "whsec_";

/// How many bytes a key may have, by Standard Webhooks ("signing secret").
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that an endpoint shares with us: `whsec_` and its key in base64, as Standard Webhooks writes it.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
#[derive(Clone)]
pub struct WebhookSecret {
    text: String,
    key: Vec<u8>,
}

/// What was given is not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be whsec_ followed by 24 to 64 bytes in base64")]
pub struct InvalidSecret;

impl WebhookSecret {
    /// A new secret from 32 bytes of the caller's random source.
    pub fn generate(random: [u8; 32]) -> Self {
        Self { text: format!("{PREFIX}{}", BASE64_STANDARD.encode(random)), key: random.to_vec() }
    }

    /// The whole text, to store it and to show it to its merchant.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The key within the text.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }
}

impl FromStr for WebhookSecret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let key = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let key = BASE64_STANDARD.decode(key).map_err(|_| InvalidSecret)?;
        if KEY_BYTES.contains(&key.len()) { Ok(Self { text: text.to_owned(), key }) } else { Err(InvalidSecret) }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_whole_secrets_are_accepted() {
        let of = |length: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![7; length]));
        for good in [24, 25, 32, 64] {
            assert!(of(good).parse::<WebhookSecret>().is_ok(), "{good}");
        }
        for bad in [0, 1, 23, 65] {
            assert!(of(bad).parse::<WebhookSecret>().is_err(), "{bad}");
        }
        let good = of(32);
        let key = good.strip_prefix("whsec_").unwrap();
        for bad in [
            "".to_owned(),
            "whsec_".to_owned(),
            key.to_owned(),
            format!("whsk_{key}"),
            format!("WHSEC_{key}"),
            format!(" {good}"),
            format!("{good}\n"),
            good.replace('=', ""),
            format!("{good}="),
            good.replace("Bwc=", "Bwd="), // bits beyond the last byte
            good.replace("Bwc=", "B-_="),
        ] {
            assert!(bad.parse::<WebhookSecret>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_is_not_debugged() {
        assert_eq!(format!("{:?}", WebhookSecret::generate([1; 32])), "WebhookSecret(…)");
    }

    proptest! {
        #[test]
        fn a_new_secret_is_read_back(random in any::<[u8; 32]>()) {
            let new = WebhookSecret::generate(random);
            let read: WebhookSecret = new.expose().parse().unwrap();
            prop_assert_eq!(read.key(), &random[..]);
            prop_assert_eq!(read.expose(), new.expose());
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<WebhookSecret>();
        }
    }
}
