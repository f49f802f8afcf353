//! Test clocks, and what follows them.
//!
//! What follows a clock is not in the due index: whoever advances the clock reads it by its own keys, consistently, so that all
//! is done in the order of time, and nothing else does it.

use jiff::Timestamp;
use models::{
    CursorId, EventId, MAX_SESSIONS_ON_A_CLOCK, MerchantId, Object, ObjectId, OnClock, Session, SessionId, TestClock,
    TestClockId,
};

use crate::error::StoreError;
use crate::events::PUBLISHED;
use crate::history::TEST_CLOCK;
use crate::keys;
use crate::table::{Item, Key, Put, Table, ms, n, read, s, sk};
use crate::tombstone::is_tombstone;
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// The table's test clocks.
#[derive(Debug, Clone)]
pub struct TestClocks {
    table: Table,
}

/// What became of advancing a clock.
#[derive(Debug)]
pub enum ClockAdvanced {
    /// It is being advanced to that time, since now or before.
    Going(TestClock),
    /// It is being advanced to another time, or shows a later one by now.
    Elsewhere(TestClock),
    /// There is none with this id, or not this merchant's, or it was deleted.
    NotFound,
}

/// Something that follows a clock.
#[derive(Debug)]
pub struct Follower {
    /// As it is.
    pub object: Object,
    /// When something is to be done about it, by the clock, if anything is.
    pub due_at: Option<Timestamp>,
}

/// What is to be delivered of what follows a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCursor {
    /// Its cursor.
    pub id: CursorId,
    /// When it is delivered, by the clock.
    pub due_at: Timestamp,
}

impl TestClocks {
    /// The clocks in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Makes a clock, whose id is random.
    ///
    /// # Errors
    /// The table failed us; the clock may have been made.
    pub async fn create(&self, clock: &TestClock) -> Result<(), StoreError> {
        let mut item: Item = serde_dynamo::to_item(clock)?;
        item.insert("ttl".into(), n(clock.ends_at().as_second()));
        // Nobody else makes one of this id: what is there is our own, whose answer was lost.
        match self.table.put_new(WriteKind::ClockCreate, keys::test_clock(&clock.id), item).await? {
            Put::Done | Put::Exists(_) => Ok(()),
        }
    }

    /// The merchant's clock with this id, unless there is none, it was deleted, or it has ended by the real time. A consistent
    /// read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(
        &self,
        merchant: &MerchantId,
        id: TestClockId,
        real_now: Timestamp,
    ) -> Result<Option<TestClock>, StoreError> {
        let clock = read_present(id, self.table.get(keys::test_clock(&id)).await?)?;
        Ok(clock.filter(|clock| clock.merchant_id == *merchant && real_now < clock.ends_at()))
    }

    /// Begins to advance the merchant's clock to a later time, or goes on with it.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn advance(
        &self,
        merchant: &MerchantId,
        id: TestClockId,
        to: Timestamp,
    ) -> Result<ClockAdvanced, StoreError> {
        let update = own(Update::new(WriteKind::ClockAdvance, keys::test_clock(&id)), merchant)
            .when("#now < :set_target AND attribute_not_exists(#target)", [])
            .set("target", ms(to));
        let clock = match update.send(&self.table).await? {
            Updated::New(item) => return Ok(ClockAdvanced::Going(read(keys::test_clock(&id), item)?)),
            Updated::Refused(item) => read_present(id, item)?.filter(|clock| clock.merchant_id == *merchant),
        };
        Ok(match clock {
            None => ClockAdvanced::NotFound,
            Some(clock) if clock.target.unwrap_or(clock.now) == to => ClockAdvanced::Going(clock),
            Some(clock) => ClockAdvanced::Elsewhere(clock),
        })
    }

    /// Moves a clock that is being advanced from one time to a later one, unless somebody else has moved it.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn step(&self, id: TestClockId, from: Timestamp, to: Timestamp) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::ClockStep, keys::test_clock(&id))
            .when("#now = :from AND :from < :set_now AND #target >= :set_now", [(":from", ms(from))])
            .set("now", ms(to));
        update.send(&self.table).await.map(|_| ())
    }

    /// All is done by the time that it was to be advanced to, which is `at`.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn arrive(&self, id: TestClockId, at: Timestamp) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::ClockArrive, keys::test_clock(&id))
            .when("#now = :at AND #target = :at", [(":at", ms(at))])
            .remove(&["target"]);
        update.send(&self.table).await.map(|_| ())
    }

    /// Deletes the merchant's clock; false if there is none. What follows it stands still from then on.
    ///
    /// # Errors
    /// The table failed us; it may have been deleted.
    pub async fn delete(
        &self,
        merchant: &MerchantId,
        id: TestClockId,
        real_now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ours = s(self.table.random.write_id().as_str());
        let update = own(Update::new(WriteKind::ClockDelete, keys::test_clock(&id)), merchant)
            .set("deleted_at", ms(real_now))
            .set("deleted_by", ours.clone())
            .remove(&["name", "target", "sessions"]);
        Ok(match update.send(&self.table).await? {
            Updated::New(_) => true,
            // The SDK repeated an update whose answer was lost.
            Updated::Refused(item) => item.is_some_and(|item| item.get("deleted_by") == Some(&ours)),
        })
    }

    /// Everything that follows a clock: its sessions that are not deleted, their refunds, and the sessions that pay those.
    /// Consistent reads, one for each session.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn followers(&self, clock: &TestClock) -> Result<Vec<Follower>, StoreError> {
        let mut followers = Vec::new();
        let mut unread: Vec<SessionId> = clock.sessions.clone();
        while let Some(session_id) = unread.pop() {
            for item in self.table.query(&keys::session_pk(&session_id), None, usize::MAX).await? {
                if is_tombstone(&item) || !item.contains_key(TEST_CLOCK) {
                    continue;
                }
                let due_at = due_at(&item);
                let object = if sk(&item) == keys::SESSION_SK {
                    Object::Session(read(keys::session(&session_id), item)?)
                } else {
                    Object::Refund(read(keys::session_pk(&session_id), item)?)
                };
                if let Object::Refund(refund) = &object {
                    unread.extend(refund.payment_session_id);
                }
                followers.push(Follower { object, due_at });
            }
        }
        Ok(followers)
    }

    /// Moves a clock's time to something that follows it and has an earlier one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn copy(&self, to: &Object, now: Timestamp) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::ObjectClock, key_of(to))
            .when("#test_clock.#now < :clock_now", [(":clock_now", ms(now))])
            .set_inside("#test_clock.#now", ms(now));
        update.send(&self.table).await.map(|_| ())
    }

    /// Whether everything that happened to something is published, and all is written that follows from it. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn is_published(&self, object: &Object) -> Result<bool, StoreError> {
        let last = EventId { object_id: object.id(), sequence: object.history_len() };
        let event = self.table.get(keys::event(&last)).await?;
        Ok(event.is_some_and(|event| event.contains_key(PUBLISHED)))
    }

    /// What is to be delivered of something that follows a clock. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn cursors_of(&self, object: &ObjectId) -> Result<Vec<DueCursor>, StoreError> {
        let all = (keys::CURSOR_PREFIX, "CURSOR$");
        let items = self.table.query(&keys::events_pk(object), Some(all), usize::MAX).await?;
        let due = |item: &Item| {
            let follows = item.contains_key(TEST_CLOCK);
            Some(DueCursor { id: keys::cursor_of(item)?, due_at: due_at(item)? }).filter(|_| follows)
        };
        Ok(items.iter().filter_map(due).collect())
    }
}

/// A session joins a clock, if that still shows the time at which the session was made and stands still.
pub(crate) fn joined(clock: &OnClock, session: &Session) -> Update {
    own(Update::new(WriteKind::ClockJoin, keys::test_clock(&clock.id)), &session.merchant_id)
        .when("#now = :joined_at AND attribute_not_exists(#target)", [(":joined_at", ms(clock.now))])
        .when("size(#sessions) < :most", [(":most", n(MAX_SESSIONS_ON_A_CLOCK))])
        .append("sessions", s(session.id.to_string()))
}

/// A clock's item, unless there is none or it was deleted.
pub(crate) fn read_present(id: TestClockId, item: Option<Item>) -> Result<Option<TestClock>, StoreError> {
    item.filter(|item| !is_tombstone(item)).map(|item| read(keys::test_clock(&id), item)).transpose()
}

/// The merchant's, and not deleted.
fn own(update: Update, merchant: &MerchantId) -> Update {
    update.when("#merchant_id = :owner AND attribute_not_exists(#deleted_at)", [(":owner", s(merchant.as_str()))])
}

fn key_of(object: &Object) -> Key {
    match object {
        Object::Session(session) => keys::session(&session.id),
        Object::Refund(refund) => keys::refund(&refund.session_id, &refund.id),
    }
}

/// When something is to be done about an item; not if it is paused.
fn due_at(item: &Item) -> Option<Timestamp> {
    item.get("due_at")?.as_s().ok()?.parse().ok()
}
