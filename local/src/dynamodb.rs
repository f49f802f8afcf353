//! The table, on dynoxide: DynamoDB's API over a SQLite file.

mod expiry;
mod schema;
mod units;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::faults;
use crate::http::{self, Answer, Call, Forwarder};
use crate::logs::Logs;
use crate::meter::{Meter, Usage, is_write};
use crate::names;
use crate::tasks::{Signal, Tasks};
use crate::template::Table;
use expiry::Expiry;
use schema::{Error, connect, request};
use units::Metered;

/// How long DynamoDB keeps stream records.
const STREAM_RETENTION_S: i64 = 24 * 60 * 60;
/// How many expired items one step of a sweep removes, and how long it pauses after each: those who wait for the table come
/// first.
const SWEEP_STEP: usize = 20;
const SWEEP_PAUSE: Duration = Duration::from_millis(2);

/// The tables of the template and the server dynoxide answers them with.
pub(crate) struct DynamoDb {
    database: Database,
    file: PathBuf,
    server: String,
    forwarder: Forwarder,
    /// The name of each table's partition key.
    hash_keys: BTreeMap<String, String>,
    expiries: Vec<Expiry>,
    meter: Arc<Meter>,
    /// Signalled after every write.
    written: Signal,
    tasks: Tasks,
}

impl DynamoDb {
    /// Opens the file, makes what tables are missing, and serves them inside the machine.
    pub(crate) fn open(file: &Path, tables: &[Table], meter: Arc<Meter>, tasks: &Tasks) -> Result<Self, Error> {
        let database = schema::open(file, tables)?;
        let expiries: Vec<Expiry> = tables.iter().filter_map(Expiry::of).collect();
        expiries.iter().try_for_each(|expiry| expiry.make_index(file))?;

        let server = serve(database.clone(), tasks)?;
        let hash_keys = hash_keys(tables);
        let (file, forwarder, written) = (file.to_owned(), http::forwarder(), Signal::new());
        Ok(Self { database, file, server, forwarder, hash_keys, expiries, meter, written, tasks: tasks.clone() })
    }

    /// Signalled after every write.
    pub(crate) fn written(&self) -> &Signal {
        &self.written
    }

    /// Answers one request by passing it on, and counts what it consumes for `function`.
    pub(crate) async fn handle(&self, function: &str, operation: &str, call: &Call) -> Answer {
        let metered = Metered::new(operation, &call.body);
        let body = metered.as_ref().map_or_else(|| call.body.clone(), Metered::body);
        let passed_on = async {
            let (head, body) = self.pass_on(call, body).await?;
            let Some(metered) = metered else { return Ok(Answer::from_parts(head, Full::new(body))) };
            let (consumed, body) = metered.consumed(head.status, body);
            for part in consumed {
                let (function, operation) = (function.to_owned(), operation.to_owned());
                let item = metered.item(&self.hash_keys).to_owned();
                self.meter.consumed(Usage { function, operation, item, index: part.index }, part.units);
            }
            Ok::<_, String>(Answer::from_parts(head, Full::new(body)))
        };
        let answer = passed_on.await.unwrap_or_else(|problem| {
            faults::dynamodb_error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", &problem)
        });
        if is_write(operation) {
            self.written.signal();
        }
        answer
    }

    async fn pass_on(&self, call: &Call, body: Bytes) -> Result<(Parts, Bytes), String> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.server.parse().map_err(|error| format!("{error}"))?;
        for name in ["content-type", "x-amz-target", "authorization", "x-amz-date"] {
            if let Some(value) = call.headers.get(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        let answer = self.forwarder.request(request).await.map_err(|error| error.to_string())?;
        let (mut head, body) = answer.into_parts();
        // They describe a body that may be changed.
        head.headers.remove("content-length");
        head.headers.remove("x-amz-crc32");
        Ok((head, body.collect().await.map_err(|error| error.to_string())?.to_bytes()))
    }

    /// Up to `most` records after `sequence_number`, or from the stream's start, in the shape of a Lambda event's.
    pub(crate) fn records(&self, table: &str, sequence_number: Option<&str>, most: usize) -> Result<Vec<Value>, Error> {
        let kind = if sequence_number.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let iterator = self.database.get_shard_iterator(request(json!({
            "StreamArn": names::stream_arn(table),
            "ShardId": dynoxide::streams::shard_id(table),
            "ShardIteratorType": kind,
            "SequenceNumber": sequence_number,
        }))?)?;
        let request = request(json!({ "ShardIterator": iterator.shard_iterator, "Limit": most }))?;
        let response = self.database.get_records(request)?;
        let mut records = Vec::with_capacity(response.records.len());
        for record in response.records {
            let mut record = serde_json::to_value(record)?;
            if let Value::Object(record) = &mut record {
                record.insert("awsRegion".to_owned(), json!(names::REGION));
                record.insert("eventSourceARN".to_owned(), json!(names::stream_arn(table)));
                if self.expiries.iter().any(|expiry| expiry.table == table && expiry.removed(record)) {
                    let service = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
                    record.insert("userIdentity".to_owned(), service);
                }
            }
            records.push(record);
        }
        Ok(records)
    }

    /// Removes records as old as DynamoDB would remove them, but none after `sequence_number`, the last that every
    /// reader is done with: a machine switched off for a week must not skip what it had left.
    pub(crate) fn trim(&self, table: &str, sequence_number: &str) -> Result<(), Error> {
        let oldest_s = jiff::Timestamp::now().as_second() - STREAM_RETENTION_S;
        // dynoxide shows a stored number as 21 digits: a one, then the number.
        let Some(stored) = sequence_number.get(1..).and_then(|digits| digits.parse::<i64>().ok()) else {
            return Ok(());
        };
        // Less than, not up to: dynoxide counts on from the newest record it finds.
        connect(&self.file)?.execute(
            "DELETE FROM _stream_records
             WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2 AND created_at < ?3",
            rusqlite::params![table, stored, oldest_s],
        )?;
        Ok(())
    }

    /// The sequence number of a stream's newest record, if it has any.
    pub(crate) fn newest(&self, table: &str) -> Result<Option<String>, Error> {
        let described = self.database.describe_stream(request(json!({ "StreamArn": names::stream_arn(table) }))?)?;
        // dynoxide names the newest record's number as the shard's ending one although the shard is open.
        let shard = described.stream_description.shards.into_iter().next();
        Ok(shard.and_then(|shard| shard.sequence_number_range.ending_sequence_number))
    }

    /// Removes items whose time to live has passed; how many there were.
    pub(crate) fn sweep_ttl(&self) -> Result<usize, Error> {
        let mut all = 0;
        loop {
            let removed = self.sweep_step()?;
            if removed == 0 {
                return Ok(all);
            }
            all += removed;
        }
    }

    /// Removes some of the items whose time to live has passed.
    ///
    /// Not by dynoxide's own sweep, which reads the whole table each time.
    fn sweep_step(&self) -> Result<usize, Error> {
        let now_s = jiff::Timestamp::now().as_second();
        let mut removed = 0;
        for expiry in &self.expiries {
            for key in expiry.expired(&self.file, now_s, SWEEP_STEP)? {
                match self.database.delete_item(request(expiry.deletion(&key, now_s))?) {
                    Ok(_) => removed += 1,
                    // Written since it was found, and no longer expired.
                    Err(dynoxide::DynoxideError::ConditionalCheckFailedException(..)) => {}
                    Err(error) => return Err(error.into()),
                }
                std::thread::sleep(SWEEP_PAUSE);
            }
        }
        if removed > 0 {
            self.written.signal();
        }
        Ok(removed)
    }

    /// Sweeps every `interval` until the machine stops.
    pub(crate) fn keep_sweeping(self: &Arc<Self>, interval: Duration, logs: Arc<Logs>) {
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                loop {
                    let step = Arc::clone(&this);
                    match this.tasks.blocking(move || step.sweep_step()).await {
                        Ok(0) => break,
                        Ok(_) => {}
                        Err(error) => {
                            logs.remark(&format!("expired items could not be removed: {error}"));
                            break;
                        }
                    }
                }
            }
        });
    }
}

/// Serves the table inside the machine, on a thread of its own: dynoxide answers one request at a time and waits for the
/// file, which must hold up nothing else. Returns its address.
fn serve(database: Database, tasks: &Tasks) -> Result<String, Error> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let server = format!("http://{}/", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stopping = tasks.clone();
    let serving = async move {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let stopped = {
            let tasks = stopping.clone();
            async move { tasks.stopped().await }
        };
        tokio::select! {
            // Ends when its last connection does; those that idle must not hold the machine up.
            _ = dynoxide::server::serve_with_shutdown(listener, database, stopped) => {}
            () = async { stopping.stopped().await; tokio::time::sleep(Duration::from_millis(200)).await } => {}
        }
    };
    let thread = tasks.clone();
    tasks.spawn_to_end(async move { thread.blocking(move || runtime.block_on(serving)).await });
    Ok(server)
}

/// The name of each table's partition key.
pub(crate) fn hash_keys(tables: &[Table]) -> BTreeMap<String, String> {
    tables.iter().filter_map(|table| Some((table.name.clone(), hash_key(table)?))).collect()
}

fn hash_key(table: &Table) -> Option<String> {
    let mut keys = table.creation.get("KeySchema")?.as_array()?.iter();
    let hash = keys.find(|key| key.get("KeyType").is_some_and(|kind| kind == "HASH"))?;
    Some(hash.get("AttributeName")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let creation = json!({
            "TableName": "notes",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        Table { name: "notes".to_owned(), has_stream: true, ttl_attribute: Some("until".to_owned()), creation }
    }

    fn put(dynamodb: &DynamoDb, pk: &str) {
        let put = json!({ "TableName": "notes", "Item": { "pk": { "S": pk } } });
        dynamodb.database.put_item(request(put).unwrap()).unwrap();
    }

    fn numbers(dynamodb: &DynamoDb) -> Vec<String> {
        let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned();
        dynamodb.records("notes", None, 100).unwrap().iter().map(number).collect()
    }

    #[tokio::test]
    async fn only_old_records_that_were_read_are_trimmed_and_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.sqlite");
        let tasks = Tasks::new();
        let dynamodb = DynamoDb::open(&path, &[table()], Arc::default(), &tasks).unwrap();
        ["a", "b", "c"].iter().for_each(|pk| put(&dynamodb, pk));
        let all = numbers(&dynamodb);
        dynamodb.trim("notes", &all[1]).unwrap();
        assert_eq!(numbers(&dynamodb), all, "none is old");
        let file = rusqlite::Connection::open(&path).unwrap();
        file.execute("UPDATE _stream_records SET created_at = 1", []).unwrap();
        dynamodb.trim("notes", &all[1]).unwrap();
        assert_eq!(numbers(&dynamodb), all[1..]);
        assert_eq!(dynamodb.newest("notes").unwrap().as_ref(), all.last());

        tasks.stop();
        tasks.ended().await;
        drop(dynamodb);
        let dynamodb = DynamoDb::open(&path, &[table()], Arc::default(), &Tasks::new()).unwrap();
        put(&dynamodb, "d");
        let later = numbers(&dynamodb);
        assert!(later.is_sorted() && later.len() == 3 && later[..2] == all[1..], "{later:?}");
    }

    /// Both of dynoxide's statements that would read every record of the stream otherwise.
    #[tokio::test]
    async fn a_stream_is_read_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.sqlite");
        DynamoDb::open(&path, &[table()], Arc::default(), &Tasks::new()).unwrap();
        let file = rusqlite::Connection::open(&path).unwrap();
        for statement in [
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'notes'",
            "SELECT new_image FROM _stream_records WHERE table_name = 'notes' AND shard_id = 's'
             AND CAST(sequence_number AS INTEGER) > 1 ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 10",
        ] {
            let plan: String =
                file.query_row(&format!("EXPLAIN QUERY PLAN {statement}"), [], |row| row.get(3)).unwrap();
            assert!(plan.contains("local_stream_records_by_sequence"), "{plan}");
        }
    }

    #[tokio::test]
    async fn only_what_has_expired_is_removed_and_said_to_be_by_dynamodb() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.sqlite");
        let dynamodb = DynamoDb::open(&path, &[table()], Arc::default(), &Tasks::new()).unwrap();
        let now_s = jiff::Timestamp::now().as_second();
        let number = |seconds: i64| json!({ "N": seconds.to_string() });
        let items = [
            ("none", json!({ "NULL": true })),
            ("text", json!({ "S": "1" })),
            ("far", json!({ "N": "4.0E9" })),
            ("soon", number(now_s + 1_000)),
        ];
        let expired = (0..SWEEP_STEP * 2 + 1).map(|n| (format!("expired-{n}"), number(now_s - 1_000)));
        for (pk, until) in items.map(|(pk, until)| (pk.to_owned(), until)).into_iter().chain(expired) {
            let item = json!({ "pk": { "S": pk }, "until": until });
            let put = json!({ "TableName": "notes", "Item": item });
            dynamodb.database.put_item(request(put).unwrap()).unwrap();
        }
        assert_eq!(dynamodb.sweep_ttl().unwrap(), SWEEP_STEP * 2 + 1);
        assert_eq!(dynamodb.sweep_ttl().unwrap(), 0);
        let delete = json!({ "TableName": "notes", "Key": { "pk": { "S": "soon" } } });
        dynamodb.database.delete_item(request(delete).unwrap()).unwrap();

        let records = dynamodb.records("notes", None, 1_000).unwrap();
        let removed = records.iter().filter(|record| record["eventName"] == "REMOVE");
        for record in removed {
            let pk = record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap();
            let service = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
            assert_eq!(record.get("userIdentity"), pk.starts_with("expired").then_some(&service), "{pk}");
        }
        let left = dynamodb.database.scan(request(json!({ "TableName": "notes" })).unwrap()).unwrap();
        assert_eq!(left.count, 3);
    }

    /// A sweep would otherwise read every item each time.
    #[tokio::test]
    async fn expired_items_are_found_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.sqlite");
        let dynamodb = DynamoDb::open(&path, &[table()], Arc::default(), &Tasks::new()).unwrap();
        let file = rusqlite::Connection::open(&path).unwrap();
        let mut plan = file.prepare(&format!("EXPLAIN QUERY PLAN {}", dynamodb.expiries[0].statement())).unwrap();
        let plan: Vec<String> = plan.query_map([1, 1], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert!(matches!(plan.as_slice(), [one] if one.contains("USING INDEX local_expiry_of_notes")), "{plan:?}");
    }

    #[tokio::test]
    async fn a_table_made_otherwise_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.sqlite");
        DynamoDb::open(&path, &[table()], Arc::default(), &Tasks::new()).unwrap();
        let mut other = table();
        other.creation["GlobalSecondaryIndexes"] = json!([{ "IndexName": "lists" }]);
        let error = DynamoDb::open(&path, &[other], Arc::default(), &Tasks::new()).err().unwrap();
        assert!(error.to_string().ends_with("remove the data folder"), "{error}");
        let mut other = table();
        other.creation["KeySchema"][0]["AttributeName"] = json!("id");
        let error = DynamoDb::open(&path, &[other], Arc::default(), &Tasks::new()).err().unwrap();
        assert!(matches!(error, Error::Changed { what: "KeySchema", .. }), "{error}");
    }
}
