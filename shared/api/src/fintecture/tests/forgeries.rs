//! What passes for a request of an application's, and what doesn't: each row changes a good request in one way.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use aws_lc_rs::{encoding, hmac};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, Request, RequestExt};
use models::{ApiKeyId, Application, PublicKey};
use serde::Deserialize;

use super::super::{check_signature, fingerprint};
use crate::error::Refusal;
use crate::format::Format;
use crate::idempotency::IdempotencyKey;
use crate::json::Json;
use crate::public_key::read_public_key;
use crate::secrets::sha256;

const KEY: &str = "pk_test_demo";
const SECRET: &str = "sk_test_demo";
const PUBLIC: &str = include_str!("../../../../../local/demo-application.pem");
const PRIVATE: &str = include_str!("../../../../../tests/clients/demo-application.pem");

/// What a signature covers: in the order of the official clients.
const WITH_BODY: &str = "(request-target) date digest x-request-id";
const WITHOUT_BODY: &str = "(request-target) date x-request-id";

const ID: &str = "f55c6714-c7d4-439d-bc24-94883fd14068";

const BODY: &str = r#"{"meta":{"psu_name":"Ada"},"data":{"attributes":{"amount":"149.30","currency":"EUR"}}}"#;

static DEMO: LazyLock<KeyPair> = LazyLock::new(|| {
    let pem = PRIVATE.trim().strip_prefix("-----BEGIN PRIVATE KEY-----").unwrap();
    let digits: String = pem.strip_suffix("-----END PRIVATE KEY-----").unwrap().split_whitespace().collect();
    KeyPair::from_pkcs8(&BASE64_STANDARD.decode(digits).unwrap()).unwrap()
});
static OTHER: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

fn now() -> Timestamp {
    "2026-11-29T14:52:20Z".parse().unwrap()
}

fn date(seconds: i64) -> String {
    (now() + SignedDuration::from_secs(seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn public(key: &KeyPair) -> PublicKey {
    let spki: encoding::PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    PublicKey { id: "0123456789abcdef".parse().unwrap(), spki: spki.as_ref().to_vec(), added_at: now() }
}

fn application(public_keys: Vec<PublicKey>) -> Application {
    Application { public_keys, ..samples::application(&KEY.parse().unwrap()) }
}

fn digest(body: &[u8]) -> String {
    format!("SHA-256={}", BASE64_STANDARD.encode(sha256(body)))
}

/// A request as it arrives, and who sent it by its credentials.
#[derive(Clone)]
struct Sent {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
    key: ApiKeyId,
    application: Option<Application>,
}

impl Sent {
    fn new(method: &'static str, path: &str, query: &str, body: &str) -> Self {
        let headers = [("date", date(0)), ("x-request-id", ID.to_owned()), ("app_id", KEY.to_owned())];
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: body.to_owned(),
            key: KEY.parse().unwrap(),
            application: Some(application(vec![public(&DEMO)])),
        }
    }

    fn connect() -> Self {
        let mut sent =
            Self::new("POST", "/pis/v2/connect", "state=a%20b&redirect_uri=https://shop.example/back?x=1", BODY);
        sent.set("digest", &digest(BODY.as_bytes()));
        sent.sign(WITH_BODY);
        sent
    }

    fn list() -> Self {
        let mut sent = Self::new("GET", "/pis/v2/payments", "page%5Bsize%5D=2", "");
        sent.sign(WITHOUT_BODY);
        sent
    }

    fn get(&self, name: &str) -> String {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|(given, _)| given != name);
    }

    /// What is signed.
    fn text(&self, names: &str) -> String {
        let target = format!("{} {}?{}", self.method.to_lowercase(), self.path, self.query);
        let value = |name: &str| if name == "(request-target)" { target.clone() } else { self.get(name) };
        names.split(' ').map(|name| format!("{name}: {}", value(name))).collect::<Vec<_>>().join("\n")
    }

    fn put_signature(&mut self, key: &str, algorithm: &str, names: &str, value: &[u8]) {
        let value = BASE64_STANDARD.encode(value);
        let header = format!(r#"keyId="{key}",algorithm="{algorithm}",headers="{names}",signature="{value}""#);
        self.set("signature", &header);
    }

    fn sign_by(&mut self, key: &KeyPair, how: &'static dyn RsaEncoding, names: &str) {
        let mut value = vec![0; key.public_modulus_len()];
        key.sign(how, &SystemRandom::new(), self.text(names).as_bytes(), &mut value).unwrap();
        self.put_signature(KEY, "rsa-sha256", names, &value);
    }

    fn sign(&mut self, names: &str) {
        self.sign_by(&DEMO, &RSA_PKCS1_SHA256, names);
    }

    /// A parameter of the signature, changed.
    fn change_signature(&mut self, from: &str, to: &str) {
        let header = self.get("signature");
        assert!(header.contains(from), "{header}");
        self.set("signature", &header.replacen(from, to, 1));
    }

    /// The signature itself, as it is written, changed.
    fn rewrite(&mut self, change: impl FnOnce(&str) -> String) {
        let header = self.get("signature");
        let (before, value) = header.split_once(r#"signature=""#).unwrap();
        let value = change(value.strip_suffix('"').unwrap());
        self.set("signature", &format!(r#"{before}signature="{value}""#));
    }

    fn request(&self) -> Request {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        let mut request =
            lambda_http::http::Request::builder().method(self.method).uri(format!("{}{query}", self.path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = if self.body.is_empty() { Body::Empty } else { Body::Text(self.body.clone()) };
        request.body(body).unwrap().with_raw_http_path(&self.path)
    }

    /// The code that it is refused with; none if it passes.
    fn refused_at(&self, now: Timestamp) -> Option<&'static str> {
        match check_signature(&self.request(), &self.key, self.application.as_ref(), now) {
            Ok(()) => None,
            Err(Refusal::Signature(fault)) => Some(fault.code()),
            Err(Refusal::NotAnApplication) => Some("invalid_app_id"),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn refused(&self) -> Option<&'static str> {
        self.refused_at(now())
    }
}

/// What is done to a good request, and what it is refused with then.
type Row = (&'static str, fn(&mut Sent), Option<&'static str>);

fn check(good: fn() -> Sent, rows: &[Row]) {
    assert_eq!(good().refused(), None);
    for (what, change, code) in rows {
        let mut sent = good();
        change(&mut sent);
        assert_eq!(sent.refused(), *code, "{what}");
    }
}

#[test]
fn the_body_is_what_was_signed() {
    let rows: [Row; 14] = [
        ("a byte changed", |sent| sent.body = BODY.replace("149.30", "149.31"), Some("digest_mismatch")),
        (
            "a byte changed, and the digest",
            |sent| {
                sent.body = BODY.replace("149.30", "149.31");
                let digest = digest(sent.body.as_bytes());
                sent.set("digest", &digest);
            },
            Some("signature_wrong"),
        ),
        ("white space added", |sent| sent.body.push(' '), Some("digest_mismatch")),
        ("emptied", |sent| sent.body.clear(), Some("digest_mismatch")),
        (
            "emptied, and the digest not signed",
            |sent| {
                sent.body.clear();
                sent.remove("digest");
                sent.change_signature(WITH_BODY, WITHOUT_BODY);
            },
            Some("signature_wrong"),
        ),
        ("the digest of {}", |sent| sent.set("digest", &digest(b"{}")), Some("digest_mismatch")),
        ("the digest missing, though signed", |sent| sent.remove("digest"), Some("digest_missing")),
        ("the digest short", |sent| sent.set("digest", "SHA-256=AAAA"), Some("digest_malformed")),
        ("the digest by SHA-512", |sent| sent.set("digest", "SHA-512=AAAA"), Some("digest_malformed")),
        (
            "the digest without padding",
            |sent| {
                let digest = format!("SHA-256={}", BASE64_STANDARD_NO_PAD.encode(sha256(BODY.as_bytes())));
                sent.set("digest", &digest);
            },
            Some("digest_malformed"),
        ),
        (
            "the digest of a byte less",
            |sent| {
                let digest = format!("SHA-256={}", BASE64_STANDARD.encode(&sha256(BODY.as_bytes())[..31]));
                sent.set("digest", &digest);
            },
            Some("digest_mismatch"),
        ),
        (
            "the digest twice, as API Gateway joins it",
            |sent| {
                let digest = sent.get("digest");
                sent.set("digest", &format!("{digest},{digest}"));
            },
            Some("digest_malformed"),
        ),
        (
            "the digest twice",
            |sent| {
                let digest = sent.get("digest");
                sent.add("digest", &digest);
            },
            Some("digest_malformed"),
        ),
        (
            "another body, signed",
            |sent| {
                sent.body = "{}".to_owned();
                sent.set("digest", &digest(b"{}"));
                sent.sign(WITH_BODY);
            },
            None,
        ),
    ];
    check(Sent::connect, &rows);
    // Of GET and HEAD, which have none, a digest says nothing: one client sends that of `{}`.
    let beside: [Row; 2] = [
        ("a digest beside it", |sent| sent.set("digest", &digest(b"{}")), None),
        (
            "a digest beside HEAD",
            |sent| {
                sent.method = "HEAD";
                sent.sign(WITHOUT_BODY);
                sent.set("digest", &digest(b"{}"));
            },
            None,
        ),
    ];
    check(Sent::list, &beside);
}

#[test]
fn the_target_is_what_was_signed() {
    let rows: [Row; 14] = [
        ("the state changed", |sent| sent.query = sent.query.replace("a%20b", "a%20c"), Some("signature_wrong")),
        ("a parameter added", |sent| sent.query.push_str("&with_beneficiary=true"), Some("signature_wrong")),
        ("a parameter dropped", |sent| sent.query = "state=a%20b".to_owned(), Some("signature_wrong")),
        ("no query", |sent| sent.query.clear(), Some("signature_wrong")),
        (
            "parameters in another order",
            |sent| sent.query = "redirect_uri=https://shop.example/back?x=1&state=a%20b".to_owned(),
            Some("signature_wrong"),
        ),
        ("%26 for &", |sent| sent.query = sent.query.replace('&', "%26"), Some("signature_wrong")),
        ("%3D for =", |sent| sent.query = sent.query.replacen('=', "%3D", 1), Some("signature_wrong")),
        ("+ for %20", |sent| sent.query = sent.query.replace("%20", "+"), Some("signature_wrong")),
        ("%61 for a", |sent| sent.query = sent.query.replacen("state=a", "state=%61", 1), Some("signature_wrong")),
        ("another version", |sent| sent.path = "/pis/v1/connect".to_owned(), Some("signature_wrong")),
        ("another path", |sent| sent.path = "/pis/v2/refund".to_owned(), Some("signature_wrong")),
        ("the path encoded", |sent| sent.path = "/pis/v2/%63onnect".to_owned(), Some("signature_wrong")),
        ("a slash at its end", |sent| sent.path.push('/'), Some("signature_wrong")),
        ("another method", |sent| sent.method = "PATCH", Some("signature_wrong")),
    ];
    check(Sent::connect, &rows);
    assert!(crate::route::find("POST", "/pis/v2/%63onnect").is_none(), "an encoded path is no path of ours");
}

/// One client signs a query before its HTTP library encodes what no URL holds. What separates parameters is never decoded: by
/// that, one parameter would be signed as two.
#[test]
fn a_query_may_have_been_encoded_after_it_was_signed_but_for_what_separates() {
    let signed_as = |signed: &str, arrives: &str| {
        let mut sent = Sent::new("GET", "/pis/v2/payments", signed, "");
        sent.sign(WITHOUT_BODY);
        sent.query = arrives.to_owned();
        sent.refused()
    };
    for (signed, arrives) in [
        ("page[size]=2", "page%5Bsize%5D=2"),
        ("state=a b", "state=a%20b"),
        ("state=é\"<>\\^`{|}", "state=%C3%A9%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("state=é", "state=%c3%a9"),
        ("state=a%20b", "state=a%20b"),
        ("state=%", "state=%"),
        ("state=%5", "state=%5"),
        ("state=% b", "state=%%20b"),
    ] {
        assert_eq!(signed_as(signed, arrives), None, "{signed}");
    }
    for (signed, arrives) in [
        ("state=a&redirect_uri=x", "state=a%26redirect_uri=x"),
        ("state=a", "state%3Da"),
        ("state=a+b", "state=a%2Bb"),
        ("state=a+b", "state=a%20b"),
        ("state=a#b", "state=a%23b"),
        ("state=%20", "state=%2520"),
        ("state=a;b", "state=a%3Bb"),
        ("state=a?b", "state=a%3Fb"),
        ("state=a/b", "state=a%2Fb"),
        ("state=A", "state=%41"),
        // All of it or nothing: of a client that encodes, what it signs holds no encoded character of these.
        ("a=[&b=%5B", "a=%5B&b=%5B"),
    ] {
        assert_eq!(signed_as(signed, arrives), Some("signature_wrong"), "{signed}");
    }
}

#[test]
fn the_date_is_signed_and_within_five_minutes() {
    fn dated(sent: &mut Sent, seconds: i64) {
        sent.set("date", &date(seconds));
        sent.sign(WITH_BODY);
    }
    fn with_x_date(sent: &mut Sent) {
        sent.set("x-date", &date(0));
        sent.sign("(request-target) date x-date digest x-request-id");
    }
    fn written(sent: &mut Sent, text: &str) {
        sent.set("date", text);
        sent.sign(WITH_BODY);
    }
    let rows: [Row; 21] = [
        ("301 s old", |sent| dated(sent, -301), Some("date_skewed")),
        ("301 s ahead", |sent| dated(sent, 301), Some("date_skewed")),
        ("299 s old", |sent| dated(sent, -299), None),
        ("299 s ahead", |sent| dated(sent, 299), None),
        ("changed", |sent| sent.set("date", &date(1)), Some("signature_wrong")),
        ("changed by much", |sent| sent.set("date", &date(900)), Some("date_skewed")),
        ("missing", |sent| sent.remove("date"), Some("date_missing")),
        ("twice", |sent| sent.add("date", &date(0)), Some("date_malformed")),
        (
            "twice, as API Gateway joins it",
            |sent| sent.set("date", &format!("{},{}", date(0), date(0))),
            Some("date_malformed"),
        ),
        (
            "not signed",
            |sent| sent.change_signature(WITH_BODY, "(request-target) digest x-request-id"),
            Some("signature_headers_incomplete"),
        ),
        (
            "X-Date in its place",
            |sent| {
                sent.set("x-date", &date(0));
                sent.set("date", &date(9000));
                sent.sign("(request-target) x-date digest x-request-id");
            },
            None,
        ),
        ("X-Date too", with_x_date, None),
        (
            "X-Date changed, though signed",
            |sent| {
                with_x_date(sent);
                sent.set("x-date", &date(1));
            },
            Some("signature_wrong"),
        ),
        (
            "X-Date old, though the date is not",
            |sent| {
                sent.set("x-date", &date(-301));
                sent.sign("(request-target) date x-date digest x-request-id");
            },
            Some("date_skewed"),
        ),
        ("X-Date beside it, not signed", |sent| sent.set("x-date", "yesterday"), None),
        ("with -0000", |sent| written(sent, "Sun, 29 Nov 2026 14:52:20 -0000"), None),
        ("with an offset", |sent| written(sent, "Sun, 29 Nov 2026 16:52:20 +0200"), None),
        (
            "with an offset that is too far",
            |sent| written(sent, "Sun, 29 Nov 2026 14:52:20 +0200"),
            Some("date_skewed"),
        ),
        ("as RFC 3339", |sent| written(sent, "2026-11-29T14:52:20Z"), Some("date_malformed")),
        ("in seconds", |sent| written(sent, "1795963940"), Some("date_malformed")),
        ("empty", |sent| written(sent, ""), Some("date_malformed")),
    ];
    check(Sent::connect, &rows);
    let Err(Refusal::Signature(fault)) = check_signature(
        &Sent::connect().request(),
        &KEY.parse().unwrap(),
        Sent::connect().application.as_ref(),
        now() + SignedDuration::from_mins(6),
    ) else {
        panic!()
    };
    assert!(fault.to_string().ends_with("the server's time, Sun, 29 Nov 2026 14:58:20 GMT"), "{fault}");
}

#[test]
fn the_request_id_is_signed_and_random() {
    fn named(sent: &mut Sent, id: &str) {
        sent.set("x-request-id", id);
        sent.sign(WITH_BODY);
    }
    let rows: [Row; 9] = [
        ("changed", |sent| sent.set("x-request-id", "f55c6714-c7d4-439d-bc24-94883fd14069"), Some("signature_wrong")),
        ("missing", |sent| sent.remove("x-request-id"), Some("request_id_missing")),
        ("no UUID", |sent| named(sent, "order-42"), Some("request_id_malformed")),
        ("of version 1", |sent| named(sent, "f55c6714-c7d4-139d-bc24-94883fd14068"), Some("request_id_malformed")),
        (
            "of another variant",
            |sent| named(sent, "f55c6714-c7d4-439d-cc24-94883fd14068"),
            Some("request_id_malformed"),
        ),
        ("without hyphens", |sent| named(sent, &ID.replace('-', "")), Some("request_id_malformed")),
        ("twice", |sent| sent.add("x-request-id", ID), Some("request_id_malformed")),
        ("twice, joined", |sent| named(sent, &format!("{ID},{ID}")), Some("request_id_malformed")),
        ("in capitals", |sent| named(sent, &ID.to_uppercase()), None),
    ];
    check(Sent::connect, &rows);
    // Also of what is not signed.
    let mut sent = Sent::connect();
    sent.remove("signature");
    assert_eq!(sent.refused(), None);
    sent.set("x-request-id", "order-42");
    assert_eq!(sent.refused(), Some("request_id_malformed"));
}

#[test]
fn a_signature_covers_all_that_it_has_to_and_nothing_else() {
    let rows: [Row; 10] = [
        (
            "in another order, after it was signed",
            |sent| sent.change_signature(WITH_BODY, "date (request-target) digest x-request-id"),
            Some("signature_wrong"),
        ),
        ("in another order", |sent| sent.sign("x-request-id digest date (request-target)"), None),
        ("without the digest", |sent| sent.sign(WITHOUT_BODY), Some("signature_headers_incomplete")),
        ("without the target", |sent| sent.sign("date digest x-request-id"), Some("signature_headers_incomplete")),
        (
            "without the request id",
            |sent| sent.sign("(request-target) date digest"),
            Some("signature_headers_incomplete"),
        ),
        ("one twice", |sent| sent.sign(&format!("{WITH_BODY} date")), Some("signature_headers_incomplete")),
        ("one that it can't", |sent| sent.sign(&format!("{WITH_BODY} host")), Some("signature_headers_incomplete")),
        (
            "in capitals",
            |sent| sent.sign("(request-target) Date Digest X-Request-ID"),
            Some("signature_headers_incomplete"),
        ),
        (
            "with two spaces",
            |sent| sent.sign("(request-target)  date digest x-request-id"),
            Some("signature_headers_incomplete"),
        ),
        ("nothing", |sent| sent.sign(""), Some("signature_headers_incomplete")),
    ];
    check(Sent::connect, &rows);
    check(Sent::list, &[("no body, and a digest signed", |sent| sent.sign(WITH_BODY), Some("digest_missing"))]);
}

#[test]
fn a_signature_is_by_a_public_key_of_the_application() {
    let rows: [Row; 22] = [
        (
            "another application's id",
            |sent| sent.change_signature(KEY, "pk_test_demo_other"),
            Some("signature_key_id_wrong"),
        ),
        ("another merchant's", |sent| sent.change_signature(KEY, "pk_test_acme"), Some("signature_key_id_wrong")),
        (
            "another application's token",
            |sent| {
                sent.key = "pk_test_demo_other".parse().unwrap();
                sent.remove("app_id");
            },
            Some("signature_key_id_wrong"),
        ),
        (
            "another application's token, and its id in app_id",
            |sent| sent.key = "pk_test_demo_other".parse().unwrap(),
            Some("invalid_app_id"),
        ),
        ("another application in app_id", |sent| sent.set("app_id", "pk_test_acme"), Some("invalid_app_id")),
        ("app_id twice", |sent| sent.add("app_id", KEY), Some("invalid_app_id")),
        ("no app_id", |sent| sent.remove("app_id"), None),
        (
            "another application's key",
            |sent| sent.sign_by(&OTHER, &RSA_PKCS1_SHA256, WITH_BODY),
            Some("signature_wrong"),
        ),
        (
            "a key that was removed",
            |sent| sent.application = Some(application(vec![public(&OTHER)])),
            Some("signature_wrong"),
        ),
        (
            "the second of two keys",
            |sent| sent.application = Some(application(vec![public(&OTHER), public(&DEMO)])),
            None,
        ),
        (
            "the first of two keys",
            |sent| sent.application = Some(application(vec![public(&DEMO), public(&OTHER)])),
            None,
        ),
        ("no keys", |sent| sent.application = Some(application(vec![])), Some("signature_no_public_key")),
        ("no application", |sent| sent.application = None, Some("signature_no_public_key")),
        ("algorithm none", |sent| sent.change_signature("rsa-sha256", "none"), Some("signature_algorithm_unsupported")),
        ("hs2019", |sent| sent.change_signature("rsa-sha256", "hs2019"), Some("signature_algorithm_unsupported")),
        ("rsa-sha1", |sent| sent.change_signature("rsa-sha256", "rsa-sha1"), Some("signature_algorithm_unsupported")),
        (
            "in capitals",
            |sent| sent.change_signature("rsa-sha256", "RSA-SHA256"),
            Some("signature_algorithm_unsupported"),
        ),
        (
            "HMAC with the public key as the secret",
            |sent| {
                let tag = hmac::sign(
                    &hmac::Key::new(hmac::HMAC_SHA256, &public(&DEMO).spki),
                    sent.text(WITH_BODY).as_bytes(),
                );
                sent.put_signature(KEY, "hmac-sha256", WITH_BODY, tag.as_ref());
            },
            Some("signature_algorithm_unsupported"),
        ),
        (
            "HMAC with the public key, called RSA",
            |sent| {
                let tag =
                    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, PUBLIC.as_bytes()), sent.text(WITH_BODY).as_bytes());
                sent.put_signature(KEY, "rsa-sha256", WITH_BODY, tag.as_ref());
            },
            Some("signature_wrong"),
        ),
        (
            "HMAC with app_secret",
            |sent| {
                let tag =
                    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), sent.text(WITH_BODY).as_bytes());
                sent.put_signature(KEY, "hmac-sha256", WITH_BODY, tag.as_ref());
            },
            Some("signature_algorithm_unsupported"),
        ),
        ("RSA-PSS", |sent| sent.sign_by(&DEMO, &RSA_PSS_SHA256, WITH_BODY), Some("signature_wrong")),
        (
            "that of another request",
            |sent| {
                let other = Sent::list().get("signature");
                let value = other.split_once(r#"signature=""#).unwrap().1.to_owned();
                sent.rewrite(|_| value.trim_end_matches('"').to_owned());
            },
            Some("signature_wrong"),
        ),
    ];
    check(Sent::connect, &rows);
}

#[test]
fn a_signature_is_written_as_signatures_are() {
    let rows: [Row; 18] = [
        ("missing", |sent| sent.remove("signature"), None),
        ("no header's text", |sent| sent.set("signature", ""), Some("signature_malformed")),
        ("empty", |sent| sent.rewrite(|_| String::new()), Some("signature_malformed")),
        (
            "a byte short",
            |sent| sent.rewrite(|value| BASE64_STANDARD.encode(&BASE64_STANDARD.decode(value).unwrap()[..255])),
            Some("signature_wrong"),
        ),
        ("a digit short", |sent| sent.rewrite(|value| value[1..].to_owned()), Some("signature_malformed")),
        (
            "without padding",
            |sent| sent.rewrite(|value| value.trim_end_matches('=').to_owned()),
            Some("signature_malformed"),
        ),
        (
            "in the alphabet of URLs",
            |sent| {
                sent.rewrite(|value| {
                    let mut bytes = BASE64_STANDARD.decode(value).unwrap();
                    bytes[..3].fill(0xff);
                    BASE64_URL_SAFE.encode(bytes)
                });
            },
            Some("signature_malformed"),
        ),
        (
            "twice",
            |sent| {
                let signature = sent.get("signature");
                sent.add("signature", &signature);
            },
            Some("signature_malformed"),
        ),
        (
            "twice, as API Gateway joins it",
            |sent| {
                let signature = sent.get("signature");
                sent.set("signature", &format!("{signature},{signature}"));
            },
            Some("signature_malformed"),
        ),
        (
            "of 2049 bytes",
            |sent| {
                let long = format!("{:2049}", sent.get("signature"));
                sent.set("signature", &long);
            },
            Some("signature_malformed"),
        ),
        (
            "a parameter twice",
            |sent| {
                let twice = format!(r#"{},signature="AAAA""#, sent.get("signature"));
                sent.set("signature", &twice);
            },
            Some("signature_malformed"),
        ),
        (
            "a parameter missing",
            |sent| sent.change_signature(r#"algorithm="rsa-sha256","#, ""),
            Some("signature_malformed"),
        ),
        (
            "a parameter that there isn't",
            |sent| sent.change_signature("algorithm=", r#"created="1",algorithm="#),
            Some("signature_malformed"),
        ),
        ("without quotes", |sent| sent.change_signature(r#""rsa-sha256""#, "rsa-sha256"), Some("signature_malformed")),
        ("a quote inside", |sent| sent.change_signature("rsa-sha256", "rsa\"sha256"), Some("signature_malformed")),
        ("names in capitals", |sent| sent.change_signature("keyId", "KEYID"), Some("signature_malformed")),
        (
            "a space after each comma",
            |sent| {
                let spaced = sent.get("signature").replace("\",", "\", ");
                sent.set("signature", &spaced);
            },
            None,
        ),
        (
            "in another order",
            |sent| {
                let signature = sent.get("signature");
                let (first, rest) = signature.split_once(',').unwrap();
                sent.set("signature", &format!("{rest},{first}"));
            },
            None,
        ),
    ];
    check(Sent::connect, &rows);
}

#[test]
fn live_requests_and_those_of_who_says_so_have_to_be_signed() {
    let unsigned = |key: &str, application: Option<Application>| {
        let mut sent = Sent::connect();
        sent.remove("signature");
        sent.remove("app_id");
        (sent.key, sent.application) = (key.parse().unwrap(), application);
        sent
    };
    let signed = Application { signed: true, ..application(vec![]) };
    let live = || Some(samples::application(&"pk_live_demo".parse().unwrap()));
    for (key, application, code) in [
        (KEY, None, None),
        (KEY, Some(application(vec![])), None),
        (KEY, Some(signed), Some("signature_missing")),
        ("pk_live_demo", None, Some("signature_missing")),
        ("pk_live_demo", live(), Some("signature_missing")),
    ] {
        let mut sent = unsigned(key, application);
        assert_eq!(sent.refused(), code, "{key}");
        // A token may be asked for without one.
        sent.path = "/oauth/accesstoken".to_owned();
        assert_eq!(sent.refused(), None, "{key}");
    }
    // What is not signed has its own body all the same, if it says so.
    let mut sent = unsigned(KEY, None);
    sent.body.push(' ');
    assert_eq!(sent.refused(), Some("digest_mismatch"));
    sent.remove("digest");
    assert_eq!(sent.refused(), None);
    let mut sent = Sent::connect();
    sent.path = "/oauth/accesstoken".to_owned();
    assert_eq!(sent.refused(), Some("signature_wrong"), "of a token, too, if there is one");
}

#[test]
fn a_repeat_is_the_same_request_until_its_date_is_old() {
    let of = |sent: &Sent| {
        let request = sent.request();
        let print = fingerprint(&request, &Json::read(sent.body.as_bytes()).unwrap()).unwrap();
        let key = IdempotencyKey::of(&request, Format::Fintecture).unwrap().unwrap();
        (key, print)
    };
    let (first, print) = of(&Sent::connect());
    let changed = |change: fn(&mut Sent)| {
        let mut sent = Sent::connect();
        change(&mut sent);
        of(&sent)
    };
    // What differs in every repeat, and how the body is written, make no other request of it.
    for change in [
        |sent: &mut Sent| sent.set("date", &date(1)),
        |sent: &mut Sent| sent.remove("signature"),
        |sent: &mut Sent| sent.set("authorization", "Bearer another"),
        |sent: &mut Sent| sent.set("app_id", "pk_test_demo_other"),
        |sent: &mut Sent| sent.key = "pk_test_demo_other".parse().unwrap(),
        |sent: &mut Sent| sent.body.push(' '),
        |sent: &mut Sent| sent.set("x-request-id", &ID.to_uppercase()),
    ] {
        assert_eq!(changed(change), (first.clone(), print));
    }
    for change in [
        |sent: &mut Sent| sent.body = BODY.replace("149.30", "149.31"),
        |sent: &mut Sent| sent.query.push_str("&with_beneficiary=true"),
        |sent: &mut Sent| sent.path = "/pis/v2/request-to-pay".to_owned(),
        |sent: &mut Sent| sent.set("x-language", "fr"),
        |sent: &mut Sent| sent.set("x-country", "fr"),
        |sent: &mut Sent| sent.set("x-psu-type", "retail"),
        |sent: &mut Sent| sent.set("x-provider", "fr"),
    ] {
        let (key, other) = changed(change);
        assert!(key == first && other != print);
    }
    assert_ne!(changed(|sent| sent.set("x-request-id", "0e61cc47-6b92-4a6a-8951-3ddd8a462ee8")).0, first);
    let later = |seconds| Sent::connect().refused_at(now() + SignedDuration::from_secs(seconds));
    assert_eq!((later(1), later(360)), (None, Some("date_skewed")));
}

#[derive(Deserialize)]
struct ByClient {
    client: String,
    method: String,
    target: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
}

/// Made once by the official clients, as they are, with the demo application's key; `Date` of one is in GMT, of the other -0000.
#[test]
fn what_the_official_clients_sign_passes() {
    let all: Vec<ByClient> = serde_json::from_str(include_str!("signed_by_clients.json")).unwrap();
    let application = application(vec![read_public_key(PUBLIC, now()).unwrap()]);
    let mut clients = std::collections::BTreeSet::new();
    for ByClient { client, method, target, headers, body } in &all {
        let (path, _) = target.split_once('?').unwrap_or((target, ""));
        let mut request = lambda_http::http::Request::builder().method(method.as_str()).uri(target);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::Text(body.clone())).unwrap().with_raw_http_path(path);
        let checked = check_signature(&request, &KEY.parse().unwrap(), Some(&application), now());
        assert_eq!(checked, Ok(()), "{client}: {method} {target}");
        clients.insert(client);
    }
    assert_eq!((all.len(), clients.len()), (9, 2));
}
