//! Registering webhook endpoints, changing and removing them, and who may.

use futures_util::future::join_all;
use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, DEMO, PATIENCE, Receiver, Reply, World, answer, text};

type Key = (String, String);

const URL: &str = "http://127.0.0.1:9911/hooks";

async fn call(world: &World, key: &Key, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = world.request(method, path).basic_auth(&key.0, Some(&key.1));
    answer(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

async fn list(world: &World) -> Vec<Value> {
    let answer = answer(world.demo(Method::GET, "/v2/webhooks")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["next_cursor"], json!(null));
    answer.body["data"].as_array().unwrap().clone()
}

/// What a refusal says is wrong: each error's parameter, sorted.
fn parameters(answer: &Answer) -> Vec<String> {
    let errors = answer.body["errors"].as_array().unwrap();
    let mut named: Vec<String> = errors.iter().map(|error| text(&error["source"]["parameter"])).collect();
    named.sort_unstable();
    named
}

#[tokio::test]
async fn an_endpoint_is_registered_read_changed_and_removed_and_its_secret_shown_once() {
    let world = World::with_webhooks().await;
    let first = world.register(URL, json!({})).await;
    let secret = text(&first["secret"]);
    assert!(secret.starts_with("whsec_") && secret.len() >= 30);
    let expected = json!({
        "id": first["id"],
        "url": URL,
        "description": null,
        "events": ["*"],
        "thin": false,
        "enabled": true,
        "disabled_by": null,
        "live": false,
        "created_at": first["created_at"],
        "failures": 0,
        "previous_secret_until": null,
    });
    assert_eq!(world.get_webhook(&first).await, expected);
    let more = json!({
        "description": "Stock", "events": ["refund.sent", "refund.sent", "payment_session.sent"], "enabled": false, "thin": true,
    });
    let second = world.register(URL, more).await;
    assert_ne!(second["secret"], first["secret"]);
    let second = world.get_webhook(&second).await;
    assert_eq!(second["events"], json!(["refund.sent", "payment_session.sent"]));
    assert_eq!((&second["description"], &second["thin"]), (&json!("Stock"), &json!(true)));
    assert_eq!((&second["enabled"], &second["disabled_by"]), (&json!(false), &json!("merchant")));
    assert_eq!(list(&world).await, [expected.clone(), second.clone()]);
    // What is left out or null stays; what is given changes.
    for nothing in [json!({}), json!({ "url": null, "events": null, "thin": null, "unknown": 1 })] {
        assert_eq!(world.change_webhook(&second, nothing).await, second);
    }
    let changed = world.change_webhook(&second, json!({ "description": "" })).await;
    let mut wanted = second.clone();
    wanted["description"] = json!(null);
    assert_eq!(changed, wanted);
    let all = json!({ "url": "http://127.0.0.1:9911/b", "events": ["*"], "description": "b", "enabled": true, "thin": false });
    let changed = world.change_webhook(&second, all.clone()).await;
    for (name, value) in all.as_object().unwrap() {
        assert_eq!(changed[name], *value, "{name}");
    }
    assert_eq!(world.get_webhook(&second).await, changed);
    assert_eq!(list(&world).await, [expected.clone(), changed]);
    // Removed, there is none.
    let path = format!("/v2/webhooks/{}", text(&second["id"]));
    let removed = answer(world.demo(Method::DELETE, &path)).await;
    assert_eq!((removed.status, removed.text.as_str()), (StatusCode::NO_CONTENT, ""));
    for (method, path) in [
        (Method::DELETE, path.clone()),
        (Method::GET, path.clone()),
        (Method::PATCH, path.clone()),
        (Method::POST, format!("{path}/rotate")),
        (Method::POST, format!("{path}/rotate/finish")),
        (Method::POST, format!("{path}/test")),
    ] {
        let gone = answer(world.demo(method.clone(), &path).json(&json!({}))).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    assert_eq!(list(&world).await, [expected]);
}

#[tokio::test]
async fn there_are_ten_at_the_most_even_when_thirty_come_at_once() {
    let world = World::with_webhooks().await;
    let register = || answer(world.demo(Method::POST, "/v2/webhooks").json(&json!({ "url": URL })));
    let answers = join_all((0..30).map(|_| register())).await;
    let of = |status| answers.iter().filter(|answer| answer.status == status).count();
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!((of(StatusCode::CREATED), of(StatusCode::CONFLICT)), (10, 20), "{statuses:?}");
    assert_eq!(list(&world).await.len(), 10);
    // Another mode and another merchant have ten of their own.
    let live = world.merchant("acme", Mode::Live, "all").await;
    let https = json!({ "url": "https://127.0.0.1:9911/" });
    assert_eq!(call(&world, &live, Method::POST, "/v2/webhooks", Some(&https)).await.status, StatusCode::CREATED);
    // One that is removed, however often it is asked for, makes room for one.
    let path = format!("/v2/webhooks/{}", text(&list(&world).await[3]["id"]));
    join_all((0..5).map(|_| answer(world.demo(Method::DELETE, &path)))).await;
    assert_eq!(list(&world).await.len(), 9);
    let answers = join_all((0..5).map(|_| register())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count(), 1);
    assert_eq!(list(&world).await.len(), 10);
}

#[tokio::test]
async fn other_merchants_and_the_other_mode_have_none_of_it() {
    let world = World::with_webhooks().await;
    let owner = world.merchant("acme", Mode::Test, "all").await;
    let others = [
        (DEMO.0.to_owned(), DEMO.1.to_owned()),
        world.merchant("acme", Mode::Live, "all").await,
        world.merchant("other", Mode::Test, "all").await,
    ];
    let webhook = call(&world, &owner, Method::POST, "/v2/webhooks", Some(&json!({ "url": URL }))).await.body;
    let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
    let before = call(&world, &owner, Method::GET, &path, None).await;
    assert_eq!(before.status, StatusCode::OK);
    for key in &others {
        assert_eq!(call(&world, key, Method::GET, "/v2/webhooks", None).await.body["data"], json!([]));
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::PATCH, path.clone()),
            (Method::DELETE, path.clone()),
            (Method::POST, format!("{path}/rotate")),
            (Method::POST, format!("{path}/rotate/finish")),
            (Method::POST, format!("{path}/test")),
        ] {
            for change in [json!({ "enabled": false, "description": "theirs" }), json!({})] {
                let refused = call(&world, key, method.clone(), &path, Some(&change)).await;
                assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "not_found"), "{method} {path}");
            }
        }
    }
    assert_eq!(call(&world, &owner, Method::GET, &path, None).await.body, before.body);
    for id in ["x", "1ae1ce03-dfa9-4593-b487-65c656991cb5", "COUNT%23test"] {
        let none = answer(world.demo(Method::GET, &format!("/v2/webhooks/{id}"))).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{id}");
    }
}

#[tokio::test]
async fn changes_need_the_scope_for_it() {
    let world = World::with_webhooks().await;
    let all = world.merchant("acme", Mode::Test, "all").await;
    let reads = world.merchant("acme", Mode::Test, "payment_sessions:read payment_sessions:write refunds:write").await;
    let writes = world.merchant("acme", Mode::Test, "webhooks:write").await;
    let webhook = call(&world, &all, Method::POST, "/v2/webhooks", Some(&json!({ "url": URL }))).await.body;
    let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
    assert_eq!(call(&world, &reads, Method::GET, &path, None).await.status, StatusCode::OK);
    assert_eq!(call(&world, &writes, Method::GET, &path, None).await.status, StatusCode::FORBIDDEN);
    let changes = [
        (Method::POST, "/v2/webhooks".to_owned(), 201),
        (Method::PATCH, path.clone(), 200),
        (Method::POST, format!("{path}/rotate"), 200),
        (Method::POST, format!("{path}/rotate/finish"), 200),
        (Method::POST, format!("{path}/test"), 200),
        (Method::DELETE, path.clone(), 204),
    ];
    for (method, path, status) in changes {
        let body = json!({ "url": URL });
        let refused = call(&world, &reads, method.clone(), &path, Some(&body)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {path}");
        let nobody = answer(world.request(method.clone(), &path).json(&body)).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let done = call(&world, &writes, method.clone(), &path, Some(&body)).await;
        assert_eq!(done.status.as_u16(), status, "{method} {path}: {}", done.text);
    }
}

#[tokio::test]
async fn a_test_event_goes_to_one_endpoint_alone_signed_and_at_once() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let more = json!({ "enabled": false, "events": ["refund.failed"], "faults": { "first_attempts_fail": 5 } });
    let tested = world.register(&receiver.url("/a"), more).await;
    world.register(&receiver.url("/b"), json!({})).await;
    let before = world.get_webhook(&tested).await;
    let path = format!("/v2/webhooks/{}/test", text(&tested["id"]));
    let test = async || {
        let answer = answer(world.demo(Method::POST, &path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.body
    };
    let attempt = test().await;
    assert_eq!((&attempt["webhook_id"], &attempt["status"]), (&tested["id"], &json!(200)));
    assert!(attempt["latency_ms"].is_u64() && attempt["at"].is_string(), "{attempt}");
    receiver.answer_all(Reply::Body(410, "gone".to_owned()));
    let attempt = test().await;
    assert_eq!((&attempt["status"], &attempt["answer"]), (&json!(410), &json!("gone")));

    let received = receiver.received();
    let [first, second] = &received[..] else { panic!("{:#?}", receiver.summary()) };
    for one in [first, second] {
        assert_eq!((one.path(), one.event_type().as_str()), ("/a", "payment_session.sent"));
        assert!(one.is_signed_by(&[&text(&tested["secret"])]), "{:?}", one.headers);
        assert_eq!((one.headers["counterfoil-test"].as_str(), &one.json["live"]), ("true", &json!(false)));
        assert!(one.object_id().starts_with("00000000-0000-4000-8000-"), "{}", one.json);
        assert_eq!(one.json["data"]["state"], "sent");
    }
    assert_ne!(first.event_id(), second.event_id(), "receivers remember ids");
    // Nothing is known of it, and nothing came of it: an event of that kind would have disabled the endpoint.
    assert_eq!(world.get_webhook(&tested).await, before);
    assert_eq!(answer(world.demo(Method::GET, "/v2/events")).await.body["data"], json!([]));
    let unknown = format!("/v2/events/{}/attempts", first.event_id());
    assert_eq!(answer(world.demo(Method::GET, &unknown)).await.status, StatusCode::NOT_FOUND);

    // What really happens bears no such mark.
    receiver.answer_all(Reply::Status(200));
    receiver.forget();
    world.create().await;
    receiver.accepted(1, PATIENCE).await;
    assert!(!receiver.received()[0].headers.contains_key("counterfoil-test"));
}

#[tokio::test]
async fn an_endpoint_that_is_down_or_silent_is_said_to_be() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    receiver.answer_all(Reply::Hang);
    for (url, error) in [
        (nobodys().await, "the connection was refused or broke off before an answer"),
        (receiver.url("/a"), "there was no answer in time"),
    ] {
        let webhook = world.register(&url, json!({})).await;
        let path = format!("/v2/webhooks/{}/test", text(&webhook["id"]));
        let tested = answer(world.demo(Method::POST, &path)).await;
        assert_eq!(tested.status, StatusCode::OK, "{}", tested.text);
        assert_eq!((&tested.body["status"], &tested.body["error"]), (&json!(null), &json!(error)));
    }
    assert_eq!(receiver.received().len(), 1, "it is not tried again");
}

/// Where nobody listens.
async fn nobodys() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

#[tokio::test]
async fn bad_input_names_its_field_and_changes_nothing() {
    let world = World::with_webhooks().await;
    let long = "x".repeat(2_000);
    let wrong = [
        (json!({ "url": 5 }), vec!["url"]),
        (json!({ "url": "" }), vec!["url"]),
        (json!({ "url": "hooks" }), vec!["url"]),
        (json!({ "url": "ftp://127.0.0.1/" }), vec!["url"]),
        (json!({ "url": "http://a:b@127.0.0.1/" }), vec!["url"]),
        (json!({ "url": "http://127.0.0.1/#a" }), vec!["url"]),
        (json!({ "url": format!("http://127.0.0.1/{long}{long}") }), vec!["url"]),
        (json!({ "url": URL, "events": [] }), vec!["events"]),
        (json!({ "url": URL, "events": "*" }), vec!["events"]),
        (json!({ "url": URL, "events": ["*", "refund.sent"] }), vec!["events[0]"]),
        (json!({ "url": URL, "events": ["refund.sent", "refund.gone"] }), vec!["events[1]"]),
        (json!({ "url": URL, "events": ["refund.sent", 5] }), vec!["events[1]"]),
        (json!({ "url": URL, "events": vec!["refund.sent"; 51] }), vec!["events"]),
        (json!({ "url": URL, "description": 5 }), vec!["description"]),
        (json!({ "url": URL, "description": long }), vec!["description"]),
        (json!({ "url": URL, "description": "a\u{0}b" }), vec!["description"]),
        (json!({ "url": URL, "enabled": "yes" }), vec!["enabled"]),
        (json!({ "url": URL, "thin": 1 }), vec!["thin"]),
        (json!({ "url": URL, "faults": true }), vec!["faults"]),
        (json!({ "url": URL, "faults": { "delay_s": 86_401 } }), vec!["faults.delay_s"]),
        (
            json!({ "url": URL, "faults": { "duplicate": 1, "delay_s": "5", "first_attempts_fail": 11 } }),
            vec!["faults.delay_s", "faults.duplicate", "faults.first_attempts_fail"],
        ),
        (
            json!({ "url": "x", "events": [], "enabled": 1, "thin": 1, "description": 1 }),
            vec!["description", "enabled", "events", "thin", "url"],
        ),
    ];
    let webhook = world.register(URL, json!({ "description": "mine" })).await;
    let before = world.get_webhook(&webhook).await;
    let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
    for (body, named) in &wrong {
        for (method, path) in [(Method::POST, "/v2/webhooks"), (Method::PATCH, path.as_str())] {
            let refused = answer(world.demo(method.clone(), path).json(body)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{method} {body}: {}", refused.text);
            assert_eq!(parameters(&refused), *named, "{method} {body}: {}", refused.text);
        }
    }
    let missing = answer(world.demo(Method::POST, "/v2/webhooks").json(&json!({ "events": ["*"] }))).await;
    assert_eq!((missing.status, parameters(&missing)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["url".to_owned()]));
    for body in ["", "{", "[]", "null", "5"] {
        for (method, path) in [(Method::POST, "/v2/webhooks"), (Method::PATCH, path.as_str())] {
            let request = world.demo(method.clone(), path).header("content-type", "application/json").body(body);
            assert_eq!(answer(request).await.status, StatusCode::BAD_REQUEST, "{method} {body}");
        }
    }
    assert_eq!(list(&world).await, [before]);
}

#[tokio::test]
async fn only_hosts_on_the_public_internet_can_be_registered() {
    let world = World::start().await;
    let key = world.merchant("acme", Mode::Live, "all").await;
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "169.254.170.2",
        "10.0.0.1",
        "10.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "0",
        "255.255.255.255",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "127。0。0。1",
        "①27.0.0.1",
        "127.0.0.1.",
        "printer.local",
        "metadata.google.internal",
        "intranet",
        "ip-10-0-0-1.eu-west-2.compute.internal",
    ];
    for host in hosts {
        for (scheme, test) in [("http", true), ("https", true), ("https", false)] {
            let body = json!({ "url": format!("{scheme}://{host}/latest/meta-data") });
            let refused = if test {
                answer(world.demo(Method::POST, "/v2/webhooks").json(&body)).await
            } else {
                call(&world, &key, Method::POST, "/v2/webhooks", Some(&body)).await
            };
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.text);
            assert_eq!((refused.code(), parameters(&refused)), ("invalid_request", vec!["url".to_owned()]), "{body}");
        }
    }
    assert!(list(&world).await.is_empty());
    // A public address is not looked up, so it can be registered without a network; for live payments with TLS only.
    let public = world.register("http://1.1.1.1/hooks", json!({})).await;
    let path = format!("/v2/webhooks/{}", text(&public["id"]));
    let moved = answer(world.demo(Method::PATCH, &path).json(&json!({ "url": "http://10.0.0.1/" }))).await;
    assert_eq!((moved.status, parameters(&moved)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["url".to_owned()]));
    assert_eq!(world.get_webhook(&public).await["url"], "http://1.1.1.1/hooks");
    let plain = call(&world, &key, Method::POST, "/v2/webhooks", Some(&json!({ "url": "http://1.1.1.1/" }))).await;
    assert_eq!((plain.status, parameters(&plain)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["url".to_owned()]));
    let tls = call(&world, &key, Method::POST, "/v2/webhooks", Some(&json!({ "url": "https://1.1.1.1/" }))).await;
    assert_eq!((tls.status, &tls.body["live"]), (StatusCode::CREATED, &json!(true)));
    let path = format!("/v2/webhooks/{}", text(&tls.body["id"]));
    let plain = call(&world, &key, Method::PATCH, &path, Some(&json!({ "url": "http://1.1.1.1/" }))).await;
    assert_eq!((plain.status, parameters(&plain)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["url".to_owned()]));
}

#[tokio::test]
async fn registering_is_repeated_with_its_key_while_the_secret_is_the_first() {
    let world = World::with_webhooks().await;
    let register =
        |body: Value| answer(world.demo(Method::POST, "/v2/webhooks").header("idempotency-key", "a").json(&body));
    let answers = join_all((0..10).map(|_| register(json!({ "url": URL })))).await;
    let first = &answers[0].body;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED && answer.body == *first), "{answers:#?}");
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1);
    assert_eq!(list(&world).await.len(), 1);
    let other = register(json!({ "url": URL, "thin": true })).await;
    assert_eq!((other.status, other.code()), (StatusCode::CONFLICT, "idempotency_conflict"));
    // Another merchant's key of the same name is another.
    let acme = world.merchant("acme", Mode::Test, "all").await;
    let request = world.request(Method::POST, "/v2/webhooks").basic_auth(acme.0, Some(acme.1));
    let theirs = answer(request.header("idempotency-key", "a").json(&json!({ "url": URL }))).await;
    assert!(theirs.status == StatusCode::CREATED && !theirs.is_replayed());
    assert_ne!(theirs.body["id"], first["id"]);
    let rotated = answer(world.demo(Method::POST, &format!("/v2/webhooks/{}/rotate", text(&first["id"])))).await;
    assert!(rotated.body["previous_secret_until"].is_string());
    assert_ne!(rotated.body["secret"], first["secret"]);
    let again = register(json!({ "url": URL })).await;
    assert_eq!(
        again.status,
        StatusCode::CONFLICT,
        "a secret is shown once it is made, and never later: {}",
        again.text
    );
    // With ten there are, the key is still answered.
    assert!(world.get_webhook(first).await.get("secret").is_none());
}

#[tokio::test]
async fn an_endpoint_that_was_removed_never_comes_back_with_its_key() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::planned(|one| Reply::Status(if one.path() == "/old" { 500 } else { 200 })).await;
    let register = async |path: &str| {
        let request = world.demo(Method::POST, "/v2/webhooks").header("idempotency-key", "deploy-hook");
        answer(request.json(&json!({ "url": receiver.url(path) }))).await
    };
    let remove = async |webhook: &Value| {
        let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
        answer(world.demo(Method::DELETE, &path)).await.status
    };
    // Something waits for a retry, and something is paused.
    let old = register("/old").await.body;
    world.create().await;
    receiver.until(PATIENCE, |all| !all.is_empty()).await;
    world.change_webhook(&old, json!({ "enabled": false })).await;
    world.settled().await;
    world.long_after().await;
    world.settled().await;
    let paused = format!("~{}", text(&old["id"]));
    assert!(world.waiting_cursors().await.iter().any(|cursor| cursor["due_at"]["S"] == paused.as_str()));
    assert_eq!(remove(&old).await, StatusCode::NO_CONTENT);
    assert_eq!(remove(&old).await, StatusCode::NOT_FOUND);
    let new = register("/new").await;
    assert_eq!((new.status, new.is_replayed()), (StatusCode::CREATED, false), "{}", new.text);
    let new = new.body;
    assert_ne!(new["id"], old["id"]);
    assert_ne!(new["secret"], old["secret"]);
    assert_eq!(remove(&old).await, StatusCode::NOT_FOUND);
    world.change_webhook(&new, json!({ "enabled": true })).await;
    world.long_after().await;
    world.settled().await;
    assert!(receiver.at("/new").is_empty(), "{:#?}", receiver.summary());
    // While it is there, its registration is repeated as ever.
    let again = register("/new").await;
    assert!(again.is_replayed() && again.body == new, "{again:?}");
    assert_eq!(register("/old").await.code(), "idempotency_conflict");
    assert_eq!(list(&world).await.len(), 1);
    // What happens now is delivered to the new one.
    world.create().await;
    receiver.accepted(1, PATIENCE).await;
    assert_eq!((receiver.at("/old").len(), receiver.at("/new").len()), (1, 1), "{:#?}", receiver.summary());
    // And again, as often as one likes.
    let mut ids = vec![text(&old["id"]), text(&new["id"])];
    let mut last = new;
    for _ in 0..3 {
        assert_eq!(remove(&last).await, StatusCode::NO_CONTENT);
        last = register("/new").await.body;
        assert!(!ids.contains(&text(&last["id"])));
        ids.push(text(&last["id"]));
    }
}

/// Release 0.1 derived an endpoint's id from the key.
#[tokio::test]
async fn an_endpoint_that_release_0_1_registered_answers_its_key_until_it_is_removed() {
    let world = World::with_webhooks().await;
    let register = async || {
        let request = world.demo(Method::POST, "/v2/webhooks").header("idempotency-key", "deploy-hook");
        answer(request.json(&json!({ "url": URL }))).await
    };
    let webhook = register().await.body;
    // Its item as it was then.
    let mut item = world.item("ENDPOINTS#demo", &text(&webhook["id"])).await;
    let name = text(&item["registration"]["S"]);
    let table = world.machine.table_name();
    let key = json!({ "pk": item["pk"], "sk": item["sk"] });
    world.dynamodb("DeleteItem", &json!({ "TableName": table, "Key": key })).await;
    for attribute in ["registration", "version", "changed_by"] {
        item.as_object_mut().unwrap().remove(attribute);
    }
    for attribute in ["id", "sk"] {
        item[attribute] = json!({ "S": name });
    }
    world.dynamodb("PutItem", &json!({ "TableName": table, "Item": item })).await;
    let count = json!({
        "TableName": table,
        "Key": { "pk": { "S": "ENDPOINTS#demo" }, "sk": { "S": "COUNT#test" } },
        "UpdateExpression": "REMOVE version",
    });
    world.dynamodb("UpdateItem", &count).await;

    let again = register().await;
    assert!(again.is_replayed(), "{again:?}");
    assert_eq!((&again.body["id"], &again.body["secret"]), (&json!(name), &webhook["secret"]));
    let old = again.body;
    let changed = world.change_webhook(&old, json!({ "description": "mine", "enabled": false })).await;
    assert_eq!((&changed["description"], &changed["enabled"]), (&json!("mine"), &json!(false)));
    let path = format!("/v2/webhooks/{name}");
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    let new = register().await;
    assert!(!new.is_replayed() && new.body["id"] != old["id"], "{new:?}");
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(list(&world).await.len(), 1);
}
