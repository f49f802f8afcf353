//! The commands, as an operator gives them, against a table in memory.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod applications;
mod machine;
mod shops;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use models::{
    AttemptEnd, BankId, DisabledBy, Endpoint, EndpointSecret, LateMoney, Lifetime, Mode, NewSession, ProviderPaymentId,
    Session, SessionEvent, SessionState,
};
use serde_json::{Value, json};
use store::{Change, DueItem, Owner, Sessions};

use machine::{Machine, counterfoil, refused, text, wrong_line};

const FAILING: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
const DISABLED: &str = "728d061b-8e47-4052-be4f-5f9bcdee39ff";
const GONE: &str = "9c0d2c57-4d0e-4b1c-8a55-0e0b9f3a7c11";
const NOBODYS: &str = "00000000-0000-4000-8000-000000000000";

/// A test endpoint of acme's that gets every event, and never failed.
fn endpoint(id: &str) -> Endpoint {
    Endpoint {
        id: id.parse().unwrap(),
        merchant_id: "acme".parse().unwrap(),
        encoding: models::EventEncoding::Json,
        application: None,
        url: samples::text("https://acme.example/hook"),
        created_at: "2026-01-31T12:00:00Z".parse().unwrap(),
        secret: EndpointSecret::new(format!("whsec_{id}")),
        rotations: 1,
        previous_secret: Some(EndpointSecret::new("whsec_before".to_owned())),
        previous_secret_until: Some("2096-02-01T12:00:00Z".parse().unwrap()),
        ..samples::endpoint()
    }
}

#[test]
fn a_merchant_from_first_to_last() {
    let machine = Machine::start();
    assert!(machine.refused(&["keys", "issue", "acme", "--mode", "test"]).contains("merchants list"));
    let created = machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    assert_eq!(created, json!({ "id": "acme", "name": "Acme Ltd", "list_shards": 1 }));
    assert!(machine.refused(&["merchants", "create", "acme", "--name", "Other"]).contains("already"));

    let shown = machine.run(&["keys", "issue", "acme", "--mode", "test", "--name", "Web shop"]);
    assert!(text(&shown.stdout).contains("sk_test_acme_") && text(&shown.stderr).contains("shown this once"));
    assert!(!text(&shown.stderr).contains("TrueLayer"), "{shown:?}");
    let arguments = ["keys", "issue", "acme", "--mode", "live", "--scopes", "payment_sessions:read refunds:write"];
    let warned = machine.run(&[&arguments[..], &["--dry-run"]].concat());
    assert!(text(&warned.stderr).contains("only where live payments are on"), "{warned:?}");
    let issued = machine.json(&arguments);
    assert!(issued["key_id"].as_str().unwrap().starts_with("pk_live_acme_"));
    assert!(issued["secret"].as_str().unwrap().starts_with("sk_live_acme_"));
    assert_eq!(issued["scopes"], json!(["payment_sessions:read", "refunds:write"]));

    let key_id = issued["key_id"].as_str().unwrap();
    assert_eq!(machine.json(&["keys", "revoke", key_id])["status"], "revoked");
    let keys = machine.json(&["keys", "list", "acme"]);
    assert_eq!((&keys[0]["mode"], &keys[0]["revoked_at"]), (&json!("test"), &Value::Null));
    assert_eq!((&keys[0]["name"], &keys[1]["name"]), (&json!("Web shop"), &Value::Null));
    assert_eq!(keys[1]["key_id"], issued["key_id"]);
    let revoked_at = keys[1]["revoked_at"].as_str().unwrap();
    assert!(!keys.to_string().contains("sk_"), "no secret is kept");
    assert_eq!(machine.acts("key_revoked"), 1);
    assert_eq!(machine.json(&["keys", "revoke", key_id])["status"], "was_revoked_before", "twice is fine");
    assert_eq!(machine.acts("key_revoked"), 1, "what was not done is no act");
    assert_eq!(machine.json(&["keys", "list", "acme"])[1]["revoked_at"], revoked_at);
    assert!(machine.refused(&["keys", "revoke", "pk_live_acme_none"]).contains("keys list acme"));
    let nobodys = machine.refused(&["keys", "revoke", "pk_live_nobody_1"]);
    assert!(nobodys.contains("no merchant nobody") && nobodys.contains("merchants list"), "{nobodys}");

    let link = ["accounts", "link", "acme", "--name", "Acme Ltd", "--sort-code", "01-02-03"];
    let link = [&link[..], &["--account-number", "12345678"]].concat();
    assert_eq!(machine.json(&link)["account_number"], "****5678");
    assert!(machine.refused(&link).contains("already"));
    let masked = json!([{ "name": "Acme Ltd", "sort_code": "010203", "account_number": "****5678", "iban": null, "default": false }]);
    assert_eq!(machine.json(&["accounts", "list", "acme"]), masked);
    assert_eq!(machine.json(&["accounts", "list", "acme", "--full"])[0]["account_number"], "12345678");
    let iban =
        ["accounts", "link", "acme", "--name", "Acme GmbH", "--iban", "DE89 3704 0044 0532 0130 00", "--default"];
    let linked = machine.json(&iban);
    let expected =
        json!({ "name": "Acme GmbH", "sort_code": null, "account_number": null, "iban": "****3000", "default": true });
    assert_eq!(linked, expected);
    assert_eq!(machine.json(&["accounts", "list", "acme"]).as_array().unwrap().len(), 2);
    assert_eq!(machine.json(&["accounts", "unlink", "acme", "--iban", "DE89370400440532013000"])["iban"], "****3000");
}

#[test]
fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let machine = Machine::start();
    let create = ["merchants", "create", "acme", "--name", "Acme Ltd"];
    assert_eq!(machine.dry(&create), json!({ "id": "acme", "name": "Acme Ltd", "list_shards": 1 }));
    assert_eq!(machine.json(&["merchants", "list"]), json!([]));
    machine.json(&create);
    assert!(machine.refused(&[&create[..], &["--dry-run"]].concat()).contains("already"));
    assert_eq!(machine.dry(&["merchants", "shards", "acme", "4"])["list_shards"], 4);
    let as_many = machine.refused(&["merchants", "shards", "acme", "1", "--dry-run"]);
    assert!(as_many.contains("has 1 list shard, and the count only rises"), "{as_many}");

    assert!(machine.dry(&["keys", "issue", "acme", "--mode", "test"])["secret"].is_null());
    let issued = machine.json(&["keys", "issue", "acme", "--mode", "test"]);
    let revoke = ["keys", "revoke", issued["key_id"].as_str().unwrap()];
    assert_eq!(machine.dry(&revoke)["status"], "would_be_revoked");
    machine.json(&revoke);
    assert_eq!(machine.dry(&revoke)["status"], "was_revoked_before");
    assert!(machine.refused(&["keys", "revoke", "pk_test_acme_none", "--dry-run"]).contains("keys list acme"));

    let account = ["--sort-code", "01-02-03", "--account-number", "12345678"];
    let link = [&["accounts", "link", "acme", "--name", "Acme Ltd"][..], &account].concat();
    assert_eq!(machine.dry(&link)["account_number"], "****5678");
    machine.json(&link);
    let unlink = [&["accounts", "unlink", "acme"][..], &account].concat();
    let unlinking = machine.dry(&unlink);
    assert_eq!((&unlinking["account_number"], &unlinking["status"]), (&json!("****5678"), &json!("would_be_unlinked")));
    assert_eq!(machine.json(&["accounts", "list", "acme"]).as_array().unwrap().len(), 1);
    assert_eq!(machine.json(&unlink)["account_number"], "****5678");
    assert_eq!(machine.json(&["accounts", "list", "acme"]), json!([]));
    assert!(machine.refused(&unlink).contains("accounts list acme"));

    machine.register(&endpoint(FAILING));
    machine.hold(&endpoint(FAILING), 2);
    assert_eq!(machine.dry(&["webhooks", "resume", "acme", FAILING])["waiting"], 2);
    assert_eq!(machine.due(), []);
}

#[test]
fn what_can_not_be_undone_is_confirmed_or_refused() {
    let machine = Machine::start();
    for line in [
        &["erase", "session", FAILING][..],
        &["erase", "customer", FAILING],
        &["erase", "payer", "--email", "ada@example.com"],
    ] {
        let message = machine.refused(line);
        assert!(message.contains("--yes") && message.contains("nothing was done"), "{message}");
    }
    for how in ["--yes", "--dry-run"] {
        let message = machine.refused(&["erase", "session", FAILING, how]);
        assert!(message.contains("there is no payment session") && !message.contains("refund"), "{message}");
    }
    assert_eq!(machine.json(&["erase", "payer", "--email", "ada@example.com", "--yes"]), json!([]));
    for line in ["dead-letters delete receipts --yes", "dead-letters delete receipts --all --message a"] {
        let output = machine.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn merchants_are_listed_in_order() {
    let machine = Machine::start();
    for id in ["other", "acme", "beta"] {
        machine.json(&["merchants", "create", id, "--name", id]);
        machine.json(&["keys", "issue", id, "--mode", "test"]);
    }
    let listed = machine.json(&["merchants", "list"]);
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|merchant| merchant["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["acme", "beta", "other"]);
}

#[test]
fn a_stacks_table_is_found_by_its_name() {
    let machine = Machine::start();
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd", "--stack", "local"]);
    assert_eq!(machine.json(&["merchants", "show", "acme", "--table", "local-Table"])["id"], "acme");
    let message = machine.refused(&["merchants", "show", "acme", "--stack", "loca"]);
    assert!(message.contains("no table of a stack loca") && message.contains("--table"), "{message}");
    assert_eq!(machine.json(&["verify", "--stack", "local"])["summary"]["items"], 1);
}

#[test]
fn what_can_not_be_verified_differs_from_what_is_wrong() {
    let machine = Machine::start();
    let output = machine.run(&["verify", "--table", "Other"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no such table"), "{output:?}");
    machine.hold(&endpoint(FAILING), 1);
    let output = machine.run(&["verify"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("orphan") && text(&output.stderr).contains("Rules are broken"), "{output:?}");
}

#[test]
fn the_count_of_list_shards_only_rises() {
    let machine = Machine::start();
    for arguments in [&["merchants", "shards", "acme", "4"][..], &["merchants", "show", "acme"]] {
        assert!(machine.refused(arguments).contains("merchants list"));
    }
    let created = machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    assert_eq!(machine.json(&["merchants", "show", "acme"]), created);
    let raised = json!({ "id": "acme", "name": "Acme Ltd", "list_shards": 4 });
    assert_eq!(machine.json(&["merchants", "shards", "acme", "4"]), raised);
    for count in ["1", "4"] {
        let message = machine.refused(&["merchants", "shards", "acme", count]);
        assert!(message.contains("has 4 list shards") && message.contains("only rises"), "{message}");
    }
    assert_eq!(machine.json(&["merchants", "show", "acme"]), raised);
    let again = machine.run(&["merchants", "shards", "acme", "5"]);
    assert!(
        text(&again.stdout).contains("LIST SHARDS  5") && text(&again.stderr).contains("in 20 minutes"),
        "{again:?}"
    );
}

#[test]
fn endpoints_are_listed_with_how_they_fare_and_without_their_secrets() {
    let machine = Machine::start();
    assert!(machine.refused(&["webhooks", "list", "acme"]).contains("merchants list"));
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    assert_eq!(machine.json(&["webhooks", "list", "acme"]), json!([]));

    let parked_until = Some("2096-01-31T12:00:00Z".parse().unwrap());
    let failing = Endpoint { failures: 7, parked_until, ..endpoint(FAILING) };
    let created_at = "2026-02-01T12:00:00Z".parse().unwrap();
    let was_parked = Some("2026-02-02T12:00:00Z".parse().unwrap());
    let disabled = Endpoint {
        created_at,
        disabled_by: Some(DisabledBy::Merchant),
        parked_until: was_parked,
        ..endpoint(DISABLED)
    };
    let created_at = "2026-02-02T12:00:00Z".parse().unwrap();
    let url = "https://acme.example/live".to_owned().try_into().unwrap();
    let gone = Endpoint { created_at, disabled_by: Some(DisabledBy::Gone), mode: Mode::Live, url, ..endpoint(GONE) };
    for endpoint in [&failing, &disabled, &gone] {
        machine.register(endpoint);
    }
    machine.register(&Endpoint { merchant_id: "other".parse().unwrap(), ..endpoint(NOBODYS) });
    // More than there are shards, so that some share one.
    machine.hold(&failing, 20);
    machine.hold(&gone, 1);

    let expected = json!([
        {
            "endpoint_id": FAILING,
            "mode": "test",
            "status": "enabled",
            "failures": 7,
            "parked_until": "2096-01-31T12:00:00.000Z",
            "waiting": 20,
            "backing_off": 0,
            "next_try": null,
            "url": "https://acme.example/hook",
        },
        {
            "endpoint_id": DISABLED,
            "mode": "test",
            "status": "disabled",
            "failures": 0,
            "parked_until": null,
            "waiting": 0,
            "backing_off": 0,
            "next_try": null,
            "url": "https://acme.example/hook",
        },
        {
            "endpoint_id": GONE,
            "mode": "live",
            "status": "disabled_by_gone",
            "failures": 0,
            "parked_until": null,
            "waiting": 1,
            "backing_off": 0,
            "next_try": null,
            "url": "https://acme.example/live",
        },
    ]);
    assert_eq!(machine.json(&["webhooks", "list", "acme"]), expected);
    let shown = machine.run(&["webhooks", "list", "acme"]);
    assert!(text(&shown.stdout).contains("PARKED UNTIL"), "{shown:?}");
    assert!(!text(&shown.stdout).contains("whsec_") && !text(&shown.stderr).contains("whsec_"), "{shown:?}");
}

#[test]
fn an_endpoint_is_resumed_unless_it_is_disabled() {
    let machine = Machine::start();
    assert!(machine.refused(&["webhooks", "resume", "acme", FAILING]).contains("merchants list"));
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    machine.json(&["merchants", "create", "other", "--name", "Other Ltd"]);
    let parked_until = Some("2096-01-31T12:00:00Z".parse().unwrap());
    let failing = Endpoint { failures: 7, parked_until, ..endpoint(FAILING) };
    machine.register(&failing);
    machine.hold(&failing, 3);
    machine.register(&Endpoint { disabled_by: Some(DisabledBy::Merchant), failures: 3, ..endpoint(DISABLED) });
    machine.register(&Endpoint { disabled_by: Some(DisabledBy::Gone), ..endpoint(GONE) });

    assert!(machine.refused(&["webhooks", "resume", "acme", NOBODYS]).contains("webhooks list acme"));
    assert!(machine.refused(&["webhooks", "resume", "other", FAILING]).contains("webhooks list other"));
    for (id, why) in [(DISABLED, "is disabled, and resuming"), (GONE, "410 Gone")] {
        let message = machine.refused(&["webhooks", "resume", "acme", id]);
        let enable = format!("PATCH /v2/webhooks/{id}` with {{\"enabled\": true}}");
        assert!(message.contains(why) && message.contains(&enable), "{message}");
    }
    assert_eq!(machine.due(), [], "nothing that is refused is done");

    let resume = ["webhooks", "resume", "acme", FAILING];
    let resumed = json!({
        "endpoint_id": FAILING,
        "url": "https://acme.example/hook",
        "status": "resumed",
        "waiting": 3,
        "backing_off": 0,
        "next_try": null,
    });
    assert_eq!(machine.json(&resume), resumed);
    assert_eq!(machine.due(), [DueItem::Endpoint(failing.merchant_id.clone(), failing.id)]);
    let endpoints = machine.json(&["webhooks", "list", "acme"]);
    let listed = endpoints.as_array().unwrap().iter().find(|endpoint| endpoint["endpoint_id"] == FAILING).unwrap();
    assert_eq!((&listed["failures"], &listed["parked_until"]), (&json!(0), &Value::Null));
    let again = machine.run(&resume);
    assert!(again.status.success() && text(&again.stderr).contains("within a minute"), "{again:?}");
}

#[test]
fn what_backs_off_is_counted_and_its_endpoint_can_be_resumed() {
    let machine = Machine::start();
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    let failing = endpoint(FAILING);
    machine.register(&failing);
    let soonest = samples::now() + std::time::Duration::from_secs(3600);
    machine.back_off(&failing, [soonest + std::time::Duration::from_secs(60), soonest]);
    machine.back_off(&endpoint(DISABLED), [samples::now() + std::time::Duration::from_secs(30)]);
    let listed = || machine.json(&["webhooks", "list", "acme"])[0].clone();
    let backs_off = (json!(0), json!(2), json!(format!("{soonest:.3}")));
    let waits = |shown: &Value| (shown["waiting"].clone(), shown["backing_off"].clone(), shown["next_try"].clone());
    assert_eq!(waits(&listed()), backs_off);
    let resume = ["webhooks", "resume", "acme", FAILING];
    assert_eq!(waits(&machine.dry(&resume)), backs_off);
    assert_eq!(machine.due(), []);

    let resumed = machine.json(&resume);
    assert_eq!((&resumed["status"], &resumed["backing_off"]), (&json!("resumed"), &json!(2)));
    assert!(text_of(&resumed["next_try"]) < format!("{soonest:.3}"), "{resumed}");
    assert_eq!(machine.due(), [DueItem::Endpoint(failing.merchant_id, failing.id)], "`expire` hastens what backs off");
}

#[test]
fn disables_an_endpoint_and_enables_it_again() {
    let machine = Machine::start();
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    let failing = Endpoint { failures: 7, ..endpoint(FAILING) };
    machine.register(&failing);
    let status = || machine.json(&["webhooks", "list", "acme"])[0]["status"].clone();
    assert_eq!(machine.dry(&["webhooks", "disable", "acme", FAILING])["status"], "enabled");
    assert_eq!(status(), "enabled");
    let disabled = machine.run(&["webhooks", "disable", "acme", FAILING]);
    assert!(text(&disabled.stdout).contains("  disabled\n"), "{disabled:?}");
    assert!(text(&disabled.stderr).contains(&format!("`counterfoil webhooks enable acme {FAILING}`")), "{disabled:?}");
    assert_eq!(status(), "disabled");
    assert!(machine.due().is_empty());
    assert_eq!(machine.dry(&["webhooks", "enable", "acme", FAILING])["status"], "disabled");
    let enabled = machine.run(&["webhooks", "enable", "acme", FAILING, "--output", "json"]);
    assert!(text(&enabled.stderr).contains("starting within a minute"), "{enabled:?}");
    let enabled: Value = serde_json::from_slice(&enabled.stdout).unwrap();
    assert_eq!((&enabled["status"], &enabled["failures"]), (&json!("enabled"), &json!(0)));
    assert_eq!(machine.due(), [DueItem::Endpoint(failing.merchant_id.clone(), failing.id)], "what waits is delivered");
    assert!(machine.refused(&["webhooks", "disable", "acme", NOBODYS]).contains("webhooks list acme"));
}

#[test]
fn ctrl_c_ends_any_command_with_one_line() {
    let reading = "counterfoil: interrupted\n";
    let changing =
        "counterfoil: interrupted. What was done until then stays done: see what is there before you repeat it.\n";
    for (signal, arguments, said) in [
        ("-INT", &["keys", "list", "acme"][..], reading),
        ("-TERM", &["verify"], reading),
        ("-INT", &["erase", "payer", "--email", "ada@example.com", "--dry-run", "--output", "json"], reading),
        ("-INT", &["erase", "payer", "--email", "ada@example.com", "--yes", "--output", "json"], changing),
        ("-TERM", &["keys", "revoke", "pk_test_acme_1"], changing),
        ("-INT", &["listen"], reading),
    ] {
        // It accepts, and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let mut command = counterfoil();
        command.args(["--endpoint", &endpoint]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let _asked = silent.accept().unwrap();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {output:?}");
        assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("", said), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let machine = Machine::start();
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    for arguments in [&["merchants", "list"][..], &["completions", "bash"], &["--help"]] {
        let mut command = counterfoil();
        let output = command.args(["--endpoint", &machine.endpoint]).args(arguments).stdout(closed()).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{arguments:?}");
    }
    let mut command = counterfoil();
    command.args(["--endpoint", &machine.endpoint, "keys", "list", "nobody"]).stderr(closed());
    assert_eq!(command.output().unwrap().status.code(), Some(1), "nobody reads why, and it does not panic");
}

#[test]
fn a_line_without_a_command_is_answered_with_help_where_the_environment_says_where() {
    let help = |line: &[&str]| {
        let output = counterfoil().env("DATA_DIR", "/nowhere").env("TABLE_NAME", "Other").args(line).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{line:?}");
        text(&output.stderr)
    };
    assert!(help(&[]).starts_with("The operator's command line of Counterfoil\n\nUsage: counterfoil COMMAND"));
    let sessions = help(&["sessions"]);
    assert!(sessions.contains("pending") && !sessions.contains("error:"), "{sessions}");
}

#[test]
fn a_line_whose_values_do_not_fit_is_a_wrong_line() {
    let machine = Machine::start();
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    for (line, said) in [
        ("republish --since 2020-01-31T09:30:00Z", "30 days"),
        ("republish --since 1h --until 2h", "later than --since"),
        ("sessions find acme --since 1h --until 2h", "later than --since"),
        ("mails resend 1ae1ce03-dfa9-4593-b487-65c656991cb5", "which mail"),
    ] {
        let message = wrong_line(&machine.run(&line.split(' ').collect::<Vec<_>>()));
        assert!(message.contains(said), "{line}: {message}");
    }
    machine.dry(&["republish", "--since", "30d"]);
}

#[test]
fn listening_ends_with_the_service() {
    let machine = Machine::start();
    machine.json(&["merchants", "create", "demo", "--name", "Demo"]);
    let mut command = counterfoil();
    command.args(["--endpoint", &machine.endpoint, "listen"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().contains("whsec_"));
    drop(machine);
    let last = said.last().unwrap().unwrap();
    assert!(last.contains("no longer answers"), "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn says_what_to_do_where_nothing_answers() {
    let machine = Machine::start();
    let erase = ["--endpoint", "http://127.0.0.1:1", "erase", "payer", "--email", "ada@example.com"];
    for how in ["--yes", "--dry-run"] {
        let message = refused(&counterfoil().args(erase).arg(how).output().unwrap());
        assert!(message.starts_with("counterfoil: http://127.0.0.1:1 does not answer: start it"), "{message}");
    }
    assert!(machine.refused(&["keys", "list", "acme", "--table", "Other"]).contains("no such table"));
    let folder = tempfile::tempdir().unwrap();
    let list = |line: &[&str]| counterfoil().args(["keys", "list", "acme"]).args(line).output().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    assert!(refused(&list(&["--data-dir", data_dir])).contains("make run"));
    // What a service wrote that has since ended.
    std::fs::write(folder.path().join("endpoint"), "http://127.0.0.1:1\n").unwrap();
    assert!(refused(&list(&["--data-dir", data_dir])).contains("make run"));
    std::fs::write(folder.path().join("endpoint"), format!("{}\n", machine.endpoint)).unwrap();
    assert!(refused(&list(&["--data-dir", data_dir])).contains("merchants list"));
    assert!(wrong_line(&list(&["--endpoint", "http://127.0.0.1:1", "--region", "eu-west-2"])).contains("not both"));
    assert_eq!(list(&["--output", "yaml"]).status.code(), Some(2));
}

/// A session at a provider that moves the money when the payer consents, and what operators see of it.
#[test]
fn an_attempt_at_consent_and_money_that_came_late_are_shown() {
    let machine = Machine::start();
    let sessions = Sessions::new(machine.table());
    let lifetime = Lifetime::from_seconds(3600).unwrap();
    let new = NewSession {
        payer: Some(samples::payer("Ada Payer", "ada@example.com")),
        lifetime,
        ..samples::new_session(vec![samples::item("Candle", 400, 1)])
    };
    let created_at = samples::now() - std::time::Duration::from_secs(7200);
    let [open, gone] = [0, 1].map(|_| Session::create(new.clone(), samples::creation(created_at)));
    let at = created_at + std::time::Duration::from_secs(60);
    let change = |session: &Session, event| Change { session_id: session.id, event, at, write_id: samples::write_id() };
    let provider: BankId = "consent-bank".parse().unwrap();
    let payment_id: ProviderPaymentId = "pay_42".parse().unwrap();
    machine.runtime.block_on(async {
        for session in [&open, &gone] {
            sessions.create(session.clone(), None).await.unwrap();
            let attempt = samples::attempt_at_consent(session.id, 1, at);
            sessions.choose_bank(change(session, SessionEvent::BankChosen), &attempt, None).await.unwrap();
        }
        sessions.provider_answered(&open.id, 1, &provider, &payment_id, None).await.unwrap();
    });
    let show = |session: &Session| machine.json(&["sessions", "show", &session.id.to_string()]);
    let shown = show(&open)["session"].clone();
    assert_eq!(
        (&shown["state"], &shown["provider_payment_id"]),
        (&json!("awaiting_payment_consent"), &json!("pay_42"))
    );
    assert!(shown["at_consent_since"].is_string() && shown["late_money_at"].is_null(), "{shown}");
    // Its time has passed, and only its provider knows.
    let pending = || machine.json(&["sessions", "pending", "--longer-than", "30m"]);
    let ids = |pending: &Value| -> Vec<String> {
        pending.as_array().unwrap().iter().map(|one| text_of(&one["session_id"])).collect()
    };
    let mut waiting = [open.id.to_string(), gone.id.to_string()];
    waiting.sort();
    let mut found = ids(&pending());
    found.sort();
    assert_eq!(found, waiting);
    machine.runtime.block_on(async {
        let authorised = sessions.authorised(change(&open, SessionEvent::ConsentGiven), 1, at).await.unwrap().session;
        assert_eq!(authorised.state, SessionState::Pending);
        let owner = Owner { merchant_id: gone.merchant_id.clone(), mode: gone.mode, format: None };
        sessions.delete(gone.id, &owner, at, samples::write_id(), Some(1)).await.unwrap();
        let money = LateMoney { at: samples::now(), provider, payment_id, attempt: 1, amount_minor: None };
        assert!(sessions.note_late_money(&gone.id, &money).await.unwrap());
    });
    let listed = pending();
    assert_eq!(ids(&listed), [open.id.to_string()]);
    assert_eq!(listed[0]["submitted_at"], json!(format!("{at:.3}")));
    let shown = show(&gone);
    assert!(text_of(&shown["session"]["state"]).starts_with("deleted"), "{shown}");
    assert_eq!(shown["session"]["late_money_payment_id"], "pay_42");
    let timeline = shown["timeline"].as_array().unwrap();
    assert!(timeline.iter().any(|row| row["what"] == "late_money_noted"), "{shown}");
    let ended = Session { retry: true, ..Session::create(new, samples::creation(created_at)) };
    machine.runtime.block_on(async {
        sessions.create(ended.clone(), None).await.unwrap();
        let attempt = samples::attempt(ended.id, 1);
        let chosen = sessions.choose_bank(change(&ended, SessionEvent::BankChosen), &attempt, None).await.unwrap();
        let end = change(&ended, SessionEvent::AttemptEnded);
        sessions.end_attempt(end, &chosen.session, AttemptEnd::InsufficientFunds).await.unwrap();
    });
    let shown = show(&ended);
    assert_eq!(shown["session"]["attempt_ended"], "insufficient_funds");
    let by = |row: &Value| text_of(&row["detail"]).starts_with("by attempt_ended");
    assert!(shown["timeline"].as_array().unwrap().iter().any(by), "{shown}");
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
