//! Ending what a payer may be paying just then, at a bank whose money moves at consent: the bank is asked first, by
//! the function that ends it, with the permissions that it has.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, World, answer, text};

use crate::refund_ends;

/// A session whose payer is at the bank, and the link there.
pub(crate) async fn at_the_bank(world: &World) -> (Value, String) {
    let session = world.create().await;
    world.payer(&session).identify().await;
    choose(world, &session).await;
    let link = world.payer(&session).link(1).await;
    (session, link)
}

async fn choose(world: &World, session: &Value) {
    let chosen = world.payer(session).choose("mock-consent", 1).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
}

async fn change(world: &World, session: &Value, expression: &str, values: Value) {
    let mut body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": expression,
    });
    if values != json!({}) {
        body["ExpressionAttributeValues"] = values;
    }
    world.dynamodb("UpdateItem", &body).await;
}

/// As if the function had died before the bank's answer was recorded, and, if nothing of it is left, before the bank was asked.
pub(crate) async fn forget_the_answer(world: &World, session: &Value, of_bank: bool) {
    let item = world.item(&format!("SESSION#{}", text(&session["id"])), "SESSION").await;
    let payment_id = item["attempt"]["M"]["at_consent"]["M"]["payment_id"]["S"].clone();
    change(world, session, "REMOVE attempt.at_consent.payment_id", json!({})).await;
    let forget = async |pk: String, sk: &str| {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        world.dynamodb("DeleteItem", &json!({ "TableName": world.machine.table_name(), "Key": key })).await;
    };
    forget(format!("BANKPAYMENT#mock-consent#{}", text(&payment_id)), "BANKPAYMENT").await;
    if of_bank {
        let pk = format!("MOCKBANK#{}", text(&item["end_to_end_id"]["S"]));
        let begun = json!({
            "TableName": world.machine.table_name(),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": pk } },
        });
        for entry in world.dynamodb("Query", &begun).await["Items"].as_array().unwrap() {
            forget(pk.clone(), &text(&entry["sk"]["S"])).await;
        }
    }
}

/// It is due, and, if its time has passed, to be expired.
pub(crate) async fn fall_due(world: &World, session: &Value, expired: bool) {
    let past = json!({ "S": "2000-01-01T00:00:00.000Z" });
    if expired {
        let values = json!({ ":past": past, ":at": { "N": "1000" } });
        change(world, session, "SET due_at = :past, expires_at = :at", values).await;
    } else {
        change(world, session, "SET due_at = :past", json!({ ":past": past })).await;
    }
}

pub(crate) async fn cancel(world: &World, session: &Value) -> Answer {
    answer(world.demo(Method::POST, &format!("/v2/payment_sessions/{}/cancel", text(&session["id"])))).await
}

pub(crate) async fn delete(world: &World, session: &Value) -> Answer {
    answer(world.demo(Method::DELETE, &format!("/v2/payment_sessions/{}", text(&session["id"])))).await
}

async fn state(world: &World, session: &Value) -> String {
    text(&world.get(&text(&session["id"])).await["state"])
}

#[tokio::test]
async fn a_merchant_cancels_while_the_payer_is_at_the_bank() {
    for (answer_was_lost, of_bank) in [(false, false), (true, false), (true, true)] {
        let world = World::start().await;
        let (session, link) = at_the_bank(&world).await;
        if answer_was_lost {
            forget_the_answer(&world, &session, of_bank).await;
        }
        let cancelled = cancel(&world, &session).await;
        assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.text);
        assert_eq!(text(&cancelled.body["failure_reason"]), "cancelled_by_merchant");
        // The bank accepts no consent any more, whatever page the payer has open.
        world.payer(&session).consent(&link, "approve").await;
        world.payer(&session).come_back().await;
        world.run_schedule().await;
        assert_eq!(state(&world, &session).await, text(&cancelled.body["state"]));
        assert_eq!(world.mails().await.len(), 0);
    }
}

#[tokio::test]
async fn a_merchant_who_cancels_too_late_reads_the_truth() {
    let world = World::start().await;
    let (session, link) = at_the_bank(&world).await;
    world.payer(&session).consent(&link, "approve").await;
    for _ in 0..2 {
        let refused = cancel(&world, &session).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "invalid_action"), "{}", refused.text);
        assert_eq!(state(&world, &session).await, "sent");
    }
    assert_eq!(
        delete(&world, &session).await.status,
        StatusCode::CONFLICT,
        "it is paid, and there is no submission of ours"
    );
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn a_merchant_deletes_while_the_payer_is_at_the_bank() {
    let world = World::start().await;
    let (session, link) = at_the_bank(&world).await;
    let (paid, paid_link) = at_the_bank(&world).await;
    world.payer(&paid).consent(&paid_link, "approve_then_settle").await;
    assert_eq!(delete(&world, &session).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&world, &paid).await.status, StatusCode::CONFLICT);
    assert_eq!(state(&world, &paid).await, "pending");
    world.payer(&session).consent(&link, "approve").await;
    world.settled().await;
    let item = world.item(&format!("SESSION#{}", text(&session["id"])), "SESSION").await;
    assert!(item["deleted_at"].is_object() && item["late_money"].is_null(), "{item}");
}

#[tokio::test]
async fn the_schedule_finds_what_nobody_came_back_from() {
    let world = World::start().await;
    let (consented, link) = at_the_bank(&world).await;
    world.payer(&consented).consent(&link, "approve").await;
    let (unanswered, _) = at_the_bank(&world).await;
    forget_the_answer(&world, &unanswered, true).await;
    let (expired, expired_link) = at_the_bank(&world).await;
    for (session, is_over) in [(&consented, false), (&unanswered, false), (&expired, true)] {
        fall_due(&world, session, is_over).await;
    }
    world.run_schedule().await;
    assert_eq!(state(&world, &consented).await, "sent");
    assert_eq!(state(&world, &unanswered).await, "awaiting_payment_consent");
    let item = world.item(&format!("SESSION#{}", text(&unanswered["id"])), "SESSION").await;
    assert!(item["attempt"]["M"]["at_consent"]["M"]["payment_id"]["S"].is_string(), "asked again: {item}");
    assert_eq!(text(&world.get(&text(&expired["id"])).await["failure_reason"]), "time_passed");
    world.payer(&expired).consent(&expired_link, "approve").await;
    world.payer(&expired).come_back().await;
    assert_eq!(text(&world.get(&text(&expired["id"])).await["failure_reason"]), "time_passed", "nothing was paid");
}

#[tokio::test]
async fn a_refund_is_cancelled_while_its_payment_is_at_the_bank() {
    for answer_was_lost in [false, true] {
        let world = World::start().await;
        let session = world.paid().await;
        let refund = world.refund(&session, 100).await;
        let payment = json!({ "id": refund["refund_payment_session_id"] });
        choose(&world, &payment).await;
        let link = world.payer(&payment).link(1).await;
        if answer_was_lost {
            forget_the_answer(&world, &payment, true).await;
        }
        let cancelled = refund_ends::cancel(&world, &refund).await;
        assert_eq!(cancelled.status, StatusCode::OK, "{}", cancelled.text);
        world.payer(&payment).consent(&link, "approve").await;
        world.payer(&payment).come_back().await;
        assert_eq!(text(&world.get_refund(&refund).await["state"]), "failed");
        // The amount can be refunded again: all of it, and paid this time.
        let refund = world.refund(&session, 100).await;
        let payment = json!({ "id": refund["refund_payment_session_id"] });
        choose(&world, &payment).await;
        let link = world.payer(&payment).link(1).await;
        world.payer(&payment).consent(&link, "approve").await;
        let too_late = refund_ends::cancel(&world, &refund).await;
        assert_eq!(too_late.status, StatusCode::CONFLICT, "{}", too_late.text);
        assert_eq!(text(&world.get_refund(&refund).await["state"]), "sent");
    }
}
