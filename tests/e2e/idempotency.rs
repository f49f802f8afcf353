//! A repeated request gets its first answer, whatever has happened since.

use futures_util::future::join_all;
use models::Mode;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, World, answer, document_1, states, text};

fn create(world: &World, key: &str, body: &Value) -> RequestBuilder {
    world.demo(Method::POST, "/v2/payment_sessions").header("idempotency-key", key).json(body)
}

fn same(first: &Answer, again: &Answer) {
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert!(again.is_replayed() && !first.is_replayed());
}

#[tokio::test]
async fn fifty_identical_creations_at_once_make_one_session() {
    let world = World::start().await;
    let answers = join_all((0..50).map(|_| answer(create(&world, "order 42", &document_1())))).await;
    let first = &answers[0];
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (StatusCode::CREATED, &first.text));
    }
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1);
    let list = answer(world.demo(Method::GET, "/v2/payment_sessions")).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(text(&first.body["id"]).as_bytes()[14], b'8');
}

#[tokio::test]
async fn a_creation_is_answered_the_same_after_everything_that_can_happen() {
    let world = World::start().await;
    for known in [false, true] {
        let mut body = document_1();
        if known {
            body["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
        }
        let key = format!("order {known}");
        let again = || answer(create(&world, &key, &body));
        let first = again().await;
        let payer = world.payer(&first.body);
        same(&first, &again().await);
        payer.identify().await;
        same(&first, &again().await);
        payer.choose_bank(1).await;
        same(&first, &again().await);
        payer.decide(1, "approve").await;
        assert_eq!(world.get(&text(&first.body["id"])).await["state"], "sent");
        same(&first, &again().await);
    }
    let first = answer(create(&world, "order 43", &document_1())).await;
    let path = format!("/v2/payment_sessions/{}", text(&first.body["id"]));
    answer(world.demo(Method::POST, &format!("{path}/cancel"))).await;
    same(&first, &answer(create(&world, "order 43", &document_1())).await);
    // Once it is deleted, what the answer held is gone.
    answer(world.demo(Method::DELETE, &path)).await;
    let after = answer(create(&world, "order 43", &document_1())).await;
    assert_eq!((after.status, after.code()), (StatusCode::CONFLICT, "idempotency_conflict"));
    assert_eq!(answer(world.demo(Method::GET, &path)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_body_is_a_conflict_and_another_spelling_is_not() {
    let world = World::start().await;
    let first = answer(create(&world, "k", &document_1())).await;
    let mut other = document_1();
    other["line_items"][0]["quantity"] = json!(5);
    let conflict = answer(create(&world, "k", &other)).await;
    assert_eq!((conflict.status, conflict.code()), (StatusCode::CONFLICT, "idempotency_conflict"));
    let spelled = serde_json::to_string_pretty(&document_1()).unwrap().replace("Illuminate", "Ill\\u0075minate");
    let request = world.demo(Method::POST, "/v2/payment_sessions").header("idempotency-key", "k");
    same(&first, &answer(request.header("content-type", "application/json").body(spelled)).await);
    // A request that was refused made nothing, so its key is still free.
    let mut wrong = document_1();
    wrong["reference"] = json!("?");
    assert_eq!(answer(create(&world, "free", &wrong)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer(create(&world, "free", &document_1())).await.is_replayed());
}

#[tokio::test]
async fn a_repeat_beats_rules_that_have_changed_since() {
    let world = World::start_with(|config| {
        config.parameters.insert("MaxAmountMinor".into(), "400".into());
    })
    .await;
    let first = answer(create(&world, "k", &document_1())).await;
    assert_eq!(first.status, StatusCode::CREATED);
    // As if the cap had been lowered: the same session, made by a machine that would refuse it now.
    let mut dearer = document_1();
    dearer["line_items"][0]["amount"] = json!(101);
    assert_eq!(answer(create(&world, "k", &dearer)).await.code(), "invalid_amount");
    let stored = store::Sessions::new(world.table());
    let id = text(&first.body["id"]).parse().unwrap();
    let fingerprint = api::Json::read(dearer.to_string().as_bytes()).unwrap().fingerprint().unwrap();
    let mut session = stored.get(&id).await.unwrap().unwrap();
    session.id = id_of_key(&world, "later").await;
    assert!(matches!(stored.create(session, Some(fingerprint)).await.unwrap(), store::Created::New(_)));
    let again = answer(create(&world, "later", &dearer)).await;
    assert_eq!((again.status, again.is_replayed()), (StatusCode::CREATED, true), "{}", again.text);
}

/// The id that the demo merchant's key stands for.
async fn id_of_key(world: &World, key: &str) -> models::SessionId {
    let demo = store::Merchants::new(world.table()).get(&"demo".parse().unwrap()).await.unwrap().unwrap();
    let format = api::Format::of_stored(models::WireFormat::Banked).unwrap();
    let mut request = lambda_http::Request::default();
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    let key = api::IdempotencyKey::of(&request, format).unwrap().unwrap();
    key.session_id(&demo, Mode::Test, format)
}

#[tokio::test]
async fn keys_are_kept_apart_by_merchant_and_mode() {
    let world = World::start_with(|config| {
        config.environment.insert("LOCAL_LIVE_CONNECTOR".into(), "1".into());
    })
    .await;
    let mut ids = vec![text(&answer(create(&world, "k", &document_1())).await.body["id"])];
    let live = world.merchant("acme", Mode::Live, "all").await;
    let test = world.merchant("acme", Mode::Test, "all").await;
    for (key, secret) in [live, test] {
        let request = world.request(Method::POST, "/v2/payment_sessions").basic_auth(key, Some(secret));
        let created = answer(request.header("idempotency-key", "k").json(&document_1())).await;
        assert_eq!((created.status, created.is_replayed()), (StatusCode::CREATED, false), "{}", created.text);
        ids.push(text(&created.body["id"]));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn cancelling_and_deleting_are_repeated_too() {
    let world = World::start().await;
    let session = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    let cancel =
        |key: &'static str| answer(world.demo(Method::POST, &format!("{path}/cancel")).header("idempotency-key", key));
    let first = cancel("a").await;
    same(&first, &cancel("a").await);
    let other = cancel("b").await;
    assert_eq!((other.status, other.is_replayed()), (StatusCode::OK, false));
    assert_eq!(states(&world.get(&text(&session["id"])).await).len(), 2);

    let delete = |key: &'static str| answer(world.demo(Method::DELETE, &path).header("idempotency-key", key));
    let first = delete("a").await;
    same(&first, &delete("a").await);
    assert_eq!(delete("b").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn fifty_cancels_at_once_cancel_once() {
    let world = World::start().await;
    let session = world.create().await;
    let path = format!("/v2/payment_sessions/{}/cancel", text(&session["id"]));
    let answers = join_all((0..50).map(|_| answer(world.demo(Method::POST, &path)))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(states(&world.get(&text(&session["id"])).await).len(), 2);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let world = World::start().await;
    for key in [String::new(), "k".repeat(256), "clé".to_owned()] {
        let request = world.demo(Method::POST, "/v2/payment_sessions").json(&document_1());
        let refused = answer(request.header("idempotency-key", key.as_bytes())).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "bad_request"), "{key}");
    }
    let list = answer(world.demo(Method::GET, "/v2/payment_sessions")).await;
    assert_eq!(list.body["data"], json!([]));
}
