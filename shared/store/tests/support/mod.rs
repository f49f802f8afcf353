//! A table of its own for each test binary, in memory, with the faults of the way to it, and what tests put in it.

#![allow(dead_code, reason = "each test binary has its own copy and uses what it needs")]

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use models::{
    Act, ActKind, ActObject, Creation, Customer, Lifetime, Mode, NewSession, PaidFrom, Payee, Payer, PaymentAttempt,
    ProviderPaymentId, RefundCreation, RefundId, Session, SessionEvent, SessionId, TestClock, TestClockId,
};
use serde_json::json;
use store::{Acts, AuditTable, Change, CountChange, Due, DueItem, Owner, Sessions, Table};

pub(crate) const TABLE_NAME: &str = "Table";
pub(crate) const AUDIT_TABLE_NAME: &str = "AuditTable";

/// The table, and the faults of the way to it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) table: Table,
    pub(crate) runtime: &'static tokio::runtime::Runtime,
    config: SdkConfig,
}

/// What becomes of one request to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it is answered.
    None,
    /// It is done, and nobody hears of it.
    AnswerLost,
    /// Another transaction is at its items, so it is not done. Reads can't meet that: it waits for the next write.
    Conflict,
    /// The same, and of the items that no transaction is at none is as the request wants it.
    ConflictAndRefusal,
    /// Every second of its keys is left unread, beginning with the first. It waits for the next BatchGetItem.
    LeftUnread,
}

/// Something that is done while a request is on its way.
type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

impl World {
    /// One for the whole process: tests keep apart by their sessions and merchants.
    pub(crate) fn get() -> &'static World {
        static WORLD: OnceLock<World> = OnceLock::new();
        static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
        WORLD.get_or_init(|| {
            let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap());
            runtime.block_on(start(runtime))
        })
    }

    /// A way to the same table that loses the next `count` answers: what was asked is done, and nobody hears of it.
    pub(crate) fn losing(&self, count: usize) -> Table {
        self.through(std::iter::repeat_n(Fault::AnswerLost, count))
    }

    /// A way to the same table on which the next requests fare like this.
    pub(crate) fn through(&self, faults: impl IntoIterator<Item = Fault, IntoIter: Send + 'static>) -> Table {
        self.faulty_table(Faults { next: Box::new(faults.into_iter()), meanwhile: None })
    }

    /// A way to the same table on which, before request `number` (from 0) is sent, something else is done.
    pub(crate) fn while_on_the_way(
        &self,
        number: usize,
        meanwhile: impl Future<Output = ()> + Send + 'static,
    ) -> Table {
        let meanwhile = Some((number, Box::pin(meanwhile) as Meanwhile));
        self.faulty_table(Faults { next: Box::new(std::iter::empty()), meanwhile })
    }

    /// A way to the same table that loses the answer of request `number` (from 0); before it is repeated, something else is
    /// done.
    pub(crate) fn losing_one(&self, number: usize, meanwhile: impl Future<Output = ()> + Send + 'static) -> Table {
        let faults = std::iter::repeat_n(Fault::None, number).chain([Fault::AnswerLost]);
        let meanwhile = Some((number + 1, Box::pin(meanwhile) as Meanwhile));
        self.faulty_table(Faults { next: Box::new(faults), meanwhile })
    }

    /// The table as DynamoDB has it.
    pub(crate) fn client(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    /// The acts, beside the table.
    pub(crate) fn acts(&self) -> Acts {
        Acts::new(AuditTable::new(&self.config, AUDIT_TABLE_NAME.to_owned()))
    }

    /// The acts through this client.
    pub(crate) fn acts_through(&self, client: SharedHttpClient) -> Acts {
        let config = self.config.clone().into_builder().http_client(client).build();
        Acts::new(AuditTable::new(&config, AUDIT_TABLE_NAME.to_owned()))
    }

    fn faulty_table(&self, faults: Faults) -> Table {
        let faulty = FaultyClient { inner: self.http_client(), faults: Arc::new(Mutex::new(faults)) };
        self.table_through(SharedHttpClient::new(faulty))
    }

    pub(crate) fn http_client(&self) -> SharedHttpClient {
        self.config.http_client().unwrap()
    }

    /// The same table, through this client.
    pub(crate) fn table_through(&self, client: SharedHttpClient) -> Table {
        let config = self.config.clone().into_builder().http_client(client).build();
        Table::new(&config, TABLE_NAME.to_owned(), runtime::Random::System)
    }
}

async fn start(runtime: &'static tokio::runtime::Runtime) -> World {
    let database = dynoxide::Database::memory().unwrap();
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let index = |name: &str, hash: &str, range: &str, projection: serde_json::Value| {
        json!({
            "IndexName": name,
            "KeySchema": [key(hash, "HASH"), key(range, "RANGE")],
            "Projection": projection,
        })
    };
    let names = ["pk", "sk", "list_pk", "list_sk", "due_pk", "due_at"];
    let request = json!({
        "TableName": TABLE_NAME,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions":
            names.map(|name| json!({ "AttributeName": name, "AttributeType": "S" })),
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "GlobalSecondaryIndexes": [
            index("lists", "list_pk", "list_sk", json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount", "format"] })),
            index("due", "due_pk", "due_at", json!({ "ProjectionType": "KEYS_ONLY" })),
        ],
    });
    database.create_table(serde_json::from_value(request).unwrap()).unwrap();
    let names = ["pk", "sk", "object"];
    let request = json!({
        "TableName": AUDIT_TABLE_NAME,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": names.map(|name| json!({ "AttributeName": name, "AttributeType": "S" })),
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "GlobalSecondaryIndexes": [index("objects", "object", "sk", json!({ "ProjectionType": "ALL" }))],
    });
    database.create_table(serde_json::from_value(request).unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(dynoxide::server::serve_on(listener, database));
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(endpoint)).unwrap();
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let config = config.into_builder().retry_config(retries).build();
    World { table: Table::new(&config, TABLE_NAME.to_owned(), runtime::Random::System), runtime, config }
}

/// What is to become of the requests to come; once it is used up, nothing but an answer.
struct Faults {
    next: Box<dyn Iterator<Item = Fault> + Send>,
    meanwhile: Option<(usize, Meanwhile)>,
}

impl Faults {
    fn of_next(&mut self, operation: Operation) -> Fault {
        match self.next.next() {
            Some(fault) if !operation.can_meet(fault) => {
                let rest = std::mem::replace(&mut self.next, Box::new(std::iter::empty()));
                self.next = Box::new(std::iter::once(fault).chain(rest));
                Fault::None
            }
            Some(fault) => fault,
            None => Fault::None,
        }
    }

    fn meanwhile(&mut self) -> Option<Meanwhile> {
        match self.meanwhile.take() {
            Some((0, meanwhile)) => return Some(meanwhile),
            Some((number, meanwhile)) => self.meanwhile = Some((number - 1, meanwhile)),
            None => {}
        }
        None
    }
}

/// What of a request matters for conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// With this many items.
    TransactWriteItems(usize),
    UpdateItem,
    BatchGetItem,
    Other,
}

impl Operation {
    fn of(request: &HttpRequest) -> Self {
        match request.headers().get("x-amz-target") {
            Some("DynamoDB_20120810.TransactWriteItems") => {
                let body: serde_json::Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
                Self::TransactWriteItems(body["TransactItems"].as_array().unwrap().len())
            }
            Some("DynamoDB_20120810.UpdateItem") => Self::UpdateItem,
            Some("DynamoDB_20120810.BatchGetItem") => Self::BatchGetItem,
            Some(_) | None => Self::Other,
        }
    }

    fn can_meet(self, fault: Fault) -> bool {
        match fault {
            Fault::None | Fault::AnswerLost => true,
            Fault::Conflict | Fault::ConflictAndRefusal => {
                matches!(self, Self::TransactWriteItems(_) | Self::UpdateItem)
            }
            Fault::LeftUnread => self == Self::BatchGetItem,
        }
    }

    /// The answer when another transaction is at the (first) item; `others` is what is said of the others.
    fn conflict(self, others: &str) -> HttpResponse {
        let exception = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
        let body = match self {
            Self::TransactWriteItems(count) => {
                let code = |index| if index == 0 { "TransactionConflict" } else { others };
                let reasons: Vec<_> = (0..count).map(|index| json!({ "Code": code(index) })).collect();
                json!({
                    "__type": exception("TransactionCanceledException"),
                    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
                    "CancellationReasons": reasons,
                })
            }
            Self::UpdateItem | Self::BatchGetItem | Self::Other => json!({
                "__type": exception("TransactionConflictException"),
                "message": "Transaction is ongoing for the item",
            }),
        };
        let mut response = HttpResponse::new(400.try_into().unwrap(), SdkBody::from(body.to_string()));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        response
    }
}

/// An HTTP client that lets happen to requests what [`Faults`] say.
struct FaultyClient {
    inner: SharedHttpClient,
    faults: Arc<Mutex<Faults>>,
}

impl fmt::Debug for FaultyClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyClient")
    }
}

impl HttpClient for FaultyClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(FaultyConnector {
            inner: self.inner.http_connector(settings, components),
            faults: Arc::clone(&self.faults),
        })
    }
}

struct FaultyConnector {
    inner: SharedHttpConnector,
    faults: Arc<Mutex<Faults>>,
}

impl fmt::Debug for FaultyConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyConnector")
    }
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = Operation::of(&request);
        let mut faults = self.faults.lock().unwrap();
        let (fault, meanwhile) = (faults.of_next(operation), faults.meanwhile());
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
            }
            match fault {
                Fault::None => inner.call(request).await,
                Fault::AnswerLost => {
                    inner.call(request).await?;
                    Err(ConnectorError::io("the answer was lost".into()))
                }
                Fault::Conflict => Ok(operation.conflict("None")),
                Fault::ConflictAndRefusal => Ok(operation.conflict("ConditionalCheckFailed")),
                Fault::LeftUnread => {
                    let (request, left) = with_every_second_key(request);
                    let mut response = inner.call(request).await?;
                    let body = ByteStream::new(response.take_body()).collect().await.unwrap().into_bytes();
                    let mut answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    answer["UnprocessedKeys"] = left;
                    let mut response = HttpResponse::new(response.status(), SdkBody::from(answer.to_string()));
                    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
                    Ok(response)
                }
            }
        })
    }
}

/// A BatchGetItem without the first of its keys, the third and so on; and those.
fn with_every_second_key(mut request: HttpRequest) -> (HttpRequest, serde_json::Value) {
    let mut body: serde_json::Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    let keys = body["RequestItems"][TABLE_NAME]["Keys"].as_array().unwrap().clone();
    let every_second = |first: usize| keys.iter().skip(first).step_by(2).cloned().collect::<Vec<_>>();
    let mut left = body["RequestItems"].clone();
    assert_eq!(left[TABLE_NAME]["ConsistentRead"], true, "an eventual read may lack what the index has already");
    left[TABLE_NAME]["Keys"] = every_second(0).into();
    body["RequestItems"][TABLE_NAME]["Keys"] = every_second(1).into();
    let body = body.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
    (request, left)
}

/// All that is in the due index, now or in years.
pub(crate) async fn due_items(table: &Table) -> Vec<DueItem> {
    let (due, far) = (Due::new(table.clone()), samples::now() + SignedDuration::from_hours(100_000));
    if let Some(items) = due.all(far).await.unwrap() {
        return items;
    }
    let mut items = Vec::new();
    for shard in 0..store::DUE_SHARDS {
        let mut position = None;
        loop {
            let page = due.page(shard, far, position).await.unwrap();
            items.extend(page.items);
            position = page.next;
            if position.is_none() {
                break;
            }
        }
    }
    items
}

/// How far behind the clock is by which write `number` of a test happens.
pub(crate) fn behind_s(number: usize) -> i64 {
    [0, 40, 3, 50, 20, 1, 0][number % 7]
}

pub(crate) fn payer() -> Payer {
    samples::payer("Ada Payer", "ada@example.com")
}

pub(crate) fn payee(account_number: &str) -> Payee {
    samples::payee("Ada Payer", "040506", account_number)
}

/// A merchant that no other test has.
pub(crate) fn new_owner(mode: Mode) -> Owner {
    let id = samples::uuid().simple().to_string();
    Owner { merchant_id: id[..20].parse().unwrap(), mode, format: None }
}

/// A session of this many pence that can be paid from `at` for an hour.
pub(crate) fn new_session(owner: &Owner, at: Timestamp, payer: Option<Payer>, pence: i64) -> Session {
    let new = NewSession {
        payer,
        lifetime: Lifetime::from_seconds(3600).unwrap(),
        ..samples::new_session(vec![samples::item("Candles", pence, 1)])
    };
    let creation = Creation { merchant_id: owner.merchant_id.clone(), mode: owner.mode, ..samples::creation(at) };
    Session::create(new, creation)
}

/// The same, paid at that time; from `payer_account`, if the bank said so.
pub(crate) async fn paid_session(owner: &Owner, at: Timestamp, payer_account: Option<&Payee>, pence: i64) -> Session {
    let session = new_session(owner, at, Some(payer()), pence);
    Sessions::new(World::get().table.clone()).create(session.clone(), None).await.unwrap();
    pay(session.id, at, payer_account).await
}

/// All that happens to a session until it is sent.
pub(crate) async fn pay(session_id: SessionId, at: Timestamp, payer_account: Option<&Payee>) -> Session {
    let sessions = Sessions::new(World::get().table.clone());
    let change = |event| Change { session_id, event, at, write_id: samples::write_id() };
    sessions.choose_bank(change(SessionEvent::BankChosen), &attempt(1), None).await.unwrap();
    sessions.give_consent(change(SessionEvent::ConsentGiven), 1, &samples::submission(at), at).await.unwrap();
    sessions.settle(change(SessionEvent::Settled), &paid_from(payer_account), None).await.unwrap().session
}

/// A session like [`paid_session`]'s whose money moved at consent.
pub(crate) async fn session_paid_at_consent(
    owner: &Owner,
    at: Timestamp,
    payer_account: Option<&Payee>,
    pence: i64,
) -> Session {
    let (session, sessions) = (new_session(owner, at, Some(payer()), pence), Sessions::new(World::get().table.clone()));
    sessions.create(session.clone(), None).await.unwrap();
    let (change, attempt) = (
        |event| Change { session_id: session.id, event, at, write_id: samples::write_id() },
        attempt_at_consent(1, at),
    );
    sessions.choose_bank(change(SessionEvent::BankChosen), &attempt, None).await.unwrap();
    let payment_id = payment_id(&session.id, 1);
    sessions.provider_answered(&session.id, 1, &attempt.bank, &payment_id, None).await.unwrap();
    sessions.authorised(change(SessionEvent::ConsentGiven), 1, at).await.unwrap();
    sessions.settle(change(SessionEvent::Settled), &paid_from(payer_account), None).await.unwrap().session
}

/// What the stream says when a customer comes to its merchant's list or leaves it.
pub(crate) fn count_change(customer: &Customer, came: bool) -> CountChange {
    let text = |text: String| serde_dynamo::AttributeValue::S(text);
    let mut left: serde_dynamo::Item = serde_dynamo::to_item(customer).unwrap();
    left.insert("pk".to_owned(), text(format!("CUSTOMER#{}", customer.id)));
    left.insert("sk".to_owned(), text("CUSTOMER".to_owned()));
    let mut listed = left.clone();
    listed.insert("list_pk".to_owned(), text("acme#test#customers#yorlet#0".to_owned()));
    let change = if came { store::count_change(&left, &listed) } else { store::count_change(&listed, &left) };
    change.unwrap()
}

pub(crate) fn refund_creation(id: RefundId, at: Timestamp) -> RefundCreation {
    RefundCreation { id, ..samples::refund_creation(at) }
}

/// An attempt of this number, always the same.
pub(crate) fn attempt(number: u8) -> PaymentAttempt {
    samples::attempt(SessionId::new(uuid::Uuid::nil()), number)
}

/// An attempt of this number whose money moves at consent, begun then.
pub(crate) fn attempt_at_consent(number: u8, begun_at: Timestamp) -> PaymentAttempt {
    samples::attempt_at_consent(SessionId::new(uuid::Uuid::nil()), number, begun_at)
}

/// What the provider of [`attempt_at_consent`] calls a session's attempt.
pub(crate) fn payment_id(session: &SessionId, number: u8) -> ProviderPaymentId {
    format!("{session}:{number}").parse().unwrap()
}

/// What a bank says of where the money came from that shares this account, or none.
fn paid_from(payer_account: Option<&Payee>) -> PaidFrom {
    payer_account.cloned().map_or(PaidFrom::Undisclosed, PaidFrom::Account)
}

/// A test clock of this owner's that shows this time.
pub(crate) fn test_clock(owner: &Owner, now: Timestamp) -> TestClock {
    TestClock {
        id: TestClockId::new(samples::uuid()),
        merchant_id: owner.merchant_id.clone(),
        name: None,
        created_at: samples::now(),
        now,
        target: None,
        sessions: Vec::new(),
    }
}

/// A new session that follows it.
pub(crate) fn on_clock(clock: &TestClock, owner: &Owner, payer: Option<Payer>) -> Session {
    Session { test_clock: Some(clock.on_clock()), ..new_session(owner, clock.now, payer, 400) }
}

/// An act of a person upon this session.
pub(crate) fn act(session: &Session, what: ActKind, object: ActObject) -> Act {
    samples::act(&session.merchant_id, session.mode, what, object)
}
