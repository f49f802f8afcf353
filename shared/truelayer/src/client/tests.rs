use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use runtime::VirtualClock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;
use crate::signature::Signature;

/// What a server was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// `POST /v3/payments`.
    pub(crate) asked: String,
    /// By name, in small letters.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request breaks off");
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.split("\r\n");
        let asked = lines.next().unwrap().strip_suffix(" HTTP/1.1").unwrap().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let headers: HashMap<_, _> = lines.map(header).collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        while bytes.len() < head + 4 + length {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request breaks off");
        }
        Self { asked, headers, body: String::from_utf8(bytes[head + 4..].to_vec()).unwrap() }
    }
}

/// What a server was sent, in this order.
pub(crate) type Log = Arc<Mutex<Vec<Received>>>;

/// A server that gives these answers, one after the other, and nothing after them.
pub(crate) async fn server(answers: Vec<(u16, Value)>) -> (Url, Log) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let log = Log::default();
    let received = Arc::clone(&log);
    tokio::spawn(async move {
        for (status, answer) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = Received::read(&mut stream).await;
            received.lock().unwrap().push(request);
            let body = if answer.is_null() { String::new() } else { answer.to_string() };
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            // It may be broken off for being too long.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, log)
}

/// What TrueLayer gives who asks for a token, in the words of its documentation.
pub(crate) fn token(text: &str) -> (u16, Value) {
    (200, json!({ "access_token": text, "expires_in": 3600, "token_type": "Bearer" }))
}

/// The client of an application that there is only here.
pub(crate) fn credentials() -> Credentials {
    let secret = json!({
        "client_id": "shop-1a2b",
        "client_secret": "quiet+&+safe",
        "key_id": "k-1",
        "private_key": include_str!("../../testdata/sec1.pem"),
    });
    Credentials::from_json(&secret.to_string()).unwrap()
}

/// What was asked, in this order.
pub(crate) fn asked(log: &Log) -> Vec<String> {
    log.lock().unwrap().iter().map(|received| received.asked.clone()).collect()
}

fn client(url: &Url, clock: Clock) -> Client {
    let sender = sender(Policy { loopback_allowed: true }, clock.clone()).unwrap();
    Client::new(sender, Hosts::at(url), Some(credentials()), clock)
}

fn request() -> ProviderRequest {
    let body = r#"{"amount_in_minor":400}"#.to_owned();
    ProviderRequest { idempotency_key: "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f".to_owned(), body }
}

#[tokio::test]
async fn a_token_is_kept_until_a_minute_before_its_end() {
    let yes = (200, json!({ "status": "executed" }));
    let (url, log) = server(vec![token("one"), yes.clone(), yes.clone(), token("two"), yes]).await;
    let hands = VirtualClock::at("2026-01-31T09:30:00Z".parse().unwrap());
    let client = client(&url, Clock::Virtual(hands.clone()));
    for pass_ms in [0, 59 * 60 * 1_000 - 1, 1] {
        hands.advance_ms(pass_ms);
        let answer: Value = client.get("/v3/payments/a").await.unwrap();
        assert_eq!(answer["status"], "executed");
    }
    let (get, post) = ("GET /v3/payments/a", "POST /connect/token");
    assert_eq!(asked(&log), [post, get, get, post, get]);
    let log = log.lock().unwrap();
    let form = "grant_type=client_credentials&client_id=shop-1a2b&client_secret=quiet%2B%26%2Bsafe&scope=payments";
    assert_eq!(log[0].body, form);
    assert_eq!(log[0].headers["content-type"], "application/x-www-form-urlencoded");
    let bearers: Vec<_> = log.iter().filter_map(|received| received.headers.get("authorization")).collect();
    assert_eq!(bearers, ["Bearer one", "Bearer one", "Bearer two"]);
    assert!(log.iter().all(|received| !received.headers.contains_key("tl-signature")), "nothing is done");
}

#[tokio::test]
async fn what_does_something_is_signed_and_repeated_as_it_was_after_one_renewal() {
    let answers = vec![token("one"), (401, json!({})), token("two"), (201, json!({ "id": "a" }))];
    let (url, log) = server(answers).await;
    let answer: Value = client(&url, Clock::System).order("/v3/payments", &request()).await.unwrap();
    assert_eq!(answer["id"], "a");
    let log = log.lock().unwrap();
    let [_, first, _, second] = log.as_slice() else { panic!("{log:?}") };
    for (received, bearer) in [(first, "Bearer one"), (second, "Bearer two")] {
        assert_eq!(received.asked, "POST /v3/payments");
        assert_eq!(received.body, request().body);
        let header = |name: &str| received.headers[name].as_str();
        assert_eq!(header("authorization"), bearer);
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("idempotency-key"), request().idempotency_key);
        let signature = Signature::read(header("tl-signature"), &["Idempotency-Key"]).unwrap();
        assert_eq!(signature.key_id(), "k-1");
        let (key, headers) = (credentials().key, [("idempotency-key", header("idempotency-key"))]);
        let verified = signature.verify(key.public_key(), "POST", "/v3/payments", &headers, received.body.as_bytes());
        assert!(verified.is_ok());
    }
}

#[tokio::test]
async fn a_token_is_renewed_once_and_a_key_of_ours_that_is_wrong_says_nothing_of_a_payment() {
    let (url, log) = server(vec![token("one"), (401, json!({})), token("two"), (401, json!({}))]).await;
    let error = client(&url, Clock::System).act("/v3/payments/a/actions/cancel", "key").await.unwrap_err();
    assert_eq!((error.status(), asked(&log).len()), (Some(401), 4));
    assert_eq!(log.lock().unwrap()[3].headers["content-length"], "0", "a POST says how long nothing is");
    assert!(matches!(ProviderError::from(error), ProviderError::Unreachable(_)));
}

#[tokio::test]
async fn without_a_token_nothing_is_asked() {
    for (answer, text) in [
        ((400, json!({ "error": "invalid_client" })), "with status 400"),
        ((200, json!({ "access_token": "a\nb", "expires_in": 3600 })), "can't be read"),
        ((200, json!({})), "can't be read"),
    ] {
        let (url, log) = server(vec![answer]).await;
        let error = client(&url, Clock::System).order::<Value>("/v3/payments", &request()).await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(matches!(ProviderError::from(error), ProviderError::Unreachable(_)));
        assert_eq!(asked(&log), ["POST /connect/token"]);
    }
}

#[tokio::test]
async fn what_does_not_answer_may_have_acted() {
    let (url, _) = server(vec![token("hidden")]).await;
    let client = client(&url, Clock::System);
    let error = client.order::<Value>("/v3/payments", &request()).await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer(Failure::ConnectionFailed)), "{error}");
    assert!(matches!(ProviderError::from(error), ProviderError::Unreachable(_)));
    assert!(!format!("{client:?}").contains("hidden") && !format!("{client:?}").contains("quiet"));
}

#[test]
fn a_token_and_a_call_are_within_what_the_schedule_has_for_a_payment() {
    let TimeOuts { connect_ms, answer_ms } = TIME_OUTS;
    assert!(connect_ms < answer_ms && 2 * answer_ms < 9_000, "{answer_ms}");
}

#[tokio::test]
async fn a_list_may_be_longer_than_any_other_answer() {
    let long = (200, json!("a".repeat(MAX_WHOLE_BYTES)));
    let too_long = (200, json!("a".repeat(MAX_LIST_BYTES)));
    let (url, _) = server(vec![token("one"), long.clone(), long, too_long]).await;
    let client = client(&url, Clock::System);
    assert_eq!(client.list::<String>("/list", "{}").await.unwrap().len(), MAX_WHOLE_BYTES);
    let one = client.get::<String>("/one").await.unwrap_err();
    let list = client.list::<String>("/list", "{}").await.unwrap_err();
    for error in [one, list] {
        assert!(matches!(error, CallError::NoAnswer(Failure::ConnectionFailed)), "{error}");
    }
}

#[test]
fn each_status_may_be_asked_again_or_is_final() {
    for (status, expected) in [
        (200, None),
        (201, None),
        (202, None),
        (204, None),
        (302, Some(false)),
        (400, Some(true)),
        (401, Some(false)),
        (403, Some(true)),
        (404, Some(true)),
        (408, Some(false)),
        (409, Some(false)),
        (418, Some(true)),
        (422, Some(true)),
        (429, Some(false)),
        (500, Some(false)),
        (502, Some(false)),
        (503, Some(false)),
        (504, Some(false)),
        (600, Some(false)),
    ] {
        let is_final = outcome(Response { status, body: b"{}".to_vec() })
            .err()
            .map(|error| matches!(ProviderError::from(error), ProviderError::Refused(_)));
        assert_eq!(is_final, expected, "{status}");
    }
    for unanswered in [
        CallError::NoAnswer(Failure::TimedOut),
        CallError::NoCredentials,
        CallError::NoToken(400),
        CallError::Unreadable,
    ] {
        assert!(matches!(ProviderError::from(unanswered), ProviderError::Unreachable(_)));
    }
}

#[test]
fn a_refusal_is_logged_by_its_title_and_fields_and_quotes_nothing() {
    let problem = json!({
        "type": "https://docs.truelayer.com/docs/error-types#invalid-parameters",
        "title": "Invalid Parameters",
        "status": 400,
        "detail": "gerald.wiley@example.com is not valid",
        "trace_id": "2dcda79d9a30654d878a9daf69eeea15",
        "errors": { "user.email": ["gerald.wiley@example.com is not valid"], "user.name": [] },
    });
    let said = |body: &[u8]| outcome(Response { status: 400, body: body.to_vec() }).unwrap_err().to_string();
    let expected = "TrueLayer answered 400: Invalid Parameters, user.email, user.name (trace \
                    2dcda79d9a30654d878a9daf69eeea15)";
    assert_eq!(said(problem.to_string().as_bytes()), expected);
    for body in [&b""[..], b"<html>", b"{}", b"[]", b"{\"title\": 7}"] {
        assert_eq!(said(body), "TrueLayer answered 400: no reason given");
    }
    let long = json!({ "title": "x".repeat(1_000), "errors": { "y".repeat(1_000): [] } });
    assert!(said(long.to_string().as_bytes()).len() < 300);
}
