//! Delivers events to endpoints: each object's in order, a later one only after the endpoint has accepted the earlier one.
//!
//! A message only names the cursor to process. The worker that claims the cursor delivers what is after it; what fails is
//! due again, later and later. No endpoint has more than a few deliveries under way, and one that keeps failing is tried by
//! one worker alone.
//!
//! An invocation ends with its slowest message, so the fast lane waits for nobody: an endpoint that does not answer at once is
//! called again in the slow lane, by workers for which nobody else waits (docs/decisions/0018-lanes.md).

use std::time::{Duration, Instant, SystemTime};

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use deliveries::{delivery, note};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use models::{Application, CorrelationId, CursorId, Endpoint, Lane, Pace, is_given_up, next_delivery, not_before};
use outbound::{Delivery, DeliveryResult, Failure, Policy, Sender};
use queue::Queue;
use runtime::{Clock, Metric, Random};
use store::{
    CursorClaim, Cursors, DeliveryAttempt, Endpoints, Events, Finished, Merchants, Paused, Slot, StoredEvent, Table,
};

use crate::attempt::took;
use crate::faults::{self, Fault};

/// How long before the function's time runs out nothing more is sent: a delivery takes 15 s at the most.
const MARGIN: Duration = Duration::from_secs(25);

/// How many events are read at a time.
const EVENTS_AT_ONCE: usize = 10;
/// How long what was read may be acted on. After that events are read again, as their session may have been deleted and its
/// personal data with it; and the endpoint and its application, as they may have been changed.
const READ_FOR: Duration = Duration::from_secs(1);

/// How long what follows a test clock waits for a slot, in real time.
const WAIT_FOR_SLOT: Duration = Duration::from_secs(1);

/// Retries come at the same times in each run of a merchant's tests.
const NO_JITTER: f64 = 0.5;

/// For how long a worker begins further events of a cursor, after the first: then the cursor goes to the end of the queue.
const fn continues_for(lane: Lane) -> Duration {
    match lane {
        Lane::Fast => Duration::from_millis(300),
        Lane::Slow => Duration::from_secs(5),
    }
}

/// Delivers webhooks.
#[derive(Debug)]
pub struct Webhook {
    cursors: Cursors,
    endpoints: Endpoints,
    events: Events,
    merchants: Merchants,
    sender: Sender,
    webhooks: Queue,
    slow_webhooks: Queue,
    /// How the ARN of the slow lane's queue ends.
    slow_queue: String,
    clock: Clock,
    random: Random,
}

/// What became of delivering one event.
enum Delivered {
    /// The endpoint accepted it, or does not want it.
    Yes,
    /// The endpoint did not accept it, and may have said how long it is not to be called.
    No { not_before: Option<Timestamp> },
    /// It is first sent then, by the time that the cursor goes by.
    NotBefore(Timestamp),
    /// The endpoint did not answer at once, and this is the fast lane.
    NotAtOnce,
    /// The endpoint says that it is gone for good.
    Gone,
}

impl Webhook {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?, Random::System);
        let slow_queue_url = runtime::required("SLOW_WEBHOOKS_QUEUE_URL")?;
        let slow_queue = slow_queue_url.rsplit('/').next().unwrap_or_default().to_owned();
        let queues =
            [Queue::new(&config, runtime::required("WEBHOOKS_QUEUE_URL")?), Queue::new(&config, slow_queue_url)];
        let sender = Sender::new(Policy { loopback_allowed: runtime::local_loopback_webhooks() }, Clock::System)?;
        Ok(Self::new(table, queues, &slow_queue, sender, Clock::System, Random::System))
    }

    /// Over this table and the queues of both lanes, of which the slow one has this name, by this clock and randomness.
    pub fn new(
        table: Table,
        [webhooks, slow_webhooks]: [Queue; 2],
        slow_queue: &str,
        sender: Sender,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            cursors: Cursors::new(table.clone()),
            endpoints: Endpoints::new(table.clone()),
            events: Events::new(table.clone()),
            merchants: Merchants::new(table),
            sender,
            webhooks,
            slow_webhooks,
            slow_queue: format!(":{slow_queue}"),
            clock,
            random,
        }
    }

    /// Processes each cursor that a message names, all at once. A message fails only if the table does.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let stop_at = event.context.deadline().checked_sub(MARGIN).unwrap_or(SystemTime::UNIX_EPOCH);
        let processed = event.payload.records.into_iter().map(async |message| {
            let Some(id) = message.body.as_deref().and_then(|body| body.parse::<CursorId>().ok()) else {
                tracing::error!(message_id = message.message_id, "a message names no cursor");
                return None;
            };
            // By its queue, so that both lanes are one program with the same variables.
            let is_slow = message.event_source_arn.is_some_and(|arn| arn.ends_with(&self.slow_queue));
            let lane = if is_slow { Lane::Slow } else { Lane::Fast };
            match self.process(&id, lane, stop_at).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::error!(cursor = %id, %error, "a cursor could not be processed");
                    Some(message.message_id.unwrap_or_default())
                }
            }
        });
        let mut failures = SqsBatchResponse::default();
        join_all(processed).await.into_iter().flatten().for_each(|id| failures.add_failure(id));
        Ok(failures)
    }

    async fn process(&self, id: &CursorId, lane: Lane, stop_at: SystemTime) -> Result<(), Error> {
        let now = self.clock.now();
        let found = self.endpoints.look_up(&id.merchant_id, &id.endpoint_id).await?;
        if lane == Lane::Fast && found.as_ref().is_some_and(|(endpoint, _)| endpoint.pace.lane() == Lane::Slow) {
            self.queue(Lane::Slow, id, Duration::ZERO).await;
            return Ok(());
        }
        let Some(claim) = self.cursors.claim(id, now).await? else { return Ok(()) };
        // A claim whose first packet is lost takes seconds.
        let is_old = self.clock.now().duration_since(now) > SignedDuration::try_from(READ_FOR)?;
        let found = if is_old { self.endpoints.look_up(&id.merchant_id, &id.endpoint_id).await? } else { found };
        let Some((endpoint, slots)) = found else {
            return Ok(self.cursors.drop(&claim).await?);
        };
        if self.defer_if_paused(&claim, &endpoint, now).await? {
            return Ok(());
        }
        let pace = endpoint.pace;
        let Some((endpoint, mut slot)) = self.endpoints.claim_slot(&endpoint, slots, now).await? else {
            // Every slot is claimed: waiting for one counts as no attempt.
            let at = next_try(&claim, pace, now, &self.random)?;
            return match claim.test_clock {
                None => self.reschedule(&claim, pace.lane(), at, claim.attempts, now).await,
                // Its clock stands still while it waits.
                Some(clock) => {
                    self.cursors
                        .retry_at(&claim, clock.now, claim.attempts, claim.waiting_since.unwrap_or(clock.now))
                        .await?;
                    self.queue(pace.lane(), &claim.id, WAIT_FOR_SLOT).await;
                    Ok(())
                }
            };
        };
        // The endpoint may have been changed since it was read: this is as it was when the slot was claimed.
        let done = match self.defer_if_paused(&claim, &endpoint, now).await {
            Ok(false) => self.deliver(claim, lane, &endpoint, &mut slot, stop_at).await,
            deferred => deferred.map(|_| ()),
        };
        self.endpoints.free_slot(&endpoint, slot).await?;
        done
    }

    /// Whether the endpoint is not to be called now; if so, the cursor is deferred until it is.
    async fn defer_if_paused(&self, claim: &CursorClaim, endpoint: &Endpoint, now: Timestamp) -> Result<bool, Error> {
        if !endpoint.is_enabled() {
            self.cursors.pause(claim, Paused::Disabled).await?;
            return Ok(true);
        }
        // What follows a test clock is tried when that says so.
        let parked_until = endpoint.parked_until.filter(|_| claim.test_clock.is_none());
        let Some(until) = parked_until.filter(|until| *until > now) else { return Ok(false) };
        let waited = claim.waiting_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        let jitter = (waited / 8).clamp(SignedDuration::from_secs(1), SignedDuration::from_mins(1));
        let until = until.checked_add(up_to(jitter, &self.random))?;
        self.put_off(claim, endpoint.pace.lane(), until, claim.attempts, now).await?;
        Ok(true)
    }

    /// Delivers what is after the cursor, in order, until nothing is left, one event is not accepted, or time runs out.
    async fn deliver(
        &self,
        mut claim: CursorClaim,
        lane: Lane,
        endpoint: &Endpoint,
        slot: &mut Slot,
        stop_at: SystemTime,
    ) -> Result<(), Error> {
        let mut first_began: Option<Instant> = None;
        let stop_at = faults::stop_at(endpoint, stop_at);
        loop {
            if self.clock.is_past(stop_at) {
                return self.reschedule_now(&claim, slot.pace.lane()).await;
            }
            // First, so that events are acted on as soon as they are read.
            let application = self.application(endpoint).await?;
            let events = self.events.after(&claim.id.object_id, claim.delivered, EVENTS_AT_ONCE).await?;
            let read_at = self.clock.instant();
            let undelivered: Vec<_> = events.iter().filter(|event| event.sequence <= claim.head).collect();
            if undelivered.is_empty() {
                // They were there when the cursor was moved on, so they are no longer kept.
                let head = claim.head;
                match self.cursors.finish(&mut claim, head).await? {
                    Finished::More => continue,
                    Finished::Done | Finished::Lost => return Ok(()),
                }
            }
            for event in undelivered {
                if self.clock.elapsed(read_at) > READ_FOR {
                    break;
                }
                if event.sequence != claim.delivered + 1 && !claim.skips_gaps {
                    tracing::warn!(cursor = %claim.id, sequence = claim.delivered + 1, "an earlier event is not published yet");
                    return self.fail(&claim, slot.pace.lane(), None).await;
                }
                let is_enough = first_began.is_some_and(|began| self.clock.elapsed(began) >= continues_for(lane));
                if is_enough || self.clock.is_past(stop_at) {
                    return self.reschedule_now(&claim, slot.pace.lane()).await;
                }
                first_began.get_or_insert_with(|| self.clock.instant());
                match self.deliver_one(&claim, lane, event, endpoint, application.as_ref(), slot).await? {
                    Delivered::Yes => {}
                    Delivered::No { not_before } => return self.fail(&claim, slot.pace.lane(), not_before).await,
                    Delivered::NotBefore(at) => return self.postpone(&claim, slot.pace.lane(), at).await,
                    Delivered::NotAtOnce => return self.reschedule_now(&claim, Lane::Slow).await,
                    Delivered::Gone => return Ok(self.cursors.pause(&claim, Paused::Disabled).await?),
                }
                let ours = if event.sequence < claim.head {
                    self.cursors.moved(&mut claim, event.sequence, self.clock.now()).await?
                } else {
                    match self.cursors.finish(&mut claim, event.sequence).await? {
                        Finished::More => self.cursors.moved(&mut claim, event.sequence, self.clock.now()).await?,
                        Finished::Done | Finished::Lost => false,
                    }
                };
                if !ours {
                    return Ok(());
                }
            }
        }
    }

    /// The application that an endpoint was registered by, if it is of a format that has them.
    async fn application(&self, endpoint: &Endpoint) -> Result<Option<Application>, Error> {
        match &endpoint.application {
            Some(id) => Ok(self.merchants.application(id).await?),
            None => Ok(None),
        }
    }

    /// Sends an event, if the endpoint subscribes to its type, and records the attempt.
    async fn deliver_one(
        &self,
        claim: &CursorClaim,
        lane: Lane,
        event: &StoredEvent,
        endpoint: &Endpoint,
        application: Option<&Application>,
        slot: &mut Slot,
    ) -> Result<Delivered, Error> {
        if !endpoint.wants(&event.object) {
            return Ok(Delivered::Yes);
        }
        let at = self.clock.now();
        match faults::before_sending(claim, event, endpoint, claim.now(at)) {
            Some(Fault::NotBefore(first_sent_at)) => return Ok(Delivered::NotBefore(first_sent_at)),
            Some(Fault::Fails) => {
                // It says nothing of the endpoint, which was not called.
                tracing::info!(cursor = %claim.id, event_id = %event.id(), "an attempt failed on purpose");
                self.record(event, faults::failed_on_purpose(endpoint, at)).await;
                return Ok(Delivered::No { not_before: None });
            }
            None => {}
        }
        let delivery = match delivery(event, endpoint, application, at) {
            Ok(delivery) => delivery,
            Err(error) => {
                // As if it had not been accepted: a later release may be able to send it.
                tracing::error!(cursor = %claim.id, event_id = %event.id(), %error, "an event can't be sent");
                return Ok(Delivered::No { not_before: None });
            }
        };
        let attempt = self.send(lane, &delivery, slot.pace).await;
        slot.pace = slot.pace.after(took(&attempt));
        let (latency_ms, correlation_id) = (attempt.latency_ms, event.correlation_id().map(CorrelationId::as_str));
        let status = match &attempt.response {
            Ok(answer) => Some(answer.status),
            Err(_) => None,
        };
        tracing::info!(cursor = %claim.id, event_id = %event.id(), correlation_id, status, latency_ms, "delivery attempted");
        let asked = match &attempt.response {
            Ok(answer) => answer.retry_after.map(|asked| not_before(asked, claim.now(self.clock.now()))),
            Err(_) => None,
        };
        let was_late = matches!(attempt.response, Err(Failure::NotAtOnce));
        self.record(event, note(endpoint, at, attempt)).await;
        if was_late {
            // No failure: the endpoint did not have the time that it is promised.
            return Ok(Delivered::NotAtOnce);
        }
        slot.accepted = matches!(status, Some(200..=299));
        match status {
            Some(200..=299) => {
                Metric::WebhooksAccepted.count();
                if faults::is_duplicated(endpoint) {
                    // Whatever the endpoint says of it, the event was accepted.
                    let (duplicate, at) = faults::duplicate(delivery, at, self.clock.now());
                    let attempt = self.send(lane, &duplicate, slot.pace).await;
                    tracing::info!(cursor = %claim.id, event_id = %event.id(), "a duplicate was sent on purpose");
                    self.record(event, note(endpoint, at, faults::result_of_duplicate(attempt))).await;
                }
                Ok(Delivered::Yes)
            }
            Some(410) => {
                Metric::WebhooksNotAccepted.count();
                // The endpoint may have been changed since it was read; then the next attempt sees that.
                let gone = self.endpoints.gone(endpoint, slot).await?;
                tracing::warn!(endpoint_id = %endpoint.id, gone, "an endpoint answered that it is gone");
                Ok(if gone { Delivered::Gone } else { Delivered::No { not_before: asked } })
            }
            Some(_) | None => {
                Metric::WebhooksNotAccepted.count();
                // Such an answer is about all requests, not about this one (RFC 6585, 4; RFC 9110, 15.6.4).
                let of_all = asked.filter(|_| matches!(status, Some(429 | 503)));
                // Retries that follow each other in seconds say nothing of an endpoint.
                if claim.test_clock.is_none() {
                    self.endpoints.failed(endpoint, slot, at, self.clock.now(), self.random.f64(), of_all).await?;
                }
                Ok(Delivered::No { not_before: asked })
            }
        }
    }

    /// Sends this, and waits for an answer as long as the lane allows for an endpoint of this pace.
    async fn send(&self, lane: Lane, delivery: &Delivery, pace: Pace) -> DeliveryResult {
        match lane {
            Lane::Fast => self.sender.send_quickly(delivery, pace.patience()).await,
            Lane::Slow => self.sender.send(delivery).await,
        }
    }

    /// Records an attempt, if that can be.
    async fn record(&self, event: &StoredEvent, mut attempt: DeliveryAttempt) {
        if event.object.is_forgotten() {
            // The answer may say whom the event was about, and headers are made from the body.
            attempt.answer = None;
            attempt.headers.clear();
        }
        if let Err(error) = self.events.note(&event.id(), &attempt).await {
            // An event that was accepted is not sent again because its attempt is missing.
            tracing::warn!(event_id = %event.id(), %error, "an attempt could not be recorded");
        }
    }

    /// The next event was not accepted: it is tried again, unless it has been tried for too long.
    async fn fail(&self, claim: &CursorClaim, lane: Lane, not_before: Option<Timestamp>) -> Result<(), Error> {
        let now = claim.now(self.clock.now());
        let attempts = claim.attempts.saturating_add(1);
        let jitter = if claim.test_clock.is_some() { NO_JITTER } else { self.random.f64() };
        let until = next_delivery(attempts, now, jitter);
        self.put_off(claim, lane, not_before.map_or(until, |not_before| until.max(not_before)), attempts, now).await
    }

    /// Reschedules the cursor, unless it has waited for too long.
    async fn put_off(
        &self,
        claim: &CursorClaim,
        lane: Lane,
        until: Timestamp,
        attempts: u32,
        now: Timestamp,
    ) -> Result<(), Error> {
        if claim.waiting_since.is_some_and(|since| is_given_up(since, now)) {
            // A merchant's own test lets days pass in seconds, and raises no alarm.
            if claim.test_clock.is_none() {
                tracing::error!(cursor = %claim.id, delivered = claim.delivered, "a webhook cursor is dead");
                Metric::DeadCursors.count();
            }
            return Ok(self.cursors.pause(claim, Paused::Dead).await?);
        }
        self.reschedule(claim, lane, until, attempts, now).await
    }

    async fn reschedule_now(&self, claim: &CursorClaim, lane: Lane) -> Result<(), Error> {
        let now = claim.now(self.clock.now());
        self.reschedule(claim, lane, now, claim.attempts, now).await
    }

    async fn reschedule(
        &self,
        claim: &CursorClaim,
        lane: Lane,
        at: Timestamp,
        attempts: u32,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.cursors.retry_at(claim, at, attempts, claim.waiting_since.unwrap_or(now)).await?;
        self.queue_at(claim, lane, at, now).await;
        Ok(())
    }

    /// The next event is first sent then: until then it is neither tried nor late.
    async fn postpone(&self, claim: &CursorClaim, lane: Lane, at: Timestamp) -> Result<(), Error> {
        self.cursors.postpone(claim, at).await?;
        self.queue_at(claim, lane, at, claim.now(self.clock.now())).await;
        Ok(())
    }

    /// Sends a cursor's message to a lane's queue for when it is due, by the time that it goes by.
    async fn queue_at(&self, claim: &CursorClaim, lane: Lane, at: Timestamp, now: Timestamp) {
        // The schedule queues what nobody queued, and what is due later than a message can be delayed; this is sooner. What
        // follows a test clock is queued by who advances that.
        let delay = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
        let queued_later = claim.test_clock.is_some() && !delay.is_zero();
        if delay <= queue::MAX_DELAY && !queued_later {
            self.queue(lane, &claim.id, delay).await;
        }
    }

    /// Sends a cursor's message to a lane's queue. The schedule finds a cursor whose message is lost: it is still due.
    async fn queue(&self, lane: Lane, id: &CursorId, delay: Duration) {
        let queue = match lane {
            Lane::Fast => &self.webhooks,
            Lane::Slow => &self.slow_webhooks,
        };
        if let Err(error) = queue.enqueue_after(&id.to_string(), delay).await {
            tracing::warn!(cursor = %id, %error, "a cursor could not be queued; `expire` will queue it");
        }
    }
}

/// When to try again for a slot: soon at first, and later the longer the cursor has waited; but not so late that slots stay
/// free while cursors wait. An endpoint that has few slots because nothing is known of it is known within a second.
fn next_try(claim: &CursorClaim, pace: Pace, now: Timestamp, random: &Random) -> Result<Timestamp, jiff::Error> {
    if pace.is_unknown() {
        return now.checked_add(SignedDuration::from_secs(1));
    }
    let waited_s = claim.waiting_since.map_or(0, |since| now.duration_since(since).as_secs());
    // The one slot of an endpoint that did not answer stays claimed for long.
    let least_s = if pace.is_silent() { 4 } else { 1 };
    let wait = SignedDuration::from_secs((waited_s / 8).clamp(least_s, 8));
    now.checked_add(wait)?.checked_add(up_to(wait, random))
}

/// A random part of this: cursors that wait together are not to come back together.
fn up_to(most: SignedDuration, random: &Random) -> SignedDuration {
    most.mul_f64(random.f64())
}
