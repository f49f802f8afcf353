//! Items that an earlier release has written are read, and changed, by this one; and this one's by an earlier one,
//! which ignores what it doesn't know.
//!
//! tests/items/ holds the items of each release, never changed again. Before a release with other items:
//! `cargo test -p tests --test e2e -- --ignored upgrade::record_the_items_of_this_release`.

use std::collections::BTreeSet;
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
/// endpoint that was notified.
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

/// Makes every item look as if a later release had written it: with attributes that nobody knows, and with all that a session
/// may say and Banked's don't yet.
fn from_the_future(mut item: Value) -> Value {
    item["from_the_future"] = json!({ "S": "unknown" });
    if item["sk"]["S"] == "SESSION" && item["deleted_at"].is_null() {
        let said = json!({
            "format": { "S": "banked" },
            "extra": { "S": r#"{"state":"42"}"# },
            "description": { "S": "Candles" },
            "cancel_url": { "S": "http://example.com/cancelled" },
            "payment_methods": { "L": [{ "S": "card" }, { "S": "pay_by_bank" }] },
            "customer_id": { "S": "1ae1ce03-dfa9-4593-b487-65c656991cb5" },
            "locale": { "S": "en-GB" },
            "email_link": { "BOOL": true },
            "retry": { "BOOL": true },
        });
        item.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        // Where money moves at consent, of what has ended.
        if ["sent", "failed", "cancelled", "expired"].contains(&text(&item["state"]["S"]).as_str()) {
            let money = json!({
                "at": { "N": "1772000000000" },
                "provider": { "S": "consent-bank" },
                "payment_id": { "S": "p" },
                "attempt": { "N": "1" },
            });
            item["late_money"] = json!({ "M": money });
            let request = json!({ "idempotency_key": { "S": "begin-1" }, "body": { "S": "{}" } });
            let at_consent = json!({
                "begun_at": { "N": "1772000000000" },
                "request": { "M": request },
                "payment_id": { "S": "p" },
            });
            if let Some(attempt) = item.pointer_mut("/attempt/M") {
                attempt["at_consent"] = json!({ "M": at_consent });
                // Of such an attempt it says at which of a provider's banks it is.
                attempt["provider_state"] = json!({ "S": "" });
            }
        }
        if let Some(payer) = item.pointer_mut("/payer/M") {
            payer["phone"] = json!({ "S": "+447911123456" });
        }
    }
    if text(&item["sk"]["S"]).starts_with("REFUND#") && item["state"]["S"] == "sent" {
        let request = json!({ "idempotency_key": { "S": "refund-1" }, "body": { "S": "{}" } });
        let at_provider = json!({
            "provider": { "S": "consent-bank" },
            "payment_id": { "S": "p" },
            "request": { "M": request },
            "id": { "S": "r" },
        });
        item["at_provider"] = json!({ "M": at_provider });
    }
    if text(&item["pk"]["S"]).starts_with("ENDPOINTS#") && !item["url"].is_null() {
        item["format"] = json!({ "S": "banked" });
    }
    if let Some(history) = item.pointer_mut("/history/L").and_then(Value::as_array_mut) {
        for entry in history {
            entry["M"]["from_the_future"] = json!({ "S": "unknown" });
        }
    }
    item
}

/// Puts the items into a new machine's table, beside its own demo merchant; the endpoint is `receiver` now. Sessions and
/// refunds come last, as what was delivered of them is there.
async fn put(world: &World, mut items: Vec<Value>, receiver: &Receiver) {
    items.sort_by_key(|item| text(&item["pk"]["S"]).starts_with("SESSION#"));
    for mut item in items {
        if item["pk"]["S"] == "ENDPOINTS#demo" && !item["url"].is_null() {
            item["url"] = json!({ "S": receiver.url("/hooks") });
        }
        world.dynamodb("PutItem", &json!({ "TableName": world.machine.table_name(), "Item": item })).await;
    }
    world.settled().await;
    assert!(receiver.received().is_empty(), "what was delivered is delivered again: {:?}", receiver.summary());
}

/// All that is there can be read, listed, delivered again, refunded and ended.
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
    let delivered: Vec<_> = receiver.received().iter().map(tests::Received::event_id).collect();
    assert!(delivered.contains(&text(&events["data"][0]["id"])), "{delivered:?}");

    // What waited ends: by time where that has passed, else by its merchant.
    let waiting = sessions.iter().find(|session| !["sent", "failed"].contains(&session["state"].as_str().unwrap()));
    if let Some(waiting) = waiting.filter(|session| session["pays_refund"].is_null()) {
        assert_eq!(world.cancel(waiting).await["state"], "failed");
    }
    world.run_schedule().await;
    world.settled().await;
    for log in world.machine.logs() {
        // `publish` logs this when it first reads such an item.
        let is_late_money = log.text.contains("money came after the end");
        assert!(is_late_money || !log.text.contains("\"level\":\"ERROR\""), "{}: {}", log.source, log.text);
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

/// Attributes whose texts are of a closed set, which an earlier release reads none but its own of.
const CLOSED: [&str; 4] = ["state", "cause", "currency", "mode"];

/// All attributes of sessions, refunds, endpoints and accounts: what they are in, their names and DynamoDB's types, like
/// `SESSION/amount/minor N`; with each text of those that are [`CLOSED`], like `SESSION/state S sent`.
fn attributes(items: &[Value]) -> BTreeSet<String> {
    fn below(value: &Value, place: &str, found: &mut BTreeSet<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let place = format!("{place}/{name}");
            for (kind, inner) in value.as_object().unwrap() {
                let closed = inner.as_str().filter(|_| CLOSED.contains(&name.as_str())).map(|text| format!(" {text}"));
                found.insert(format!("{place} {kind}{}", closed.unwrap_or_default()));
                for element in inner.as_array().into_iter().flatten().filter(|_| kind == "L") {
                    found.extend(element.as_object().unwrap().keys().map(|kind| format!("{place}[] {kind}")));
                    below(&element["M"], &place, found);
                }
            }
            below(&value["M"], &place, found);
        }
    }
    let mut all = BTreeSet::new();
    for item in items {
        let (pk, sk) = (text(&item["pk"]["S"]), text(&item["sk"]["S"]));
        let kind = [pk.split('#').next(), sk.split('#').next()].map(Option::unwrap_or_default);
        match kind {
            ["SESSION", "SESSION" | "REFUND"] => below(item, kind[1], &mut all),
            ["EVENTS", "EVENT"] | ["MERCHANT", "ACCOUNT"] => below(item, kind[1], &mut all),
            ["ENDPOINTS", _] => below(item, "ENDPOINT", &mut all),
            _ => {}
        }
    }
    all
}

/// What has come since the first release, which passes over it: of a session and a refund only what nothing but the stream's
/// consumer reads.
const SINCE: [&str; 6] = [
    "ACCOUNT/linked_by",
    "ENDPOINT/pace",
    "ENDPOINT/version",
    "EVENT/session/erased_at",
    "REFUND/key_id",
    "SESSION/key_id",
];

#[tokio::test]
async fn the_first_release_knows_what_this_one_writes() {
    let recorded: Vec<Value> = serde_json::from_slice(&std::fs::read(folder().join("0.1.0.json")).unwrap()).unwrap();
    let world = World::with_webhooks().await;
    one_of_everything(&world).await;
    let (first, now) = (attributes(&recorded), attributes(&scan(&world).await));
    assert!(first.len() > 60 && first.contains("SESSION/state S sent"), "{first:?}");
    let is_known = |attribute: &&String| !SINCE.iter().any(|since| attribute.starts_with(since));
    assert_eq!(now.difference(&first).filter(is_known).collect::<Vec<_>>(), [""; 0]);
    // What of an endpoint is due comes and goes.
    let stays = |attribute: &&String| !attribute.starts_with("ENDPOINT/due_");
    assert_eq!(first.difference(&now).filter(stays).collect::<Vec<_>>(), [""; 0]);
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
