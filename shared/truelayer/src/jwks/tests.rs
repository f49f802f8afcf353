use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use outbound::Policy;
use runtime::Clock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::credentials::SigningKey;

const PUBLISHED: &[u8] = include_bytes!("../../testdata/jwks.json");
const KEY_ID: &str = "45fc75cf-5649-4134-84b3-192c2c78e990";

fn jwks(url: &str) -> Jwks {
    Jwks::new(url.parse().unwrap(), Sender::new(Policy { loopback_allowed: true }, Clock::System).unwrap())
}

/// The keys of this set, asked for at this time.
pub(crate) async fn holding(url: &str, body: &[u8], now: Timestamp) -> Jwks {
    let jwks = jwks(url);
    *jwks.known.lock().await = Known { keys: read(body).unwrap(), read_at: Some(now), asked_at: Some(now) };
    jwks
}

/// Keys that can't be asked for.
pub(crate) async fn unreachable() -> Jwks {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    // Dropped: nobody listens there any more.
    jwks(&format!("http://{}/.well-known/jwks", listener.local_addr().unwrap()))
}

/// Publishes these one after the other, with their status, and counts how often it was asked.
async fn publisher(answers: Vec<(u16, Vec<u8>)>) -> (Jwks, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let jwks = jwks(&format!("http://{}/.well-known/jwks", listener.local_addr().unwrap()));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0, "the request breaks off");
            }
            assert!(head.starts_with(b"GET /.well-known/jwks HTTP/1.1\r\n"));
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            // It may be broken off for being too long.
            let _ = stream.write_all(&body).await;
        }
    });
    (jwks, asked)
}

/// A set with a key of this id.
fn set_of(ids: &[&str]) -> Vec<u8> {
    let keys: Vec<_> = ids
        .iter()
        .map(|id| SigningKey::from_pem(id, include_str!("../../testdata/sec1.pem")).unwrap().public_jwk())
        .collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

/// Whether there is such a key; nothing if that can't be said.
async fn is_there(jwks: &Jwks, id: &str, second: i64) -> Option<bool> {
    jwks.key(id, at(second)).await.ok().map(|key| key.is_some())
}

#[test]
fn the_keys_on_p521_are_read_and_others_passed_over() {
    let keys = read(PUBLISHED).unwrap();
    let ids: Vec<_> = keys.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, [KEY_ID], "the other one is an RSA key");
    let private = SigningKey::from_pem(KEY_ID, include_str!("../../testdata/truelayer-signing.pem")).unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(private.sign(b"a")).unwrap();
    assert!(keys[0].1.verifies(b"a", &signature) && !keys[0].1.verifies(b"b", &signature));

    let published = &set_of(&["k-1"]);
    assert!(read(published).is_ok());
    for (name, value) in [
        ("kty", json!("OKP")),
        ("crv", json!("P-256")),
        ("kid", json!(null)),
        ("x", json!("")),
        ("x", json!("AAAA")),
        ("x", json!("*")),
        ("y", json!("A".repeat(88))),
        ("y", json!("A".repeat(92))),
        ("y", json!(1)),
    ] {
        let mut set: Value = serde_json::from_slice(published).unwrap();
        set["keys"][0][name] = value.clone();
        assert_eq!(read(set.to_string().as_bytes()).unwrap_err(), JwksError::Unreadable, "{name}: {value}");
        // The others are read all the same.
        let good = SigningKey::from_pem("k-2", include_str!("../../testdata/pkcs8.pem")).unwrap().public_jwk();
        set["keys"].as_array_mut().unwrap().push(good);
        assert_eq!(read(set.to_string().as_bytes()).unwrap().len(), 1, "{name}: {value}");
    }
}

#[test]
fn a_set_has_keys_and_not_too_many() {
    assert_eq!(read(&set_of(&["k-1"; MAX_KEYS])).unwrap().len(), MAX_KEYS);
    let (too_many, none) = (set_of(&["k-1"; MAX_KEYS + 1]), set_of(&[]));
    for body in [&too_many[..], &none, b"{}", b"[]", b"", b"<html>"] {
        assert_eq!(read(body).unwrap_err(), JwksError::Unreadable);
    }
}

#[tokio::test]
async fn keys_are_asked_for_once_an_hour() {
    let (jwks, asked) = publisher(vec![(200, set_of(&["k-1"])), (200, set_of(&["k-2"]))]).await;
    assert_eq!(asked.load(Ordering::Relaxed), 0, "nobody needs them yet");
    for second in [0, 1, 3_599] {
        assert_eq!(is_there(&jwks, "k-1", second).await, Some(true));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(is_there(&jwks, "k-1", 3_600).await, Some(false), "it was withdrawn");
    assert_eq!(is_there(&jwks, "k-2", 3_601).await, Some(true));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_key_that_is_not_known_is_asked_for_once_in_half_a_minute() {
    let sets = [&["k-1"][..], &["k-1"], &["k-1", "k-2"]];
    let (jwks, asked) = publisher(sets.map(|ids| (200, set_of(ids))).to_vec()).await;
    assert_eq!(is_there(&jwks, "k-1", 0).await, Some(true));
    assert_eq!(is_there(&jwks, "k-2", 29).await, Some(false));
    assert_eq!(asked.load(Ordering::Relaxed), 1, "they were read 29 seconds ago");
    assert_eq!(is_there(&jwks, "k-2", 30).await, Some(false));
    assert_eq!(is_there(&jwks, "k-3", 31).await, Some(false), "whichever key it is");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(is_there(&jwks, "k-2", 60).await, Some(true));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn keys_that_can_not_be_had_may_be_there() {
    let too_long = [set_of(&["k-1"]), vec![b' '; 256 * 1024]].concat();
    for (answer, why) in [
        ((500, set_of(&["k-1"])), "a fault"),
        ((302, vec![]), "a redirect"),
        ((200, b"{}".to_vec()), "no keys"),
        ((200, too_long), "too long"),
    ] {
        let (jwks, asked) = publisher(vec![(200, set_of(&["k-1"])), answer, (200, set_of(&["k-2"]))]).await;
        assert_eq!(is_there(&jwks, "k-1", 0).await, Some(true));
        assert_eq!(is_there(&jwks, "k-2", 100).await, None, "{why}");
        assert_eq!(is_there(&jwks, "k-2", 129).await, None, "{why}");
        assert_eq!(asked.load(Ordering::Relaxed), 2, "{why}");
        assert_eq!(is_there(&jwks, "k-1", 129).await, Some(true), "{why}: what is known stays known");
        assert_eq!(is_there(&jwks, "k-2", 130).await, Some(true), "{why}");
    }
    assert_eq!(is_there(&unreachable().await, "k-1", 0).await, None);
}

#[tokio::test]
async fn many_who_need_the_keys_at_once_ask_once() {
    let (jwks, asked) = publisher(vec![(200, set_of(&["k-1"]))]).await;
    let (first, second) = tokio::join!(is_there(&jwks, "k-1", 0), is_there(&jwks, "k-1", 0));
    assert_eq!((first, second), (Some(true), Some(true)));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
