//! The keys that TrueLayer signs webhooks by, as it publishes them (JSON Web Key Set, RFC 7517).

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use outbound::{Failure, MAX_WHOLE_BYTES, Method, Response, Sender};
use providers::ProviderError;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Mutex;
use url::Url;

/// How long a coordinate of a point on P-521 is.
pub(crate) const COORDINATE_BYTES: usize = 66;

/// What an uncompressed point begins with (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// The most keys that are published at a time. TrueLayer has a few.
const MAX_KEYS: usize = 32;

/// For how long it is believed that the keys are as they were.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// How long nobody asks again, whatever came of it: anybody may send us the id of a key that is not there.
const NOT_AGAIN_FOR: SignedDuration = SignedDuration::from_secs(30);

/// A public key on P-521.
#[derive(Debug, Clone)]
pub struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// The key with this uncompressed point, if it is one on the curve.
    pub(crate) fn from_point(point: &[u8]) -> Option<Self> {
        // The parser reads other forms too.
        let is_point = point.len() == 1 + 2 * COORDINATE_BYTES && point.first() == Some(&UNCOMPRESSED);
        is_point.then(|| ParsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point).ok()).flatten().map(Self)
    }

    /// Whether this is the signature of this message by ES512.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// Why the keys are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum JwksError {
    #[error("the keys could not be asked for")]
    Unreached(#[from] Failure),
    #[error("the keys were answered with status {0}")]
    Status(u16),
    #[error("the keys can't be read, or there are none on P-521 or more than {MAX_KEYS}")]
    Unreadable,
    #[error("the keys were asked for less than half a minute ago, in vain")]
    InVain,
}

/// The keys, which are asked for once they are needed.
#[derive(Debug)]
pub(crate) struct Jwks {
    url: Url,
    sender: Sender,
    /// Locked while they are asked for, so that it is done once.
    known: Mutex<Known>,
}

/// What is known of them.
#[derive(Debug, Default)]
struct Known {
    keys: Vec<(String, PublicKey)>,
    /// When they were read.
    read_at: Option<Timestamp>,
    /// When they were last asked for.
    asked_at: Option<Timestamp>,
}

impl Known {
    fn key(&self, id: &str) -> Option<PublicKey> {
        self.keys.iter().find(|(known, _)| known == id).map(|(_, key)| key.clone())
    }
}

impl Jwks {
    /// Those at this URL. Nothing is asked yet.
    pub(crate) fn new(url: Url, sender: Sender) -> Self {
        Self { url, sender, known: Mutex::default() }
    }

    /// Where they are.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The key with this id, as it was an hour ago at the most; none if no such key is published. A key that is not known is asked
    /// for, but not within half a minute of the last time.
    ///
    /// # Errors
    /// The keys could not be had: whether there is such a key can't be said.
    pub(crate) async fn key(&self, id: &str, now: Timestamp) -> Result<Option<PublicKey>, ProviderError> {
        let mut known = self.known.lock().await;
        let within = |at: Option<Timestamp>, span| at.is_some_and(|at| now.duration_since(at).abs() < span);
        if within(known.read_at, KNOWN_FOR)
            && let Some(key) = known.key(id)
        {
            return Ok(Some(key));
        }
        if !within(known.asked_at, NOT_AGAIN_FOR) {
            known.asked_at = Some(now);
            known.keys = self.ask().await.map_err(ProviderError::unreachable)?;
            known.read_at = Some(now);
        } else if known.read_at != known.asked_at {
            return Err(ProviderError::unreachable(JwksError::InVain));
        }
        Ok(known.key(id))
    }

    async fn ask(&self) -> Result<Vec<(String, PublicKey)>, JwksError> {
        let Response { status, body } = self.sender.call(Method::GET, &self.url, &[], None, MAX_WHOLE_BYTES).await?;
        if status == 200 { read(&body) } else { Err(JwksError::Status(status)) }
    }
}

/// What is published.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// A key on an elliptic curve (RFC 7518, 6.2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    y: String,
}

/// The keys on P-521. Others may be there, which sign something else.
fn read(body: &[u8]) -> Result<Vec<(String, PublicKey)>, JwksError> {
    let KeySet { keys } = serde_json::from_slice(body).map_err(|_| JwksError::Unreadable)?;
    if keys.len() > MAX_KEYS {
        return Err(JwksError::Unreadable);
    }
    let keys: Vec<_> = keys.iter().filter_map(|key| Jwk::deserialize(key).ok()?.read()).collect();
    if keys.is_empty() { Err(JwksError::Unreadable) } else { Ok(keys) }
}

impl Jwk {
    fn read(self) -> Option<(String, PublicKey)> {
        if self.kty != "EC" || self.crv != "P-521" {
            return None;
        }
        let point = [vec![UNCOMPRESSED], coordinate(&self.x)?, coordinate(&self.y)?].concat();
        Some((self.kid, PublicKey::from_point(&point)?))
    }
}

/// A coordinate in all its bytes: TrueLayer leaves out zeros that it begins with.
fn coordinate(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let zeros = COORDINATE_BYTES.checked_sub(bytes.len())?;
    Some([vec![0; zeros], bytes].concat())
}

#[cfg(test)]
pub(crate) mod tests;
