//! Who may send requests of Fintecture's format: tokens, and applications whose requests have to be signed.

use api::{ApiError, Formats, Refusal, SignatureFault};
use cancel::Cancel;
use create::{Create, Settings};
use get::Get;
use lambda_http::http::header::AUTHORIZATION;
use lambda_http::{Body, Request, RequestExt};
use models::Application;
use payments::Connections;
use refund::RefundFunction;
use reqwest::{Method, StatusCode};
use runtime::{Clock, Random};
use serde_json::{Value, json};
use store::{Merchants, StoreError};
use tests::{DEMO, World, answer};

/// One of each function's, with a body where it has one.
const REQUESTS: [(&str, &str, &str); 4] = [
    ("POST", "/pis/v2/connect", "{}"),
    ("GET", "/pis/v2/payments/0123456789abcdef0123456789abcdef", ""),
    ("PATCH", "/pis/v2/payments/0123456789abcdef0123456789abcdef", "{}"),
    ("POST", "/pis/v2/refund", "{}"),
];

/// With the format switched on, and the demo merchant's requests in it to be signed.
async fn signing() -> World {
    let world = World::start_with(|config| {
        config.parameters.insert("Formats".to_owned(), "banked,fintecture".to_owned());
    })
    .await;
    let signed = |there: Option<Application>| Ok::<_, StoreError>(Application { signed: true, ..there.unwrap() });
    let merchants = Merchants::new(world.table());
    let application = merchants.change_application(&DEMO.0.parse().unwrap(), signed).await.unwrap();
    assert_eq!(application.public_keys.len(), 1, "the demo key is an application");
    world
}

#[tokio::test]
async fn a_token_as_the_official_clients_ask_for_one() {
    let world = signing().await;
    let form = [("grant_type", "client_credentials"), ("app_id", DEMO.0), ("scope", "PIS")];
    let token = answer(world.demo(Method::POST, "/oauth/accesstoken").form(&form)).await;
    assert_eq!((token.status, &token.headers["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()));
    let mut said = token.body.clone();
    let bearer = said["access_token"].take().as_str().unwrap().to_owned();
    let rest = json!({ "access_token": Value::Null, "token_type": "Bearer", "expires_in": 3600, "scope": "PIS" });
    assert_eq!(said, rest);
    // It is the key's, whatever is called with it.
    let sessions = world.request(Method::GET, "/v2/payment_sessions").bearer_auth(&bearer);
    assert_eq!(answer(sessions).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_done_that_has_to_be_signed_and_is_not() {
    let world = signing().await;
    for (method, path, body) in REQUESTS {
        let request = world.demo(method.parse().unwrap(), path);
        let refused = answer(request.header("content-type", "application/json").body(body)).await;
        let said = (refused.status, &refused.body["code"], &refused.body["errors"][0]["code"]);
        let expected = (StatusCode::UNAUTHORIZED, &json!("unauthorized"), &json!("signature_missing"));
        assert_eq!(said, expected, "{method} {path}: {}", refused.text);
        assert!(refused.headers["www-authenticate"].to_str().unwrap().starts_with("Signature "));
    }
    let table = world.table();
    let settings = Settings {
        public_base_url: None,
        caps: "GBP:100000000".parse().unwrap(),
        formats: "banked,fintecture".parse::<Formats>().unwrap(),
        live_payments: false,
        local_live: false,
    };
    let (clock, random) = (Clock::System, Random::System);
    let create = Create::new(table.clone(), clock.clone(), random.clone(), settings).await;
    let get = Get::new(table.clone(), false, clock.clone()).await;
    let cancel = Cancel::new(table.clone(), Connections::mocks(false), clock.clone(), random.clone()).await;
    let refund = RefundFunction::new(table, Connections::mocks(false), clock, random, None).await;
    let [connect, payment, cancelled, refunded] = REQUESTS.map(request);
    for answered in [
        create.handle(connect).await,
        get.handle(payment).await,
        cancel.handle(cancelled).await,
        refund.handle(refunded).await,
    ] {
        assert!(
            matches!(answered, Err(ApiError::Refused(Refusal::Signature(SignatureFault::Missing)))),
            "{answered:?}"
        );
    }
}

/// As the demo merchant, to a function in this process.
fn request((method, path, body): (&str, &str, &str)) -> Request {
    let credentials = format!("Bearer {}", DEMO.1);
    let request = lambda_http::http::Request::builder().method(method).uri(path).header(AUTHORIZATION, credentials);
    request.body(Body::from(body)).unwrap().with_raw_http_path(path)
}
