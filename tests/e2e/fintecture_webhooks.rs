//! Webhooks in Fintecture's format: forms or JSON, with both signatures.

use api::read_public_key;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use local::{Effect, Fault};
use models::{Application, Creation, NewSession, OnClock, Role, Session, WireFormat};
use outbound::{DecryptableHeaders, MessageId, WebhookSecret, standard_signature};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Merchants, Sessions, StoreError};
use tests::{DEMO, PATIENCE, Received, Receiver, Reply, World, answer, console_on, loopback_webhooks, text};
use tokio::time::Duration;

use crate::fintecture::{CONNECT, create, least, own_id, paid, post, read, world};
use crate::operator::answer as counterfoil;

/// The demo application's private key, as its clients have it.
const PRIVATE_KEY: &str = include_str!("../clients/demo-application.pem");

/// How an endpoint of the format is registered, with this beside.
fn endpoint(more: Value) -> Value {
    let mut request = json!({ "format": "fintecture" });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn body(received: &Received) -> String {
    String::from_utf8(received.body.clone()).unwrap()
}

/// The fields of a body in their order, of a form or of JSON.
fn fields(received: &Received) -> Vec<(String, String)> {
    if let Some(fields) = received.json.as_object() {
        return fields.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    }
    let pairs = url::form_urlencoded::parse(&received.body);
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn field(received: &Received, name: &str) -> String {
    fields(received).into_iter().find(|(given, _)| given == name).map(|(_, value)| value).unwrap_or_default()
}

/// What the private key makes of the vendor's signature; none if it was made by another public key.
fn decrypted(received: &Received) -> Option<String> {
    let value = received.headers["signature"].rsplit_once("signature=\"").unwrap().1.strip_suffix('"').unwrap();
    let digits: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = PrivateDecryptingKey::from_pkcs8(&BASE64_STANDARD.decode(digits).unwrap()).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut buffer = vec![0; key.min_output_size()];
    let encrypted = BASE64_STANDARD.decode(value).unwrap();
    let plain = key.decrypt(&OAEP_SHA1_MGF1SHA1, &encrypted, &mut buffer, None).ok()?;
    Some(String::from_utf8(plain.to_vec()).unwrap())
}

/// Checks all headers of a delivery: the true signature by these secrets, and those that the vendor's clients check.
fn is_signed(received: &Received, secrets: &[&str]) {
    let Received { headers, body, .. } = received;
    let secrets: Vec<WebhookSecret> = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
    let id: MessageId = headers["webhook-id"].parse().unwrap();
    let timestamp_s: i64 = headers["webhook-timestamp"].parse().unwrap();
    assert_eq!(headers["webhook-signature"], standard_signature(&id, timestamp_s, body, &secrets));
    let DecryptableHeaders { date, digest, request_id, signature: _ } =
        DecryptableHeaders::new(&id, timestamp_s, body, None);
    assert_eq!([&headers["date"], &headers["digest"], &headers["x-request-id"]], [&date, &digest, &request_id]);
    let before = r#"keyId="pk_test_demo",algorithm="rsa-sha256",headers="date digest x-request-id",signature=""#;
    assert!(headers["signature"].starts_with(before), "{headers:?}");
    let lines = format!("date: {date}\ndigest: {digest}\nx-request-id: {request_id}");
    assert_eq!(decrypted(received), Some(lines));
    for others in ["banked-signature", "x-yorlet-signature"] {
        assert!(!headers.contains_key(others), "{headers:?}");
    }
}

/// The bodies that came to a path about this session or refund.
fn bodies(receiver: &Receiver, path: &str, id: &str) -> Vec<String> {
    receiver.at(path).iter().filter(|one| field(one, "session_id") == id).map(body).collect()
}

/// Changes the demo key's application.
async fn change_application(world: &World, change: impl Fn(&mut Application)) {
    let changed = |there: Option<Application>| {
        let mut application = there.unwrap();
        change(&mut application);
        Ok::<_, StoreError>(application)
    };
    Merchants::new(world.table()).change_application(&DEMO.0.parse().unwrap(), changed).await.unwrap();
}

#[tokio::test]
async fn a_payment_and_its_refund_are_notified_as_the_endpoint_has_it() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let form = world.register(&receiver.url("/form"), endpoint(json!({}))).await;
    let as_json = world.register(&receiver.url("/json"), endpoint(json!({ "encoding": "json" }))).await;
    let thin = world.register(&receiver.url("/thin"), endpoint(json!({ "thin": true }))).await;
    let banked = world.register(&receiver.url("/banked"), json!({})).await;
    assert_eq!([&form, &as_json, &thin].map(|webhook| text(&webhook["encoding"])), ["form", "json", "form"]);
    assert_eq!(banked.get("encoding"), None);
    let payment = paid(&world).await;
    let body = json!({ "meta": { "session_id": payment }, "data": { "attributes": { "amount": "9.3" } } });
    let refund = post(&world, "/pis/v2/refund?state=back%20%267", &body).await.body;
    let refund = text(&refund["meta"]["session_id"]);
    world.settled().await;
    assert!(receiver.until(PATIENCE, |all| all.len() >= 3 * 5).await, "{:?}", receiver.summary());
    world.settled().await;
    assert_eq!(receiver.received().len(), 3 * 5, "{:?}", receiver.summary());
    // However often they are published, each is notified once.
    counterfoil(&world, &["republish", "--since", "1h"]).await;
    world.settled().await;
    assert_eq!(receiver.received().len(), 3 * 5, "{:?}", receiver.summary());

    let of_payment = |status: &str, provider: &str, transfer_state: &str| {
        format!(
            "session_id={payment}&status={status}{provider}&state=order-7&event=payment_session.status.{status}\
             &type=PayByBank{transfer_state}&amount=149.30"
        )
    };
    let bank = "&provider=mock-bank";
    assert_eq!(
        bodies(&receiver, "/form", &payment),
        [
            of_payment("provider_required", "", ""),
            of_payment("sca_required", bank, ""),
            of_payment("payment_pending", bank, "&transfer_state=processing"),
            of_payment("payment_created", bank, "&transfer_state=completed"),
        ]
    );
    assert_eq!(
        bodies(&receiver, "/form", &refund),
        [format!(
            "session_id={refund}&status=refund_waiting&state=back%20%267&event=payment_session.status.refund_waiting\
             &type=Refund&transfer_state=pending&amount=9.30&refunded_session_id={payment}"
        )]
    );
    let [of_form, of_json, of_thin] = ["/form", "/json", "/thin"].map(|path| receiver.at(path));
    let by_id = |all: &[Received]| -> Vec<(String, Vec<(String, String)>)> {
        let mut all: Vec<_> = all.iter().map(|one| (one.headers["webhook-id"].clone(), fields(one))).collect();
        // Those of different objects come in any order.
        all.sort();
        all
    };
    let sorted = |mut all: Vec<(String, Vec<(String, String)>)>| {
        all.iter_mut().for_each(|(_, fields)| fields.sort());
        all
    };
    assert_eq!(sorted(by_id(&of_form)), sorted(by_id(&of_json)), "the same is said");
    for (_, fields) in by_id(&of_thin) {
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["session_id", "event", "type"]);
    }
    for (webhook, received, media_type) in [
        (&form, &of_form, "application/x-www-form-urlencoded"),
        (&as_json, &of_json, "application/json"),
        (&thin, &of_thin, "application/x-www-form-urlencoded"),
    ] {
        for one in received {
            assert_eq!(one.headers["content-type"], media_type);
            is_signed(one, &[&text(&webhook["secret"])]);
        }
    }

    // They are listed as JSON, and replayed as the endpoints have them.
    let listed = answer(world.demo(Method::GET, &format!("/v2/events?object={payment}"))).await.body;
    let listed: Vec<String> = listed["data"].as_array().unwrap().iter().map(|event| text(&event["event"])).collect();
    let newest_first = ["payment_created", "payment_pending", "sca_required", "provider_required"];
    assert_eq!(listed, newest_first.map(|status| format!("payment_session.status.{status}")));
    receiver.forget();
    let event = format!("evt_{}_4", own_id(&payment));
    let replayed = answer(world.demo(Method::POST, &format!("/v2/events/{event}/replay"))).await;
    assert_eq!(replayed.status, StatusCode::ACCEPTED, "{}", replayed.text);
    receiver.accepted(3, PATIENCE).await;
    let again = receiver.at("/form");
    assert_eq!(
        bodies(&receiver, "/form", &payment),
        [of_payment("payment_created", bank, "&transfer_state=completed")]
    );
    assert_eq!(again[0].headers["webhook-id"], event);
    is_signed(&again[0], &[&text(&form["secret"])]);
}

#[tokio::test]
async fn each_attempt_has_the_same_body_and_a_request_id_of_its_own() {
    let world = world().await;
    // No body says of which event it is, and there is but one.
    let receiver = Receiver::planned(|one| Reply::Status(if one.seen == 0 { 500 } else { 200 })).await;
    let more = json!({ "faults": { "duplicate": true }, "events": ["payment_session.awaiting_provider"] });
    let webhook = world.register(&receiver.url("/"), endpoint(more)).await;
    let payment = create(&world, CONNECT, &least()).await;
    assert!(receiver.until(PATIENCE, |all| all.len() >= 3).await, "{:?}", receiver.summary());
    world.settled().await;
    let received = receiver.received();
    let summary = receiver.summary();
    assert!(received.len() == 3 && received.iter().all(|one| one.body == received[0].body), "{summary:?}");
    assert_eq!(field(&received[0], "session_id"), payment);
    for one in &received {
        is_signed(one, &[&text(&webhook["secret"])]);
        assert_eq!(one.headers["webhook-id"], received[0].headers["webhook-id"]);
    }
    let ids = |one: &Received| (one.headers["webhook-timestamp"].clone(), one.headers["x-request-id"].clone());
    let (first, last) = (ids(&received[0]), ids(received.last().unwrap()));
    assert!(first.0 != last.0 && first.1 != last.1, "{first:?} {last:?}");
}

#[tokio::test]
async fn what_follows_a_test_clock_is_sent_again_when_that_says_so() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let faults = json!({ "first_attempts_fail": 1 });
    let webhook = world.register(&receiver.url("/"), endpoint(json!({ "faults": faults }))).await;
    let clock = answer(world.demo(Method::POST, "/v2/test_clocks").json(&json!({ "now": "2030-01-31T09:30:00Z" })));
    let clock = clock.await.body;
    let on_clock = OnClock { id: text(&clock["id"]).parse().unwrap(), now: "2030-01-31T09:30:00Z".parse().unwrap() };
    // The format has no field for it.
    let new =
        NewSession { format: WireFormat::Fintecture, ..samples::new_session(vec![samples::item("Candles", 400, 1)]) };
    let creation = Creation { at: on_clock.now, test_clock: Some(on_clock), ..samples::creation(on_clock.now) };
    let session = Session::create(new, creation);
    Sessions::new(world.table()).create(session.clone(), None).await.unwrap();
    world.settled().await;
    assert!(receiver.received().is_empty(), "{:?}", receiver.summary());
    let path = format!("/v2/test_clocks/{}/advance", text(&clock["id"]));
    let advanced = answer(world.demo(Method::POST, &path).json(&json!({ "to": "2030-01-31T09:31:00Z" }))).await;
    assert_eq!(advanced.status, StatusCode::ACCEPTED, "{}", advanced.text);
    receiver.accepted(1, PATIENCE).await;
    let received = &receiver.received()[0];
    assert_eq!(field(received, "session_id"), session.id.to_hex());
    is_signed(received, &[&text(&webhook["secret"])]);
}

#[tokio::test]
async fn a_test_event_is_a_form_signed_for_the_application() {
    let world = World::start_with(|config| {
        config.parameters.insert("Formats".to_owned(), "banked,yorlet,fintecture".to_owned());
        loopback_webhooks(config);
        console_on(config);
    })
    .await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/"), endpoint(json!({}))).await;
    let id = text(&webhook["id"]);
    let tested = answer(world.demo(Method::POST, &format!("/v2/webhooks/{id}/test"))).await;
    assert_eq!((tested.status, &tested.body["status"]), (StatusCode::OK, &json!(200)), "{}", tested.text);
    let develop = world.sign_in(Role::Develop).await;
    let shown = develop.post(&format!("/console/test/webhooks/{id}/test"), &[]).await;
    assert!(shown.html.contains("Answered 200"), "{}", shown.html);
    let received = receiver.received();
    assert_eq!(received.len(), 2, "{:?}", receiver.summary());
    for one in &received {
        is_signed(one, &[&text(&webhook["secret"])]);
        assert!(field(one, "session_id").starts_with("00000000000040008000"), "{}", body(one));
        assert_eq!((field(one, "status"), field(one, "amount")), ("payment_created".to_owned(), "1.00".to_owned()));
        assert_eq!(one.headers["counterfoil-test"], "true");
    }
}

#[tokio::test]
async fn the_vendors_signature_is_by_the_applications_newest_key() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/"), endpoint(json!({}))).await;
    let rotate = format!("/v2/webhooks/{}/rotate", text(&webhook["id"]));
    let old = text(&webhook["secret"]);
    let new = answer(world.demo(Method::POST, &rotate)).await.body;
    let notified = async || -> Received {
        receiver.forget();
        create(&world, CONNECT, &least()).await;
        receiver.accepted(1, PATIENCE).await;
        world.settled().await;
        receiver.received().remove(0)
    };
    // While the secret is replaced there are two true signatures, and one of the vendor's.
    is_signed(&notified().await, &[&old, &text(&new["secret"])]);
    let public_key = |pem: &str| read_public_key(pem, samples::now()).unwrap();
    let newest = public_key(NEW_KEY);
    change_application(&world, |application| application.public_keys.push(newest.clone())).await;
    assert_eq!(decrypted(&notified().await), None, "the other private key is asked for");
    change_application(&world, |application| drop(application.public_keys.pop())).await;
    is_signed(&notified().await, &[&old, &text(&new["secret"])]);
    // Without a key the rest goes.
    change_application(&world, |application| application.public_keys.clear()).await;
    let without = notified().await;
    assert!(!without.headers.contains_key("signature"), "{:?}", without.headers);
    assert!(without.headers.contains_key("digest") && without.headers.contains_key("webhook-signature"));
    assert!(Merchants::new(world.table()).drop_application(&DEMO.0.parse().unwrap()).await.unwrap());
    let without = notified().await;
    assert!(!without.headers.contains_key("signature") && without.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn nothing_is_sent_while_the_application_can_not_be_read() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/"), endpoint(json!({}))).await;
    let refused = Fault::new("GetItem", Effect::ServerError).function("WebhookFunction").prefix("APP#");
    world.machine.faults().add(refused.every_attempt().times(20));
    let payment = create(&world, CONNECT, &least()).await;
    let logged = |machine: &local::Machine| {
        machine.logs().iter().any(|line| line.text.contains("a cursor could not be processed")).then_some(())
    };
    assert!(world.machine.until(PATIENCE, logged).await.is_some());
    assert!(receiver.received().is_empty(), "never without its signature: {:?}", receiver.summary());
    world.machine.faults().clear();
    world.long_after().await;
    receiver.accepted(1, PATIENCE).await;
    let received = &receiver.received()[0];
    assert_eq!(field(received, "session_id"), payment);
    is_signed(received, &[&text(&webhook["secret"])]);
}

#[tokio::test]
async fn the_slow_lane_signs_alike() {
    let world = world().await;
    let receiver = Receiver::planned(|_| Reply::After(Duration::from_secs(2), 200)).await;
    let webhook = world.register(&receiver.url("/"), endpoint(json!({}))).await;
    create(&world, CONNECT, &least()).await;
    assert!(receiver.until(PATIENCE, |all| all.len() >= 2).await, "{:?}", receiver.summary());
    world.settled().await;
    for one in receiver.received() {
        is_signed(&one, &[&text(&webhook["secret"])]);
    }
    let calls = world.machine.meter().take().calls;
    let recorded = calls.get(&("SlowWebhookFunction".to_owned(), "PutItem".to_owned()));
    assert_eq!(recorded, Some(&1), "{calls:?}");
}

#[tokio::test]
async fn the_encoding_can_be_changed_and_is_json_in_other_formats() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/"), endpoint(json!({}))).await;
    let path = |webhook: &Value| format!("/v2/webhooks/{}", text(&webhook["id"]));
    assert_eq!(world.change_webhook(&webhook, json!({ "encoding": "json" })).await["encoding"], "json");
    create(&world, CONNECT, &least()).await;
    receiver.accepted(1, PATIENCE).await;
    assert!(receiver.received()[0].json.is_object());
    assert_eq!(world.change_webhook(&webhook, json!({ "description": "Till" })).await["encoding"], "json", "it stays");
    assert_eq!(world.change_webhook(&webhook, json!({ "encoding": "form" })).await["encoding"], "form");
    assert_eq!(world.get_webhook(&webhook).await["encoding"], "form");
    for format in ["banked", "yorlet"] {
        let url = receiver.url("/other");
        let request = json!({ "url": url, "format": format, "encoding": "form" });
        let refused = answer(world.demo(Method::POST, "/v2/webhooks").json(&request)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.body["errors"][0]["title"], "encoding must be json");
        let other = world.register(&url, json!({ "format": format, "encoding": "json" })).await;
        assert_eq!(other.get("encoding"), None);
        let change = world.demo(Method::PATCH, &path(&other)).json(&json!({ "encoding": "form", "thin": true }));
        let refused = answer(change).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert_eq!(refused.body["errors"][0]["title"], "encoding must be json");
        assert_eq!(world.get_webhook(&other).await["thin"], false, "nothing of it is changed");
    }
    let acme = world.merchant("acme", models::Mode::Test, "all").await;
    let change = json!({ "encoding": "json" });
    let theirs = world.request(Method::PATCH, &path(&webhook)).basic_auth(&acme.0, Some(&acme.1)).json(&change);
    assert_eq!(answer(theirs).await.status, StatusCode::NOT_FOUND);
    assert_eq!(read(&world, &create(&world, CONNECT, &least()).await).await["meta"]["status"], "provider_required");
}

/// Another key pair's public key, whose private one nobody has any more.
const NEW_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq/exyO/lBGGdZRZjSXtV\n\
    D/yR+4neVS7kFDUSXHAVfKNUsGnRuR8lnxBjNoi+53cQgB3cQFPUy6yxGOYbIxjF\n\
    j5+YK6+nt4RFrWfYOBdKmifiHJqEPQsTLD2+EDTMHl50aqfJwYsxFFCGuKu8MotQ\n\
    t7RnhwczvxqI5ECcfCbIL9OPHtsN3icqMRmFUW0LI9xc9rQX5V3hjAjUWAOaZM0h\n\
    +1Kzgg3Y01nK1UdWkSUhn2PBF1kLf/PFB3TlsT2aoRrBgJm6m0IOYUlS/C1uUoNz\n\
    DDDhbKSDMidFquy6dYQHV95HmO9E6VCT07zh+FrhD4YfTq6iFsTVvCYzrXuFq7mS\n\
    sQIDAQAB\n\
    -----END PUBLIC KEY-----";
