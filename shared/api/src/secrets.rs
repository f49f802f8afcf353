//! Random secrets and their hashes.

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use models::{ApiKey, ApiKeyId, ApiSecret, MerchantId, Mode, Scopes, credential_prefix};
use runtime::Random;

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// A new API key with its secret, which is shown once and never again.
#[derive(Debug)]
pub struct IssuedKey {
    /// What is stored.
    pub key: ApiKey,
    /// What the merchant is given.
    pub secret: ApiSecret,
}

/// The id of an API key that is not made yet: 96 random bits.
pub fn new_key_id(merchant: &MerchantId, mode: Mode, random: &Random) -> ApiKeyId {
    let prefix = credential_prefix("pk", mode, merchant);
    let id: Result<ApiKeyId, _> = format!("{prefix}{}", random_text(&random.bytes::<12>())).parse();
    #[expect(clippy::expect_used, reason = "made of what it is parsed into")]
    id.expect("a new id is valid")
}

/// Makes a new API key by a new id.
pub fn issue_key(merchant: &MerchantId, mode: Mode, scopes: Scopes, now: Timestamp, random: &Random) -> IssuedKey {
    issue_key_by(&new_key_id(merchant, mode, random), scopes, now, random)
}

/// Makes a new API key by this id, which no other has: 256 random bits in its secret, 256 to sign its tokens.
pub fn issue_key_by(id: &ApiKeyId, scopes: Scopes, now: Timestamp, random: &Random) -> IssuedKey {
    let prefix = credential_prefix("sk", id.mode(), id.merchant());
    let secret = format!("{prefix}{}", random_text(&random.bytes::<33>()));
    let key = known_key(id.as_str(), &secret, scopes, now, random);
    #[expect(clippy::expect_used, reason = "made of what they are parsed into")]
    key.expect("a new key is valid")
}

fn random_text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes).replace(['-', '_'], "0")
}

/// A key from given texts: for the demo merchant, and for tests.
pub fn known_key(id: &str, secret: &str, scopes: Scopes, now: Timestamp, random: &Random) -> Option<IssuedKey> {
    let (id, secret): (ApiKeyId, ApiSecret) = (id.parse().ok()?, secret.parse().ok()?);
    let key = ApiKey {
        id,
        name: None,
        secret_sha256: sha256(secret.as_str().as_bytes()),
        token_secret: random.bytes(),
        scopes,
        created_at: now,
        revoked_at: None,
        valid_until: None,
    };
    Some(IssuedKey { key, secret })
}
