//! Events: one for every history entry, with the object as it was at that moment.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use models::Object;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::table::{Table, read};

/// How long an event is kept; DynamoDB's TTL removes it within days after.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The table's events.
#[derive(Debug, Clone)]
pub struct Events {
    table: Table,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Which history entry it tells of, from 1.
    pub sequence: usize,
    /// The session or refund when that entry was its last.
    #[serde(flatten)]
    pub object: Object,
    /// When DynamoDB may remove it, in seconds since 1970.
    ttl: i64,
}

impl Events {
    /// The events in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts the event of history entry `sequence`, unless it is there: telling twice changes nothing.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn put(&self, object: &Object, sequence: usize) -> Result<(), StoreError> {
        let ttl = object.entered_at(sequence).checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second();
        let key = keys::event(object.id(), sequence);
        let item = serde_dynamo::to_item(StoredEvent { sequence, object: object.clone().as_of(sequence), ttl })?;
        self.table.put_new(key, item).await.map(|_| ())
    }

    /// The event of history entry `sequence` of the session or refund with this id.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, object_id: impl fmt::Display, sequence: usize) -> Result<Option<StoredEvent>, StoreError> {
        let key = keys::event(object_id, sequence);
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }
}
