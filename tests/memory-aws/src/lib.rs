//! DynamoDB, SQS and SES without a socket: each call is answered at once, on the caller's thread, so that what is done at
//! the same time is done in the same order each time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "only for tests")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use dynoxide::{Database, DynoxideError};
use runtime::{Clock, VirtualClock};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The table's name.
pub const TABLE: &str = "Table";

/// The name of the table of acts.
pub const AUDIT_TABLE: &str = "AuditTable";

/// The stand-in for AWS.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    database: Database,
    clock: Clock,
    state: Mutex<State>,
    crashed: Notify,
}

/// What is wrong with the mock banks, whose ledger is in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BankTrouble {
    /// They do nothing.
    Down,
    /// They do what they are asked, and their answers are lost.
    AnswersLost,
    /// What they answer can't be read.
    Nonsense,
}

#[derive(Default)]
struct State {
    trouble: Option<BankTrouble>,
    /// After how many more calls the process that makes them ends, and whether the last of them is still done.
    crash: Option<(usize, bool)>,
    messages: VecDeque<Message>,
    sent: u64,
    orders: Vec<(String, String, Value)>,
    mails: Vec<(String, Value)>,
}

/// A message in a queue.
#[derive(Debug, Clone)]
pub struct Message {
    /// Which queue.
    pub queue: String,
    /// What it says.
    pub body: String,
    /// When it may be received, in milliseconds since 1970.
    pub visible_ms: i64,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Aws")
    }
}

/// The table's time.
struct TableClock(Clock);

impl dynoxide::storage_backend::Clock for TableClock {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_second().try_into().unwrap()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_millisecond() as f64 / 1000.0
    }
}

impl Aws {
    /// With an empty table, by this clock.
    pub fn new(clock: &VirtualClock) -> Self {
        let clock = Clock::Virtual(clock.clone());
        let database = Database::memory_with_clock(Arc::new(TableClock(clock.clone()))).unwrap();
        let names = ["pk", "sk", "list_pk", "list_sk", "due_pk", "due_at", "final_pk", "final_at"];
        let keys = |hash: &str, range: &str| json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }]);
        let index = |name: &str, hash: &str, range: &str, kept: Value| json!({ "IndexName": name, "KeySchema": keys(hash, range), "Projection": kept });
        let keys_only = json!({ "ProjectionType": "KEYS_ONLY" });
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": names.map(|name| json!({ "AttributeName": name, "AttributeType": "S" })),
            "KeySchema": keys("pk", "sk"),
            "GlobalSecondaryIndexes": [
                index("lists", "list_pk", "list_sk", json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount", "format"] })),
                index("due", "due_pk", "due_at", keys_only.clone()),
                index("final", "final_pk", "final_at", keys_only),
            ],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        let names = ["pk", "sk", "object"];
        let audit_table = json!({
            "TableName": AUDIT_TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": names.map(|name| json!({ "AttributeName": name, "AttributeType": "S" })),
            "KeySchema": keys("pk", "sk"),
            "GlobalSecondaryIndexes": [index("objects", "object", "sk", json!({ "ProjectionType": "ALL" }))],
        });
        database.create_table(serde_json::from_value(audit_table).unwrap()).unwrap();
        Self(Arc::new(Inner { database, clock, state: Mutex::default(), crashed: Notify::new() }))
    }

    /// What clients are made from.
    pub fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some("http://aws".to_owned()));
        config.unwrap().into_builder().http_client(SharedHttpClient::new(self.clone())).build()
    }

    /// Does the work of a process, which ends after this many calls of AWS, if it makes as many: none if it did. `done` is
    /// whether the last call was still done.
    pub async fn process<T>(&self, crash: Option<(usize, bool)>, work: impl Future<Output = T>) -> Option<T> {
        self.0.state.lock().unwrap().crash = crash;
        let outcome = tokio::select! {
            biased;
            () = self.0.crashed.notified() => None,
            done = work => Some(done),
        };
        self.0.state.lock().unwrap().crash = None;
        outcome
    }

    /// From now on this is wrong with the mock banks, or nothing.
    pub fn trouble_banks(&self, trouble: Option<BankTrouble>) {
        self.0.state.lock().unwrap().trouble = trouble;
    }

    /// Receives a message that is visible, the oldest but for `skipped` others.
    pub fn receive(&self, skipped: usize) -> Option<Message> {
        let now_ms = self.0.clock.now().as_millisecond();
        let messages = &mut self.0.state.lock().unwrap().messages;
        let visible: Vec<usize> =
            messages.iter().enumerate().filter(|(_, message)| message.visible_ms <= now_ms).map(|(at, _)| at).collect();
        messages.remove(*visible.get(skipped % visible.len().max(1))?)
    }

    /// Puts a message back, or in.
    pub fn enqueue(&self, message: Message) {
        self.0.state.lock().unwrap().messages.push_back(message);
    }

    /// Up to `most` records of the stream after this sequence number.
    pub fn records(&self, after: Option<&str>, most: usize) -> Vec<Value> {
        let kind = if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let streams = self.0.database.list_streams(serde_json::from_value(json!({})).unwrap()).unwrap();
        let stream_arn = serde_json::to_value(streams).unwrap()["Streams"][0]["StreamArn"].take();
        let iterator = json!({
            "StreamArn": stream_arn,
            "ShardId": dynoxide::streams::shard_id(TABLE),
            "ShardIteratorType": kind,
            "SequenceNumber": after,
        });
        let iterator = self.0.database.get_shard_iterator(serde_json::from_value(iterator).unwrap()).unwrap();
        let request = json!({ "ShardIterator": iterator.shard_iterator, "Limit": most });
        let response = self.0.database.get_records(serde_json::from_value(request).unwrap()).unwrap();
        response.records.into_iter().map(|record| serde_json::to_value(record).unwrap()).collect()
    }

    /// Every item, in the order of their keys.
    pub fn items(&self) -> Vec<Value> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let request = json!({ "TableName": TABLE, "ConsistentRead": true, "ExclusiveStartKey": start });
            let mut page = self.dynamodb("Scan", &request).unwrap();
            items.append(page["Items"].as_array_mut().unwrap());
            start = page["LastEvaluatedKey"].take();
            if start.is_null() {
                items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
                return items;
            }
        }
    }

    /// What the mock bank was asked to pay, each time that it was: the payment, the order's sort key, of which there is one for
    /// each attempt after one that failed, and the order.
    pub fn orders(&self) -> Vec<(String, String, Value)> {
        self.0.state.lock().unwrap().orders.clone()
    }

    /// The mails that SES accepted: its id of each, and our tags.
    pub fn mails(&self) -> Vec<(String, Value)> {
        self.0.state.lock().unwrap().mails.clone()
    }

    fn dynamodb(&self, operation: &str, request: &Value) -> Result<Value, DynoxideError> {
        macro_rules! answer {
            ($action:ident) => {
                serde_json::to_value(self.0.database.$action(serde_json::from_value(request.clone()).unwrap())?)
                    .unwrap()
            };
        }
        Ok(match operation {
            "GetItem" => answer!(get_item),
            "PutItem" => answer!(put_item),
            "UpdateItem" => answer!(update_item),
            "DeleteItem" => answer!(delete_item),
            "Query" => answer!(query),
            "Scan" => answer!(scan),
            "BatchGetItem" => answer!(batch_get_item),
            "TransactWriteItems" => answer!(transact_write_items),
            "TransactGetItems" => answer!(transact_get_items),
            other => panic!("{other} is not needed by any function"),
        })
    }

    fn sqs(&self, operation: &str, request: &Value) -> Value {
        let state = &mut *self.0.state.lock().unwrap();
        let queue = request["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        match operation {
            "SendMessage" => {
                assert_ne!(queue, "failures", "{request}");
                let delay_ms = request["DelaySeconds"].as_i64().unwrap_or(0) * 1000;
                let visible_ms = self.0.clock.now().as_millisecond() + delay_ms;
                let body = request["MessageBody"].as_str().unwrap().to_owned();
                state.messages.push_back(Message { queue, body, visible_ms });
                state.sent += 1;
                json!({ "MessageId": state.sent.to_string() })
            }
            "GetQueueAttributes" => {
                let waiting = state.messages.iter().filter(|message| message.queue == queue).count();
                json!({ "Attributes": { "ApproximateNumberOfMessages": waiting.to_string() } })
            }
            other => panic!("{other} is not needed by any function"),
        }
    }

    fn answer(&self, request: &HttpRequest) -> (u16, String) {
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        match request.headers().get("x-amz-target").and_then(|target| target.split_once('.')) {
            Some(("DynamoDB_20120810", operation)) => {
                let item = &body["Item"];
                if let (Some(payment), Some(sk)) = (item["pk"]["S"].as_str(), item["sk"]["S"].as_str())
                    && sk.split('#').next() == Some("ORDER")
                {
                    let order = json!([item["idempotency_key"], item["body"]]);
                    // A submission is recorded before it is sent, and sent only as recorded.
                    let is_recorded = self.items().iter().any(|session| {
                        let recorded = &session["submission"]["M"];
                        format!("MOCKBANK#{}", session["end_to_end_id"]["S"].as_str().unwrap_or_default()) == payment
                            && json!([recorded["idempotency_key"], recorded["body"]]) == order
                    });
                    assert!(is_recorded, "ordered, and not recorded: {payment} {order}");
                    self.0.state.lock().unwrap().orders.push((payment.to_owned(), sk.to_owned(), order));
                }
                match self.dynamodb(operation, &body) {
                    Ok(answer) => (200, answer.to_string()),
                    Err(error) => (error.status_code(), error.to_json()),
                }
            }
            Some(("AmazonSQS", operation)) => (200, self.sqs(operation, &body).to_string()),
            Some(other) => panic!("{other:?} is not needed by any function"),
            None => {
                let state = &mut *self.0.state.lock().unwrap();
                state.sent += 1;
                let message_id = state.sent.to_string();
                state.mails.push((message_id.clone(), body["EmailTags"].clone()));
                (200, json!({ "MessageId": message_id }).to_string())
            }
        }
    }
}

impl Aws {
    /// What a call of a mock bank that is in trouble is answered with.
    fn answer_of_banks(&self, request: &HttpRequest) -> Option<(u16, String)> {
        let trouble = self.0.state.lock().unwrap().trouble?;
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let of_bank = |key: &Value| key["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("MOCKBANK#"));
        if !of_bank(&body["Key"]) && !of_bank(&body["Item"]) {
            return None;
        }
        if trouble == BankTrouble::AnswersLost {
            self.answer(request);
        }
        let is_read = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with("GetItem"));
        if trouble == BankTrouble::Nonsense && is_read {
            let mut item = body["Key"].clone();
            item["nonsense"] = json!({ "BOOL": true });
            return Some((200, json!({ "Item": item }).to_string()));
        }
        // Not one that the client would repeat.
        Some((400, json!({ "__type": "AccessDeniedException", "message": "the bank is in trouble" }).to_string()))
    }
}

impl HttpClient for Aws {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let crash = {
            let state = &mut *self.0.state.lock().unwrap();
            match &mut state.crash {
                Some((0, done)) => Some(*done),
                Some((calls, _)) => {
                    *calls -= 1;
                    None
                }
                None => None,
            }
        };
        if let Some(done) = crash {
            if done {
                self.answer(&request);
            }
            self.0.crashed.notify_one();
            return HttpConnectorFuture::new(std::future::pending());
        }
        let (status, body) = self.answer_of_banks(&request).unwrap_or_else(|| self.answer(&request));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
    }
}
