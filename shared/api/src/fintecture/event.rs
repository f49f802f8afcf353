//! What endpoints are sent: how a session or refund and its transfer stand, as JSON or as a form.

use jiff::Timestamp;
use models::{EventEncoding, Object, Refund, Session};
use serde::Serialize;
use store::StoredEvent;

use super::extra::{RefundExtra, SessionExtra};
use super::refund::REFUND;
use super::session::PaymentType;
use super::status::{refund_status, refund_transfer_state, session_status, session_transfer_state};
use crate::error::ApiError;
use crate::extra;
#[cfg(test)]
use crate::openapi::types as doc;

/// An event: what a session or a refund came to. What it has not is left out; a thin one
/// has `session_id`, `event` and `type` alone.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureEvent"))]
#[derive(Debug, Serialize)]
pub(crate) struct EventView<'a> {
    /// The session's id, or the refund's.
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    session_id: String,
    /// The session's status then, or the refund's.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// Whom the payer chose last.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    /// The query's `state` with which it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// `payment_session.status.` and the status.
    event: String,
    #[serde(rename = "type")]
    object_type: &'static str,
    /// How the transfer stood, of the payment or the refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_state: Option<&'static str>,
    /// In the currency's major unit, with all of its decimals.
    #[cfg_attr(test, schemars(with = "doc::DecimalAmount"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    /// Of a refund, the payment.
    #[cfg_attr(test, schemars(with = "doc::Hex"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_session_id: Option<String>,
}

impl<'a> EventView<'a> {
    /// The event, with all that is said of its object as it was then.
    pub(crate) fn new(event: &'a StoredEvent) -> Self {
        match &event.object {
            Object::Session(session) => Self::of_session(session, event.created_at()),
            Object::Refund(refund) => Self::of_refund(refund, event.created_at()),
        }
    }

    /// The event, with its object's id alone.
    pub(crate) fn thin(event: &'a StoredEvent) -> Self {
        Self {
            status: None,
            provider: None,
            state: None,
            transfer_state: None,
            amount: None,
            refunded_session_id: None,
            ..Self::new(event)
        }
    }

    fn of_session(session: &'a Session, at: Timestamp) -> Self {
        let SessionExtra { kind, state, .. } = extra::read(session.extra.as_ref());
        let status = session_status(session, at);
        Self {
            session_id: session.id.to_hex(),
            status: Some(status),
            provider: session.attempt.as_ref().map(|attempt| attempt.bank.as_str()),
            state,
            event: event_name(status),
            object_type: PaymentType::of(session, kind).as_str(),
            transfer_state: session_transfer_state(session, at),
            amount: Some(session.amount.to_decimal()),
            refunded_session_id: None,
        }
    }

    fn of_refund(refund: &Refund, at: Timestamp) -> Self {
        let RefundExtra { state, .. } = extra::read(refund.extra.as_ref());
        let status = refund_status(refund, at);
        Self {
            session_id: refund.id.to_hex(),
            status: Some(status),
            provider: None,
            state,
            event: event_name(status),
            object_type: REFUND,
            transfer_state: Some(refund_transfer_state(refund, at)),
            amount: Some(refund.amount.to_decimal()),
            refunded_session_id: Some(refund.session_id.to_hex()),
        }
    }

    /// As a form whose spaces are `%20`, and which leaves only letters, digits and `-._~` as they are: clients read it and write
    /// it again before they compare its digest.
    fn to_form(&self) -> Result<String, serde_urlencoded::ser::Error> {
        let form = serde_urlencoded::to_string(self)?;
        Ok(form.replace('+', "%20").replace('*', "%2A").replace("%7E", "~"))
    }
}

/// What an event is called that reports this status.
pub(crate) fn event_name(status: &str) -> String {
    format!("payment_session.status.{status}")
}

/// An event as the bytes of a body; with its object's id alone, if `thin`.
///
/// # Errors
/// 500 if it can't be written so.
pub(crate) fn event_body(event: &StoredEvent, encoding: EventEncoding, thin: bool) -> Result<Vec<u8>, ApiError> {
    let shown = if thin { EventView::thin(event) } else { EventView::new(event) };
    match encoding {
        EventEncoding::Json => serde_json::to_vec(&shown).map_err(|error| ApiError::Internal(Box::new(error))),
        EventEncoding::Form => {
            shown.to_form().map(String::into_bytes).map_err(|error| ApiError::Internal(Box::new(error)))
        }
    }
}

#[cfg(test)]
mod tests;
