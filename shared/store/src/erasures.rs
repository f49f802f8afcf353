//! Removing a payer's personal data: on demand, or when it has been kept for long enough.
//!
//! What stays is what a merchant has to account for: ids, amounts, line items, references, states, history, fingerprints.

use jiff::Timestamp;
use models::{Object, ObjectId, Refund, Session, SessionId, SessionState, SortableTimestamp};

use crate::error::StoreError;
use crate::events::StoredEvent;
use crate::keys;
use crate::refunds::{Refunds, WithRefunds};
use crate::table::{Item, Key, Table, ms, read, s, sk};
use crate::update::Update;

/// The partitions of the index of what is final. Two writes of each session go there, spread by its id, so that no
/// partition is hot below tens of thousands of payments a second; it may only rise.
pub const FINAL_SHARDS: u32 = 64;

/// How long after its last change a session may wait for its last event, at the most, if nothing has gone wrong.
const TOLD_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// How many sessions one page holds at the most.
const PAGE: i32 = 250;

/// Removes personal data from the table.
#[derive(Debug, Clone)]
pub struct Erasures {
    table: Table,
}

/// What became of removing a session's personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// It is gone now.
    Done,
    /// It had gone before.
    AlreadyErased,
    /// The session or a refund of it goes on, or what happened last is still being told: later.
    NotFinal,
    /// There is no such session, or it was deleted, and its personal data with it.
    NotFound,
}

/// Where a shard's next page begins.
#[derive(Debug)]
pub struct FinalPlace(Item);

/// Some of the sessions that have been final for long enough.
#[derive(Debug)]
pub struct FinalPage {
    /// The sessions.
    pub sessions: Vec<SessionId>,
    /// Where to go on, unless this was all.
    pub next: Option<FinalPlace>,
}

impl Erasures {
    /// Removes from this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Sessions in one shard (below [`FINAL_SHARDS`]) that were final before `before` and still have personal data, oldest
    /// first, from `place` on: one page. Eventually consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn page(
        &self,
        shard: u32,
        before: Timestamp,
        place: Option<FinalPlace>,
    ) -> Result<FinalPage, StoreError> {
        let output = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name("final")
            .key_condition_expression("final_pk = :final_pk AND final_at < :before")
            .expression_attribute_values(":final_pk", s(keys::final_shard_pk(shard)))
            .expression_attribute_values(":before", s(SortableTimestamp::from(before).as_str()))
            .limit(PAGE)
            .set_exclusive_start_key(place.map(|FinalPlace(key)| key))
            .send()
            .await
            .map_err(|error| StoreError::unavailable("Query", error))?;
        let session = |item: Item| item.get("pk")?.as_s().ok()?.strip_prefix("SESSION#")?.parse().ok();
        let sessions = output.items.unwrap_or_default().into_iter().filter_map(session).collect();
        Ok(FinalPage { sessions, next: output.last_evaluated_key.map(FinalPlace) })
    }

    /// Removes the personal data of a session, of its refunds, and of the sessions that pay them.
    ///
    /// # Errors
    /// The table failed us; some of it may be gone, and the rest goes when this is done again.
    pub async fn erase(&self, id: &SessionId, now: Timestamp) -> Result<Erased, StoreError> {
        let found = Refunds::new(self.table.clone()).of(id).await?;
        for payment in found.refunds.iter().filter_map(|refund| refund.payment_session_id) {
            if self.erase_alone(&payment, now).await? == Erased::NotFinal {
                return Ok(Erased::NotFinal);
            }
        }
        self.erase_found(id, found, now).await
    }

    /// Removes the personal data of a session and of its refunds. The sessions that pay them have an end of their own.
    ///
    /// # Errors
    /// The table failed us; some of it may be gone, and the rest goes when this is done again.
    pub async fn erase_alone(&self, id: &SessionId, now: Timestamp) -> Result<Erased, StoreError> {
        let found = Refunds::new(self.table.clone()).of(id).await?;
        self.erase_found(id, found, now).await
    }

    async fn erase_found(&self, id: &SessionId, found: WithRefunds, now: Timestamp) -> Result<Erased, StoreError> {
        let WithRefunds { session, refunds } = found;
        let Some(session) = session else {
            // Of one that was deleted, only what was told before is left.
            let events = self.events_of(&(*id).into()).await?;
            self.erase_events(events, now).await?;
            return Ok(Erased::NotFound);
        };
        if session.erased_at.is_some() && refunds.iter().all(|refund| !has_urls(refund)) {
            return Ok(Erased::AlreadyErased);
        }
        if !session.state.is_final() || refunds.iter().any(|refund| !refund.state.is_final()) {
            return Ok(Erased::NotFinal);
        }
        let events = self.events_of(&(*id).into()).await?;
        if may_be_told_yet(&session, &events, now) {
            return Ok(Erased::NotFinal);
        }
        self.erase_events(events, now).await?;
        for refund in &refunds {
            let events = self.events_of(&refund.id.into()).await?;
            self.erase_events(events, now).await?;
            if has_urls(refund) {
                let update = Update::new(keys::refund(id, &refund.id)).when("attribute_exists(#pk)", []);
                update.remove(&["success_url", "error_url"]).send(&self.table).await?;
            }
        }
        // The session last: while it isn't done, all of this is done again.
        self.erase_session(session, now).await?;
        Ok(Erased::Done)
    }

    async fn erase_session(&self, session: Session, now: Timestamp) -> Result<(), StoreError> {
        let key = keys::session(&session.id);
        let ended = SessionState::ALL.into_iter().filter(|state| state.is_final()).map(SessionState::as_str);
        let mut update = Update::new(key)
            .when_one_of("state", ended)
            .when("attribute_not_exists(#deleted_at)", [])
            .set("erased_at", ms(now))
            .remove(&["payer", "payer_account", "attempt", "success_url", "error_url", "final_pk", "final_at"]);
        let mut erased: Item = serde_dynamo::to_item(session.erased(now))?;
        for attribute in ["payee", "metadata", "submission"] {
            if let Some(value) = erased.remove(attribute) {
                update = update.set(attribute, value);
            }
        }
        // Refused means that it has been deleted since, and nothing is left of it.
        update.send(&self.table).await.map(|_| ())
    }

    /// All that is kept of what was told of a session or refund.
    async fn events_of(&self, object: &ObjectId) -> Result<Vec<Item>, StoreError> {
        self.table.query(&keys::events_pk(object), None, usize::MAX).await
    }

    async fn erase_events(&self, items: Vec<Item>, now: Timestamp) -> Result<(), StoreError> {
        for item in items {
            let Some(key) = Key::of(&item) else { continue };
            let update = Update::new(key.clone()).when("attribute_exists(#pk)", []);
            let update = if key.sk.starts_with(keys::EVENT_PREFIX) {
                let event: StoredEvent = read(&key, item)?;
                match event.object.erased(now) {
                    Object::Session(told) => update.set("session", serde_dynamo::to_attribute_value(told)?),
                    Object::Refund(told) => update.set("refund", serde_dynamo::to_attribute_value(told)?),
                }
            } else if item.contains_key("answer") {
                // What a merchant's server answered may say whom it is about.
                update.remove(&["answer"])
            } else {
                continue;
            };
            update.send(&self.table).await?;
        }
        Ok(())
    }
}

/// Whether the event of the last thing that happened may be still to come, and would bring personal data with it.
fn may_be_told_yet(session: &Session, events: &[Item], now: Timestamp) -> bool {
    let last = keys::event_sk(session.history.len());
    let ended_at = session.history.last().map_or(session.created_at, |entry| entry.at);
    !events.iter().any(|item| sk(item) == last) && now.duration_since(ended_at) < TOLD_WITHIN
}

fn has_urls(refund: &Refund) -> bool {
    refund.success_url.is_some() || refund.error_url.is_some()
}
