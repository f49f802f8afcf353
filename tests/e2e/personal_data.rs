//! Personal data goes when it has been kept for long enough, or when its owner asks; what happened to the money stays.

use jiff::{Span, Timestamp, tz::TimeZone};
use local::{Effect, Fault};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Erased, Erasures};
use tests::{PATIENCE, Receiver, Reply, World, answer, document_1, text};

/// What is about Ada; the mock bank makes up the account that she pays from.
const ADA: [&str; 4] = ["Ada Payer", "ada@example.com", "87654321", "loyalty-7"];

/// A machine that keeps personal data for a month.
async fn world() -> World {
    World::start_with(|config| {
        config.parameters.insert("PersonalDataMonths".into(), "1".into());
    })
    .await
}

/// A session that is paid, refunded in part, and notified of.
async fn paid_and_refunded(world: &World) -> (Value, Value) {
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    request["metadata"] = json!({ "customer": "loyalty-7" });
    let session =
        answer(world.demo(Method::POST, "/v2/payment_sessions").header("Idempotency-Key", "1").json(&request));
    let session = session.await.body;
    let payer = world.payer(&session);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let refund = world.refund(&session, 150).await;
    let refunder = world.refunder(&refund);
    refunder.choose_bank(1).await;
    refunder.decide(1, "approve").await;
    world.settled().await;
    (session, refund)
}

async fn items(world: &World) -> Vec<Value> {
    let answer = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await;
    // The mock bank is somebody else: what it remembers is not ours to remove.
    let ours = |item: &&Value| !text(&item["pk"]["S"]).starts_with("MOCKBANK#");
    answer["Items"].as_array().unwrap().iter().filter(ours).cloned().collect()
}

/// Of what is about Ada, what stands anywhere in the table.
async fn left(world: &World) -> Vec<&'static str> {
    let all = json!(items(world).await).to_string();
    ADA.into_iter().filter(|text| all.contains(text)).collect()
}

async fn item(world: &World, session: &Value) -> Value {
    world.item(&format!("SESSION#{}", text(session)), "SESSION").await
}

/// As if the session had been final since then; and the run of the schedule that checks its shard.
async fn final_since(world: &World, session: &Value, at: Timestamp) {
    let kept = item(world, session).await;
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": kept["pk"], "sk": kept["sk"] },
        "UpdateExpression": "SET final_at = :at",
        "ExpressionAttributeValues": { ":at": { "S": at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string() } },
    });
    world.dynamodb("UpdateItem", &body).await;
    let minute: i64 = text(&kept["final_pk"]["S"]).strip_prefix("FINAL#").unwrap().parse().unwrap();
    let event = json!({
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "0",
        "time": Timestamp::from_second(minute * 60).unwrap().to_string(), "region": "eu-west-2", "resources": [], "detail": {},
    });
    world.machine.invoke("ExpireFunction", &event).await.unwrap();
}

fn a_month_ago() -> Timestamp {
    Timestamp::now().to_zoned(TimeZone::UTC).checked_sub(Span::new().months(1)).unwrap().timestamp()
}

#[tokio::test]
async fn what_was_kept_for_long_enough_goes_and_the_accounts_stay() {
    let world = world().await;
    let (session, refund) = paid_and_refunded(&world).await;
    assert_eq!(left(&world).await, ADA);
    let before = world.get(&text(&session["id"])).await;

    for id in [&session["id"], &refund["refund_payment_session_id"]] {
        final_since(&world, id, a_month_ago() + Span::new().minutes(5)).await;
    }
    assert_eq!(left(&world).await, ADA, "a month is not over yet");
    for id in [&session["id"], &refund["refund_payment_session_id"]] {
        final_since(&world, id, a_month_ago() - Span::new().seconds(1)).await;
        let kept = item(&world, id).await;
        assert!(kept["erased_at"]["N"].is_string() && kept["final_pk"].is_null(), "{kept}");
    }
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);

    // What happened to the money is there as before.
    let after = world.get(&text(&session["id"])).await;
    for field in ["id", "amount", "state", "line_items", "reference", "end_to_end_id", "history", "refunds", "payee"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!((&after["payer"], &after["metadata"]), (&Value::Null, &json!({})));
    assert_eq!(after["refundable_amount"], 250);
    // The request is still known, and makes nothing new.
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    request["metadata"] = json!({ "customer": "loyalty-7" });
    let again = world.demo(Method::POST, "/v2/payment_sessions").header("Idempotency-Key", "1").json(&request);
    let again = answer(again).await;
    assert!(again.is_replayed() && again.body["id"] == session["id"], "{again:?}");
    assert!(left(&world).await.is_empty());
}

#[tokio::test]
async fn on_demand_all_of_a_payment_goes_at_once_but_not_while_it_goes_on() {
    let world = world().await;
    let erasures = Erasures::new(world.table());
    let waiting = world.create().await;
    world.payer(&waiting).identify().await;
    world.settled().await;
    let id = text(&waiting["id"]).parse().unwrap();
    let checked = async |id: &models::SessionId| erasures.check(id, samples::now()).await.unwrap().0;
    assert_eq!(checked(&id).await, Erased::NotFinal);
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::NotFinal);
    world.cancel(&waiting).await;
    world.settled().await;
    assert_eq!(checked(&id).await, Erased::Done);
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::Done);

    let (session, _) = paid_and_refunded(&world).await;
    let id = text(&session["id"]).parse().unwrap();
    let open = world.refund(&session, 100).await;
    assert_eq!(checked(&id).await, Erased::NotFinal, "a refund goes on");
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::NotFinal, "a refund goes on");
    world.refunder(&open).cancel().await;
    world.settled().await;
    let before = left(&world).await;
    assert_eq!(checked(&id).await, Erased::Done);
    assert!(!before.is_empty() && left(&world).await == before, "a check removes nothing");
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::Done);
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);
    assert_eq!(checked(&id).await, Erased::AlreadyErased);
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::AlreadyErased);
    let unknown = "00000000-0000-4000-8000-000000000000".parse().unwrap();
    assert_eq!(checked(&unknown).await, Erased::NotFound);
    assert_eq!(erasures.erase(&unknown, samples::now()).await.unwrap(), Erased::NotFound);
}

#[tokio::test]
async fn events_of_a_deleted_session_or_a_refund_without_payment_go_too() {
    let world = world().await;
    let erasures = Erasures::new(world.table());
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    let deleted = world.create_from(&request).await;
    let path = format!("/v2/payment_sessions/{}", text(&deleted["id"]));
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, 204);
    world.settled().await;
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);
    let id = text(&deleted["id"]).parse().unwrap();
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::NotFound);

    let session = world.paid_from_withheld_account().await;
    let urls = json!({ "amount": 100, "success_url": "http://example.com/loyalty-7" });
    let refund = world.ask_refund(&session, urls).await.body;
    let cancel = format!("/v2/refunds/{}/cancel", text(&refund["id"]));
    assert_eq!(answer(world.demo(Method::POST, &cancel)).await.status, 200);
    world.settled().await;
    assert!(left(&world).await.contains(&"loyalty-7"));
    let id = text(&session["id"]).parse().unwrap();
    assert_eq!(erasures.erase(&id, samples::now()).await.unwrap(), Erased::Done);
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);
}

/// A session with all that a merchant or payer can write.
fn about_ada() -> Value {
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    request["metadata"] = json!({ "customer": "loyalty-7" });
    request["success_url"] = json!("http://example.com/loyalty-7");
    request
}

async fn delete(world: &World, session: &Value) -> u16 {
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    answer(world.demo(Method::DELETE, &path)).await.status.as_u16()
}

/// All that the API shows of an object's events: listed, one by one, and how they were delivered.
async fn shown(world: &World, session: &Value) -> Vec<String> {
    let id = text(&session["id"]);
    let all = answer(world.demo(Method::GET, "/v2/events")).await;
    let of_it = answer(world.demo(Method::GET, &format!("/v2/events?object={id}"))).await;
    let mut shown = vec![all.text, of_it.text];
    for event in of_it.body["data"].as_array().unwrap() {
        let path = format!("/v2/events/{}/attempts", text(&event["id"]));
        shown.push(answer(world.demo(Method::GET, &path)).await.text);
    }
    shown
}

/// Of what is about Ada, what stands in any of these.
fn found(texts: &[String]) -> Vec<&'static str> {
    ADA.into_iter().filter(|ada| texts.iter().any(|text| text.contains(ada))).collect()
}

#[tokio::test]
async fn what_is_read_replayed_or_delivered_after_a_deletion_is_about_nobody() {
    let world = World::with_webhooks().await;
    // It says whom it is about, as some do; the first delivery fails, and the rest waits for it.
    let receiver = Receiver::planned(|one| {
        let fails = one.sequence() == 1 && one.seen == 0;
        Reply::Body(if fails { 500 } else { 200 }, "thank you, Ada Payer".to_owned())
    })
    .await;
    world.register(&receiver.url("/"), json!({})).await;
    let session = world.create_from(&about_ada()).await;
    world.payer(&session).choose_bank(1).await;
    let attempts = format!("/v2/events/evt_{}_1/attempts", text(&session["id"]));
    let noted = async {
        while !answer(world.demo(Method::GET, &attempts)).await.text.contains("Ada Payer") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, noted).await.expect("its answer is noted");
    assert_eq!(found(&shown(&world, &session).await), ["Ada Payer", "ada@example.com", "loyalty-7"]);

    assert_eq!(delete(&world, &session).await, 204);
    let sent_before = receiver.received().len();
    assert!(found(&shown(&world, &session).await).is_empty(), "at once");
    world.settled().await;
    let events = answer(world.demo(Method::GET, &format!("/v2/events?object={}", text(&session["id"])))).await;
    let types: Vec<String> = events.body["data"].as_array().unwrap().iter().map(|event| text(&event["type"])).collect();
    let delivered = ["cancelled", "awaiting_payment_consent", "awaiting_provider"];
    assert_eq!(types, delivered.map(|state| format!("payment_session.{state}")));
    let first = &events.body["data"][2];
    assert_eq!((&first["data"]["amount"], &first["data"]["payer"]), (&session["amount"], &Value::Null));

    // What waited is delivered without her, and so is what is replayed.
    for event in events.body["data"].as_array().unwrap() {
        let path = format!("/v2/events/{}/replay", text(&event["id"]));
        assert_eq!(answer(world.demo(Method::POST, &path)).await.status, 202);
    }
    let done = receiver.until(PATIENCE, |all| all.len() >= sent_before + 6).await;
    assert!(done, "{:#?}", receiver.summary());
    let sent = receiver.received().split_off(sent_before);
    let bodies: Vec<String> = sent.iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
    assert!(found(&bodies).is_empty(), "{bodies:#?}");
    world.settled().await;
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);
    // Nor is anything kept that was made from what was sent.
    let mut attempts = items(&world).await;
    attempts.retain(|item| text(&item["sk"]["S"]).starts_with("ATTEMPT#"));
    assert!(attempts.len() >= 6, "{attempts:#?}");
    let says_something = |item: &&Value| ["answer", "headers"].iter().any(|name| item.get(name).is_some());
    assert_eq!(attempts.iter().filter(says_something).collect::<Vec<_>>(), Vec::<&Value>::new());
}

/// Events that are published only after the deletion, out of what the session was before it.
#[tokio::test]
async fn what_is_published_after_a_deletion_is_about_nobody() {
    let world = world().await;
    let faults = world.machine.faults();
    faults.add(Fault::new("PutItem", Effect::Throttled).function("PublishFunction").times(200));
    let session = world.create_from(&about_ada()).await;
    world.payer(&session).choose_bank(1).await;
    assert_eq!(delete(&world, &session).await, 204);
    assert_eq!(delete(&world, &session).await, 204);
    faults.clear();
    world.settled().await;
    let events = answer(world.demo(Method::GET, &format!("/v2/events?object={}", text(&session["id"])))).await;
    assert_eq!(events.body["data"].as_array().unwrap().len(), 3);
    assert!(left(&world).await.is_empty(), "{:?}", left(&world).await);

    // The payee of a session that pays a refund is the customer.
    let paid = world.paid().await;
    let refund = world.refund(&paid, 100).await;
    let paying = json!({ "id": refund["refund_payment_session_id"] });
    world.settled().await;
    let customer = || async { shown(&world, &paying).await[1].contains("87654321") };
    assert!(customer().await);
    assert_eq!(delete(&world, &paying).await, 204);
    assert!(!customer().await);
    assert_eq!(world.get_refund(&refund).await["state"], "failed");
}

/// Wherever the deletion dies, its repetition finishes it; also where the session was deleted and its events were not.
#[tokio::test]
async fn a_deletion_that_dies_is_finished_by_its_repetition() {
    let world = world().await;
    for (operation, effect) in [
        ("TransactWriteItems", Effect::KillBefore),
        ("TransactWriteItems", Effect::KillAfter),
        ("TransactWriteItems", Effect::TransactionConflict),
        ("Query", Effect::KillBefore),
    ] {
        let session = world.create_from(&about_ada()).await;
        world.settled().await;
        world.machine.faults().add(Fault::new(operation, effect).prefix("EVENTS#").function("CancelFunction"));
        delete(&world, &session).await;
        world.machine.faults().clear();
        assert_eq!(delete(&world, &session).await, 204);
        world.settled().await;
        assert!(left(&world).await.is_empty(), "{operation} {effect:?}: {:?}", left(&world).await);
    }
}

#[tokio::test]
async fn every_end_starts_the_time_and_a_deletion_ends_it() {
    let world = world().await;
    let cancelled = world.create().await;
    world.cancel(&cancelled).await;
    let declined = world.create().await;
    let payer = world.payer(&declined);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "decline").await;
    for session in [&cancelled, &declined] {
        assert!(item(&world, &session["id"]).await["final_at"]["S"].is_string());
        let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
        assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, 204);
        assert!(item(&world, &session["id"]).await["final_pk"].is_null());
    }
    let open = world.create().await;
    assert!(item(&world, &open["id"]).await["final_pk"].is_null());
    assert!(world.machine.settled(PATIENCE).await);
}
