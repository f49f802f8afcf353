//! Conflicts, lost answers and dying processes around refunds: a refund and its payment never disagree, and nothing is
//! refunded twice.

use local::{Effect, Fault};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, World, answer, text};

use crate::refund_ends;

const TRANSACTION: &str = "TransactWriteItems";

/// What must hold of a session of 400 and its refunds, whatever has happened.
async fn check(world: &World, session: &Value) {
    let now = world.get(&text(&session["id"])).await;
    let mut refunded = 0;
    for refund in now["refunds"].as_array().unwrap() {
        if refund["state"] != "failed" {
            refunded += refund["amount"].as_i64().unwrap();
        }
        if let Some(payment) = refund["refund_payment_session_id"].as_str() {
            let payment = answer(world.demo(Method::GET, &format!("/v2/payment_sessions/{payment}"))).await;
            if payment.status == StatusCode::NOT_FOUND {
                assert_eq!(refund["failure_reason"], "deleted_by_merchant");
                continue;
            }
            let payment = payment.body;
            let fits = match refund["state"].as_str().unwrap() {
                "sent" => payment["state"] == "sent",
                "failed" => payment["state"] == "failed",
                "awaiting_payment" => !matches!(payment["state"].as_str().unwrap(), "sent" | "failed"),
                _ => false,
            };
            assert!(fits, "{refund} {payment}");
        }
    }
    assert!(refunded <= 400);
    let stored = store::Refunds::new(world.table()).of(&text(&session["id"]).parse().unwrap()).await.unwrap();
    let left = stored.session.unwrap().refundable(jiff::Timestamp::now()).unwrap();
    assert_eq!((left.minor(), now["refundable_amount"].as_i64().unwrap()), (400 - refunded, 400 - refunded));
}

#[tokio::test]
async fn other_transactions_are_waited_for() {
    let world = World::start().await;
    let session = world.paid().await;
    world.machine.faults().add(Fault::new(TRANSACTION, Effect::TransactionConflict).times(5));
    let refund = world.refund(&session, 400).await;
    assert!(world.machine.faults().waiting().is_empty());
    let merchant = world.refunder(&refund);
    // Plain writes may meet them as well.
    world
        .machine
        .faults()
        .add(Fault::new("UpdateItem", Effect::TransactionConflict).function("CheckoutFunction").times(3));
    merchant.choose_bank(1).await;
    world.machine.faults().add(Fault::new(TRANSACTION, Effect::TransactionConflict).times(3));
    merchant.decide(1, "approve").await;
    assert!(world.machine.faults().waiting().is_empty());
    assert_eq!(world.get_refund(&refund).await["state"], "sent");
    check(&world, &session).await;
}

#[tokio::test]
async fn conflicts_without_end_are_reported_and_change_nothing() {
    let world = World::start().await;
    let session = world.paid().await;
    world.machine.faults().add(Fault::new(TRANSACTION, Effect::TransactionConflict).times(10_000));
    let refused = world.ask_refund(&session, json!({ "amount": 100 })).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable"));
    assert_eq!(refused.headers["retry-after"], "1");
    world.machine.faults().clear();
    check(&world, &session).await;
    assert_eq!(world.get(&text(&session["id"])).await["refunds"], json!([]));
    world.refund(&session, 400).await;
}

#[tokio::test]
async fn every_first_answer_is_lost_and_nothing_comes_of_it() {
    let world = World::start().await;
    let lose = || world.machine.faults().add(Fault::new(TRANSACTION, Effect::DropAnswer));
    let session = world.paid_from_withheld_account().await;
    lose();
    let refund = world.refund(&session, 300).await;
    lose();
    world.give_details(&refund, "confirm", "11112222").await;
    let refund = world.get_refund(&refund).await;
    assert_eq!(refund["state"], "awaiting_payment");
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    // Of the submission and of the settlement.
    lose();
    lose();
    merchant.decide(1, "approve").await;
    assert_eq!(world.get_refund(&refund).await["state"], "sent");
    check(&world, &session).await;

    let other = world.refund(&session, 100).await;
    lose();
    let path = format!("/v2/refunds/{}/cancel", text(&other["id"]));
    let cancelled = answer(world.demo(Method::POST, &path)).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (StatusCode::OK, &json!("failed")));
    assert!(!cancelled.is_replayed());
    assert!(world.machine.faults().waiting().is_empty());
    check(&world, &session).await;
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 100);
}

/// Wherever a function dies on the way of a refund, repeating what was asked, or the schedule, brings it to its end.
#[tokio::test]
async fn a_function_may_die_anywhere() {
    let world = World::start().await;
    let mut sessions = Vec::new();
    for (function, operation) in [
        ("RefundFunction", TRANSACTION),
        ("RefundFunction", "GetItem"),
        ("CheckoutFunction", TRANSACTION),
        ("CheckoutFunction", "PutItem"),
        ("CheckoutFunction", "GetItem"),
    ] {
        for effect in [Effect::KillBefore, Effect::KillAfter] {
            // The first, the second, … request of this kind.
            for nth in 0..2 {
                let session = world.paid_from_withheld_account().await;
                let arm = || {
                    for _ in 0..nth {
                        // Lets one through unharmed: a lost answer is repeated by the SDK.
                        world.machine.faults().add(Fault::new(operation, Effect::DropAnswer).function(function));
                    }
                    world.machine.faults().add(Fault::new(operation, effect).function(function));
                };
                let ask = async || {
                    let request = json!({ "payment_session_id": session["id"], "amount": 400 });
                    let key = text(&session["id"]);
                    answer(world.demo(Method::POST, "/v2/refunds").header("idempotency-key", key).json(&request)).await
                };
                if function == "RefundFunction" {
                    arm();
                    ask().await;
                    world.machine.faults().clear();
                }
                let made = ask().await;
                assert_eq!(made.status, StatusCode::CREATED, "{function} {operation} {effect:?} {nth}: {}", made.body);
                check(&world, &session).await;
                // The question is only asked while it is open.
                world.settled().await;
                if function == "CheckoutFunction" {
                    arm();
                }
                for _ in 0..2 {
                    world.give_details(&made.body, "confirm", "11112222").await;
                    world.machine.faults().clear();
                }
                check(&world, &session).await;
                let refund = world.get_refund(&made.body).await;
                let merchant = world.refunder(&refund);
                merchant.choose_bank(1).await;
                if function == "CheckoutFunction" {
                    arm();
                }
                merchant.decide(1, "approve").await;
                world.machine.faults().clear();
                check(&world, &session).await;
                merchant.decide(1, "approve").await;
                let deadline = tokio::time::Instant::now() + PATIENCE;
                while world.get_refund(&refund).await["state"] != "sent" {
                    assert!(tokio::time::Instant::now() < deadline, "{function} {operation} {effect:?} {nth}");
                    world.run_schedule().await;
                }
                check(&world, &session).await;
                sessions.push(session);
            }
        }
    }
    // For each: the receipt, the question, the refund.
    assert_eq!(world.mails().await.len(), 3 * sessions.len());
}

/// However a refund ends, the function that ends it may die on the way: doing it again brings it to its end, and the amount
/// is given back once.
#[tokio::test]
async fn whatever_ends_a_refund_may_die_anywhere() {
    let world = World::start().await;
    let ways = [
        ("RefundFunction", "refund cancelled"),
        ("RefundFunction", "refund without details cancelled"),
        ("CancelFunction", "payment cancelled"),
        ("CancelFunction", "payment deleted"),
        ("ExpireFunction", "payment expired"),
        ("ExpireFunction", "details expired"),
    ];
    for (function, way) in ways {
        for (operation, effect) in [
            (TRANSACTION, Effect::KillBefore),
            (TRANSACTION, Effect::KillAfter),
            ("UpdateItem", Effect::KillAfter),
            ("TransactGetItems", Effect::KillBefore),
        ] {
            let without_details = matches!(way, "refund without details cancelled" | "details expired");
            let session = if without_details { world.paid_from_withheld_account().await } else { world.paid().await };
            let refund = world.refund(&session, 400).await;
            let payment =
                format!("/v2/payment_sessions/{}", refund["refund_payment_session_id"].as_str().unwrap_or(""));
            if way == "payment expired" {
                refund_ends::payment_expires(&world, &refund).await;
            } else if way == "details expired" {
                refund_ends::details_expire(&world, &refund).await;
            }
            let end = async || match way {
                "payment cancelled" => drop(answer(world.demo(Method::POST, &format!("{payment}/cancel"))).await),
                "payment deleted" => drop(answer(world.demo(Method::DELETE, &payment)).await),
                "payment expired" | "details expired" => drop(world.try_schedule().await),
                _ => drop(refund_ends::cancel(&world, &refund).await),
            };
            world.machine.faults().add(Fault::new(operation, effect).function(function));
            end().await;
            world.machine.faults().clear();
            if !matches!(way, "payment expired" | "details expired") {
                // What has failed by time is shown so before that is written down.
                check(&world, &session).await;
            }
            end().await;
            let ended = world.get_refund(&refund).await;
            assert_eq!(ended["state"], "failed", "{way}: {operation} {effect:?}");
            assert_eq!(
                world.get(&text(&session["id"])).await["refundable_amount"],
                400,
                "{way}: {operation} {effect:?}"
            );
            check(&world, &session).await;
        }
    }
}

#[tokio::test]
async fn each_mail_once_though_stream_and_queue_deliver_twice() {
    let world = World::start().await;
    world.machine.faults().deliver_twice(true);
    let session = world.paid_from_withheld_account().await;
    let refund = world.refund(&session, 400).await;
    assert_eq!(world.mails().await.len(), 2, "the receipt and the question");
    world.give_details(&refund, "confirm", "11112222").await;
    let refund = world.get_refund(&refund).await;
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    assert_eq!(world.mails().await.len(), 3);
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 3);
}
