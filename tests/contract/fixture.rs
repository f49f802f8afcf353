//! What a contract is tried with: a table like ours, or a queue with its dead letters. On `local` they are declared in a
//! template, as ours are; elsewhere they are made by calls, and removed.

use std::sync::Arc;
use std::time::Duration;

use local::{Config, Machine};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tests::PATIENCE;
use uuid::Uuid;

use crate::call::{Endpoint, Refusal, Service, plain_item, typed_item};

/// Between two checks of something that is awaited.
const POLL_EVERY: Duration = Duration::from_millis(50);
/// How long AWS may take to make or remove a table.
const AWS_PATIENCE: Duration = Duration::from_secs(180);

/// How often a message is received before it is a dead letter.
pub(crate) const MAX_RECEIVES: usize = 2;

/// What a contract is tried with.
pub(crate) trait Fixture: Clone + 'static {
    /// The template's resources.
    fn resources() -> Value;
    /// What a machine made of them.
    fn of(machine: &Machine) -> Self;
    /// Makes it by calls.
    fn make(endpoint: Endpoint) -> impl Future<Output = Self>;
    /// Removes what was made.
    fn remove(self) -> impl Future<Output = ()>;

    /// On a machine of its own, which has to be kept meanwhile.
    fn on_local() -> impl Future<Output = (Self, Local)> {
        async {
            let folder = tempfile::tempdir().unwrap();
            let template = folder.path().join("template.yaml");
            // JSON is YAML.
            std::fs::write(&template, json!({ "Resources": Self::resources() }).to_string()).unwrap();
            let config = Config::for_tests(template, folder.path(), folder.path().join("data"));
            let machine = Machine::start(config).await.unwrap_or_else(|error| panic!("{error}"));
            (Self::of(&machine), Local { machine, _folder: folder })
        }
    }
}

/// A machine and its data.
pub(crate) struct Local {
    machine: Machine,
    _folder: TempDir,
}

impl Local {
    /// Stops it and removes its data.
    pub(crate) async fn stop(self) {
        self.machine.stop().await;
    }
}

/// Polls until something is found.
pub(crate) async fn until<T>(what: &str, within: Duration, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let end = tokio::time::Instant::now() + within;
    loop {
        if let Some(found) = poll().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < end, "in vain for {within:?}: {what}");
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// A name that nothing else has.
fn unique(what: &str) -> String {
    format!("counterfoil-contract-{}-{what}", Uuid::new_v4().simple())
}

// tables

/// A table with the keys, indexes, stream and time to live of ours.
#[derive(Clone)]
pub(crate) struct Table {
    endpoint: Arc<Endpoint>,
    pub(crate) name: String,
}

/// As template.yaml has it.
fn table_properties() -> Value {
    let attributes = ["pk", "sk", "list_pk", "list_sk", "due_pk", "due_at"]
        .map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
    let keys = |hash: &str, range: &str| json!([{ "AttributeName": hash, "KeyType": "HASH" }, { "AttributeName": range, "KeyType": "RANGE" }]);
    let index = |name: &str, keys: Value, projection: Value| json!({ "IndexName": name, "KeySchema": keys, "Projection": projection });
    let include = json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount", "format"] });
    json!({
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": { "StreamViewType": "NEW_AND_OLD_IMAGES" },
        "AttributeDefinitions": attributes,
        "KeySchema": keys("pk", "sk"),
        "GlobalSecondaryIndexes": [
            index("lists", keys("list_pk", "list_sk"), include),
            index("due", keys("due_pk", "due_at"), json!({ "ProjectionType": "KEYS_ONLY" })),
        ],
    })
}

fn time_to_live() -> Value {
    json!({ "AttributeName": "ttl", "Enabled": true })
}

impl Fixture for Table {
    fn resources() -> Value {
        let mut properties = table_properties();
        properties["TimeToLiveSpecification"] = time_to_live();
        json!({ "Table": { "Type": "AWS::DynamoDB::Table", "Properties": properties } })
    }

    fn of(machine: &Machine) -> Self {
        Self { endpoint: Arc::new(Endpoint::at(machine.aws_url())), name: machine.table_name().to_owned() }
    }

    async fn make(endpoint: Endpoint) -> Self {
        let table = Self { endpoint: Arc::new(endpoint), name: unique("table") };
        let mut creation = table_properties();
        creation["StreamSpecification"]["StreamEnabled"] = json!(true);
        table.ok("CreateTable", creation).await;
        let active = async || {
            let described = table.ok("DescribeTable", json!({})).await;
            let indexes = described["Table"]["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
            let states = indexes.iter().map(|index| &index["IndexStatus"]).chain([&described["Table"]["TableStatus"]]);
            states.into_iter().all(|state| state == "ACTIVE").then_some(())
        };
        until("the table is active", AWS_PATIENCE, active).await;
        table.ok("UpdateTimeToLive", json!({ "TimeToLiveSpecification": time_to_live() })).await;
        table
    }

    async fn remove(self) {
        let removed = async || match self.call("DeleteTable", json!({})).await {
            Ok(_) => Some(()),
            Err(refusal) if refusal.code == "ResourceNotFoundException" => Some(()),
            // It is still being changed.
            Err(refusal) if refusal.code == "ResourceInUseException" => None,
            Err(refusal) => panic!("the table {} stays: {refusal}", self.name),
        };
        until("the table is removed", AWS_PATIENCE, removed).await;
    }
}

impl Table {
    /// Calls an operation on the table.
    pub(crate) async fn call(&self, operation: &str, body: Value) -> Result<Value, Refusal> {
        let mut body = body;
        if !body.as_object().unwrap().contains_key("TransactItems") {
            body["TableName"] = json!(self.name);
        }
        self.endpoint.call(Service::DynamoDb, operation, &body).await
    }

    /// The same, where it is not refused.
    pub(crate) async fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body).await.unwrap_or_else(|refusal| panic!("{operation} was refused: {refusal}"))
    }

    /// The same, where it is refused.
    pub(crate) async fn refused(&self, operation: &str, body: Value) -> Refusal {
        match self.call(operation, body.clone()).await {
            Ok(answer) => panic!("{operation} was not refused: {answer}, of {:.300}", body.to_string()),
            Err(refusal) => refusal,
        }
    }

    /// Refused as invalid.
    pub(crate) async fn invalid(&self, operation: &str, body: Value) {
        let refusal = self.refused(operation, body).await;
        assert_eq!(refusal.code, "ValidationException", "{refusal}");
    }

    /// Calls an operation of the table's stream.
    pub(crate) async fn stream(&self, operation: &str, body: Value) -> Value {
        let answer = self.endpoint.call(Service::Streams, operation, &body).await;
        answer.unwrap_or_else(|refusal| panic!("{operation} was refused: {refusal}"))
    }

    /// Puts an item.
    pub(crate) async fn put(&self, item: Value) {
        self.ok("PutItem", json!({ "Item": typed_item(&item) })).await;
    }

    /// Puts an item that must not be there yet, as `store` does.
    pub(crate) async fn put_new(&self, item: Value) -> Result<(), Refusal> {
        let body = json!({
            "Item": typed_item(&item),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        self.call("PutItem", body).await.map(|_| ())
    }

    /// Reads an item, consistently.
    pub(crate) async fn get(&self, pk: &str, sk: &str) -> Option<Value> {
        let answer = self.ok("GetItem", json!({ "Key": key(pk, sk), "ConsistentRead": true })).await;
        answer.get("Item").map(plain_item)
    }

    /// Updates item `a`, `1` if the condition holds (empty: always), as `store` does; the item as it is then.
    pub(crate) async fn update(&self, expression: &str, condition: &str, values: Value) -> Result<Value, Refusal> {
        let mut body = update("a", "1", expression, condition, values);
        body["ReturnValues"] = json!("ALL_NEW");
        self.call("UpdateItem", body).await.map(|answer| plain_item(&answer["Attributes"]))
    }

    /// Writes in one transaction.
    pub(crate) async fn transact(&self, writes: impl Into<Vec<Value>>) -> Result<(), Refusal> {
        self.call("TransactWriteItems", json!({ "TransactItems": writes.into() })).await.map(|_| ())
    }

    /// The items that a query or scan answers with, and where it goes on.
    pub(crate) async fn find(&self, operation: &str, body: Value) -> (Vec<Value>, Option<Value>) {
        let answer = self.ok(operation, body).await;
        let items = answer["Items"].as_array().unwrap_or_else(|| panic!("no items: {answer}"));
        (items.iter().map(plain_item).collect(), answer.get("LastEvaluatedKey").filter(|key| !key.is_null()).cloned())
    }

    /// How long what is eventually consistent may take.
    pub(crate) fn patience(&self) -> Duration {
        if self.endpoint.is_aws() { AWS_PATIENCE } else { PATIENCE }
    }

    /// Asks an index, which is eventually consistent, until the items it answers with are these.
    pub(crate) async fn eventually(&self, operation: &str, body: Value, wanted: &[Value]) -> Option<Value> {
        let mut seen = Vec::new();
        let end = tokio::time::Instant::now() + if self.endpoint.is_aws() { PATIENCE } else { Duration::ZERO };
        loop {
            let (items, last) = self.find(operation, body.clone()).await;
            if items == wanted {
                return last;
            }
            if tokio::time::Instant::now() >= end {
                seen.extend(items);
                panic!("{operation} found {seen:?}, not {wanted:?}");
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }
}

/// A key of the table.
pub(crate) fn key(pk: &str, sk: &str) -> Value {
    typed_item(&json!({ "pk": pk, "sk": sk }))
}

/// An update as `store` makes it: every name by a placeholder, the old item if a condition does not hold.
pub(crate) fn update(pk: &str, sk: &str, expression: &str, condition: &str, values: Value) -> Value {
    let mut names = Map::new();
    for name in format!("{expression} {condition}").split(|c: char| !(c == '#' || c == '_' || c.is_alphanumeric())) {
        if let Some(attribute) = name.strip_prefix('#') {
            names.insert(name.to_owned(), json!(attribute));
        }
    }
    let mut body = json!({
        "Key": key(pk, sk),
        "UpdateExpression": expression,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    if !names.is_empty() {
        body["ExpressionAttributeNames"] = Value::Object(names);
    }
    if !condition.is_empty() {
        body["ConditionExpression"] = json!(condition);
    }
    if values.as_object().is_some_and(|values| !values.is_empty()) {
        body["ExpressionAttributeValues"] = typed_item(&values);
    }
    body
}

// queues

/// A queue whose messages become dead letters when they are received more than [`MAX_RECEIVES`] times, and the queue of
/// its dead letters.
#[derive(Clone)]
pub(crate) struct Queues {
    endpoint: Arc<Endpoint>,
    /// What the names of both begin with.
    pub(crate) prefix: String,
    /// The queue's URL.
    pub(crate) work: String,
    /// Its dead letters' URL. It has no dead letters of its own.
    pub(crate) dead: String,
}

impl Fixture for Queues {
    fn resources() -> Value {
        let redrive =
            json!({ "deadLetterTargetArn": { "Fn::GetAtt": ["Dead", "Arn"] }, "maxReceiveCount": MAX_RECEIVES });
        json!({
            "Work": { "Type": "AWS::SQS::Queue", "Properties": { "VisibilityTimeout": 30, "RedrivePolicy": redrive } },
            "Dead": { "Type": "AWS::SQS::Queue", "Properties": { "MessageRetentionPeriod": 1_209_600 } },
        })
    }

    fn of(machine: &Machine) -> Self {
        Self {
            endpoint: Arc::new(Endpoint::at(machine.aws_url())),
            prefix: "local-".to_owned(),
            work: machine.queue_url("Work"),
            dead: machine.queue_url("Dead"),
        }
    }

    async fn make(endpoint: Endpoint) -> Self {
        let mut queues =
            Self { endpoint: Arc::new(endpoint), prefix: unique(""), work: String::new(), dead: String::new() };
        let dead = json!({ "QueueName": format!("{}Dead", queues.prefix), "Attributes": { "MessageRetentionPeriod": "1209600" } });
        queues.dead = queues.ok("CreateQueue", dead).await["QueueUrl"].as_str().unwrap().to_owned();
        let arn = queues.attribute(&queues.dead, "QueueArn").await;
        let redrive = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES }).to_string();
        let attributes = json!({ "VisibilityTimeout": "30", "RedrivePolicy": redrive });
        let work = json!({ "QueueName": format!("{}Work", queues.prefix), "Attributes": attributes });
        queues.work = queues.ok("CreateQueue", work).await["QueueUrl"].as_str().unwrap().to_owned();
        queues
    }

    async fn remove(self) {
        for url in [&self.work, &self.dead] {
            self.ok("DeleteQueue", json!({ "QueueUrl": url })).await;
        }
    }
}

impl Queues {
    /// Calls an operation of SQS.
    pub(crate) async fn call(&self, operation: &str, body: Value) -> Result<Value, Refusal> {
        self.endpoint.call(Service::Sqs, operation, &body).await
    }

    /// The same, where it is not refused.
    pub(crate) async fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body).await.unwrap_or_else(|refusal| panic!("{operation} was refused: {refusal}"))
    }

    /// The same, where it is refused, as the caller's fault.
    pub(crate) async fn refused(&self, operation: &str, body: Value) -> Refusal {
        match self.call(operation, body.clone()).await {
            Ok(answer) => panic!("{operation} was not refused: {answer}, of {:.300}", body.to_string()),
            Err(refusal) => {
                assert!(refusal.status.is_client_error(), "{refusal}");
                refusal
            }
        }
    }

    /// Sends a message; its id.
    pub(crate) async fn send(&self, url: &str, body: &str) -> String {
        let sent = self.ok("SendMessage", json!({ "QueueUrl": url, "MessageBody": body })).await;
        sent["MessageId"].as_str().unwrap().to_owned()
    }

    /// Receives the next message, and waits for one. `more` says more of how.
    pub(crate) async fn receive(&self, url: &str, more: Value) -> Value {
        let mut body = json!({ "QueueUrl": url, "WaitTimeSeconds": 20 });
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        // On AWS a poll may end early, and empty.
        until("a message comes", PATIENCE, async || {
            let received = self.ok("ReceiveMessage", body.clone()).await;
            received["Messages"].as_array().and_then(|messages| messages.first().cloned())
        })
        .await
    }

    /// Receives what is there now: nothing, or one message.
    pub(crate) async fn receive_now(&self, url: &str) -> Option<Value> {
        let received = self.ok("ReceiveMessage", json!({ "QueueUrl": url, "WaitTimeSeconds": 0 })).await;
        received["Messages"].as_array().and_then(|messages| messages.first().cloned())
    }

    /// Deletes a message that was received.
    pub(crate) async fn delete(&self, url: &str, message: &Value) {
        self.ok("DeleteMessage", json!({ "QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"] })).await;
    }

    /// Makes a message that was received visible after this many seconds.
    pub(crate) async fn change(&self, url: &str, message: &Value, seconds: u32) {
        let receipt = &message["ReceiptHandle"];
        let body = json!({ "QueueUrl": url, "ReceiptHandle": receipt, "VisibilityTimeout": seconds });
        self.ok("ChangeMessageVisibility", body).await;
    }

    /// One of a queue's attributes.
    pub(crate) async fn attribute(&self, url: &str, name: &str) -> String {
        let answer = self.ok("GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": [name] })).await;
        answer["Attributes"][name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned()
    }

    /// Waits until a queue says that it holds this many messages: visible, in flight, delayed.
    pub(crate) async fn counts(&self, url: &str, wanted: [u32; 3]) {
        let names = ["", "NotVisible", "Delayed"].map(|suffix| format!("ApproximateNumberOfMessages{suffix}"));
        let body = json!({ "QueueUrl": url, "AttributeNames": names });
        let patience = if self.endpoint.is_aws() { AWS_PATIENCE } else { PATIENCE };
        until(&format!("the queue holds {wanted:?}"), patience, async || {
            let answer = self.ok("GetQueueAttributes", body.clone()).await;
            let counts = names.clone().map(|name| answer["Attributes"][name].as_str().and_then(|n| n.parse().ok()));
            (counts == wanted.map(Some)).then_some(())
        })
        .await;
    }
}
