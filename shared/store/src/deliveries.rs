//! A session's or refund's events and how they were delivered, for the operator.

use jiff::Timestamp;
use models::{CursorId, EventId, ObjectId};
use serde::Deserialize;

use crate::cursors::Paused;
use crate::error::StoreError;
use crate::events::{DeliveryAttempt, Events, StoredEvent};
use crate::keys::{self, cursor_of};
use crate::table::{Item, read, sk};

/// Events and how they were delivered.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// The events, in order.
    pub events: Vec<StoredEvent>,
    /// How far each endpoint is.
    pub cursors: Vec<CursorState>,
    /// How each delivery went, and of which event.
    pub attempts: Vec<(EventId, DeliveryAttempt)>,
}

/// How many events were delivered to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorState {
    /// Which endpoint, and of what.
    pub id: CursorId,
    /// The last event that it accepted, or did not want.
    pub delivered: usize,
    /// The last event there is to deliver.
    pub head: usize,
    /// How often the next one has failed.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Option<Timestamp>,
    /// Why it waits to be resumed, if it does.
    pub paused: Option<Paused>,
}

#[derive(Debug, Deserialize)]
struct Record {
    delivered: usize,
    head: usize,
    #[serde(default)]
    attempts: u32,
    #[serde(default)]
    due_at: Option<String>,
    #[serde(default, rename = "held")]
    paused: Option<Paused>,
}

impl Events {
    /// The events of a session or refund, and how they were delivered. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn deliveries(&self, object: &ObjectId) -> Result<Deliveries, StoreError> {
        let mut found = Deliveries::default();
        let pk = keys::events_pk(object);
        for item in self.table.query(&pk, None, usize::MAX).await? {
            let sk = sk(&item).to_owned();
            if let Some(id) = cursor_of(&item) {
                found.cursors.push(cursor(id, item)?);
            } else if let Some(rest) = sk.strip_prefix(keys::ATTEMPT_PREFIX) {
                let sequence = rest.split('#').next().and_then(|sequence| sequence.parse().ok()).unwrap_or_default();
                found.attempts.push((EventId { object_id: *object, sequence }, read(&pk, item)?));
            } else {
                found.events.push(read(&pk, item)?);
            }
        }
        Ok(found)
    }
}

fn cursor(id: CursorId, item: Item) -> Result<CursorState, StoreError> {
    let Record { delivered, head, attempts, due_at, paused } = read(keys::cursor(&id), item)?;
    let due_at = due_at.and_then(|due_at| due_at.parse().ok());
    Ok(CursorState { id, delivered, head, attempts, due_at, paused })
}
