//! What falls due while a test clock is advanced: in the order of time, at its own time, and once, whatever crashes.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use local::{Effect, Fault};
use models::{PaymentMethod, PaymentMethods, Session};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, Receiver, Reply, World, answer, page, states, text};

use crate::operator::run as counterfoil;

/// A clock that shows a whole second, as this format writes times.
async fn new_clock(world: &World) -> Value {
    let now = Timestamp::from_second(samples::now().as_second()).unwrap();
    let made = answer(world.demo(Method::POST, "/v2/test_clocks").json(&json!({ "now": now.to_string() }))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.body
}

/// Document 1's session, on a clock.
async fn created_on(world: &World, clock: &Value) -> Value {
    let mut order = tests::document_1();
    order["test_clock"] = clock["id"].clone();
    world.create_from(&order).await
}

/// The time that it shows, so much later.
fn later(clock: &Value, seconds: i64) -> Timestamp {
    time(&clock["now"]) + SignedDuration::from_secs(seconds)
}

/// A time as test clocks write it, or as this format does.
fn time(value: &Value) -> Timestamp {
    let text = text(value);
    text.strip_suffix(" UTC").map_or(text.clone(), |text| format!("{}Z", text.replace(' ', "T"))).parse().unwrap()
}

/// Advances a clock, by as many requests as it takes.
async fn advanced(world: &World, clock: &Value, to: Timestamp) -> Value {
    let path = format!("/v2/test_clocks/{}/advance", text(&clock["id"]));
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = answer(world.demo(Method::POST, &path).json(&json!({ "to": to.to_string() }))).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        if answer.body["status"] == "ready" {
            assert_eq!((time(&answer.body["now"]), &answer.body["advancing_to"]), (to, &json!(null)));
            return answer.body;
        }
        assert!(tokio::time::Instant::now() < end, "still {}", answer.text);
    }
}

/// When each entry of an object's history was made, after it was created, in seconds.
fn seconds_of(object: &Value) -> Vec<i64> {
    let created_at = time(&object["created_at"]);
    let entries = object["history"].as_array().unwrap();
    entries.iter().map(|entry| time(&entry["at"]).duration_since(created_at).as_secs()).collect()
}

/// The same of a refund, whose history no format shows.
async fn refund_seconds_of(world: &World, refund: &Value) -> Vec<i64> {
    let refund = store::Refunds::new(world.table()).get(&text(&refund["id"]).parse().unwrap()).await.unwrap().unwrap();
    refund.history.iter().map(|entry| entry.at.duration_since(refund.created_at).as_secs()).collect()
}

/// What was accepted of a session's events, in order.
fn accepted(receiver: &Receiver, session: &Value) -> Vec<u64> {
    let of = |one: &&tests::Received| one.accepted() && one.object_id() == text(&session["id"]);
    receiver.received().iter().filter(of).map(tests::Received::sequence).collect()
}

async fn verified(world: &World) {
    let verified = counterfoil(world, &["verify"]).await;
    assert_eq!(verified.code, 0, "{}", verified.shown);
}

const DAY_S: i64 = 24 * 60 * 60;

#[tokio::test]
async fn a_session_expires_when_the_clock_says_so_and_no_sooner() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    let clock = new_clock(&world).await;
    let session = created_on(&world, &clock).await;
    assert_eq!((time(&session["created_at"]), &session["test_clock"]), (time(&clock["now"]), &clock["id"]));
    let clock = advanced(&world, &clock, later(&clock, DAY_S - 1)).await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payer");
    advanced(&world, &clock, later(&clock, 100)).await;
    let now = world.get(&text(&session["id"])).await;
    assert_eq!((states(&now), seconds_of(&now)), (vec!["awaiting_payer".into(), "failed".into()], vec![0, DAY_S]));
    // All of it is delivered by the time that the clock has arrived, at the clock's time.
    let events: Vec<_> =
        receiver.received().iter().map(|one| (one.event_type(), one.json["created_at"].clone())).collect();
    let at = |n: usize| now["history"][n]["at"].clone();
    assert_eq!(events, [("payment_session.awaiting_payer".into(), at(0)), ("payment_session.expired".into(), at(1))]);
    verified(&world).await;
}

/// A repeated request is answered as the first was, however late it is by the clock.
#[tokio::test]
async fn a_repeated_creation_or_refund_shows_what_the_first_did() {
    let world = World::start().await;
    let clock = new_clock(&world).await;
    let mut order = tests::document_1();
    order["test_clock"] = clock["id"].clone();
    let keyed = async |path: &str, key: &str, body: &Value| {
        answer(world.demo(Method::POST, path).header("idempotency-key", key).json(body)).await
    };
    let first = keyed("/v2/payment_sessions", "a", &order).await;
    let payer = world.payer(&first.body);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide_with(1, &[("decision", "approve"), ("payer_account", "withheld")]).await;
    let refund = json!({ "payment_session_id": first.body["id"], "amount": 100 });
    let refunded = keyed("/v2/refunds", "b", &refund).await;
    assert_eq!(refunded.body["state"], "awaiting_details", "{}", refunded.text);
    order["reference"] = json!("Another");
    let expiring = keyed("/v2/payment_sessions", "c", &order).await;
    advanced(&world, &clock, later(&clock, 40 * DAY_S)).await;
    let another = keyed("/v2/payment_sessions", "c", &order).await;
    assert!(another.is_replayed());
    assert_eq!(another.body, expiring.body);
    let again = keyed("/v2/refunds", "b", &refund).await;
    assert!(again.is_replayed());
    assert_eq!(again.body, refunded.body);
    assert_eq!(world.get_refund(&refunded.body).await["state"], "failed");
}

#[tokio::test]
async fn the_schedule_never_sees_what_follows_a_clock() {
    let world = World::start().await;
    let clock = new_clock(&world).await;
    let session = created_on(&world, &clock).await;
    let real = world.create().await;
    // As if the time of both had passed.
    for session in [&session, &real] {
        let body = json!({
            "TableName": world.machine.table_name(),
            "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
            "UpdateExpression": "SET expires_at = :at, due_at = :due",
            "ExpressionAttributeValues": { ":at": { "N": "1000" }, ":due": { "S": "2000-01-01T00:00:00.000Z" } },
        });
        world.dynamodb("UpdateItem", &body).await;
    }
    world.run_schedule().await;
    let history_len =
        async |session: &Value| world.get(&text(&session["id"])).await["history"].as_array().unwrap().len();
    assert_eq!((history_len(&session).await, history_len(&real).await), (1, 2));
    advanced(&world, &clock, later(&clock, 1)).await;
    assert_eq!(history_len(&session).await, 2);
}

/// Puts a session of £4.00 on a clock, that its payer, who is known, can pay by this method. Banked's format has no field for it.
async fn offering_on(world: &World, clock: &Value, method: PaymentMethod) -> Value {
    let id = text(&clock["id"]).parse().unwrap();
    let clocks = store::TestClocks::new(world.table());
    let on_clock = clocks.get(&"demo".parse().unwrap(), id, samples::now()).await.unwrap().unwrap().on_clock();
    let new = models::NewSession {
        payment_methods: PaymentMethods::new(vec![method]).unwrap(),
        payer: Some(samples::payer("Ada Payer", "ada@example.com")),
        success_url: None,
        error_url: None,
        ..samples::new_session(vec![samples::item("Candles", 400, 1)])
    };
    let creation = models::Creation {
        base_url: world.machine.api_url().to_owned(),
        test_clock: Some(on_clock),
        ..samples::creation(on_clock.now)
    };
    let session = Session::create(new, creation);
    let shown = json!({ "id": session.id, "url": session.checkout_url() });
    store::Sessions::new(world.table()).create(session, None).await.unwrap();
    shown
}

#[tokio::test]
async fn a_debit_is_collected_by_the_clock() {
    let world = World::start().await;
    let clock = new_clock(&world).await;
    let shown = offering_on(&world, &clock, PaymentMethod::BacsDebit).await;
    let payer = world.payer(&shown);
    payer.choose("mock-bacs", 1).await;
    let link = payer.link(1).await;
    let (path, token) = link.split_once("?token=").unwrap();
    let form = [("token", token), ("name", "Ada Payer"), ("sort_code", "10-88-00"), ("account_number", "00012345")];
    page(world.request(Method::POST, path).form(&form)).await;
    payer.come_back().await;
    let pending = world.get(&text(&shown["id"])).await;
    assert_eq!(pending["state"], "pending");
    // The clock stands still, and so does the debit.
    payer.come_back().await;
    assert_eq!(world.get(&text(&shown["id"])).await["state"], "pending");
    let clock = advanced(&world, &clock, later(&clock, 5)).await;
    assert_eq!(world.get(&text(&shown["id"])).await["state"], "pending");
    advanced(&world, &clock, later(&clock, DAY_S)).await;
    let sent = world.get(&text(&shown["id"])).await;
    assert_eq!(sent["state"], "sent", "{sent}");
    let took_s = *seconds_of(&sent).last().unwrap();
    assert!((10..=15).contains(&took_s), "collected after {took_s} s");
    verified(&world).await;
}

/// What the provider answered is lost: who advances the clock asks again, and lets the provider give the attempt up in the end.
#[tokio::test]
async fn an_attempt_whose_beginning_was_lost_goes_on_and_ends_by_the_clock() {
    let world = World::start().await;
    let clock = new_clock(&world).await;
    let session = offering_on(&world, &clock, PaymentMethod::Card).await;
    let id = text(&session["id"]);
    let faults = world.machine.faults();
    faults.add(Fault::new("TransactWriteItems", Effect::KillBefore).function("CheckoutFunction"));
    let died = world.payer(&session).choose("mock-card", 1).await;
    assert!(died.status.is_server_error() && faults.waiting().is_empty(), "{}", died.status);
    let payment_id = async || {
        let session = store::Sessions::new(world.table()).get(&id.parse().unwrap()).await.unwrap().unwrap();
        session.attempt.unwrap().at_consent.unwrap().payment_id
    };
    assert_eq!(payment_id().await, None);
    let clock = advanced(&world, &clock, later(&clock, 60)).await;
    assert!(payment_id().await.is_some());
    assert_eq!(world.get(&id).await["state"], "awaiting_payment_consent");
    advanced(&world, &clock, later(&clock, DAY_S)).await;
    let ended = world.get(&id).await;
    assert_eq!((&ended["failure_reason"], seconds_of(&ended)), (&json!("time_passed"), vec![0, 0, DAY_S]), "{ended}");
    verified(&world).await;
}

#[tokio::test]
async fn a_refund_without_details_fails_by_the_clock_and_the_amount_is_there_again() {
    let world = World::start().await;
    let clock = new_clock(&world).await;
    let session = created_on(&world, &clock).await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide_with(1, &[("decision", "approve"), ("payer_account", "withheld")]).await;
    let refund = world.refund(&session, 100).await;
    assert_eq!((&refund["state"], time(&refund["created_at"])), (&json!("awaiting_details"), time(&clock["now"])));
    // The session that pays the other one follows the clock as well.
    let given = world.refund(&session, 200).await;
    world.give_details(&given, "confirm", "12345678").await;
    let given = world.get_refund(&given).await;
    assert_eq!(given["state"], "awaiting_payment", "{given}");
    let clock = advanced(&world, &clock, later(&clock, 8 * DAY_S)).await;
    let given = world.get_refund(&given).await;
    assert_eq!(given["state"], "failed");
    assert_eq!(refund_seconds_of(&world, &given).await, [0, 0, 7 * DAY_S]);
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_details");
    advanced(&world, &clock, later(&clock, 23 * DAY_S)).await;
    let failed = world.get_refund(&refund).await;
    assert_eq!(failed["state"], "failed");
    assert_eq!(refund_seconds_of(&world, &failed).await, [0, 30 * DAY_S]);
    assert_eq!(world.refund(&session, 400).await["amount"], 400);
    verified(&world).await;
}

#[tokio::test]
async fn deliveries_are_tried_again_by_the_clock_in_order() {
    let world = World::with_webhooks().await;
    let receiver =
        Receiver::planned(|one| Reply::Status(if one.seen < 4 && one.sequence() == 1 { 500 } else { 200 })).await;
    let webhook = world.register(&receiver.url("/"), json!({})).await;
    let clock = new_clock(&world).await;
    let session = created_on(&world, &clock).await;
    world.settled().await;
    // It stands still: nothing is tried again.
    world.run_schedule().await;
    world.settled().await;
    assert_eq!(receiver.received().len(), 1);
    // Five seconds after the first, three times as long each time.
    let mut clock = clock;
    for (to_s, tried) in [(4, 1), (5, 2), (19, 2), (20, 3), (64, 3), (65, 4), (199, 4)] {
        clock = advanced(&world, &clock, time(&session["created_at"]) + SignedDuration::from_secs(to_s)).await;
        assert_eq!(
            receiver.received().len() - world.handed_over().await,
            tried,
            "after {to_s} s: {:#?}",
            receiver.summary()
        );
    }
    // Days at once: all that is due on the way, in order.
    advanced(&world, &clock, later(&clock, 2 * DAY_S)).await;
    let accepted: Vec<_> = receiver.received().iter().filter(|one| one.accepted()).map(|one| one.sequence()).collect();
    assert_eq!(accepted, [1, 2], "{:#?}", receiver.summary());
    // Retries that follow each other in seconds say nothing of the endpoint.
    assert_eq!(world.get_webhook(&webhook).await["failures"], 0);
    verified(&world).await;
}

#[tokio::test]
async fn an_endpoint_that_is_slow_is_awaited() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| {
        let status = if one.seen == 0 { 503 } else { 200 };
        Reply::After(std::time::Duration::from_millis(1_500), status)
    })
    .await;
    world.register(&receiver.url("/"), json!({})).await;
    let clock = new_clock(&world).await;
    created_on(&world, &clock).await;
    advanced(&world, &clock, later(&clock, 2 * DAY_S)).await;
    let accepted: Vec<_> = receiver.received().iter().filter(|one| one.accepted()).map(|one| one.sequence()).collect();
    assert_eq!(accepted, [1, 2], "{:#?}", receiver.summary());
}

#[tokio::test]
async fn faults_that_an_endpoint_asks_for_follow_the_clock() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let faults = json!({ "faults": { "delay_s": 600, "first_attempts_fail": 2 } });
    world.register(&receiver.url("/"), faults).await;
    let clock = new_clock(&world).await;
    let session = created_on(&world, &clock).await;
    let clock = advanced(&world, &clock, later(&clock, 619)).await;
    assert!(receiver.received().is_empty(), "{:#?}", receiver.summary());
    let clock = advanced(&world, &clock, later(&clock, 1)).await;
    assert_eq!(receiver.received().len(), 1, "ten minutes, 5 s and 15 s");
    world.cancel(&session).await;
    advanced(&world, &clock, later(&clock, 620)).await;
    assert_eq!(receiver.received().len(), 2);
}

/// Whatever dies on the way, the same request goes on, and what has happened by the end is the same.
#[tokio::test]
async fn an_advance_may_die_anywhere() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.seen == 0 { 500 } else { 200 })).await;
    world.register(&receiver.url("/"), json!({})).await;
    for (operation, nths) in
        [("UpdateItem", &[0, 1, 2, 4, 6][..]), ("Query", &[0, 3, 9]), ("GetItem", &[0, 2, 6]), ("SendMessage", &[0, 1])]
    {
        for (effect, nth) in [Effect::KillBefore, Effect::KillAfter]
            .into_iter()
            .flat_map(|effect| nths.iter().map(move |nth| (effect, *nth)))
        {
            let clock = new_clock(&world).await;
            let session = created_on(&world, &clock).await;
            world.settled().await;
            let faults = world.machine.faults();
            if nth > 0 {
                // Lets some through unharmed: a lost answer is repeated by the SDK.
                faults.add(Fault::new(operation, Effect::DropAnswer).function("TestClocksFunction").times(nth));
            }
            faults.add(Fault::new(operation, effect).function("TestClocksFunction"));
            let path = format!("/v2/test_clocks/{}/advance", text(&clock["id"]));
            let (to, end) = (later(&clock, 2 * DAY_S), tokio::time::Instant::now() + 2 * PATIENCE);
            loop {
                let advance = world.demo(Method::POST, &path).json(&json!({ "to": to.to_string() }));
                let answered = answer(advance).await;
                if answered.body["status"] == "ready" {
                    break;
                }
                assert!(tokio::time::Instant::now() < end, "{}", answered.text);
            }
            let what = format!("{operation} {effect:?} {nth}");
            assert!(faults.waiting().is_empty(), "{what} did not happen");
            let now = world.get(&text(&session["id"])).await;
            assert_eq!(seconds_of(&now), [0, DAY_S], "{what}");
            assert_eq!(accepted(&receiver, &session), [1, 2], "{what}");
        }
    }
    verified(&world).await;
}

#[tokio::test]
async fn what_was_to_be_delivered_of_a_deleted_session_is_tried_again_by_the_clock() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.seen == 0 { 500 } else { 200 })).await;
    world.register(&receiver.url("/"), json!({})).await;
    let clock = new_clock(&world).await;
    let session = created_on(&world, &clock).await;
    let deleted = answer(world.demo(Method::DELETE, &format!("/v2/payment_sessions/{}", text(&session["id"])))).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.text);
    advanced(&world, &clock, later(&clock, DAY_S)).await;
    assert_eq!(accepted(&receiver, &session), [1, 2], "{:#?}", receiver.summary());
    verified(&world).await;
}

#[tokio::test]
async fn what_was_to_be_delivered_when_its_clock_is_deleted_goes_by_the_real_time() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.seen < 2 { 500 } else { 200 })).await;
    world.register(&receiver.url("/"), json!({})).await;
    let clock = new_clock(&world).await;
    let session = created_on(&world, &clock).await;
    world.settled().await;
    let clock = advanced(&world, &clock, later(&clock, 1)).await;
    let path = format!("/v2/test_clocks/{}", text(&clock["id"]));
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    // Once at once, and then as late as any. Not all is idle then: a message is for what was being delivered.
    receiver.accepted(1, PATIENCE).await;
    assert_eq!(receiver.received().len() - world.handed_over().await, 3, "{:#?}", receiver.summary());
    assert_eq!(accepted(&receiver, &session), [1], "{:#?}", receiver.summary());
    // The session stands still, and can be cancelled at the time that its clock showed.
    let cancelled = world.cancel(&session).await;
    assert_eq!(seconds_of(&cancelled), [0, 1]);
    assert_eq!(answer(world.demo(Method::GET, &path)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn many_sessions_and_requests_at_once_end_as_one_would() {
    let world = World::start().await;
    let clock = new_clock(&world).await;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(created_on(&world, &clock).await);
    }
    let to = later(&clock, 2 * DAY_S);
    join_all((0..4).map(|_| advanced(&world, &clock, to))).await;
    for session in &sessions {
        let now = world.get(&text(&session["id"])).await;
        assert_eq!((states(&now).len(), seconds_of(&now)), (2, vec![0, DAY_S]), "{now}");
    }
    verified(&world).await;
}
