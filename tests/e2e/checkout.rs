//! The payer's way through the pages, as plain HTTP; `tests/browser` walks it in a real browser.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{PATIENCE, World, answer, document_1, page, states, text};

const PAID: [&str; 5] = ["awaiting_payer", "awaiting_provider", "awaiting_payment_consent", "pending", "sent"];

#[tokio::test]
async fn approving_pays_once_however_often_it_is_pressed() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let payer = world.payer(&session);
    assert_eq!(payer.identify().await.location.unwrap(), format!("/checkout/{id}"));
    // A double click on the bank begins one attempt.
    let (one, other) = tokio::join!(payer.choose_bank(1), payer.choose_bank(1));
    assert_eq!(one.location.unwrap(), format!("/mock-bank/{id}/1"));
    assert_eq!(other.location.unwrap(), format!("/mock-bank/{id}/1"));
    let pressed = tokio::join!(payer.decide(1, "approve"), payer.decide(1, "approve"), payer.decide(1, "approve"));
    for answer in [pressed.0, pressed.1, pressed.2] {
        // To the shop; or, while another of them is being recorded, to where it stands.
        let (shop, page) = (format!("http://example.com/success?id={id}&"), format!("/checkout/{id}"));
        let leads_to = answer.location.unwrap();
        assert!(
            answer.status == StatusCode::SEE_OTHER && (leads_to.starts_with(&shop) || leads_to == page),
            "{leads_to}"
        );
    }
    // The back button, and then something else.
    payer.decide(1, "decline").await;
    payer.choose_bank(2).await;
    payer.cancel().await;
    let paid = world.get(&id).await;
    assert_eq!(paid["state"], "sent");
    assert_eq!(states(&paid), PAID);
    assert_eq!(paid["sent_at"].as_str().unwrap().len(), "2019-11-01 15:48:26 UTC".len());
    assert_eq!(paid["failure_reason"], serde_json::Value::Null);
    let html = payer.page().await.html;
    assert!(html.contains(&format!(
        "http://example.com/success?id={id}&#38;banked-checkout-result=success&#38;payment_result=sent&#38;payment_id={id}"
    )) || html.contains(&format!("banked-checkout-result=success&amp;payment_result=sent&amp;payment_id={id}")), "{html}");
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn a_refusal_fails_the_session_and_says_why() {
    let world = World::start().await;
    for (decision, reason) in [("decline", "declined_by_payer"), ("insufficient_funds", "insufficient_funds")] {
        let session = world.create().await;
        let payer = world.payer(&session);
        payer.identify().await;
        payer.choose_bank(1).await;
        payer.decide(1, decision).await;
        let failed = world.get(&text(&session["id"])).await;
        assert_eq!((&failed["state"], &failed["failure_reason"]), (&json!("failed"), &json!(reason)));
        assert_eq!(failed["sent_at"], serde_json::Value::Null);
        assert!(payer.page().await.html.contains("banked-checkout-result=failure"));
    }
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn a_pending_payment_settles_or_fails_later() {
    let world = World::start().await;
    for (decision, state) in [("approve_then_settle", "sent"), ("approve_then_fail", "failed")] {
        let session = world.create().await;
        let id = text(&session["id"]);
        let payer = world.payer(&session);
        payer.identify().await;
        payer.choose_bank(1).await;
        payer.decide(1, decision).await;
        assert_eq!(world.get(&id).await["state"], "pending");
        let html = payer.page().await.html;
        assert!(html.contains("Check again now") && html.contains("banked-checkout-result=pending"), "{html}");
        // Neither the payer nor the merchant can take it back.
        payer.cancel().await;
        let path = format!("/v2/payment_sessions/{id}");
        assert_eq!(answer(world.demo(Method::POST, &format!("{path}/cancel"))).await.code(), "invalid_action");
        assert_eq!(answer(world.demo(Method::DELETE, &path)).await.code(), "invalid_action");
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while world.get(&id).await["state"] == "pending" {
            assert!(tokio::time::Instant::now() < deadline, "still pending");
            world.run_schedule().await;
        }
        let ended = world.get(&id).await;
        assert_eq!(ended["state"], state);
        assert_eq!(ended["failure_reason"], if state == "sent" { json!(null) } else { json!("declined_by_bank") });
    }
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn only_the_latest_attempt_can_be_paid() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.choose_bank(2).await;
    // The tab of the first attempt is stale: it says so, and pays nothing.
    let stale = page(world.request(Method::GET, &format!("/mock-bank/{id}/1"))).await;
    assert!(!stale.html.contains("name=\"decision\""), "{}", stale.html);
    payer.decide(1, "approve").await;
    assert_eq!(world.get(&id).await["state"], "awaiting_payment_consent");
    payer.decide(2, "approve").await;
    assert_eq!(world.get(&id).await["state"], "sent");
}

#[tokio::test]
async fn a_bank_can_be_chosen_twenty_times() {
    let world = World::start().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    for attempt in 1..=20 {
        assert_eq!(payer.choose_bank(attempt).await.status, StatusCode::SEE_OTHER);
    }
    assert!(payer.choose_bank(21).await.status.is_client_error());
    let session = world.get(&text(&session["id"])).await;
    assert_eq!(states(&session).len(), 22);
    payer.decide(20, "approve").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
}

#[tokio::test]
async fn a_get_changes_nothing_and_a_page_is_passed_on_to_nobody() {
    let world = World::start().await;
    let session = world.create().await;
    let id = text(&session["id"]);
    let payer = world.payer(&session);
    for path in [format!("/checkout/{id}"), format!("/mock-bank/{id}/1")] {
        let page = page(world.request(Method::GET, &path)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
    }
    assert_eq!(states(&world.get(&id).await), ["awaiting_payer"]);
    payer.identify().await;
    for _ in 0..3 {
        let html = payer.page().await.html;
        assert!(!html.contains("Ada Payer") && !html.contains("ada@example.com"));
    }
    assert_eq!(states(&world.get(&id).await), ["awaiting_payer", "awaiting_provider"]);
}

#[tokio::test]
async fn a_form_that_is_wrong_says_so_and_changes_nothing() {
    let world = World::start().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    for form in [
        &[("name", ""), ("email", "ada@example.com")][..],
        &[("name", "Ada"), ("email", "ada")],
        &[("name", "Ada"), ("email", "")],
        &[],
    ] {
        assert_eq!(payer.post("payer", form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
    }
    let path = format!("/checkout/{}/payer", text(&session["id"]));
    let wrong_type = page(world.request(Method::POST, &path).json(&json!({ "name": "Ada" }))).await;
    assert_eq!(wrong_type.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(states(&world.get(&text(&session["id"])).await), ["awaiting_payer"]);
    payer.identify().await;
    assert!(payer.post("bank", &[("bank", "my-bank"), ("attempt", "1")]).await.status.is_client_error());
    payer.choose_bank(1).await;
    assert!(payer.decide(1, "steal").await.status.is_client_error());
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payment_consent");
}

#[tokio::test]
async fn the_payer_can_cancel() {
    let world = World::start().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.cancel().await;
    let cancelled = world.get(&text(&session["id"])).await;
    assert_eq!((&cancelled["state"], &cancelled["failure_reason"]), (&json!("failed"), &json!("cancelled_by_payer")));
    assert!(payer.page().await.html.contains("banked-checkout-result=user-cancelled"));
    payer.identify().await;
    assert_eq!(states(&world.get(&text(&session["id"])).await).len(), 2);
}

#[tokio::test]
async fn without_urls_the_payer_stays() {
    let world = World::start().await;
    let mut request = document_1();
    request.as_object_mut().unwrap().retain(|field, _| !field.ends_with("_url"));
    let session = world.create_from(&request).await;
    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let html = payer.page().await.html;
    assert!(!html.contains("banked-checkout-result"));
}
