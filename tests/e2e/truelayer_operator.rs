//! TrueLayer, for who operates: whether it is set up rightly, and what differs from its word.

use std::time::{Duration, Instant};

use local::truelayer::{Decision, Fault};
use serde_json::{Value, json};
use tests::{PATIENCE, World, text};
use uuid::Uuid;

use crate::operator::{Ran, run};
use crate::truelayer::with_merchant_account;

pub(crate) const SECRET: &str = "arn:aws:secretsmanager:eu-west-2:000000000000:secret:local/truelayer-AbCdEf";
const BANK: &str = "truelayer.mock-payments-gb-redirect";

async fn check(world: &World) -> Ran {
    check_with(world, &["--environment", "sandbox"]).await
}

async fn check_with(world: &World, more: &[&str]) -> Ran {
    let url = world.machine.truelayer().unwrap().url();
    let set_up = ["--base-url", "https://pay.example.com", "--secret-arn", SECRET, "--truelayer-url", url];
    run(world, &[["truelayer", "check"].as_slice(), &set_up, more].concat()).await
}

/// What was found of each thing that is checked.
fn results(ran: &Ran) -> Vec<(String, String)> {
    let lines = ran.json.as_array().unwrap_or_else(|| panic!("{}", ran.said));
    lines.iter().map(|line| (text(&line["check"]), text(&line["result"]))).collect()
}

pub(crate) async fn reconcile(world: &World, since: &str) -> Ran {
    let url = world.machine.truelayer().unwrap().url();
    let arguments = ["reconcile", "--mode", "test", "--since", since, "--calls-per-second", "1000"];
    run(world, &[arguments.as_slice(), &["--secret-arn", SECRET, "--truelayer-url", url]].concat()).await
}

/// How many are the same, lag, differ, and were not asked about.
pub(crate) fn summary(ran: &Ran) -> [u64; 4] {
    let summary = &ran.json["summary"];
    assert!(summary.is_object(), "{}", ran.said);
    ["same", "lag", "differ", "not_asked"].map(|field| summary[field].as_u64().unwrap())
}

/// A session whose payer is at TrueLayer.
async fn begun(world: &World) -> Value {
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose(BANK, 1).await;
    payer.link(1).await;
    session
}

/// The one payment that TrueLayer has.
fn payment(world: &World) -> Uuid {
    let payments = world.machine.truelayer().unwrap().payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    payments[0].id
}

#[tokio::test]
async fn what_is_set_up_rightly_is_ok_line_by_line() {
    let world = World::with_truelayer().await;
    let ran = check(&world).await;
    let expected = [
        ("token", "ok"),
        ("signature", "ok"),
        ("banks", "ok"),
        ("webhook_keys", "ok"),
        ("base_url", "ok"),
        ("redirect_uri", "by_hand"),
        ("webhook_uri", "by_hand"),
    ];
    assert_eq!(results(&ran), expected.map(|(check, result)| (check.to_owned(), result.to_owned())), "{}", ran.shown);
    assert_eq!(ran.code, 0);
    assert!(ran.shown.contains("https://pay.example.com/providers/truelayer/return"), "{}", ran.shown);
}

#[tokio::test]
async fn each_merchant_account_is_looked_up_and_real_money_is_at_truelayer_alone() {
    let world = with_merchant_account().await;
    let id = "5b1a2a0e-3c1f-4c62-9d0b-2f1a7e6c1d2e";
    for (accounts, code, said) in [
        (format!("demo:GBP={id}"), 0, "has this currency"),
        (format!("demo:EUR={id}"), 1, "has the currency GBP"),
        (format!("demo:GBP={}", Uuid::nil()), 1, "is not there"),
    ] {
        let ran = check_with(&world, &["--environment", "sandbox", "--merchant-accounts", &accounts]).await;
        assert_eq!((ran.code, &ran.json[3]["check"]), (code, &json!("merchant_account")), "{}", ran.shown);
        assert!(text(&ran.json[3]["detail"]).contains(said), "{}", ran.shown);
    }
    let live = check_with(&world, &["--environment", "live"]).await;
    assert_ne!(live.code, 0, "{}", live.shown);
    assert!(live.said.contains("TRUELAYER_URL"), "{}", live.said);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_what_to_do() {
    let world = World::with_truelayer().await;
    let truelayer = world.machine.truelayer().unwrap();
    // A refused token is renewed once, so that it takes two.
    truelayer.fail_next("/test-signature", Fault::Status(401));
    truelayer.fail_next("/test-signature", Fault::Status(401));
    let ran = check(&world).await;
    assert_eq!((ran.code, &ran.json[1]["check"], &ran.json[1]["result"]), (1, &json!("signature"), &json!("wrong")));
    assert!(text(&ran.json[1]["detail"]).contains("key_id"), "{}", ran.shown);
    truelayer.fail_next("/connect/token", Fault::Status(400));
    let ran = check(&world).await;
    assert_eq!((ran.code, &ran.json[0]["check"], &ran.json[0]["result"]), (1, &json!("token"), &json!("wrong")));
    assert!(text(&ran.json[0]["detail"]).contains("client_secret"), "{}", ran.shown);
    assert_eq!(ran.json[1]["check"], "webhook_keys", "nothing is asked without a token");
}

#[tokio::test]
async fn payments_are_compared_and_what_was_paid_late_is_found() {
    let world = World::with_truelayer().await;
    let truelayer = world.machine.truelayer().unwrap();
    truelayer.pause_webhooks(true);
    let session = begun(&world).await;
    let ran = reconcile(&world, "1h").await;
    assert_eq!((summary(&ran), ran.code), ([1, 0, 0, 0], 0), "{}", ran.shown);
    assert!(truelayer.decide(payment(&world), Decision::Approve));
    let ran = reconcile(&world, "1h").await;
    assert_eq!((summary(&ran), ran.code), ([0, 1, 0, 0], 0), "{}", ran.shown);
    assert_eq!(summary(&reconcile(&world, "2126-01-31T09:30:00Z").await), [0; 4], "nothing began since then");
    // A hand in the table, in place of a provider that said yes to cancelling and sent the money all the same.
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET #state = :expired",
        "ExpressionAttributeNames": { "#state": "state" },
        "ExpressionAttributeValues": { ":expired": { "S": "expired" } },
    });
    world.dynamodb("UpdateItem", &body).await;
    let ran = reconcile(&world, "1h").await;
    assert_eq!((summary(&ran), ran.code), ([0, 0, 1, 0], 1), "{}", ran.shown);
    let found = &ran.json["differences"][0];
    assert_eq!((&found["session_id"], &found["difference"]), (&session["id"], &json!("late")));
    assert_eq!(text(&found["payment_id"]), payment(&world).to_string());
    // The webhook has it noted, and raises the alarm.
    truelayer.deliver_webhooks().await;
    assert!(world.machine.settled(PATIENCE).await);
    let ran = reconcile(&world, "1h").await;
    assert_eq!((ran.code, &ran.json["differences"][0]["difference"]), (1, &json!("late_and_noted")), "{}", ran.shown);
}

#[tokio::test]
async fn a_payment_that_truelayer_could_not_be_asked_about_is_counted() {
    let world = World::with_truelayer().await;
    begun(&world).await;
    world.machine.truelayer().unwrap().fail_next("/v3/payments", Fault::Status(503));
    let ran = reconcile(&world, "1h").await;
    assert_eq!((summary(&ran), ran.code), ([0, 0, 0, 1], 1), "{}", ran.shown);
}

/// Calls that fail are calls, too: TrueLayer is asked no faster for being in trouble.
#[tokio::test]
async fn payments_are_asked_about_no_faster_where_truelayer_does_not_answer() {
    let world = World::with_truelayer().await;
    let truelayer = world.machine.truelayer().unwrap();
    begun(&world).await;
    begun(&world).await;
    truelayer.fail_next("/v3/payments", Fault::Status(503));
    truelayer.fail_next("/v3/payments", Fault::Status(503));
    let arguments = ["reconcile", "--mode", "test", "--since", "1h", "--calls-per-second", "1"];
    let arguments = [arguments.as_slice(), &["--secret-arn", SECRET, "--truelayer-url", truelayer.url()]].concat();
    let started = Instant::now();
    let ran = run(&world, &arguments).await;
    assert_eq!(summary(&ran), [0, 0, 0, 2], "{}", ran.shown);
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
}
