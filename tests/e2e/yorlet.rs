//! What the tests of Yorlet's format share: a merchant with a customer, who speaks it.

use models::{Customer, CustomerId, Mode};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use store::{CustomerCreated, Customers};
use tests::{Answer, DEMO, Payer, World, answer, text};

pub(crate) const SESSIONS: &str = "/v1/payment_sessions";

/// A request with the demo merchant's secret key as a bearer token.
pub(crate) fn demo(world: &World, method: Method, path: &str) -> RequestBuilder {
    world.request(method, path).bearer_auth(DEMO.1)
}

/// Posts as the demo merchant.
pub(crate) async fn post(world: &World, path: &str, body: &Value) -> Answer {
    answer(demo(world, Method::POST, path).json(body)).await
}

/// Reads as the demo merchant; it has to be there.
pub(crate) async fn get(world: &World, path: &str) -> Value {
    let answer = answer(demo(world, Method::GET, path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.body
}

/// A test customer of the demo merchant.
pub(crate) async fn customer(world: &World) -> Customer {
    customer_of(world, "demo", Mode::Test).await
}

/// A merchant's customer.
pub(crate) async fn customer_of(world: &World, merchant: &str, mode: Mode) -> Customer {
    let customer = samples::customer(&merchant.parse().unwrap(), mode, samples::now());
    match Customers::new(world.table()).create(customer, None).await.unwrap() {
        CustomerCreated::New(customer) => *customer,
        other @ (CustomerCreated::Existing(..) | CustomerCreated::Deleted) => panic!("{other:?}"),
    }
}

pub(crate) fn customer_id(id: CustomerId) -> String {
    format!("cus_{}", id.to_base62())
}

/// What has to be said of a session, for this customer.
pub(crate) fn least(customer: &Customer) -> Value {
    json!({
        "amount": 10_000,
        "currency": "gbp",
        "customer": customer_id(customer.id),
        "mode": "payment",
        "payment_method_types": ["pay_by_bank"],
    })
}

/// With these fields changed.
pub(crate) fn with(request: &Value, fields: Value) -> Value {
    let mut request = request.clone();
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

/// Creates a session as the demo merchant.
pub(crate) async fn create(world: &World, request: &Value) -> Value {
    let answer = post(world, SESSIONS, request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body
}

/// The session as the demo merchant reads it.
pub(crate) async fn read(world: &World, session: &Value) -> Value {
    get(world, &format!("{SESSIONS}/{}", text(&session["id"]))).await
}

/// Its transaction, whether it is paid or not.
pub(crate) async fn transaction(world: &World, session: &Value) -> Value {
    get(world, &format!("/v1/transactions/{}", transaction_id(session))).await
}

pub(crate) fn transaction_id(session: &Value) -> String {
    text(&session["id"]).replacen("py_sess_", "txn_", 1)
}

/// The session's own id, which its checkout's address ends in.
pub(crate) fn own_id(session: &Value) -> String {
    let url = text(&session["url"]);
    url.rsplit('/').next().unwrap().to_owned()
}

/// A payer at the session's checkout.
pub(crate) fn payer<'a>(world: &'a World, session: &Value) -> Payer<'a> {
    world.payer(&json!({ "id": own_id(session) }))
}

/// A session that has been paid by bank.
pub(crate) async fn paid(world: &World, request: &Value) -> Value {
    let session = create(world, request).await;
    let payer = payer(world, &session);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    read(world, &session).await
}
