//! Everything that is refused over HTTP: status, code and shape. The rules of single fields have a table of their own,
//! in `shared/api/src/banked/tests.rs`.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Answer, World, answer, document_1, page, text};

/// The documented shape: a list of errors with `code`, `title` and `source.parameter`, and nothing else.
fn check_shape(refused: &Answer) {
    assert_eq!(refused.headers["content-type"], "application/json");
    let errors = refused.body["errors"].as_array().unwrap_or_else(|| panic!("{}", refused.text));
    assert!(!errors.is_empty());
    for error in errors {
        let fields: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["code", "source", "title"]);
        assert!(!text(&error["title"]).is_empty());
        assert!(error["source"].as_object().unwrap().contains_key("parameter"));
    }
}

#[tokio::test]
async fn every_refusal_has_its_status_and_code() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let one = format!("/v2/payment_sessions/{id}");
    let create = |content_type: &str, body: Vec<u8>| -> RequestBuilder {
        world.demo(Method::POST, "/v2/payment_sessions").header("content-type", content_type).body(body)
    };
    let json_type = "application/json";
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(64 * 1024));
    let post = |path: &str| world.request(Method::POST, path).json(&document_1());
    let cases: Vec<(&str, RequestBuilder, u16, &str)> = vec![
        ("no credentials", post("/v2/payment_sessions"), 401, "unauthorized"),
        (
            "a wrong secret",
            post("/v2/payment_sessions").basic_auth("pk_test_demo", Some("sk_test_x")),
            401,
            "unauthorized",
        ),
        ("another scheme", post("/v2/payment_sessions").header("authorization", "Digest x"), 401, "unauthorized"),
        ("no base64", post("/v2/payment_sessions").header("authorization", "Basic %%%"), 401, "unauthorized"),
        ("malformed JSON", create(json_type, b"{\"reference\":".to_vec()), 400, "bad_request"),
        ("no JSON object", create(json_type, b"[]".to_vec()), 400, "bad_request"),
        ("no body", create(json_type, Vec::new()), 400, "bad_request"),
        ("not UTF-8", create(json_type, b"{\"reference\":\"\xff\"}".to_vec()), 400, "bad_request"),
        (
            "deep nesting",
            create(json_type, format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000)).into_bytes()),
            400,
            "bad_request",
        ),
        (
            "deep nesting",
            create(json_type, format!("{{\"x\":{}1{}}}", "[".repeat(2_000), "]".repeat(2_000)).into_bytes()),
            400,
            "bad_request",
        ),
        ("a form", create("application/x-www-form-urlencoded", b"reference=x".to_vec()), 415, "invalid_request"),
        ("text", create("text/plain", document_1().to_string().into_bytes()), 415, "invalid_request"),
        ("a long body", create(json_type, long.into_bytes()), 413, "invalid_request"),
        ("an empty object", create(json_type, b"{}".to_vec()), 422, "invalid_reference"),
        ("an unknown path", world.demo(Method::GET, "/v3/payment_sessions"), 404, "not_found"),
        ("the root", world.request(Method::GET, "/"), 404, "not_found"),
        ("a wrong method", world.demo(Method::PUT, "/v2/payment_sessions"), 405, "method_not_allowed"),
        ("a wrong method", world.demo(Method::PATCH, &one), 405, "method_not_allowed"),
        ("a wrong method", world.demo(Method::GET, &format!("{one}/cancel")), 405, "method_not_allowed"),
        ("a wrong method", world.request(Method::GET, "/oauth/token"), 405, "method_not_allowed"),
        ("a wrong method", world.request(Method::DELETE, &format!("/api{one}/cancel")), 405, "method_not_allowed"),
        ("an unknown path", world.demo(Method::GET, "/v2/payments"), 404, "not_found"),
        ("an unknown path", world.demo(Method::POST, "/api/v2/payment_sessions/x/y/z"), 404, "not_found"),
        ("a wrong method", world.demo(Method::DELETE, "/v2/payment_sessions"), 405, "method_not_allowed"),
        ("a wrong method", world.demo(Method::POST, &one), 405, "method_not_allowed"),
        ("a wrong method", world.demo(Method::POST, &format!("{one}/")), 405, "method_not_allowed"),
        ("no id", world.demo(Method::GET, "/v2/payment_sessions/x"), 404, "not_found"),
        (
            "an id without hyphens",
            world.demo(Method::GET, &format!("/v2/payment_sessions/{}", id.replace('-', ""))),
            404,
            "not_found",
        ),
        (
            "an unknown id",
            world.demo(Method::GET, "/v2/payment_sessions/1ae1ce03-dfa9-4593-b487-65c656991cb5"),
            404,
            "not_found",
        ),
        (
            "an unknown id",
            world.demo(Method::POST, "/v2/payment_sessions/1ae1ce03-dfa9-4593-b487-65c656991cb5/cancel"),
            404,
            "not_found",
        ),
        ("a bad limit", world.demo(Method::GET, "/v2/payment_sessions?limit=1000"), 422, "invalid_request"),
        ("a bad cursor", world.demo(Method::GET, "/v2/payment_sessions?cursor=x"), 422, "invalid_request"),
    ];
    for (what, request, status, code) in cases {
        let refused = answer(request).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (status, code), "{what}: {}", refused.text);
        check_shape(&refused);
    }
    let put = answer(world.demo(Method::PUT, "/v2/payment_sessions")).await;
    assert_eq!(put.headers["allow"], "GET, HEAD, POST");
    // Nothing was written by any of it.
    let list = answer(world.demo(Method::GET, "/v2/payment_sessions")).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn all_that_is_wrong_is_named_at_once_and_nothing_is_written() {
    let world = World::start().await;
    let body = json!({
        "reference": "Not / allowed",
        "success_url": "javascript:alert(1)",
        "line_items": [{ "name": "Candles", "amount_cents": "100", "currency": "EUR", "quantity": 0 }],
        "payee": { "account_number": "1234", "sort_code": "010203" },
        "payer": { "name": "Ada", "email": "ada" },
    });
    let refused = answer(world.demo(Method::POST, "/api/v2/payment_sessions").json(&body)).await;
    assert_eq!(refused.status.as_u16(), 422);
    check_shape(&refused);
    let found: Vec<(&str, &str)> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["code"].as_str().unwrap(), error["source"]["parameter"].as_str().unwrap()))
        .collect();
    let expected = [
        ("invalid_reference", "reference"),
        ("invalid_success_url", "success_url"),
        ("invalid_line_items.amount_cents", "line_items[0].amount_cents"),
        ("invalid_currency", "line_items[0].currency"),
        ("invalid_request", "line_items[0].quantity"),
        ("invalid_payee_account_identifier", "payee.account_number"),
        ("invalid_payer_email", "payer.email"),
    ];
    assert_eq!(found, expected);
    let list = answer(world.demo(Method::GET, "/v2/payment_sessions")).await;
    assert_eq!(list.body, json!({ "data": [], "next_cursor": Value::Null }));
}

#[tokio::test]
async fn pages_are_refused_as_pages() {
    let world = World::start().await;
    for path in ["/checkout/x", "/checkout/1ae1ce03-dfa9-4593-b487-65c656991cb5", "/mock-bank/x/1"] {
        let refused = page(world.request(Method::GET, path)).await;
        assert_eq!(refused.status.as_u16(), 404);
        assert!(refused.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{path}");
    }
}

#[tokio::test]
async fn trouble_inside_is_not_shown_outside() {
    let world = World::start().await;
    for _ in 0..3 {
        world.machine.faults().add(local::Fault::new("PutItem", local::Effect::ServerError));
    }
    let refused = answer(world.demo(Method::POST, "/v2/payment_sessions").json(&document_1())).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "service_unavailable"));
    assert_eq!(refused.headers["retry-after"], "1");
    check_shape(&refused);
    for inside in ["PutItem", "DynamoDB", "InternalServerError", "http"] {
        assert!(!refused.text.contains(inside), "{}", refused.text);
    }
    // A process that dies in the middle is API Gateway's to answer.
    world.machine.faults().add(local::Fault::new("PutItem", local::Effect::KillBefore));
    let died = answer(world.demo(Method::POST, "/v2/payment_sessions").json(&document_1())).await;
    assert_eq!((died.status.as_u16(), died.body), (500, json!({ "message": "Internal Server Error" })));
    // The next request finds everything well.
    world.create().await;
}
