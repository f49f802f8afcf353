//! A table of its own for each test binary, in memory, and a way to lose answers on the way back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use models::{
    Attempt, Creation, Currency, EndToEndId, Lifetime, LineItem, LineItems, LinkedAccount, MinorUnits, Mode, Money,
    Name, NewSession, Payee, Payer, Session, SessionId,
};
use serde_json::json;
use store::{Owner, Table};
use uuid::Uuid;

/// The table, and the faults of the way to it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) table: Table,
    pub(crate) runtime: &'static tokio::runtime::Runtime,
    endpoint: String,
}

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
    pub(crate) fn losing(&self, count: u32) -> Table {
        table(&self.endpoint, count)
    }
}

async fn start(runtime: &'static tokio::runtime::Runtime) -> World {
    let database = dynoxide::Database::memory().unwrap();
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let index = |name: &str, hash: &str, range: &str, projection: &str| {
        json!({
            "IndexName": name,
            "KeySchema": [key(hash, "HASH"), key(range, "RANGE")],
            "Projection": { "ProjectionType": projection },
        })
    };
    let names = ["pk", "sk", "list_pk", "list_sk", "due_pk", "due_at"];
    let request = json!({
        "TableName": "Table",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions":
            names.map(|name| json!({ "AttributeName": name, "AttributeType": "S" })),
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "GlobalSecondaryIndexes": [
            index("list", "list_pk", "list_sk", "ALL"),
            index("due", "due_pk", "due_at", "KEYS_ONLY"),
        ],
    });
    database.create_table(serde_json::from_value(request).unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(dynoxide::server::serve_on(listener, database));
    World { table: table(&endpoint, 0), runtime, endpoint }
}

fn table(endpoint: &str, answers_to_lose: u32) -> Table {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(endpoint.to_owned()));
    let answers_to_lose = Arc::new(AtomicU32::new(answers_to_lose));
    let lossy = LossyClient { inner: config.http_client().unwrap(), answers_to_lose };
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let config = config.into_builder().http_client(SharedHttpClient::new(lossy)).retry_config(retries).build();
    Table::new(&config, "Table".to_owned())
}

/// An HTTP client that does what it is asked and then, if so armed, says that the connection broke.
#[derive(Debug)]
struct LossyClient {
    inner: SharedHttpClient,
    answers_to_lose: Arc<AtomicU32>,
}

impl HttpClient for LossyClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(LossyConnector {
            inner: self.inner.http_connector(settings, components),
            answers_to_lose: Arc::clone(&self.answers_to_lose),
        })
    }
}

#[derive(Debug)]
struct LossyConnector {
    inner: SharedHttpConnector,
    answers_to_lose: Arc<AtomicU32>,
}

impl HttpConnector for LossyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let lose = |left: u32| left.checked_sub(1);
        let lost = self.answers_to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok();
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if lost { Err(ConnectorError::io("the answer was lost".into())) } else { Ok(answer) }
        })
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.to_owned().try_into().unwrap()
}

pub(crate) fn payer() -> Payer {
    Payer { name: name("Ada Payer"), email: Some("ada@example.com".to_owned().try_into().unwrap()) }
}

pub(crate) fn linked_account() -> LinkedAccount {
    let account = serde_json::from_value(json!({ "sort_code": "010203", "account_number": "12345678" })).unwrap();
    LinkedAccount { name: name("Gerald Wiley"), account }
}

/// A merchant that no other test has.
pub(crate) fn new_owner(mode: Mode) -> Owner {
    let id = Uuid::new_v4().simple().to_string();
    Owner { merchant_id: id[..20].parse().unwrap(), mode }
}

/// A session of £4.00 that can be paid from `at` for an hour.
pub(crate) fn new_session(owner: &Owner, at: Timestamp, payer: Option<Payer>) -> Session {
    let item = LineItem {
        name: name("Candles"),
        description: None,
        unit_price: Money::new(MinorUnits::new(100), Currency::GBP),
        quantity: 4,
    };
    let LinkedAccount { name, account } = linked_account();
    let new = NewSession {
        line_items: LineItems::new(vec![item], MinorUnits::new(1000)).unwrap(),
        payee: Payee { name, account },
        payer,
        reference: "Illuminate".to_owned().try_into().unwrap(),
        success_url: Some("http://example.com/s?id=__PAYMENT_ID__".to_owned().try_into().unwrap()),
        error_url: None,
        email_receipt: true,
        metadata: BTreeMap::new().try_into().unwrap(),
        lifetime: Lifetime::from_seconds(3600).unwrap(),
    };
    let creation = Creation {
        id: SessionId::new(Uuid::now_v7()),
        end_to_end_id: EndToEndId::new(Uuid::new_v4()),
        merchant_id: owner.merchant_id.clone(),
        mode: owner.mode,
        at,
        base_url: "http://127.0.0.1:3000".to_owned(),
        write_id: store::new_write_id(),
    };
    Session::create(new, creation)
}

pub(crate) fn attempt(number: u8) -> Attempt {
    Attempt {
        number,
        bank: "mock-bank".parse().unwrap(),
        redirect_url: format!("http://127.0.0.1:3000/mock-bank/x/{number}"),
        provider_state: number.to_string(),
    }
}
