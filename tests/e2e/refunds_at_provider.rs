//! Refunds that the payment's own provider makes, through the running service.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, World, answer, loopback_webhooks, page, text};

use crate::at_consent::{at_the_bank, decide};
use crate::refund_ends::cancel;

pub(crate) async fn paid(world: &World) -> Value {
    let session = at_the_bank(world).await;
    decide(&world.payer(&session), "approve").await;
    let session = world.get(&text(&session["id"])).await;
    assert_eq!(session["state"], "sent");
    session
}

/// It is time to ask the provider again.
pub(crate) async fn fall_due(world: &World, refund: &Value) {
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": {
            "pk": { "S": format!("SESSION#{}", text(&refund["payment_session_id"])) },
            "sk": { "S": format!("REFUND#{}", text(&refund["id"])) },
        },
        "UpdateExpression": "SET due_at = :due",
        "ConditionExpression": "attribute_exists(due_at)",
        "ExpressionAttributeValues": { ":due": { "S": "2000-01-01T00:00:00.000Z" } },
    });
    world.dynamodb("UpdateItem", &body).await;
}

/// The same, and that is done.
pub(crate) async fn follow_up(world: &World, refund: &Value) {
    fall_due(world, refund).await;
    world.run_schedule().await;
}

#[tokio::test]
async fn a_part_goes_back_without_a_session_that_pays_it() {
    let world = World::start().await;
    let session = paid(&world).await;
    let ask = async || -> Answer {
        let request = json!({ "payment_session_id": session["id"], "amount": 100, "reference": "refund Candles" });
        answer(world.demo(Method::POST, "/v2/refunds").header("Idempotency-Key", "back").json(&request)).await
    };
    let made = ask().await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let refund = made.body;
    assert_eq!(refund["state"], "awaiting_payment");
    assert_eq!((&refund["refund_payment_session_id"], &refund["sent_at"]), (&json!(null), &json!(null)));
    // The money may be on its way.
    assert_eq!(cancel(&world, &refund).await.status, StatusCode::CONFLICT);
    let shown = page(world.request(Method::GET, &format!("/refunds/{}", text(&refund["id"])))).await;
    assert!(shown.status == 200 && !shown.html.contains("sort_code"), "{}", shown.html);
    follow_up(&world, &refund).await;
    let sent = world.get_refund(&refund).await;
    assert_eq!((&sent["state"], &sent["refund_payment_session_id"]), (&json!("sent"), &json!(null)));
    // The provider's own ledger has refunds, too, in the same table: nothing of it is published, or fails to be.
    assert!(world.machine.queue_bodies("PublishFailures").is_empty());
    assert!(sent["sent_at"].is_string());
    let again = ask().await;
    assert_eq!((again.status, again.body), (StatusCode::CREATED, refund), "answered as it was first");
    let subjects: Vec<_> = world.mails().await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects.iter().any(|subject| subject.contains("Refund of £1.00")), "{subjects:?}");
}

#[tokio::test]
async fn what_the_provider_refuses_can_be_refunded_again() {
    let world = World::start().await;
    let session = paid(&world).await;
    let amount = session["amount"].as_i64().unwrap();
    // The mock bank refuses what ends in 91.
    let refused = world.refund(&session, amount / 100 * 100 - 9).await;
    let refused = world.get_refund(&refused).await;
    assert_eq!((&refused["state"], &refused["failure_reason"]), (&json!("failed"), &json!("declined_by_bank")));
    let all = world.refund(&session, amount).await;
    let more = world.ask_refund(&session, json!({ "amount": 1 })).await;
    assert_eq!(more.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", more.text);
    follow_up(&world, &all).await;
    assert_eq!(world.get_refund(&all).await["state"], "sent");
}

#[tokio::test]
async fn the_banks_webhook_follows_refunds_up() {
    let world = World::start_with(loopback_webhooks).await;
    let session = at_the_bank(&world).await;
    let payer = world.payer(&session);
    let link = payer.link(1).await;
    payer.consent(&link, "approve").await;
    let refund = world.refund(&session, 100).await;
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_payment");
    // The payer presses the button again: it changes nothing, and the bank says once more that something happened.
    payer.consent(&link, "approve").await;
    assert_eq!(world.get_refund(&refund).await["state"], "sent", "{:#?}", world.machine.logs());
}
