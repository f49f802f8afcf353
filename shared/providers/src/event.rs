//! A provider's webhook.

use jiff::Timestamp;
use models::ProviderPaymentId;
use thiserror::Error;

/// A webhook as it came, read by nobody yet.
#[derive(Debug, Clone, Copy)]
pub struct RawEvent<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The path alone.
    pub path: &'a str,
    /// Names in any case, and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The bytes that are signed.
    pub body: &'a [u8],
    /// When it came.
    pub now: Timestamp,
}

impl<'a> RawEvent<'a> {
    /// The one header of this name; none if there are several, as it is not clear then which of them is meant.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }
}

/// What a webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Something happened to this payment.
    pub payment_id: ProviderPaymentId,
}

/// The webhook is not the provider's, or can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a genuine webhook of this provider")]
pub struct NotGenuine;
