//! examples/: each program takes a payment and refunds a part of it. One whose language is not installed is skipped, unless
//! EXAMPLES=required.

use std::io::{Write, stderr};
use std::process::Stdio;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tests::{DEMO, PATIENCE, World, answer, text, workspace};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;

/// Whether a language is in PATH; says so if it is not. With EXAMPLES=required that is a failure.
fn is_here(language: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_here = std::env::split_paths(&path).any(|folder| folder.join(language).is_file());
    if !is_here {
        let required = std::env::var("EXAMPLES").is_ok_and(|value| value == "required");
        assert!(!required, "EXAMPLES=required, and there is no {language} in PATH");
        // Straight to the file: what is printed by macro is shown for failed tests alone.
        let _ = stderr().write_all(format!("{language} is not here: skipped\n").as_bytes());
    }
    is_here
}

/// A program of the folder, as the demo merchant with this secret, at a port that is free.
fn program(world: &World, language: &str, file: &str, secret: &str) -> Command {
    let mut program = Command::new(language);
    program
        .arg(workspace().join("examples").join(file))
        .envs([("BASE_URL", world.machine.api_url()), ("KEY", DEMO.0), ("SECRET", secret), ("PORT", "0")])
        // As the tests' own clients.
        .env("no_proxy", "*")
        .kill_on_drop(true);
    program
}

/// What the program's next line says after this beginning.
async fn said(lines: &mut Lines<BufReader<ChildStdout>>, begin: &str) -> String {
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap_or_default();
    line.strip_prefix(begin).unwrap_or_else(|| panic!("{line:?} does not begin with {begin:?}")).to_owned()
}

/// As if the endpoint's secret, which its program has, were replacing another.
async fn replaces_another(world: &World, endpoint: &Value) {
    let id = text(&endpoint["id"]);
    let rotated = answer(world.demo(Method::POST, &format!("/v2/webhooks/{id}/rotate"))).await;
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
    let item = world.item("ENDPOINTS#demo", &id).await;
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": item["pk"], "sk": item["sk"] },
        "UpdateExpression": "SET secret = :new, previous_secret = :before",
        "ExpressionAttributeValues": { ":new": item["previous_secret"], ":before": item["secret"] },
    });
    world.dynamodb("UpdateItem", &body).await;
}

async fn takes_a_payment_and_refunds_a_part(language: &str, file: &str) {
    if !is_here(language) {
        return;
    }
    let world = World::with_webhooks().await;
    let refused = program(&world, language, file, "sk_test_other").output();
    let refused = timeout(PATIENCE, refused).await.unwrap().unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(1), &b""[..]), "{why}");
    assert!(why.starts_with("Failed: POST /v2/webhooks was answered with 401: "), "{why}");

    let mut child = program(&world, language, file, DEMO.1).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let hooks = said(&mut lines, "Webhooks come to ").await;
    let checkout = said(&mut lines, "Pay at ").await;
    let forged = Client::builder().no_proxy().build().unwrap().post(&hooks).body("{}");
    let forged = forged.header("webhook-id", "evt_1").header("webhook-signature", "v1,");
    let forged = forged.header("webhook-timestamp", jiff::Timestamp::now().as_second());
    assert_eq!(answer(forged).await.status, StatusCode::BAD_REQUEST);
    said(&mut lines, "Received what we did not send").await;

    let id = checkout.rsplit('/').next().unwrap();
    let payer = world.payer(&json!({ "id": id }));
    let endpoint = answer(world.demo(Method::GET, "/v2/webhooks")).await.body["data"][0].clone();
    let events = ["payment_session.awaiting_payment_consent", "payment_session.sent"];
    world.change_webhook(&endpoint, json!({ "events": events })).await;
    payer.choose_bank(1).await;
    said(&mut lines, "Received payment_session.awaiting_payment_consent").await;
    replaces_another(&world, &endpoint).await;
    payer.decide(1, "approve").await;
    // On a busy machine, what is not answered at once comes a second time.
    while said(&mut lines, "Received payment_session.").await != "sent" {}
    said(&mut lines, "Refunded £1.50, awaiting_payment").await;
    assert_eq!(timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap(), None);
    assert!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());

    let session = world.get(id).await;
    assert_eq!((&session["state"], &session["refundable_amount"]), (&json!("sent"), &json!(250)));
    let endpoints = answer(world.demo(Method::GET, "/v2/webhooks")).await.body;
    assert_eq!(endpoints["data"], json!([]), "it leaves no endpoint behind");
}

#[tokio::test]
async fn node() {
    takes_a_payment_and_refunds_a_part("node", "payment.js").await;
}

#[tokio::test]
async fn python() {
    takes_a_payment_and_refunds_a_part("python3", "payment.py").await;
}

#[tokio::test]
async fn php() {
    takes_a_payment_and_refunds_a_part("php", "payment.php").await;
}
