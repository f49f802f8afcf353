//! The headers by which Fintecture's clients check a webhook. They decrypt the signature by the application's private key, and
//! compare: everyone who knows the public key can make it, so that it proves no origin. What does is `webhook-signature`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use httpdate::fmt_http_date;
use uuid::Uuid;

use crate::signature::MessageId;

/// The application that an endpoint was registered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryApplication {
    /// Its id.
    pub app_id: String,
    /// Its newest public key: a `SubjectPublicKeyInfo` in DER.
    pub spki: Vec<u8>,
}

/// What one attempt to deliver a message is called, when it is made, and what its body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecryptableHeaders {
    /// `Date` (RFC 9110, 5.6.7).
    pub date: String,
    /// `Digest`: `SHA-256=` and that of the body's bytes in base64.
    pub digest: String,
    /// `X-Request-ID`: a UUID of the attempt's own, the same for the same message and time.
    pub request_id: String,
    /// `Signature`, if there is a public key to make it by.
    pub signature: Option<String>,
}

impl DecryptableHeaders {
    /// Of this attempt, for this application if the endpoint has one with a public key.
    pub fn new(id: &MessageId, timestamp_s: i64, body: &[u8], application: Option<&DeliveryApplication>) -> Self {
        let date = fmt_http_date(time(timestamp_s));
        let digest = format!("SHA-256={}", BASE64_STANDARD.encode(sha256(body)));
        let request_id = request_id(id, timestamp_s).to_string();
        // The clients know these names in this order, without a space after the commas, and no others.
        let signed = format!("date: {date}\ndigest: {digest}\nx-request-id: {request_id}");
        let signature = application.and_then(|DeliveryApplication { app_id, spki }| {
            let value = encrypt(spki, signed.as_bytes())?;
            let parameters = r#"algorithm="rsa-sha256",headers="date digest x-request-id""#;
            Some(format!(r#"keyId="{app_id}",{parameters},signature="{value}""#))
        });
        Self { date, digest, request_id, signature }
    }
}

/// The system's time of a timestamp; the beginning of 1970 for what is before that.
fn time(timestamp_s: i64) -> SystemTime {
    let since = Duration::from_secs(u64::try_from(timestamp_s).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

fn request_id(id: &MessageId, timestamp_s: i64) -> Uuid {
    let mut bytes = [0; 16];
    let hash = sha256(format!("{id}.{timestamp_s}").as_bytes());
    bytes.iter_mut().zip(hash).for_each(|(byte, derived)| *byte = derived);
    Uuid::new_v8(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// RSA-OAEP with SHA-1 (RFC 8017, 7.1), in base64; none if this is no public key of 2048 bits or more, which no application's
/// is.
fn encrypt(spki: &[u8], plain: &[u8]) -> Option<String> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(spki).ok()?).ok()?;
    let mut buffer = vec![0; key.ciphertext_size()];
    let encrypted = key.encrypt(&OAEP_SHA1_MGF1SHA1, plain, &mut buffer, None).ok()?;
    Some(BASE64_STANDARD.encode(encrypted))
}

#[cfg(test)]
mod tests;
