//! A queue as an event source: batches, each deleted once its function is done with it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::{Outcome, deliver};
use crate::faults::Faults;
use crate::functions::Functions;
use crate::logs::Logs;
use crate::names;
use crate::queues::{Message, Queues};
use crate::sqs;
use crate::tasks::{Signal, Tasks};
use crate::template::QueueEvent;

/// One long poll; then the next.
const POLL: Duration = Duration::from_secs(20);
/// The pause after a failure of the queues' file.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads one queue for one function.
pub(crate) struct QueueSource {
    pub(crate) function: String,
    pub(crate) event: QueueEvent,
    pub(crate) queues: Arc<Queues>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) happened: Signal,
}

impl QueueSource {
    /// Runs until the machine stops. Batches are received only when a process may take them, so that none waits
    /// while its visibility timeout runs.
    pub(crate) fn run(self: Arc<Self>, tasks: &Tasks) {
        let batches = tasks.clone();
        tasks.spawn(async move {
            let most = self.event.maximum_concurrency.unwrap_or(usize::MAX);
            let free = Arc::new(Semaphore::new(self.functions.concurrency(&self.function).min(most)));
            while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
                match self.receive().await {
                    Ok(messages) if messages.is_empty() => {}
                    Ok(messages) => {
                        let this = Arc::clone(&self);
                        batches.spawn(async move {
                            if let Err(error) = this.process(messages).await {
                                this.logs.remark(&format!("the queue {} cannot be written: {error}", this.event.queue));
                            }
                            this.happened.signal();
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        self.logs.remark(&format!("the queue {} cannot be read: {error}", self.event.queue));
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        });
    }

    /// Whether the queue holds nothing for its function.
    pub(crate) fn is_idle(&self) -> bool {
        self.queues.counts(&self.event.queue).is_ok_and(|counts| counts.total() == 0)
    }

    async fn receive(&self) -> rusqlite::Result<Vec<Message>> {
        let Some(queue) = self.queues.get(&self.event.queue) else { return Ok(Vec::new()) };
        self.queues.receive_within(queue, self.event.batch_size, queue.visibility_timeout_ms, POLL).await
    }

    /// Deletes what succeeded, and what the filters keep from the function; the rest comes back by itself.
    async fn process(&self, messages: Vec<Message>) -> rusqlite::Result<()> {
        let (wanted, unwanted): (Vec<_>, Vec<_>) = messages.into_iter().partition(|message| self.wants(message));
        let receipts = |messages: &[Message]| messages.iter().map(|m| m.receipt.clone()).collect::<Vec<_>>();
        self.delete(receipts(&unwanted)).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let records: Vec<Value> = wanted.iter().map(|message| self.record(message)).collect();
        let event = json!({ "Records": records });
        let partial_failures = self.event.partial_failures;
        match deliver(&self.functions, &self.faults, &self.function, &event, partial_failures).await {
            Outcome::AllDone => self.delete(receipts(&wanted)).await,
            Outcome::AllFailed => Ok(()),
            Outcome::SomeFailed(ids) if ids.iter().any(|id| !wanted.iter().any(|m| m.message_id == *id)) => Ok(()),
            Outcome::SomeFailed(ids) => {
                let done: Vec<Message> = wanted.into_iter().filter(|m| !ids.contains(&m.message_id)).collect();
                self.delete(receipts(&done)).await
            }
        }
    }

    async fn delete(&self, receipts: Vec<String>) -> rusqlite::Result<()> {
        let queue = self.event.queue.clone();
        let delete = move |queues: &Arc<Queues>| {
            let receipts: Vec<&str> = receipts.iter().map(String::as_str).collect();
            queues.delete(&queue, &receipts)
        };
        self.queues.blocking(delete).await
    }

    /// Filters see a body that is JSON as JSON.
    fn wants(&self, message: &Message) -> bool {
        if self.event.filters.is_empty() {
            return true;
        }
        let body = serde_json::from_str(&message.body).unwrap_or_else(|_| json!(message.body));
        let mut record = self.record(message);
        if let Value::Object(record) = &mut record {
            record.insert("body".to_owned(), body);
        }
        self.event.filters.iter().any(|filter| filter.matches(&record))
    }

    fn record(&self, message: &Message) -> Value {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": sqs::system_attributes(message),
            "messageAttributes": event_attributes(message),
            "md5OfBody": sqs::body_sum(message),
            "eventSource": "aws:sqs",
            "eventSourceARN": names::queue_arn(&self.event.queue),
            "awsRegion": names::REGION,
        })
    }
}

/// Events write attributes as the API does but with small first letters: `stringValue`, `dataType`.
fn event_attributes(message: &Message) -> Map<String, Value> {
    let small = |attribute: Value| -> Value {
        let Value::Object(fields) = attribute else { return attribute };
        let fields = fields.into_iter().map(|(name, value)| {
            let mut letters = name.chars();
            let name = letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str());
            (name.unwrap_or_default(), value)
        });
        Value::Object(fields.collect())
    };
    sqs::message_attributes(message).into_iter().map(|(name, attribute)| (name, small(attribute))).collect()
}
