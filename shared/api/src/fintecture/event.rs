//! What endpoints are sent: the statuses of a session or refund and of its transfer, as JSON or as a form.

#![expect(clippy::todo, reason = "is written next")]

use models::EventEncoding;
use serde::Serialize;
use store::StoredEvent;

use crate::error::ApiError;

/// An event.
#[derive(Debug, Serialize)]
pub(crate) struct EventView<'a> {
    event: &'a str,
}

impl<'a> EventView<'a> {
    /// With what is known of its object.
    pub(crate) fn new(_event: &'a StoredEvent) -> Self {
        todo!()
    }

    /// With its object's id alone.
    pub(crate) fn thin(_event: &'a StoredEvent) -> Self {
        todo!()
    }
}

/// An event as the bytes of a body; with its object's id alone, if `thin`.
///
/// # Errors
/// 500 if it can't be written so.
pub(crate) fn event_body(_event: &StoredEvent, _encoding: EventEncoding, _thin: bool) -> Result<Vec<u8>, ApiError> {
    todo!()
}
