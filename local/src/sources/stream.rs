//! A table's stream as an event source: in order, at least once, one batch at a time.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Outcome, deliver};
use crate::dynamodb::DynamoDb;
use crate::faults::Faults;
use crate::functions::Functions;
use crate::logs::Logs;
use crate::names;
use crate::queues::Queues;
use crate::tasks::{Bell, Tasks};
use crate::template::StreamEvent;

/// The longest pause between two attempts at the same records.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Reads one stream for one function.
pub(crate) struct StreamSource {
    pub(crate) function: String,
    pub(crate) event: StreamEvent,
    /// The pause before the first repetition; it doubles with each.
    pub(crate) retry_pause: Duration,
    pub(crate) dynamodb: Arc<DynamoDb>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) happened: Bell,
}

/// Records in order, and how often their first one has failed.
struct Work {
    records: Vec<Value>,
    failures: u32,
}

impl StreamSource {
    /// Names the source among the checkpoints.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.function, self.event.name)
    }

    /// Runs until the machine stops.
    pub(crate) fn run(self: Arc<Self>, tasks: &Tasks) {
        tasks.spawn(async move {
            let mut written = self.dynamodb.written().listen();
            loop {
                match self.next_batch().await {
                    Ok(true) => {}
                    // Nothing left: sleep until the next write.
                    Ok(false) => written.heard().await,
                    Err(problem) => {
                        self.logs.remark(&format!("the stream of {} cannot be read: {problem}", self.event.table));
                        tokio::time::sleep(MAX_RETRY_PAUSE).await;
                    }
                }
            }
        });
    }

    /// Whether every record has been delivered or given up.
    pub(crate) fn is_idle(&self) -> bool {
        let done = self.queues.checkpoint(&self.id());
        match (done, self.dynamodb.newest(&self.event.table)) {
            (Ok(done), Ok(newest)) => newest.is_none_or(|newest| done.is_some_and(|done| done >= newest)),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    /// Reads and delivers one batch; false if there was none.
    async fn next_batch(&self) -> Result<bool, String> {
        let mut done = self.checkpoint()?;
        if done.is_none() && !self.event.from_start {
            // LATEST: what is there when the mapping is made counts as done.
            done = self.dynamodb.newest(&self.event.table).map_err(|error| error.to_string())?;
            if let Some(newest) = &done {
                self.set_checkpoint(newest)?;
            }
        }
        let records = self
            .dynamodb
            .records(&self.event.table, done.as_deref(), self.event.batch_size)
            .map_err(|error| error.to_string())?;
        let Some(last) = records.last().map(sequence_number) else { return Ok(false) };
        let wanted: Vec<Value> = records.into_iter().filter(|record| self.wants(record)).collect();
        if !wanted.is_empty() {
            self.process(wanted).await?;
        }
        // Also past those at the end that were filtered out.
        self.set_checkpoint(&last)?;
        self.happened.ring();
        Ok(true)
    }

    fn wants(&self, record: &Value) -> bool {
        self.event.filters.is_empty() || self.event.filters.iter().any(|filter| filter.matches(record))
    }

    /// Delivers every record, or gives it up, in order.
    async fn process(&self, records: Vec<Value>) -> Result<(), String> {
        let mut waiting = VecDeque::from([Work { records, failures: 0 }]);
        while let Some(work) = waiting.pop_front() {
            let (Some(first), Some(last)) = (work.records.first(), work.records.last()) else { continue };
            let (first, last) = (sequence_number(first), sequence_number(last));
            let event = json!({ "Records": work.records });
            let outcome =
                deliver(&self.functions, &self.faults, &self.function, &event, self.event.partial_failures).await;
            let failed_at = match outcome {
                Outcome::AllDone => {
                    self.set_checkpoint(&last)?;
                    continue;
                }
                Outcome::AllFailed => 0,
                Outcome::SomeFailed(ids) => lowest_failed(&work.records, &ids),
            };
            if failed_at > 0 {
                // What came before the first failure is done; the rest starts anew.
                let mut done = work.records;
                let rest = done.split_off(failed_at);
                if let Some(last_done) = done.last() {
                    self.set_checkpoint(&sequence_number(last_done))?;
                }
                self.pause(1).await;
                waiting.push_front(Work { records: rest, failures: 1 });
                continue;
            }
            if self.event.max_retries.is_some_and(|most| work.failures >= most) {
                self.give_up(&work, &first, &last)?;
                continue;
            }
            let failures = work.failures + 1;
            self.pause(failures).await;
            if self.event.bisect && work.records.len() > 1 {
                // Halving does not count as a retry, so that a good record is not given up for a bad neighbour.
                let mut front = work.records;
                let back = front.split_off(front.len() / 2);
                waiting.push_front(Work { records: back, failures: work.failures });
                waiting.push_front(Work { records: front, failures: work.failures });
            } else {
                waiting.push_front(Work { records: work.records, failures });
            }
        }
        Ok(())
    }

    async fn pause(&self, failures: u32) {
        let pause = self.retry_pause.saturating_mul(1 << failures.saturating_sub(1).min(10));
        tokio::time::sleep(pause.min(MAX_RETRY_PAUSE)).await;
    }

    /// Tells the failure queue and goes on after the records.
    fn give_up(&self, work: &Work, first: &str, last: &str) -> Result<(), String> {
        self.logs.remark(&format!(
            "{} gives up {} record(s) of {} after {} retries",
            self.function,
            work.records.len(),
            self.event.table,
            work.failures
        ));
        let Some(queue) = &self.event.failure_queue else { return self.set_checkpoint(last) };
        let document = self.failure_document(work, first, last);
        self.queues.give_up(&self.id(), last, queue, document.to_string()).map_err(|error| error.to_string())
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>
    fn failure_document(&self, work: &Work, first: &str, last: &str) -> Value {
        let arrived = |record: Option<&Value>| {
            let seconds = record
                .and_then(|record| record.pointer("/dynamodb/ApproximateCreationDateTime"))
                .and_then(Value::as_f64)
                .unwrap_or(0.0);
            let milliseconds = std::time::Duration::try_from_secs_f64(seconds).map_or(0, |time| time.as_millis());
            let milliseconds = i64::try_from(milliseconds).unwrap_or(0);
            Timestamp::UNIX_EPOCH.checked_add(milliseconds.milliseconds()).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
        };
        json!({
            "requestContext": {
                "requestId": Uuid::new_v4(),
                "functionArn": names::function_arn(&self.function),
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": work.failures + 1,
            },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "version": "1.0",
            "timestamp": Timestamp::now().to_string(),
            "DDBStreamBatchInfo": {
                "shardId": dynoxide::streams::shard_id(&self.event.table),
                "startSequenceNumber": first,
                "endSequenceNumber": last,
                "approximateArrivalOfFirstRecord": arrived(work.records.first()),
                "approximateArrivalOfLastRecord": arrived(work.records.last()),
                "batchSize": work.records.len(),
                "streamArn": names::stream_arn(&self.event.table),
            },
        })
    }

    fn checkpoint(&self) -> Result<Option<String>, String> {
        self.queues.checkpoint(&self.id()).map_err(|error| error.to_string())
    }

    fn set_checkpoint(&self, sequence_number: &str) -> Result<(), String> {
        self.queues.set_checkpoint(&self.id(), sequence_number).map_err(|error| error.to_string())
    }
}

/// Where the first failed record stands. An identifier that is none of the batch's fails it as a whole.
fn lowest_failed(records: &[Value], ids: &[String]) -> usize {
    let places: Option<Vec<usize>> =
        ids.iter().map(|id| records.iter().position(|record| sequence_number(record) == *id)).collect();
    places.and_then(|places| places.into_iter().min()).unwrap_or(0)
}

fn sequence_number(record: &Value) -> String {
    record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_start_at_the_lowest_failure() {
        let records: Vec<_> = ["1", "2", "3"].iter().map(|n| json!({"dynamodb": {"SequenceNumber": n}})).collect();
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(lowest_failed(&records, &ids(&["3", "2"])), 1);
        assert_eq!(lowest_failed(&records, &ids(&["2", "9"])), 0, "an unknown identifier fails the whole batch");
    }
}
