//! Faults that test endpoints ask for: each comes as asked, and none counts as the endpoint's own failing.

use futures_util::future::join_all;
use models::{EndpointFaults, Mode};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{PATIENCE, Received, Receiver, Reply, World, answer, in_order, text};
use tokio::time::{Duration, Instant};

/// The attempts to deliver an event to an endpoint, the latest first.
async fn attempts(world: &World, session: &Value, webhook: &Value) -> Vec<Value> {
    let path = format!("/v2/events/evt_{}_1/attempts", text(&session["id"]));
    let all = answer(world.demo(Method::GET, &path)).await.body["data"].as_array().unwrap().clone();
    all.into_iter().filter(|attempt| attempt["webhook_id"] == webhook["id"]).collect()
}

/// Nothing that happened on purpose is noted of the endpoint.
async fn has_never_failed(world: &World, webhook: &Value) {
    let now = world.get_webhook(webhook).await;
    assert_eq!((&now["failures"], &now["enabled"]), (&json!(0), &json!(true)), "{now}");
    let key = json!({ "pk": { "S": "ENDPOINTS#demo" }, "sk": { "S": webhook["id"] } });
    let item = world.dynamodb("GetItem", &json!({ "TableName": world.machine.table_name(), "Key": key })).await;
    assert_eq!(item["Item"].get("parked_until"), None, "{item}");
}

#[tokio::test]
async fn faults_are_shown_and_changed_and_only_test_endpoints_have_any() {
    let world = World::with_webhooks().await;
    let url = "http://127.0.0.1:9911/hooks";
    let webhook = world.register(url, json!({ "faults": { "delay_s": 60, "duplicate": null } })).await;
    let shown = json!({ "duplicate": false, "delay_s": 60, "first_attempts_fail": 0 });
    assert_eq!(webhook["faults"], shown);
    assert_eq!(world.get_webhook(&webhook).await["faults"], shown);
    assert_eq!(world.change_webhook(&webhook, json!({ "description": "slow" })).await["faults"], shown);
    // All of them are replaced.
    let others = json!({ "duplicate": true, "first_attempts_fail": 10 });
    let shown = json!({ "duplicate": true, "delay_s": 0, "first_attempts_fail": 10 });
    assert_eq!(world.change_webhook(&webhook, json!({ "faults": others })).await["faults"], shown);
    for none in [json!(null), json!({})] {
        assert_eq!(world.change_webhook(&webhook, json!({ "faults": none })).await.get("faults"), None);
        assert_eq!(world.get_webhook(&webhook).await.get("faults"), None);
        world.change_webhook(&webhook, json!({ "faults": shown })).await;
    }
    let (key, secret) = world.merchant("acme", Mode::Live, "all").await;
    let live = |method, path: &str, body: Value| {
        answer(world.request(method, path).basic_auth(&key, Some(&secret)).json(&body))
    };
    let registered = live(Method::POST, "/v2/webhooks", json!({ "url": "https://127.0.0.1:9911/" })).await.body;
    let path = format!("/v2/webhooks/{}", text(&registered["id"]));
    let asked = json!({ "url": "https://127.0.0.1:9911/", "faults": { "duplicate": true } });
    for refused in [live(Method::POST, "/v2/webhooks", asked.clone()).await, live(Method::PATCH, &path, asked).await] {
        assert_eq!(refused.status.as_u16(), 422, "{}", refused.text);
        let error = &refused.body["errors"][0];
        assert_eq!(error["title"], "faults can be asked for with a test key only");
        assert_eq!(error["source"]["parameter"], "faults");
    }
    assert_eq!(live(Method::GET, &path, json!({})).await.body.get("faults"), None);
}

#[tokio::test]
async fn a_duplicate_follows_at_once_and_its_answer_changes_nothing() {
    let world = World::with_webhooks().await;
    let is_duplicate = |one: &Received| one.path() == "/twice" && one.seen == 1;
    let receiver = Receiver::planned(move |one| Reply::Status(if is_duplicate(one) { 410 } else { 200 })).await;
    let twice = world.register(&receiver.url("/twice"), json!({ "faults": { "duplicate": true } })).await;
    world.register(&receiver.url("/once"), json!({})).await;
    let session = world.paid().await;
    world.settled().await;
    let sequences = |path: &str| receiver.at(path).iter().map(Received::sequence).collect::<Vec<_>>();
    assert_eq!(sequences("/once"), [1, 2, 3, 4, 5]);
    assert_eq!(sequences("/twice"), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], "{:#?}", receiver.summary());
    for pair in receiver.at("/twice").chunks(2) {
        assert_eq!((&pair[0].body, &pair[0].headers["webhook-id"]), (&pair[1].body, &pair[1].headers["webhook-id"]));
        assert!(pair.iter().all(|one| one.is_signed_by(&[&text(&twice["secret"])])));
    }
    let statuses: Vec<_> = attempts(&world, &session, &twice).await.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [410, 200]);
    has_never_failed(&world, &twice).await;
    assert!(world.waiting_cursors().await.is_empty());
    // Without faults, each comes once again.
    world.change_webhook(&twice, json!({ "faults": null })).await;
    receiver.forget();
    world.create().await;
    world.settled().await;
    assert_eq!(receiver.at("/twice").len(), 1, "{:#?}", receiver.summary());
}

#[tokio::test]
async fn a_delayed_event_is_first_sent_that_long_after_it_happened() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let late = world.register(&receiver.url("/late"), json!({ "faults": { "delay_s": 4 } })).await;
    let day = json!({ "faults": { "delay_s": EndpointFaults::MAX_DELAY_S } });
    let tomorrow = world.register(&receiver.url("/tomorrow"), day).await;
    world.register(&receiver.url("/prompt"), json!({})).await;
    let asked = Instant::now();
    let session = world.create().await;
    let came = |all: &[Received], path: &str| all.iter().any(|one| one.path() == path);
    assert!(receiver.until(PATIENCE, |all| came(all, "/prompt")).await);
    let is_first = receiver.until(PATIENCE, |all| came(all, "/late")).await;
    assert!(is_first, "{:#?}", receiver.summary());
    let waited = receiver.at("/late")[0].at - asked;
    assert!(waited >= Duration::from_secs(4), "{waited:?}");
    world.settled().await;
    assert_eq!(attempts(&world, &session, &late).await.len(), 1, "what is not due was not attempted");
    // What waits has not been tried, and the time after which it would be given up has not begun.
    let waiting = world.waiting_cursors().await;
    assert_eq!(waiting.len(), 1, "{waiting:#?}");
    assert!(text(&waiting[0]["sk"]["S"]).ends_with(&text(&tomorrow["id"])), "{waiting:#?}");
    assert_eq!((waiting[0].get("attempts"), waiting[0].get("waiting_since")), (None, None), "{waiting:#?}");
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": waiting[0]["pk"], "sk": { "S": "EVENT#000001" } },
    });
    let event = world.dynamodb("GetItem", &body).await;
    let happened_ms: i64 = text(&event["Item"]["session"]["M"]["created_at"]["N"]).parse().unwrap();
    let due_at: jiff::Timestamp = text(&waiting[0]["due_at"]["S"]).parse().unwrap();
    assert_eq!(due_at.as_millisecond() - happened_ms, 86_400_000);
    assert!(receiver.at("/tomorrow").is_empty());
    // A replay is no first delivery.
    let replay = format!("/v2/events/evt_{}_1/replay", text(&session["id"]));
    assert_eq!(answer(world.demo(Method::POST, &replay)).await.status, 202);
    assert!(receiver.until(PATIENCE, |all| came(all, "/tomorrow")).await, "{:#?}", receiver.summary());
    has_never_failed(&world, &late).await;
}

#[tokio::test]
async fn the_first_attempts_fail_without_being_sent_and_park_nobody() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let once = world.register(&receiver.url("/once"), json!({ "faults": { "first_attempts_fail": 1 } })).await;
    let all = json!({ "faults": { "duplicate": true, "delay_s": 1, "first_attempts_fail": 2 } });
    let all = world.register(&receiver.url("/all"), all).await;
    // More than after how many failures an endpoint is parked.
    let count = 6;
    let sessions = join_all((0..count).map(|_| world.create())).await;
    let of = |all: &[Received], path: &str| all.iter().filter(|one| one.path() == path).count();
    let done = receiver.until(PATIENCE, |all| of(all, "/once") == count).await;
    assert!(done, "{:#?}", receiver.summary());
    has_never_failed(&world, &once).await;
    has_never_failed(&world, &all).await;
    let done = receiver.until(Duration::from_secs(60), |all| of(all, "/all") == 2 * count).await;
    assert!(done, "{:#?}", receiver.summary());
    world.settled().await;
    assert_eq!((of(&receiver.received(), "/once"), of(&receiver.received(), "/all")), (count, 2 * count));
    let delivered = in_order(&receiver.at("/all"));
    for session in &sessions {
        assert_eq!(delivered[&text(&session["id"])], [1]);
        for (webhook, accepted, failed) in [(&once, 1, 1), (&all, 2, 2)] {
            let attempts = attempts(&world, session, webhook).await;
            assert_eq!(attempts.len(), accepted + failed, "{attempts:#?}");
            let (sent, on_purpose) = attempts.split_at(accepted);
            assert!(sent.iter().all(|one| one["status"] == 200 && one["error"].is_null()), "{attempts:#?}");
            let purpose = |one: &Value| one["error"] == "failed on purpose: faults.first_attempts_fail";
            assert!(on_purpose.iter().all(|one| purpose(one) && one["status"].is_null()), "{attempts:#?}");
        }
    }
    // Again after about 5 seconds, then after about 15, as after any failure.
    let at = |attempt: &Value| -> jiff::Timestamp { text(&attempt["at"]).replace(" UTC", "Z").parse().unwrap() };
    let times: Vec<_> = attempts(&world, &sessions[0], &all).await.iter().rev().map(at).collect();
    let waits: Vec<i64> = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!((3..10).contains(&waits[0]) && (11..25).contains(&waits[1]), "{waits:?}");
    assert!(world.waiting_cursors().await.is_empty());
    has_never_failed(&world, &all).await;
}
