//! The webhook of the mock bank whose money moves at consent: made here and read here, as by two strangers.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use jiff::{SignedDuration, Timestamp};
use models::ProviderPaymentId;
use serde::{Deserialize, Serialize};

use crate::event::{NotGenuine, ProviderEvent, RawEvent};

/// The key of every signature. It is public because the mock bank has no money.
const KEY: &[u8] = b"the mock bank has no money, so its key is public";

/// The header of the signature: `t=<seconds>,v1=<HMAC-SHA256 in hexadecimal digits>` over `<method> <path>`, a line feed, the
/// seconds, a line feed, and the body's bytes.
const SIGNATURE: &str = "mock-signature";

/// How far the time of the signature may be from ours. What is older may have been recorded and sent again.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// What the webhook says.
#[derive(Debug, Serialize, Deserialize)]
struct EventBody {
    payment_id: ProviderPaymentId,
}

/// A webhook that is ready to be sent by `POST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvent {
    /// Where, from the base URL on.
    pub path: String,
    /// Names and values.
    pub headers: [(&'static str, String); 2],
    /// The bytes that are signed.
    pub body: String,
}

/// Where a provider's webhooks go, from the base URL on.
pub(super) fn webhook_path(provider: &str) -> String {
    format!("/providers/{provider}/webhook")
}

/// The webhook of `provider` which says that something happened to this payment.
pub(super) fn sign(provider: &str, payment_id: &ProviderPaymentId, now: Timestamp) -> SignedEvent {
    let path = webhook_path(provider);
    let body = serde_json::json!(EventBody { payment_id: payment_id.clone() }).to_string();
    let seconds = now.as_second();
    let tag = hmac(&[signed_prefix("POST", &path, seconds).as_bytes(), body.as_bytes()]);
    let headers = [("content-type", "application/json".to_owned()), (SIGNATURE, format!("t={seconds},v1={tag}"))];
    SignedEvent { path, headers, body }
}

/// Which payment a webhook of `provider` is about, if it is genuine.
pub(super) fn read(provider: &str, event: &RawEvent<'_>) -> Result<ProviderEvent, NotGenuine> {
    let signature = event.header(SIGNATURE).ok_or(NotGenuine)?;
    let (seconds, tag) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).ok_or(NotGenuine)?;
    let seconds: i64 = seconds.parse().map_err(|_| NotGenuine)?;
    let signed_at = Timestamp::from_second(seconds).map_err(|_| NotGenuine)?;
    if event.path != webhook_path(provider) || event.now.duration_since(signed_at).abs() > TOLERANCE {
        return Err(NotGenuine);
    }
    let expected = hmac(&[signed_prefix(event.method, event.path, seconds).as_bytes(), event.body]);
    verify_slices_are_equal(expected.as_bytes(), tag.as_bytes()).map_err(|_| NotGenuine)?;
    let EventBody { payment_id } = serde_json::from_slice(event.body).map_err(|_| NotGenuine)?;
    Ok(ProviderEvent { payment_id })
}

/// The token in the link to the page of a payment.
pub(super) fn link_token(payment_id: &ProviderPaymentId) -> String {
    hmac(&[b"link\n", payment_id.as_str().as_bytes()])
}

fn signed_prefix(method: &str, path: &str, seconds: i64) -> String {
    format!("{method} {path}\n{seconds}\n")
}

/// In hexadecimal digits.
fn hmac(parts: &[&[u8]]) -> String {
    let mut context = Context::with_key(&Key::new(HMAC_SHA256, KEY));
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
