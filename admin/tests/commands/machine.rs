//! A table in memory, and the command upon it.

use std::process::{Command, Output};

use aws_credential_types::Credentials;
use jiff::Timestamp;
use models::{CursorId, Endpoint};
use runtime::Clock;
use serde_json::{Value, json};
use store::{Cursors, Due, DueItem, EndpointCreated, Endpoints, Paused, Table};

pub(crate) struct Machine {
    pub(crate) endpoint: String,
    pub(crate) runtime: tokio::runtime::Runtime,
    database: dynoxide::Database,
}

impl Machine {
    pub(crate) fn start() -> Self {
        let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        let table = json!({
            "TableName": "local-Table",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("pk"), attribute("sk"), attribute("due_pk"), attribute("due_at")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "GlobalSecondaryIndexes": [{
                "IndexName": "due",
                "KeySchema": [key("due_pk", "HASH"), key("due_at", "RANGE")],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
        });
        let database = dynoxide::Database::memory().unwrap();
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        let acts = json!({
            "TableName": "local-AuditTable",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("pk"), attribute("sk")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        });
        database.create_table(serde_json::from_value(acts).unwrap()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(dynoxide::server::serve_on(listener, database.clone()));
        Self { endpoint, runtime, database }
    }

    /// The same table, as the functions have it.
    pub(crate) fn table(&self) -> Table {
        let credentials = Credentials::new("local", "local", None, None, "local");
        let config = runtime::aws_config_for(credentials, "local".to_owned(), Some(self.endpoint.clone())).unwrap();
        Table::new(&config, "local-Table".to_owned(), runtime::Random::System)
    }

    /// Registers an endpoint, some time ago: the schedule has processed it since, and nothing of it is due.
    pub(crate) fn register(&self, endpoint: &Endpoint) {
        let endpoints = Endpoints::new(self.table());
        let created = self.runtime.block_on(endpoints.create(endpoint, None)).unwrap();
        assert!(matches!(created, EndpointCreated::New(_)));
        let later = endpoint.created_at + std::time::Duration::from_secs(300);
        self.runtime.block_on(endpoints.resumed(&endpoint.merchant_id, &endpoint.id, later)).unwrap();
    }

    /// The endpoint hears no more of this many payments.
    pub(crate) fn hold(&self, endpoint: &Endpoint, payments: usize) {
        let cursors = Cursors::new(self.table());
        for payment in 0..payments {
            let cursor = CursorId {
                object_id: format!("1ae1ce03-dfa9-4593-b487-{payment:012}").parse().unwrap(),
                merchant_id: endpoint.merchant_id.clone(),
                endpoint_id: endpoint.id,
                replay_of: None,
            };
            self.runtime.block_on(async {
                cursors.advance(&cursor, 1, Clock::System.now(), None).await.unwrap();
                let claim = cursors.claim(&cursor, Clock::System.now()).await.unwrap().unwrap();
                cursors.pause(&claim, Paused::Dead).await.unwrap();
            });
        }
    }

    /// A payment for each of these times failed at the endpoint, and is tried again then.
    pub(crate) fn back_off<const N: usize>(&self, endpoint: &Endpoint, until: [Timestamp; N]) {
        let cursors = Cursors::new(self.table());
        for until in until {
            let cursor = CursorId {
                object_id: samples::uuid().to_string().parse().unwrap(),
                merchant_id: endpoint.merchant_id.clone(),
                endpoint_id: endpoint.id,
                replay_of: None,
            };
            self.runtime.block_on(async {
                let now = Clock::System.now();
                cursors.advance(&cursor, 1, now, None).await.unwrap();
                let claim = cursors.claim(&cursor, now).await.unwrap().unwrap();
                cursors.retry_at(&claim, until, 3, now).await.unwrap();
            });
        }
    }

    /// What the schedule would do next.
    pub(crate) fn due(&self) -> Vec<DueItem> {
        self.runtime.block_on(Due::new(self.table()).all(Clock::System.now())).unwrap().unwrap()
    }

    /// Everything in the table, as text whose order says nothing: items are kept without one.
    pub(crate) fn everything(&self) -> Vec<u8> {
        let mut found = Vec::new();
        for mut part in self.table().items(store::Parts(1)) {
            while let Some(page) = self.runtime.block_on(part.next()).unwrap() {
                found.extend(format!("{:?}", page.found).into_bytes());
            }
        }
        found.sort();
        found
    }

    /// How many acts of this kind are recorded.
    pub(crate) fn acts(&self, what: &str) -> usize {
        let request = serde_json::from_value(json!({ "TableName": "local-AuditTable" })).unwrap();
        let scanned = serde_json::to_value(self.database.scan(request).unwrap()).unwrap();
        let items = scanned.get("Items").and_then(Value::as_array).unwrap();
        items.iter().filter(|act| act.pointer("/what/S").and_then(Value::as_str) == Some(what)).count()
    }

    /// The command with `--dry-run`, which changes nothing.
    pub(crate) fn dry(&self, arguments: &[&str]) -> Value {
        let before = self.everything();
        let output = self.run(&[arguments, &["--dry-run", "--output", "json"]].concat());
        assert!(output.status.success() && text(&output.stderr).contains("dry run"), "{arguments:?}: {output:?}");
        assert!(self.everything() == before, "{arguments:?} changed something");
        read(&output)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        counterfoil().args(["--endpoint", &self.endpoint]).args(arguments).output().unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        read(&output)
    }

    /// The one line that a refused command says.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        refused(&self.run(arguments))
    }
}

/// What a script reads.
fn read(output: &Output) -> Value {
    let json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(samples::prose_in(&json), None);
    json
}

/// The command in an environment that says nothing of where.
pub(crate) fn counterfoil() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    for name in ["COUNTERFOIL_ENDPOINT", "DATA_DIR", "TABLE_NAME"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn refused(output: &Output) -> String {
    refused_with(1, output)
}

/// The one line that is said of a command line that is wrong.
pub(crate) fn wrong_line(output: &Output) -> String {
    refused_with(2, output)
}

fn refused_with(code: i32, output: &Output) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty());
    let message = text(&output.stderr);
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
