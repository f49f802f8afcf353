//! OAuth tokens: HS256 JWTs signed with a secret of the API key they were made with, so that revoking the key ends them
//! and there is no secret that would open everything.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use models::{ApiKey, ApiKeyId, Scopes};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// How long a token of `/oauth/token` holds, in seconds (Banked's `expires_in`).
pub const TOKEN_LIFETIME_S: i64 = 7200;

const ISSUER: &str = "counterfoil";

/// What a token is checked against where there is no key; what it signs opens nothing.
const NO_SECRET: [u8; 32] = [0; 32];

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    mode: models::Mode,
    scope: Scopes,
    iat: i64,
    exp: i64,
}

/// Makes a token for `scopes`, issued at `now_s` (seconds since 1970), that holds for `lifetime_s`.
///
/// # Errors
/// 500 if it can't be signed.
pub fn mint(key: &ApiKey, scopes: Scopes, now_s: i64, lifetime_s: i64) -> Result<String, ApiError> {
    let header = Header { kid: Some(key.id.to_string()), ..Header::new(Algorithm::HS256) };
    let claims = Claims {
        iss: ISSUER.to_owned(),
        mode: key.id.mode(),
        scope: scopes,
        iat: now_s,
        exp: now_s.saturating_add(lifetime_s),
    };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&key.token_secret))
        .map_err(|error| ApiError::Internal(Box::new(error)))
}

/// The key that a token says it was made with. Nothing has been verified.
pub(crate) fn claimed_key(token: &str) -> Option<ApiKeyId> {
    jsonwebtoken::decode_header(token).ok()?.kid?.parse().ok()
}

/// What a token of the key `id` allows, if `key` signed it and it holds `now`. Without a key it allows nothing, after the same
/// work.
pub(crate) fn verify(token: &str, id: &ApiKeyId, key: Option<&ApiKey>, now: Timestamp) -> Option<Scopes> {
    #[cfg(test)]
    crate::auth::tests::count_work();
    let secret = key.map_or(&NO_SECRET, |key| &key.token_secret);
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false; // by our clock, below
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss"]);
    let decoded = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(secret), &validation).ok()?;
    // A key may have lost scopes since the token was made.
    let scopes = decoded.claims.scope.intersection(key?.scopes);
    (decoded.claims.mode == id.mode() && decoded.claims.exp >= now.as_second()).then_some(scopes)
}

#[cfg(test)]
mod tests {
    use runtime::Random;

    use super::*;
    use crate::secrets::known_key;

    /// When the tokens of these tests are shown.
    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

    fn key() -> ApiKey {
        known_key("pk_test_demo", "sk_test_demo", Scopes::ALL, NOW, &Random::System).unwrap().key
    }

    fn holds(token: &str, key: &ApiKey) -> Option<Scopes> {
        verify(token, &key.id, Some(key), NOW)
    }

    #[test]
    fn without_a_key_no_token_holds_not_even_one_signed_by_nobody() {
        let mut key = key();
        key.token_secret = NO_SECRET;
        let token = mint(&key, Scopes::ALL, NOW.as_second(), TOKEN_LIFETIME_S).unwrap();
        assert_eq!(holds(&token, &key), Some(Scopes::ALL));
        assert_eq!(verify(&token, &key.id, None, NOW), None);
    }

    #[test]
    fn a_token_holds_for_two_hours_under_its_own_key() {
        let (key, other) = (key(), key());
        let now = NOW.as_second();
        let read: Scopes = "payment_sessions:read".parse().unwrap();
        let token = mint(&key, read, now, TOKEN_LIFETIME_S).unwrap();
        assert_eq!(claimed_key(&token), Some(key.id.clone()));
        assert_eq!(holds(&token, &key), Some(read));
        assert_eq!(holds(&token, &other), None);
        assert_eq!(holds(&mint(&key, read, now - TOKEN_LIFETIME_S - 1, TOKEN_LIFETIME_S).unwrap(), &key), None);
        assert_eq!(holds(&mint(&key, read, now - TOKEN_LIFETIME_S, TOKEN_LIFETIME_S).unwrap(), &key), Some(read));
    }

    #[test]
    fn another_algorithm_or_issuer_is_refused() {
        let key = key();
        let claims = |iss: &str| Claims {
            iss: iss.to_owned(),
            mode: models::Mode::Test,
            scope: Scopes::ALL,
            iat: 0,
            exp: i64::from(u32::MAX),
        };
        let sign = |algorithm, iss| {
            jsonwebtoken::encode(&Header::new(algorithm), &claims(iss), &EncodingKey::from_secret(&key.token_secret))
        };
        assert_eq!(holds(&sign(Algorithm::HS256, ISSUER).unwrap(), &key), Some(Scopes::ALL));
        assert_eq!(holds(&sign(Algorithm::HS512, ISSUER).unwrap(), &key), None);
        assert_eq!(holds(&sign(Algorithm::HS256, "someone").unwrap(), &key), None);
        // alg: none, with the same claims and no signature.
        let signed = sign(Algorithm::HS256, ISSUER).unwrap();
        let payload = signed.split('.').nth(1).unwrap();
        assert_eq!(holds(&format!("eyJhbGciOiJub25lIn0.{payload}."), &key), None);
    }
}
