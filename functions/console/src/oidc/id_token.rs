//! ID tokens: whether one is of the issuer, for us, and of this sign-in (OpenID Connect Core 1.0, 3.1.3.7).

use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

/// By what a token may be signed: by a key that only the issuer has. Never by a secret that we have as well, nor by nothing.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How far the issuer's clock and ours may be apart, in seconds.
const LEEWAY_S: i64 = 60;

/// Whose token it has to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
}

/// Why a token says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum BadToken {
    #[error("the token can't be read, or is signed by nothing")]
    Unreadable,
    #[error("the token is signed in a way that is not accepted")]
    Algorithm,
    #[error("the token is signed by a key that the issuer does not name")]
    UnknownKey,
    #[error("the token's signature is wrong, or a claim that each has is missing")]
    Signature,
    #[error("the token is of another issuer")]
    Issuer,
    #[error("the token is for another client")]
    Audience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is of a time to come")]
    NotYet,
    #[error("the token is of another sign-in")]
    Nonce,
}

/// What a token says that was checked.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    auth_time: Option<i64>,
    email: Option<String>,
    email_verified: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    /// Their address, if the issuer says that it is theirs; or, where all of its addresses are trusted, does not say that it isn't.
    pub(super) fn verified_email(&self, trusts_all: bool) -> Option<&str> {
        let is_verified = match &self.email_verified {
            Some(Value::Bool(verified)) => *verified,
            // As a text, which Cognito's claims are where a trigger set them.
            Some(Value::String(verified)) => verified == "true",
            None => trusts_all,
            Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
        };
        self.email.as_deref().filter(|_| is_verified)
    }

    /// When they showed who they are, if that is said; not later than `now`.
    pub(super) fn authenticated_at(&self, now: Timestamp) -> Option<Timestamp> {
        let at = Timestamp::from_second(self.auth_time?).ok()?;
        Some(at.min(now))
    }

    /// A claim that has no meaning of its own here.
    pub(super) fn other(&self, name: &str) -> Option<&Value> {
        self.others.get(name)
    }

    fn check(&self, expected: &Expected<'_>, now: Timestamp) -> Result<(), BadToken> {
        if self.iss != expected.issuer {
            return Err(BadToken::Issuer);
        }
        let is_ours = |client: &String| client == expected.client_id;
        let is_for_us = match &self.aud {
            Audience::One(client) => is_ours(client),
            // Among several, it has to be us for whom it was made.
            Audience::Several(clients) => clients.iter().any(is_ours) && (clients.len() == 1 || self.azp.is_some()),
        };
        if !is_for_us || !self.azp.iter().all(is_ours) {
            return Err(BadToken::Audience);
        }
        let now_s = now.as_second();
        if self.exp.saturating_add(LEEWAY_S) <= now_s {
            return Err(BadToken::Expired);
        }
        if [Some(self.iat), self.auth_time].into_iter().flatten().any(|at_s| at_s.saturating_sub(LEEWAY_S) > now_s) {
            return Err(BadToken::NotYet);
        }
        if self.nonce.as_deref() == Some(expected.nonce) { Ok(()) } else { Err(BadToken::Nonce) }
    }
}

/// What a token says, if one of these keys signed it, and it is what is expected, now.
pub(super) fn check(token: &str, keys: &JwkSet, expected: &Expected<'_>, now: Timestamp) -> Result<Claims, BadToken> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Unreadable)?;
    // What it calls critical would have to be understood (RFC 7515, 4.1.11), and none of it is.
    if !ALGORITHMS.contains(&header.alg) || header.crit.is_some() {
        return Err(BadToken::Algorithm);
    }
    let key = key_of(keys, header.kid.as_deref()).ok_or(BadToken::UnknownKey)?;
    if key.common.key_algorithm.is_some_and(|algorithm| algorithm != KeyAlgorithm::from(header.alg)) {
        return Err(BadToken::Algorithm);
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| BadToken::UnknownKey)?;
    let mut validation = Validation::new(header.alg);
    // By our clock, and all together, below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| BadToken::Signature)?;
    decoded.claims.check(expected, now)?;
    Ok(decoded.claims)
}

/// The key with this id; where a token names none, the only one that there is.
fn key_of<'a>(keys: &'a JwkSet, id: Option<&str>) -> Option<&'a Jwk> {
    match (id, keys.keys.as_slice()) {
        (Some(id), _) => keys.find(id),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests;
