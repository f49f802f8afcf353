//! The stream is the outbox: no status change goes unpublished. Everything here may happen twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lambda_events::event::dynamodb::{Event, EventRecord, StreamRecord};
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent};
use models::{
    CorrelationId, CursorId, Endpoint, EventId, EventType, Lane, MerchantId, Object, SessionEvent, SessionState,
};
use queue::Queue;
use runtime::{Clock, Metric, SettingError};
use store::{
    Advanced, CLOCKS_DIFFER_BY, CountChange, Counts, Cursors, Customers, Endings, Endpoints, Events, Excess, Mails,
    ObjectPath, Pointers, StoredEvent, Table, UnreadRecord, WRITE_LANDS_WITHIN,
};
use tokio::sync::OnceCell;

use crate::used_keys::UsedKeys;

/// How many objects of a batch are published at a time. A record is mostly waiting for DynamoDB and SQS, so this is how
/// many of those waits overlap; each holds a connection of its own, so it is bounded.
const OBJECTS_AT_ONCE: usize = 10;

/// How long before the function's time runs out no further record is begun. One that meets a slow table can take as long
/// as a call and its repetitions do, 8 s.
const MARGIN: Duration = Duration::from_secs(10);

/// Publishes what happened to sessions and refunds, and counts what comes to lists and leaves them.
#[derive(Debug)]
pub struct Publish {
    events: Events,
    mails: Mails,
    counts: Counts,
    customers: Customers,
    endpoints: Endpoints,
    cursors: Cursors,
    /// Where the console is on.
    pointers: Option<Pointers>,
    /// The same.
    endings: Option<Endings>,
    /// The same.
    used_keys: Option<UsedKeys>,
    receipts: Queue,
    webhooks: Queue,
    slow_webhooks: Queue,
    failures: Queue,
    clock: Clock,
}

/// The webhook endpoints of the merchants that one batch of records is about, each merchant's read once.
#[derive(Debug, Default)]
struct Known(Mutex<HashMap<MerchantId, Arc<OnceCell<Vec<Endpoint>>>>>);

impl Known {
    fn of(&self, merchant_id: &MerchantId) -> Arc<OnceCell<Vec<Endpoint>>> {
        let mut merchants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(merchants.entry(merchant_id.clone()).or_default())
    }
}

impl Publish {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?, runtime::Random::System);
        let queue = |name| Ok(Queue::new(&config, runtime::required(name)?));
        let queues = [
            queue("RECEIPTS_QUEUE_URL")?,
            queue("WEBHOOKS_QUEUE_URL")?,
            queue("SLOW_WEBHOOKS_QUEUE_URL")?,
            queue("PUBLISH_FAILURES_URL")?,
        ];
        Ok(Self::new(table, queues, Clock::System, runtime::console_is_on()))
    }

    /// Over this table and these queues: receipts, webhooks, slow webhooks, failures; by this clock; with the console on or off.
    pub fn new(
        table: Table,
        [receipts, webhooks, slow_webhooks, failures]: [Queue; 4],
        clock: Clock,
        console_is_on: bool,
    ) -> Self {
        Self {
            pointers: console_is_on.then(|| Pointers::new(table.clone())),
            endings: console_is_on.then(|| Endings::new(table.clone())),
            used_keys: console_is_on.then(|| UsedKeys::new(table.clone(), clock.clone())),
            events: Events::new(table.clone()),
            mails: Mails::new(table.clone()),
            counts: Counts::new(table.clone()),
            customers: Customers::new(table.clone()),
            endpoints: Endpoints::new(table.clone()),
            cursors: Cursors::new(table),
            receipts,
            webhooks,
            slow_webhooks,
            failures,
            clock,
        }
    }

    /// Publishes each record, those of one object in order and different objects at once. What fails is reported, with what
    /// follows of the same object, and comes again: Lambda repeats the batch from the lowest sequence number reported, and
    /// what was published after that is published twice, which changes nothing.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Result<DynamoDbEventResponse, Error> {
        let stop_at = event.context.deadline().checked_sub(MARGIN).unwrap_or(SystemTime::UNIX_EPOCH);
        let counted: Vec<_> = event.payload.records.iter().filter_map(count_change).collect();
        let used = self.used_keys.as_ref().map(|keys| (keys, keys.not_noted(&event.payload.records)));
        let known = Known::default();
        let objects = futures_util::stream::iter(by_object(event.payload.records));
        let published = objects.map(|records| self.publish_in_order(records, stop_at, &known));
        let failed: Vec<_> = published.buffer_unordered(OBJECTS_AT_ONCE).collect().await;
        let uncounted = self.count_all(counted, stop_at).await;
        // Last, so that no event waits for it.
        if let Some((keys, used)) = used
            && !self.clock.is_past(stop_at)
        {
            keys.note(used).await;
        }
        let mut failures = DynamoDbEventResponse::default();
        for sequence_number in failed.into_iter().flatten().chain(uncounted) {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = sequence_number;
            failures.batch_item_failures.push(failure);
        }
        Ok(failures)
    }

    /// Counts all at once, each list's in one transaction; the sequence numbers of the records that were not counted, if it
    /// failed: what was counted all the same is not counted again.
    async fn count_all(&self, counted: Vec<(Option<String>, CountChange)>, stop_at: SystemTime) -> Vec<Option<String>> {
        let (sequence_numbers, changes): (Vec<_>, Vec<_>) = counted.into_iter().unzip();
        let done = if changes.is_empty() {
            Ok(())
        } else if self.clock.is_past(stop_at) {
            Err("no time is left for it in this invocation".into())
        } else {
            self.counts.note(changes, self.clock.now()).await.map_err(Error::from)
        };
        match done {
            Ok(()) => Vec::new(),
            Err(error) => {
                tracing::error!(%error, "what came to lists or left them could not be counted");
                sequence_numbers
            }
        }
    }

    /// Publishes the records of one object; the sequence numbers of those that were not: the first that failed, and all
    /// that follow it.
    async fn publish_in_order(
        &self,
        records: Vec<EventRecord>,
        stop_at: SystemTime,
        known: &Known,
    ) -> Vec<Option<String>> {
        let mut failed = Vec::new();
        for record in records {
            let sequence_number = record.change.sequence_number.clone();
            let published = if !failed.is_empty() {
                Err("an earlier record of the same object comes first".into())
            } else if self.clock.is_past(stop_at) {
                Err("no time is left for it in this invocation".into())
            } else {
                self.publish(record, known).await
            };
            if let Err(error) = published {
                tracing::error!(sequence_number, %error, "a stream record could not be published");
                failed.push(sequence_number);
            }
        }
        failed
    }

    /// First the table, then the queue: what is due and was not queued is found by `expire`. Only what is new is queued and
    /// counted: a record that fails repeats the rest of its batch for up to a day.
    async fn publish(&self, record: EventRecord, known: &Known) -> Result<(), Error> {
        let StreamRecord { keys, old_image, new_image, sequence_number, approximate_creation_date_time, .. } =
            record.change;
        let landed_s = approximate_creation_date_time.timestamp();
        if let Some(session_id) = store::late_money_noted(&old_image, &new_image) {
            tracing::error!(%session_id, "money came after the end");
            Metric::LateMoney.count();
        }
        if let Some(session_id) = store::taken_back_noted(&old_image, &new_image) {
            tracing::error!(%session_id, "money was taken back");
            Metric::MoneyTakenBack.count();
        }
        match store::excess_noted(&old_image, &new_image) {
            Some(Excess::WithIt(session_id)) => {
                tracing::error!(%session_id, "more money came than the amount");
                Metric::UnmatchedMoney.count();
            }
            Some(Excess::AfterIt(session_id)) => {
                tracing::error!(%session_id, "money came again for what is sent");
                Metric::LateMoney.count();
            }
            None => {}
        }
        let change = match store::history_change(old_image, new_image) {
            Ok(Some(change)) => change,
            Ok(None) => return Ok(()),
            // It will never be readable: it goes to the failures for a person to check, and holds up nobody.
            Err(error) => {
                let sequence_number = sequence_number.unwrap_or_default();
                tracing::error!(sequence_number, %error, "a stream record can't be read");
                let unread = UnreadRecord { sequence_number, object: ObjectPath::of_record(&keys) };
                return Ok(self.failures.enqueue(&serde_json::to_string(&unread)?).await?);
            }
        };
        let first_landed = change.first_landed;
        for event in change.into_events().map(|event| event.kept_from(self.clock.now())) {
            let (sequence, created_at) = (event.sequence, event.created_at());
            let is_new = self.events.put(&event).await?;
            // What is not about the payment itself goes by the real time: mails, who was registered by then, personal data.
            let happened_at = if event.object.test_clock().is_some() { self.clock.now() } else { created_at };
            if let Some(mail) = event.object.mail_for(sequence) {
                let is_new = self.mails.put(&mail, happened_at).await?;
                if is_new && let Err(error) = self.receipts.enqueue(&mail.to_string()).await {
                    tracing::warn!(%mail, %error, "a mail could not be queued; `expire` will queue it");
                }
            }
            let landed_s = (sequence >= first_landed).then_some(landed_s);
            let readable_by = readable_by(happened_at, landed_s);
            self.notify_endpoints(&event.object, sequence, readable_by, known).await?;
            self.note_customer(&event, happened_at).await?;
            self.point_to(&event).await?;
            self.note_ending(&event).await?;
            if event.object.test_clock().is_some() {
                self.events.note_published(&event.id()).await?;
            }
            let correlation_id = event.correlation_id().map(CorrelationId::as_str);
            tracing::info!(object_id = %event.object.id(), sequence, correlation_id, "published");
            if is_new {
                count(event.event_type());
            }
        }
        Ok(())
    }

    /// Of a session that begins or ends, notes with its customer when that was: so long they are kept.
    async fn note_customer(&self, event: &StoredEvent, at: Timestamp) -> Result<(), Error> {
        match &event.object {
            Object::Session(session) if event.sequence == 1 || session.state.is_final() => {
                let Some(customer_id) = &session.customer_id else { return Ok(()) };
                Ok(self.customers.note_session(customer_id, at).await?)
            }
            Object::Session(_) | Object::Refund(_) => Ok(()),
        }
    }

    /// Where the console is on, points to a session by what is known of it when it is created, and by its payer's address when that
    /// is given later.
    async fn point_to(&self, event: &StoredEvent) -> Result<(), Error> {
        let (Some(pointers), Object::Session(session)) = (&self.pointers, &event.object) else { return Ok(()) };
        let cause = session.history.last().map(|entry| entry.cause);
        if session.erased_at.is_some() {
            return Ok(());
        }
        if cause == Some(SessionEvent::Created) {
            pointers.put_for(session).await?;
        } else if cause == Some(SessionEvent::PayerIdentified) {
            pointers.put_email_of(session).await?;
        }
        Ok(())
    }

    /// Where the console is on, notes what has ended with the event: its overview counts from that.
    async fn note_ending(&self, event: &StoredEvent) -> Result<(), Error> {
        let Some(endings) = &self.endings else { return Ok(()) };
        Ok(endings.note(&event.object, self.clock.now()).await?)
    }

    /// Advances and queues the cursor of each endpoint that subscribes to the event. An endpoint gets nothing that could be
    /// read before it was registered, however late that is published, or published again.
    async fn notify_endpoints(
        &self,
        object: &Object,
        sequence: usize,
        readable_by: Timestamp,
        known: &Known,
    ) -> Result<(), Error> {
        let merchant_id = object.merchant_id();
        let endpoints = known.of(merchant_id);
        let endpoints = endpoints.get_or_try_init(|| self.endpoints.of(merchant_id)).await?;
        let subscribed =
            endpoints.iter().filter(|endpoint| endpoint.wants(object) && endpoint.created_at <= readable_by);
        try_join_all(subscribed.map(|endpoint| self.notify(object, sequence, endpoint))).await.map(|_| ())
    }

    async fn notify(&self, object: &Object, sequence: usize, endpoint: &Endpoint) -> Result<(), Error> {
        let cursor = CursorId {
            object_id: object.id(),
            merchant_id: endpoint.merchant_id.clone(),
            endpoint_id: endpoint.id,
            replay_of: None,
        };
        let now = self.clock.now();
        let cursor = match self.cursors.advance(&cursor, sequence, now, object.test_clock()).await? {
            Advanced::New => cursor,
            Advanced::Before => return Ok(()),
            Advanced::Missed => {
                // It is published after later ones, that is, again: it is delivered alone and out of order.
                let event = EventId { object_id: object.id(), sequence };
                let missed = CursorId { replay_of: Some(sequence), ..cursor };
                if !self.cursors.replay_missed(&missed, &event, now).await? {
                    return Ok(());
                }
                missed
            }
        };
        let queue = match endpoint.pace.lane() {
            Lane::Fast => &self.webhooks,
            Lane::Slow => &self.slow_webhooks,
        };
        if let Err(error) = queue.enqueue(&cursor.to_string()).await {
            tracing::warn!(%cursor, %error, "a cursor could not be queued; `expire` will queue it");
        }
        Ok(())
    }
}

/// What a record says of a list, with its sequence number.
fn count_change(record: &EventRecord) -> Option<(Option<String>, CountChange)> {
    let change = store::count_change(&record.change.old_image, &record.change.new_image)?;
    Some((record.change.sequence_number.clone(), change))
}

/// Counts an event. One whose put was repeated by the SDK, or that an earlier deletion of its session put, is not counted:
/// counts show a trend, and are not for accounts.
fn count(event_type: EventType) {
    match event_type {
        EventType::PaymentSession(SessionState::Sent) => Metric::PaymentsSent.count(),
        EventType::PaymentSession(SessionState::Failed | SessionState::Cancelled | SessionState::Expired) => {
            Metric::PaymentsNotSent.count();
        }
        EventType::PaymentSession(
            SessionState::AwaitingPayer
            | SessionState::AwaitingProvider
            | SessionState::AwaitingPaymentConsent
            | SessionState::Pending,
        )
        | EventType::Refund(_) => {}
    }
}

/// By when at the latest a history entry could be read. An endpoint that was registered by then gets it: its merchant may
/// have read the object without the entry once the registration was answered. That it may get one more harms nobody.
///
/// What the record's images show as new landed in the record's second, rounded down
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html>). What is published again
/// (`landed_s` is none) landed within what a write may take of its timestamp.
fn readable_by(entered_at: Timestamp, landed_s: Option<i64>) -> Timestamp {
    let landed_by = match landed_s {
        Some(landed_s) => {
            let next_second = Timestamp::from_second(landed_s.saturating_add(1)).unwrap_or(entered_at);
            next_second.max(entered_at).checked_add(CLOCKS_DIFFER_BY)
        }
        None => entered_at.checked_add(WRITE_LANDS_WITHIN),
    };
    landed_by.unwrap_or(Timestamp::MAX)
}

/// The records of each object in their order; the objects in the order of their first records.
fn by_object(records: Vec<EventRecord>) -> Vec<Vec<EventRecord>> {
    let mut positions = HashMap::new();
    let mut objects: Vec<Vec<EventRecord>> = Vec::new();
    for record in records {
        let position = *positions.entry(object_key(&record.change)).or_insert(objects.len());
        match objects.get_mut(position) {
            Some(records) => records.push(record),
            None => objects.push(vec![record]),
        }
    }
    objects
}

/// The same for the records of one object, and different for those of two.
fn object_key(record: &StreamRecord) -> String {
    // A JSON value's keys are sorted, a hash map's are not.
    serde_json::json!(record.keys).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_could_be_read_by_the_end_of_the_second_in_which_it_landed() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        // Whatever its own timestamp, which was made before.
        assert_eq!(readable_by(at(1_500), Some(7)), at(9_000));
        assert_eq!(readable_by(at(7_900), Some(7)), at(9_000));
        // A record without a time says nothing.
        assert_eq!(readable_by(at(7_900), Some(0)), at(8_900));
        assert_eq!(readable_by(at(1_500), None), at(31_500));
    }
}
