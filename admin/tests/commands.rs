//! The commands, as an operator gives them, against a table in memory.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::process::{Command, Output};

use serde_json::{Value, json};

struct Machine {
    endpoint: String,
    _runtime: tokio::runtime::Runtime,
}

impl Machine {
    fn start() -> Self {
        let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        let table = json!({
            "TableName": "local-Table",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("pk"), attribute("sk")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        });
        let database = dynoxide::Database::memory().unwrap();
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(dynoxide::server::serve_on(listener, database));
        Self { endpoint, _runtime: runtime }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        counterfoil().args(["--endpoint", &self.endpoint]).args(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The one line that a refused command says.
    fn refused(&self, arguments: &[&str]) -> String {
        refused(&self.run(arguments))
    }
}

/// The command in an environment that says nothing of where.
fn counterfoil() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    for name in ["COUNTERFOIL_ENDPOINT", "DATA_DIR", "TABLE_NAME"] {
        command.env_remove(name);
    }
    command
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = text(&output.stderr);
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_merchant_from_first_to_last() {
    let machine = Machine::start();
    assert!(machine.refused(&["keys", "issue", "acme", "--mode", "test"]).contains("merchants create acme"));
    let created = machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    assert_eq!(created, json!({ "id": "acme", "name": "Acme Ltd" }));
    assert!(machine.refused(&["merchants", "create", "acme", "--name", "Other"]).contains("already"));

    let shown = machine.run(&["keys", "issue", "acme", "--mode", "test"]);
    assert!(text(&shown.stdout).contains("sk_test_acme_") && text(&shown.stderr).contains("shown this once"));
    let arguments = ["keys", "issue", "acme", "--mode", "live", "--scopes", "payment_sessions:read refunds:write"];
    let issued = machine.json(&arguments);
    assert!(issued["key_id"].as_str().unwrap().starts_with("pk_live_acme_"));
    assert!(issued["secret"].as_str().unwrap().starts_with("sk_live_acme_"));
    assert_eq!(issued["scopes"], "payment_sessions:read refunds:write");

    let key_id = issued["key_id"].as_str().unwrap();
    assert_eq!(machine.json(&["keys", "revoke", key_id])["status"], "revoked");
    let keys = machine.json(&["keys", "list", "acme"]);
    assert_eq!((&keys[0]["mode"], &keys[0]["revoked_at"]), (&json!("test"), &Value::Null));
    assert_eq!(keys[1]["key_id"], issued["key_id"]);
    let revoked_at = keys[1]["revoked_at"].as_str().unwrap();
    assert!(!keys.to_string().contains("sk_"), "no secret is kept");
    assert_eq!(machine.json(&["keys", "revoke", key_id])["status"], "revoked", "twice is fine");
    assert_eq!(machine.json(&["keys", "list", "acme"])[1]["revoked_at"], revoked_at);
    assert!(machine.refused(&["keys", "revoke", "pk_live_acme_none"]).contains("keys list acme"));

    let link = ["accounts", "link", "acme", "--name", "Acme Ltd", "--sort-code", "01-02-03"];
    let link = [&link[..], &["--account-number", "12345678"]].concat();
    assert_eq!(machine.json(&link)["account_number"], "****5678");
    assert!(machine.refused(&link).contains("already"));
    let masked = json!([{ "name": "Acme Ltd", "sort_code": "010203", "account_number": "****5678" }]);
    assert_eq!(machine.json(&["accounts", "list", "acme"]), masked);
    assert_eq!(machine.json(&["accounts", "list", "acme", "--full"])[0]["account_number"], "12345678");
}

#[test]
fn says_what_to_do_where_nothing_answers() {
    let machine = Machine::start();
    assert!(machine.refused(&["keys", "list", "acme", "--table", "Other"]).contains("no such table"));
    let folder = tempfile::tempdir().unwrap();
    let list = |line: &[&str]| counterfoil().args(["keys", "list", "acme"]).args(line).output().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    assert!(refused(&list(&["--data-dir", data_dir])).contains("make run"));
    // What a service wrote that has since ended.
    std::fs::write(folder.path().join("endpoint"), "http://127.0.0.1:1\n").unwrap();
    assert!(refused(&list(&["--data-dir", data_dir])).contains("make run"));
    std::fs::write(folder.path().join("endpoint"), format!("{}\n", machine.endpoint)).unwrap();
    assert!(refused(&list(&["--data-dir", data_dir])).contains("merchants create acme"));
    assert!(refused(&list(&["--endpoint", "http://127.0.0.1:1", "--region", "eu-west-2"])).contains("not both"));
    assert_eq!(list(&["--output", "yaml"]).status.code(), Some(2));
}
