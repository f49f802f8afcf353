//! Listing sessions.

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sessions;
use tests::{World, answer, text};

/// `count` sessions, a minute apart, the newest first; every so many of them are cancelled.
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
