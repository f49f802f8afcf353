//! Pages that say what is wrong: with what was typed, or with the link.

use jiff::{SignedDuration, Timestamp};
use models::SessionId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sessions;
use tests::{World, text};

use crate::{EMAIL, NAME, checkout, stage, staying};

#[tokio::test]
async fn a_form_says_what_is_wrong_and_keeps_what_was_typed() {
    let Some((browser, world, shop)) = stage().await else { return };
    let session = world.create_from(&shop.order()).await;
    browser.open(&checkout(&session)).await;
    browser.press("Continue to choose your bank").await;
    browser.wait_for("//*[@role='alert']").await;
    assert_eq!(browser.status().await, 422);
    assert!(browser.client.title().await.unwrap().starts_with("Error: Your details"));
    for (label, error) in [
        ("Full name", "Enter your full name"),
        ("E-mail address", "Enter your e-mail address, so that we can send your receipt"),
    ] {
        browser.assert_faulty(label, error).await;
    }
    browser.fill("Full name", NAME).await;
    browser.fill("E-mail address", "ada@").await;
    browser.press("Continue to choose your bank").await;
    browser.button("Enter an e-mail address like name@example.com").await;
    // A screen reader is led to what is wrong.
    let active = browser.client.active_element().await.unwrap();
    assert_eq!(active.attr("role").await.unwrap().as_deref(), Some("alert"));
    assert_eq!(browser.field("Full name").await.prop("value").await.unwrap().as_deref(), Some(NAME));
    assert_eq!(browser.field("E-mail address").await.prop("value").await.unwrap().as_deref(), Some("ada@"));
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payer");
    browser.fill("E-mail address", EMAIL).await;
    browser.press("Continue to choose your bank").await;
    browser.see("Choose your bank").await;
}

/// A session whose time has run out, though no schedule has written it down: it is put into the table as it would be.
pub(crate) async fn expired(world: &World) -> Value {
    let created = world.create_from(&staying()).await;
    let sessions = Sessions::new(world.table());
    let mut session = sessions.get(&text(&created["id"]).parse().unwrap()).await.unwrap().unwrap();
    let id = SessionId::new(uuid::Uuid::new_v4());
    session.id = id;
    session.expires_at = Timestamp::now() - SignedDuration::from_secs(1);
    sessions.create(session, None).await.unwrap();
    json!({ "id": id.to_string(), "url": checkout(&created).replace(&text(&created["id"]), &id.to_string()) })
}

#[tokio::test]
async fn a_dead_link_says_so() {
    let Some((browser, world, shop)) = stage().await else { return };
    let deleted = world.create_from(&shop.order()).await;
    browser.open(&checkout(&deleted)).await;
    browser.see("Your details").await;
    let path = format!("/v2/payment_sessions/{}", text(&deleted["id"]));
    assert_eq!(world.demo(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    // The form that is still open, and then the link again.
    browser.fill("Full name", NAME).await;
    browser.press("Continue to choose your bank").await;
    browser.see("There is nothing here").await;
    assert_eq!(browser.status().await, 404);
    browser.open(&checkout(&deleted)).await;
    browser.see("There is nothing here").await;
    assert_eq!(browser.status().await, 404);
    assert!(!browser.has("main a, form").await);

    let cancelled = world.create_from(&staying()).await;
    let path = format!("/v2/payment_sessions/{}/cancel", text(&cancelled["id"]));
    assert_eq!(world.demo(Method::POST, &path).send().await.unwrap().status(), StatusCode::OK);
    browser.open(&checkout(&cancelled)).await;
    browser.see("Bright Candles cancelled the payment").await;
    assert!(!browser.has("form").await);

    browser.open(&checkout(&expired(&world).await)).await;
    browser.see("The time to pay has run out").await;
    assert!(!browser.has("form").await);
}
