//! How refunds end without the money being sent: whatever ends a refund's payment ends the refund, and the amount can be
//! refunded again.

use futures_util::future::join_all;
use models::EventId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, PATIENCE, World, answer, text};

pub(crate) async fn cancel(world: &World, refund: &Value) -> Answer {
    answer(world.demo(Method::POST, &format!("/v2/refunds/{}/cancel", text(&refund["id"])))).await
}

/// Moves the times of an item into the past, as if they had come.
async fn past(world: &World, pk: &str, sk: &str) {
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
        "UpdateExpression": "SET expires_at = :at, due_at = :due",
        "ConditionExpression": "attribute_exists(due_at)",
        "ExpressionAttributeValues": { ":at": { "N": "1000" }, ":due": { "S": "2000-01-01T00:00:00.000Z" } },
    });
    world.dynamodb("UpdateItem", &body).await;
}

/// The time of a refund's payment session, and with it the refund's, has passed.
pub(crate) async fn payment_expires(world: &World, refund: &Value) {
    let payment = text(&refund["refund_payment_session_id"]);
    past(world, &format!("SESSION#{payment}"), "SESSION").await;
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": {
            "pk": { "S": format!("SESSION#{}", text(&refund["payment_session_id"])) },
            "sk": { "S": format!("REFUND#{}", text(&refund["id"])) },
        },
        "UpdateExpression": "SET expires_at = :at",
        "ExpressionAttributeValues": { ":at": { "N": "1000" } },
    });
    world.dynamodb("UpdateItem", &body).await;
}

/// The time to give a refund's details has passed.
pub(crate) async fn details_expire(world: &World, refund: &Value) {
    let pk = format!("SESSION#{}", text(&refund["payment_session_id"]));
    past(world, &pk, &format!("REFUND#{}", text(&refund["id"]))).await;
}

#[tokio::test]
async fn whatever_ends_the_payment_ends_the_refund_and_gives_the_amount_back() {
    let world = World::start().await;
    let session = world.paid().await;
    let id = text(&session["id"]);
    let ways = [
        "decline",
        "insufficient_funds",
        "approve_then_fail",
        "cancelled_in_checkout",
        "payment_cancelled",
        "payment_deleted",
        "payment_expired",
        "refund_cancelled",
    ];
    for (done, way) in ways.into_iter().enumerate() {
        let refund = world.refund(&session, 400).await;
        let payment = text(&refund["refund_payment_session_id"]);
        let path = format!("/v2/payment_sessions/{payment}");
        let merchant = world.refunder(&refund);
        let reason = match way {
            "cancelled_in_checkout" => {
                merchant.choose_bank(1).await;
                merchant.cancel().await;
                "cancelled_by_payer"
            }
            "payment_cancelled" => {
                let cancelled = answer(world.demo(Method::POST, &format!("{path}/cancel"))).await;
                assert_eq!((cancelled.status, &cancelled.body["state"]), (StatusCode::OK, &json!("failed")));
                "cancelled_by_merchant"
            }
            "payment_deleted" => {
                assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
                assert_eq!(answer(world.demo(Method::GET, &path)).await.status, StatusCode::NOT_FOUND);
                assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
                "deleted_by_merchant"
            }
            "payment_expired" => {
                payment_expires(&world, &refund).await;
                assert_eq!(world.get_refund(&refund).await["state"], "failed", "even before the schedule has run");
                world.run_schedule().await;
                "time_passed"
            }
            "refund_cancelled" => {
                let cancelled = cancel(&world, &refund).await;
                assert_eq!((cancelled.status, &cancelled.body["state"]), (StatusCode::OK, &json!("failed")));
                "cancelled_by_merchant"
            }
            decision => {
                merchant.choose_bank(1).await;
                merchant.decide(1, decision).await;
                match decision {
                    "decline" => "declined_by_payer",
                    "approve_then_fail" => "declined_by_bank",
                    other => other,
                }
            }
        };
        if way == "approve_then_fail" {
            assert_eq!(world.get_refund(&refund).await["state"], "awaiting_payment");
            let refused = cancel(&world, &refund).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "invalid_action"), "it is submitted");
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while world.get_refund(&refund).await["state"] == "awaiting_payment" {
                assert!(tokio::time::Instant::now() < deadline, "still pending");
                world.run_schedule().await;
            }
        }
        let failed = world.get_refund(&refund).await;
        assert_eq!((&failed["state"], &failed["failure_reason"]), (&json!("failed"), &json!(reason)), "{way}");
        if way != "payment_deleted" {
            let ended = world.get(&payment).await;
            assert_eq!((&ended["state"], &ended["failure_reason"]), (&json!("failed"), &json!(reason)), "{way}");
        }
        let now = world.get(&id).await;
        assert_eq!(now["refundable_amount"], 400, "{way}");
        assert_eq!(now["refunds"].as_array().unwrap().len(), done + 1);
        // What has ended stays so.
        let again = cancel(&world, &refund).await;
        let expected = if reason == "cancelled_by_merchant" { StatusCode::OK } else { StatusCode::CONFLICT };
        assert_eq!(again.status, expected, "{way}");
        assert_eq!(world.get(&id).await["refundable_amount"], 400, "{way}: given back once");
    }
    // No mail is about a refund that did not happen.
    assert_eq!(world.mails().await.len(), 1, "the receipt");
    // Each entry of every refund has been delivered.
    for refund in world.get(&id).await["refunds"].as_array().unwrap() {
        let events = store::Events::new(world.table());
        let object_id = text(&refund["id"]).parse().unwrap();
        for sequence in 1..=2 {
            let event = events.get(&EventId { object_id, sequence }).await.unwrap();
            assert!(matches!(event.unwrap().object, models::Object::Refund(_)));
        }
        assert!(events.get(&EventId { object_id, sequence: 3 }).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_refund_that_awaits_details_can_be_cancelled() {
    let world = World::start().await;
    let session = world.paid_from_withheld_account().await;
    let refund = world.refund(&session, 400).await;
    let cancelled = cancel(&world, &refund).await;
    assert_eq!(cancelled.status, StatusCode::OK);
    assert_eq!(cancelled.body["failure_reason"], "cancelled_by_merchant");
    let again = cancel(&world, &refund).await;
    assert_eq!((again.status, &again.text), (StatusCode::OK, &cancelled.text));
    world.give_details(&refund, "confirm", "11112222").await;
    assert_eq!(world.get_refund(&refund).await, cancelled.body);
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 400);
    let sessions = answer(world.demo(Method::GET, "/v2/payment_sessions")).await.body;
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1, "no payment session came to be");
}

#[tokio::test]
async fn cancelling_is_repeated_with_its_key() {
    let world = World::start().await;
    let session = world.paid().await;
    let refund = world.refund(&session, 400).await;
    let path = format!("/v2/refunds/{}/cancel", text(&refund["id"]));
    let cancel = || answer(world.demo(Method::POST, &path).header("idempotency-key", "a"));
    let answers = join_all((0..10).map(|_| cancel())).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK && answer.text == answers[0].text));
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1);
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 400);
}

#[tokio::test]
async fn what_is_submitted_or_sent_can_not_be_cancelled() {
    let world = World::start().await;
    let session = world.paid().await;
    let refund = world.refund(&session, 400).await;
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    let refused = cancel(&world, &refund).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "invalid_action"));
    let path = format!("/v2/payment_sessions/{}", text(&refund["refund_payment_session_id"]));
    assert_eq!(answer(world.demo(Method::DELETE, &path)).await.status, StatusCode::CONFLICT);
    assert_eq!(world.get_refund(&refund).await["state"], "sent");
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 0);
}

#[tokio::test]
async fn details_that_are_never_given_expire() {
    let world = World::start().await;
    let session = world.paid_from_withheld_account().await;
    let refund = world.refund(&session, 300).await;
    world.run_schedule().await;
    assert_eq!(world.get_refund(&refund).await["state"], "awaiting_details", "not due yet");
    details_expire(&world, &refund).await;
    let expired = world.get_refund(&refund).await;
    assert_eq!((&expired["state"], &expired["failure_reason"]), (&json!("failed"), &json!("time_passed")));
    world.give_details(&refund, "confirm", "11112222").await;
    assert_eq!(world.get_refund(&refund).await, expired, "too late");
    world.run_schedule().await;
    world.run_schedule().await;
    assert_eq!(world.get_refund(&refund).await, expired);
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 400);
    assert_eq!(world.refund(&session, 400).await["state"], "awaiting_details");
}

#[tokio::test]
async fn what_has_expired_can_be_refunded_again_before_the_schedule_has_run() {
    let world = World::start().await;
    let session = world.paid_from_withheld_account().await;
    let payee = json!({ "sort_code": "112233", "account_number": "44445555" });
    let asked = world.refund(&session, 250).await;
    let known = world.ask_refund(&session, json!({ "amount": 150, "payee": payee })).await.body;
    assert_eq!(world.ask_refund(&session, json!({ "amount": 400 })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    details_expire(&world, &asked).await;
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 250);
    // Without an amount it is all that is left, what has expired included.
    let rest = world.ask_refund(&session, json!({})).await.body;
    assert_eq!(rest["amount"], 250);
    details_expire(&world, &rest).await;
    payment_expires(&world, &known).await;
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 400);
    world.refund(&session, 400).await;
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 0);
    world.run_schedule().await;
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 0, "given back once");
}
