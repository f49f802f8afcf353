//! Events: one for every history entry, with the object as it was then, and how often each was delivered.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{CorrelationId, EndpointId, EventId, EventType, ListShards, Object, ObjectId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::conflicts::past_conflicts;
use crate::error::StoreError;
use crate::keys;
use crate::list::{self, ListRange, Page, Partitions, Wanted};
use crate::owner::Owner;
use crate::table::{Item, Key, Table, read, s};
use crate::update::Update;
use crate::write::WriteKind;

/// How long an event is kept; DynamoDB's TTL removes it within days after.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long after an event has expired it may still be put: what is published again happened while its event was kept, and the
/// stream keeps that for a day. The second day is a margin.
const PUT_AFTER: SignedDuration = SignedDuration::from_hours(2 * 24);

/// More attempts to deliver one event than there ever are: each endpoint is tried some 20 times, and for each replay.
const MAX_ATTEMPTS: usize = 1000;

/// That all that follows from an event is written.
pub(crate) const PUBLISHED: &str = "published";

/// The table's events.
#[derive(Debug, Clone)]
pub struct Events {
    pub(crate) table: Table,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Which history entry it reports, from 1.
    pub sequence: usize,
    /// The session or refund when that entry was its last.
    #[serde(flatten)]
    pub object: Object,
    /// When DynamoDB may remove it, in seconds since 1970.
    ttl: i64,
}

impl StoredEvent {
    /// The event of history entry `sequence` (from 1) of this object, whatever has happened to it since.
    pub fn new(object: Object, sequence: usize) -> Self {
        let object = object.as_of(sequence);
        Self { sequence, ttl: ttl_after(object.entered_at(sequence)), object }
    }

    /// If its object follows a test clock, whose time may be any: kept as long as what happens at `real_now`.
    #[must_use]
    pub fn kept_from(self, real_now: Timestamp) -> Self {
        let ttl = if self.object.test_clock().is_some() { ttl_after(real_now) } else { self.ttl };
        Self { ttl, ..self }
    }

    /// Its id.
    pub fn id(&self) -> EventId {
        EventId { object_id: self.object.id(), sequence: self.sequence }
    }

    /// What happened.
    pub fn event_type(&self) -> EventType {
        self.object.event_type()
    }

    /// Which request, or run of the schedule, it came of, if that is known.
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.object.correlation_id(self.sequence)
    }

    /// Whether `publish` may put it at that time, or it has expired for longer.
    pub(crate) fn may_be_put(&self, now: Timestamp) -> bool {
        // A test clock may be behind; what follows it is kept by the real time.
        self.object.test_clock().is_some() || now.duration_since(self.created_at()) < KEPT.saturating_add(PUT_AFTER)
    }

    /// When it happened.
    pub fn created_at(&self) -> Timestamp {
        self.object.entered_at(self.sequence)
    }
}

/// One attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// When it began.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// How long it took.
    pub latency_ms: u64,
    /// The headers that it bore, by name; none of an attempt that failed on purpose, of an erased object, or of a release that kept
    /// none. Some are made from the body, which may be about people.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The answer's status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The first 1 KiB of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why there was no answer, for the merchant to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Events {
    /// The events in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts an event, unless it is there: publishing twice changes nothing. False if it was; also if the SDK repeated a put
    /// whose answer was lost.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn put(&self, event: &StoredEvent) -> Result<bool, StoreError> {
        let (key, item) = new_item(event)?;
        // It may meet the deletion of its object, which puts it, too.
        let put = || self.table.put_new(WriteKind::EventPut, key.clone(), item.clone());
        past_conflicts(put).await.map(|put| put.is_new())
    }

    /// Notes that all that follows from an event is written: its mail, and which endpoints are to be notified. For the
    /// function that advances the test clock that its object follows.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn note_published(&self, id: &EventId) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::EventPublished, keys::event(id))
            .when("attribute_exists(#pk)", [])
            .set(PUBLISHED, AttributeValue::Bool(true));
        update.send(&self.table).await.map(|_| ())
    }

    /// The event with this id.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, id: &EventId) -> Result<Option<StoredEvent>, StoreError> {
        let key = keys::event(id);
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }

    /// At most `limit` events of one object after this sequence number, in order. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn after(
        &self,
        object: &ObjectId,
        sequence: usize,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let from = keys::event_sk(sequence.saturating_add(1));
        self.between(object, from, format!("{}~", keys::EVENT_PREFIX), limit).await
    }

    /// Events of `owner`, whose lists have this number of shards, newest first; if there is a filter, those that it says yes to.
    /// Which they are is eventually consistent, each is as it is. Without a filter, one call for each shard and one more.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn list(
        &self,
        owner: &Owner,
        shards: ListShards,
        range: ListRange,
        filter: Option<&(dyn Fn(&StoredEvent) -> bool + Sync)>,
    ) -> Result<Page<StoredEvent>, StoreError> {
        let list_pks = shards.all().map(|shard| keys::events_list_pk(&owner.merchant_id, owner.mode, shard));
        list::page(&self.table, Partitions { list_pks, lists: 1 }, range, Wanted { amount: None, filter }).await
    }

    /// Notes an attempt to deliver an event.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn note(&self, id: &EventId, attempt: &DeliveryAttempt) -> Result<(), StoreError> {
        let mut item: Item = serde_dynamo::to_item(attempt)?;
        item.insert("ttl".into(), crate::table::n(ttl_after(attempt.at)));
        let key = keys::attempt(id, &attempt.endpoint_id, attempt.at);
        self.table.put_new(WriteKind::AttemptNote, key, item).await.map(|_| ())
    }

    /// The last `limit` attempts to deliver an event, newest first.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn attempts(&self, id: &EventId, limit: usize) -> Result<Vec<DeliveryAttempt>, StoreError> {
        let prefix = keys::attempt_prefix(id.sequence);
        let mut attempts: Vec<DeliveryAttempt> =
            self.between(&id.object_id, prefix.clone(), format!("{prefix}~"), MAX_ATTEMPTS).await?;
        attempts.reverse();
        attempts.truncate(limit);
        Ok(attempts)
    }

    /// Removes personal data from an object's events, and what merchants' servers answered to them.
    ///
    /// # Errors
    /// The table failed us; some of it may be gone, and the rest goes when this is done again.
    pub(crate) async fn erase_of(&self, object: &ObjectId, now: Timestamp) -> Result<(), StoreError> {
        let items = self.table.query(&keys::events_pk(object), None, usize::MAX).await?;
        self.erase(items, now).await
    }

    /// As [`Events::erase_of`], of items that have been read.
    pub(crate) async fn erase(&self, items: Vec<Item>, now: Timestamp) -> Result<(), StoreError> {
        for item in items {
            let Some(key) = Key::of(&item) else { continue };
            let update = Update::new(WriteKind::EventErase, key.clone()).when("attribute_exists(#pk)", []);
            let update = if key.sk.starts_with(keys::EVENT_PREFIX) {
                let event: StoredEvent = read(&key, item)?;
                if event.object.is_erased() {
                    continue;
                }
                match event.object.erased(now) {
                    Object::Session(erased) => update.set("session", serde_dynamo::to_attribute_value(erased)?),
                    Object::Refund(erased) => update.set("refund", serde_dynamo::to_attribute_value(erased)?),
                }
            } else if ["answer", "headers"].iter().any(|name| item.contains_key(*name)) {
                // What a merchant's server answered may say whom it is about; and by a digest of the body a guess can be checked.
                update.remove(&["answer", "headers"])
            } else {
                continue;
            };
            update.send(&self.table).await?;
        }
        Ok(())
    }

    async fn between<T: DeserializeOwned>(
        &self,
        object: &ObjectId,
        from: String,
        to: String,
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let pk = keys::events_pk(object);
        let items = self.table.query(&pk, Some((&from, &to)), limit).await?;
        items.into_iter().map(|item| read(&pk, item)).collect()
    }
}

/// An event as it is put.
pub(crate) fn new_item(event: &StoredEvent) -> Result<(Key, Item), StoreError> {
    let (id, object) = (event.id(), &event.object);
    let mut item: Item = serde_dynamo::to_item(event)?;
    let list_pk = keys::events_list_pk(object.merchant_id(), object.mode(), object.list_shard());
    item.insert("list_pk".into(), s(list_pk));
    item.insert("list_sk".into(), s(keys::list_sk(event.created_at(), id)));
    Ok((keys::event(&id), item))
}

fn ttl_after(at: Timestamp) -> i64 {
    at.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second()
}
