//! What payments in Fintecture's format are created of: all of it is read back; once for each request id; and cancelled.

use api::{ApiError, Refusal};
use create::{Create, Settings};
use jiff::{SignedDuration, Timestamp};
use lambda_http::http::Request;
use lambda_http::{Body, RequestExt};
use models::{Application, Mode};
use reqwest::{Method, RequestBuilder, StatusCode};
use runtime::{Clock, Random};
use serde_json::{Value, json};
use store::{Merchants, StoreError};
use tests::{Answer, DEMO, PATIENCE, World, answer, page, text};

use crate::fintecture::{
    CONNECT, PAYMENTS, comes_to, create, demo, least, own_id, paid, payer, post, read, with_meta, world,
};

const RTP: &str = "/pis/v2/request-to-pay";
const ID: &str = "3f1c9a52-8b0d-4c55-9b3e-0d9a6c1f7e24";

/// Lets the demo application's payers be sent back to these URLs alone.
async fn register(world: &World, urls: &[&str]) {
    let registered = |there: Option<Application>| {
        let redirect_urls = urls.iter().map(|url| samples::text(url)).collect();
        Ok::<_, StoreError>(Application { redirect_urls, ..there.unwrap() })
    };
    Merchants::new(world.table()).change_application(&DEMO.0.parse().unwrap(), registered).await.unwrap();
}

fn with_attributes(fields: Value) -> Value {
    let mut request = least();
    request["data"]["attributes"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

/// Posts JSON as it is written.
fn raw(world: &World, path: &str, body: &str) -> RequestBuilder {
    demo(world, Method::POST, path).header("content-type", "application/json").body(body.to_owned())
}

/// Status, and the codes of all that is wrong, in the shape of every error.
pub(crate) fn refused(answer: &Answer) -> (u16, Vec<String>) {
    let said = answer.body.as_object().unwrap_or_else(|| panic!("{}", answer.text));
    assert_eq!(said.keys().map(String::as_str).collect::<Vec<_>>(), ["code", "errors", "log_id", "status"]);
    assert_eq!(said["status"], answer.status.as_u16());
    // API Gateway's id of the request, which the logs have.
    assert_eq!(
        Some(said["log_id"].as_str().unwrap()),
        answer.headers.get("apigw-requestid").map(|id| id.to_str().unwrap())
    );
    let errors = said["errors"].as_array().unwrap();
    for error in errors {
        let keys: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((keys, error["message"].is_string()), (vec!["code", "message", "title"], true), "{error}");
    }
    (answer.status.as_u16(), errors.iter().map(|error| text(&error["code"])).collect())
}

/// How long a payment can be paid.
fn lifetime(shown: &Value) -> SignedDuration {
    let [from, to]: [Timestamp; 2] =
        ["created_at", "expires_at"].map(|name| text(&shown["meta"][name]).parse().unwrap());
    to.duration_since(from)
}

#[tokio::test]
async fn every_field_is_read_back() {
    let world = world().await;
    let meta = json!({
        "psu_name": "Zoë Dupont", "psu_email": "zoe@example.com", "psu_phone": "612345678", "psu_phone_prefix": "+33",
        "psu_company": "Dupont SARL", "psu_form": "SARL", "psu_incorporation": "RCS Paris 123",
        "psu_address": {
            "street": "rue de Rivoli", "number": "12", "complement": "bât. B", "zip": "75001", "city": "Paris", "country": "FR",
        },
        "psu_ip": "192.0.2.7", "cc": ["a@example.com"], "bcc": ["b@example.com", "c@example.com"],
        "custom": { "n": [1, null] }, "method": "link", "expiry": 3600, "due_date": "2026-12-24",
        "payment_methods": [{ "id": "bnpl", "order": 3 }, { "id": "smart_transfer", "order": 2 }, { "id": "immediate_transfer", "order": 1 }],
        "reconciliation": { "level": "payment_session", "key": "K-1", "match_amount": true },
    });
    let beneficiary = json!({
        "name": "Candles GmbH", "iban": "DE89 3704 0044 0532 0130 00", "swift_bic": "COBADEFF", "bank_name": "Bank",
        "street": "Weg", "number": "1", "zip": "10115", "city": "Berlin", "country": "DE",
    });
    let attributes = json!({
        "amount": "20", "currency": "EUR", "communication": "Order 77: candles", "beneficiary": beneficiary,
        "end_to_end_id": "E2E/1", "execution_date": "2026-12-01", "scheme": "SEPA", "external_reference": "4711",
        "debited_account_id": "d-1", "debited_account_type": "internal", "net_amount": "16.50",
    });
    let body =
        json!({ "meta": meta, "data": { "type": "SEPA", "attributes": attributes }, "unknown": "is passed over" });
    let query = "state=a%26b%20c&redirect_uri=https://shop.example/back%3Fa%3D1&origin_uri=https://shop.example/basket\
                 &with_beneficiary=true&with_virtual_beneficiary=0&unknown=1";
    let headers = [
        ("x-psu-type", "corporate"),
        ("x-country", "fr"),
        ("x-language", "fr"),
        ("x-provider", "mock-transfer"),
        ("app_id", DEMO.0),
    ];
    for (path, payment_type, status, code) in [
        ("/pis/v2/connect", "PayByBank", 200, "connect_initiated"),
        (RTP, "RequestToPay", 201, "request_to_pay_initiated"),
    ] {
        let posted = demo(&world, Method::POST, &format!("{path}?{query}")).json(&body);
        let posted = headers.into_iter().fold(posted, |posted, (name, value)| posted.header(name, value));
        let created = answer(posted.header("fintecture-version", "v2")).await;
        let id = text(&created.body["meta"]["session_id"]);
        assert!(id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
        let url = format!("{}/checkout/{}", world.machine.api_url(), own_id(&id));
        let expected = json!({
            "meta": { "session_id": id, "url": url, "status": status, "code": code }, "beneficiary": beneficiary,
        });
        assert_eq!((created.status.as_u16(), created.body), (status, expected));
        let shown = read(&world, &id).await;
        let mut expected = meta.clone();
        let more = json!({
            "session_id": id, "status": "provider_required", "code": 200, "type": payment_type, "state": "a&b c",
            "provider": "mock-transfer", "created_at": shown["meta"]["created_at"], "expires_at": shown["meta"]["expires_at"],
            "language": "fr", "country": "FR", "psu_type": "corporate", "data_type": "SEPA",
            "redirect_uri": "https://shop.example/back?a=1", "origin_uri": "https://shop.example/basket",
            "with_beneficiary": true, "with_virtual_beneficiary": false,
        });
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if status == 200 {
            // How a request to pay is sent says nothing of what the merchant leads its payers to.
            expected.as_object_mut().unwrap().remove("method");
        }
        assert_eq!(shown["meta"], expected);
        assert_eq!(lifetime(&shown), SignedDuration::from_hours(1));
        assert_eq!(shown["data"]["attributes"], attributes);
        // In the payer's language, and by the methods in their order.
        let html = payer(&world, &id).page().await.html;
        assert!(html.contains("<html lang=\"fr\""), "{html}");
    }
    // Nobody was mailed whom the merchant leads there by a link.
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn amounts_are_what_was_written() {
    let world = world().await;
    for (amount, shown, cents) in [
        ("149.30", "149.30", 14_930),
        ("149.3", "149.3", 14_930),
        ("20", "20", 2_000),
        ("\"20\"", "20", 2_000),
        ("\"0.01\"", "0.01", 1),
        ("999999.99", "999999.99", 99_999_999),
        ("\"1000000\"", "1000000", 100_000_000),
    ] {
        let body = format!(r#"{{"data":{{"attributes":{{"amount":{amount},"currency":"eur"}}}}}}"#);
        let created = answer(raw(&world, CONNECT, &body)).await;
        let id = text(&created.body["meta"]["session_id"]);
        let attributes = &read(&world, &id).await["data"]["attributes"];
        assert_eq!((&attributes["amount"], &attributes["currency"]), (&json!(shown), &json!("EUR")));
        let session = store::Sessions::new(world.table()).get(&own_id(&id)).await.unwrap().unwrap();
        assert_eq!(session.amount.minor(), cents);
    }
}

#[tokio::test]
async fn other_spellings_say_the_same() {
    let world = world().await;
    // As Python's client writes it.
    let mut body = with_meta(
        json!({ "expirary": "60", "psu_address": { "street_number": 12, "zip": 75001 }, "cc": "a@example.com" }),
    );
    body["redirect_uri"] = json!("http://localhost:8000/back");
    body["language"] = json!("de");
    let id = create(&world, "/pis/v2/connect?state=7", &body).await;
    let meta = &read(&world, &id).await["meta"];
    assert_eq!([&meta["redirect_uri"], &meta["language"], &meta["expiry"]], ["http://localhost:8000/back", "de", "60"]);
    assert_eq!(
        (&meta["psu_address"], &meta["cc"]),
        (&json!({ "number": "12", "zip": "75001" }), &json!(["a@example.com"]))
    );
    // Node's path, and a slash at the end.
    for path in ["/pis/v2/connect/?state=7", "/pis/v2/request-to-pay/"] {
        create(&world, path, &least()).await;
    }
    let mut asked = Vec::new();
    for name in ["with_virtual_beneficiary=1", "with_virtualbeneficiary=true"] {
        let created = post(&world, &format!("{CONNECT}&{name}"), &least()).await;
        let id = text(&created.body["meta"]["session_id"]);
        let shown = read(&world, &id).await;
        assert_eq!(shown["meta"]["payment_methods"], json!([{ "id": "smart_transfer" }]), "{name}");
        let account = &created.body["virtual_beneficiary"];
        assert_eq!(&shown["data"]["attributes"]["virtual_beneficiary"], account);
        asked.push(text(&account["iban"]));
    }
    assert_ne!(asked[0], asked[1], "each session has its own");
}

#[tokio::test]
async fn a_request_to_pay_is_mailed_or_is_a_link() {
    let world = world().await;
    let email = json!({ "psu_email": "zoe@example.com" });
    create(&world, RTP, &with_meta(json!({ "psu_email": "zoe@example.com", "method": "link" }))).await;
    create(&world, CONNECT, &with_meta(email.clone())).await;
    let mailed = create(&world, RTP, &with_meta(email)).await;
    world.settled().await;
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(format!("{:?}", mails[0]).contains(&own_id(&mailed).to_string()), "{mails:?}");
    assert_eq!(lifetime(&read(&world, &mailed).await), SignedDuration::from_hours(7 * 24));
}

#[tokio::test]
async fn payers_are_sent_back_where_the_application_lets_them() {
    let world = world().await;
    register(&world, &["https://shop.example/back", "http://localhost:8000/"]).await;
    let connect = |url: &str| format!("/pis/v2/connect?state=7&redirect_uri={url}");
    let redirect_uri =
        async |path: &str| read(&world, &create(&world, path, &least()).await).await["meta"]["redirect_uri"].clone();
    assert_eq!(
        redirect_uri(&connect("https://shop.example/back%3Forder%3D7")).await,
        "https://shop.example/back?order=7"
    );
    assert_eq!(redirect_uri("/pis/v2/connect?state=7").await, "https://shop.example/back");
    for refused_url in ["https://evil.example/back", "https://shop.example/", "http://shop.example/back"] {
        let answer = post(&world, &connect(refused_url), &least()).await;
        assert_eq!(refused(&answer), (401, vec!["invalid_app_url".to_owned()]));
        assert_eq!(answer.body["code"], "unauthorized");
    }
    // A key that is no application may send its payers anywhere, in test mode.
    let (key, secret) = world.merchant("other", Mode::Test, "all").await;
    let pounds = with_attributes(json!({ "currency": "GBP" }));
    let other =
        world.request(Method::POST, &connect("https://evil.example/back")).basic_auth(key, Some(secret)).json(&pounds);
    assert_eq!(answer(other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_id_creates_once() {
    let world = world().await;
    let sent = |path: &str, id: &str, body: &str| raw(&world, path, body).header("x-request-id", id);
    let body = r#"{"meta":{"psu_name":"Ada","expiry":60},"data":{"attributes":{"amount":149.30,"currency":"EUR"}}}"#;
    // Two at once are one.
    let (one, other) = tokio::join!(answer(sent(CONNECT, ID, body)), answer(sent(CONNECT, ID, body)));
    assert_eq!((one.status, &one.text), (StatusCode::OK, &other.text));
    assert!(one.is_replayed() != other.is_replayed());
    // Anything else that it means is another request.
    for request in [
        sent(CONNECT, ID, &body.replace("149.30", "149.31")),
        sent(CONNECT, ID, &body.replace("149.30", "\"149.30\"")),
        sent(&format!("{CONNECT}&with_beneficiary=true"), ID, body),
        sent(&CONNECT.replace("order-7", "order-8"), ID, body),
        sent(&CONNECT.replace("connect", "request-to-pay"), ID, body),
        sent(CONNECT, ID, body).header("x-language", "fr"),
        sent(CONNECT, ID, body).header("x-country", "FR"),
        sent(CONNECT, ID, body).header("x-psu-type", "retail"),
        sent(CONNECT, ID, body).header("x-provider", "mock-settles"),
    ] {
        assert_eq!(refused(&answer(request).await), (400, vec!["request_id_reused".to_owned()]));
    }
    // However it is written, and whatever has happened since.
    let spaced = body.replace(':', " : ").replace("149.30", "149.3");
    let id = text(&one.body["meta"]["session_id"]);
    payer(&world, &id).choose_bank(1).await;
    for (id, body) in [(ID, &spaced), (&ID.to_uppercase(), &body.to_owned())] {
        let again = answer(sent(CONNECT, id, body)).await;
        assert_eq!((again.status, again.is_replayed(), &again.text), (StatusCode::OK, true, &one.text));
    }
    for malformed in ["1", "3f1c9a52-8b0d-1c55-9b3e-0d9a6c1f7e24", "3f1c9a528b0d4c559b3e0d9a6c1f7e24"] {
        let answer = answer(sent(CONNECT, malformed, body)).await;
        assert_eq!(refused(&answer), (401, vec!["request_id_malformed".to_owned()]), "{malformed}");
    }
    // Without one, each is another. Our own header means nothing here.
    let unnamed = || answer(raw(&world, CONNECT, body).header("idempotency-key", "k"));
    assert_ne!(unnamed().await.text, unnamed().await.text);
    assert_eq!(read(&world, &id).await["meta"]["status"], "sca_required");
}

#[tokio::test]
async fn a_repeat_is_answered_again_though_its_url_is_registered_no_more() {
    let world = world().await;
    // Applications are kept for some seconds: each of these functions is a new one.
    let sent = async |id: &str| {
        let settings = Settings {
            public_base_url: Some("https://pay.example".to_owned()),
            caps: "GBP:100000000,EUR:100000000".parse().unwrap(),
            formats: "fintecture".parse().unwrap(),
            live_payments: false,
            local_live: false,
        };
        let create = Create::new(world.table(), Clock::System, Random::System, settings).await;
        let request = Request::builder().method("POST").uri(CONNECT).header("x-request-id", id);
        let request = request.header("authorization", format!("Bearer {}", DEMO.1));
        let request = request.body(Body::from(least().to_string())).unwrap();
        create.handle(request.with_raw_http_path("/pis/v2/connect")).await
    };
    let first = sent(ID).await.unwrap();
    register(&world, &["https://elsewhere.example/"]).await;
    let again = sent(ID).await.unwrap();
    assert_eq!((again.headers().contains_key("idempotent-replayed"), again.body()), (true, first.body()));
    let other = sent("9e107d9d-372b-4b5c-8f2a-6d3542a419d6").await;
    assert!(matches!(other, Err(ApiError::Refused(Refusal::InvalidAppUrl(_)))), "{other:?}");
}

#[tokio::test]
async fn a_session_of_one_second_expires() {
    let world = world().await;
    let body = with_meta(json!({ "expiry": 1 }));
    let sent = || answer(demo(&world, Method::POST, CONNECT).header("x-request-id", ID).json(&body));
    let first = sent().await;
    let id = text(&first.body["meta"]["session_id"]);
    comes_to(&world, &id, "payment_expired").await;
    // And cannot be paid any more; its creation is answered as it was.
    assert!(
        !page(world.request(Method::GET, &format!("/checkout/{}", own_id(&id)))).await.html.contains("name=\"bank\"")
    );
    let again = sent().await;
    assert_eq!((again.is_replayed(), again.text), (true, first.text));
}

#[tokio::test]
async fn a_session_is_cancelled_while_nothing_is_paid() {
    let world = world().await;
    let cancel = async |id: &str| {
        let body = json!({ "meta": { "status": "payment_cancelled" } });
        answer(demo(&world, Method::PATCH, &format!("{PAYMENTS}/{id}")).json(&body)).await
    };
    let is_cancelled = |answer: &Answer, id: &str| {
        let said = [
            &answer.body["meta"]["session_id"],
            &answer.body["meta"]["status"],
            &answer.body["data"]["transfer_state"],
        ];
        assert_eq!(
            (answer.status, said),
            (StatusCode::OK, [id, "payment_cancelled", "cancelled"].map(|text| json!(text)).each_ref())
        );
    };
    // awaiting_payer, awaiting_provider, awaiting_payment_consent
    let mut nameless = least();
    nameless["meta"] = json!({});
    let unknown = create(&world, CONNECT, &nameless).await;
    let known = create(&world, CONNECT, &least()).await;
    let at_bank = create(&world, CONNECT, &least()).await;
    payer(&world, &at_bank).choose_bank(1).await;
    for id in [&unknown, &known, &at_bank] {
        let first = cancel(id).await;
        is_cancelled(&first, id);
        assert_eq!(first.body, read(&world, id).await);
        // cancelled
        assert_eq!(cancel(id).await.text, first.text);
    }
    let by_payer = create(&world, CONNECT, &least()).await;
    payer(&world, &by_payer).cancel().await;
    is_cancelled(&cancel(&by_payer).await, &by_payer);
    // pending, failed, sent, expired
    // The bank refuses after ten seconds, when no other can be chosen any more.
    let pending = create(&world, CONNECT, &with_meta(json!({ "expiry": 8 }))).await;
    payer(&world, &pending).choose_bank(1).await;
    payer(&world, &pending).decide(1, "approve_then_fail").await;
    let final_action = (400, vec!["invalid_action".to_owned()]);
    assert_eq!(read(&world, &pending).await["meta"]["status"], "payment_pending");
    assert_eq!(refused(&cancel(&pending).await), final_action);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while read(&world, &pending).await["meta"]["status"] == "payment_pending" {
        assert!(tokio::time::Instant::now() < deadline, "still pending");
        world.run_schedule().await;
    }
    let sent = paid(&world).await;
    let expired = create(&world, CONNECT, &with_meta(json!({ "expiry": 1 }))).await;
    comes_to(&world, &expired, "payment_expired").await;
    for (id, status) in [(&pending, "payment_unsuccessful"), (&sent, "payment_created"), (&expired, "payment_expired")]
    {
        assert_eq!(read(&world, id).await["meta"]["status"], status);
        let answer = cancel(id).await;
        assert_eq!((refused(&answer), &answer.body["code"]), (final_action.clone(), &json!("bad_request")), "{status}");
    }
    // Nobody else's, and no other format's.
    let unknown_session = (404, vec!["session_id_invalid_or_expired".to_owned()]);
    let (key, secret) = world.merchant("other", Mode::Test, "all").await;
    let path = format!("{PAYMENTS}/{known}");
    let body = json!({ "meta": { "status": "payment_cancelled" } });
    let other = world.request(Method::PATCH, &path).basic_auth(key, Some(secret)).json(&body);
    assert_eq!(refused(&answer(other).await), unknown_session);
    let banked = text(&world.create().await["id"]).replace('-', "");
    for id in [banked.as_str(), "0123456789abcdef0123456789abcdef", "0123456789abcdef"] {
        let read = answer(demo(&world, Method::GET, &format!("{PAYMENTS}/{id}"))).await;
        assert_eq!(
            [refused(&cancel(id).await), refused(&read)],
            [unknown_session.clone(), unknown_session.clone()],
            "{id}"
        );
    }
    // Nor is a payment of this format one of another's.
    let path = format!("/v2/payment_sessions/{}", own_id(&known));
    assert_eq!(answer(world.demo(Method::GET, &path)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_cancellation_is_done_once() {
    let world = world().await;
    let id = create(&world, CONNECT, &least()).await;
    let sent = |id: &str| {
        let body = json!({ "meta": { "status": "payment_cancelled" } });
        answer(demo(&world, Method::PATCH, &format!("{PAYMENTS}/{id}")).header("x-request-id", ID).json(&body))
    };
    let first = sent(&id).await;
    let again = sent(&id).await;
    assert_eq!((first.is_replayed(), again.is_replayed(), &again.text), (false, true, &first.text));
}

#[tokio::test]
async fn where_the_format_is_off_nothing_is_created() {
    let off = |config: &mut local::Config| {
        config.parameters.insert("Formats".to_owned(), "banked,yorlet".to_owned());
    };
    let world = World::start_with(off).await;
    for path in [CONNECT, RTP] {
        let answer = post(&world, path, &least()).await;
        assert_eq!(
            (refused(&answer), &answer.body["code"]),
            ((404, vec!["not_found".to_owned()]), &json!("not_found"))
        );
    }
}
