//! Who may do what.

use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::json;
use store::Merchants;
use tests::{DEMO, World, answer, document_1, text};

#[tokio::test]
async fn tokens_by_form_json_or_nothing_on_either_path() {
    let world = World::start().await;
    let requests = [
        world.demo(Method::POST, "/oauth/token").form(&[("grant_type", "client_credentials")]),
        world.demo(Method::POST, "/token").form(&[("scope", "payment_sessions:read")]),
        world
            .demo(Method::POST, "/token")
            .json(&json!({ "grant_type": "client_credentials", "scope": "refunds:write" })),
        world.demo(Method::POST, "/oauth/token"),
        // Banked's clients send an application's id as the scope.
        world.demo(Method::POST, "/oauth/token").form(&[("scope", "0e61cc47-6b92-4a6a-8951-3ddd8a462ee8")]),
        // One that is mistyped grants nothing.
        world.demo(Method::POST, "/oauth/token").form(&[("scope", "payment_sessions:read refund:write")]),
    ];
    let all = "payment_sessions:read payment_sessions:write refunds:write webhooks:write";
    for (request, scope) in
        requests.into_iter().zip([all, "payment_sessions:read", "refunds:write", all, all, "payment_sessions:read"])
    {
        let token = answer(request).await;
        assert_eq!((token.status, token.body["scope"].as_str()), (StatusCode::OK, Some(scope)), "{}", token.text);
        assert_eq!(token.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_token_request_is_said_in_both_ways() {
    let world = World::start().await;
    let token = |request: reqwest::RequestBuilder| answer(request);
    let cases = [
        (world.request(Method::POST, "/token"), 401, "unauthorized", "invalid_client"),
        (
            world.request(Method::POST, "/token").basic_auth(DEMO.0, Some("sk_test_other")),
            401,
            "unauthorized",
            "invalid_client",
        ),
        (world.request(Method::POST, "/token").bearer_auth(DEMO.1), 401, "unauthorized", "invalid_client"),
        (world.demo(Method::POST, "/token").form(&[("grant_type", "password")]), 400, "bad_request", "invalid_request"),
        (
            world.demo(Method::POST, "/token").header("content-type", "text/plain").body("x"),
            415,
            "invalid_request",
            "invalid_request",
        ),
        (
            world.demo(Method::POST, "/token").header("content-type", "application/json").body("{"),
            400,
            "bad_request",
            "invalid_request",
        ),
    ];
    for (request, status, code, error) in cases {
        let refused = token(request).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code(), refused.body["error"].as_str()),
            (status, code, Some(error)),
            "{}",
            refused.text
        );
    }
}

#[tokio::test]
async fn a_token_may_not_do_what_its_scope_leaves_out() {
    let world = World::start().await;
    let session = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    for (scope, read, write) in [
        ("payment_sessions:read", StatusCode::OK, StatusCode::FORBIDDEN),
        ("payment_sessions:write", StatusCode::FORBIDDEN, StatusCode::CREATED),
        ("refunds:write", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
    ] {
        let token = answer(world.demo(Method::POST, "/token").form(&[("scope", scope)])).await;
        let token = text(&token.body["access_token"]);
        let with = |method: Method, path: &str| world.request(method, path).bearer_auth(&token);
        assert_eq!(answer(with(Method::GET, &path)).await.status, read, "{scope}");
        assert_eq!(answer(with(Method::GET, "/v2/payment_sessions")).await.status, read, "{scope}");
        let created = answer(with(Method::POST, "/v2/payment_sessions").json(&document_1())).await;
        assert_eq!(created.status, write, "{scope}");
        if write == StatusCode::FORBIDDEN {
            assert_eq!(created.code(), "forbidden");
            assert_eq!(answer(with(Method::DELETE, &path)).await.code(), "forbidden");
            assert_eq!(answer(with(Method::POST, &format!("{path}/cancel"))).await.code(), "forbidden");
        }
    }
    // A key that was issued with fewer scopes can't get more by a token.
    let (key, secret) = world.merchant("acme", Mode::Test, "payment_sessions:read").await;
    let token = |scope: &'static str| {
        answer(world.request(Method::POST, "/token").basic_auth(&key, Some(&secret)).form(&[("scope", scope)]))
    };
    assert_eq!(token("payment_sessions:read payment_sessions:write").await.body["scope"], "payment_sessions:read");
    assert_eq!(token("payment_sessions:write").await.status, StatusCode::BAD_REQUEST);
    let create = world.request(Method::POST, "/v2/payment_sessions").basic_auth(&key, Some(&secret));
    assert_eq!(answer(create.json(&document_1())).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_secret_key_is_a_bearer_too() {
    let world = World::start().await;
    let list = |secret: &str| answer(world.request(Method::GET, "/v2/payment_sessions").bearer_auth(secret));
    assert_eq!(list(DEMO.1).await.status, StatusCode::OK);
    for wrong in ["sk_test_demo2", "sk_live_demo", "sk_test_nobody", "pk_test_demo", "x", "a.b.c"] {
        let refused = list(wrong).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{wrong}");
        assert!(refused.headers.contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn another_merchants_session_is_not_there() {
    let world = World::start().await;
    let session = world.create().await;
    let path = format!("/v2/payment_sessions/{}", text(&session["id"]));
    let (key, secret) = world.merchant("acme", Mode::Test, "all").await;
    for (method, path) in
        [(Method::GET, path.clone()), (Method::DELETE, path.clone()), (Method::POST, format!("{path}/cancel"))]
    {
        let refused = answer(world.request(method.clone(), &path).basic_auth(&key, Some(&secret))).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "not_found"), "{method} {path}");
    }
    let list = answer(world.request(Method::GET, "/v2/payment_sessions").basic_auth(&key, Some(&secret))).await;
    assert_eq!(list.body["data"], json!([]));
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payer");
    // The other merchant has no such linked account.
    let mut request = document_1();
    request["payee"]["sort_code"] = json!("123456");
    let refused =
        answer(world.request(Method::POST, "/v2/payment_sessions").basic_auth(&key, Some(&secret)).json(&request))
            .await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "invalid_payee_account_identifier"));
}

#[tokio::test]
async fn a_revoked_key_and_its_tokens_end() {
    let world = World::start().await;
    let (key, secret) = world.merchant("acme", Mode::Test, "all").await;
    let token = answer(world.request(Method::POST, "/token").basic_auth(&key, Some(&secret))).await;
    let token = text(&token.body["access_token"]);
    assert!(Merchants::new(world.table()).revoke_key(&key.parse().unwrap(), samples::now(), None).await.unwrap());
    // `get` has not seen the merchant yet, so it reads the key as it is now.
    let list = || world.request(Method::GET, "/v2/payment_sessions");
    assert_eq!(answer(list().basic_auth(&key, Some(&secret))).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer(list().bearer_auth(&secret)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer(list().bearer_auth(&token)).await.status, StatusCode::UNAUTHORIZED);
}
