//! What TrueLayer knows us by.

use std::fmt;

use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::jwks::{COORDINATE_BYTES, PublicKey};

/// The longest id or secret, in bytes. TrueLayer's are of some 40.
const MAX_TEXT_BYTES: usize = 512;

/// The longest private key, in bytes of PEM. One on P-521 has some 400.
const MAX_PEM_BYTES: usize = 8 * 1024;

/// What an application of TrueLayer's Console was given, and the key that its requests are signed by. Debug output shows none
/// of it.
#[derive(Clone)]
pub struct Credentials {
    /// Which application.
    pub client_id: String,
    /// What access tokens are asked for by.
    pub client_secret: String,
    /// What requests are signed by.
    pub key: SigningKey,
}

/// Why credentials can't be used. It quotes none of them; the text reads on after the setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// Not JSON, or a field is missing.
    #[error("is not a JSON object with the texts client_id, client_secret, key_id and private_key")]
    Unreadable,
    /// What is named is no id or secret.
    #[error("has a {0} that is not 1 to {MAX_TEXT_BYTES} visible ASCII characters")]
    Text(&'static str),
    /// See [`InvalidKey`].
    #[error("has a private_key that is {0}")]
    Key(#[from] InvalidKey),
}

/// The JSON of the secret.
#[derive(Deserialize)]
struct Secret {
    client_id: String,
    client_secret: String,
    key_id: String,
    private_key: String,
}

impl Credentials {
    /// Reads a JSON object with `client_id`, `client_secret`, `key_id` (of the public key, as TrueLayer's Console shows it) and
    /// `private_key` (see [`SigningKey::from_pem`]).
    ///
    /// # Errors
    /// Something is missing, or can't be what it is said to be.
    pub fn from_json(text: &str) -> Result<Self, CredentialsError> {
        let Secret { client_id, client_secret, key_id, private_key } =
            serde_json::from_str(text).map_err(|_| CredentialsError::Unreadable)?;
        for (name, text) in [("client_id", &client_id), ("client_secret", &client_secret), ("key_id", &key_id)] {
            if !(1..=MAX_TEXT_BYTES).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(CredentialsError::Text(name));
            }
        }
        Ok(Self { client_id, client_secret, key: SigningKey::from_pem(&key_id, &private_key)? })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// What was given is not a private key on P-521 in PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a private key on the curve P-521 in PEM")]
pub struct InvalidKey;

impl From<KeyRejected> for InvalidKey {
    fn from(_: KeyRejected) -> Self {
        Self
    }
}

/// A private key on P-521, and how a signature by it says so. Debug output shows none of it.
#[derive(Clone)]
pub struct SigningKey {
    key_id: String,
    published_at: Option<String>,
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// Reads a key in PEM, in either form that OpenSSL writes: `EC PRIVATE KEY` (RFC 5915) or `PRIVATE KEY` (PKCS#8). What stands
    /// before it, such as its parameters, is passed over.
    ///
    /// # Errors
    /// It is no such key, or one on another curve.
    pub fn from_pem(key_id: &str, pem: &str) -> Result<Self, InvalidKey> {
        if pem.len() > MAX_PEM_BYTES {
            return Err(InvalidKey);
        }
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| InvalidKey)?;
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P521_SHA512_FIXED_SIGNING, der.secret_der())?;
        let public = PublicKey::from_point(pair.public_key().as_ref()).ok_or(InvalidKey)?;
        Ok(Self { key_id: key_id.to_owned(), published_at: None, pair, public })
    }

    /// The same key, whose signatures say where its public part is published, as those of TrueLayer's webhooks do.
    #[must_use]
    pub fn published_at(self, jwks_url: &str) -> Self {
        Self { published_at: Some(jwks_url.to_owned()), ..self }
    }

    /// How TrueLayer calls it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Where its public part is published, if signatures say so.
    pub(crate) fn jwks_url(&self) -> Option<&str> {
        self.published_at.as_deref()
    }

    /// Its public part.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Its public part as it is published: a JSON Web Key (RFC 7517, RFC 7518, 6.2).
    pub fn public_jwk(&self) -> Value {
        let point: &[u8] = self.pair.public_key().as_ref();
        // After the byte that says how the point is written.
        let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(COORDINATE_BYTES).unwrap_or_default();
        let [x, y] = [x, y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
        json!({ "kty": "EC", "alg": "ES512", "crv": "P-521", "kid": self.key_id, "x": x, "y": y })
    }

    /// The signature of a message by ES512 (RFC 7518, 3.4), in base64 for URLs. It is empty if there is no memory left to make
    /// one, and then nobody accepts it.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature.map(|signature| BASE64_URL_SAFE_NO_PAD.encode(signature)).unwrap_or_default()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC1: &str = include_str!("../testdata/sec1.pem");
    const PKCS8: &str = include_str!("../testdata/pkcs8.pem");

    fn secret(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
        let fields = [("client_id", "shop-1a2b"), ("client_secret", "quiet"), ("key_id", "k-1"), ("private_key", SEC1)];
        let mut fields: serde_json::Map<_, _> =
            fields.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect();
        change(&mut fields);
        Value::Object(fields).to_string()
    }

    #[test]
    fn credentials_are_read_and_not_debugged() {
        let credentials = Credentials::from_json(&secret(|_| {})).unwrap();
        assert_eq!((credentials.client_id.as_str(), credentials.client_secret.as_str()), ("shop-1a2b", "quiet"));
        assert_eq!(credentials.key.key_id(), "k-1");
        assert_eq!(format!("{credentials:?} {:?}", credentials.key), "Credentials(…) SigningKey(…)");
    }

    #[test]
    fn what_is_wrong_with_credentials_is_named_and_not_quoted() {
        let refused = |text: &str| Credentials::from_json(text).unwrap_err();
        for text in ["", "[]", "quiet", r#"{"client_id": 1}"#] {
            assert_eq!(refused(text), CredentialsError::Unreadable, "{text}");
        }
        for name in ["client_id", "client_secret", "key_id", "private_key"] {
            assert_eq!(refused(&secret(|fields| drop(fields.remove(name)))), CredentialsError::Unreadable, "{name}");
        }
        for name in ["client_id", "client_secret", "key_id"] {
            for value in ["", "two words", "é", "a\n", &"a".repeat(513)] {
                let text = secret(|fields| drop(fields.insert(name.to_owned(), value.into())));
                assert_eq!(refused(&text), CredentialsError::Text(name), "{value:?}");
            }
        }
        let text = secret(|fields| drop(fields.insert("private_key".to_owned(), "quiet".into())));
        assert_eq!(refused(&text).to_string(), "has a private_key that is not a private key on the curve P-521 in PEM");
    }

    #[test]
    fn both_forms_of_a_key_are_the_same_key() {
        let [sec1, pkcs8] = [SEC1, PKCS8].map(|pem| SigningKey::from_pem("k-1", pem).unwrap());
        assert_eq!(sec1.public_jwk(), pkcs8.public_jwk());
        // As it is when it came through a file of Windows's, and without the parameters that stand before it.
        let key_alone = SEC1.split_once("-----END EC PARAMETERS-----\n").unwrap().1.replace('\n', "\r\n");
        assert_eq!(SigningKey::from_pem("k-1", &key_alone).unwrap().public_jwk(), sec1.public_jwk());
    }

    #[test]
    fn no_other_key_is_a_key_of_ours() {
        let public = "-----BEGIN PUBLIC KEY-----\nMIGb\n-----END PUBLIC KEY-----\n";
        let long = format!("{SEC1}{}", "\n".repeat(8 * 1024));
        for pem in ["", "quiet", public, include_str!("../testdata/p256.pem"), &SEC1[..200], &long] {
            assert_eq!(SigningKey::from_pem("k-1", pem).unwrap_err(), InvalidKey, "{pem}");
        }
    }
}
