//! `Tl-Signature`: how a request of ours and a webhook of TrueLayer's are signed.
//!
//! It is a JSON Web Signature without its content (RFC 7515, appendix F) by ES512 (RFC 7518, 3.4), over the method, the path,
//! some headers and the body, to the byte.
//! <https://github.com/TrueLayer/truelayer-signing/blob/main/request-signing-v2.md>

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::credentials::SigningKey;
use crate::jwks::PublicKey;

/// The name of the header that holds it.
pub const TL_SIGNATURE: &str = "Tl-Signature";

/// The one way to sign.
const ALGORITHM: &str = "ES512";

/// The version that signs method, path and headers too.
const VERSION: &str = "2";

/// The longest signature, in characters. Those of webhooks have some 430.
const MAX_CHARS: usize = 2_048;

/// The most headers that one signature is over. Those of webhooks are over one or two.
const MAX_HEADERS: usize = 16;

/// The value of [`TL_SIGNATURE`] for a request: to this path, with these headers, in this order and case, and this body. All
/// of them have to be sent as they are given here.
pub fn sign(key: &SigningKey, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
    let fields = [
        ("alg", Some(ALGORITHM)),
        ("kid", Some(key.key_id())),
        ("tl_version", Some(VERSION)),
        ("tl_headers", Some(names.as_str())),
        ("jku", key.jwks_url()),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    let header = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(fields.collect::<Map<_, _>>()).to_string());
    let value = key.sign(&message(&header, method, path, headers, body));
    format!("{header}..{value}")
}

/// What is signed.
fn message(header: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut content = format!("{method} {path}\n");
    for &(name, value) in headers {
        content.extend([name, ": ", value, "\n"]);
    }
    let content = [content.as_bytes(), body].concat();
    format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(content)).into_bytes()
}

/// The signature can't be read, or is not of this request by this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a valid Tl-Signature")]
pub struct InvalidSignature;

/// A signature that was read, and verified by nobody yet.
#[derive(Debug, Clone)]
pub struct Signature<'a> {
    /// As it was signed.
    header: &'a str,
    fields: Fields,
    value: Vec<u8>,
}

/// The header of the JSON Web Signature.
#[derive(Debug, Clone, Deserialize)]
struct Fields {
    alg: String,
    kid: String,
    tl_version: String,
    tl_headers: String,
    jku: Option<String>,
}

impl<'a> Signature<'a> {
    /// Reads the value of [`TL_SIGNATURE`]. The headers in `required`, in any case, must be among those that are signed.
    ///
    /// # Errors
    /// It is no signature by ES512 in version 2, is longer than any, or leaves out what is required.
    pub fn read(text: &'a str, required: &[&str]) -> Result<Self, InvalidSignature> {
        if text.len() > MAX_CHARS {
            return Err(InvalidSignature);
        }
        let (header, value) = text.split_once("..").ok_or(InvalidSignature)?;
        let value = decode(value)?;
        let fields: Fields = serde_json::from_slice(&decode(header)?).map_err(|_| InvalidSignature)?;
        let signature = Self { header, fields, value };
        let known = signature.fields.alg == ALGORITHM && signature.fields.tl_version == VERSION;
        let covers = |required: &&str| signature.names().any(|name| name.eq_ignore_ascii_case(required));
        if known && signature.names().count() <= MAX_HEADERS && required.iter().all(covers) {
            Ok(signature)
        } else {
            Err(InvalidSignature)
        }
    }

    /// Which key it says that it is by.
    pub fn key_id(&self) -> &str {
        &self.fields.kid
    }

    /// Where it says that this key is published. Anybody can write anything there: it is compared, and not called.
    pub fn jwks_url(&self) -> Option<&str> {
        self.fields.jku.as_deref()
    }

    /// Which headers it is over.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.tl_headers.split(',').filter(|name| !name.is_empty())
    }

    /// Whether it is by this key, over this method, path and body, and over those of these headers that it names. A slash at the
    /// path's end may be there on one side and missing on the other, as TrueLayer's libraries have it.
    ///
    /// # Errors
    /// It is not; or a header that it names is missing, or is there more than once.
    pub fn verify(
        &self,
        key: &PublicKey,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(), InvalidSignature> {
        let signed = self.names().map(|name| Some((name, only(headers, name)?))).collect::<Option<Vec<_>>>();
        let signed = signed.ok_or(InvalidSignature)?;
        let other_path = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        let verifies = |path: &str| key.verifies(&message(self.header, method, path, &signed, body), &self.value);
        if verifies(path) || verifies(&other_path) { Ok(()) } else { Err(InvalidSignature) }
    }
}

/// The value of the one header of this name.
fn only<'a>(headers: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let mut values = headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    values.next().is_none().then_some(*value)
}

fn decode(text: &str) -> Result<Vec<u8>, InvalidSignature> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSignature)
}

#[cfg(test)]
mod tests;
