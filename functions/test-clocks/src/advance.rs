//! What is done while a test clock is advanced: it moves from one time at which something is due to the next, and all that is
//! due is done and published before it moves on.
//!
//! Each step is a conditional write, and what is to be done is read of the table each time: after a crash the next request goes
//! on, and two at once do the same.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use api::ApiError;
use jiff::Timestamp;
use models::{CursorId, MerchantId, Object, ObjectId, TestClock, TestClockId};
use payments::{PaymentError, Payments};
use queue::Queue;
use runtime::Clock;
use store::{Follower, TestClocks};

/// How often it is read whether everything is published and delivered.
const READ_AGAIN: Duration = Duration::from_millis(50);

/// How long after a cursor was queued it is queued again, if it is still due: a message may be lost.
const QUEUE_AGAIN: Duration = Duration::from_secs(2);

/// Advances test clocks.
#[derive(Debug)]
pub(crate) struct Advance {
    clocks: TestClocks,
    payments: Payments,
    webhooks: Queue,
    clock: Clock,
}

/// What one request remembers of what it has done.
#[derive(Debug, Default)]
struct Done {
    /// What was due, and had nothing to be done about it, at the time that the clock shows.
    idle: BTreeSet<(ObjectId, Timestamp)>,
    /// When cursors were queued.
    queued: HashMap<(CursorId, Timestamp), Instant>,
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
        let mut done = Done::default();
        while let Some(clock) = self.clocks.get(owner, id, self.clock.now()).await?
            && let Some(target) = clock.target
            && self.clock.instant() < stop_at
        {
            let followers = self.clocks.followers(&clock).await?;
            if self.copy(&clock, &followers).await? || self.do_due(&clock, &followers, &mut done).await? {
                continue;
            }
            let Some(next_delivery) = self.settled(&clock, &followers, &mut done).await? else {
                tokio::time::sleep(READ_AGAIN).await;
                continue;
            };
            if clock.now == target {
                self.clocks.arrive(id, target).await?;
                continue;
            }
            let later = followers.iter().flat_map(times_of).chain(next_delivery.0).filter(|at| *at > clock.now);
            let next = later.min().map_or(target, |next| next.min(target));
            self.clocks.step(id, clock.now, next).await?;
            done.idle.clear();
        }
        Ok(())
    }

    /// Moves what follows the clock to its time; whether anything was behind.
    async fn copy(&self, clock: &TestClock, followers: &[Follower]) -> Result<bool, ApiError> {
        let is_behind =
            |follower: &&Follower| follower.object.test_clock().is_some_and(|on_clock| on_clock.now < clock.now);
        let mut any = false;
        for follower in followers.iter().filter(is_behind) {
            self.clocks.copy(&follower.object, clock.now).await?;
            any = true;
        }
        Ok(any)
    }

    /// Does what is due, in the order of time; whether anything was.
    async fn do_due(&self, clock: &TestClock, followers: &[Follower], done: &mut Done) -> Result<bool, ApiError> {
        let mut due: Vec<_> = followers
            .iter()
            .filter_map(|follower| Some((follower.due_at?, follower.object.id(), &follower.object)))
            .filter(|(at, id, _)| *at <= clock.now && !done.idle.contains(&(*id, *at)))
            .collect();
        due.sort_by_key(|(at, id, _)| (*at, *id));
        for (at, id, object) in &due {
            let did = match object {
                Object::Session(session) => self.payments.do_due_of_session(session).await,
                Object::Refund(refund) => self.payments.do_due_of_refund(refund).await,
            };
            did.map_err(of_payment)?;
            // If it is due at another time by now, that is another entry.
            done.idle.insert((*id, *at));
        }
        Ok(!due.is_empty())
    }

    /// Whether everything that happened is published, and all that is due by now is delivered or has failed; if so, when the next
    /// delivery is due. What is due is queued.
    async fn settled(
        &self,
        clock: &TestClock,
        followers: &[Follower],
        done: &mut Done,
    ) -> Result<Option<NextDelivery>, ApiError> {
        let (mut settled, mut next) = (true, None);
        for follower in followers {
            settled &= self.clocks.is_published(&follower.object).await?;
            for cursor in self.clocks.cursors_of(&follower.object.id()).await? {
                if cursor.due_at > clock.now {
                    next = next.into_iter().chain([cursor.due_at]).min();
                    continue;
                }
                settled = false;
                let now = self.clock.instant();
                let queued_at = done.queued.get(&(cursor.id.clone(), cursor.due_at));
                if queued_at.is_none_or(|at| now.duration_since(*at) >= QUEUE_AGAIN) {
                    self.webhooks
                        .enqueue(&cursor.id.to_string())
                        .await
                        .map_err(|error| ApiError::Unavailable(error.into()))?;
                    done.queued.insert((cursor.id, cursor.due_at), now);
                }
            }
        }
        Ok(settled.then_some(NextDelivery(next)))
    }
}

/// When the next delivery is due, if one is.
#[derive(Debug, Clone, Copy)]
struct NextDelivery(Option<Timestamp>);

/// When something is to be done about what follows a clock: what is due, and a session's end.
fn times_of(follower: &Follower) -> impl Iterator<Item = Timestamp> + use<> {
    let ends_at = match &follower.object {
        Object::Session(session) => session.state.is_awaiting().then_some(session.expires_at),
        Object::Refund(_) => None,
    };
    follower.due_at.into_iter().chain(ends_at)
}

fn of_payment(error: PaymentError) -> ApiError {
    match error {
        PaymentError::Store(error) => error.into(),
        PaymentError::Provider(error) => ApiError::Unavailable(Box::new(error)),
        error @ PaymentError::Inconsistent(_) => ApiError::Internal(Box::new(error)),
    }
}
