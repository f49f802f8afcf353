//! Items that an earlier release has written are read, and changed, by this one; and this one's by an earlier one, as far as
//! that ignores what it doesn't know.
//!
//! tests/items/ holds the items of each release, never changed again. Before a release with other items:
//! `cargo test -p tests --test e2e -- --ignored upgrade::record_the_items_of_this_release`.

use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Receiver, World, answer, document_1, text, workspace};

fn folder() -> PathBuf {
    workspace().join("tests/items")
}

async fn scan(world: &World) -> Vec<Value> {
    let answer = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await;
    answer["Items"].as_array().unwrap().clone()
}

/// One of everything: a payment refunded in part, one that waits, one that was deleted, a refund that waits for details, an
/// endpoint that was told.
async fn one_of_everything(world: &World) {
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/hooks"), json!({})).await;
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    request["metadata"] = json!({ "order": "42" });
    let key = |request: reqwest::RequestBuilder| request.header("Idempotency-Key", "order-42");
    let paid = answer(key(world.demo(Method::POST, "/v2/payment_sessions").json(&request))).await.body;
    let payer = world.payer(&paid);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let refund = world.refund(&paid, 150).await;
    world.refunder(&refund).choose_bank(1).await;
    world.refunder(&refund).decide(1, "approve").await;
    let withheld = world.paid_from_withheld_account().await;
    world.refund(&withheld, 100).await;
    world.create().await;
    let gone = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&gone["id"]));
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    world.settled().await;
}

/// Makes every item look as if a later release had written it.
fn from_the_future(mut item: Value) -> Value {
    item["from_the_future"] = json!({ "S": "unknown" });
    if let Some(history) = item.pointer_mut("/history/L").and_then(Value::as_array_mut) {
        for entry in history {
            entry["M"]["from_the_future"] = json!({ "S": "unknown" });
        }
    }
    item
}

/// Puts the items into a new machine's table, beside its own demo merchant; the endpoint is `receiver` now. Sessions and
/// refunds come last, as what was told of them is there.
async fn put(world: &World, mut items: Vec<Value>, receiver: &Receiver) {
    items.sort_by_key(|item| text(&item["pk"]["S"]).starts_with("SESSION#"));
    for mut item in items {
        if item["pk"]["S"] == "ENDPOINTS#demo" && !item["url"].is_null() {
            item["url"] = json!({ "S": receiver.url("/hooks") });
        }
        world.dynamodb("PutItem", &json!({ "TableName": world.machine.table_name(), "Item": item })).await;
    }
    world.settled().await;
    assert!(receiver.received().is_empty(), "what was told is told again: {:?}", receiver.summary());
}

/// All that is there can be read, listed, told again, refunded and ended.
async fn goes_on(world: &World, receiver: &Receiver) {
    let listed = answer(world.demo(Method::GET, "/v2/payment_sessions")).await.body;
    let sessions = listed["data"].as_array().unwrap();
    let find = |reference: &str, state: &str, amount: i64| {
        let found = sessions.iter().find(|session| {
            session["reference"] == reference && session["state"] == state && session["refundable_amount"] == amount
        });
        found.unwrap_or_else(|| panic!("{reference}, {state}, {amount}: {listed}")).clone()
    };
    let paid = find("Illuminate", "sent", 250);
    assert_eq!(world.get(&text(&paid["id"])).await["payer"]["email"], "ada@example.com");
    assert_eq!(paid["history"].as_array().unwrap().len(), 4);

    // A request from before is known.
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    request["metadata"] = json!({ "order": "42" });
    let again = world.demo(Method::POST, "/v2/payment_sessions").header("Idempotency-Key", "order-42").json(&request);
    let again = answer(again).await;
    assert!(again.is_replayed(), "{again:?}");
    assert_eq!(again.body["id"], paid["id"]);

    // What is left is refunded, and no more.
    assert_eq!(world.ask_refund(&paid, json!({ "amount": 251 })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let refund = world.refund(&paid, 250).await;
    world.refunder(&refund).choose_bank(1).await;
    world.refunder(&refund).decide(1, "approve").await;
    assert_eq!(world.get_refund(&refund).await["state"], "sent");

    let refunds = format!("/v2/refunds?payment_session_id={}", text(&paid["id"]));
    let refunds = answer(world.demo(Method::GET, &refunds)).await.body;
    assert_eq!(refunds["data"].as_array().unwrap().len(), 2, "{refunds}");

    // Events and endpoints.
    let events =
        answer(world.demo(Method::GET, &format!("/v2/payment_sessions/{}/events", text(&paid["id"])))).await.body;
    assert_eq!(events["data"].as_array().unwrap().len(), 4, "{events}");
    let replay = format!("/v2/events/{}/replay", text(&events["data"][0]["id"]));
    assert_eq!(answer(world.demo(Method::POST, &replay)).await.status, StatusCode::ACCEPTED);
    let webhooks = answer(world.demo(Method::GET, "/v2/webhooks")).await.body;
    assert_eq!(webhooks["data"].as_array().unwrap().len(), 1);

    world.settled().await;
    let told: Vec<_> = receiver.received().iter().map(tests::Received::event_id).collect();
    assert!(told.contains(&text(&events["data"][0]["id"])), "{told:?}");

    // What waited ends: by time where that has passed, else by its merchant.
    let waiting = sessions.iter().find(|session| !["sent", "failed"].contains(&session["state"].as_str().unwrap()));
    if let Some(waiting) = waiting.filter(|session| session["pays_refund"].is_null()) {
        assert_eq!(world.cancel(waiting).await["state"], "failed");
    }
    world.run_schedule().await;
    world.settled().await;
    for log in world.machine.logs() {
        assert!(!log.text.contains("\"level\":\"ERROR\""), "{}: {}", log.source, log.text);
    }
}

#[tokio::test]
async fn the_items_of_every_release_are_read_and_changed() {
    let mut releases = 0;
    for file in std::fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let items: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert!(items.len() > 30, "{}", path.display());
        let world = World::with_webhooks().await;
        let receiver = Receiver::start().await;
        put(&world, items, &receiver).await;
        goes_on(&world, &receiver).await;
        releases += 1;
    }
    assert!(releases > 0);
}

#[tokio::test]
async fn what_a_later_release_adds_is_no_trouble() {
    let first = World::with_webhooks().await;
    one_of_everything(&first).await;
    let items = scan(&first).await.into_iter().map(from_the_future).collect();
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    put(&world, items, &receiver).await;
    goes_on(&world, &receiver).await;
}

#[tokio::test]
#[ignore = "writes a file, before a release"]
async fn record_the_items_of_this_release() {
    let world = World::with_webhooks().await;
    one_of_everything(&world).await;
    let path = folder().join(concat!(env!("CARGO_PKG_VERSION"), ".json"));
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(path, serde_json::to_string_pretty(&scan(&world).await).unwrap() + "\n").unwrap();
}
