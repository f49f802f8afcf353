//! Showing an event: the body of a webhook, which can be read again.

use models::{EventType, Object, RefundState, SessionState};
use serde::Serialize;
use store::StoredEvent;

use super::{Dialect, RefundView, SessionView};
use crate::answer::timestamp_text;

/// An event: the body of a webhook.
#[derive(Debug, Serialize)]
pub struct EventView<'a> {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    created_at: String,
    sequence: usize,
    live: bool,
    data: DataView<'a>,
    webhook_event: Option<&'static str>,
    webhook_type: &'static str,
}

/// The object as it was when it happened, or its id alone.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum DataView<'a> {
    Session(Box<SessionView<'a>>),
    Refund(RefundView<'a>),
    Id { id: String },
}

impl<'a> EventView<'a> {
    /// The event, with its object as it was.
    pub fn new(event: &'a StoredEvent) -> Self {
        let at = event.created_at();
        let data = match &event.object {
            Object::Session(session) => DataView::Session(Box::new(SessionView::new(session, &[], Dialect::V2, at))),
            Object::Refund(refund) => DataView::Refund(RefundView::new(refund, at)),
        };
        Self::with(event, data)
    }

    /// The event, with its object's id alone.
    pub fn thin(event: &'a StoredEvent) -> Self {
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
            webhook_event: webhook_event(event),
            webhook_type: match &event.object {
                Object::Session(_) => "payment_session",
                Object::Refund(_) => "refund",
            },
        }
    }
}

/// What Banked calls it; it has names for some states of a session, and none for refunds.
fn webhook_event(event: &StoredEvent) -> Option<&'static str> {
    match event.event_type() {
        EventType::PaymentSession(state) => match state {
            SessionState::AwaitingPayer | SessionState::AwaitingProvider if event.sequence == 1 => {
                Some("payment_initiated")
            }
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
