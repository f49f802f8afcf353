//! Tokens that are signed here, by keys that are made here.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);
const NOW_S: i64 = 1_772_000_000;
const EXPECTED: Expected<'static> =
    Expected { issuer: "https://id.example.com", client_id: "console", nonce: "n-0S6_WzA2Mj" };

/// A part of a token.
fn part(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example.com",
        "aud": "console",
        "sub": "7",
        "exp": NOW_S + 300,
        "iat": NOW_S,
        "nonce": "n-0S6_WzA2Mj",
        "auth_time": NOW_S - 60,
        "email": "ada@shop.example",
        "email_verified": true,
        "groups": ["payments-team"],
    })
}

/// The same, but for these; null leaves one out.
fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// An issuer's key.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self, id: &str) -> Value {
        let public = self.0.public_key().as_ref();
        let (x, y) = (part(&public[1..33]), part(&public[33..]));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": id, "use": "sig" })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", part(signature))
    }
}

fn set(keys: Value) -> JwkSet {
    serde_json::from_value(json!({ "keys": keys })).unwrap()
}

fn es256() -> Value {
    json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" })
}

/// What is wrong with a token that is signed as it should be, of these claims.
fn wrong_with(changes: Value) -> Option<BadToken> {
    let key = Key::new();
    check(&key.sign(&es256(), &with(changes)), &set(json!([key.jwk("k1")])), &EXPECTED, NOW).err()
}

#[test]
fn a_token_of_the_issuer_for_us_of_this_sign_in_is_believed() {
    let (key, other) = (Key::new(), Key::new());
    // Keys of kinds that nobody here knows are passed over.
    let unknown = json!({ "kty": "AKP", "kid": "k0", "alg": "ML-DSA-44", "pub": "x" });
    let keys = set(json!([unknown, other.jwk("k2"), key.jwk("k1")]));
    let claims = check(&key.sign(&es256(), &claims()), &keys, &EXPECTED, NOW).unwrap_or_else(|bad| panic!("{bad}"));
    assert_eq!(claims.verified_email(false), Some("ada@shop.example"));
    assert_eq!(claims.authenticated_at(NOW), Some(Timestamp::constant(NOW_S - 60, 0)));
    assert_eq!(claims.other("groups"), Some(&json!(["payments-team"])));
    assert_eq!((claims.other("cognito:groups"), claims.other("email")), (None, None));
    // Without an id, there may be one key alone.
    let unnamed = key.sign(&json!({ "alg": "ES256" }), &with(json!({})));
    assert!(check(&unnamed, &set(json!([key.jwk("k1")])), &EXPECTED, NOW).is_ok());
    assert_eq!(check(&unnamed, &keys, &EXPECTED, NOW).err(), Some(BadToken::UnknownKey));
}

#[test]
fn a_token_that_is_signed_by_rsa_is_believed() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let keys = set(json!([{ "kty": "RSA", "n": part(&public.n), "e": part(&public.e), "kid": "k1", "alg": "RS256" }]));
    let sign = |header: Value| {
        let signed = format!("{}.{}", part(header.to_string()), part(claims().to_string()));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", part(signature))
    };
    assert!(check(&sign(json!({ "alg": "RS256", "kid": "k1" })), &keys, &EXPECTED, NOW).is_ok());
    // The key says by which algorithm it signs.
    let other = check(&sign(json!({ "alg": "PS256", "kid": "k1" })), &keys, &EXPECTED, NOW).err();
    assert_eq!(other, Some(BadToken::Algorithm));
}

#[test]
fn a_token_that_others_signed_is_not_believed() {
    let (key, other) = (Key::new(), Key::new());
    let keys = set(json!([key.jwk("k1")]));
    let wrong = |token: &str| check(token, &keys, &EXPECTED, NOW).err();
    let good = key.sign(&es256(), &claims());
    assert_eq!(wrong(&good), None);
    assert_eq!(wrong(&other.sign(&es256(), &claims())), Some(BadToken::Signature));
    assert_eq!(wrong(&key.sign(&json!({ "alg": "ES256", "kid": "k9" }), &claims())), Some(BadToken::UnknownKey));
    let critical = json!({ "alg": "ES256", "kid": "k1", "crit": ["b64"], "b64": false });
    assert_eq!(wrong(&key.sign(&critical, &claims())), Some(BadToken::Algorithm));
    for alg in ["none", "None", "ES256K", ""] {
        let header = json!({ "alg": alg, "kid": "k1" });
        assert_eq!(wrong(&key.sign(&header, &claims())), Some(BadToken::Unreadable), "{alg}");
        let unsigned = format!("{}.{}.", part(header.to_string()), part(claims().to_string()));
        assert_eq!(wrong(&unsigned), Some(BadToken::Unreadable), "{alg}");
    }
    // The public key, which everybody knows, as a secret.
    for secret in [key.0.public_key().as_ref(), key.jwk("k1").to_string().as_bytes()] {
        let signed = format!("{}.{}", part(r#"{"alg":"HS256","kid":"k1"}"#), part(claims().to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        assert_eq!(wrong(&format!("{signed}.{}", part(tag))), Some(BadToken::Algorithm));
    }
    // Another algorithm than the key's kind, other claims under the same signature, and none of it.
    assert!(wrong(&key.sign(&json!({ "alg": "RS256", "kid": "k1" }), &claims())).is_some());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let forged = format!("{header}.{}.{signature}", part(with(json!({ "email": "eve@evil.example" })).to_string()));
    assert_eq!(wrong(&forged), Some(BadToken::Signature));
    for text in ["", ".", "..", "a.b.c", signed, &format!("{good}.x")] {
        assert!(wrong(text).is_some(), "{text}");
    }
}

#[test]
fn a_token_of_another_issuer_client_or_sign_in_is_not_believed() {
    assert_eq!(wrong_with(json!({})), None);
    for iss in ["https://id.example.com/", "http://id.example.com", "https://evil.example", ""] {
        assert_eq!(wrong_with(json!({ "iss": iss })), Some(BadToken::Issuer), "{iss}");
    }
    for aud in [json!("shop"), json!(["shop"]), json!([]), json!(["console", "shop"]), json!("Console")] {
        assert_eq!(wrong_with(json!({ "aud": aud })), Some(BadToken::Audience), "{aud}");
    }
    assert_eq!(wrong_with(json!({ "aud": ["console"] })), None);
    assert_eq!(wrong_with(json!({ "aud": ["console", "shop"], "azp": "console" })), None);
    assert_eq!(wrong_with(json!({ "azp": "shop" })), Some(BadToken::Audience));
    for nonce in [json!("another"), json!(""), Value::Null] {
        assert_eq!(wrong_with(json!({ "nonce": nonce })), Some(BadToken::Nonce), "{nonce}");
    }
    for claim in ["iss", "aud", "exp", "iat"] {
        assert_eq!(wrong_with(json!({ claim: null })), Some(BadToken::Signature), "{claim}");
    }
}

#[test]
fn a_token_is_believed_in_its_time() {
    for (changes, wrong) in [
        (json!({ "exp": NOW_S - LEEWAY_S + 1 }), None),
        (json!({ "exp": NOW_S - LEEWAY_S }), Some(BadToken::Expired)),
        (json!({ "exp": i64::MIN }), Some(BadToken::Expired)),
        (json!({ "iat": NOW_S + LEEWAY_S }), None),
        (json!({ "iat": NOW_S + LEEWAY_S + 1 }), Some(BadToken::NotYet)),
        (json!({ "auth_time": NOW_S + LEEWAY_S + 1 }), Some(BadToken::NotYet)),
        (json!({ "auth_time": null }), None),
    ] {
        assert_eq!(wrong_with(changes.clone()), wrong, "{changes}");
    }
    let read = |changes| serde_json::from_value::<Claims>(with(changes)).unwrap();
    assert_eq!(read(json!({ "auth_time": NOW_S + 5 })).authenticated_at(NOW), Some(NOW), "by a clock that is ahead");
    assert_eq!(read(json!({ "auth_time": null })).authenticated_at(NOW), None);
}

#[test]
fn an_address_that_the_issuer_does_not_vouch_for_is_none() {
    for (verified, is_one) in [
        (json!(true), true),
        (json!("true"), true),
        (Value::Null, false),
        (json!(false), false),
        (json!("false"), false),
        (json!(1), false),
    ] {
        let claims: Claims = serde_json::from_value(with(json!({ "email_verified": verified }))).unwrap();
        assert_eq!(claims.verified_email(false).is_some(), is_one, "{verified}");
        assert_eq!(claims.verified_email(true).is_some(), is_one || verified.is_null(), "{verified}");
    }
    let claims: Claims = serde_json::from_value(with(json!({ "email": null }))).unwrap();
    assert_eq!(claims.verified_email(true), None);
}
