//! Checking who signed a request: RSA over its target, date, digest and id, each as it came (the vendor's "HTTP signatures",
//! after draft-cavage-http-signatures).
//!
//! Of what can be wrong the first answers, in the order in which it is written here. Who sent the request is known before: its
//! credentials are the application's.

use aws_lc_rs::constant_time;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use lambda_http::http::{HeaderMap, Method};
use lambda_http::{Request, RequestExt};
use models::{ApiKeyId, Application, Mode};

use super::headers::{GivenOtherwise, REQUEST_ID, check_application, once, request_id};
use crate::error::{Refusal, SignatureFault};
use crate::secrets::sha256;

/// How far the date that was signed may be from now.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The longest header `Signature` that is read: the signature of a key of 8192 bits has 1368 digits.
const MAX_BYTES: usize = 2048;

/// Where a token is asked for. One client signs that, others don't.
const TOKEN_PATH: &str = "/oauth/accesstoken";

const TARGET: &str = "(request-target)";
const DATE: &str = "date";
const X_DATE: &str = "x-date";
const DIGEST: &str = "digest";

/// All that a signature can cover.
const NAMES: [&str; 5] = [TARGET, DATE, X_DATE, DIGEST, REQUEST_ID];

/// Checks that a request of this key's application was signed by it, if it has to be, or says that it was.
///
/// # Errors
/// 401 with the first thing that is wrong.
pub(crate) fn check(
    request: &Request,
    key: &ApiKeyId,
    application: Option<&Application>,
    now: Timestamp,
) -> Result<(), Refusal> {
    check_application(request.headers(), key)?;
    check_signature(request, key, application, now).map_err(Refusal::Signature)
}

fn check_signature(
    request: &Request,
    key: &ApiKeyId,
    application: Option<&Application>,
    now: Timestamp,
) -> Result<(), SignatureFault> {
    let headers = request.headers();
    let given = once(headers, "signature").map_err(|GivenOtherwise| SignatureFault::Malformed)?;
    let Some(given) = given else {
        if is_needed(request, key, application) {
            return Err(SignatureFault::Missing);
        }
        request_id(headers)?;
        return check_digest(request, false);
    };
    let signature = Signature::read(given).ok_or(SignatureFault::Malformed)?;
    if signature.algorithm != "rsa-sha256" {
        return Err(SignatureFault::Algorithm);
    }
    if signature.key_id != key.as_str() {
        return Err(SignatureFault::KeyId);
    }
    let public_keys = application.map(|application| application.public_keys.as_slice()).unwrap_or_default();
    if public_keys.is_empty() {
        return Err(SignatureFault::NoKeys);
    }
    let names = signature.names(!request.body().is_empty()).ok_or(SignatureFault::Headers)?;
    request_id(headers)?.ok_or(SignatureFault::RequestIdMissing)?;
    check_digest(request, names.contains(&DIGEST))?;
    for name in names.iter().filter(|name| [DATE, X_DATE].contains(*name)) {
        check_date(headers, name, now)?;
    }
    let holds = |query: &[u8]| {
        let signed = signed(request, &names, query);
        let is_signed_by =
            |spki| UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki).verify(&signed, &signature.value).is_ok();
        public_keys.iter().any(|public_key| is_signed_by(&public_key.spki))
    };
    let query = request.uri().query().unwrap_or("").as_bytes();
    let before_encoding = before_encoding(query);
    if holds(query) || (before_encoding != query && holds(&before_encoding)) {
        Ok(())
    } else {
        Err(SignatureFault::Wrong)
    }
}

/// Whether the request has to be signed: all live ones have, but for a token.
fn is_needed(request: &Request, key: &ApiKeyId, application: Option<&Application>) -> bool {
    let by_application = application.map_or(key.mode() == Mode::Live, Application::needs_signature);
    by_application && request.raw_http_path() != TOKEN_PATH
}

/// The header `Signature`.
struct Signature<'a> {
    key_id: &'a str,
    algorithm: &'a str,
    headers: &'a str,
    value: Vec<u8>,
}

impl<'a> Signature<'a> {
    /// Four parameters, each once, in any order: `keyId="…",algorithm="…",headers="…",signature="…"`.
    fn read(text: &'a str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let (mut key_id, mut algorithm, mut headers, mut value) = (None, None, None, None);
        for parameter in text.split(',') {
            let (name, quoted) = parameter.trim_matches([' ', '\t']).split_once('=')?;
            let text = quoted.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('"'))?;
            let part = match name {
                "keyId" => &mut key_id,
                "algorithm" => &mut algorithm,
                "headers" => &mut headers,
                "signature" => &mut value,
                _ => return None,
            };
            if part.replace(text).is_some() {
                return None;
            }
        }
        let value = BASE64_STANDARD.decode(value?).ok().filter(|value| !value.is_empty())?;
        Some(Self { key_id: key_id?, algorithm: algorithm?, headers: headers?, value })
    }

    /// What it covers, in its order; none if that is not all that it has to, something twice, or what it can't.
    fn names(&self, has_body: bool) -> Option<Vec<&'static str>> {
        let mut names = Vec::new();
        for given in self.headers.split(' ') {
            let name = NAMES.into_iter().find(|name| *name == given).filter(|name| !names.contains(name))?;
            names.push(name);
        }
        let covers = |name| names.contains(&name);
        let is_whole = covers(TARGET) && covers(REQUEST_ID) && (covers(DATE) || covers(X_DATE));
        (is_whole && (covers(DIGEST) || !has_body)).then_some(names)
    }
}

/// Checks the digest of the body, as it was received: if it has to be there, it is. One client sends that of another body
/// along with GET, which has none, as HEAD.
fn check_digest(request: &Request, is_needed: bool) -> Result<(), SignatureFault> {
    let given = once(request.headers(), DIGEST).map_err(|GivenOtherwise| SignatureFault::DigestMalformed)?;
    let Some(given) = given else {
        return if is_needed { Err(SignatureFault::DigestMissing) } else { Ok(()) };
    };
    let body: &[u8] = request.body();
    if body.is_empty() && matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let digest = given.strip_prefix("SHA-256=").filter(|digest| digest.len() == 44);
    let digest = digest.and_then(|digest| BASE64_STANDARD.decode(digest).ok());
    let digest = digest.ok_or(SignatureFault::DigestMalformed)?;
    constant_time::verify_slices_are_equal(&digest, &sha256(body)).map_err(|_| SignatureFault::DigestMismatch)
}

/// Checks a date that is signed (RFC 2822, 3.3; its zones may be numbers or names): near `now`.
fn check_date(headers: &HeaderMap, name: &str, now: Timestamp) -> Result<(), SignatureFault> {
    let given = once(headers, name).map_err(|GivenOtherwise| SignatureFault::DateMalformed)?;
    let given = given.ok_or(SignatureFault::DateMissing)?;
    let date = rfc2822::DateTimeParser::new().parse_timestamp(given).map_err(|_| SignatureFault::DateMalformed)?;
    if now.duration_since(date).abs() > MAX_SKEW {
        return Err(SignatureFault::DateSkewed { server: now });
    }
    Ok(())
}

/// What a signature is made of: `name: value` of each that it covers, a line each.
fn signed(request: &Request, names: &[&str], query: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for name in names {
        let mut line = format!("{name}: ").into_bytes();
        if *name == TARGET {
            line.extend_from_slice(request.method().as_str().to_ascii_lowercase().as_bytes());
            line.push(b' ');
            line.extend_from_slice(request.raw_http_path().as_bytes());
            if !query.is_empty() {
                line.push(b'?');
                line.extend_from_slice(query);
            }
        } else {
            // Each is there, and once: that was checked before.
            let value = request.headers().get(*name).map(|value| value.as_bytes()).unwrap_or_default();
            line.extend_from_slice(value);
        }
        lines.push(line);
    }
    lines.join(&b'\n')
}

/// A query as it was before its client's HTTP library encoded what no URL holds, which is after the client had signed it. What
/// separates parameters or means something in them stays as it is, or one parameter would be signed as two.
fn before_encoding(query: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(query.len());
    let mut rest = query;
    while let Some((&byte, after)) = rest.split_first() {
        let encoded = match (byte, after) {
            (b'%', [high, low, after @ ..]) => hex(*high, *low).filter(|byte| is_encoded_late(*byte)).zip(Some(after)),
            _ => None,
        };
        let (byte, after) = encoded.unwrap_or((byte, after));
        decoded.push(byte);
        rest = after;
    }
    decoded
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// What a URL can't hold as it is, and is no separator.
const fn is_encoded_late(byte: u8) -> bool {
    matches!(byte, b' ' | b'"' | b'<' | b'>' | b'[' | b']' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x80..)
}
