//! Cursors: how many events of each object were delivered to each endpoint. The table is the truth; the queue only signals.

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use models::{CursorId, EndpointId, EventId, OnClock, SortableTimestamp, TestClockId, WriteId};
use serde::{Deserialize, Serialize};

use crate::due;
use crate::error::StoreError;
use crate::history::{TEST_CLOCK, follows_clock};
use crate::keys::{self, DUE_SHARDS, cursor_of};
use crate::query::{Query, Source};
use crate::table::{Item, Table, ms, n, read, s};
use crate::test_clocks::read_present;
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// How long a claimed cursor, or a slot, is nobody else's. Longer than the function that delivers may run.
pub(crate) const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// How long a cursor is kept after the last event that it was moved on for: as long as events are, and a margin.
const KEPT: SignedDuration = SignedDuration::from_hours(40 * 24);

/// How many items of the due index are read at a time in one shard, so that memory has a bound; and how many requests are made at
/// once.
const ENOUGH_IN_SHARD: usize = 1000;
const AT_ONCE: usize = 16;

/// How many shards of the due index are read for a page, in search of what backs off, and how many items in each: some 100 read units.
const GLANCED_SHARDS: u32 = 64;
const GLANCED_IN_SHARD: usize = 100;

/// Longer than any cursor waits for its next try: 6 hours, and a fifth more.
const LONGEST_BACK_OFF: SignedDuration = SignedDuration::from_hours(8);

/// The table's cursors.
#[derive(Debug, Clone)]
pub struct Cursors {
    table: Table,
}

/// Why a cursor waits to be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paused {
    /// Its endpoint has failed for three days.
    Dead,
    /// Its endpoint is disabled.
    Disabled,
}

/// A cursor whose next event failed, or whose endpoint is parked: it waits for its next try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackingOff {
    /// Which.
    pub id: CursorId,
    /// When it is tried next, in real time.
    pub due_at: Timestamp,
}

/// How much is read in search of what backs off, where so much waits that the due index is not read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// For a page: a tenth of the shards, and of each what is due first.
    Glance,
    /// For who resumes an endpoint: all shards, until [`Cursors::ENOUGH_TO_RESUME`] cursors are found.
    Thorough,
}

/// What was found to back off at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBackingOff {
    /// Some of it.
    pub cursors: Vec<BackingOff>,
    /// Whether that is certainly all.
    pub is_all: bool,
}

/// A cursor as it is kept. `due_pk` and `due_at` put it in the due index while something is to be delivered; until `lease_until`
/// it is its claimant's.
#[derive(Debug, Deserialize)]
struct Record {
    delivered: usize,
    head: usize,
    #[serde(default)]
    attempts: u32,
    #[serde(default, with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    waiting_since: Option<Timestamp>,
    #[serde(default)]
    skips_gaps: bool,
    #[serde(default)]
    test_clock: Option<TestClockId>,
    #[serde(default)]
    lease_id: Option<WriteId>,
}

/// When a cursor was last made due by hand: replayed, resumed, or hastened.
#[derive(Debug, Deserialize)]
struct Renewed {
    #[serde(default, with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    renewed_at: Option<Timestamp>,
}

/// The event that a cursor began with, if that was noted.
#[derive(Debug, Deserialize)]
struct Began {
    #[serde(default)]
    first: Option<usize>,
}

/// A cursor that is ours to move, for a while.
#[derive(Debug)]
pub struct CursorClaim {
    /// Which.
    pub id: CursorId,
    /// The last event that was delivered, or is not to be.
    pub delivered: usize,
    /// The last event there is to deliver.
    pub head: usize,
    /// How often the next one has failed.
    pub attempts: u32,
    /// Since when it has had to wait.
    pub waiting_since: Option<Timestamp>,
    /// Whether events that are no longer there are passed over: after it was resumed, which may be later than they are kept.
    pub skips_gaps: bool,
    /// The test clock that the object follows, if it does.
    pub test_clock: Option<OnClock>,
    lease_id: WriteId,
}

impl CursorClaim {
    /// The time that its object goes by: its test clock's, if it follows one, else the `real` one.
    pub fn now(&self, real: Timestamp) -> Timestamp {
        OnClock::time(self.test_clock.as_ref(), real)
    }
}

/// What became of advancing a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advanced {
    /// It delivers this event from now on.
    New,
    /// It was advanced to this event before, or past it; also if the SDK repeated an update whose answer was lost.
    Before,
    /// It began with a later event, and so never delivers this one: see [`Cursors::replay_missed`].
    Missed,
}

/// What became of finishing with a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// Nothing is left to deliver.
    Done,
    /// There is more since.
    More,
    /// It is no longer ours.
    Lost,
}

impl Cursors {
    /// The cursors in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Event `sequence` is to be delivered: due now, unless it waits for earlier ones. A new cursor begins with it. What is
    /// about something that follows a test clock is due by that, and in no index.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn advance(
        &self,
        id: &CursorId,
        sequence: usize,
        now: Timestamp,
        test_clock: Option<&OnClock>,
    ) -> Result<Advanced, StoreError> {
        let key = keys::cursor(id);
        let due_at = s(sort_key(OnClock::time(test_clock, now)));
        let update = Update::new(WriteKind::CursorAdvance, key.clone())
            .when("attribute_not_exists(#head) OR #head < :head", [(":head", n(sequence))])
            .set_to("head", ":head", [])
            .set_to("first", "if_not_exists(#first, :head)", [])
            .set_to("delivered", "if_not_exists(#delivered, :before)", [(":before", n(sequence.saturating_sub(1)))])
            .set_to("due_at", "if_not_exists(#due_at, :due_at)", [(":due_at", due_at)])
            .set("ttl", n(ttl_after(now)));
        let update = match test_clock {
            None => update.set_to("due_pk", "if_not_exists(#due_pk, :due_pk)", [(":due_pk", s(keys::due_pk(&key)))]),
            Some(clock) => update.set(TEST_CLOCK, s(clock.id.to_string())),
        };
        match update.send(&self.table).await? {
            Updated::New(_) => Ok(Advanced::New),
            Updated::Refused(None) => Ok(Advanced::Before),
            Updated::Refused(Some(item)) => {
                let Began { first } = read(key, item)?;
                Ok(if first.is_none_or(|first| first <= sequence) { Advanced::Before } else { Advanced::Missed })
            }
        }
    }

    /// One event is to be delivered once more, by a cursor of its own.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn replay(&self, id: &CursorId, event: &EventId, now: Timestamp) -> Result<(), StoreError> {
        let mut at = now;
        loop {
            // Later than it was made due by hand before: a first attempt that arrives late has an earlier timestamp.
            let replaying = self.replaying(WriteKind::CursorReplay, id, event, at);
            let update = replaying
                .when("attribute_not_exists(#renewed_at) OR #renewed_at < :set_renewed_at", [])
                .set("renewed_at", ms(at));
            let Updated::Refused(Some(item)) = update.send(&self.table).await? else { return Ok(()) };
            let Renewed { renewed_at } = read(keys::cursor(id), item)?;
            // At the same millisecond: by ourselves, whose first answer was lost, or to the same effect by somebody else.
            let Some(later) = renewed_at.filter(|renewed_at| renewed_at.as_millisecond() != at.as_millisecond()) else {
                return Ok(());
            };
            at = later.checked_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX);
        }
    }

    /// The same for an event that was never delivered, unless it has been by then: false.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn replay_missed(&self, id: &CursorId, event: &EventId, now: Timestamp) -> Result<bool, StoreError> {
        let update =
            self.replaying(WriteKind::CursorReplayMissed, id, event, now).when("attribute_not_exists(#head)", []);
        Ok(matches!(update.send(&self.table).await?, Updated::New(_)))
    }

    fn replaying(&self, kind: WriteKind, id: &CursorId, event: &EventId, now: Timestamp) -> Update {
        let key = keys::cursor(id);
        Update::new(kind, key.clone())
            .set("head", n(event.sequence))
            .set("delivered", n(event.sequence.saturating_sub(1)))
            .set("attempts", n(0))
            .set("due_pk", s(keys::due_pk(&key)))
            .set("due_at", s(sort_key(now)))
            .set("ttl", n(ttl_after(now)))
            .remove(&["lease_id", "lease_until", "waiting_since", "held", TEST_CLOCK])
    }

    /// Claims a cursor that is due; none if nothing is to be delivered, or it waits, or it is someone else's. Whether what is
    /// about something that follows a test clock is due is read of that.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn claim(&self, id: &CursorId, now: Timestamp) -> Result<Option<CursorClaim>, StoreError> {
        let lease_id = self.table.random.write_id();
        let claim = |due_by: Timestamp| {
            Update::new(WriteKind::CursorClaim, keys::cursor(id))
                .when("#due_at <= :due_by", [(":due_by", s(sort_key(due_by)))])
                .lease(&lease_id, now, lease_end(now))
        };
        // One that was paused and resumed is in the index, and goes by the real time.
        let by_real_time = claim(now).when("attribute_not_exists(#test_clock) OR attribute_exists(#due_pk)", []);
        let (item, test_clock) = match by_real_time.send(&self.table).await? {
            Updated::Refused(Some(item)) if follows_clock(&item) => {
                let clock = self.clock_of(id, &item).await?;
                // What it is due by may be the same again: a first attempt that arrives late was made no later than another.
                let claim = claim(clock.map_or(Timestamp::MAX, |clock| clock.now))
                    .when("attribute_exists(#test_clock) AND attribute_not_exists(#due_pk)", [])
                    .when("attribute_not_exists(#claimed_at) OR #claimed_at < :lease_now", [])
                    .set("claimed_at", ms(now));
                let claim = match clock {
                    Some(_) => claim,
                    // A clock that is gone holds up nothing: it goes by the real time from now on.
                    None => claim
                        .set("due_pk", s(keys::due_pk(&keys::cursor(id))))
                        .set("due_at", s(sort_key(now)))
                        .remove(&[TEST_CLOCK, "waiting_since"]),
                };
                match claim.send(&self.table).await? {
                    Updated::New(item) | Updated::Refused(Some(item)) => (item, clock),
                    Updated::Refused(None) => return Ok(None),
                }
            }
            Updated::New(item) | Updated::Refused(Some(item)) => (item, None),
            Updated::Refused(None) => return Ok(None),
        };
        let Record { delivered, head, attempts, waiting_since, skips_gaps, lease_id: holder, .. } =
            read(keys::cursor(id), item)?;
        // A refused claim that bears our lease had succeeded; its answer was lost.
        Ok((holder.as_ref() == Some(&lease_id)).then(|| CursorClaim {
            id: id.clone(),
            delivered,
            head,
            attempts,
            waiting_since,
            skips_gaps,
            test_clock,
            lease_id,
        }))
    }

    /// The clock that a cursor's object follows, with its time, unless it is gone.
    async fn clock_of(&self, id: &CursorId, item: &Item) -> Result<Option<OnClock>, StoreError> {
        let Record { test_clock, .. } = read(keys::cursor(id), item.clone())?;
        let clock_id = test_clock.ok_or_else(|| StoreError::Disagreement { key: keys::cursor(id).to_string() })?;
        let clock = read_present(clock_id, self.table.get(keys::test_clock(&clock_id)).await?)?;
        Ok(clock.map(|clock| clock.on_clock()))
    }

    /// All events up to `sequence` are delivered: the cursor moves on, and the claim begins again. False if it is no longer ours.
    ///
    /// # Errors
    /// The table failed us; what was delivered may be delivered again.
    pub async fn moved(&self, claim: &mut CursorClaim, sequence: usize, now: Timestamp) -> Result<bool, StoreError> {
        let update = self
            .leased(WriteKind::CursorMove, claim)
            .when("#delivered < :set_delivered", [])
            .set("delivered", n(sequence))
            .set("attempts", n(0))
            .set("lease_until", ms(lease_end(now)))
            .remove(&["waiting_since"]);
        let moved = match update.send(&self.table).await? {
            Updated::New(_) => true,
            Updated::Refused(None) => false,
            // Still ours: moved by our first try, whose answer was lost.
            Updated::Refused(Some(item)) => {
                let record: Record = read(keys::cursor(&claim.id), item)?;
                record.lease_id.as_ref() == Some(&claim.lease_id)
            }
        };
        (claim.delivered, claim.attempts, claim.waiting_since) = (sequence, 0, None);
        Ok(moved)
    }

    /// All events up to `sequence` are delivered, and there should be no more.
    ///
    /// # Errors
    /// The table failed us; what was delivered may be delivered again.
    pub async fn finish(&self, claim: &mut CursorClaim, sequence: usize) -> Result<Finished, StoreError> {
        let update = self
            .leased(WriteKind::CursorFinish, claim)
            .when("#head = :head", [(":head", n(sequence))])
            .set("delivered", n(sequence))
            .set("attempts", n(0))
            .remove(&["due_pk", "due_at", "lease_id", "lease_until", "waiting_since", "skips_gaps"]);
        match update.send(&self.table).await? {
            Updated::New(_) => Ok(Finished::Done),
            Updated::Refused(None) => Ok(Finished::Lost),
            Updated::Refused(Some(item)) => {
                let record: Record = read(keys::cursor(&claim.id), item)?;
                if record.lease_id.as_ref() == Some(&claim.lease_id) {
                    claim.head = record.head;
                    return Ok(Finished::More);
                }
                // Without a lease it may be our own finish, whose answer was lost.
                let done = record.lease_id.is_none() && record.delivered == sequence;
                Ok(if done { Finished::Done } else { Finished::Lost })
            }
        }
    }

    /// The next event could not be delivered; it is due again then. `attempts` is how often it has failed by now, and
    /// `waiting_since` when it first had to wait.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn retry_at(
        &self,
        claim: &CursorClaim,
        at: Timestamp,
        attempts: u32,
        waiting_since: Timestamp,
    ) -> Result<(), StoreError> {
        let update = self
            .leased(WriteKind::CursorRetry, claim)
            .set("due_at", s(sort_key(at)))
            .set("attempts", n(attempts))
            .set("waiting_since", ms(waiting_since))
            .remove(&["lease_id", "lease_until"]);
        update.send(&self.table).await.map(|_| ())
    }

    /// The next event is not to be sent before then, and was not tried: it has not had to wait.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn postpone(&self, claim: &CursorClaim, at: Timestamp) -> Result<(), StoreError> {
        let update = self.leased(WriteKind::CursorRetry, claim).set("due_at", s(sort_key(at))).remove(&[
            "lease_id",
            "lease_until",
            "waiting_since",
        ]);
        update.send(&self.table).await.map(|_| ())
    }

    /// It is paused until it is resumed.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn pause(&self, claim: &CursorClaim, why: Paused) -> Result<(), StoreError> {
        let update = self
            .leased(WriteKind::CursorPause, claim)
            // One that follows a test clock comes to the index, where it is found to be resumed.
            .set_to(
                "due_pk",
                "if_not_exists(#due_pk, :due_pk)",
                [(":due_pk", s(keys::due_pk(&keys::cursor(&claim.id))))],
            )
            .set("due_at", s(keys::paused_due_at(&claim.id.endpoint_id)))
            .set("held", serde_dynamo::to_attribute_value(why)?)
            .remove(&["lease_id", "lease_until"]);
        update.send(&self.table).await.map(|_| ())
    }

    /// Its endpoint is no longer there: nothing is due any more.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn drop(&self, claim: &CursorClaim) -> Result<(), StoreError> {
        let update = self.leased(WriteKind::CursorDrop, claim);
        update.remove(&["due_pk", "due_at", "lease_id", "lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// How many cursors of an endpoint are enough for the caller that resumes it.
    pub const ENOUGH_TO_RESUME: usize = 10_000;

    /// Cursors of an endpoint that wait to be resumed: all of them, or, if there are that many, `enough` or more.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn paused_of(&self, endpoint: &EndpointId, enough: usize) -> Result<Vec<CursorId>, StoreError> {
        let due_at = keys::paused_due_at(endpoint);
        if let Some(items) = due::scan(&self.table, "due_at = :due_at", &due_at).await? {
            return Ok(items.iter().filter_map(cursor_of).collect());
        }
        let (between, limit) = ((due_at.as_str(), due_at.as_str()), enough.min(ENOUGH_IN_SHARD));
        let (mut paused, mut shards) = (Vec::new(), 0..DUE_SHARDS);
        while paused.len() < enough && !shards.is_empty() {
            let some = shards.by_ref().take(AT_ONCE).map(|shard| self.due_in(shard, between, limit));
            paused.extend(try_join_all(some).await?.iter().flatten().filter_map(cursor_of));
        }
        Ok(paused)
    }

    /// Cursors of an endpoint that wait for their next try. While hundreds of thousands of things wait for the next hours, even a
    /// thorough search may miss some. What follows a test clock is not among them.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn backing_off(
        &self,
        endpoint: &EndpointId,
        now: Timestamp,
        search: Search,
    ) -> Result<FoundBackingOff, StoreError> {
        let of_endpoint =
            |item: &Item| backing_off(item).filter(|one| one.id.endpoint_id == *endpoint && one.due_at > now);
        let first = sort_key(now);
        if let Some(items) = due::scan(&self.table, "due_at > :due_at", &first).await? {
            return Ok(FoundBackingOff { cursors: items.iter().filter_map(of_endpoint).collect(), is_all: true });
        }
        let (shards, in_shard) = match search {
            Search::Glance => (GLANCED_SHARDS, GLANCED_IN_SHARD),
            Search::Thorough => (DUE_SHARDS, ENOUGH_IN_SHARD),
        };
        let last = sort_key(now.checked_add(LONGEST_BACK_OFF).unwrap_or(Timestamp::MAX));
        let between = (first.as_str(), last.as_str());
        let (mut cursors, mut shards) = (Vec::new(), 0..shards);
        while cursors.len() < Self::ENOUGH_TO_RESUME && !shards.is_empty() {
            let some = shards.by_ref().take(AT_ONCE).map(|shard| self.due_in(shard, between, in_shard));
            cursors.extend(try_join_all(some).await?.iter().flatten().filter_map(of_endpoint));
        }
        Ok(FoundBackingOff { cursors, is_all: false })
    }

    async fn due_in(&self, shard: u32, between: (&str, &str), limit: usize) -> Result<Vec<Item>, StoreError> {
        let pk = keys::due_shard_pk(shard);
        let query = Query { source: Source::Due, pk: &pk, between: Some(between), descending: false, limit };
        Ok(self.table.page(&query, None).await?.items)
    }

    /// Makes a cursor due now that still waits as it was found. One that somebody is delivering is due already, and so is not
    /// touched; which event is next, and how often it has failed, stay as they are.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn hasten(&self, waiting: &BackingOff, now: Timestamp) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::CursorHasten, keys::cursor(&waiting.id))
            .when("#due_at = :found", [(":found", s(sort_key(waiting.due_at)))])
            // It may wait until the same millisecond again by the time that a first attempt arrives.
            .when("attribute_not_exists(#renewed_at) OR #renewed_at < :set_renewed_at", [])
            .set("renewed_at", ms(now))
            .set("due_at", s(sort_key(now)));
        update.send(&self.table).await.map(|_| ())
    }

    /// Makes a cursor that waits to be resumed due now, in real time from now on.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resume(&self, id: &CursorId, now: Timestamp) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::CursorResume, keys::cursor(id))
            .when("#due_at = :held", [(":held", s(keys::paused_due_at(&id.endpoint_id)))])
            // It may be paused again by the time that a first attempt arrives. What is refused for a clock that is behind is
            // found again in a minute.
            .when("attribute_not_exists(#renewed_at) OR #renewed_at < :set_renewed_at", [])
            .set("renewed_at", ms(now))
            .set("due_at", s(sort_key(now)))
            .set("attempts", n(0))
            .set("skips_gaps", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
            .remove(&["held", "waiting_since", TEST_CLOCK]);
        update.send(&self.table).await.map(|_| ())
    }

    fn leased(&self, kind: WriteKind, claim: &CursorClaim) -> Update {
        let lease = (":lease", s(claim.lease_id.as_str()));
        Update::new(kind, keys::cursor(&claim.id)).when("#lease_id = :lease", [lease])
    }
}

/// The cursor that an item of the due index is about, if it is one and not paused.
fn backing_off(item: &Item) -> Option<BackingOff> {
    let due_at = item.get("due_at")?.as_s().ok()?.parse().ok()?;
    Some(BackingOff { id: cursor_of(item)?, due_at })
}

fn sort_key(at: Timestamp) -> String {
    SortableTimestamp::from(at).as_str().to_owned()
}

fn lease_end(now: Timestamp) -> Timestamp {
    now.checked_add(LEASE).unwrap_or(Timestamp::MAX)
}

fn ttl_after(now: Timestamp) -> i64 {
    now.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second()
}
