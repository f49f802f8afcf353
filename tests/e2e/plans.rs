//! Buying now and paying later: the plan's page, what becomes of each decision there, and refunds by its provider.

use std::time::Duration;

use models::{Currency, PaymentMethod};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, World, page, text};
use tokio::time::{Instant, sleep};

use crate::operator::run as counterfoil;

/// A session whose payer has chosen to pay later, and the link to the plan's page.
async fn at_the_plan(world: &World, currency: Currency) -> (Value, String) {
    let session = world.offering(currency, &[PaymentMethod::BuyNowPayLater, PaymentMethod::Card]).await;
    let payer = world.payer(&session);
    let chosen = payer.choose("mock-pay-later", 1).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
    let link = payer.link(1).await;
    (session, link)
}

/// Decides there, and comes back; the session then.
async fn decide(world: &World, session: &Value, link: &str, decision: &str) -> Value {
    let (path, token) = link.split_once("?token=").unwrap();
    let form = [("token", token), ("decision", decision)];
    let decided = page(world.request(Method::POST, path).form(&form)).await;
    assert!(decided.location.as_deref().is_some_and(|to| to.ends_with("/return")), "{}", decided.html);
    world.payer(session).come_back().await;
    world.get(&text(&session["id"])).await
}

#[tokio::test]
async fn a_plan_is_agreed_to_and_paid_and_its_provider_refunds_it() {
    let world = World::with_webhooks().await;
    for (currency, first) in [(Currency::EUR, "€1.34"), (Currency::GBP, "£1.34")] {
        let (session, link) = at_the_plan(&world, currency).await;
        let shown = page(world.request(Method::GET, &link)).await;
        assert!(shown.status == 200 && shown.html.contains(first), "{}", shown.html);
        let now = decide(&world, &session, &link, "approve_then_settle").await;
        assert_eq!(now["state"], "pending", "{now}");
        // The first decision holds.
        let (path, token) = link.split_once("?token=").unwrap();
        let again = page(world.request(Method::POST, path).form(&[("token", token), ("decision", "decline")])).await;
        let leads_back = again.location.as_deref().is_some_and(|to| to.contains("/mock-bank/"));
        assert!(leads_back, "{:?}", again.location);
        let shown = page(world.request(Method::GET, &link)).await;
        assert!(shown.html.contains("You have agreed to the plan") && !shown.html.contains("<form"), "{}", shown.html);
        // The provider pays after ten seconds, and is asked whenever the payer looks.
        let deadline = Instant::now() + PATIENCE;
        let id = text(&session["id"]);
        while world.get(&id).await["state"] == "pending" && Instant::now() < deadline {
            sleep(Duration::from_millis(500)).await;
            world.payer(&session).come_back().await;
        }
        let now = world.get(&id).await;
        assert_eq!(now["state"], "sent", "{now}");
        // Its provider pays it back: nobody has to know from which account.
        let refund = world.refund(&session, 100).await;
        assert_eq!((&refund["state"], &refund["payee"]), (&json!("awaiting_payment"), &json!(null)), "{refund}");
        assert_eq!(refund["refund_payment_session_id"], json!(null));
    }
    assert_eq!(counterfoil(&world, &["verify"]).await.code, 0);
}

#[tokio::test]
async fn no_plan_and_no_agreement_each_end_it() {
    let world = World::with_webhooks().await;
    for (decision, reason) in [("refuse", "declined_by_bank"), ("decline", "declined_by_payer")] {
        let (session, link) = at_the_plan(&world, Currency::EUR).await;
        let now = decide(&world, &session, &link, decision).await;
        assert_eq!((&now["state"], &now["failure_reason"]), (&json!("failed"), &json!(reason)), "{now}");
    }
    // What nobody decides about a plan is refused, and so is who has no link.
    let (session, link) = at_the_plan(&world, Currency::EUR).await;
    let (path, token) = link.split_once("?token=").unwrap();
    for (form, status) in [
        ([("token", token), ("decision", "approve")], StatusCode::UNPROCESSABLE_ENTITY),
        ([("token", token), ("decision", "insufficient_funds")], StatusCode::UNPROCESSABLE_ENTITY),
        ([("token", "0"), ("decision", "approve_then_settle")], StatusCode::NOT_FOUND),
    ] {
        assert_eq!(page(world.request(Method::POST, path).form(&form)).await.status, status, "{form:?}");
    }
    world.payer(&session).come_back().await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payment_consent");
    assert_eq!(counterfoil(&world, &["verify"]).await.code, 0);
}
