//! A bank whose money moves when the payer consents: its link, its page, and the way back.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Payer, World, page, states, text};

const PAID: [&str; 5] = ["awaiting_payer", "awaiting_provider", "awaiting_payment_consent", "pending", "sent"];

/// A session whose payer has chosen the bank.
async fn at_the_bank(world: &World) -> Value {
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
async fn decide(payer: &Payer<'_>, decision: &str) {
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
