//! Lost answers, dying processes, and the machine's own death: nothing is lost, nothing happens twice.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use local::{Effect, Fault};
use models::EventId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{DEMO, PATIENCE, World, answer, bin_dir, document_1, states, text, workspace};

const PAID: [&str; 5] = ["awaiting_payer", "awaiting_provider", "awaiting_payment_consent", "pending", "sent"];

#[tokio::test]
async fn every_first_answer_is_lost_and_nothing_comes_of_it() {
    let world = World::start().await;
    for operation in ["PutItem", "UpdateItem", "Query", "GetItem", "SendMessage", "SendEmail"] {
        for _ in 0..3 {
            world.machine.faults().add(Fault::new(operation, Effect::DropAnswer));
        }
    }
    let session = world.paid().await;
    let paid = world.get(&text(&session["id"])).await;
    assert_eq!(states(&paid), PAID);
    let mut cancelled = world.create().await;
    let path = format!("/v2/payment_sessions/{}/cancel", text(&cancelled["id"]));
    world.machine.faults().add(Fault::new("UpdateItem", Effect::DropAnswer).function("CancelFunction"));
    cancelled = answer(world.demo(Method::POST, &path)).await.body;
    assert_eq!(cancelled["failure_reason"], "cancelled_by_merchant");
    let path = format!("/v2/payment_sessions/{}", text(&cancelled["id"]));
    world.machine.faults().add(Fault::new("TransactWriteItems", Effect::DropAnswer).function("CancelFunction"));
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    world.settled().await;
    world.run_schedule().await;
    // SES accepted a mail whose answer was lost: at most once more, as the SDK repeats it.
    let mails = world.mails().await.len();
    assert!((1..=2).contains(&mails), "{mails}");
}

/// Wherever the checkout dies while the payer approves, pressing again or the schedule brings it to its end: paid once.
#[tokio::test]
async fn a_checkout_that_dies_anywhere_pays_once() {
    let world = World::start().await;
    let kills = [
        ("PutItem", Effect::KillBefore),
        ("PutItem", Effect::KillAfter),
        ("UpdateItem", Effect::KillBefore),
        ("UpdateItem", Effect::KillAfter),
        ("GetItem", Effect::KillAfter),
    ];
    for (operation, effect) in kills {
        // The first, the second, … request of this kind while the payer approves.
        for nth in 0..3 {
            let session = world.create().await;
            let id = text(&session["id"]);
            let payer = world.payer(&session);
            payer.identify().await;
            payer.choose_bank(1).await;
            for _ in 0..nth {
                // Lets one through unharmed: a lost answer is repeated by the SDK.
                world.machine.faults().add(Fault::new(operation, Effect::DropAnswer).function("CheckoutFunction"));
            }
            world.machine.faults().add(Fault::new(operation, effect).function("CheckoutFunction"));
            payer.decide(1, "approve").await;
            world.machine.faults().clear();
            // The payer presses again, and the schedule runs.
            payer.decide(1, "approve").await;
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while world.get(&id).await["state"] != "sent" {
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "{operation} {effect:?} {nth}: {}",
                    world.get(&id).await
                );
                world.run_schedule().await;
            }
            assert_eq!(states(&world.get(&id).await), PAID, "{operation} {effect:?} {nth}");
        }
    }
    assert_eq!(world.mails().await.len(), 15);
}

#[tokio::test]
async fn publish_and_email_receipt_may_die_anywhere() {
    // What a dead process had received comes back after this, not after the template's minutes.
    let visibility = std::time::Duration::from_secs(1);
    let world = World::start_with(|config| config.visibility_timeout = Some(visibility)).await;
    let kills = [
        ("PublishFunction", "PutItem", Effect::KillBefore),
        ("PublishFunction", "PutItem", Effect::KillAfter),
        ("PublishFunction", "SendMessage", Effect::KillBefore),
        ("PublishFunction", "SendMessage", Effect::KillAfter),
        ("EmailReceiptFunction", "UpdateItem", Effect::KillBefore),
        ("EmailReceiptFunction", "SendEmail", Effect::KillBefore),
    ];
    for (done, (function, operation, effect)) in kills.into_iter().enumerate() {
        let mut fault = Fault::new(operation, effect).function(function);
        if function == "PublishFunction" && operation == "PutItem" {
            fault = fault.prefix("MAIL#");
        }
        world.machine.faults().add(fault);
        let session = world.paid().await;
        let arrived = |machine: &local::Machine| (machine.mails().len() > done).then_some(());
        // A claimed mail is free again after a minute, which no test waits for: the claim is given up by hand.
        let waited = world.machine.until(std::time::Duration::from_secs(2), arrived).await;
        if waited.is_none() {
            free_claim(&world, &format!("MAIL#{}", text(&session["id"])), "receipt#5").await;
            world.run_schedule().await;
            assert!(world.machine.until(PATIENCE, arrived).await.is_some(), "{function} {operation} {effect:?}");
        }
        assert!(world.machine.faults().waiting().is_empty(), "{function} {operation} {effect:?} did not happen");
        for sequence in 1..=5 {
            let id = EventId { object_id: text(&session["id"]).parse().unwrap(), sequence };
            let event = store::Events::new(world.table()).get(&id).await.unwrap();
            assert!(event.is_some(), "{function} {operation} {effect:?}: event {sequence}");
        }
    }
    assert_eq!(world.mails().await.len(), kills.len());
}

/// As if the minute of a claim had passed: the mail is due now.
pub(crate) async fn free_claim(world: &World, pk: &str, sk: &str) {
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
        "UpdateExpression": "SET due_at = :past REMOVE lease_until",
        "ConditionExpression": "attribute_exists(due_at)",
        "ExpressionAttributeValues": { ":past": { "S": "2000-01-01T00:00:00.000Z" } },
    });
    world.dynamodb("UpdateItem", &body).await;
}

/// `local` as `make run` starts it, on ports of its own.
struct Local {
    process: Child,
    api_url: String,
}

impl Local {
    fn start(data_dir: &std::path::Path) -> Self {
        let mut process = Command::new(bin_dir().join("local"))
            .current_dir(workspace())
            .args(["--port", "0", "--mail-port", "0", "--schedule-interval-ms", "200"])
            .arg("--bin-dir")
            .arg(bin_dir())
            .arg("--data-dir")
            .arg(data_dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut api_url = None;
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(url) = line.trim().strip_prefix("HTTP API") {
                api_url = Some(url.trim().to_owned());
                break;
            }
        }
        Self { process, api_url: api_url.expect("local prints its address") }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let request = client.request(method, format!("{}{path}", self.api_url)).basic_auth(DEMO.0, Some(DEMO.1));
        answer(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
        .body
    }

    async fn form(&self, path: &str, form: &[(&str, &str)]) {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        // The machine may die while it answers; what it did stands.
        let _ = client.post(format!("{}{path}", self.api_url)).form(form).send().await;
    }

    /// The payer approves at the mock bank, and comes back.
    async fn approve(&self, id: &str) {
        self.form(&format!("/mock-bank/{id}/1"), &[("decision", "approve")]).await;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let _ = client.get(format!("{}/checkout/{id}/return", self.api_url)).send().await;
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_machine_killed_at_any_time_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    // Killed a little later each time: while the payment is submitted, published, mailed.
    for delay_ms in [0, 5, 15, 40, 80, 160, 320] {
        let mut local = Local::start(data.path());
        let session = local.call(Method::POST, "/v2/payment_sessions", Some(&document_1())).await;
        let id = text(&session["id"]);
        local.form(&format!("/checkout/{id}/payer"), &[("name", "Ada"), ("email", "ada@example.com")]).await;
        local.form(&format!("/checkout/{id}/bank"), &[("bank", "mock-bank"), ("attempt", "1")]).await;
        {
            let approving = local.approve(&id);
            let killing = tokio::time::sleep(std::time::Duration::from_millis(delay_ms));
            // Whichever ends first: this test is about timing, so here time itself is what is tried.
            tokio::select! { () = approving => {}, () = killing => {} }
        }
        local.kill();
        ids.push(id);
    }
    let local = Local::start(data.path());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for id in &ids {
        loop {
            let session = local.call(Method::GET, &format!("/v2/payment_sessions/{id}"), None).await;
            if session["state"] == "sent" {
                assert_eq!(states(&session), PAID);
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "{session}");
            // What the payer had not finished, they finish now.
            local.approve(id).await;
        }
    }
    let mails = || std::fs::read_dir(data.path().join("mails")).map_or(0, |files| files.count());
    let deadline = tokio::time::Instant::now() + 3 * PATIENCE;
    while mails() < ids.len() {
        assert!(tokio::time::Instant::now() < deadline, "{} of {} receipts", mails(), ids.len());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
