//! Showing an event: the body of a webhook, which can be read again.

use models::{EventType, Object, RefundState, SessionState};
use serde::Serialize;
use serde_json::{Map, Value};
use store::StoredEvent;

use super::id;
use super::refund::RefundView;
use super::session::SessionView;
#[cfg(test)]
use crate::openapi::types as doc;

/// An event: the body of a webhook.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletEvent"))]
#[derive(Debug, Serialize)]
pub(crate) struct EventView<'a> {
    /// `evt_`, the digits of the session's or refund's id, `_`, and which entry of its history it reports, from 1.
    #[cfg_attr(test, schemars(with = "doc::YorletEventId"))]
    id: String,
    #[cfg_attr(test, schemars(extend("const" = "event")))]
    object: &'static str,
    /// When it happened, in seconds since 1970.
    created: i64,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(with = "doc::YorletEventType"))]
    event_type: &'static str,
    data: DataView<'a>,
    request: RequestView,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct DataView<'a> {
    /// The object as it was when it happened, or its id alone.
    object: ObjectView<'a>,
    /// Empty if the type ends in `updated`, else null.
    #[cfg_attr(test, schemars(with = "Option<doc::AnyObject>"))]
    previous_attributes: Option<Map<String, Value>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ObjectView<'a> {
    Session(Box<SessionView<'a>>),
    Refund(Box<RefundView>),
    Id {
        /// The session's or refund's id.
        id: String,
        /// What it is.
        object: &'static str,
    },
}

/// What it came of.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct RequestView {
    /// By what support finds it in the logs; null if that is not known.
    id: Option<String>,
    /// Always null: keys are not kept.
    idempotency_key: Option<String>,
    /// Always false.
    from_dashboard: bool,
    /// Always false.
    customer_portal: bool,
}

impl<'a> EventView<'a> {
    /// The event, with its object as it was.
    pub(crate) fn new(event: &'a StoredEvent) -> Self {
        let at = event.created_at();
        let object = match &event.object {
            Object::Session(session) => ObjectView::Session(Box::new(SessionView::new(session, at))),
            Object::Refund(refund) => ObjectView::Refund(Box::new(RefundView::new(refund, at))),
        };
        Self::with(event, object)
    }

    /// The event, with its object's id alone.
    pub(crate) fn thin(event: &'a StoredEvent) -> Self {
        let (id, object) = match &event.object {
            Object::Session(session) => (id::session(session.id), "payment_session"),
            Object::Refund(refund) => (id::refund(refund.id), "refund"),
        };
        Self::with(event, ObjectView::Id { id, object })
    }

    fn with(event: &'a StoredEvent, object: ObjectView<'a>) -> Self {
        let event_type = event_name(event.event_type(), event.sequence == 1);
        let previous_attributes = event_type.ends_with(".updated").then(Map::new);
        Self {
            id: id::event(event.id()),
            object: "event",
            created: event.created_at().as_second(),
            event_type,
            data: DataView { object, previous_attributes },
            request: RequestView {
                id: event.correlation_id().map(|id| format!("req_{id}")),
                idempotency_key: None,
                from_dashboard: false,
                customer_portal: false,
            },
        }
    }
}

/// What it is called: by the state that its object came to.
pub(crate) const fn event_name(event_type: EventType, is_first: bool) -> &'static str {
    match event_type {
        EventType::PaymentSession(_) if is_first => "payment_session.created",
        EventType::PaymentSession(state) => match state {
            SessionState::Sent => "payment_session.paid",
            SessionState::Failed | SessionState::Cancelled | SessionState::Expired => "payment_session.canceled",
            SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::AwaitingPaymentConsent
            | SessionState::Pending => "payment_session.updated",
        },
        EventType::Refund(_) if is_first => "refund.created",
        EventType::Refund(state) => match state {
            RefundState::Sent => "refund.succeeded",
            RefundState::Failed => "refund.failed",
            RefundState::AwaitingDetails | RefundState::AwaitingPayment => "refund.updated",
        },
    }
}
