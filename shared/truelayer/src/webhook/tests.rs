use serde_json::json;

use super::*;
use crate::credentials::SigningKey;
use crate::jwks::tests::{holding, unreachable};
use crate::signature::sign;

const KEY_ID: &str = "45fc75cf-5649-4134-84b3-192c2c78e990";
const JWKS_URL: &str = "https://webhooks.truelayer.com/.well-known/jwks";
const PATH: &str = "/providers/truelayer/webhook";
const SENT_AT: &str = "2026-07-01T10:00:00Z";

fn key() -> SigningKey {
    let pem = include_str!("../../testdata/truelayer-signing.pem");
    SigningKey::from_pem(KEY_ID, pem).unwrap().published_at(JWKS_URL)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn event<'a>(headers: &'a [(&'a str, &'a str)], body: &'a [u8]) -> RawEvent<'a> {
    RawEvent { method: "POST", path: "/live/here", headers, body, now: at(SENT_AT) }
}

/// What is made of a webhook, by TrueLayer's keys as they were just read: nobody is asked for them.
async fn read(event: &RawEvent<'_>, path: &str, now: Timestamp) -> Result<String, &'static str> {
    let jwks = holding(JWKS_URL, include_bytes!("../../testdata/jwks.json"), now).await;
    match verify(event, path, &jwks, now).await {
        Ok(id) => Ok(id.to_string()),
        Err(EventRefusal::NotGenuine(_)) => Err("not genuine"),
        Err(EventRefusal::NothingOfOurs) => Err("nothing of ours"),
        Err(EventRefusal::Unreachable(_)) => Err("unreachable"),
    }
}

/// The same of one that was signed right, with this body.
async fn read_body(body: &[u8]) -> Result<String, &'static str> {
    let signature = sign(&key(), "POST", PATH, &[(TIMESTAMP, SENT_AT)], body);
    let headers = [(TIMESTAMP, SENT_AT), (TL_SIGNATURE, signature.as_str())];
    read(&event(&headers, body), PATH, at(SENT_AT)).await
}

#[tokio::test]
async fn truelayers_vector_is_genuine_as_it_is_and_in_no_other_way() {
    const BODY: &[u8] = br#"{"event_type":"example","event_id":"18b2842b-a57b-4887-a0a6-d3c7c36f1020"}"#;
    const SENT: (&str, &str) = ("x-tl-webhook-timestamp", "2021-11-29T11:42:55Z");
    const JSON: (&str, &str) = ("content-type", "application/json");
    let signature = ("tl-signature", include_str!("../../testdata/webhook-signature.txt").trim());
    let now = at("2021-11-29T11:43:00Z");
    let genuine = [SENT, JSON, signature];
    // It is about no payment.
    assert_eq!(read(&event(&genuine, BODY), "/tl-webhook", now).await, Err("nothing of ours"));

    let other_time = [("x-tl-webhook-timestamp", "2021-11-29T11:42:56Z"), JSON, signature];
    let charset = [SENT, ("content-type", "application/json; charset=utf-8"), signature];
    for (headers, why) in [
        (&other_time[..], "another time"),
        (&charset, "a charset that was added"),
        (&[SENT, JSON], "no signature"),
        (&[SENT, signature], "no media type"),
        (&[JSON, signature], "no time"),
        (&[SENT, JSON, signature, signature], "two signatures"),
        (&[SENT, SENT, JSON, signature], "two times"),
        (&[SENT, JSON, JSON, signature], "two media types"),
    ] {
        assert_eq!(read(&event(headers, BODY), "/tl-webhook", now).await, Err("not genuine"), "{why}");
    }
    let body: serde_json::Value = serde_json::from_slice(BODY).unwrap();
    let spaced = serde_json::to_vec_pretty(&body).unwrap();
    assert_eq!(read(&event(&genuine, &spaced), "/tl-webhook", now).await, Err("not genuine"), "other bytes");
    assert_eq!(read(&event(&genuine, BODY), "/live/tl-webhook", now).await, Err("not genuine"), "another path");
    let put = RawEvent { method: "PUT", ..event(&genuine, BODY) };
    assert_eq!(read(&put, "/tl-webhook", now).await, Err("not genuine"), "another method");
}

#[tokio::test]
async fn a_webhook_says_which_payment_it_is_about() {
    for kind in ["payment_executed", "payment_settled", "refund_failed", "not_known_yet"] {
        let body = json!({ "type": kind, "event_id": "e-1", "payment_id": "p-1", "refund_id": "r-1" });
        assert_eq!(read_body(body.to_string().as_bytes()).await.as_deref(), Ok("p-1"), "{kind}");
    }
}

#[tokio::test]
async fn what_is_about_no_payment_is_nothing_of_ours() {
    let executed = json!({ "type": "payout_executed", "event_id": "e-1", "payout_id": "o-1" }).to_string();
    let no_id = json!({ "type": "payment_executed", "payment_id": "no id" }).to_string();
    for body in [executed.as_str(), &no_id, r#"{"payment_id": 1}"#, "[]", "", "not JSON"] {
        assert_eq!(read_body(body.as_bytes()).await, Err("nothing of ours"), "{body}");
    }
    let long = vec![b' '; MAX_BODY_BYTES + 1];
    assert_eq!(read_body(&long[1..]).await, Err("nothing of ours"));
    assert_eq!(read_body(&long).await, Err("not genuine"), "nobody reads that much");
}

#[tokio::test]
async fn a_webhook_is_old_after_three_days_and_never_from_the_future() {
    let body = br#"{"payment_id":"p-1"}"#;
    let signature = sign(&key(), "POST", PATH, &[(TIMESTAMP, SENT_AT)], body);
    let headers = [(TIMESTAMP, SENT_AT), (TL_SIGNATURE, signature.as_str())];
    for (now, genuine) in [
        ("2026-07-01T09:54:59Z", false),
        ("2026-07-01T09:55:00Z", true),
        ("2026-07-01T10:00:00Z", true),
        ("2026-07-04T10:05:00Z", true),
        ("2026-07-04T10:05:01Z", false),
    ] {
        assert_eq!(read(&event(&headers, body), PATH, at(now)).await.is_ok(), genuine, "{now}");
    }
    for time in ["", "now", "1782900000"] {
        let signature = sign(&key(), "POST", PATH, &[(TIMESTAMP, time)], body);
        let headers = [(TIMESTAMP, time), (TL_SIGNATURE, signature.as_str())];
        assert_eq!(read(&event(&headers, body), PATH, at(SENT_AT)).await, Err("not genuine"), "{time}");
    }
}

/// Anybody can publish a key of their own, sign by it, and say where it is.
#[tokio::test]
async fn only_truelayers_keys_count() {
    let body = br#"{"payment_id":"p-1"}"#;
    let pem = include_str!("../../testdata/pkcs8.pem");
    let other = |id: &str| SigningKey::from_pem(id, pem).unwrap();
    let signed_elsewhere = [
        (key().published_at("https://webhooks.truelayer.com/.well-known/jwks/"), "a slash too many"),
        (key().published_at("https://webhooks.truelayer.com.example/.well-known/jwks"), "another host"),
        (key().published_at("https://webhooks.truelayer-sandbox.com/.well-known/jwks"), "another environment"),
        (key().published_at("http://webhooks.truelayer.com/.well-known/jwks"), "without TLS"),
        (SigningKey::from_pem(KEY_ID, include_str!("../../testdata/truelayer-signing.pem")).unwrap(), "no place"),
        (other(KEY_ID).published_at(JWKS_URL), "another key of the same id"),
        (other("k-1").published_at(JWKS_URL), "an id that is not published"),
        (other("db2e0bb4-e33d-4fc6-a8c5-645e70331127").published_at(JWKS_URL), "the id of an RSA key"),
    ];
    for (key, why) in signed_elsewhere {
        let signature = sign(&key, "POST", PATH, &[(TIMESTAMP, SENT_AT)], body);
        let headers = [(TIMESTAMP, SENT_AT), (TL_SIGNATURE, signature.as_str())];
        assert_eq!(read(&event(&headers, body), PATH, at(SENT_AT)).await, Err("not genuine"), "{why}");
    }
    let signature = sign(&key(), "POST", PATH, &[], body);
    let headers = [(TIMESTAMP, SENT_AT), (TL_SIGNATURE, signature.as_str())];
    assert_eq!(read(&event(&headers, body), PATH, at(SENT_AT)).await, Err("not genuine"), "the time is not signed");
}

#[tokio::test]
async fn without_the_keys_nothing_is_said_of_a_webhook() {
    let body = br#"{"payment_id":"p-1"}"#;
    let jwks = unreachable().await;
    let key = key().published_at(jwks.url());
    let signature = sign(&key, "POST", PATH, &[(TIMESTAMP, SENT_AT)], body);
    let headers = [(TIMESTAMP, SENT_AT), (TL_SIGNATURE, signature.as_str())];
    let refused = verify(&event(&headers, body), PATH, &jwks, at(SENT_AT)).await;
    assert!(matches!(refused, Err(EventRefusal::Unreachable(_))), "{refused:?}");
}
