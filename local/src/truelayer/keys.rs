//! Keys that are made at start: the client's, by which it signs requests, and the simulator's own, which signs webhooks.

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use truelayer::{InvalidKey, SigningKey};
use uuid::Uuid;

/// How long the lines of a PEM file are (RFC 7468, 2).
const PEM_LINE_LENGTH: usize = 64;

/// What TrueLayer's Console gives to a new client, as it is kept in Secrets Manager.
pub(super) fn new_client() -> Result<String, InvalidKey> {
    let secret = json!({
        "client_id": "local-simulator",
        "client_secret": Uuid::new_v4(),
        "key_id": Uuid::new_v4(),
        "private_key": new_key()?,
    });
    Ok(secret.to_string())
}

/// A key of the simulator's own, whose public half is at this address.
pub(super) fn webhook_key(jwks_url: &str) -> Result<SigningKey, InvalidKey> {
    Ok(SigningKey::from_pem(&Uuid::new_v4().to_string(), &new_key()?)?.published_at(jwks_url))
}

/// In PEM, PKCS#8.
fn new_key() -> Result<String, InvalidKey> {
    let key = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).and_then(|key| key.to_pkcs8v1());
    let mut pem = "-----BEGIN PRIVATE KEY-----".to_owned();
    for (index, character) in STANDARD.encode(key.map_err(|_| InvalidKey)?).chars().enumerate() {
        if index % PEM_LINE_LENGTH == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use truelayer::Credentials;

    use super::*;

    #[test]
    fn new_keys_are_keys_each_another() {
        let [first, second] = [(); 2].map(|()| Credentials::from_json(&new_client().unwrap()).unwrap());
        assert_ne!(first.key.public_jwk(), second.key.public_jwk());
        assert!(webhook_key("http://127.0.0.1:1/.well-known/jwks").is_ok());
    }
}
