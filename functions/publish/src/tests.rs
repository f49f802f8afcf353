//! Batches of records, published into a stand-in for AWS that takes a while for each call, and counts how many it has at once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "only for tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use lambda_runtime::{Context, LambdaEvent};
use models::WireFormat;
use queue::Queue;
use runtime::{Clock, VirtualClock};
use serde_json::{Value, json};
use store::Table;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::handler::Publish;

/// What DynamoDB is assumed to take for a call (docs/cost.md).
const LATENCY: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Aws {
    seen: Mutex<Seen>,
    /// A body that holds this is refused.
    refused: String,
    /// A body that holds this is never answered.
    ignored: String,
    /// The function's.
    clock: Clock,
    /// Whether the merchant has an endpoint.
    has_endpoint: bool,
    console_is_on: bool,
}

#[derive(Default)]
struct Seen {
    in_flight: usize,
    most_in_flight: usize,
    /// The events that were put, in order.
    events: Vec<String>,
    queries: usize,
    calls: usize,
    /// The transactions, in order.
    transactions: Vec<String>,
    /// What was queued, in order.
    queued: Vec<String>,
    /// The days that were to be noted of keys, in order.
    used: Vec<String>,
    /// The items that were put, and the cursors' heads, by their keys.
    items: BTreeMap<String, Value>,
}

impl Aws {
    /// Starts it; refuses what holds this text, as DynamoDB would for good.
    async fn start(refused: &str) -> (Arc<Self>, Publish) {
        Self { refused: refused.to_owned(), ..Self::default() }.serving().await
    }

    async fn serving(self) -> (Arc<Self>, Publish) {
        let (console_is_on, clock) = (self.console_is_on, self.clock.clone());
        let aws = Arc::new(self);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Arc::clone(&aws);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        let credentials = Credentials::new("test", "test", None, None, "test");
        let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(url.clone())).unwrap();
        let queue = Queue::new(&config, url);
        (
            aws,
            Publish::new(
                Table::new(&config, "table".to_owned(), runtime::Random::System),
                [queue.clone(), queue.clone(), queue.clone(), queue],
                clock,
                console_is_on,
            ),
        )
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                    break end + 4;
                }
                if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    return;
                }
            };
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.unwrap().parse().unwrap();
            while bytes.len() < end + length {
                stream.read_buf(&mut bytes).await.unwrap();
            }
            let body = String::from_utf8_lossy(&bytes[end..end + length]).into_owned();
            bytes.drain(..end + length);
            let new = self.begin(&head, &body);
            if !self.ignored.is_empty() && body.contains(&self.ignored) {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(LATENCY).await;
            self.seen.lock().unwrap().in_flight -= 1;
            let refused = !self.refused.is_empty() && body.contains(&self.refused);
            let (status, body) = match (refused, new) {
                (true, _) => ("400 Bad Request", json!({ "__type": "ValidationException" })),
                (false, Err(item)) => {
                    ("400 Bad Request", json!({ "__type": "ConditionalCheckFailedException", "Item": item }))
                }
                (false, Ok(())) if head.contains(".query") => {
                    let endpoints = if self.has_endpoint { vec![endpoint()] } else { Vec::new() };
                    ("200 OK", json!({ "Items": endpoints }))
                }
                (false, Ok(())) => ("200 OK", json!({ "MessageId": "1" })),
            };
            let body = body.to_string();
            let length = body.len();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    /// Refused with the item that is there, if there is one or a cursor's head is as far.
    fn begin(&self, head: &str, body: &str) -> Result<(), Value> {
        let mut seen = self.seen.lock().unwrap();
        seen.calls += 1;
        seen.in_flight += 1;
        seen.most_in_flight = seen.most_in_flight.max(seen.in_flight);
        seen.queries += usize::from(head.contains(".query"));
        if head.contains(".transactwriteitems") {
            seen.transactions.push(body.to_owned());
        }
        let mut request: Value = serde_json::from_str(body).unwrap();
        if let Some(day) = request["ExpressionAttributeValues"][":set_last_used_on"]["S"].as_str() {
            seen.used.push(day.to_owned());
            return Ok(());
        }
        seen.queued.extend(request["MessageBody"].as_str().map(str::to_owned));
        let item = request["Item"].take();
        let text = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        if text("sk").starts_with("EVENT#") {
            seen.events.push(format!("{} {}", text("pk"), text("sk")));
        }
        if !self.refused.is_empty() && body.contains(&self.refused) {
            return Ok(());
        }
        if head.contains(".putitem") {
            match seen.items.insert(format!("{} {}", text("pk"), text("sk")), item.clone()) {
                Some(there) => return Err(there),
                None => return Ok(()),
            }
        }
        if head.contains(".updateitem") {
            let head = request["ExpressionAttributeValues"][":head"].take();
            let number = |head: &Value| head["N"].as_str().unwrap().parse::<usize>().unwrap();
            let before = seen.items.get(&request["Key"].to_string());
            if let Some(before) = before.filter(|before| number(&before["head"]) >= number(&head)) {
                return Err(before.clone());
            }
            let first = before.map_or(&head, |before| &before["first"]).clone();
            seen.items.insert(request["Key"].to_string(), json!({ "first": first, "head": head }));
        }
        Ok(())
    }
}

/// One that was registered before everything.
fn endpoint() -> Value {
    let items: Vec<Value> = serde_json::from_str(include_str!("../../../tests/items/0.1.0.json")).unwrap();
    let is_endpoint = |item: &Value| item["pk"]["S"] == "ENDPOINTS#demo" && item.get("url").is_some();
    let mut endpoint = items.into_iter().find(is_endpoint).unwrap();
    endpoint["created_at"] = json!({ "N": "0" });
    endpoint
}

fn id(object: usize) -> String {
    format!("00000000-0000-4000-8000-{object:012}")
}

/// A record for each of these: the session so numbered got its history entry so numbered.
fn batch(changes: impl IntoIterator<Item = (usize, usize)>) -> Value {
    let sample = include_str!("../../../tests/events/publish.json");
    let records = changes.into_iter().enumerate().map(|(number, (object, entry))| {
        let mut record: Value = serde_json::from_str(&sample.replace(SAMPLE, &id(object))).unwrap();
        let mut record = record["Records"][0].take();
        record["dynamodb"]["SequenceNumber"] = json!(number.to_string());
        let image = record["dynamodb"]["NewImage"].clone();
        for (name, length) in [("OldImage", entry - 1), ("NewImage", entry)] {
            let mut image = image.clone();
            let history = image["history"]["L"].as_array_mut().unwrap();
            history.truncate(length);
            image["state"] = history.last().map_or(Value::Null, |last| last["M"]["state"].clone());
            record["dynamodb"][name] = if length == 0 { json!({}) } else { image };
        }
        record
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// The id in tests/events/publish.json.
const SAMPLE: &str = "8cb74516-6be1-8863-a6ad-23cc77875a6e";

/// Publishes a batch within this time; the sequence numbers that it reports.
async fn publish(publish: &Publish, batch: Value, time: Duration) -> Vec<String> {
    let mut context = Context::default();
    let deadline = (SystemTime::from(Clock::System.now()) + time).duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = deadline.as_millis().try_into().unwrap();
    let event = LambdaEvent::new(serde_json::from_value(batch).unwrap(), context);
    let failures = publish.handle(event).await.unwrap().batch_item_failures;
    let mut failed: Vec<_> = failures.into_iter().map(|failure| failure.item_identifier.unwrap()).collect();
    failed.sort_by_key(|number| number.parse::<usize>().unwrap());
    failed
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn objects_are_published_at_once_within_a_bound_and_each_in_order() {
    let (aws, function) = Aws::start("").await;
    // As in the stream: all first entries, then all second ones, …
    let changes = (1..=4).flat_map(|entry| (0..25).map(move |object| (object, entry)));
    let began = Clock::System.instant();
    assert_eq!(publish(&function, batch(changes), LONG).await, [""; 0]);
    let (took, seen) = (Clock::System.elapsed(began), std::mem::take(&mut *aws.seen.lock().unwrap()));
    println!("{} calls of {LATENCY:?} for 100 records of 25 objects: {took:?}", seen.calls);
    assert_eq!(seen.most_in_flight, 10);
    assert_eq!((seen.calls, seen.queries), (101, 1), "an event each, and the merchant's endpoints once");
    for object in 0..25 {
        let of_object = seen.events.iter().filter(|event| event.contains(&id(object)));
        let expected: Vec<_> = (1..=4).map(|entry| format!("EVENTS#{} EVENT#{entry:06}", id(object))).collect();
        assert_eq!(of_object.cloned().collect::<Vec<_>>(), expected);
    }

    let began = Clock::System.instant();
    assert_eq!(publish(&function, batch((1..=4).map(|entry| (0, entry))), LONG).await, [""; 0]);
    let seen = aws.seen.lock().unwrap();
    println!("{} calls of {LATENCY:?} for 4 records of one object: {:?}", seen.calls, Clock::System.elapsed(began));
    assert_eq!(seen.most_in_flight, 1);
}

#[tokio::test]
async fn what_fails_holds_up_its_own_object_and_no_other() {
    let (aws, function) = Aws::start(&format!("EVENTS#{}", id(2))).await;
    let changes = (1..=3).flat_map(|entry| (0..5).map(move |object| (object, entry)));
    // Its records are the third of each five: the first of them fails, and the others wait for it.
    assert_eq!(publish(&function, batch(changes), LONG).await, ["2", "7", "12"]);
    let events = aws.seen.lock().unwrap().events.clone();
    let of_failed = events.iter().filter(|event| event.contains(&id(2)));
    assert_eq!(of_failed.collect::<Vec<_>>(), [&format!("EVENTS#{} EVENT#000001", id(2))], "none after it");
    assert_eq!(events.len(), 1 + 4 * 3);
}

#[tokio::test]
async fn what_is_published_again_is_not_queued_again() {
    let aws = Aws { refused: format!("EVENTS#{}", id(2)), has_endpoint: true, ..Aws::default() };
    let (aws, function) = aws.serving().await;
    let changes = || (1..=5).flat_map(|entry| (0..3).map(move |object| (object, entry)));
    let failing = ["2", "5", "8", "11", "14"];
    assert_eq!(publish(&function, batch(changes()), LONG).await, failing);
    let queued = aws.seen.lock().unwrap().queued.clone();
    // Of each of the two objects each of its entries for the endpoint, and the receipt.
    assert_eq!(queued.len(), 2 * 6, "{queued:?}");
    assert_eq!(publish(&function, batch(changes()), LONG).await, failing);
    assert_eq!(aws.seen.lock().unwrap().queued, queued);
    // What is missing is queued.
    aws.seen.lock().unwrap().items.clear();
    publish(&function, batch(changes()), LONG).await;
    assert_eq!(aws.seen.lock().unwrap().queued.len(), 2 * queued.len());
}

#[tokio::test]
async fn what_there_is_no_time_for_comes_again() {
    let (aws, function) = Aws::start("").await;
    let failed = publish(&function, batch((0..3).map(|object| (object, 1))), Duration::ZERO).await;
    assert_eq!((failed.len(), aws.seen.lock().unwrap().calls), (3, 0));
}

/// A format whose sessions are counted.
fn counted() -> WireFormat {
    WireFormat::ALL.into_iter().find(|format| !format.shows_refund_link()).unwrap()
}

/// A batch of new sessions: the first is of a format whose sessions are not counted, the others of one whose are.
fn new_sessions(count: usize) -> Value {
    let mut batch = batch((0..count).map(|object| (object, 1)));
    for record in batch["Records"].as_array_mut().unwrap().iter_mut().skip(1) {
        record["dynamodb"]["NewImage"]["format"] = json!({ "S": counted().as_str() });
    }
    batch
}

#[tokio::test]
async fn what_comes_to_a_counted_list_is_counted_in_one_transaction_and_nothing_else_is() {
    let (aws, function) = Aws::start("").await;
    assert_eq!(publish(&function, new_sessions(4), LONG).await, [""; 0]);
    let seen = std::mem::take(&mut *aws.seen.lock().unwrap());
    let [transaction] = &seen.transactions[..] else { panic!("{:?}", seen.transactions) };
    let transaction: Value = serde_json::from_str(transaction).unwrap();
    let parts = transaction["TransactItems"].as_array().unwrap();
    let marked: Vec<_> = parts.iter().filter_map(|part| part["Put"]["Item"]["pk"]["S"].as_str()).collect();
    assert_eq!(marked, [1, 2, 3].map(|object| format!("COUNTED#{}", id(object))));
    let count = &parts.last().unwrap()["Update"];
    assert_eq!(
        count["Key"],
        json!({ "pk": { "S": "COUNT#demo#test" }, "sk": { "S": format!("SESSIONS#{}", counted().as_str()) } })
    );
    assert_eq!(count["ExpressionAttributeValues"][":sum"]["N"], "3");

    // No session of the other costs a call for it, and no later record of any.
    publish(&function, batch([(0, 1), (1, 2), (1, 3)]), LONG).await;
    assert_eq!(aws.seen.lock().unwrap().transactions, [""; 0]);
}

#[tokio::test]
async fn what_could_not_be_counted_comes_again_and_is_published_all_the_same() {
    let (aws, function) = Aws::start("COUNT#demo").await;
    assert_eq!(publish(&function, new_sessions(3), LONG).await, ["1", "2"]);
    assert_eq!(aws.seen.lock().unwrap().events.len(), 3);
}

#[tokio::test]
async fn what_ended_is_noted_where_the_console_is_on() {
    for console_is_on in [true, false] {
        let (aws, function) = Aws { console_is_on, ..Aws::default() }.serving().await;
        let mut batch = batch([(0, 4), (0, 5)]);
        let now = Clock::System.now();
        for record in batch["Records"].as_array_mut().unwrap() {
            for image in ["OldImage", "NewImage"] {
                let history = record["dynamodb"][image]["history"]["L"].as_array_mut().unwrap();
                let at = json!({ "N": now.as_millisecond().to_string() });
                history.iter_mut().for_each(|entry| entry["M"]["at"] = at.clone());
            }
        }
        for _ in 0..2 {
            assert_eq!(publish(&function, batch.clone(), LONG).await, [""; 0]);
        }
        let seen = aws.seen.lock().unwrap();
        let ended: Vec<_> = seen.items.keys().filter(|key| key.starts_with("ENDED#")).collect();
        let expected = format!("ENDED#demo#test#{}#0 SESSION#{}", now.strftime("%Y-%m-%d"), id(0));
        let expected = if console_is_on { vec![&expected] } else { vec![] };
        assert_eq!(ended, expected);
    }
}

#[tokio::test]
async fn what_is_created_and_whose_payer_becomes_known_is_pointed_to_where_the_console_is_on() {
    let (aws, function) = Aws { console_is_on: true, ..Aws::default() }.serving().await;
    let mut batch = batch((1..=3).map(|entry| (0, entry)));
    let causes = ["created", "payer_identified", "bank_chosen"];
    let payer = json!({ "M": { "name": { "S": "Ada" }, "email": { "S": "ada@example.com" } } });
    for record in batch["Records"].as_array_mut().unwrap() {
        let image = &mut record["dynamodb"]["NewImage"];
        let history = image["history"]["L"].as_array_mut().unwrap();
        history.iter_mut().zip(causes).for_each(|(entry, cause)| entry["M"]["cause"] = json!({ "S": cause }));
        image["payer"] = payer.clone();
    }
    assert_eq!(publish(&function, batch, LONG).await, [""; 0]);
    let transactions = std::mem::take(&mut aws.seen.lock().unwrap().transactions);
    // No merchant is there, by whose secret the address would be hashed.
    let [created] = &transactions[..] else { panic!("{transactions:?}") };
    let created: Value = serde_json::from_str(created).unwrap();
    let parts = created["TransactItems"].as_array().unwrap();
    assert_eq!(parts[0]["ConditionCheck"]["Key"]["pk"]["S"], format!("SESSION#{}", id(0)));
    let put = parts.iter().filter_map(|part| part["Put"]["Item"]["pk"]["S"].as_str());
    let kinds: Vec<_> = put.map(|pk| pk.split('#').nth(3).unwrap()).collect();
    assert_eq!(kinds, ["reference", "end-to-end"]);
}

/// A batch of new sessions that were created with a key, at this time in seconds since 1970.
fn created_with_key(objects: std::ops::Range<usize>, at_s: i32) -> Value {
    let mut batch = batch(objects.map(|object| (object, 1)));
    for record in batch["Records"].as_array_mut().unwrap() {
        record["dynamodb"]["NewImage"]["key_id"] = json!({ "S": "pk_test_demo_a" });
        record["dynamodb"]["ApproximateCreationDateTime"] = json!(f64::from(at_s));
    }
    batch
}

#[tokio::test]
async fn a_keys_use_is_noted_once_a_day_where_the_console_is_on() {
    let day_s = 24 * 60 * 60;
    for console_is_on in [true, false] {
        let (aws, function) = Aws { console_is_on, ..Aws::default() }.serving().await;
        for (objects, at_s, expected) in [
            (0..3, day_s, vec!["1970-01-02"]),
            (3..5, 2 * day_s - 1, vec![]),
            (5..6, 2 * day_s, vec!["1970-01-03"]),
            (6..7, day_s, vec![]),
        ] {
            assert_eq!(publish(&function, created_with_key(objects, at_s), LONG).await, [""; 0]);
            let expected = if console_is_on { expected } else { vec![] };
            assert_eq!(std::mem::take(&mut aws.seen.lock().unwrap().used), expected, "{at_s}");
        }
    }
}

#[tokio::test]
async fn after_a_keys_use_could_not_be_noted_nothing_is_for_a_minute() {
    let time = VirtualClock::at(Clock::System.now());
    let refused = ":set_last_used_on".to_owned();
    let aws = Aws { console_is_on: true, refused, clock: Clock::Virtual(time.clone()), ..Aws::default() };
    let (aws, function) = aws.serving().await;
    for (object, passed_ms, tried) in [(0, 0, 1), (2, 59_999, 1), (4, 1, 2)] {
        time.advance_ms(passed_ms);
        let mut batch = created_with_key(object..object + 2, 0);
        batch["Records"][0]["dynamodb"]["NewImage"]["key_id"] = json!({ "S": "pk_test_demo_b" });
        assert_eq!(publish(&function, batch, 10 * LONG).await, [""; 0]);
        let seen = aws.seen.lock().unwrap();
        assert_eq!((seen.events.len(), seen.used.len()), (object + 2, tried), "none after the first: {:?}", seen.used);
    }
}

#[tokio::test]
async fn a_table_that_does_not_say_when_a_key_was_used_holds_up_one_batch_for_some_seconds() {
    let aws = Aws { console_is_on: true, ignored: "KEYUSE#".to_owned(), ..Aws::default() };
    let (aws, function) = aws.serving().await;
    let began = Clock::System.instant();
    for object in 0..2 {
        assert_eq!(publish(&function, created_with_key(object..object + 1, 0), LONG).await, [""; 0]);
    }
    let took = Clock::System.elapsed(began);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(aws.seen.lock().unwrap().events.len(), 2);
}
