//! Creating and reading a session, as documents 1 and 2 show it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{World, answer, document_1, states, text};

use crate::yorlet::{SESSIONS, customer_of, least, with};

/// Document 1's own command, as a shell would send it.
const DOCUMENT_1_BODY: &str = r#"{
    "reference": "Illuminate",
    "success_url": "http://example.com/success?id=__PAYMENT_ID__",
    "error_url": "http://example.com/error",
    "line_items": [
      {
        "name": "Candles",
        "amount": 100,
        "currency": "GBP",
        "quantity": 4
      }
    ],
    "payee": {
      "name": "Gerald Wiley",
      "account_number": "12345678",
      "sort_code": "010203"
      },
    "email_receipt": true
}"#;

#[tokio::test]
async fn document_1_from_token_to_status() {
    let world = World::start().await;
    let token = answer(
        world
            .demo(Method::POST, "/oauth/token")
            .form(&[("grant_type", "client_credentials"), ("scope", "payment_sessions:read payment_sessions:write")]),
    )
    .await;
    assert_eq!(token.status, StatusCode::OK, "{}", token.text);
    assert_eq!(token.body["token_type"], "Bearer");
    assert_eq!(token.body["expires_in"], 7200);
    assert_eq!(token.body["scope"], "payment_sessions:read payment_sessions:write");
    assert!(token.body["created_at"].is_i64());
    let token = text(&token.body["access_token"]);

    let created = answer(
        world
            .request(Method::POST, "/v2/payment_sessions")
            .header("content-type", "application/json")
            .bearer_auth(&token)
            .body(DOCUMENT_1_BODY),
    )
    .await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let session = &created.body;
    let id = text(&session["id"]);
    let api = world.machine.api_url();
    let expected = json!({
        "amount": 400,
        "currency": "GBP",
        "error_url": "http://example.com/error",
        "line_items": [{ "amount": 100, "currency": "GBP", "description": null, "name": "Candles", "quantity": 4 }],
        "live": false,
        "payee": { "account_number": "12345678", "name": "Gerald Wiley", "sort_code": "010203" },
        "reference": "Illuminate",
        "state": "awaiting_payer",
        "success_url": format!("http://example.com/success?id={id}"),
        "url": format!("{api}/checkout/{id}"),
        "email_receipt": true,
        "refunds": [],
        "metadata": {},
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&session[field], value, "{field}");
    }
    assert!(session.get("payer").is_none());
    assert_ne!(session["end_to_end_id"], session["id"]);
    // `2019-11-01 15:48:26 UTC`
    for time in ["created_at", "expires_at"] {
        let time = text(&session[time]);
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00 00:00:00 UTC");
    }

    let read = answer(world.request(Method::GET, &format!("/v2/payment_sessions/{id}")).bearer_auth(&token)).await;
    assert_eq!(read.status, StatusCode::OK);
    assert_eq!(read.text, created.text);
}

#[tokio::test]
async fn document_2s_three_commands() {
    let world = World::start().await;
    let body = json!({
        "reference": "Illuminate",
        "success_url": "http://example.com/success",
        "error_url": "http://example.com/error",
        "line_items": [{ "name": "Candles", "amount_cents": 100, "currency": "GBP", "quantity": 4 }],
        "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "123456" },
    });
    for slash in ["", "/"] {
        let path = |id: &str| format!("/api/v2/payment_sessions{id}{slash}");
        let created = answer(world.demo(Method::POST, &path("")).json(&body)).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        assert_eq!(created.body["amount"], 400);
        assert_eq!(
            created.body["line_items"],
            json!([{ "amount_cents": 100, "currency": "GBP", "description": null, "name": "Candles", "quantity": 4 }])
        );
        assert_eq!(created.body["email_receipt"], false);
        let id = format!("/{}", text(&created.body["id"]));
        let read = answer(world.demo(Method::GET, &path(&id))).await;
        assert_eq!((read.status, &read.text), (StatusCode::OK, &created.text));
        // The newer API shows the same session in its own words.
        let newer = answer(world.demo(Method::GET, &format!("/v2/payment_sessions{id}{slash}"))).await;
        assert_eq!(newer.body["line_items"][0]["amount"], 100);
        let deleted = answer(world.demo(Method::DELETE, &path(&id))).await;
        assert_eq!((deleted.status, deleted.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(answer(world.demo(Method::GET, &path(&id))).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_receipt_that_is_asked_for_has_an_address_before_a_bank_is_chosen() {
    let world = World::start().await;
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer" });
    let create =
        || world.demo(Method::POST, "/v2/payment_sessions").header("idempotency-key", "order-7").json(&request);
    let created = answer(create()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let session = created.body;
    assert_eq!(states(&session), ["awaiting_payer"]);
    assert_eq!(session["payer"], json!({ "name": "Ada Payer", "email": null }));
    let payer = world.payer(&session);
    let page = payer.page().await;
    assert!(page.html.contains("name=\"email\"") && !page.html.contains("name=\"name\"") && !page.html.contains("Ada"));
    assert_eq!(payer.post("payer", &[("email", "")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(payer.post("payer", &[("email", "ada@bücher.example")]).await.status, StatusCode::SEE_OTHER);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let paid = world.get(&text(&session["id"])).await;
    assert_eq!(paid["state"], "sent");
    // As the DNS has it, and as SES accepts it.
    assert_eq!(paid["payer"], json!({ "name": "Ada Payer", "email": "ada@xn--bcher-kva.example" }));
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ada@xn--bcher-kva.example"]);
    // A repeat says what was known then.
    let again = answer(create()).await;
    assert_eq!((again.status, again.body), (StatusCode::CREATED, session));
    // Without a receipt, the name is enough.
    request["email_receipt"] = json!(false);
    assert_eq!(states(&world.create_from(&request).await), ["awaiting_provider"]);
}

#[tokio::test]
async fn json_may_begin_with_a_byte_order_mark() {
    let world = World::start().await;
    let create = |body: String| {
        let request = world.demo(Method::POST, "/v2/payment_sessions").header("idempotency-key", "order-7");
        request.header("content-type", "application/json").body(body)
    };
    let created = answer(create(format!("\u{feff}{DOCUMENT_1_BODY}"))).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let again = answer(create(DOCUMENT_1_BODY.to_owned())).await;
    assert_eq!((again.status, again.text), (StatusCode::CREATED, created.text));
    let token = world.demo(Method::POST, "/oauth/token").header("content-type", "application/json");
    assert_eq!(answer(token.body("\u{feff}{}")).await.status, StatusCode::OK);
    let form = world.demo(Method::POST, "/oauth/token").header("content-type", "application/x-www-form-urlencoded");
    let refused = answer(form.body("scope=%FF")).await;
    assert_eq!((refused.status, &refused.body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
}

#[tokio::test]
async fn a_known_payer_skips_the_first_page() {
    let world = World::start().await;
    let mut request = document_1();
    request["payer"] = json!({ "name": "Ada Payer", "email": "ada@example.com" });
    request["metadata"] = json!({ "order": "42" });
    request["expires_in_seconds"] = json!(60);
    let session = world.create_from(&request).await;
    assert_eq!(session["state"], "awaiting_provider");
    assert_eq!(session["payer"], request["payer"]);
    assert_eq!(session["metadata"], request["metadata"]);
    assert_eq!(states(&session), ["awaiting_provider"]);
    let page = world.payer(&session).page().await;
    assert!(page.html.contains("Mock Bank") && !page.html.contains("Ada") && !page.html.contains("ada@example.com"));
}

#[tokio::test]
async fn the_placeholder_is_replaced_wherever_it_stands_and_urls_are_optional() {
    let world = World::start().await;
    let mut request = document_1();
    request["success_url"] = json!("https://shop.example/__PAYMENT_ID__/thanks?a=__PAYMENT_ID__");
    request["error_url"] = json!("https://shop.example/__PAYMENT_ID__");
    let session = world.create_from(&request).await;
    let id = text(&session["id"]);
    assert_eq!(session["success_url"], format!("https://shop.example/{id}/thanks?a={id}"));
    assert_eq!(session["error_url"], format!("https://shop.example/{id}"));
    for url in ["success_url", "error_url"] {
        request.as_object_mut().unwrap().remove(url);
    }
    let session = world.create_from(&request).await;
    assert_eq!((&session["success_url"], &session["error_url"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_longest_url_can_be_read_back() {
    let world = World::start().await;
    let mut request = document_1();
    let url = |length: usize| format!("https://shop.example/{}__PAYMENT_ID__", "a".repeat(length - 21 - 36));
    request["success_url"] = json!(url(2048));
    let session = world.create_from(&request).await;
    assert_eq!(text(&session["success_url"]).len(), 2048);
    assert_eq!(world.get(&text(&session["id"])).await, session);
    request["success_url"] = json!(url(2049));
    let refused = answer(world.demo(Method::POST, "/v2/payment_sessions").json(&request)).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "invalid_success_url"));
}

#[tokio::test]
async fn a_new_key_is_good_at_once() {
    let world = World::start().await;
    let (key, secret) = world.merchant("acme", models::Mode::Test, "all").await;
    let create = |key: String, secret: String| {
        answer(world.request(Method::POST, "/v2/payment_sessions").basic_auth(key, Some(secret)).json(&document_1()))
    };
    assert_eq!(create(key, secret).await.status, StatusCode::CREATED);
    // The function remembers the merchant now. A second later a key that it doesn't know makes it read again.
    let deadline = tokio::time::Instant::now() + tests::PATIENCE;
    let (key, secret) = world.merchant("acme", models::Mode::Test, "all").await;
    while create(key.clone(), secret.clone()).await.status != StatusCode::CREATED {
        assert!(tokio::time::Instant::now() < deadline, "the new key is not accepted");
    }
}

#[tokio::test]
async fn a_list_of_large_sessions_is_answered_in_parts() {
    let world = World::start().await;
    let mut request = document_1();
    let values = (0..50).map(|n| (format!("key {n}"), json!("\"".repeat(500)))).collect::<serde_json::Map<_, _>>();
    request["metadata"] = Value::Object(values);
    for _ in 0..60 {
        world.create_from(&request).await;
    }
    let mut query = String::new();
    let mut found = 0;
    loop {
        let page = answer(world.demo(Method::GET, &format!("/v2/payment_sessions?{query}"))).await;
        assert_eq!(page.status, StatusCode::OK, "{:.200}", page.text);
        found += page.body["data"].as_array().unwrap().len();
        match page.body["next_cursor"].as_str() {
            Some(cursor) => query = format!("cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, 60);
}

#[tokio::test]
async fn a_live_key_has_no_bank_but_the_one_that_only_local_enables() {
    let world = World::start().await;
    let (key, secret) = world.merchant("acme", models::Mode::Live, "all").await;
    let create = |world: &World| {
        answer(world.request(Method::POST, "/v2/payment_sessions").basic_auth(&key, Some(&secret)).json(&document_1()))
    };
    let refused = create(&world).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"));

    let world = World::start_with(|config| {
        config.environment.insert("LOCAL_LIVE_CONNECTOR".into(), "1".into());
    })
    .await;
    let (key, secret) = world.merchant("acme", models::Mode::Live, "all").await;
    let request = world.request(Method::POST, "/v2/payment_sessions").basic_auth(&key, Some(&secret));
    let created = answer(request.json(&document_1())).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    assert_eq!(created.body["live"], true);
    let payer = world.payer(&created.body);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let path = format!("/v2/payment_sessions/{}", text(&created.body["id"]));
    let read = answer(world.request(Method::GET, &path).basic_auth(&key, Some(&secret))).await;
    assert_eq!(read.body["state"], "sent");
    // A test key sees nothing of it.
    assert_eq!(answer(world.demo(Method::GET, &path)).await.status, StatusCode::NOT_FOUND);
}

/// Where TrueLayer alone moves the money of live sessions.
#[tokio::test]
async fn a_live_session_that_could_never_be_paid_is_not_created() {
    let world = World::start_with(|config| {
        let secret = "arn:aws:secretsmanager:eu-west-2:000000000000:secret:truelayer-AbCdEf";
        for (name, value) in [("TrueLayer", "live"), ("TrueLayerSecretArn", secret), ("Formats", "banked,yorlet")] {
            config.parameters.insert(name.into(), value.into());
        }
    })
    .await;
    let (_, secret) = world.merchant("acme", models::Mode::Live, "all").await;
    let create = |path: &str, body: &Value| answer(world.request(Method::POST, path).bearer_auth(&secret).json(body));
    let created = create("/v2/payment_sessions", &document_1()).await;
    assert_eq!((created.status, &created.body["live"]), (StatusCode::CREATED, &json!(true)), "{}", created.text);

    // Nobody could reach the one payer that the checkout would not ask for an address.
    for (payer, receipt, wrong) in [
        (json!({ "name": "Ada Payer" }), false, Some("payer.email")),
        (json!({ "name": "Ada Payer" }), true, None),
        (json!({ "name": "Ada Payer", "email": "ada@example.com" }), false, None),
    ] {
        let request = with(&document_1(), json!({ "payer": payer, "email_receipt": receipt }));
        let created = create("/v2/payment_sessions", &request).await;
        let expected = if wrong.is_none() { StatusCode::CREATED } else { StatusCode::UNPROCESSABLE_ENTITY };
        let seen = (created.status, created.body["errors"][0]["source"]["parameter"].as_str());
        assert_eq!(seen, (expected, wrong), "{request}: {}", created.text);
    }

    let customer = customer_of(&world, "acme", models::Mode::Live).await;
    for (currency, methods, wrong) in [
        ("gbp", &["pay_by_bank"][..], None),
        ("gbp", &["card", "pay_by_bank"], None),
        ("gbp", &["card"], Some("payment_method_types")),
        ("gbp", &["bank_transfer"], Some("payment_method_types")),
        // The merchant has no account that receives euros.
        ("eur", &["pay_by_bank", "sepa_debit"], Some("payment_method_types")),
        ("sek", &["pay_by_bank", "autogiro"], Some("currency")),
    ] {
        let request = with(&least(&customer), json!({ "currency": currency, "payment_method_types": methods }));
        let created = create(SESSIONS, &request).await;
        let expected = if wrong.is_none() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        let seen = (created.status, created.body["error"]["param"].as_str());
        assert_eq!(seen, (expected, wrong), "{request}: {}", created.text);
    }
}
