//! A bank whose money moves when the payer consents: its link, its page, and the way back.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, Payer, World, answer, loopback_webhooks, page, states, text};

const PAID: [&str; 5] = ["awaiting_payer", "awaiting_provider", "awaiting_payment_consent", "pending", "sent"];

/// A session whose payer has chosen the bank.
pub(crate) async fn at_the_bank(world: &World) -> Value {
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    let chosen = payer.choose("mock-consent", 1).await;
    assert_eq!(chosen.location.unwrap(), format!("/checkout/{}", text(&session["id"])));
    session
}

async fn state(world: &World, session: &Value) -> String {
    text(&world.get(&text(&session["id"])).await["state"])
}

/// The payer decides at the bank, by its link, and comes back.
pub(crate) async fn decide(payer: &Payer<'_>, decision: &str) {
    let decided = payer.consent(&payer.link(1).await, decision).await;
    assert!(decided.location.unwrap().ends_with("/return"));
    payer.come_back().await;
}

#[tokio::test]
async fn the_payer_consents_and_comes_back() {
    let world = World::start().await;
    let session = at_the_bank(&world).await;
    let payer = world.payer(&session);
    let link = payer.link(1).await;
    assert_eq!(payer.link(1).await, link, "it can be pressed again");
    let asked = page(world.request(Method::GET, &link)).await;
    assert!(asked.status == 200 && asked.html.contains("Thistledown Pay"), "{}", asked.html);
    assert_eq!(payer.consent(&link, "approve").await.status, StatusCode::SEE_OTHER);
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent", "only a follow-up asks the bank");
    payer.come_back().await;
    let paid = world.get(&text(&session["id"])).await;
    assert_eq!(states(&paid), PAID);
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn each_decision_has_its_outcome() {
    let world = World::start().await;
    for (decision, state, reason) in [
        ("approve_then_settle", "pending", json!(null)),
        ("decline", "failed", json!("declined_by_payer")),
        ("refuse", "failed", json!("declined_by_bank")),
        ("insufficient_funds", "failed", json!("insufficient_funds")),
    ] {
        let session = at_the_bank(&world).await;
        decide(&world.payer(&session), decision).await;
        let now = world.get(&text(&session["id"])).await;
        assert_eq!((&now["state"], &now["failure_reason"]), (&json!(state), &reason), "{decision}");
    }
}

#[tokio::test]
async fn the_banks_webhook_is_enough_where_the_payer_closes_the_tab() {
    let world = World::start_with(loopback_webhooks).await;
    for decision in ["approve", "decline"] {
        let session = at_the_bank(&world).await;
        let payer = world.payer(&session);
        payer.consent(&payer.link(1).await, decision).await;
        let ended = if decision == "approve" { "sent" } else { "failed" };
        assert_eq!(state(&world, &session).await, ended, "{:#?}", world.machine.logs());
    }
}

#[tokio::test]
async fn a_webhook_that_is_lost_is_made_up_for_by_the_schedule() {
    // No webhook reaches this machine.
    let world = World::start().await;
    let session = at_the_bank(&world).await;
    let payer = world.payer(&session);
    payer.consent(&payer.link(1).await, "approve").await;
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET due_at = :past",
        "ExpressionAttributeValues": { ":past": { "S": "2000-01-01T00:00:00.000Z" } },
    });
    world.dynamodb("UpdateItem", &body).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while state(&world, &session).await != "sent" {
        assert!(tokio::time::Instant::now() < deadline);
        world.run_schedule().await;
    }
}

#[tokio::test]
async fn webhooks_that_no_provider_sent_are_refused_and_change_nothing() {
    let world = World::start().await;
    let session = at_the_bank(&world).await;
    world.payer(&session).link(1).await;
    let before = world.get(&text(&session["id"])).await;
    let known = format!("{{\"payment_id\":\"mock.{}.1\"}}", text(&session["end_to_end_id"]));
    let send = |provider: &str, signature: &str, body: String| {
        let request = world.request(Method::POST, &format!("/providers/{provider}/webhook"));
        answer(request.header("mock-signature", signature).header("content-type", "application/json").body(body))
    };
    let forged = format!("t={},v1={}", samples::now().as_second(), "0".repeat(64));
    for (provider, body, status, code) in [
        ("mock-consent", known.clone(), 401, "unauthorized"),
        ("mock-consent", "{".to_owned(), 401, "unauthorized"),
        // A bank that is only asked sends nothing.
        ("mock-bank", known.clone(), 401, "unauthorized"),
        ("nobody", known.clone(), 404, "not_found"),
        ("not a bank", known, 404, "not_found"),
        ("mock-consent", "a".repeat(64 * 1024 + 1), 413, "invalid_request"),
    ] {
        let refused = send(provider, &forged, body).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (status, code), "{provider}: {}", refused.text);
    }
    let other = answer(world.request(Method::GET, "/providers/mock-consent/webhook")).await;
    assert_eq!((other.status.as_u16(), &other.headers["allow"]), (405, &"POST".parse().unwrap()));
    assert_eq!(world.get(&text(&session["id"])).await, before);
}
