//! Asks banks about pending payments; then expires sessions and refunds, and enqueues mails and webhooks that wait.
//!
//! The due index is eventually consistent and this may run twice at once: each item is read again, and every write
//! is conditional.

use std::time::{Duration, SystemTime};

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use futures_util::StreamExt;
use futures_util::future::ready;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use payments::{Connections, Payments};
use queue::Queue;
use runtime::{Clock, Metric, Random, SettingError};
use store::{Cursors, Due, Endpoints, Erasures, Refunds, Sessions, Table};

use crate::waiting::{Waiting, WithoutDetails};

/// How many due items are worked on at a time.
pub(crate) const CONCURRENCY: usize = 16;

/// 20 years.
pub(crate) const MAX_PERSONAL_DATA_MONTHS: u16 = 240;

/// How long before the function's time runs out no more is begun.
const MARGIN: Duration = Duration::from_secs(10);

/// How much of a run pending payments leave to everything else: a bank that is slow to answer must not stop what needs no
/// bank.
const FOR_THE_REST: Duration = Duration::from_secs(15);

/// How long one item may take, however slow its provider is: what is begun last ends before the function's time does.
const MOST_FOR_ONE: Duration = Duration::from_secs(9);

/// Does what has fallen due.
#[derive(Debug)]
pub struct Expire {
    pub(crate) due: Due,
    pub(crate) sessions: Sessions,
    pub(crate) refunds: Refunds,
    pub(crate) payments: Payments,
    pub(crate) endpoints: Endpoints,
    pub(crate) cursors: Cursors,
    pub(crate) receipts: Queue,
    pub(crate) webhooks: Queue,
    pub(crate) erasures: Erasures,
    /// For how long after its end a session keeps personal data.
    pub(crate) personal_data_months: u16,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Expire {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?, Random::System);
        let receipts = Queue::new(&config, runtime::required("RECEIPTS_QUEUE_URL")?);
        let webhooks = Queue::new(&config, runtime::required("WEBHOOKS_QUEUE_URL")?);
        let personal_data_months = match runtime::required("PERSONAL_DATA_MONTHS")?.parse() {
            Ok(months @ 1..=MAX_PERSONAL_DATA_MONTHS) => months,
            Ok(_) | Err(_) => return Err(SettingError::new("PERSONAL_DATA_MONTHS", "is not a number from 1 to 240")),
        };
        let connections = Connections::from_env(&Clock::System).await?;
        Ok(Self::new(table, [receipts, webhooks], personal_data_months, connections, Clock::System, Random::System))
    }

    /// Over this table and the queues of receipts and webhooks, by this clock and randomness. Personal data is kept for this
    /// many months; payments are followed up at the providers of these connections.
    pub fn new(
        table: Table,
        [receipts, webhooks]: [Queue; 2],
        personal_data_months: u16,
        connections: Connections,
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
            payments: Payments::new(table, connections, clock.clone(), random.clone()),
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
        let mut waiting = self.pending_first(now, pending_until).await;
        self.leave_queued_mails(&mut waiting).await;
        // The index answers in the same order every minute: should the time not suffice, others come next.
        self.random.shuffle(&mut waiting);
        let in_time = futures_util::stream::iter(waiting).take_while(|_| ready(!self.clock.is_past(stop_at)));
        in_time.for_each_concurrent(CONCURRENCY, |item| self.process(item, now, stop_at)).await;
        let minute = event.payload.time.map_or(0, |time| time.timestamp() / 60);
        self.erase(minute, now, stop_at).await;
        if self.clock.is_past(stop_at) {
            tracing::warn!("more is due than fits in one run");
        }
        Ok(())
    }

    /// One item's trouble is logged and stops no other; it stays due.
    async fn process(&self, item: Waiting, now: Timestamp, stop_at: SystemTime) {
        let done = match item {
            Waiting::Expiry(id) => within(self.expire_session(id)).await,
            Waiting::Refund(WithoutDetails(ref refund)) => within(self.expire_refund(refund)).await,
            Waiting::Cursor(ref id) => self.webhooks.enqueue(&id.to_string()).await.map_err(Error::from),
            Waiting::Endpoint(ref merchant_id, id) => self.resume(merchant_id, id, now, stop_at).await,
            Waiting::Mail(id) => self.receipts.enqueue(&id.to_string()).await.map_err(Error::from),
            Waiting::LinkMail(id) => self.receipts.enqueue(&id.to_string()).await.map_err(Error::from),
        };
        if let Err(error) = done {
            tracing::error!(?item, %error, "a due item could not be processed");
            Metric::DueFailed.count();
        }
    }
}

/// What is done about one item at its provider, or an error if that takes too long: whatever was recorded by then holds, and the
/// item stays due.
pub(crate) async fn within<T>(done: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(MOST_FOR_ONE, done).await?
}
