//! Payments and refunds that people cancel in the console.

use local::{Effect, Fault};
use models::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Browser, Page, World, answer, text};

use crate::at_consent_ends::{at_the_bank, forget_the_answer};
use crate::console_refunds::{acts, command, path};

const TRANSACTION: &str = "TransactWriteItems";

const REASON: [(&str, &str); 2] = [("reason", "other"), ("note", "Ordered twice")];

async fn cancel(browser: &Browser<'_>, session: &Value) -> Page {
    browser.post(&format!("{}/cancel", path(session)), &REASON).await
}

fn refund_path(refund: &Value) -> String {
    format!("/console/test/refunds/{}/cancel", text(&refund["id"]))
}

async fn failure_reason(world: &World, session: &Value) -> Value {
    world.get(&text(&session["id"])).await["failure_reason"].clone()
}

/// The outcomes of the acts of this kind.
async fn outcomes(world: &World, what: &str) -> Vec<Value> {
    acts(world, what).await.into_iter().map(|act| act["outcome"].clone()).collect()
}

#[tokio::test]
async fn a_payment_is_cancelled_once() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    let session = world.create().await;
    let form = browser.get(&format!("{}/cancel", path(&session))).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.html);
    let unsaid = browser.post(&format!("{}/cancel", path(&session)), &[("reason", ""), ("note", "")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    for role in [Role::Look, Role::Develop] {
        let browser = world.sign_in(role).await;
        assert_eq!(cancel(&browser, &session).await.status, StatusCode::FORBIDDEN, "{role:?}");
    }
    let theirs = world.sign_in_as("other", "eve@other.example", Role::Own).await;
    assert_eq!(cancel(&theirs, &session).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payer");
    for _ in 0..2 {
        let cancelled = cancel(&browser, &session).await;
        assert_eq!((cancelled.status, cancelled.location), (StatusCode::SEE_OTHER, Some(path(&session))));
    }
    assert_eq!(failure_reason(&world, &session).await, "cancelled_by_merchant");
    assert_eq!(outcomes(&world, "payment_cancelled").await, [json!({ "S": "done" })]);

    // The same by the API, as the page shows it.
    let session = world.create().await;
    let form = browser.get(&format!("{}/cancel", path(&session))).await;
    let (method, to, _) = command(&form.html);
    assert_eq!(answer(world.demo(method, &to)).await.status, StatusCode::OK);
    assert_eq!(failure_reason(&world, &session).await, "cancelled_by_merchant");
    let form = browser.get(&format!("{}/cancel", path(&session))).await;
    assert_eq!(form.location, Some(path(&session)), "there is nothing to cancel any more");
}

#[tokio::test]
async fn answers_are_lost_and_functions_die_and_there_is_one_act() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    for effect in [Effect::DropAnswer, Effect::KillBefore, Effect::KillAfter] {
        let session = world.create().await;
        let before = acts(&world, "payment_cancelled").await.len();
        world.machine.faults().add(Fault::new(TRANSACTION, effect).function("ConsoleFunction"));
        let first = cancel(&browser, &session).await;
        assert!(world.machine.faults().waiting().is_empty());
        assert_eq!(first.status.is_server_error(), effect != Effect::DropAnswer, "{effect:?}");
        assert_eq!(cancel(&browser, &session).await.status, StatusCode::SEE_OTHER, "{effect:?}");
        assert_eq!(failure_reason(&world, &session).await, "cancelled_by_merchant");
        assert_eq!(acts(&world, "payment_cancelled").await.len(), before + 1, "{effect:?}");
    }
}

#[tokio::test]
async fn a_bank_whose_answer_was_lost_is_asked_again_before_it_cancels() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    for of_bank in [false, true] {
        let (session, link) = at_the_bank(&world).await;
        forget_the_answer(&world, &session, of_bank).await;
        let cancelled = cancel(&browser, &session).await;
        assert_eq!(cancelled.status, StatusCode::SEE_OTHER, "{}", cancelled.html);
        world.payer(&session).consent(&link, "approve").await;
        world.payer(&session).come_back().await;
        assert_eq!(failure_reason(&world, &session).await, "cancelled_by_merchant");
    }
    assert_eq!(outcomes(&world, "payment_cancelled").await, [json!({ "S": "done" }), json!({ "S": "done" })]);
}

#[tokio::test]
async fn what_may_be_paid_is_cancelled_only_with_the_banks_yes() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Own).await;
    let mut sessions = Vec::new();
    for decision in ["", "approve"] {
        let session = world.create().await;
        let payer = world.payer(&session);
        payer.identify().await;
        payer.choose("mock-consent", 1).await;
        let link = payer.link(1).await;
        if !decision.is_empty() {
            payer.consent(&link, decision).await;
        }
        sessions.push(session);
    }
    let cancelled = cancel(&browser, &sessions[0]).await;
    assert_eq!(cancelled.status, StatusCode::SEE_OTHER, "{}", cancelled.html);
    assert_eq!(failure_reason(&world, &sessions[0]).await, "cancelled_by_merchant");
    let too_late = cancel(&browser, &sessions[1]).await;
    assert_eq!(too_late.status, StatusCode::CONFLICT, "{}", too_late.html);
    assert!(too_late.html.contains("You can refund it."), "{}", too_late.html);
    assert_eq!(world.get(&text(&sessions[1]["id"])).await["state"], "sent");
    let refused = json!({ "M": { "refused": { "S": "sent" } } });
    assert_eq!(outcomes(&world, "payment_cancelled").await, [json!({ "S": "done" }), refused]);
}

#[tokio::test]
async fn a_refund_is_cancelled_until_its_money_moves() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    for withheld in [false, true] {
        let session = if withheld { world.paid_from_withheld_account().await } else { world.paid().await };
        let refund = world.refund(&session, 400).await;
        assert_eq!(browser.get(&refund_path(&refund)).await.status, StatusCode::OK);
        let before = acts(&world, "refund_cancelled").await.len();
        for _ in 0..2 {
            let cancelled = browser.post(&refund_path(&refund), &REASON).await;
            assert_eq!(cancelled.status, StatusCode::SEE_OTHER, "{}", cancelled.html);
            assert_eq!(cancelled.location, Some(format!("{}#refunds", path(&session))));
        }
        assert_eq!(world.get_refund(&refund).await["failure_reason"], "cancelled_by_merchant");
        assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 400);
        assert_eq!(acts(&world, "refund_cancelled").await.len(), before + 1);
    }
    let session = world.paid().await;
    let refund = world.refund(&session, 400).await;
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    let too_late = browser.post(&refund_path(&refund), &REASON).await;
    assert_eq!(too_late.status, StatusCode::CONFLICT, "{}", too_late.html);
    assert_eq!(world.get_refund(&refund).await["state"], "sent");
    assert_eq!(acts(&world, "refund_cancelled").await.len(), 3, "two done, one refused");
    let theirs = world.sign_in_as("other", "eve@other.example", Role::Own).await;
    assert_eq!(theirs.get(&refund_path(&refund)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(theirs.post(&refund_path(&refund), &REASON).await.status, StatusCode::NOT_FOUND);
}
