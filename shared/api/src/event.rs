//! Events as their objects' formats show them, and the ids by which clients name what happened and to what.

use models::{Endpoint, EventId, ObjectId, WireFormat};
use serde::Serialize;
use store::StoredEvent;

use crate::banked::EventView;
use crate::error::{ApiError, Refusal};
use crate::format::{Format, NotServed};
use crate::{fintecture, yorlet};

/// An event, in the format of its object: with the object as it was then or, if `thin`, with its id alone.
///
/// # Errors
/// Its object's format is not served.
pub fn event(event: &StoredEvent, thin: bool) -> Result<impl Serialize, NotServed> {
    Ok(match Format::of_stored(event.object.format())? {
        Format::Banked(_) if thin => ShownEvent::Banked(EventView::thin(event)),
        Format::Banked(_) => ShownEvent::Banked(EventView::new(event)),
        Format::Yorlet if thin => ShownEvent::Yorlet(yorlet::EventView::thin(event)),
        Format::Yorlet => ShownEvent::Yorlet(yorlet::EventView::new(event)),
        Format::Fintecture if thin => ShownEvent::Fintecture(fintecture::EventView::thin(event)),
        Format::Fintecture => ShownEvent::Fintecture(fintecture::EventView::new(event)),
    })
}

/// The body of an event's delivery to an endpoint: in the format of its object, encoded as the endpoint has it.
///
/// # Errors
/// Its object's format is not served, or it can't be written so.
pub fn event_body(event: &StoredEvent, endpoint: &Endpoint) -> Result<Vec<u8>, ApiError> {
    match Format::of_stored(event.object.format())? {
        Format::Banked(_) | Format::Yorlet => {
            let shown = self::event(event, endpoint.thin)?;
            serde_json::to_vec(&shown).map_err(|error| ApiError::Internal(Box::new(error)))
        }
        Format::Fintecture => fintecture::event_body(event, endpoint.encoding, endpoint.thin),
    }
}

/// An event in one of the formats.
#[derive(Serialize)]
#[serde(untagged)]
enum ShownEvent<'a> {
    Banked(EventView<'a>),
    Yorlet(yorlet::EventView<'a>),
    Fintecture(fintecture::EventView<'a>),
}

/// The id of an event, as its format shows it and webhooks send it.
pub fn event_id(event: &StoredEvent) -> String {
    match event.object.format() {
        WireFormat::Banked | WireFormat::Fintecture => event.id().to_string(),
        WireFormat::Yorlet => yorlet::event_id(event.id()),
    }
}

/// The event that a client names, as any format shows it.
///
/// # Errors
/// 404 if there is none so.
pub fn read_event_id(text: &str) -> Result<EventId, Refusal> {
    text.parse().ok().or_else(|| yorlet::read_event(text)).ok_or(Refusal::NotFound)
}

/// The session or refund that a client names, as any format shows it.
pub fn read_object_id(text: &str) -> Option<ObjectId> {
    text.parse().ok().or_else(|| yorlet::read_object(text)).or_else(|| fintecture::read_object(text))
}
