//! A packet is lost, the SDK repeats the request after three seconds, and the first attempt arrives after all: after what was
//! acknowledged since. `store` tests every kind of write; here is what clients and operators see.

use futures_util::future::join_all;
use local::{Effect, Fault};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, Receiver, Reply, World, answer, text};

use crate::operator::{answer as counterfoil_answer, run as counterfoil};

/// The next first attempt of this function's operation with such a string in it is late.
fn late(world: &World, function: &str, operation: &str, prefix: &str) {
    world.machine.faults().add(Fault::new(operation, Effect::Late).function(function).prefix(prefix));
}

/// All that is late arrives, and is refused.
async fn all_late_are_refused(world: &World, count: usize) {
    assert!(world.machine.faults().waiting().is_empty(), "{:?}", world.machine.faults().waiting());
    let arrived = world.late_arrivals().await;
    assert_eq!(arrived.len(), count, "{arrived:?}");
    assert!(arrived.iter().all(|one| one["status"] == 400), "{arrived:?}");
}

async fn until_it_is_late(world: &World) {
    let late = world.machine.until(PATIENCE, |machine| machine.faults().waiting().is_empty().then_some(()));
    assert!(late.await.is_some());
}

#[tokio::test]
async fn what_merchants_change_of_endpoints_stays_as_it_was_acknowledged_last() {
    let world = World::with_webhooks().await;
    let url = "http://127.0.0.1:9911/a";
    let call = async |method: Method, path: &str, body: &Value| {
        let answer = answer(world.demo(method, path).json(body)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.body
    };
    // Each pair: what is late, and what is acknowledged after it.
    let pairs = [
        [(Method::PATCH, "", json!({ "enabled": false })), (Method::PATCH, "", json!({ "enabled": true }))],
        [(Method::PATCH, "", json!({ "enabled": true })), (Method::PATCH, "", json!({ "enabled": false }))],
        [
            (Method::PATCH, "", json!({ "url": "http://127.0.0.1:9911/b" })),
            (Method::PATCH, "", json!({ "url": url, "thin": true })),
        ],
        [(Method::PATCH, "", json!({ "description": "x" })), (Method::PATCH, "", json!({ "description": "" }))],
        [(Method::POST, "/rotate", json!({})), (Method::POST, "/rotate", json!({}))],
        [(Method::POST, "/rotate", json!({})), (Method::POST, "/rotate/finish", json!({}))],
        [(Method::POST, "/rotate/finish", json!({})), (Method::POST, "/rotate", json!({}))],
    ];
    let count = pairs.len();
    let done = pairs.map(async |[(method, action, first), (next_method, next_action, next)]| {
        let webhook = world.register(url, json!({})).await;
        let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
        late(&world, "EndpointsFunction", "UpdateItem", &text(&webhook["id"]));
        call(method, &format!("{path}{action}"), &first).await;
        call(next_method, &format!("{path}{next_action}"), &next).await;
        text(&webhook["id"])
    });
    let ids = join_all(done).await;
    let items = async || join_all(ids.iter().map(|id| world.item("ENDPOINTS#demo", id))).await;
    let before = items().await;
    all_late_are_refused(&world, count).await;
    assert_eq!(items().await, before);
}

#[tokio::test]
async fn an_endpoint_that_was_removed_or_enabled_since_stays_so() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.seen == 0 { 410 } else { 200 })).await;
    // Registered, and removed.
    late(&world, "EndpointsFunction", "TransactWriteItems", "http://127.0.0.1:9911/removed");
    let register = world.demo(Method::POST, "/v2/webhooks").header("idempotency-key", "deploy-hook");
    let registered = answer(register.json(&json!({ "url": "http://127.0.0.1:9911/removed" }))).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{}", registered.text);
    let path = format!("/v2/webhooks/{}", text(&registered.body["id"]));
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    // Gone, and enabled.
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    late(&world, "WebhookFunction", "UpdateItem", "gone");
    world.create().await;
    until_it_is_late(&world).await;
    world.settled().await;
    assert_eq!(world.get_webhook(&webhook).await["disabled_by"], "gone");
    let enabled = world.change_webhook(&webhook, json!({ "enabled": true })).await;
    all_late_are_refused(&world, 2).await;
    assert_eq!(world.get_webhook(&webhook).await, enabled);
    let listed = answer(world.demo(Method::GET, "/v2/webhooks")).await.body;
    assert_eq!(listed["data"], json!([enabled]));
}

#[tokio::test]
async fn what_operators_did_stays_as_it_was_done_last() {
    let world = World::start().await;
    let account = ["demo", "--sort-code", "11-22-33", "--account-number", "12345678"];
    let link = [&["accounts", "link"], &account[..], &["--name", "Acme"]].concat();
    let unlink = [&["accounts", "unlink"], &account[..]].concat();
    let linked = async || {
        let accounts = counterfoil_answer(&world, &["accounts", "list", "demo"]).await;
        accounts.as_array().unwrap().iter().any(|account| account["sort_code"] == "112233")
    };
    world.machine.faults().add(Fault::new("TransactWriteItems", Effect::Late).prefix("MERCHANT#demo"));
    counterfoil_answer(&world, &link).await;
    counterfoil_answer(&world, &unlink).await;
    all_late_are_refused(&world, 1).await;
    assert!(!linked().await);
    counterfoil_answer(&world, &link).await;
    world.machine.faults().add(Fault::new("TransactWriteItems", Effect::Late).prefix("MERCHANT#demo"));
    counterfoil_answer(&world, &unlink).await;
    counterfoil_answer(&world, &link).await;
    all_late_are_refused(&world, 1).await;
    assert!(linked().await);

    // A mail that is sent again, and once only.
    let session = world.paid().await;
    assert_eq!(world.mails().await.len(), 1);
    let id = text(&session["id"]);
    world.machine.faults().add(Fault::new("UpdateItem", Effect::Late).prefix("MAIL#"));
    counterfoil_answer(&world, &["mails", "resend", &id, "receipt"]).await;
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 2);
    all_late_are_refused(&world, 1).await;
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 2);
    let listed = counterfoil_answer(&world, &["mails", "list", &id]).await;
    assert_eq!(listed[0]["state"], "sent");
}

/// The merchant registers while the write of a refusal is under way, and reads the session as open: it hears of the end.
#[tokio::test]
async fn an_endpoint_hears_of_what_lands_after_its_registration() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    world.settled().await;
    late(&world, "CheckoutFunction", "UpdateItem", &format!("SESSION#{id}"));
    let registers = async {
        until_it_is_late(&world).await;
        world.register(&receiver.url("/"), json!({})).await;
        assert_eq!(world.get(&id).await["state"], "awaiting_payment_consent");
    };
    tokio::join!(payer.decide(1, "decline"), registers);
    assert_eq!(world.get(&id).await["state"], "failed");
    receiver.accepted(1, PATIENCE).await;
    let heard: Vec<_> = receiver.received().iter().map(|one| (one.object_id(), one.event_type())).collect();
    assert_eq!(heard, [(id, "payment_session.failed".to_owned())], "and of nothing before it");
    all_late_are_refused(&world, 1).await;
}

/// The cancel's first attempt is lost, and the payer chooses a bank before the second.
#[tokio::test]
async fn a_history_is_in_the_order_of_its_timestamps_however_late_a_write_lands() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let payer = world.payer(&session);
    payer.identify().await;
    late(&world, "CancelFunction", "UpdateItem", &format!("SESSION#{id}"));
    let chooses = async {
        until_it_is_late(&world).await;
        payer.choose_bank(1).await;
    };
    tokio::join!(world.cancel(&session), chooses);
    all_late_are_refused(&world, 1).await;
    let item = world.item(&format!("SESSION#{id}"), "SESSION").await;
    let history = item["history"]["L"].as_array().unwrap();
    let at = |entry: &Value| text(&entry["M"]["at"]["N"]).parse::<i64>().unwrap();
    assert!(history.is_sorted_by_key(at), "{history:?}");
    assert_eq!(history.last().unwrap()["M"]["cause"]["S"], "cancelled_by_merchant");
    world.settled().await;
    let verified = counterfoil_answer(&world, &["verify"]).await;
    assert_eq!((&verified["summary"]["violations"], &verified["summary"]["warnings"]), (&json!(0), &json!(0)));

    // As release 0.1 wrote it.
    let early = (at(&history[2]) - 3_000).to_string();
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": item["pk"], "sk": item["sk"] },
        "UpdateExpression": "SET history[3].#at = :early",
        "ExpressionAttributeNames": { "#at": "at" },
        "ExpressionAttributeValues": { ":early": { "N": early } },
    });
    world.dynamodb("UpdateItem", &body).await;
    let verified = counterfoil(&world, &["verify"]).await;
    assert_eq!(verified.code, 0, "{}", verified.shown);
    assert_eq!(verified.json["summary"]["violations"], 0);
    let warning = &verified.json["warnings"][0];
    assert_eq!(warning["rule"], "history");
    assert!(text(&warning["problem"]).contains("entry 4 is 3000 ms earlier"), "{warning}");
}

#[tokio::test]
async fn an_endpoint_that_was_moved_while_a_cursor_was_claimed_is_called_where_it_is() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::Status(200)).await;
    let webhook = world.register(&receiver.url("/old"), json!({})).await;
    late(&world, "WebhookFunction", "UpdateItem", "CURSOR#");
    world.create().await;
    until_it_is_late(&world).await;
    // Answered long before the claim is repeated, three seconds after its first attempt.
    world.change_webhook(&webhook, json!({ "url": receiver.url("/new") })).await;
    world.settled().await;
    let paths: Vec<_> = receiver.received().iter().map(|one| one.path().to_owned()).collect();
    assert_eq!(paths, ["/new"]);
    all_late_are_refused(&world, 1).await;
}
