//! Listing sessions.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{ListShardsRaised, Merchants, Sessions};
use tests::{World, answer, document_1, text};

/// `count` sessions, a minute apart, the newest first; every few of them are cancelled.
async fn sessions(world: &World, count: i64, cancelled: Option<i64>) -> Vec<String> {
    let template = world.create().await;
    let stored = Sessions::new(world.table()).get(&text(&template["id"]).parse().unwrap()).await.unwrap().unwrap();
    answer(world.demo(Method::DELETE, &format!("/v2/payment_sessions/{}", stored.id))).await;
    let mut ids = Vec::new();
    for n in 0..count {
        let mut session = stored.clone();
        session.id = models::SessionId::new(uuid::Uuid::now_v7());
        session.created_at = stored.created_at - SignedDuration::from_mins(n);
        ids.push(session.id.to_string());
        Sessions::new(world.table()).create(session, None).await.unwrap();
        if cancelled.is_some_and(|every| n % every == 0) {
            answer(world.demo(Method::POST, &format!("/v2/payment_sessions/{}/cancel", ids.last().unwrap()))).await;
        }
    }
    ids
}

async fn list(world: &World, query: &str) -> Value {
    let list = answer(world.demo(Method::GET, &format!("/v2/payment_sessions{query}"))).await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text);
    list.body
}

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|session| text(&session["id"])).collect()
}

async fn all(world: &World, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(world, &format!("?{query}{cursor}")).await;
        found.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn newest_first_page_by_page_and_filtered() {
    let world = World::start().await;
    let created = sessions(&world, 12, Some(3)).await;
    assert_eq!(ids(&list(&world, "").await), created);
    assert_eq!(list(&world, "/").await, list(&world, "").await);
    for limit in [1, 5, 12, 100] {
        assert_eq!(all(&world, &format!("limit={limit}")).await, created, "{limit}");
    }
    let cancelled: Vec<_> = created.iter().step_by(3).cloned().collect();
    for limit in [1, 2, 100] {
        assert_eq!(all(&world, &format!("state=failed&limit={limit}")).await, cancelled);
    }
    assert_eq!(all(&world, "state=failed,awaiting_payer&limit=7").await, created);
    assert_eq!(all(&world, "state=sent").await, Vec::<String>::new());

    // By time: from is inclusive, before is exclusive.
    let newest = Sessions::new(world.table()).get(&created[0].parse().unwrap()).await.unwrap().unwrap().created_at;
    let at = |minutes: i64| -> Timestamp { newest - SignedDuration::from_mins(minutes) };
    let range = format!("created_from={}&created_before={}", at(7), at(3));
    assert_eq!(all(&world, &format!("{range}&limit=2")).await, created[4..8]);
    assert_eq!(all(&world, &format!("created_before={}", at(9))).await, created[10..]);
    assert_eq!(all(&world, &format!("created_from={}", at(1))).await, created[..2]);
    assert_eq!(all(&world, &format!("created_from={}&created_before={}", at(3), at(7))).await, Vec::<String>::new());
    // A cursor from a list of everything, used in another.
    let cursor = text(&list(&world, "?limit=6").await["next_cursor"]);
    assert_eq!(ids(&list(&world, &format!("?cursor={cursor}&created_from={}", at(7))).await), created[6..8]);
    assert_eq!(ids(&list(&world, &format!("?cursor={cursor}&created_from={}", at(2))).await), Vec::<String>::new());
    assert_eq!(ids(&list(&world, &format!("?cursor={cursor}&created_before={}", at(9))).await), created[10..]);
}

#[tokio::test]
async fn no_call_works_without_bound() {
    let world = World::start().await;
    let created = sessions(&world, 520, None).await;
    // The only match is the oldest: the first call gives up with a cursor, the next finds it.
    let oldest = created.last().unwrap();
    let payer = world.payer(&json!({ "id": oldest }));
    payer.identify().await;
    let first = list(&world, "?state=awaiting_provider&limit=100").await;
    assert_eq!(first["data"], json!([]));
    let cursor = text(&first["next_cursor"]);
    let second = list(&world, &format!("?state=awaiting_provider&limit=100&cursor={cursor}")).await;
    assert_eq!((ids(&second), &second["next_cursor"]), (vec![oldest.clone()], &Value::Null));
}

/// As if this merchant's lists had had this many shards for this long.
async fn raise(world: &World, merchant: &str, shards: u16, ago: SignedDuration) {
    let (id, at) = (merchant.parse().unwrap(), samples::now() - ago);
    let raised = Merchants::new(world.table()).raise_list_shards(&id, shards.try_into().unwrap(), at).await.unwrap();
    assert_eq!(raised, ListShardsRaised::Done);
}

/// How many items there are in each partition of the list index.
async fn partitions(world: &World) -> BTreeMap<String, usize> {
    let scan = json!({ "TableName": world.machine.table_name(), "IndexName": "lists" });
    let mut partitions = BTreeMap::new();
    for item in world.dynamodb("Scan", &scan).await["Items"].as_array().unwrap() {
        *partitions.entry(text(&item["list_pk"]["S"])).or_default() += 1;
    }
    partitions
}

#[tokio::test]
async fn over_several_shards_each_merchants_sessions_and_events() {
    let world = World::start().await;
    let others = world.merchant("acme", Mode::Test, "all").await;
    raise(&world, "demo", 4, SignedDuration::from_mins(20)).await;
    let mut created = Vec::new();
    for n in 0..24 {
        let session = world.create().await;
        if n % 4 == 0 {
            world.cancel(&session).await;
        }
        created.insert(0, text(&session["id"]));
    }
    let theirs = world.request(Method::POST, "/v2/payment_sessions").basic_auth(&others.0, Some(&others.1));
    let theirs = answer(theirs.json(&document_1())).await.body;

    for limit in [1, 7, 100] {
        assert_eq!(all(&world, &format!("limit={limit}")).await, created, "{limit}");
    }
    let cancelled: Vec<_> = created.iter().skip(3).step_by(4).cloned().collect();
    assert_eq!(all(&world, "state=failed&limit=4").await, cancelled);
    let list = world.request(Method::GET, "/v2/payment_sessions").basic_auth(&others.0, Some(&others.1));
    assert_eq!(ids(&answer(list).await.body), [text(&theirs["id"])]);

    world.settled().await;
    let (mut times, mut path) = (Vec::new(), "/v2/events?limit=7".to_owned());
    loop {
        let page = answer(world.demo(Method::GET, &path)).await.body;
        times.extend(page["data"].as_array().unwrap().iter().map(|event| text(&event["created_at"])));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/v2/events?limit=7&cursor={next}");
    }
    assert_eq!(times.len(), 24 + 6);
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");

    let partitions = partitions(&world).await;
    let of = |prefix: &str| partitions.keys().filter(|list_pk| list_pk.starts_with(prefix)).count();
    assert_eq!((of("demo#test#"), of("demo#test#events#")), (8, 4), "{partitions:?}");
    assert_eq!((partitions["acme#test#0"], partitions["acme#test#events#0"]), (1, 1));
}

#[tokio::test]
async fn a_refund_and_what_pays_it_are_in_the_shard_of_its_session() {
    let world = World::start().await;
    raise(&world, "demo", 256, SignedDuration::from_mins(20)).await;
    let paid = world.paid().await;
    let refund = world.refund(&paid, 100).await;
    world.refunder(&refund).choose_bank(1).await;
    world.refunder(&refund).decide(1, "approve").await;
    world.settled().await;
    let partitions = partitions(&world).await;
    assert_eq!(partitions.len(), 2, "one of sessions, one of events: {partitions:?}");
    let sessions = Sessions::new(world.table());
    let shard = sessions.get(&text(&paid["id"]).parse().unwrap()).await.unwrap().unwrap().list_shard;
    assert_eq!(partitions[&format!("demo#test#{shard}")], 2);
}

#[tokio::test]
async fn new_sessions_stay_where_they_are_looked_for_until_a_raised_count_is_known() {
    let world = World::start().await;
    raise(&world, "demo", 64, SignedDuration::ZERO).await;
    for _ in 0..8 {
        world.create().await;
    }
    world.settled().await;
    let expected = [("demo#test#0".to_owned(), 8), ("demo#test#events#0".to_owned(), 8)];
    assert_eq!(partitions(&world).await, BTreeMap::from(expected));
    assert_eq!(all(&world, "limit=3").await.len(), 8);
}

#[tokio::test]
async fn the_banks_that_payers_can_choose_are_an_array_as_the_clients_read_it() {
    let world = World::start().await;
    let first = json!({
        "id": "mock-bank", "name": "Mock Bank", "logo": null, "status": "AVAILABLE", "supports_batch": false,
    });
    for path in ["/v2/providers", "/v2/providers/", "/api/v2/providers"] {
        let banks = answer(world.demo(Method::GET, path)).await;
        assert_eq!((banks.status.as_u16(), &banks.body[0]), (200, &first), "{path}: {}", banks.text);
    }
    assert_eq!(answer(world.request(Method::GET, "/v2/providers")).await.status, 401);
    // There is no bank for live sessions yet.
    let (_, live) = world.merchant("live", models::Mode::Live, "all").await;
    let banks = answer(world.request(Method::GET, "/v2/providers").bearer_auth(live)).await;
    assert_eq!((banks.status.as_u16(), banks.body), (200, json!([])));
}
