//! How a delivery is signed, in two ways at once.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, Tag};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use thiserror::Error;

use crate::secret::WebhookSecret;

/// The longest id of a message.
const MAX_ID_CHARS: usize = 128;

/// The id of a message, the same however often it is sent: 1 to 128 letters, digits, `_` and `-`. No full stop, which
/// is what the parts of the signed text are separated by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

/// What was given is not an id of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a valid message id")]
pub struct InvalidMessageId;

impl MessageId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, InvalidMessageId> {
        let valid = (1..=MAX_ID_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidMessageId) }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of `webhook-signature`: one signature for each secret, in their order, separated by spaces.
///
/// Standard Webhooks, version 1, symmetric: `v1,` and the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`, with
/// the key inside the secret.
/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub fn standard_signature<'a>(
    id: &MessageId,
    timestamp_s: i64,
    body: &[u8],
    secrets: impl IntoIterator<Item = &'a WebhookSecret>,
) -> String {
    let prefix = format!("{id}.{timestamp_s}.");
    let sign = |secret: &WebhookSecret| {
        format!("v1,{}", BASE64_STANDARD.encode(hmac_sha256(secret.key(), &[prefix.as_bytes(), body])))
    };
    secrets.into_iter().map(sign).collect::<Vec<_>>().join(" ")
}

/// The value of `Banked-Signature`: `<timestamp>.` and the hexadecimal HMAC-SHA256 over `<timestamp>.<body>`. Its key is
/// the secret's whole text, `whsec_` included, as Banked's libraries take the secret as they are given it.
/// <https://github.com/banked/banked-node/blob/master/src/webhooks/validate.js>
pub fn banked_signature(timestamp_s: i64, body: &[u8], secret: &WebhookSecret) -> String {
    let prefix = format!("{timestamp_s}.");
    let tag = hmac_sha256(secret.expose().as_bytes(), &[prefix.as_bytes(), body]);
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    prefix + &digits
}

/// The value of `X-Yorlet-Signature`: the base64 of HMAC-SHA256 over the body. Its key is the secret's whole text, as Banked's
/// is. It holds no time, and so can be sent again by anyone who has seen it: [`standard_signature`] stands beside it.
pub fn yorlet_signature(body: &[u8], secret: &WebhookSecret) -> String {
    BASE64_STANDARD.encode(hmac_sha256(secret.expose().as_bytes(), &[body]))
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Tag {
    let mut context = Context::with_key(&Key::new(HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

#[cfg(test)]
mod tests;
