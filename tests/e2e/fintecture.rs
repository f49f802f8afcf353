//! Payments in Fintecture's format, from their creation to the way back, and what the tests of it share.

use std::time::Duration;

use models::{Reference, SessionId};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use store::{Erased, Erasures};
use tests::{Answer, DEMO, PATIENCE, Payer, World, answer, loopback_webhooks, page, text};
use tokio::time::{Instant, sleep};

pub(crate) const PAYMENTS: &str = "/pis/v2/payments";
pub(crate) const CONNECT: &str = "/pis/v2/connect?state=order-7&redirect_uri=https://shop.example/back?order%3D7";

/// With the format switched on.
pub(crate) async fn world() -> World {
    World::start_with(|config| {
        config.parameters.insert("Formats".to_owned(), "banked,yorlet,fintecture".to_owned());
        loopback_webhooks(config);
    })
    .await
}

/// A request with the demo application's secret as a bearer token, which a token stands for.
pub(crate) fn demo(world: &World, method: Method, path: &str) -> RequestBuilder {
    world.request(method, path).bearer_auth(DEMO.1)
}

/// Posts as the demo application.
pub(crate) async fn post(world: &World, path: &str, body: &Value) -> Answer {
    answer(demo(world, Method::POST, path).json(body)).await
}

/// Reads as the demo application; it has to be there.
pub(crate) async fn get(world: &World, path: &str) -> Value {
    let answer = answer(demo(world, Method::GET, path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.body
}

/// What has to be said of a payment of €149.30 by somebody who is known.
pub(crate) fn least() -> Value {
    json!({
        "meta": { "psu_name": "Ada Payer" },
        "data": { "attributes": { "amount": "149.3", "currency": "EUR", "communication": "Order 7" } },
    })
}

/// The same with these fields of `meta`.
pub(crate) fn with_meta(fields: Value) -> Value {
    let mut request = least();
    request["meta"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

/// Creates a payment, and returns its id.
pub(crate) async fn create(world: &World, path: &str, request: &Value) -> String {
    let created = post(world, path, request).await;
    assert!(created.status.is_success(), "{}", created.text);
    text(&created.body["meta"]["session_id"])
}

/// The payment as the demo application reads it.
pub(crate) async fn read(world: &World, id: &str) -> Value {
    get(world, &format!("{PAYMENTS}/{id}")).await
}

/// Waits until the payment has this status.
pub(crate) async fn comes_to(world: &World, id: &str, status: &str) {
    let deadline = Instant::now() + PATIENCE;
    while read(world, id).await["meta"]["status"] != status {
        assert!(Instant::now() < deadline, "not {status} after {PATIENCE:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A payer at the checkout of the payment.
pub(crate) fn payer<'a>(world: &'a World, id: &str) -> Payer<'a> {
    world.payer(&json!({ "id": own_id(id).to_string() }))
}

/// The session of a payment.
pub(crate) fn own_id(id: &str) -> SessionId {
    SessionId::from_hex(id).unwrap()
}

/// A payment of €149.30 that is paid, by its id.
pub(crate) async fn paid(world: &World) -> String {
    let id = create(world, CONNECT, &least()).await;
    let payer = payer(world, &id);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    assert_eq!(read(world, &id).await["meta"]["status"], "payment_created");
    id
}

#[tokio::test]
async fn a_payment_by_bank_from_its_creation_to_the_way_back() {
    let world = world().await;
    let created = post(&world, CONNECT, &least()).await;
    let id = text(&created.body["meta"]["session_id"]);
    let url = format!("{}/checkout/{}", world.machine.api_url(), own_id(&id));
    let meta = json!({ "session_id": id, "url": url, "status": 200, "code": "connect_initiated" });
    assert_eq!((created.status, created.body), (StatusCode::OK, json!({ "meta": meta })));
    let how = async |status: &str, transfer_state: Value| {
        let payment = read(&world, &id).await;
        let meta = &payment["meta"];
        assert_eq!([&meta["status"], &meta["session_id"], &meta["state"]], [status, &id, "order-7"]);
        let said = [&payment["data"]["transfer_state"], &payment["data"]["attributes"]["transfer_state"]];
        assert_eq!(said, [&transfer_state; 2], "{payment}");
        payment
    };
    let awaiting = how("provider_required", json!(null)).await;
    let attributes = &awaiting["data"]["attributes"];
    let said = ["amount", "currency", "communication"].map(|name| text(&attributes[name]));
    assert_eq!(said, ["149.3", "EUR", "Order 7"], "as it was sent");
    let payer = payer(&world, &id);
    payer.choose_bank(1).await;
    how("sca_required", json!(null)).await;
    let back = payer.decide(1, "approve").await.location.unwrap();
    let paid = how("payment_created", json!("completed")).await;
    assert_eq!((&paid["meta"]["provider"], &paid["data"]["type"]), (&json!("mock-bank"), &json!("PayByBank")));
    let query = format!("order=7&session_id={id}&status=payment_created&state=order-7&provider=mock-bank");
    assert_eq!(back, format!("https://shop.example/back?{query}"));
    // At each of its addresses, also by the parameters that clients add.
    for path in ["/pis/v1/payments/ID", "/pis/v2/payments/ID?with_virtualbeneficiary=true", "/pis/v2/payments/ID/"] {
        assert_eq!(get(&world, &path.replace("ID", &id)).await, paid, "{path}");
    }
    let head = answer(demo(&world, Method::HEAD, &format!("{PAYMENTS}/{id}"))).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn each_end_leads_back_with_its_own_status() {
    let world = world().await;
    let connect = format!("{CONNECT}&origin_uri=https://shop.example/basket");
    let back = |page: &str, id: &str, status: &str, provider: &str| {
        Some(format!("https://shop.example/{page}session_id={id}&status={status}&state=order-7{provider}"))
    };
    let cancelled = create(&world, &connect, &least()).await;
    let location = payer(&world, &cancelled).cancel().await.location;
    assert_eq!(read(&world, &cancelled).await["meta"]["status"], "payment_cancelled");
    assert_eq!(read(&world, &cancelled).await["data"]["transfer_state"], "cancelled");
    let leads = page(world.request(Method::GET, &location.unwrap())).await;
    let url = back("basket?", &cancelled, "payment_cancelled", "").unwrap();
    assert!(leads.html.contains(&url.replace('&', "&#38;")), "{}", leads.html);

    // A refusal is no end: another bank can be chosen. What is over then is only the time.
    let refused = create(&world, &connect, &least()).await;
    let payer = payer(&world, &refused);
    payer.choose_bank(1).await;
    payer.decide(1, "refuse").await;
    assert_eq!(read(&world, &refused).await["meta"]["status"], "provider_required");

    let expired = create(&world, &connect, &with_meta(json!({ "expiry": 1 }))).await;
    comes_to(&world, &expired, "payment_expired").await;
    let shown = read(&world, &expired).await;
    assert_eq!((&shown["meta"]["status"], &shown["data"].get("transfer_state")), (&json!("payment_expired"), &None));
}

#[tokio::test]
async fn a_smart_transfer_waits_and_comes_in_parts() {
    let world = world().await;
    let request = with_meta(json!({ "payment_methods": [{ "id": "smart_transfer" }] }));
    let id = create(&world, CONNECT, &request).await;
    let how = async |status: &str, transfer_state: &str, received: Value| {
        let payment = read(&world, &id).await;
        assert_eq!(payment["data"]["type"], "ManualTransfer");
        assert_eq!([&payment["meta"]["status"], &payment["data"]["transfer_state"]], [status, transfer_state]);
        assert_eq!(payment["data"]["attributes"]["received_amount"], received);
        payment
    };
    payer(&world, &id).choose("mock-transfer", 1).await;
    let waiting = how("payment_waiting", "pending", json!(null)).await;
    let iban = text(&waiting["data"]["attributes"]["virtual_beneficiary"]["iban"]);
    assert!(iban.starts_with("FR") && iban.len() == 27, "{iban}");
    let session = store::Sessions::new(world.table()).get(&own_id(&id)).await.unwrap().unwrap();
    let reference = Reference::of_payment(&session.end_to_end_id);
    let send = async |amount: &str| {
        let transfer = uuid::Uuid::new_v4().to_string();
        let form = [
            ("id", transfer.as_str()),
            ("amount", amount),
            ("currency", "EUR"),
            ("reference", reference.as_str()),
            ("sender", "payer"),
        ];
        let sent = page(world.request(Method::POST, &format!("/mock-bank/{}/transfer", session.id)).form(&form)).await;
        assert!(sent.html.contains("It has arrived"), "{}", sent.html);
    };
    send("100.00").await;
    how("payment_partial", "insufficient", json!("100.00")).await;
    send("60.00").await;
    how("payment_created", "overpaid", json!("160.00")).await;
}

#[tokio::test]
async fn an_order_is_created_before_it_is_paid_later() {
    let world = world().await;
    let methods = ["immediate_transfer", "smart_transfer", "bnpl"].map(|id| json!({ "id": id }));
    let id = create(&world, CONNECT, &with_meta(json!({ "payment_methods": methods }))).await;
    let how = async |status: &str, payment_type: &str, transfer_state: Value| {
        let payment = read(&world, &id).await;
        let said = [&payment["meta"]["status"], &payment["meta"]["type"], &payment["data"]["type"]];
        assert_eq!(said, [status, payment_type, payment_type]);
        assert_eq!(payment["data"]["transfer_state"], transfer_state, "{payment}");
    };
    how("provider_required", "PayByBank", json!(null)).await;
    let payer = payer(&world, &id);
    payer.choose("mock-pay-later", 1).await;
    how("sca_required", "BuyNowPayLater", json!(null)).await;
    let link = payer.link(1).await;
    payer.consent(&link, "approve_then_settle").await;
    payer.come_back().await;
    how("order_created", "BuyNowPayLater", json!("processing")).await;
    // It may take some time: the page leads on if its payer wants to.
    let query = format!("order=7&session_id={id}&status=order_created&state=order-7&provider=mock-pay-later");
    let page = payer.page().await;
    assert!(page.html.contains(&query.replace('&', "&#38;")), "{}", page.html);
    // The provider pays after ten seconds, and is asked whenever the payer looks.
    let deadline = Instant::now() + PATIENCE;
    while read(&world, &id).await["meta"]["status"] == "order_created" {
        assert!(Instant::now() < deadline, "not paid after {PATIENCE:?}");
        sleep(Duration::from_millis(500)).await;
        payer.come_back().await;
    }
    how("payment_created", "BuyNowPayLater", json!("completed")).await;
}

#[tokio::test]
async fn what_is_not_there_is_said_as_clients_read_it() {
    let world = world().await;
    let banked = world.create().await;
    let theirs = world.merchant("acme", models::Mode::Test, "all").await;
    let created = world.request(Method::POST, CONNECT).basic_auth(&theirs.0, Some(&theirs.1));
    let mut pounds = least();
    pounds["data"]["attributes"]["currency"] = json!("GBP");
    let theirs = answer(created.json(&pounds)).await.body;
    let unknown = uuid::Uuid::new_v4().simple().to_string();
    let of_another_format = text(&banked["id"]).replace('-', "");
    let whole = create(&world, CONNECT, &least()).await;
    let not_found = async |path: &str, code: &str| {
        let refused = answer(demo(&world, Method::GET, path)).await;
        let body = &refused.body;
        assert_eq!(
            (refused.status, &body["status"], &body["code"]),
            (StatusCode::NOT_FOUND, &json!(404), &json!("not_found"))
        );
        assert_eq!(body["errors"][0]["code"], code, "{path}: {body}");
        assert!(!text(&body["log_id"]).is_empty());
    };
    let in_capitals = whole.to_uppercase();
    let theirs = text(&theirs["meta"]["session_id"]);
    for id in [unknown, of_another_format, theirs, in_capitals, own_id(&whole).to_string(), "7".to_owned()] {
        for version in ["v1", "v2"] {
            not_found(&format!("/pis/{version}/payments/{id}"), "session_id_invalid_or_expired").await;
        }
    }
    for path in ["/pis/v3/payments", "/pis/v2/settlements/7", "/pis/v2/payments/7/events", "/pis/v2/"] {
        not_found(path, "not_found").await;
    }
    // And in another's format this one's are not there.
    for path in [format!("/v2/payment_sessions/{}", own_id(&whole)), format!("/v1/payment_sessions/{whole}")] {
        assert_eq!(answer(demo(&world, Method::GET, &path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let wrong_method = answer(demo(&world, Method::POST, PAYMENTS).json(&json!({}))).await;
    assert_eq!(
        (wrong_method.status, &wrong_method.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
    );
    assert_eq!(wrong_method.body["code"], "not_found");
}

#[tokio::test]
async fn what_is_erased_leaves_the_payment() {
    let world = world().await;
    let id = paid(&world).await;
    world.settled().await;
    let before = read(&world, &id).await;
    assert!(before.to_string().contains("Ada Payer"));
    assert_eq!(Erasures::new(world.table()).erase(&own_id(&id), samples::now()).await.unwrap(), Erased::Done);
    let after = read(&world, &id).await;
    for personal in ["Ada", "order-7", "shop.example"] {
        assert!(!after.to_string().contains(personal), "{personal}: {after}");
    }
    assert_eq!(
        (&after["meta"]["status"], &after["data"]["transfer_state"]),
        (&json!("payment_created"), &json!("completed"))
    );
    assert_eq!(after["data"]["attributes"]["amount"], "149.30");
}
