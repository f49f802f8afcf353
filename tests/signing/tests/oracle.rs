//! What we sign TrueLayer's own crate accepts, what it signs we accept, and what was tampered with both refuse.

use serde_json::json;
use truelayer::SigningKey;
use truelayer::signature::{Signature, sign};
use truelayer_signing::Method;

const KEY_ID: &str = "k-1";
/// One key, in both forms that OpenSSL writes.
const SEC1: &str = include_str!("../../../shared/truelayer/testdata/sec1.pem");
const PKCS8: &str = include_str!("../../../shared/truelayer/testdata/pkcs8.pem");
/// Another.
const OTHER: &str = include_str!("../../../shared/truelayer/testdata/truelayer-signing.pem");
const JWKS_URL: &str = "https://webhooks.truelayer.com/.well-known/jwks";

const KEY: &str = "Idempotency-Key";

/// A request that is signed.
#[derive(Debug, Clone)]
struct Request {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    fn payment(body: &str) -> Self {
        let headers = vec![(KEY, "9a1e6d0c-6b1f-4a43-8f57-0d6f3c2b7a10".to_owned())];
        Self { path: "/v3/payments".to_owned(), headers, body: body.as_bytes().to_vec() }
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn byte_headers(&self) -> Vec<(&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
    }

    fn signed_by_us(&self, key: &SigningKey) -> String {
        sign(key, "POST", &self.path, &self.headers(), &self.body)
    }

    fn signed_by_them(&self) -> String {
        let signer = truelayer_signing::sign_with_pem(KEY_ID, PKCS8.as_bytes()).method(Method::Post).path(&self.path);
        signer.headers(self.byte_headers()).body(&self.body).build_signer().sign().unwrap()
    }

    fn is_accepted_by_us(&self, signature: &str, key: &SigningKey) -> bool {
        let read = Signature::read(signature, &[KEY]);
        read.is_ok_and(|read| read.verify(key.public_key(), "POST", &self.path, &self.headers(), &self.body).is_ok())
    }

    fn is_accepted_by_them(&self, signature: &str, key: &SigningKey) -> bool {
        let jwks = json!({ "keys": [key.public_jwk()] }).to_string();
        let verifier = truelayer_signing::verify_with_jwks(jwks.as_bytes()).method(Method::Post).path(&self.path);
        let verifier = verifier.headers(self.byte_headers()).require_header(KEY).body(&self.body).build_verifier();
        verifier.verify(signature).is_ok()
    }
}

fn ours() -> SigningKey {
    SigningKey::from_pem(KEY_ID, SEC1).unwrap()
}

/// Bodies of every kind, and many: half of the numbers that signatures are made of begin with a zero byte, one of 512 with two, and
/// all have to keep their length.
fn requests() -> Vec<Request> {
    let kinds = ["", "{}", "[1, 2]", "{\"name\":\"Zoë ☂\"}", " { \"a\" : 1 }\n", "line\r\nline"].map(Request::payment);
    let many = (0..600).map(|n| Request::payment(&json!({ "amount_in_minor": n, "currency": "GBP" }).to_string()));
    let mut all: Vec<_> = kinds.into_iter().chain(many).collect();
    let mut webhook = Request::payment("{\"type\":\"payment_executed\"}");
    webhook.path = "/prod/providers/truelayer/webhook".to_owned();
    webhook.headers.push(("X-Tl-Webhook-Timestamp", "2026-01-31T09:30:00Z".to_owned()));
    all.push(webhook);
    all
}

#[test]
fn what_we_sign_they_accept() {
    for request in requests() {
        let signature = request.signed_by_us(&ours());
        assert!(request.is_accepted_by_them(&signature, &ours()), "{request:?}");
        assert!(request.is_accepted_by_us(&signature, &ours()), "{request:?}");
    }
}

#[test]
fn what_they_sign_we_accept() {
    for request in requests() {
        let signature = request.signed_by_them();
        assert!(request.is_accepted_by_us(&signature, &ours()), "{request:?}");
        assert!(request.is_accepted_by_them(&signature, &ours()), "{request:?}");
    }
}

#[test]
fn what_was_tampered_with_both_refuse() {
    let request = Request::payment("{\"amount_in_minor\":100}");
    let tampered: [(&str, fn(&mut Request)); 7] = [
        ("the body", |request| request.body = b"{\"amount_in_minor\":900}".to_vec()),
        ("its spaces", |request| request.body = b"{\"amount_in_minor\": 100}".to_vec()),
        ("what follows it", |request| request.body.push(b'\n')),
        ("the path", |request| request.path = "/v3/payouts".to_owned()),
        ("a stage before it", |request| request.path = "/prod/v3/payments".to_owned()),
        ("a header", |request| request.headers = vec![(KEY, "another".to_owned())]),
        ("no header", |request| request.headers.clear()),
    ];
    let other = SigningKey::from_pem(KEY_ID, OTHER).unwrap();
    for signature in [request.signed_by_us(&ours()), request.signed_by_them()] {
        let both = |request: &Request, signature: &str, key: &SigningKey| {
            (request.is_accepted_by_us(signature, key), request.is_accepted_by_them(signature, key))
        };
        assert_eq!(both(&request, &signature, &ours()), (true, true));
        for (what, tamper) in tampered {
            let mut changed = request.clone();
            tamper(&mut changed);
            assert_eq!(both(&changed, &signature, &ours()), (false, false), "{what}");
        }
        assert_eq!(both(&request, &signature, &other), (false, false), "another's key");
        let (header, value) = signature.split_once("..").unwrap();
        let middle = value.len() / 2;
        let letter = if value.as_bytes()[middle] == b'A' { "B" } else { "A" };
        let flipped = format!("{header}..{}{letter}{}", &value[..middle], &value[middle + 1..]);
        for bad in [flipped.as_str(), &signature[..signature.len() - 4], &format!("{header}.."), header, "", ".."] {
            assert_eq!(both(&request, bad, &ours()), (false, false), "{bad}");
        }
    }
}

#[test]
fn a_slash_at_the_end_of_the_path_is_read_alike() {
    let request = Request::payment("{}");
    let with_slash = Request { path: "/v3/payments/".to_owned(), ..request.clone() };
    for signature in [request.signed_by_us(&ours()), request.signed_by_them()] {
        let by_us = with_slash.is_accepted_by_us(&signature, &ours());
        assert_eq!((by_us, with_slash.is_accepted_by_them(&signature, &ours())), (true, true));
    }
}

#[test]
fn they_read_where_a_webhooks_key_is_published() {
    let signature = Request::payment("{}").signed_by_us(&ours().published_at(JWKS_URL));
    let header = truelayer_signing::extract_jws_header(&signature).unwrap();
    assert_eq!((header.kid.as_ref(), header.jku.as_deref()), (KEY_ID, Some(JWKS_URL)));
    assert_eq!(Signature::read(&signature, &[]).unwrap().jwks_url(), Some(JWKS_URL));
}
