//! Reading events and what became of them, and delivering one again.

use std::collections::BTreeSet;
use std::time::Duration;

use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, DEMO, PATIENCE, Receiver, Reply, World, answer, document_1, in_order, text};

async fn get(world: &World, path: &str) -> Answer {
    answer(world.demo(Method::GET, path)).await
}

async fn events(world: &World, query: &str) -> Value {
    let answer = get(world, &format!("/v2/events?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body
}

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|event| text(&event["id"])).collect()
}

#[tokio::test]
async fn events_are_listed_by_type_object_and_time_page_by_page() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    let first = world.paid().await;
    let refund = world.refund(&first, 100).await;
    let second = world.create().await;
    world.settled().await;
    world.cancel(&second).await;
    world.settled().await;
    let all = events(&world, "").await;
    assert_eq!(all["next_cursor"], json!(null));
    // The session's five, the refund's first, its payment session's first, and two.
    assert_eq!(all["data"].as_array().unwrap().len(), 9, "{:?}", ids(&all));
    assert_eq!(ids(&all)[0], format!("evt_{}_2", text(&second["id"])), "newest first");
    let times: Vec<String> = all["data"].as_array().unwrap().iter().map(|event| text(&event["created_at"])).collect();
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "{times:?}");
    // As they were delivered.
    for event in all["data"].as_array().unwrap() {
        assert!(receiver.received().iter().any(|one| one.json == *event), "{event}");
    }
    // Page by page.
    for limit in [1, 2, 4, 9, 100] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = events(&world, &format!("limit={limit}{cursor}")).await;
            assert!(page["data"].as_array().unwrap().len() <= limit);
            found.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, ids(&all), "{limit}");
    }
    let some = |wanted: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let found = all["data"].as_array().unwrap().iter().filter(|event| wanted(event));
        found.map(|event| text(&event["id"])).collect()
    };
    let of_type =
        |names: &'static [&'static str]| move |event: &Value| names.contains(&event["type"].as_str().unwrap());
    let cases: [(String, Vec<String>); 5] = [
        ("type=payment_session.sent".to_owned(), some(&of_type(&["payment_session.sent"]))),
        (
            "type=payment_session.sent,refund.awaiting_payment&type=payment_session.cancelled".to_owned(),
            some(&of_type(&["payment_session.sent", "refund.awaiting_payment", "payment_session.cancelled"])),
        ),
        ("type=refund.failed".to_owned(), Vec::new()),
        (format!("object={}", text(&first["id"])), some(&|event| event["data"]["id"] == first["id"])),
        (
            format!("object={}&type=refund.awaiting_payment", text(&refund["id"])),
            some(&|event| event["data"]["id"] == refund["id"]),
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&events(&world, &query).await), expected, "{query}");
    }
    assert_eq!(ids(&events(&world, &format!("object={}", text(&first["id"]))).await).len(), 5);
    assert_eq!(ids(&events(&world, &format!("object={}&limit=2", text(&first["id"]))).await).len(), 2);
    // From a time on, and before one.
    for time in &times {
        let asked = time.replace(' ', "T").replace("TUTC", "Z");
        let from = some(&|event| text(&event["created_at"]) >= *time);
        assert_eq!(ids(&events(&world, &format!("created_from={asked}")).await), from);
        let before = some(&|event| text(&event["created_at"]) < *time);
        assert_eq!(ids(&events(&world, &format!("created_before={asked}")).await), before);
        let object = format!("object={}&created_from={asked}", text(&first["id"]));
        let from = some(&|event| event["data"]["id"] == first["id"] && text(&event["created_at"]) >= *time);
        assert_eq!(ids(&events(&world, &object).await), from);
    }
    for (query, named) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("type=sent", "type"),
        ("type=refund.sent,", "type"),
        ("object=x", "object"),
        ("created_from=today", "created_from"),
        ("created_before=1", "created_before"),
    ] {
        let refused = get(&world, &format!("/v2/events?{query}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(refused.body["errors"][0]["source"]["parameter"], named);
    }
}

#[tokio::test]
async fn clients_can_ask_for_what_they_have_not_seen_of_a_session() {
    let world = World::start().await;
    let session = world.paid().await;
    world.settled().await;
    let path = format!("/v2/payment_sessions/{}/events", text(&session["id"]));
    for after in 0..7 {
        let answer = get(&world, &format!("{path}?after={after}")).await;
        let sequences: Vec<u64> =
            answer.body["data"].as_array().unwrap().iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequences, (after + 1..=5).collect::<Vec<_>>());
    }
    let states = ["awaiting_payer", "awaiting_provider", "awaiting_payment_consent", "pending", "sent"];
    let all = get(&world, &path).await.body;
    for (n, event) in all["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!(event["type"], format!("payment_session.{}", states[n]));
        assert_eq!((&event["data"]["state"], &event["data"]["id"]), (&json!(states[n]), &session["id"]));
    }
    assert_eq!(ids(&all).iter().collect::<BTreeSet<_>>().len(), 5);
    for wrong in ["x", "-1", ""] {
        let refused = get(&world, &format!("{path}?after={wrong}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.body["errors"][0]["source"]["parameter"], "after");
    }
    assert_eq!(get(&world, "/v2/payment_sessions/x/events").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_merchants_and_the_other_mode_see_nothing_of_it() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let keys = [
        world.merchant("acme", Mode::Live, "all").await,
        world.merchant("other", Mode::Test, "all").await,
        (DEMO.0.to_owned(), DEMO.1.to_owned()),
    ];
    let (owner, owners_secret) = world.merchant("acme", Mode::Test, "all").await;
    let (reader, readers_secret) = world.merchant("acme", Mode::Test, "payment_sessions:read").await;
    let own = |method, path: &str| world.request(method, path).basic_auth(&owner, Some(&owners_secret));
    let session = answer(own(Method::POST, "/v2/payment_sessions").json(&document_1())).await.body;
    world.settled().await;
    let event = format!("evt_{}_1", text(&session["id"]));
    let listed = answer(own(Method::GET, "/v2/events")).await;
    assert_eq!(ids(&listed.body), std::slice::from_ref(&event), "{}", listed.text);
    for (key, secret) in &keys {
        let call = |method, path: String| answer(world.request(method, &path).basic_auth(key, Some(secret)));
        assert_eq!(call(Method::GET, "/v2/events".to_owned()).await.body["data"], json!([]));
        let of_object = format!("/v2/events?object={}", text(&session["id"]));
        assert_eq!(call(Method::GET, of_object).await.body["data"], json!([]));
        for (method, path) in [
            (Method::GET, format!("/v2/events/{event}/attempts")),
            (Method::POST, format!("/v2/events/{event}/replay")),
            (Method::GET, format!("/v2/payment_sessions/{}/events", text(&session["id"]))),
        ] {
            let refused = call(method, path.clone()).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
        }
    }
    let register = own(Method::POST, "/v2/webhooks").json(&json!({ "url": receiver.url("/") }));
    assert_eq!(answer(register).await.status, StatusCode::CREATED);
    for id in ["x".to_owned(), format!("evt_{}_2", text(&session["id"])), format!("evt_{}_01", text(&session["id"]))] {
        let attempts = answer(own(Method::GET, &format!("/v2/events/{id}/attempts"))).await;
        assert_eq!(attempts.status, StatusCode::NOT_FOUND, "{id}");
        let replayed = answer(own(Method::POST, &format!("/v2/events/{id}/replay"))).await;
        assert_eq!(replayed.status, StatusCode::NOT_FOUND, "{id}");
    }
    // Reading is enough to read, and no more.
    let read = |method, path: String| answer(world.request(method, &path).basic_auth(&reader, Some(&readers_secret)));
    assert_eq!(read(Method::GET, format!("/v2/events/{event}/attempts")).await.status, StatusCode::OK);
    assert_eq!(read(Method::POST, format!("/v2/events/{event}/replay")).await.status, StatusCode::FORBIDDEN);
    world.settled().await;
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn an_event_is_delivered_again_without_moving_what_is_delivered_in_order() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let replay =
        async |sequence: u64| answer(world.demo(Method::POST, &format!("/v2/events/evt_{id}_{sequence}/replay"))).await;
    world.settled().await;
    let nobody = replay(1).await;
    assert_eq!((nobody.status, nobody.code()), (StatusCode::CONFLICT, "invalid_action"), "there is no endpoint");
    let webhook = world.register(&receiver.url("/a"), json!({})).await;
    let other = world.register(&receiver.url("/b"), json!({ "events": ["payment_session.awaiting_provider"] })).await;
    // Delivered only because it is asked for: it happened before the endpoint was there.
    let answered = replay(1).await;
    assert_eq!(answered.status, StatusCode::ACCEPTED);
    assert_eq!(answered.body, json!({ "id": format!("evt_{id}_1"), "webhook_ids": [webhook["id"]] }));
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    assert_eq!(receiver.received().len(), 1);
    // The second event fails, and goes on failing, at one of the two.
    receiver.plan(|one| Reply::Status(if one.path() == "/a" && one.sequence() == 2 { 500 } else { 200 }));
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    let tried = receiver.until(PATIENCE, |all| all.iter().any(|one| one.path() == "/a" && one.sequence() == 2)).await;
    assert!(tried, "{:#?}", receiver.summary());
    let moved = |cursors: &[Value]| -> Vec<Value> {
        let ordered = cursors.iter().filter(|one| text(&one["sk"]["S"]).split('#').count() == 3);
        ordered.map(|one| one["delivered"].clone()).collect()
    };
    let third = replay(3).await;
    assert_eq!(third.status, StatusCode::ACCEPTED);
    let again = receiver.until(PATIENCE, |all| all.iter().any(|one| one.path() == "/a" && one.sequence() == 3)).await;
    assert!(again, "a replay waits for nobody: {:#?}", receiver.summary());
    assert_eq!(moved(&world.waiting_cursors().await), [json!({ "N": "1" })], "the second is still to be delivered");
    assert_eq!(replay(2).await.body["webhook_ids"].as_array().unwrap().len(), 2);
    let delivered =
        receiver.until(PATIENCE, |all| all.iter().filter(|one| one.path() == "/b" && one.sequence() == 2).count() == 2);
    assert!(delivered.await, "{:#?}", receiver.summary());
    // It succeeds at last: in order, and the replay as well.
    receiver.answer_all(Reply::Status(200));
    world.long_after().await;
    let done = receiver.until(PATIENCE, |all| {
        all.iter().filter(|one| one.path() == "/a" && one.accepted() && one.sequence() == 3).count() == 2
    });
    assert!(done.await, "{:#?}", receiver.summary());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !world.waiting_cursors().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The same event, twice.
    let received = receiver.received();
    let seconds: Vec<_> =
        received.iter().filter(|one| one.path() == "/a" && one.sequence() == 2 && one.accepted()).collect();
    assert_eq!(seconds.len(), 2, "{:#?}", receiver.summary());
    assert_eq!(
        (&seconds[0].body, &seconds[0].headers["webhook-id"]),
        (&seconds[1].body, &seconds[1].headers["webhook-id"])
    );
    // All of its attempts can be read: two endpoints' and both ways'.
    let attempts = get(&world, &format!("/v2/events/evt_{id}_2/attempts")).await.body;
    let of = |webhook: &Value| {
        attempts["data"].as_array().unwrap().iter().filter(|one| one["webhook_id"] == webhook["id"]).count()
    };
    let at_a = received.iter().filter(|one| one.path() == "/a" && one.sequence() == 2).count();
    assert_eq!((of(&webhook), of(&other)), (at_a, 2), "{attempts:#}");
    let times: Vec<String> = attempts["data"].as_array().unwrap().iter().map(|one| text(&one["at"])).collect();
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "newest first: {times:?}");
    // Nothing happens by itself later, and what happens next is delivered once.
    receiver.forget();
    world.cancel(&session).await;
    world.settled().await;
    let sequences: Vec<u64> = receiver.at("/a").iter().map(tests::Received::sequence).collect();
    assert_eq!(sequences, [4]);
    assert_eq!(in_order(&receiver.at("/a")).len(), 1);
}

#[tokio::test]
async fn a_deleted_session_is_reported_and_its_events_hold_no_more_than_before() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({})).await;
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    let session = world.create_from(&request).await;
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    world.settled().await;
    let delivered: Vec<String> = receiver.received().iter().map(tests::Received::event_type).collect();
    assert_eq!(delivered, ["payment_session.awaiting_provider", "payment_session.cancelled"]);
    assert_eq!(in_order(&receiver.received())[&text(&session["id"])], [1, 2]);
    assert_eq!(get(&world, &format!("{path}/events")).await.status, StatusCode::NOT_FOUND);
}
