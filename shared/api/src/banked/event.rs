//! Showing an event: the body of a webhook, which can be read again.

use models::{EventType, Object, RefundState, SessionState};
use serde::Serialize;
use store::StoredEvent;

use super::{Dialect, RefundView, SessionView};
use crate::answer::timestamp_text;
#[cfg(test)]
use crate::openapi::types as doc;

/// An event: the body of a webhook.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Event"))]
#[derive(Debug, Serialize)]
pub(crate) struct EventView<'a> {
    #[cfg_attr(test, schemars(with = "doc::EventId"))]
    id: String,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(with = "doc::EventType"))]
    event_type: String,
    /// When it happened.
    #[cfg_attr(test, schemars(with = "doc::Timestamp"))]
    created_at: String,
    /// Which entry of its object's history it is. Without gaps, from 1.
    #[cfg_attr(test, schemars(range(min = 1)))]
    sequence: usize,
    live: bool,
    data: DataView<'a>,
    /// What Banked calls it, see `EventType`; null where Banked has no name for it.
    #[cfg_attr(test, schemars(with = "Option<doc::WebhookEvent>"))]
    webhook_event: Option<&'static str>,
    /// What it is about.
    #[cfg_attr(test, schemars(extend("enum" = ["payment_session", "refund"])))]
    webhook_type: &'static str,
}

/// The object as it was when it happened, or its id alone.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum DataView<'a> {
    Session(Box<SessionView<'a>>),
    Refund(RefundView<'a>),
    Id {
        /// The session's or refund's id.
        #[cfg_attr(test, schemars(with = "doc::Id"))]
        id: String,
    },
}

impl<'a> EventView<'a> {
    /// The event, with its object as it was.
    pub(crate) fn new(event: &'a StoredEvent) -> Self {
        let at = event.created_at();
        let data = match &event.object {
            Object::Session(session) => DataView::Session(Box::new(SessionView::new(session, &[], Dialect::V2, at))),
            Object::Refund(refund) => DataView::Refund(RefundView::new(refund, at)),
        };
        Self::with(event, data)
    }

    /// The event, with its object's id alone.
    pub(crate) fn thin(event: &'a StoredEvent) -> Self {
        Self::with(event, DataView::Id { id: event.object.id().to_string() })
    }

    fn with(event: &'a StoredEvent, data: DataView<'a>) -> Self {
        Self {
            id: event.id().to_string(),
            event_type: event.event_type().to_string(),
            created_at: timestamp_text(event.created_at()),
            sequence: event.sequence,
            live: event.object.mode() == models::Mode::Live,
            data,
            webhook_event: webhook_event(event.event_type(), event.sequence == 1),
            webhook_type: match &event.object {
                Object::Session(_) => "payment_session",
                Object::Refund(_) => "refund",
            },
        }
    }
}

/// What Banked calls it; it has names for some states of a session, and none for refunds.
pub(crate) const fn webhook_event(event_type: EventType, is_first: bool) -> Option<&'static str> {
    match event_type {
        EventType::PaymentSession(state) => match state {
            SessionState::AwaitingPayer | SessionState::AwaitingProvider if is_first => Some("payment_initiated"),
            SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => None,
            SessionState::Pending => Some("payment_pending"),
            SessionState::Sent => Some("payment_sent"),
            SessionState::Failed | SessionState::Cancelled | SessionState::Expired => Some("payment_failed"),
        },
        EventType::Refund(
            RefundState::AwaitingDetails | RefundState::AwaitingPayment | RefundState::Sent | RefundState::Failed,
        ) => None,
    }
}
