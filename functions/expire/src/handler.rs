//! Asks banks about pending payments; then expires sessions and refunds, and enqueues mails and webhooks that wait.
//!
//! The due index is eventually consistent and this may run twice at once: each item is looked at again, and every write
//! is conditional.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use banks::{Bank, BankError, Banks, Outcome, Status, Step, next_step};
use futures_util::StreamExt;
use futures_util::future::{join_all, ready};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use lambda_runtime::{Error, LambdaEvent};
use models::{
    CursorId, EndpointId, MailId, MerchantId, RefundId, Session, SessionEvent, SessionId, SessionState, Submission,
};
use queue::Queue;
use runtime::{Clock, Metric, Random, SettingError};
use store::{
    Change, ChangeError, Changed, Cursors, DUE_SHARDS, Due, DueItem, Endpoints, Erased, Erasures, FINAL_SHARDS,
    MockLedger, QueryPage, Refunds, Sessions, Table,
};

/// How many due items are worked on at a time.
const CONCURRENCY: usize = 16;

/// How many shards of the due index are read at a time.
const SHARDS_AT_ONCE: usize = 16;

/// No more are added to the queue of mails while it holds this number of messages. Mails leave it at SES's rate, and a message for each mail
/// that is due, every minute, would be more than that: the senders would do nothing but find out which ones come twice.
const MAILS_QUEUED: u64 = 1000;

/// How long after its submission a payment that is still pending is counted as stuck. Banks settle within seconds, and
/// promise two hours.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// 20 years.
const MAX_PERSONAL_DATA_MONTHS: u16 = 240;

/// How long before the function's time runs out no more is begun.
const MARGIN: Duration = Duration::from_secs(10);

/// How much of a run pending payments leave to everything else: a bank that is slow to answer must not stop what needs no
/// bank.
const FOR_THE_REST: Duration = Duration::from_secs(15);

/// How many due items are kept until pending payments are done: more than a run can do. What is beyond stays due.
const MOST_KEPT: usize = 100_000;

/// What is due and can wait until pending payments are done.
#[derive(Debug)]
enum Rest {
    /// Nobody consented in time.
    Expiry(SessionId),
    /// A customer's details were not given in time.
    Refund(SessionId, RefundId),
    Mail(MailId),
    Cursor(CursorId),
    /// Webhooks that an endpoint has been paused for.
    Endpoint(MerchantId, EndpointId),
}

/// Does what has fallen due.
#[derive(Debug)]
pub struct Expire {
    due: Due,
    sessions: Sessions,
    refunds: Refunds,
    banks: Banks<MockLedger>,
    endpoints: Endpoints,
    cursors: Cursors,
    receipts: Queue,
    webhooks: Queue,
    erasures: Erasures,
    /// For how long after its end a session keeps personal data.
    personal_data_months: u16,
    clock: Clock,
    random: Random,
}

impl Expire {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?);
        let receipts = Queue::new(&config, runtime::required("RECEIPTS_QUEUE_URL")?);
        let webhooks = Queue::new(&config, runtime::required("WEBHOOKS_QUEUE_URL")?);
        let personal_data_months = match runtime::required("PERSONAL_DATA_MONTHS")?.parse() {
            Ok(months @ 1..=MAX_PERSONAL_DATA_MONTHS) => months,
            Ok(_) | Err(_) => return Err(SettingError::new("PERSONAL_DATA_MONTHS", "is not a number from 1 to 240")),
        };
        let local_live = runtime::local_live_connector();
        Ok(Self::new(table, [receipts, webhooks], personal_data_months, local_live, Clock::System, Random::System))
    }

    /// Over this table and the queues of receipts and webhooks, by this clock and randomness. Personal data is kept for this
    /// many months; `local_live` is whether the mock bank stands in for a live one.
    pub fn new(
        table: Table,
        [receipts, webhooks]: [Queue; 2],
        personal_data_months: u16,
        local_live: bool,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            erasures: Erasures::new(table.clone()),
            personal_data_months,
            due: Due::new(table.clone()),
            sessions: Sessions::new(table.clone()),
            refunds: Refunds::new(table.clone()),
            endpoints: Endpoints::new(table.clone()),
            cursors: Cursors::new(table.clone()),
            banks: Banks::new(MockLedger::new(table), local_live),
            receipts,
            webhooks,
            clock,
            random,
        }
    }

    /// Does all that is due and that there is time for, pending payments first; what is left over is due again in a minute.
    pub async fn handle(&self, event: LambdaEvent<EventBridgeEvent>) -> Result<(), Error> {
        let stop_at = event.context.deadline().checked_sub(MARGIN).unwrap_or(SystemTime::UNIX_EPOCH);
        let pending_until = stop_at.checked_sub(FOR_THE_REST).unwrap_or(SystemTime::UNIX_EPOCH);
        let now = self.clock.now();
        let mut rest = match self.due.all(now).await {
            Ok(Some(mut items)) => {
                self.random.shuffle(&mut items);
                self.pending_first(items, now, pending_until).await
            }
            Ok(None) => self.walk(now, pending_until).await,
            Err(error) => {
                tracing::error!(%error, "what is due could not be read at once");
                self.walk(now, pending_until).await
            }
        };
        if rest.iter().any(is_mail) && self.mails_are_queued().await {
            rest.retain(|item| !is_mail(item));
        }
        // The index answers in the same order every minute: should the time not suffice, others come next.
        self.random.shuffle(&mut rest);
        let in_time = futures_util::stream::iter(rest).take_while(|_| ready(!self.clock.is_past(stop_at)));
        in_time.for_each_concurrent(CONCURRENCY, |item| self.follow_up(item, now, stop_at)).await;
        let minute = event.payload.time.map_or(0, |time| time.timestamp() / 60);
        self.erase(minute, now, stop_at).await;
        if self.clock.is_past(stop_at) {
            tracing::warn!("more is due than fits in one run");
        }
        Ok(())
    }

    /// Removes personal data that has been kept for long enough. Nobody waits for it, so that each run looks at one shard.
    async fn erase(&self, minute: i64, now: Timestamp, stop_at: SystemTime) {
        let Ok(shard) = u32::try_from(minute.rem_euclid(i64::from(FINAL_SHARDS))) else { return };
        let Ok(before) = months_before(now, self.personal_data_months) else { return };
        let mut place = None;
        while !self.clock.is_past(stop_at) {
            let page = match self.erasures.page(shard, before, place).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(shard, %error, "what has been kept for long enough could not be read");
                    Metric::DueFailed.count();
                    return;
                }
            };
            let in_time = futures_util::stream::iter(page.items).take_while(|_| ready(!self.clock.is_past(stop_at)));
            in_time.for_each_concurrent(CONCURRENCY, |id| self.erase_one(id, now)).await;
            place = page.next;
            if place.is_none() {
                return;
            }
        }
    }

    async fn erase_one(&self, id: SessionId, now: Timestamp) {
        match self.erasures.erase_alone(&id, now).await {
            Ok(erased) => {
                tracing::info!(session_id = %id, ?erased, "personal data kept for long enough");
                if erased == Erased::Done {
                    Metric::SessionsErased.count();
                }
            }
            Err(error) => {
                tracing::error!(session_id = %id, %error, "personal data could not be removed yet");
                Metric::DueFailed.count();
            }
        }
    }

    /// Goes through the shards, some at a time, a page of each: [`Self::pending_first`] of all that is due.
    async fn walk(&self, now: Timestamp, until: SystemTime) -> Vec<Rest> {
        // Each run begins somewhere else, so that no shard is always left over.
        let first = self.random.u32(0..DUE_SHARDS);
        let mut places: VecDeque<_> = (0..DUE_SHARDS).map(|n| ((first + n) % DUE_SHARDS, None)).collect();
        let mut rest = Vec::new();
        while !places.is_empty() && !self.clock.is_past(until) {
            let some = places.drain(..places.len().min(SHARDS_AT_ONCE));
            let pages = some.map(async |(shard, place)| (shard, self.due.page(shard, now, place).await));
            let mut due = Vec::new();
            for (shard, page) in join_all(pages).await {
                match page {
                    Ok(QueryPage { items, next }) => {
                        due.extend(items);
                        places.extend(next.map(|place| (shard, Some(place))));
                    }
                    Err(error) => {
                        tracing::error!(shard, %error, "what is due could not be read");
                        Metric::DueFailed.count();
                    }
                }
            }
            rest.extend(self.pending_first(due, now, until).await);
            rest.truncate(MOST_KEPT);
        }
        rest
    }

    /// Reads each session and finds out what became of those that are pending. The state is not in the index, so it has to
    /// be read; what else is due is given back, and expiries need no second read.
    async fn pending_first(&self, items: Vec<DueItem>, now: Timestamp, until: SystemTime) -> Vec<Rest> {
        let (mut sessions, mut rest) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                DueItem::Session(id) => sessions.push(id),
                DueItem::Refund(session_id, id) => rest.push(Rest::Refund(session_id, id)),
                DueItem::Mail(id) => rest.push(Rest::Mail(id)),
                DueItem::Cursor(id) => rest.push(Rest::Cursor(id)),
                DueItem::Endpoint(merchant_id, id) => rest.push(Rest::Endpoint(merchant_id, id)),
            }
        }
        let in_time = futures_util::stream::iter(sessions).take_while(|_| ready(!self.clock.is_past(until)));
        let read = in_time.map(async |id| {
            self.session(id, now).await.unwrap_or_else(|error| {
                tracing::error!(session_id = %id, %error, "what is due could not be done");
                Metric::DueFailed.count();
                None
            })
        });
        rest.extend(read.buffer_unordered(CONCURRENCY).filter_map(ready).collect::<Vec<_>>().await);
        rest
    }

    /// Whether enough mails wait in their queue; those that are due and not among them are queued once they have left it.
    async fn mails_are_queued(&self) -> bool {
        self.receipts.waiting().await.map_or_else(
            |error| {
                tracing::warn!(%error, "how many mails are queued is not known");
                false
            },
            |waiting| waiting >= MAILS_QUEUED,
        )
    }

    /// One item's trouble is logged and stops no other; it stays due.
    async fn follow_up(&self, item: Rest, now: Timestamp, stop_at: SystemTime) {
        let done = match item {
            Rest::Expiry(id) => self.expire(id).await,
            Rest::Refund(session_id, id) => self.refund(session_id, id, now).await,
            Rest::Cursor(ref id) => self.webhooks.enqueue(&id.to_string()).await.map_err(Error::from),
            Rest::Endpoint(ref merchant_id, id) => self.resume(merchant_id, id, now, stop_at).await,
            Rest::Mail(id) => self.receipts.enqueue(&id.to_string()).await.map_err(Error::from),
        };
        if let Err(error) = done {
            tracing::error!(?item, %error, "what is due could not be done");
            Metric::DueFailed.count();
        }
    }

    /// Asks the bank about a pending session; one whose time has passed is given back.
    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Rest>, Error> {
        let Some(session) = self.sessions.get(&id).await? else { return Ok(None) };
        match session.state {
            SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
                Ok((session.state_at(now) == SessionState::Expired).then_some(Rest::Expiry(id)))
            }
            SessionState::Pending => self.pursue(&session, now).await.map(|()| None),
            SessionState::Sent | SessionState::Failed | SessionState::Cancelled | SessionState::Expired => Ok(None),
        }
    }

    fn change(&self, session_id: SessionId, event: SessionEvent) -> Change {
        Change { session_id, event, at: self.clock.now(), write_id: self.random.write_id() }
    }

    async fn expire(&self, id: SessionId) -> Result<(), Error> {
        let change = self.change(id, SessionEvent::TimePassed);
        recorded(id, SessionEvent::TimePassed, self.sessions.record(change, None).await)
    }

    async fn refund(&self, session_id: SessionId, id: RefundId, now: Timestamp) -> Result<(), Error> {
        let Some(refund) = self.refunds.find(&session_id, &id).await? else { return Ok(()) };
        if self.refunds.expire(&refund, now).await? {
            tracing::info!(refund_id = %id, "lapsed");
        }
        Ok(())
    }

    /// Makes due again whatever an endpoint was to be told and was held back, as far as the time allows; the rest follows in
    /// a minute, for the endpoint stays due until nothing is found any more.
    async fn resume(
        &self,
        merchant_id: &MerchantId,
        id: EndpointId,
        now: Timestamp,
        stop_at: SystemTime,
    ) -> Result<(), Error> {
        let held = self.cursors.paused_of(&id).await?;
        let any = !held.is_empty();
        let in_time = futures_util::stream::iter(held).take_while(|_| ready(!self.clock.is_past(stop_at)));
        in_time.for_each_concurrent(CONCURRENCY, |cursor| self.resume_one(cursor, now)).await;
        if !any {
            self.endpoints.resumed(merchant_id, &id, now).await?;
        }
        tracing::info!(%merchant_id, endpoint_id = %id, any, "what an endpoint is to be told is resumed");
        Ok(())
    }

    async fn resume_one(&self, cursor: CursorId, now: Timestamp) {
        let resumed = async {
            self.cursors.resume(&cursor, now).await?;
            Ok::<(), Error>(self.webhooks.enqueue(&cursor.to_string()).await?)
        };
        if let Err(error) = resumed.await {
            tracing::error!(%cursor, %error, "a cursor could not be resumed yet");
            Metric::DueFailed.count();
        }
    }

    /// Finds out what became of a submitted payment.
    async fn pursue(&self, session: &Session, now: Timestamp) -> Result<(), Error> {
        let (Some(attempt), Some(submission)) = (&session.attempt, &session.submission) else {
            return Err("a pending session without a submission".into());
        };
        let Some(bank) = self.banks.find(&attempt.bank, session.mode) else {
            return Err("a pending session with a bank that is not there".into());
        };
        let step = match bank.status(session, now).await {
            Ok(status) => next_step(status, submission.submitted_at, now),
            Err(error) => ask_later(session, submission, now, &error),
        };
        let step = match step {
            // The stored bytes, under the stored key: nothing moves twice.
            Step::Resend => match bank.submit(session, submission, now).await {
                Ok(status) => match next_step(status, submission.submitted_at, now) {
                    Step::Resend => ask_again(submission, now),
                    step @ (Step::Record(_) | Step::AskAgainAt(_)) => step,
                },
                Err(error) => ask_later(session, submission, now, &error),
            },
            step @ (Step::Record(_) | Step::AskAgainAt(_)) => step,
        };
        match step {
            Step::Record(outcome) => self.record(session, &outcome).await,
            Step::AskAgainAt(at) => {
                if now.duration_since(submission.submitted_at) >= STUCK_AFTER {
                    tracing::warn!(session_id = %session.id, submitted_at = %submission.submitted_at, "still pending");
                    Metric::StuckPending.count();
                }
                Ok(self.sessions.ask_again_at(&session.id, at).await?)
            }
            Step::Resend => Ok(()),
        }
    }

    async fn record(&self, session: &Session, outcome: &Outcome) -> Result<(), Error> {
        let change = self.change(session.id, outcome.event());
        let changed = match outcome {
            Outcome::Settled(payer_account) => self.sessions.settle(change, payer_account.as_ref()).await,
            Outcome::Declined(_) => self.sessions.record(change, None).await,
        };
        recorded(session.id, outcome.event(), changed)
    }
}

fn is_mail(item: &Rest) -> bool {
    match item {
        Rest::Mail(_) => true,
        Rest::Expiry(_) | Rest::Refund(..) | Rest::Cursor(_) | Rest::Endpoint(..) => false,
    }
}

fn months_before(now: Timestamp, months: u16) -> Result<Timestamp, jiff::Error> {
    Ok(now.to_zoned(TimeZone::UTC).checked_sub(Span::new().try_months(months)?)?.timestamp())
}

fn recorded(session_id: SessionId, event: SessionEvent, change: Result<Changed, ChangeError>) -> Result<(), Error> {
    match change {
        Ok(_) => {
            tracing::info!(%session_id, event = event.as_str(), "recorded");
            Ok(())
        }
        // Somebody else was first.
        Err(ChangeError::Refused(_) | ChangeError::NotFound) => Ok(()),
        Err(ChangeError::Store(error)) => Err(error.into()),
    }
}

fn ask_again(submission: &Submission, now: Timestamp) -> Step {
    next_step(Status::Accepted, submission.submitted_at, now)
}

/// A bank that can't be reached says nothing about the payment.
fn ask_later(session: &Session, submission: &Submission, now: Timestamp, error: &BankError) -> Step {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(session_id = %session.id, cause, "the bank could not be asked");
    ask_again(submission, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let before = |now: &str, months| months_before(now.parse().unwrap(), months).unwrap().to_string();
        assert_eq!(before("2026-11-21T10:00:00Z", 1), "2026-10-21T10:00:00Z");
        assert_eq!(before("2026-03-31T10:00:00Z", 1), "2026-02-28T10:00:00Z");
        assert_eq!(before("2026-11-21T10:00:00Z", MAX_PERSONAL_DATA_MONTHS), "2006-11-21T10:00:00Z");
    }
}
