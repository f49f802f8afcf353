//! Deliveries: what is sent, in which order, how often, and that no endpoint holds up another.

use std::time::Duration;

use models::Mode;
use reqwest::Method;
use serde_json::{Value, json};
use store::Endpoints;
use tests::{PATIENCE, Received, Receiver, Reply, World, accepted, answer, in_order, text};

const PAID: [&str; 5] = ["awaiting_payer", "awaiting_provider", "awaiting_payment_consent", "pending", "sent"];

/// Longer than a delivery may take.
const LONG: Duration = Duration::from_secs(60);

fn types(received: &[Received]) -> Vec<String> {
    received.iter().map(|one| one.event_type().split_once('.').unwrap().1.to_owned()).collect()
}

/// The URL is another server's, or another's path: nobody came there.
fn nobody_at(receiver: &Receiver, path: &str) {
    assert!(receiver.at(path).is_empty(), "{:#?}", receiver.summary());
}

#[tokio::test]
async fn every_change_of_a_session_and_its_refund_is_delivered_once_in_order_and_signed() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/a?b=c"), json!({})).await;
    let session = world.paid().await;
    let refund = world.refund(&session, 400).await;
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    world.settled().await;
    let received = receiver.received();
    // The session's five, the refund's two, and its payment session's four: its payer is known from the beginning.
    let delivered = in_order(&received);
    assert_eq!(delivered[&text(&session["id"])], [1, 2, 3, 4, 5]);
    assert_eq!(delivered[&text(&refund["id"])], [1, 2]);
    assert_eq!(delivered[&text(&refund["refund_payment_session_id"])], [1, 2, 3, 4]);
    assert_eq!((delivered.len(), received.len()), (3, 11), "{:#?}", receiver.summary());
    for one in &received {
        assert_eq!((one.line.as_str(), one.headers["content-type"].as_str()), ("POST /a?b=c", "application/json"));
        assert_eq!(one.headers["webhook-id"], one.event_id());
        assert_eq!(one.event_id(), format!("evt_{}_{}", one.object_id(), one.sequence()));
        assert!(one.is_signed_by(&[&text(&webhook["secret"])]), "{one:#?}");
        let timestamp_s: i64 = one.headers["webhook-timestamp"].parse().unwrap();
        assert!((jiff::Timestamp::now().as_second() - timestamp_s).abs() < 60);
        assert_eq!(one.json["live"], false);
    }
    let of = |object: &Value| -> Vec<Received> {
        received.iter().filter(|one| one.object_id() == text(object)).cloned().collect()
    };
    let of_session = of(&session["id"]);
    assert_eq!(types(&of_session), PAID);
    let now = world.get(&text(&session["id"])).await;
    for (n, one) in of_session.iter().enumerate() {
        // The object as it was then.
        assert_eq!(one.json["data"]["state"], PAID[n]);
        assert_eq!(one.json["data"]["history"].as_array().unwrap(), &now["history"].as_array().unwrap()[..=n]);
        assert_eq!(one.json["created_at"], now["history"][n]["at"], "{}", now["history"][n]);
        assert_eq!(one.json["webhook_type"], "payment_session");
        let names =
            [json!("payment_initiated"), json!(null), json!(null), json!("payment_pending"), json!("payment_sent")];
        assert_eq!(one.json["webhook_event"], names[n]);
    }
    assert_eq!(of_session[0].json["data"]["payer"]["name"], json!(null), "{}", of_session[0].json["data"]["payer"]);
    let of_refund = of(&refund["id"]);
    assert_eq!(
        of_refund.iter().map(Received::event_type).collect::<Vec<_>>(),
        ["refund.awaiting_payment", "refund.sent"]
    );
    assert_eq!(
        (&of_refund[0].json["data"]["state"], &of_refund[0].json["webhook_type"]),
        (&json!("awaiting_payment"), &json!("refund"))
    );
    assert!(world.waiting_cursors().await.is_empty());
}

#[tokio::test]
async fn an_endpoint_gets_what_it_asked_for_and_thin_ones_ids_only() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let sent = json!({ "events": ["payment_session.sent", "refund.sent", "payment_session.pending"] });
    world.register(&receiver.url("/some"), sent).await;
    world.register(&receiver.url("/thin"), json!({ "thin": true })).await;
    world.register(&receiver.url("/off"), json!({ "enabled": false })).await;
    let changed = world.register(&receiver.url("/elsewhere"), json!({ "events": ["refund.sent"] })).await;
    let change = json!({ "url": receiver.url("/changed"), "events": ["payment_session.sent"], "thin": true });
    world.change_webhook(&changed, change).await;
    // Another merchant is not notified of it.
    let (key, secret) = world.merchant("acme", Mode::Test, "all").await;
    let other = json!({ "url": receiver.url("/other") });
    let other = world.request(Method::POST, "/v2/webhooks").basic_auth(key, Some(secret)).json(&other);
    assert_eq!(answer(other).await.status, 201);
    let session = world.paid().await;
    world.settled().await;
    assert_eq!(types(&receiver.at("/some")), ["pending", "sent"]);
    assert_eq!(types(&receiver.at("/thin")), PAID);
    assert_eq!(types(&receiver.at("/changed")), ["sent"]);
    for path in ["/off", "/elsewhere", "/other"] {
        nobody_at(&receiver, path);
    }
    for one in [receiver.at("/thin"), receiver.at("/changed")].concat() {
        assert_eq!(one.json["data"], json!({ "id": session["id"] }));
    }
    assert!(receiver.at("/some")[0].json["data"]["history"].is_array());
}

#[tokio::test]
async fn a_later_event_waits_for_an_earlier_ones_retries_and_nothing_else_does() {
    let world = World::with_webhooks().await;
    let stuck = world.create().await;
    let stuck_id = text(&stuck["id"]);
    world.settled().await;
    // Its second event is accepted at the third attempt.
    let event = format!("evt_{stuck_id}_2");
    let receiver = Receiver::planned(move |one| {
        let fails = one.path() == "/fails" && one.event_id() == event && one.seen < 2;
        Reply::Status(if fails { 503 } else { 200 })
    })
    .await;
    world.register(&receiver.url("/fails"), json!({})).await;
    world.register(&receiver.url("/fine"), json!({})).await;
    let payer = world.payer(&stuck);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let other = world.paid().await;
    let others = |all: &[Received], path: &str, id: &str| {
        all.iter().filter(|one| one.path() == path && one.object_id() == id && one.accepted()).count()
    };
    let other_id = text(&other["id"]);
    // Others come to their end while it waits.
    let done = receiver
        .until(PATIENCE, |all| {
            others(all, "/fails", &other_id) == 5
                && others(all, "/fine", &other_id) == 5
                && others(all, "/fine", &stuck_id) == 4
        })
        .await;
    assert!(done, "{:#?}", receiver.summary());
    assert_eq!(others(&receiver.received(), "/fails", &stuck_id), 0);
    let done = receiver.until(PATIENCE, |all| others(all, "/fails", &stuck_id) == 4).await;
    assert!(done, "{:#?}", receiver.summary());
    let (fails, fine) = (receiver.at("/fails"), receiver.at("/fine"));
    let (of_fails, of_fine) = (in_order(&fails), in_order(&fine));
    assert_eq!((&of_fails[&stuck_id], &of_fine[&stuck_id]), (&vec![2, 3, 4, 5], &vec![2, 3, 4, 5]));
    // Again after about 5 s, then after about 15.
    let attempts: Vec<_> = fails.iter().filter(|one| one.event_id() == format!("evt_{stuck_id}_2")).collect();
    assert_eq!(attempts.len(), 3);
    let waits: Vec<f64> = attempts.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
    assert!((4.0..9.0).contains(&waits[0]) && (12.0..21.0).contains(&waits[1]), "{waits:?}");
    // Each retry is signed again, and says the same.
    assert!(attempts.iter().all(|one| one.body == attempts[0].body));
    assert_ne!(attempts[0].headers["webhook-timestamp"], attempts[2].headers["webhook-timestamp"]);
    assert_eq!(attempts[0].headers["webhook-id"], attempts[2].headers["webhook-id"]);
}

#[tokio::test]
async fn only_an_answer_of_2xx_is_success_and_redirects_are_not_followed() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let elsewhere = receiver.url("/elsewhere");
    let ways: [(&str, Reply); 8] = [
        ("/200", Reply::Status(200)),
        ("/299", Reply::Status(299)),
        ("/302", Reply::Redirect(elsewhere)),
        ("/304", Reply::Status(304)),
        ("/404", Reply::Status(404)),
        ("/500", Reply::Body(500, "x".repeat(3_000))),
        ("/close", Reply::Close),
        ("/199", Reply::Body(204, String::new())),
    ];
    for (path, _) in &ways {
        world.register(&receiver.url(path), json!({})).await;
    }
    let plan = ways.clone();
    receiver.plan(move |one| {
        let reply = plan.iter().find(|(path, _)| *path == one.path()).map(|(_, reply)| reply.clone());
        // The second attempt succeeds everywhere.
        if one.seen == 0 { reply.unwrap_or(Reply::Status(200)) } else { Reply::Status(200) }
    });
    let session = world.create().await;
    receiver.accepted(ways.len(), PATIENCE).await;
    world.settled().await;
    for (path, reply) in &ways {
        let attempts = if matches!(*path, "/200" | "/299" | "/199") { 1 } else { 2 };
        assert_eq!(receiver.at(path).len(), attempts, "{path} {reply:?}");
    }
    nobody_at(&receiver, "/elsewhere");
    // What came of each can be read.
    let path = format!("/v2/events/evt_{}_1/attempts", text(&session["id"]));
    let attempts = answer(world.demo(Method::GET, &path)).await.body["data"].as_array().unwrap().clone();
    assert_eq!(attempts.len(), 13);
    let failed: Vec<_> =
        attempts.iter().filter(|one| one["status"] != 200 && one["status"] != 299 && one["status"] != 204).collect();
    let mut statuses: Vec<_> = failed.iter().map(|one| one["status"].as_u64()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [None, Some(302), Some(304), Some(404), Some(500)]);
    for one in failed {
        assert_eq!(one["error"].is_string(), one["status"].is_null(), "{one}");
        if one["status"] == 500 {
            assert_eq!(text(&one["answer"]).len(), 1024);
        }
        assert!(one["latency_ms"].is_u64() && one["at"].is_string() && one["webhook_id"].is_string());
    }
}

/// An endpoint that hangs, and one that drips: each delivery ends in time, and others get theirs meanwhile.
#[tokio::test]
async fn endpoints_that_hang_are_waited_for_by_one_delivery_and_recover() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| match one.path() {
        "/hangs" => Reply::Hang,
        "/drips" => Reply::Drip,
        _ => Reply::Status(200),
    })
    .await;
    for path in ["/hangs", "/drips", "/fine"] {
        world.register(&receiver.url(path), json!({})).await;
    }
    let count = 25;
    let sessions = futures_util::future::join_all((0..count).map(|_| world.create())).await;
    // How soon, webhook_lanes has it.
    let fine = |all: &[Received]| all.iter().filter(|one| one.path() == "/fine").count() >= count;
    assert!(receiver.until(LONG, fine).await, "{:#?}", receiver.summary());
    // One that is waited for is given up before the next is called.
    let waited_for = |all: &[Received], path: &str| {
        let of_path: Vec<_> = all.iter().filter(|one| one.path() == path).map(|one| one.at).collect();
        of_path.windows(2).any(|pair| pair[1] - pair[0] >= Duration::from_secs(14))
    };
    let each = receiver.until(LONG, |all| ["/hangs", "/drips"].iter().all(|path| waited_for(all, path)));
    assert!(each.await, "{:#?}", receiver.summary());
    for path in ["/hangs", "/drips"] {
        // Two in the fast lane, and one in the other before the receiver has noticed that they are gone.
        assert!(receiver.at(path).iter().all(|one| one.under_way <= 3), "{path}");
    }
    // It recovers: everything is delivered in the end.
    receiver.answer_all(Reply::Status(200));
    let delivered =
        |all: &[Received], path: &str| all.iter().filter(|one| one.path() == path && one.accepted()).count() >= count;
    let deadline = tokio::time::Instant::now() + LONG;
    while !receiver.until(Duration::from_secs(2), |all| delivered(all, "/hangs") && delivered(all, "/drips")).await {
        assert!(tokio::time::Instant::now() < deadline, "{:#?}", receiver.summary());
        world.long_after().await;
    }
    for path in ["/hangs", "/drips", "/fine"] {
        let all = receiver.at(path);
        let delivered = in_order(&all);
        assert_eq!(delivered.len(), count);
        assert!(sessions.iter().all(|session| delivered[&text(&session["id"])] == [1]));
    }
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_parked_tried_by_one_and_recovers() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::After(Duration::from_millis(300), 500)).await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    let count = 15;
    let sessions = futures_util::future::join_all((0..count).map(|_| world.create())).await;
    // It fails for all that come together, and then is left alone.
    let failing = async || world.get_webhook(&webhook).await["failures"].as_u64().unwrap() >= 5;
    assert!(receiver.until(PATIENCE, |all| all.len() >= 5).await);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !failing().await {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Those that had begun come to their end.
    let all_over = |all: &[Received]| all.iter().all(|one| one.at.elapsed() > Duration::from_millis(600));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !all_over(&receiver.received()) {
        assert!(tokio::time::Instant::now() < deadline, "never left alone: {:#?}", receiver.summary());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = receiver.received().len();
    assert!(before <= 10 + 5, "{before}");
    // From now on one at a time.
    assert!(receiver.until(PATIENCE, |all| all.len() >= before + 2).await, "{:#?}", receiver.summary());
    assert!(receiver.received()[before..].iter().all(|one| one.under_way == 1));
    receiver.answer_all(Reply::After(Duration::from_millis(20), 200));
    let deadline = tokio::time::Instant::now() + LONG;
    while !receiver.until(Duration::from_secs(2), |all| accepted(all).len() >= count).await {
        assert!(tokio::time::Instant::now() < deadline, "{:#?}", receiver.summary());
        world.long_after().await;
    }
    let delivered = in_order(&receiver.received());
    assert!(sessions.iter().all(|session| delivered[&text(&session["id"])] == [1]));
    assert_eq!(world.get_webhook(&webhook).await["failures"], 0);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_gets_nothing_until_it_is_enabled_again() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.path() == "/gone" { 410 } else { 200 })).await;
    let webhook = world.register(&receiver.url("/gone"), json!({})).await;
    world.register(&receiver.url("/fine"), json!({})).await;
    let session = world.create().await;
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    let disabled = world.get_webhook(&webhook).await;
    assert_eq!((&disabled["enabled"], &disabled["disabled_by"]), (&json!(false), &json!("gone")));
    assert_eq!(receiver.at("/gone").len(), 1);
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    world.settled().await;
    world.long_after().await;
    world.settled().await;
    assert_eq!(receiver.at("/gone").len(), 1, "left alone");
    assert_eq!(types(&receiver.at("/fine")), PAID[..3]);
    receiver.answer_all(Reply::Status(200));
    let enabled = world.change_webhook(&webhook, json!({ "enabled": true })).await;
    assert_eq!((&enabled["enabled"], &enabled["disabled_by"]), (&json!(true), &json!(null)));
    world.run_schedule().await;
    payer.decide(1, "approve").await;
    world.settled().await;
    let all = receiver.at("/gone");
    assert_eq!(in_order(&all)[&text(&session["id"])], [1, 2, 3, 4, 5]);
    // The schedule ends what the merchant began.
    world.run_schedule().await;
    world.run_schedule().await;
    world.settled().await;
    assert_eq!(receiver.at("/gone").len(), all.len());
}

/// Makes every cursor's wait one of three days, and due.
async fn three_days_later(world: &World) {
    let cursors = world.waiting_cursors().await;
    assert!(!cursors.is_empty());
    for cursor in cursors {
        let body = json!({
            "TableName": world.machine.table_name(),
            "Key": { "pk": cursor["pk"], "sk": cursor["sk"] },
            "UpdateExpression": "SET waiting_since = :since",
            "ConditionExpression": "attribute_exists(waiting_since)",
            "ExpressionAttributeValues": {
                ":since": { "N": (jiff::Timestamp::now().as_millisecond() - 3 * 24 * 3_600_000).to_string() },
            },
        });
        world.dynamodb("UpdateItem", &body).await;
    }
    // What enabling the endpoints had made due was looked for in their first minutes.
    let body = json!({ "TableName": world.machine.table_name(), "FilterExpression": "attribute_exists(slots)" });
    for endpoint in world.dynamodb("Scan", &body).await["Items"].as_array().unwrap() {
        let body = json!({
            "TableName": world.machine.table_name(),
            "Key": { "pk": endpoint["pk"], "sk": endpoint["sk"] },
            "UpdateExpression": "REMOVE due_pk, due_at",
        });
        world.dynamodb("UpdateItem", &body).await;
    }
    world.long_after().await;
}

#[tokio::test]
async fn after_three_days_a_cursor_is_dead_until_it_is_resumed() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.path() == "/dead" { 500 } else { 200 })).await;
    let webhook = world.register(&receiver.url("/dead"), json!({})).await;
    world.register(&receiver.url("/fine"), json!({})).await;
    let session = world.create().await;
    let waits = |cursors: &[Value]| cursors.len() == 1 && cursors[0].get("waiting_since").is_some();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !waits(&world.waiting_cursors().await) {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    three_days_later(&world).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let waiting = world.waiting_cursors().await;
        if waiting.len() == 1 && waiting[0]["held"]["S"] == "dead" {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{waiting:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let alarms = |machine: &local::Machine| {
        machine.logs().iter().any(|line| line.text.contains("a webhook cursor is dead")).then_some(())
    };
    assert!(world.machine.until(PATIENCE, alarms).await.is_some(), "the alarm's line");
    // It is not tried any more, whatever happens to the session.
    let attempts = receiver.at("/dead").len();
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    assert!(receiver.until(PATIENCE, |all| all.iter().filter(|one| one.path() == "/fine").count() == 3).await);
    world.run_schedule().await;
    assert_eq!(receiver.at("/dead").len(), attempts);
    assert_eq!(types(&receiver.at("/fine")), PAID[..3]);
    // Resumed, it is delivered in order of all there is; and what happens later.
    receiver.answer_all(Reply::Status(200));
    let (merchant, id) = ("demo".parse().unwrap(), text(&webhook["id"]).parse().unwrap());
    let endpoints = Endpoints::new(world.table());
    assert!(endpoints.resume(&merchant, &id, jiff::Timestamp::now(), None).await.unwrap());
    world.run_schedule().await;
    let delivered =
        |all: &[Received], count| all.iter().filter(|one| one.path() == "/dead" && one.accepted()).count() >= count;
    assert!(receiver.until(PATIENCE, |all| delivered(all, 3)).await, "{:#?}", receiver.summary());
    let all = receiver.at("/dead");
    assert_eq!(in_order(&all)[&text(&session["id"])], [1, 2, 3]);
    payer.decide(1, "approve").await;
    assert!(receiver.until(PATIENCE, |all| delivered(all, 5)).await, "{:#?}", receiver.summary());
    let all = receiver.at("/dead");
    assert_eq!(in_order(&all)[&text(&session["id"])], [1, 2, 3, 4, 5]);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !world.waiting_cursors().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn both_secrets_sign_while_one_is_replaced() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    let path = format!("/v2/webhooks/{}/rotate", text(&webhook["id"]));
    let first = text(&webhook["secret"]);
    let last = async || {
        world.create().await;
        world.settled().await;
        receiver.received().pop().unwrap()
    };
    assert!(last().await.is_signed_by(&[&first]));
    let rotated = answer(world.demo(Method::POST, &path)).await;
    let second = text(&rotated.body["secret"]);
    assert_ne!(first, second);
    assert!(last().await.is_signed_by(&[&first, &second]), "Banked's is by the old one until the end");
    // Replaced once more, the first still stands.
    let third = text(&answer(world.demo(Method::POST, &path)).await.body["secret"]);
    assert!(last().await.is_signed_by(&[&first, &third]));
    let finished = answer(world.demo(Method::POST, &format!("{path}/finish"))).await;
    assert_eq!((finished.status.as_u16(), finished.body.get("secret")), (200, None));
    assert!(last().await.is_signed_by(&[&third]));
    // A day after, it is over by itself.
    answer(world.demo(Method::POST, &path)).await;
    let key = json!({ "pk": { "S": "ENDPOINTS#demo" }, "sk": { "S": webhook["id"] } });
    let fourth = text(
        &world.dynamodb("GetItem", &json!({ "TableName": world.machine.table_name(), "Key": key })).await["Item"]["secret"]
            ["S"],
    );
    assert!(last().await.is_signed_by(&[&third, &fourth]));
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": key,
        "UpdateExpression": "SET previous_secret_until = :past",
        "ConditionExpression": "attribute_exists(previous_secret_until)",
        "ExpressionAttributeValues": { ":past": { "N": "1000" } },
    });
    world.dynamodb("UpdateItem", &body).await;
    assert!(last().await.is_signed_by(&[&fourth]));
}

#[tokio::test]
async fn a_session_of_many_events_is_delivered_to_the_end_while_it_goes_on() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|_| Reply::After(Duration::from_millis(50), 200)).await;
    world.register(&receiver.url("/"), json!({})).await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    // Each choice is an entry.
    for attempt in 1..=12 {
        payer.choose_bank(attempt).await;
    }
    world.cancel(&session).await;
    world.settled().await;
    let entries = world.get(&text(&session["id"])).await["history"].as_array().unwrap().len() as u64;
    let delivered = in_order(&receiver.received());
    assert_eq!(delivered[&text(&session["id"])], (1..=entries).collect::<Vec<_>>());
}
