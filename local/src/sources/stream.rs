//! A table's stream as an event source: at least once, the records of each item in order, and as many batches at a time as
//! `ParallelizationFactor` allows.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{Timestamp, ToSpan};
use models::stable_hash;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Outcome, deliver};
use crate::dynamodb::DynamoDb;
use crate::faults::Faults;
use crate::functions::Functions;
use crate::logs::Logs;
use crate::names;
use crate::queues::Queues;
use crate::tasks::{Signal, Tasks, lock};
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
    pub(crate) happened: Signal,
}

/// Records in order, and how often their first one has failed.
struct Work {
    records: Vec<Value>,
    failures: u32,
}

/// Which records of one read are not done with, so that the checkpoint never passes one of them.
struct Progress(Mutex<Unfinished>);

struct Unfinished {
    /// Their sequence numbers in order, those of `done` only behind one that is not.
    waiting: VecDeque<String>,
    done: HashSet<String>,
}

impl Progress {
    fn new(records: &[Value]) -> Self {
        Self(Mutex::new(Unfinished { waiting: records.iter().map(sequence_number).collect(), done: HashSet::new() }))
    }

    /// Notes that these are done with; the sequence number up to which all are, if that has moved.
    fn finish(&self, records: &[Value]) -> Option<String> {
        let Unfinished { waiting, done } = &mut *lock(&self.0);
        done.extend(records.iter().map(sequence_number));
        let mut last = None;
        while let Some(next) = waiting.pop_front_if(|next| done.remove(next)) {
            last = Some(next);
        }
        last
    }
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
                    Ok(false) => written.signalled().await,
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

    /// Reads and delivers a batch, or as many as may be under way at once; false if there was none.
    async fn next_batch(self: &Arc<Self>) -> Result<bool, String> {
        let this = Arc::clone(self);
        let records = self.queues.blocking(move |queues| this.read(queues)).await?;
        let Some(last) = records.last().map(sequence_number) else { return Ok(false) };
        let wanted: Vec<Value> = records.into_iter().filter(|record| self.wants(record)).collect();
        if !wanted.is_empty() {
            self.process(wanted).await?;
        }
        // Also past those at the end that were filtered out.
        self.set_checkpoint(last).await?;
        self.happened.signal();
        Ok(true)
    }

    /// The next batch of records.
    fn read(&self, queues: &Queues) -> Result<Vec<Value>, String> {
        let mut done = queues.checkpoint(&self.id()).map_err(|error| error.to_string())?;
        if done.is_none() && !self.event.from_start {
            // LATEST: what is there when the mapping is made counts as done.
            done = self.dynamodb.newest(&self.event.table).map_err(|error| error.to_string())?;
            if let Some(newest) = &done {
                queues.set_checkpoint(&self.id(), newest).map_err(|error| error.to_string())?;
            }
        }
        self.dynamodb
            .records(&self.event.table, done.as_deref(), self.event.batch_size * self.event.parallelization_factor)
            .map_err(|error| error.to_string())
    }

    fn wants(&self, record: &Value) -> bool {
        self.event.filters.is_empty() || self.event.filters.iter().any(|filter| filter.matches(record))
    }

    /// Delivers every record, or gives it up: those of one item in order, items side by side.
    async fn process(&self, records: Vec<Value>) -> Result<(), String> {
        let progress = Progress::new(&records);
        let mut lanes: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
        for record in records {
            lanes.entry(lane_of(&record, self.event.parallelization_factor)).or_default().push(record);
        }
        // All of them, also after one has met trouble of this machine's own: what is read again is under way only once.
        let processed = join_all(lanes.into_values().map(|lane| self.process_in_order(lane, &progress))).await;
        processed.into_iter().collect()
    }

    /// Delivers every record of a lane, or gives it up, in order.
    async fn process_in_order(&self, records: Vec<Value>, progress: &Progress) -> Result<(), String> {
        let batches = records.chunks(self.event.batch_size);
        let mut waiting: VecDeque<_> = batches.map(|batch| Work { records: batch.to_vec(), failures: 0 }).collect();
        while let Some(work) = waiting.pop_front() {
            let (Some(first), Some(last)) = (work.records.first(), work.records.last()) else { continue };
            let (first, last) = (sequence_number(first), sequence_number(last));
            let event = json!({ "Records": work.records });
            let outcome =
                deliver(&self.functions, &self.faults, &self.function, &event, self.event.partial_failures).await;
            let failed_at = match outcome {
                Outcome::AllDone => {
                    self.finish(progress, &work.records).await?;
                    continue;
                }
                Outcome::AllFailed => 0,
                Outcome::SomeFailed(ids) => lowest_failed(&work.records, &ids),
            };
            if failed_at > 0 {
                // What came before the first failure is done; the rest starts again.
                let mut done = work.records;
                let rest = done.split_off(failed_at);
                self.finish(progress, &done).await?;
                self.pause(1).await;
                waiting.push_front(Work { records: rest, failures: 1 });
                continue;
            }
            if self.event.max_retries.is_some_and(|most| work.failures >= most) {
                self.give_up(&work, &first, &last, progress).await?;
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

    /// Sends the records to the failure queue and goes on after the records.
    async fn give_up(&self, work: &Work, first: &str, last: &str, progress: &Progress) -> Result<(), String> {
        self.logs.remark(&format!(
            "{} gives up {} record(s) of {} after {} retries",
            self.function,
            work.records.len(),
            self.event.table,
            work.failures
        ));
        let Some(queue) = self.event.failure_queue.clone() else {
            return self.finish(progress, &work.records).await;
        };
        let (source, document) = (self.id(), self.failure_document(work, first, last).to_string());
        let checkpoint = progress.finish(&work.records);
        let give_up = move |queues: &Arc<Queues>| queues.give_up(&source, checkpoint.as_deref(), &queue, document);
        self.queues.blocking(give_up).await.map_err(|error| error.to_string())
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

    /// Moves the checkpoint up to what all lanes are done with.
    async fn finish(&self, progress: &Progress, records: &[Value]) -> Result<(), String> {
        match progress.finish(records) {
            Some(sequence_number) => self.set_checkpoint(sequence_number).await,
            None => Ok(()),
        }
    }

    async fn set_checkpoint(&self, sequence_number: String) -> Result<(), String> {
        let source = self.id();
        let set = move |queues: &Arc<Queues>| queues.set_checkpoint(&source, &sequence_number);
        self.queues.blocking(set).await.map_err(|error| error.to_string())
    }
}

/// Where the first failed record stands. An identifier that is none of the batch's fails it as a whole.
fn lowest_failed(records: &[Value], ids: &[String]) -> usize {
    let positions: Option<Vec<usize>> =
        ids.iter().map(|id| records.iter().position(|record| sequence_number(record) == *id)).collect();
    positions.and_then(|positions| positions.into_iter().min()).unwrap_or(0)
}

/// In which of these lanes an item's records are delivered: in one, so that their order is kept.
fn lane_of(record: &Value, lanes: usize) -> usize {
    let keys = record.pointer("/dynamodb/Keys").map(Value::to_string).unwrap_or_default();
    usize::try_from(stable_hash(keys.as_bytes())).unwrap_or(0) % lanes
}

fn sequence_number(record: &Value) -> String {
    record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(numbers: &[&str]) -> Vec<Value> {
        numbers.iter().map(|number| json!({"dynamodb": {"SequenceNumber": number}})).collect()
    }

    #[test]
    fn the_checkpoint_passes_nothing_that_is_not_done() {
        let progress = Progress::new(&records(&["1", "2", "3", "4"]));
        let finish = |numbers: &[&str]| progress.finish(&records(numbers));
        assert_eq!(finish(&["2"]), None);
        assert_eq!(finish(&["1"]).as_deref(), Some("2"));
        assert_eq!(finish(&["4"]), None);
        assert_eq!(finish(&["3"]).as_deref(), Some("4"));
    }

    #[test]
    fn an_item_has_one_lane_and_items_have_several() {
        let lane = |pk: &str, number: &str| {
            lane_of(&json!({"dynamodb": {"Keys": {"pk": {"S": pk}}, "SequenceNumber": number}}), 10)
        };
        let pks: Vec<_> = (0..100).map(|n| format!("SESSION#{n}")).collect();
        let lanes: HashSet<_> = pks.iter().map(|pk| lane(pk, "1")).collect();
        assert_eq!(lanes, HashSet::from_iter(0..10));
        assert!(pks.iter().all(|pk| lane(pk, "1") == lane(pk, "2")));
    }

    #[test]
    fn retries_start_at_the_lowest_failure() {
        let records = records(&["1", "2", "3"]);
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(lowest_failed(&records, &ids(&["3", "2"])), 1);
        assert_eq!(lowest_failed(&records, &ids(&["2", "9"])), 0, "an unknown identifier fails the whole batch");
    }
}
