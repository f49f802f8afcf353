//! What the HTTP edge accepts, and what it refuses, in every function alike.

use std::collections::BTreeMap;

use local::Machine;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::{DEMO, World, answer, document_1, page, sample, text};

/// Every function behind the HTTP API, with a sample of its events.
const FUNCTIONS: [(&str, &str); 12] = [
    ("TokenFunction", "token.json"),
    ("CreateFunction", "create.json"),
    ("GetFunction", "get-list.json"),
    ("CancelFunction", "cancel.json"),
    ("RefundFunction", "refund.json"),
    ("EndpointsFunction", "endpoints.json"),
    ("TestClocksFunction", "test-clocks.json"),
    ("EventsFunction", "events.json"),
    ("CheckoutFunction", "checkout.json"),
    ("MocksFunction", "mocks.json"),
    ("ProviderEventsFunction", "provider-events.json"),
    ("NotFoundFunction", "not-found.json"),
];

/// An event that can't be read is answered with 400 as the function's clients read it, by the process that goes on.
async fn refused(machine: &Machine, function: &str, event: &Value) {
    let output = machine.invoke(function, event).await.unwrap_or_else(|error| panic!("{function}: {error}: {event}"));
    assert_eq!(output["statusCode"], 400, "{function}: {event}");
    let body = output["body"].as_str().unwrap();
    let kind = output["headers"]["content-type"].as_str().unwrap();
    if ["CheckoutFunction", "MocksFunction"].contains(&function) {
        assert!(kind.starts_with("text/html") && body.contains("<h1"), "{body}");
    } else {
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((kind, body["errors"][0]["code"].as_str()), ("application/json", Some("bad_request")), "{event}");
    }
}

#[tokio::test]
async fn an_event_that_can_not_be_read_is_400_in_every_function() {
    let world = World::start().await;
    for (function, name) in FUNCTIONS {
        let with = |pointer: &str, value: Value| {
            let mut event = sample(name);
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            event.pointer_mut(parent).unwrap()[field] = value;
            event
        };
        for (pointer, value) in [
            ("/headers/host", json!("a b")),
            ("/headers/host", json!("999.999.999.999")),
            ("/headers/host", json!("é")),
            ("/requestContext/domainName", json!("a/../b")),
            ("/rawQueryString", json!("a=<b> c")),
            ("/headers/x-forwarded-proto", json!("ht tp")),
            ("/headers/x-a b", json!("x")),
            ("/headers/x-a", json!("a\nb")),
            ("/requestContext/http/method", json!("G ET")),
            ("/requestContext/http/method", json!("")),
            ("/requestContext/http", json!(null)),
            ("/rawPath", json!("x")),
            ("/headers", json!([])),
        ] {
            refused(&world.machine, function, &with(pointer, value)).await;
        }
        let mut no_base64 = with("/body", json!("%%%"));
        no_base64["isBase64Encoded"] = json!(true);
        for event in [no_base64, json!({}), json!([]), json!(null), json!({ "Records": [] })] {
            refused(&world.machine, function, &event).await;
        }
        // What is missing and not needed, or strange and not read, is the handler's to answer, and never 5xx.
        for (pointer, value) in [
            ("/headers", json!({})),
            ("/headers/user-agent", json!("Käfer \u{1f98b}")),
            ("/headers/authorization", json!("Käfer")),
            ("/headers/content-type", json!("é")),
            ("/headers/idempotency-key", json!("é")),
            ("/requestContext/domainName", json!(null)),
            ("/requestContext/requestId", json!("no id")),
            ("/rawQueryString", json!(null)),
            ("/rawQueryString", json!("%ff%zz&&=&é")),
            ("/rawPath", json!("/v2/payment_sessions/a b?c#d\u{0}é{}")),
            ("/requestContext/http/method", json!("BREW")),
        ] {
            let output = world.machine.invoke(function, &with(pointer, value)).await.unwrap();
            assert!(output["statusCode"].as_i64().unwrap() < 500, "{function} {pointer}: {output}");
        }
    }
    let panics: Vec<_> = world.machine.logs().into_iter().filter(|line| line.text.contains("panicked")).collect();
    assert!(panics.is_empty(), "{panics:#?}");
}

#[tokio::test]
async fn a_header_that_is_given_twice_is_refused() {
    let world = World::start().await;
    let paid = world.paid().await;
    let id = text(&paid["id"]);
    let register = json!({ "url": "https://example.com/hooks" });
    let refund = json!({ "payment_session_id": id, "amount": 1 });
    let post = |path: &str| world.demo(Method::POST, path);
    let one = format!("/v2/payment_sessions/{id}");
    let requests = || {
        [
            post("/v2/payment_sessions").json(&document_1()),
            post("/api/v2/payment_sessions").json(&document_1()),
            post("/v2/refunds").json(&refund),
            post("/v2/webhooks").json(&register),
            post(&format!("{one}/cancel")),
            post("/v2/refunds/1ae1ce03-dfa9-4593-b487-65c656991cb5/cancel"),
            world.demo(Method::DELETE, &one),
        ]
    };
    for (twice, once) in requests().into_iter().zip(requests()) {
        let twice = answer(twice.header("idempotency-key", "k").header("idempotency-key", "k")).await;
        assert_eq!((twice.status.as_u16(), twice.code()), (400, "bad_request"), "{}", twice.text);
        assert!(twice.text.contains("Idempotency-Key"), "{}", twice.text);
        assert_eq!(answer(once.header("idempotency-key", "order, 42")).await.status, 400);
    }
    assert_eq!(answer(world.demo(Method::GET, "/v2/payment_sessions")).await.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&id).await["refunds"], json!([]));

    let list = || world.request(Method::GET, "/v2/payment_sessions");
    let bearer = format!("Bearer {}", DEMO.1);
    assert_eq!(answer(list().header("authorization", &bearer)).await.status, 200);
    let twice = list().header("authorization", &bearer).header("authorization", &bearer);
    assert_eq!(answer(twice).await.code(), "unauthorized");
    let body = document_1().to_string();
    let create = post("/v2/payment_sessions").header("content-type", "application/json").body(body);
    assert_eq!(answer(create.header("content-type", "application/json")).await.status, 415);
}

#[tokio::test]
async fn a_list_refuses_what_it_can_not_be_asked_for() {
    let world = World::start().await;
    let session = world.paid().await;
    world.settled().await;
    let id = text(&session["id"]);
    let lists = [
        "/v2/payment_sessions?".to_owned(),
        "/v2/payment_sessions/?".to_owned(),
        "/api/v2/payment_sessions?".to_owned(),
        format!("/v2/refunds?payment_session_id={id}&"),
        "/v2/webhooks?".to_owned(),
        "/v2/providers?".to_owned(),
        "/api/v2/providers?".to_owned(),
        "/v2/events?".to_owned(),
        format!("/v2/events?object={id}&"),
        format!("/v2/events/evt_{id}_1/attempts?"),
        format!("/v2/payment_sessions/{id}/events?"),
    ];
    for list in lists {
        assert_eq!(answer(world.demo(Method::GET, &list)).await.status, 200, "{list}");
        for name in ["state[0]", "state[]", "created_after", "types", "expand", "v3"] {
            let refused = answer(world.demo(Method::GET, &format!("{list}{name}=sent"))).await;
            let error = &refused.body["errors"][0];
            assert_eq!((refused.status.as_u16(), &error["source"]["parameter"]), (422, &json!(name)), "{list}");
            assert!(text(&error["title"]).starts_with(&format!("{name} is no parameter")), "{error}");
        }
        let known = list.split_once('?').unwrap().1.split('=').next().unwrap();
        let once = if known.is_empty() { "limit" } else { known };
        let twice = answer(world.demo(Method::GET, &format!("{list}{once}=1&{once}=1"))).await;
        assert_eq!(
            (twice.status.as_u16(), &twice.body["errors"][0]["source"]["parameter"]),
            (422, &json!(once)),
            "{list}"
        );
    }
    let ends = "created_from=0000-01-01T00:00:00.0000000000Z&created_before=9999-12-31T23:59:59Z";
    for path in ["/v2/payment_sessions", "/v2/events", &format!("/v2/events?object={id}")] {
        let query = if path.contains('?') { '&' } else { '?' };
        let list = answer(world.demo(Method::GET, &format!("{path}{query}{ends}"))).await;
        assert!(!list.body["data"].as_array().unwrap().is_empty(), "{path}: {}", list.text);
    }
    let object = answer(world.demo(Method::GET, &format!("/v2/events?object={id}&cursor=x"))).await;
    assert_eq!(object.body["data"].as_array().map(Vec::len), Some(5), "{}", object.text);
    // One session's path ignores them, as pages do.
    for path in [
        format!("/v2/payment_sessions/{id}?expand=refunds&limit=1&limit=2"),
        format!("/checkout/{id}?v3&utm_source=mail"),
    ] {
        assert_eq!(answer(world.demo(Method::GET, &path)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_id_in_capitals_is_the_same_id() {
    let world = World::with_webhooks().await;
    let session = world.paid().await;
    world.settled().await;
    let upper = text(&session["id"]).to_uppercase();
    let ask = async |id: &str| {
        let request = world.demo(Method::POST, "/v2/refunds").header("idempotency-key", "capitals");
        answer(request.json(&json!({ "payment_session_id": id, "amount": 1 }))).await
    };
    let refund = ask(&upper).await;
    assert_eq!(ask(&text(&session["id"])).await.body, refund.body, "the same request");
    assert_eq!((refund.status.as_u16(), &refund.body["payment_session_id"]), (201, &session["id"]), "{}", refund.text);
    let refund = text(&refund.body["id"]).to_uppercase();
    let event = format!("evt_{upper}_1");
    for path in [
        format!("/v2/payment_sessions/{upper}"),
        format!("/api/v2/payment_sessions/{upper}/"),
        format!("/v2/payment_sessions/{upper}/events"),
        format!("/v2/refunds?payment_session_id={upper}"),
        format!("/v2/refunds/{refund}"),
        format!("/v2/events?object={upper}"),
        format!("/v2/events/{event}/attempts"),
    ] {
        let (got, lower) =
            (answer(world.demo(Method::GET, &path)).await, answer(world.demo(Method::GET, &path.to_lowercase())).await);
        assert_eq!((got.status.as_u16(), &got.text), (200, &lower.text), "{path}");
    }
    let id = text(&session["id"]);
    for other in [id.replace('-', ""), format!("%7B{id}%7D"), format!("urn:uuid:{id}")] {
        for path in ["/v2/payment_sessions/", "/checkout/", "/refunds/", "/v2/refunds/"] {
            assert_eq!(answer(world.demo(Method::GET, &format!("{path}{other}"))).await.status, 404, "{path}{other}");
        }
    }
    for attempt in ["+1", "01", "%2B1", "1.0"] {
        let path = format!("/mock-bank/{id}/{attempt}");
        assert_eq!(page(world.request(Method::GET, &path)).await.status, 404, "{path}");
        assert_eq!(
            page(world.request(Method::POST, &path).form(&[("decision", "approve")])).await.status,
            404,
            "{path}"
        );
    }
}

/// Without what each answer has of its own.
fn comparable(headers: &HeaderMap) -> BTreeMap<String, String> {
    let own = ["apigw-requestid", "date"];
    let headers = headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn head_is_answered_as_get_without_a_body() {
    let world = World::start().await;
    let session = world.paid().await;
    let refund = world.refund(&session, 1).await;
    world.settled().await;
    let (id, refund) = (text(&session["id"]), text(&refund["id"]));
    let plain = Client::builder().redirect(Policy::none()).build().unwrap();
    for (path, status) in [
        ("/v2/payment_sessions".to_owned(), 200),
        ("/v2/payment_sessions/".to_owned(), 200),
        ("/v2/payment_sessions?types=x".to_owned(), 422),
        (format!("/v2/payment_sessions/{id}"), 200),
        (format!("/api/v2/payment_sessions/{id}"), 200),
        ("/v2/payment_sessions/x".to_owned(), 404),
        (format!("/v2/payment_sessions/{id}/cancel"), 405),
        (format!("/v2/payment_sessions/{id}/events"), 200),
        (format!("/v2/refunds?payment_session_id={id}"), 200),
        (format!("/v2/refunds/{refund}"), 200),
        ("/v2/webhooks".to_owned(), 200),
        ("/v2/providers".to_owned(), 200),
        ("/api/v2/providers/".to_owned(), 200),
        (format!("/v2/webhooks/{id}"), 404),
        ("/v2/events".to_owned(), 200),
        (format!("/v2/events/evt_{id}_1/attempts"), 200),
        ("/oauth/token".to_owned(), 405),
        ("/nothing".to_owned(), 404),
        (format!("/checkout/{id}"), 200),
        (format!("/checkout/{id}/"), 308),
        (format!("/checkout/{id}/payer"), 303),
        (format!("/checkout/{id}/return"), 303),
        (format!("/checkout/{id}/bank/1"), 303),
        ("/checkout/x".to_owned(), 404),
        (format!("/mock-bank/{id}/1"), 200),
        (format!("/refunds/{refund}"), 200),
    ] {
        let send = |method: Method| {
            let request = plain.request(method, format!("{}{path}", world.machine.api_url()));
            answer(request.basic_auth(DEMO.0, Some(DEMO.1)))
        };
        let (get, head) = (send(Method::GET).await, send(Method::HEAD).await);
        assert_eq!((get.status.as_u16(), head.status), (status, get.status), "{path}");
        assert_eq!(head.text, "", "{path}");
        assert_eq!(comparable(&head.headers), comparable(&get.headers), "{path}");
    }
    let nobody = answer(world.request(Method::HEAD, "/v2/payment_sessions")).await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn a_page_says_what_it_takes_and_is_found_with_a_slash_at_its_end() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let plain = Client::builder().redirect(Policy::none()).build().unwrap();
    let send = |method: &str, path: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        page(plain.request(method, format!("{}{path}", world.machine.api_url())).form(&[("name", "Ada")]))
    };
    for (method, path, allow) in [
        ("POST", format!("/checkout/{id}"), "GET, HEAD"),
        ("PUT", format!("/checkout/{id}/"), "GET, HEAD"),
        ("OPTIONS", format!("/checkout/{id}/payer"), "GET, HEAD, POST"),
        ("PATCH", format!("/checkout/{id}/bank"), "GET, HEAD, POST"),
        ("DELETE", format!("/checkout/{id}/cancel"), "GET, HEAD, POST"),
        ("POST", format!("/checkout/{id}/receipt"), "GET, HEAD"),
        ("POST", format!("/checkout/{id}/return"), "GET, HEAD"),
        ("POST", format!("/checkout/{id}/bank/1"), "GET, HEAD"),
        ("PUT", format!("/mock-bank/{id}/1"), "GET, HEAD, POST"),
        ("DELETE", format!("/refunds/{id}"), "GET, HEAD, POST"),
    ] {
        let refused = send(method, &path).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.headers["allow"]),
            (405, &allow.parse().unwrap()),
            "{method} {path}"
        );
        assert!(refused.html.contains("<h1"), "{method} {path}: {}", refused.html);
    }
    for (method, path, to) in [
        ("GET", format!("/checkout/{id}/"), format!("/checkout/{id}")),
        ("GET", format!("/checkout/{id}/?v3=1"), format!("/checkout/{id}?v3=1")),
        ("GET", format!("/checkout/{id}/payer/"), format!("/checkout/{id}/payer")),
        ("POST", format!("/checkout/{id}/payer/"), format!("/checkout/{id}/payer")),
        ("GET", format!("/checkout/{id}/return/"), format!("/checkout/{id}/return")),
        ("GET", format!("/mock-bank/{id}/1/"), format!("/mock-bank/{id}/1")),
        ("POST", format!("/mock-bank/{id}/1/"), format!("/mock-bank/{id}/1")),
        ("GET", format!("/refunds/{id}/"), format!("/refunds/{id}")),
        ("POST", format!("/refunds/{id}/"), format!("/refunds/{id}")),
    ] {
        let found = send(method, &path).await;
        assert_eq!((found.status.as_u16(), found.location), (308, Some(to)), "{method} {path}");
    }
    for path in ["/checkout/x/".to_owned(), format!("/checkout/{id}/a/b"), "/refunds/x/".to_owned()] {
        let missing = send("GET", &path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert!(missing.html.contains("<h1"), "{path}");
    }
    for (method, path, allow) in [
        (Method::OPTIONS, "/v2/payment_sessions", "GET, HEAD, POST"),
        (Method::PUT, "/v2/webhooks/x", "DELETE, GET, HEAD, PATCH"),
        (Method::GET, "/oauth/token", "POST"),
    ] {
        let refused = answer(world.demo(method, path)).await;
        assert_eq!((refused.status.as_u16(), &refused.headers["allow"]), (405, &allow.parse().unwrap()), "{path}");
    }
}

#[tokio::test]
async fn every_route_reads_json_in_one_way() {
    let world = World::with_webhooks().await;
    let webhook = world.register("http://127.0.0.1:9911/hooks", json!({})).await;
    let webhook = format!("/v2/webhooks/{}", text(&webhook["id"]));
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for (method, path) in [
        (Method::POST, "/v2/payment_sessions"),
        (Method::POST, "/api/v2/payment_sessions"),
        (Method::POST, "/v2/refunds"),
        (Method::POST, "/v2/webhooks"),
        (Method::PATCH, &webhook),
        (Method::POST, "/oauth/token"),
    ] {
        let send = |body: &str| {
            let request = world.demo(method.clone(), path).header("content-type", "application/json");
            answer(request.body(body.to_owned()))
        };
        for body in [r#"{"x":1e400}"#, r#"{"x":"\ud800"}"#, &deep, "{", r#"{"x":1}{}"#] {
            let refused = send(body).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code()),
                (400, "bad_request"),
                "{method} {path}: {}",
                refused.text
            );
        }
        let refused = send(r#"{"x":{"a":[{"url":1,"url":1}]}}"#).await;
        assert!(
            refused.status == 400 && refused.text.contains("x.a[0].url is given twice"),
            "{path}: {}",
            refused.text
        );
    }
}

#[tokio::test]
async fn a_merchant_that_there_is_and_one_that_there_is_not_cost_the_same_reads() {
    let world = World::start().await;
    // Others' requests must not make a difference: the merchant is remembered.
    let list = || world.request(Method::GET, "/v2/payment_sessions");
    assert_eq!(answer(list().basic_auth(DEMO.0, Some(DEMO.1))).await.status, 200);
    let forged = |merchant: &str| {
        let (id, secret) = (format!("pk_test_{merchant}"), format!("sk_test_{merchant}"));
        let key =
            api::known_key(&id, &secret, models::Scopes::ALL, samples::now(), &runtime::Random::System).unwrap().key;
        api::mint(&key, models::Scopes::ALL, samples::now().as_second(), api::TOKEN_LIFETIME_S).unwrap()
    };
    let reads = async |merchant: &str, kind: &str| {
        world.settled().await;
        world.machine.meter().take();
        for _ in 0..3 {
            let secret = format!("sk_test_{merchant}_wrong");
            let request = match kind {
                "basic" => list().basic_auth(format!("pk_test_{merchant}"), Some(secret)),
                "secret" => list().bearer_auth(secret),
                _ => list().bearer_auth(forged(merchant)),
            };
            assert_eq!(answer(request).await.status, 401);
        }
        world.machine.meter().counts().calls_of("GetFunction")
    };
    // Each kind is tried on ids that were not refused before: the second refusal within a second reads nothing.
    for kind in ["basic", "secret", "token"] {
        let (known, _) = world.merchant(&format!("known{kind}"), models::Mode::Test, "all").await;
        let known = known.split('_').nth(2).unwrap().to_owned();
        let (there, not_there) = (reads(&known, kind).await, reads(&format!("nobody{kind}"), kind).await);
        assert_eq!(there, not_there, "{kind}");
        assert!((1..=3).contains(&there), "{kind}: {there}");
    }
    // The demo merchant was read just now, by a request that was good; that must not spare the read.
    assert_eq!(answer(list().basic_auth(DEMO.0, Some(DEMO.1))).await.status, 200);
    assert_eq!(reads("demo", "basic").await, reads("nobody", "basic").await);
}
