//! TrueLayer's webhooks.
//!
//! <https://docs.truelayer.com/docs/payments-api-webhook-reference>,
//! <https://docs.truelayer.com/docs/verify-the-signature-of-a-payment-webhook>

use jiff::{SignedDuration, Timestamp};
use models::ProviderPaymentId;
use providers::{EventRefusal, NotGenuine, RawEvent};
use serde::Deserialize;

use crate::jwks::Jwks;
use crate::signature::{Signature, TL_SIGNATURE};

/// The header that says when a webhook was sent. It is always among those that are signed.
const TIMESTAMP: &str = "X-Tl-Webhook-Timestamp";

/// How old a webhook may be. TrueLayer sends one for up to 72 hours until it is accepted
/// (<https://docs.truelayer.com/docs/webhook-notifications-payouts-api>), and does not say whether each time has a timestamp of its
/// own. One that somebody sends again within that time does nothing: it only lets the payment's status be asked for.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(72);

/// How far TrueLayer's clock may be from ours.
const MAX_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The longest body, in bytes. TrueLayer's are of some KiB.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What every webhook about a payment or a refund has in its body.
#[derive(Deserialize)]
struct Event {
    payment_id: ProviderPaymentId,
}

/// Which payment a webhook is about, if TrueLayer sent it to `public_path`: the path that TrueLayer knows, whatever the path is by
/// which the webhook has come to the function.
///
/// # Errors
/// TrueLayer did not send it, or more than 72 hours ago; it is about no payment; or TrueLayer's keys could not be had.
pub(crate) async fn verify(
    event: &RawEvent<'_>,
    public_path: &str,
    jwks: &Jwks,
    now: Timestamp,
) -> Result<ProviderPaymentId, EventRefusal> {
    if event.body.len() > MAX_BODY_BYTES {
        return Err(NotGenuine.into());
    }
    let text = event.header(TL_SIGNATURE).ok_or(NotGenuine)?;
    let sent_at: Timestamp = event.header(TIMESTAMP).and_then(|text| text.parse().ok()).ok_or(NotGenuine)?;
    let signature = Signature::read(text, &[TIMESTAMP]).map_err(|_| NotGenuine)?;
    let age = now.duration_since(sent_at);
    // Before anything is asked for: these are no more than somebody's word.
    if signature.jwks_url() != Some(jwks.url()) || age < -MAX_SKEW || age > MAX_AGE + MAX_SKEW {
        return Err(NotGenuine.into());
    }
    let key = jwks.key(signature.key_id(), now).await.map_err(EventRefusal::Unreachable)?.ok_or(NotGenuine)?;
    signature.verify(&key, event.method, public_path, event.headers, event.body).map_err(|_| NotGenuine)?;
    // Payouts, mandates, and what TrueLayer may send one day.
    let Event { payment_id } = serde_json::from_slice(event.body).map_err(|_| EventRefusal::NothingOfOurs)?;
    Ok(payment_id)
}

#[cfg(test)]
mod tests;
