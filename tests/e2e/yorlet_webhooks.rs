//! Webhooks in Yorlet's format.

use outbound::{MessageId, WebhookSecret, standard_signature, yorlet_signature};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, Received, Receiver, World, answer, text};

use crate::yorlet::{create, customer, least, own_id, paid, payer, post, read, with};

/// By both signatures over the raw body.
fn is_signed(received: &Received, secret: &str) -> bool {
    let secret: WebhookSecret = secret.parse().unwrap();
    let id: MessageId = received.headers["webhook-id"].parse().unwrap();
    let timestamp_s: i64 = received.headers["webhook-timestamp"].parse().unwrap();
    assert!(!received.headers.contains_key("banked-signature"));
    received.headers["webhook-signature"] == standard_signature(&id, timestamp_s, &received.body, [&secret])
        && received.headers["x-yorlet-signature"] == yorlet_signature(&received.body, &secret)
}

fn types(received: &[Received], of: &Value) -> Vec<String> {
    let of_object = received.iter().filter(|one| one.json["data"]["object"]["id"] == *of);
    of_object.map(|one| text(&one.json["type"])).collect()
}

#[tokio::test]
async fn a_payment_and_its_refund_are_notified_in_the_formats_shape_and_signed_by_both_signatures() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    let whole = world.register(&receiver.url("/whole"), json!({ "format": "yorlet" })).await;
    let thin = world.register(&receiver.url("/thin"), json!({ "format": "yorlet", "thin": true })).await;
    let banked = world.register(&receiver.url("/banked"), json!({})).await;
    assert_eq!((&whole["format"], &banked["format"]), (&json!("yorlet"), &json!(null)));
    let customer = customer(&world).await;
    let session = create(&world, &with(&least(&customer), json!({ "metadata": { "tenant": "17" } }))).await;
    payer(&world, &session).choose_bank(1).await;
    payer(&world, &session).decide(1, "approve").await;
    let paid = read(&world, &session).await;
    let refund = post(&world, "/v1/refunds", &json!({ "transaction": paid["transaction"] })).await.body;
    let cancelled = create(&world, &least(&customer)).await;
    payer(&world, &cancelled).cancel().await;
    world.settled().await;
    assert!(receiver.until(PATIENCE, |all| all.len() >= 2 * (4 + 1 + 2)).await, "{:?}", receiver.summary());
    world.settled().await;

    let received = receiver.at("/whole");
    let updated = "payment_session.updated";
    assert_eq!(types(&received, &session["id"]), ["payment_session.created", updated, updated, "payment_session.paid"]);
    assert_eq!(types(&received, &refund["id"]), ["refund.created"]);
    assert_eq!(types(&received, &cancelled["id"]), ["payment_session.created", "payment_session.canceled"]);
    assert_eq!(received.len(), 4 + 1 + 2, "and nothing of the session that pays the refund");
    let id = models::SessionId::to_base62(&own_id(&session).parse().unwrap());
    for (n, one) in received.iter().filter(|one| one.json["data"]["object"]["id"] == session["id"]).enumerate() {
        let event = &one.json;
        let kind = text(&event["type"]);
        let expected = json!({
            "id": format!("evt_{id}_{}", n + 1),
            "object": "event",
            "created": event["created"],
            "type": kind,
            "data": {
                "object": if kind.ends_with(".paid") { &paid } else { &session },
                "previous_attributes": if kind.ends_with(".updated") { json!({}) } else { json!(null) },
            },
            "request": {
                "id": event["request"]["id"],
                "idempotency_key": null,
                "from_dashboard": false,
                "customer_portal": false,
            },
        });
        assert_eq!(*event, expected);
        assert!(text(&event["request"]["id"]).starts_with("req_") && event["created"].is_i64());
        assert_eq!(event["id"], one.headers["webhook-id"].as_str());
        assert!(is_signed(one, &text(&whole["secret"])), "{:?}", one.headers);
        assert!(!is_signed(one, &text(&thin["secret"])));
    }
    let of_refund = received.iter().find(|one| one.json["type"] == "refund.created").unwrap();
    assert_eq!(of_refund.json["data"], json!({ "object": refund, "previous_attributes": null }));

    for one in receiver.at("/thin") {
        let object = one.json["data"]["object"].as_object().unwrap().clone();
        let kind = if text(&object["id"]).starts_with("re_") { "refund" } else { "payment_session" };
        assert!(object.len() == 2 && object["object"] == kind, "{object:?}");
        assert!(is_signed(&one, &text(&thin["secret"])));
    }
    assert_eq!(receiver.at("/banked").len(), 0, "notified of its own format's alone");

    // They are listed in their shape, by the format's ids, and found and replayed by them.
    let of_object = format!("/v2/events?object={}", text(&session["id"]));
    let listed = answer(world.demo(Method::GET, &of_object)).await.body;
    let newest_first: Vec<Value> = received
        .iter()
        .rev()
        .filter(|one| one.json["data"]["object"]["id"] == session["id"])
        .map(|one| one.json.clone())
        .collect();
    assert_eq!(listed["data"].as_array().unwrap(), &newest_first);
    let event = format!("/v2/events/evt_{id}_4");
    let attempts = answer(world.demo(Method::GET, &format!("{event}/attempts"))).await;
    assert_eq!(attempts.body["data"].as_array().unwrap().len(), 2, "{}", attempts.text);
    let replayed = answer(world.demo(Method::POST, &format!("{event}/replay"))).await;
    assert_eq!((replayed.status, &replayed.body["id"]), (StatusCode::ACCEPTED, &json!(format!("evt_{id}_4"))));
    assert_eq!(replayed.body["webhook_ids"].as_array().unwrap().len(), 2);
    let nothing = format!("/v2/events/evt_{}_1/attempts", "0".repeat(22));
    assert_eq!(answer(world.demo(Method::GET, &nothing)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_refund_that_succeeds_or_fails_says_so() {
    let world = World::with_webhooks().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/"), json!({ "format": "yorlet", "events": ["refund.sent", "refund.failed"] })).await;
    let paid = paid(&world, &least(&customer(&world).await)).await;
    let mut refunds = Vec::new();
    for decision in ["approve", "decline"] {
        let refund =
            post(&world, "/v1/refunds", &json!({ "transaction": paid["transaction"], "amount": 100 })).await.body;
        let id = models::RefundId::from_base62(text(&refund["id"]).strip_prefix("re_").unwrap()).unwrap();
        let stored = store::Refunds::new(world.table()).get(&id).await.unwrap().unwrap();
        let payment = json!({ "id": stored.payment_session_id.unwrap().to_string() });
        world.payer(&payment).choose_bank(1).await;
        world.payer(&payment).decide(1, decision).await;
        refunds.push(refund);
    }
    world.settled().await;
    receiver.accepted(2, PATIENCE).await;
    let received = receiver.received();
    for (refund, kind, status) in
        [(&refunds[0], "refund.succeeded", "succeeded"), (&refunds[1], "refund.failed", "failed")]
    {
        assert_eq!(types(&received, &refund["id"]), [kind]);
        let event = received.iter().find(|one| one.json["data"]["object"]["id"] == refund["id"]).unwrap();
        assert_eq!(event.json["data"]["object"], with(refund, json!({ "status": status })));
    }
    assert_eq!(received.len(), 2);
}
