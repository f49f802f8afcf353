//! Test clocks, and what follows them.
//!
//! What follows a clock is not in the due index: the function that advances the clock reads it by its own keys, consistently, so that all
//! is done in the order of time, and nothing else does it.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use models::{
    CursorId, EventId, MAX_SESSIONS_ON_A_CLOCK, MerchantId, Object, ObjectId, OnClock, Refund, Session, SessionId,
    TestClock, TestClockId,
};

use crate::error::StoreError;
use crate::events::PUBLISHED;
use crate::history::{TEST_CLOCK, entered_at, follows_clock};
use crate::keys;
use crate::table::{Item, Key, Put, Table, ms, n, read, s, sk};
use crate::tombstone::{Tombstone, is_tombstone};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// How many sessions are read at once.
const READS_AT_ONCE: usize = 16;

/// The table's test clocks.
#[derive(Debug, Clone)]
pub struct TestClocks {
    table: Table,
}

/// What became of advancing a clock.
#[derive(Debug)]
pub enum ClockAdvanced {
    /// It is being advanced to that time, since now or before.
    Going,
    /// It is being advanced to another time, or shows a later one by now.
    Elsewhere(TestClock),
    /// There is none with this id, or not this merchant's, or it was deleted.
    NotFound,
}

/// What became of deleting a clock; with the sessions that followed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockDeleted {
    /// It is deleted now.
    Now(Vec<SessionId>),
    /// It was deleted before.
    Before(Vec<SessionId>),
    /// There is none with this id, or not this merchant's.
    NotFound,
}

/// Something that follows a clock.
#[derive(Debug)]
pub struct Follower {
    /// Which session or refund.
    pub id: ObjectId,
    /// What it keeps of the clock.
    pub on_clock: OnClock,
    /// How many entries its history has.
    pub history_len: usize,
    /// As it is, unless it was deleted.
    pub object: Option<Object>,
    /// When something is to be done about it, by the clock, if anything is.
    pub due_at: Option<Timestamp>,
    key: Key,
}

/// Whether what happened last to a follower is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Not yet.
    No,
    /// Its event is there; whether all is written that follows from it is not known.
    Perhaps,
    /// With all that follows from it.
    Yes,
}

/// What is to be delivered of what follows a clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

    /// Begins to advance the merchant's clock, which was `seen` to show a time, to a later one; or goes on with it.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn advance(
        &self,
        merchant: &MerchantId,
        id: TestClockId,
        seen: Timestamp,
        to: Timestamp,
    ) -> Result<ClockAdvanced, StoreError> {
        let update = own(Update::new(WriteKind::ClockAdvance, keys::test_clock(&id)), merchant)
            .when("#now = :seen AND #now < :set_target AND attribute_not_exists(#target)", [(":seen", ms(seen))])
            .set("target", ms(to));
        let clock = match update.send(&self.table).await? {
            Updated::New(_) => return Ok(ClockAdvanced::Going),
            Updated::Refused(item) => read_present(id, item)?.filter(|clock| clock.merchant_id == *merchant),
        };
        Ok(match clock {
            None => ClockAdvanced::NotFound,
            Some(clock) if clock.target.unwrap_or(clock.now) == to => ClockAdvanced::Going,
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

    /// Deletes the merchant's clock. What follows it stands still from then on.
    ///
    /// # Errors
    /// The table failed us; it may have been deleted.
    pub async fn delete(
        &self,
        merchant: &MerchantId,
        id: TestClockId,
        real_now: Timestamp,
    ) -> Result<ClockDeleted, StoreError> {
        let ours = s(self.table.random.write_id().as_str());
        let update = own(Update::new(WriteKind::ClockDelete, keys::test_clock(&id)), merchant)
            .set("deleted_at", ms(real_now))
            .set("deleted_by", ours.clone())
            .remove(&["name", "target"]);
        let (item, is_new) = match update.send(&self.table).await? {
            Updated::New(item) => (item, true),
            Updated::Refused(None) => return Ok(ClockDeleted::NotFound),
            // The SDK may have repeated an update whose answer was lost.
            Updated::Refused(Some(item)) => {
                let is_new = item.get("deleted_by") == Some(&ours);
                (item, is_new)
            }
        };
        let clock: TestClock = read(keys::test_clock(&id), item)?;
        Ok(if clock.merchant_id != *merchant {
            ClockDeleted::NotFound
        } else if is_new {
            ClockDeleted::Now(clock.sessions)
        } else {
            ClockDeleted::Before(clock.sessions)
        })
    }

    /// Everything that follows a clock which these sessions joined: they, also deleted ones, their refunds, and the sessions that
    /// pay those. Consistent reads, one for each session.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn followers_of(&self, sessions: Vec<SessionId>) -> Result<Vec<Follower>, StoreError> {
        let (mut followers, mut unread) = (Vec::new(), sessions);
        while !unread.is_empty() {
            let of = |session_id| self.session_and_refunds(session_id);
            let found: Vec<_> = stream::iter(unread.split_off(0)).map(of).buffered(READS_AT_ONCE).try_concat().await?;
            let payments = found.iter().filter_map(|follower| match &follower.object {
                Some(Object::Refund(refund)) => refund.payment_session_id,
                Some(Object::Session(_)) | None => None,
            });
            unread.extend(payments);
            followers.extend(found);
        }
        Ok(followers)
    }

    /// A session and its refunds.
    async fn session_and_refunds(&self, session_id: SessionId) -> Result<Vec<Follower>, StoreError> {
        let items = self.table.query(&keys::session_pk(&session_id), None, usize::MAX).await?;
        items.into_iter().filter(|item| item.contains_key(TEST_CLOCK)).map(|item| follower(session_id, item)).collect()
    }

    /// Moves a clock's time to something that follows it and has an earlier one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn copy(&self, to: &Follower, now: Timestamp) -> Result<(), StoreError> {
        move_key_forward(&self.table, to.key.clone(), now).await
    }

    /// Whether what happened last to something is published. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn published(&self, follower: &Follower) -> Result<Published, StoreError> {
        let last = EventId { object_id: follower.id, sequence: follower.history_len };
        Ok(match self.table.get(keys::event(&last)).await? {
            None => Published::No,
            Some(event) if event.contains_key(PUBLISHED) => Published::Yes,
            Some(_) => Published::Perhaps,
        })
    }

    /// What is to be delivered of something that follows a clock. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn cursors_of(&self, object: &ObjectId) -> Result<Vec<DueCursor>, StoreError> {
        let last = format!("{}~", keys::CURSOR_PREFIX);
        let all = Some((keys::CURSOR_PREFIX, last.as_str()));
        let items = self.table.query(&keys::events_pk(object), all, usize::MAX).await?;
        let due = |item: &Item| Some(DueCursor { id: keys::cursor_of(item)?, due_at: due_at(item)? });
        Ok(items.iter().filter(|item| follows_clock(item)).filter_map(due).collect())
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

/// Reads a session or refund that follows a clock.
fn follower(session_id: SessionId, item: Item) -> Result<Follower, StoreError> {
    let session_key = keys::session(&session_id);
    let (due_at, history_len) = (due_at(&item), entered_at(&item).count());
    let is_session = sk(&item) == keys::SESSION_SK;
    if is_session && is_tombstone(&item) {
        let Tombstone { test_clock, .. } = read(session_key.clone(), item)?;
        let on_clock = test_clock.ok_or_else(|| StoreError::Disagreement { key: session_key.to_string() })?;
        let id = session_id.into();
        return Ok(Follower { id, on_clock, history_len, object: None, due_at: None, key: session_key });
    }
    let (object, key) = if is_session {
        (Object::Session(read(session_key.clone(), item)?), session_key)
    } else {
        let refund: Box<Refund> = read(keys::session_pk(&session_id), item)?;
        let key = keys::refund(&session_id, &refund.id);
        (Object::Refund(refund), key)
    };
    let on_clock = *object.test_clock().ok_or_else(|| StoreError::Disagreement { key: key.to_string() })?;
    Ok(Follower { id: object.id(), on_clock, history_len, object: Some(object), due_at, key })
}

/// Moves the time of the clock that an item follows forward, if it has an earlier one.
pub(crate) async fn move_forward(table: &Table, item: &Item, now: Timestamp) -> Result<(), StoreError> {
    match Key::of(item) {
        Some(key) => move_key_forward(table, key, now).await,
        None => Ok(()),
    }
}

async fn move_key_forward(table: &Table, key: Key, now: Timestamp) -> Result<(), StoreError> {
    let update = Update::new(WriteKind::ObjectClock, key)
        .when("#test_clock.#now < :clock_now", [(":clock_now", ms(now))])
        .set_inside("#test_clock.#now", ms(now));
    update.send(table).await.map(|_| ())
}

/// When something is to be done about an item; not if it is paused.
fn due_at(item: &Item) -> Option<Timestamp> {
    item.get("due_at")?.as_s().ok()?.parse().ok()
}
