//! What is done while a test clock is advanced: it moves from one time at which something is due to the next, and all that is
//! due is done, published and delivered before it moves on.
//!
//! Each step is a conditional write, and what is to be done is read of the table each time: after a crash the next request goes
//! on, and two at once do the same.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use api::ApiError;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use models::{CursorId, MerchantId, Object, ObjectId, SessionId, TestClock, TestClockId};
use payments::{PaymentError, Payments};
use queue::Queue;
use runtime::Clock;
use store::{DueCursor, Follower, Published, StoreError, TestClocks};

/// How often it is read whether everything is published and delivered: soon at first, and up to once a second.
const READ_AGAIN: Duration = Duration::from_millis(50);
const READ_AGAIN_AT_MOST: Duration = Duration::from_secs(1);

/// How long after a cursor was queued it is queued again, if it is still due: a message may be lost.
const QUEUE_AGAIN: Duration = Duration::from_secs(2);

/// How long an event that is there may lack the note that all is written which follows from it: an earlier release writes none.
const WRITTEN_AFTER: Duration = Duration::from_secs(5);

/// When what is being delivered now is nobody's any more: a claim ends after 90 seconds.
const CLAIMS_HAVE_ENDED: Duration = Duration::from_secs(100);

/// How many followers of a clock are processed at once.
const AT_ONCE: usize = 16;

/// Advances test clocks.
#[derive(Debug)]
pub(crate) struct Advance {
    clocks: TestClocks,
    payments: Payments,
    webhooks: Queue,
    clock: Clock,
}

/// What one request remembers of its work at the time that the clock shows.
#[derive(Debug, Default)]
struct Progress {
    /// What was processed: which, with how long a history, due when.
    processed: BTreeSet<(ObjectId, usize, Timestamp)>,
    /// When cursors were queued.
    queued: HashMap<DueCursor, Instant>,
    /// Since when events lack the note that they are published.
    unnoted: HashMap<(ObjectId, usize), Instant>,
    /// How often it was waited for.
    waited: u32,
}

/// Whether everything is published and delivered that can be at the time that the clock shows.
enum Settled {
    No,
    /// It is; and the next delivery is due then, if there is one.
    Until(Option<Timestamp>),
}

impl Advance {
    pub(crate) const fn new(clocks: TestClocks, payments: Payments, webhooks: Queue, clock: Clock) -> Self {
        Self { clocks, payments, webhooks, clock }
    }

    /// Moves a clock on towards the time that it is being advanced to, until it has arrived or it is `stop_at`.
    ///
    /// # Errors
    /// 503, 500: it may have been moved on.
    pub(crate) async fn work(&self, owner: &MerchantId, id: TestClockId, stop_at: Instant) -> Result<(), ApiError> {
        let mut progress = Progress::default();
        while let Some(clock) = self.clocks.get(owner, id, self.clock.now()).await?
            && self.clock.instant() < stop_at
        {
            let followers = self.clocks.followers_of(clock.sessions.clone()).await?;
            let is_behind = self.copy(&clock, &followers).await?;
            if is_behind || self.do_due(&clock, &followers, &mut progress, stop_at).await? {
                continue;
            }
            let Settled::Until(next_delivery) = self.settled(&clock, &followers, &mut progress).await? else {
                let wait = READ_AGAIN.saturating_mul(progress.waited.saturating_add(1)).min(READ_AGAIN_AT_MOST);
                progress.waited = progress.waited.saturating_add(1);
                tokio::time::sleep(wait).await;
                continue;
            };
            let Some(target) = clock.target else { return Ok(()) };
            if clock.now == target {
                return Ok(self.clocks.arrive(id, target).await?);
            }
            let later = followers.iter().flat_map(times_of).chain(next_delivery).filter(|at| *at > clock.now);
            let next = later.min().map_or(target, |next| next.min(target));
            self.clocks.step(id, clock.now, next).await?;
            progress = Progress { unnoted: progress.unnoted, ..Progress::default() };
        }
        Ok(())
    }

    /// Queues all that is to be delivered of the sessions that followed a clock, which is gone. What is being delivered now is
    /// claimed, and may be due again afterwards: it is queued once more for when the claim has ended.
    ///
    /// # Errors
    /// 503: some of it was not.
    pub(crate) async fn queue_all(&self, sessions: Vec<SessionId>) -> Result<(), ApiError> {
        let followers = self.clocks.followers_of(sessions).await?;
        let queued = stream::iter(&followers).map(async |follower| {
            for cursor in self.clocks.cursors_of(&follower.id).await? {
                self.queue(&cursor.id, Duration::ZERO).await?;
                self.queue(&cursor.id, CLAIMS_HAVE_ENDED).await?;
            }
            Ok(())
        });
        queued.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Moves what follows the clock to its time; whether anything was behind.
    async fn copy(&self, clock: &TestClock, followers: &[Follower]) -> Result<bool, ApiError> {
        let behind: Vec<_> = followers.iter().filter(|follower| follower.on_clock.now < clock.now).collect();
        let copied = stream::iter(&behind).map(|follower| self.clocks.copy(follower, clock.now));
        copied.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(!behind.is_empty())
    }

    /// Does what is due, in the order of time, until it is `stop_at`; whether anything was. What can't be done is logged, and
    /// stops nothing else.
    async fn do_due(
        &self,
        clock: &TestClock,
        followers: &[Follower],
        progress: &mut Progress,
        stop_at: Instant,
    ) -> Result<bool, ApiError> {
        let mut due: Vec<_> = followers
            .iter()
            .filter_map(|follower| {
                Some((follower.due_at?, follower.id, follower.history_len, follower.object.as_ref()?))
            })
            .filter(|(at, ..)| *at <= clock.now)
            .filter(|(at, id, history_len, _)| !progress.processed.contains(&(*id, *history_len, *at)))
            .collect();
        due.sort_by_key(|(at, id, ..)| (*at, *id));
        for at_once in due.chunk_by(|(one, ..), (other, ..)| one == other) {
            if self.clock.instant() >= stop_at {
                break;
            }
            let done = stream::iter(at_once).map(|(_, _, _, object)| self.do_one(object));
            done.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            // What is due at another time by now is another entry.
            progress.processed.extend(at_once.iter().map(|(at, id, history_len, _)| (*id, *history_len, *at)));
        }
        Ok(!due.is_empty())
    }

    async fn do_one(&self, object: &Object) -> Result<(), ApiError> {
        let done = match object {
            Object::Session(session) => self.payments.do_due_of_session(session).await,
            Object::Refund(refund) => self.payments.do_due_of_refund(refund).await,
        };
        match done {
            Ok(()) => {}
            Err(PaymentError::Store(error @ (StoreError::Unavailable { .. } | StoreError::Conflict { .. }))) => {
                return Err(error.into());
            }
            // A merchant's own test raises no alarm.
            Err(
                error @ (PaymentError::Provider(_)
                | PaymentError::Inconsistent(_)
                | PaymentError::Store(
                    StoreError::Disagreement { .. } | StoreError::Unreadable { .. } | StoreError::Unwritable(_),
                )),
            ) => tracing::error!(object_id = %object.id(), %error, "a due item could not be processed"),
        }
        Ok(())
    }

    /// Whether everything that happened is published, and all that is due by now is delivered or has failed. What is due is
    /// queued.
    async fn settled(
        &self,
        clock: &TestClock,
        followers: &[Follower],
        progress: &mut Progress,
    ) -> Result<Settled, ApiError> {
        let read = stream::iter(followers).map(async |follower| {
            let published = self.clocks.published(follower).await?;
            Ok::<_, ApiError>((follower, published, self.clocks.cursors_of(&follower.id).await?))
        });
        let read: Vec<_> = read.buffered(AT_ONCE).try_collect().await?;
        let (mut settled, mut next, now) = (true, None, self.clock.instant());
        for (follower, published, cursors) in read {
            settled &= match published {
                Published::Yes => true,
                Published::No => false,
                Published::Perhaps => {
                    let since = progress.unnoted.entry((follower.id, follower.history_len)).or_insert(now);
                    now.duration_since(*since) >= WRITTEN_AFTER
                }
            };
            for cursor in cursors {
                if cursor.due_at > clock.now {
                    next = next.into_iter().chain([cursor.due_at]).min();
                    continue;
                }
                settled = false;
                if progress.queued.get(&cursor).is_none_or(|at| now.duration_since(*at) >= QUEUE_AGAIN) {
                    self.queue(&cursor.id, Duration::ZERO).await?;
                    progress.queued.insert(cursor, now);
                }
            }
        }
        Ok(if settled { Settled::Until(next) } else { Settled::No })
    }

    async fn queue(&self, cursor: &CursorId, delay: Duration) -> Result<(), ApiError> {
        self.webhooks
            .enqueue_after(&cursor.to_string(), delay)
            .await
            .map_err(|error| ApiError::Unavailable(error.into()))
    }
}

/// When something is to be done about what follows a clock: what is due, and a session's end.
fn times_of(follower: &Follower) -> impl Iterator<Item = Timestamp> + use<> {
    let ends_at = match &follower.object {
        Some(Object::Session(session)) => session.state.is_awaiting().then_some(session.expires_at),
        Some(Object::Refund(_)) | None => None,
    };
    follower.due_at.into_iter().chain(ends_at)
}
