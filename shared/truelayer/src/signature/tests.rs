use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The key of TrueLayer's test vectors.
const KEY_ID: &str = "45fc75cf-5649-4134-84b3-192c2c78e990";

const PATH: &str = "/merchant_accounts/a61acaef-ee05-4077-92f3-25543a11bd8d/sweeping";
const HEADERS: [(&str, &str); 1] = [("Idempotency-Key", "idemp-2076717c-9005-4811-a321-9e0787fa0382")];
const BODY: &[u8] = br#"{"currency":"GBP","max_amount_in_minor":5000000,"name":"Foo???"}"#;

fn key() -> SigningKey {
    SigningKey::from_pem(KEY_ID, include_str!("../../testdata/truelayer-signing.pem")).unwrap()
}

fn other_key() -> SigningKey {
    SigningKey::from_pem(KEY_ID, include_str!("../../testdata/pkcs8.pem")).unwrap()
}

fn vector() -> &'static str {
    include_str!("../../testdata/tl-signature.txt").trim()
}

/// A signature with another header, by the same key over what that header makes of the message.
fn with(fields: &Value) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(fields.to_string());
    let value = key().sign(&message(&header, "POST", PATH, &HEADERS, BODY));
    format!("{header}..{value}")
}

fn is_valid(text: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> bool {
    Signature::read(text, &["idempotency-key"])
        .and_then(|signature| signature.verify(key().public_key(), method, path, headers, body))
        .is_ok()
}

#[test]
fn truelayers_vector_is_valid_as_it_is_and_in_no_other_way() {
    let [(_, id)] = HEADERS;
    assert!(is_valid(vector(), "POST", PATH, &HEADERS, BODY));
    assert!(is_valid(vector(), "POST", PATH, &[("X-Other", "1"), ("idempotency-key", id), ("x-other", "2")], BODY));

    assert!(!is_valid(vector(), "PUT", PATH, &HEADERS, BODY), "another method");
    assert!(!is_valid(vector(), "POST", "/live/merchant_accounts", &HEADERS, BODY), "another path");
    assert!(!is_valid(vector(), "POST", PATH, &[("Idempotency-Key", "other")], BODY), "another header");
    assert!(!is_valid(vector(), "POST", PATH, &[], BODY), "no header");
    assert!(!is_valid(vector(), "POST", PATH, &[HEADERS[0], ("idempotency-key", id)], BODY), "the header twice");
    let same: Value = serde_json::from_slice(BODY).unwrap();
    let spaced = serde_json::to_vec_pretty(&same).unwrap();
    assert!(!is_valid(vector(), "POST", PATH, &HEADERS, &spaced), "the same JSON in other bytes");

    let signature = Signature::read(vector(), &[]).unwrap();
    assert_eq!((signature.key_id(), signature.jwks_url()), (KEY_ID, None));
    assert!(signature.verify(other_key().public_key(), "POST", PATH, &HEADERS, BODY).is_err(), "another key");
}

#[test]
fn the_vector_of_a_webhook_names_its_key_and_where_that_is() {
    let text = include_str!("../../testdata/webhook-signature.txt").trim();
    let signature = Signature::read(text, &["x-tl-webhook-timestamp", "CONTENT-TYPE"]).unwrap();
    assert_eq!(signature.key_id(), KEY_ID);
    assert_eq!(signature.jwks_url(), Some("https://webhooks.truelayer.com/.well-known/jwks"));
    let body = br#"{"event_type":"example","event_id":"18b2842b-a57b-4887-a0a6-d3c7c36f1020"}"#;
    let verify = |content_type| {
        let headers = [("x-tl-webhook-timestamp", "2021-11-29T11:42:55Z"), ("content-type", content_type)];
        signature.verify(key().public_key(), "POST", "/tl-webhook", &headers, body)
    };
    assert_eq!(verify("application/json"), Ok(()));
    assert_eq!(verify("application/json; charset=utf-8"), Err(InvalidSignature));
}

#[test]
fn what_is_required_has_to_be_signed() {
    assert!(Signature::read(vector(), &["IDEMPOTENCY-KEY"]).is_ok());
    assert!(Signature::read(vector(), &["Idempotency-Key", "X-Tl-Webhook-Timestamp"]).is_err());
    assert!(Signature::read(vector(), &["Idempotency"]).is_err());
}

#[test]
fn a_slash_at_the_end_of_the_path_may_be_there_or_not_and_only_one() {
    let signed = |path| sign(&key(), "POST", path, &HEADERS, BODY);
    let without = signed("/webhook");
    let with = signed("/webhook/");
    for path in ["/webhook", "/webhook/"] {
        assert!(is_valid(&without, "POST", path, &HEADERS, BODY), "{path}");
        assert!(is_valid(&with, "POST", path, &HEADERS, BODY), "{path}");
    }
    assert!(!is_valid(&without, "POST", "/webhook//", &HEADERS, BODY));
}

#[test]
fn one_algorithm_and_one_version_are_known() {
    let fields = json!({ "alg": "ES512", "kid": KEY_ID, "tl_version": "2", "tl_headers": "Idempotency-Key" });
    assert!(is_valid(&with(&fields), "POST", PATH, &HEADERS, BODY));
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("es512")),
        ("alg", json!(null)),
        ("kid", json!(null)),
        ("tl_version", json!("1")),
        ("tl_version", json!(2)),
        ("tl_version", json!(null)),
        ("tl_headers", json!("")),
        ("tl_headers", json!("Idempotency-Key,X-Other")),
        ("tl_headers", json!(null)),
        ("jku", json!(1)),
    ] {
        let mut changed = fields.clone();
        changed[name] = value.clone();
        assert!(!is_valid(&with(&changed), "POST", PATH, &HEADERS, BODY), "{name}: {value}");
    }
    let names = |count| vec!["Idempotency-Key"; count].join(",");
    for (count, read) in [(16, true), (17, false)] {
        let mut many = fields.clone();
        many["tl_headers"] = names(count).into();
        assert_eq!(Signature::read(&with(&many), &[]).is_ok(), read, "{count}");
    }
}

#[test]
fn what_is_no_signature_is_refused() {
    let (header, value) = vector().split_once("..").unwrap();
    let content = BASE64_URL_SAFE_NO_PAD.encode("POST /\n");
    let cut = &value[..value.len() - 4];
    for text in [
        String::new(),
        "..".to_owned(),
        header.to_owned(),
        format!("{header}.{value}"),
        format!("{header}.{content}.{value}"),
        format!("{header}.{content}.{value}...."),
        format!("{header}..{value}.."),
        format!("{header}..{value}=="),
        format!("{header}..{value}AA"),
        format!("{header}..{cut}"),
        format!("{header}.."),
        format!("..{value}"),
        format!(" {header}..{value}"),
        format!("{header}..{value}{}", "A".repeat(2_048)),
    ] {
        assert!(!is_valid(&text, "POST", PATH, &HEADERS, BODY), "{text}");
    }
}

#[test]
fn a_signature_says_what_truelayer_asks_for() {
    let text = sign(&key(), "POST", "/v3/payments", &[("Idempotency-Key", "k"), ("X-Other", "o")], b"{}");
    let (header, value) = text.split_once("..").unwrap();
    let fields: Value = serde_json::from_slice(&decode(header).unwrap()).unwrap();
    let names = "Idempotency-Key,X-Other";
    assert_eq!(fields, json!({ "alg": "ES512", "kid": KEY_ID, "tl_version": "2", "tl_headers": names }));
    assert_eq!(decode(value).unwrap().len(), 132, "r and s, each of 66 bytes");
    let content = message("h", "POST", "/v3/payments", &[("Idempotency-Key", "k"), ("X-Other", "o")], b"{}");
    let content = decode(std::str::from_utf8(&content).unwrap().strip_prefix("h.").unwrap()).unwrap();
    assert_eq!(content, b"POST /v3/payments\nIdempotency-Key: k\nX-Other: o\n{}");
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,200}", header in ".{0,100}") {
        let _ = Signature::read(&text, &["a"]);
        let _ = Signature::read(&format!("{}..AAAA", BASE64_URL_SAFE_NO_PAD.encode(header)), &["a"]);
    }

    #[test]
    fn what_is_signed_is_valid_and_nothing_else_is(
        path in "(/[a-z0-9-]{1,8}){1,4}",
        id in "[ -~]{1,40}",
        body in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<proptest::sample::Index>(),
    ) {
        let headers = [("Idempotency-Key", id.as_str())];
        let text = sign(&key(), "POST", &path, &headers, &body);
        prop_assert!(is_valid(&text, "POST", &path, &headers, &body));
        let longer = format!("{path}a");
        prop_assert!(!is_valid(&text, "POST", &longer, &headers, &body));
        let mut changed = body;
        changed.push(0);
        prop_assert!(!is_valid(&text, "POST", &path, &headers, &changed));
        changed.pop();
        if !changed.is_empty() {
            let at = at.index(changed.len());
            changed[at] ^= 1;
            prop_assert!(!is_valid(&text, "POST", &path, &headers, &changed));
        }
    }
}
