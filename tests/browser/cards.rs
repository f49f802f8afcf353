//! Several ways to pay, and paying by card: the choice, the provider's page, and another way after a refusal.

use models::{Currency, PaymentMethod};
use serde_json::{Value, json};
use tests::{World, text};

use crate::browser::{Browser, Screen};
use crate::{ANOTHER_WAY, BY_CARD, CHOOSE, WAYS, causes, checkout};

/// The card provider's page for it.
const CARD: &str = "Pay £4.00 by card";
const CONTINUE: &str = "Continue at Mock Card";
const PAY: &str = "Pay £4.00";

/// A browser at the choice of how to pay a session that may be paid again after a refusal.
async fn at_the_choice() -> Option<(Browser, World, Value)> {
    let browser = Browser::start(Screen::PHONE).await?;
    let world = World::start().await;
    let session = world.offering(Currency::GBP, &[PaymentMethod::Card, PaymentMethod::PayByBank]).await;
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET retry = :yes",
        "ExpressionAttributeValues": { ":yes": { "BOOL": true } },
    });
    world.dynamodb("UpdateItem", &body).await;
    browser.open(&checkout(&session)).await;
    browser.see(WAYS).await;
    Some((browser, world, session))
}

async fn enter(browser: &Browser, number: &str) {
    browser.see(CARD).await;
    for (label, text) in
        [("Card number", number), ("Expires", "12/40"), ("Security code", "123"), ("Name on the card", "Ada Payer")]
    {
        browser.fill(label, text).await;
    }
    browser.press(PAY).await;
}

#[tokio::test]
async fn a_card_pays() {
    let Some((browser, world, session)) = at_the_choice().await else { return };
    browser.press("Card").await;
    browser.see(BY_CARD).await;
    browser.press(CONTINUE).await;
    // What is wrong is said at its field, and nothing that was typed comes back.
    enter(&browser, "4242 4242 4242 4241").await;
    let error =
        "Enter one of the test numbers listed on this page. No other is accepted, and a real card must not be used";
    browser.assert_faulty("Card number", error).await;
    for label in ["Card number", "Expires", "Security code", "Name on the card"] {
        assert_eq!(browser.field(label).await.prop("value").await.unwrap().as_deref(), Some(""), "{label}");
    }
    enter(&browser, "4242 4242 4242 4242").await;
    browser.see("Payment sent").await;
    let page = browser.text().await;
    assert!(page.contains("Visa ending 4242") && page.contains("You have paid £4.00 to"), "{page}");
    assert_eq!(causes(&world, &session).await, ["created", "bank_chosen", "consent_given", "settled"]);
}

#[tokio::test]
async fn a_card_is_declined_and_the_payer_pays_by_bank() {
    let Some((browser, world, session)) = at_the_choice().await else { return };
    browser.press("Card").await;
    browser.see(BY_CARD).await;
    // Once there is a choice, another can be made, and there is a way back from each page.
    browser.press(ANOTHER_WAY).await;
    browser.see(WAYS).await;
    browser.press("Pay by bank").await;
    browser.see("Choose your bank").await;
    browser.press("All ways to pay").await;
    browser.see(WAYS).await;
    browser.press("Stay with Mock Card").await;
    browser.see(BY_CARD).await;
    browser.press(CONTINUE).await;
    enter(&browser, "4000 0000 0000 0002").await;
    browser.see("Choose again how to pay").await;
    let page = browser.text().await;
    assert!(page.contains("Your card was declined at Mock Card. No money has been taken."), "{page}");
    browser.press("Pay by bank").await;
    browser.see("Choose your bank").await;
    browser.press(CHOOSE).await;
    browser.see(crate::ASKED).await;
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    assert!(browser.text().await.contains("Your bank has sent £4.00"));
    let expected = ["created", "bank_chosen", "attempt_ended", "bank_chosen", "consent_given", "settled"];
    assert_eq!(causes(&world, &session).await, expected);
}

#[tokio::test]
async fn a_challenge_is_passed_or_not() {
    for (answer, heading, last) in
        [("Yes, it is me", "Payment sent", "settled"), ("No", "Choose again how to pay", "attempt_ended")]
    {
        let Some((browser, world, session)) = at_the_choice().await else { return };
        browser.press("Card").await;
        browser.press(CONTINUE).await;
        enter(&browser, "4000 0025 0000 3155").await;
        browser.see("Is it you who pays £4.00?").await;
        let challenge = browser.url().await;
        assert!(browser.text().await.contains("Visa ending 3155"));
        browser.press(answer).await;
        browser.see(heading).await;
        assert_eq!(causes(&world, &session).await.last().map(String::as_str), Some(last));
        // The tab that was left open asks no more.
        browser.open(challenge.as_str()).await;
        browser.see(if last == "settled" { "You have paid by card" } else { "Your card was declined" }).await;
    }
}

#[tokio::test]
async fn a_payment_is_disputed_on_the_providers_page() {
    let Some((browser, world, session)) = at_the_choice().await else { return };
    browser.press("Card").await;
    browser.press(CONTINUE).await;
    enter(&browser, "4000 0000 0000 0259").await;
    browser.see("You have paid by card").await;
    browser.press("Dispute this payment").await;
    browser.see("You have disputed this payment").await;
    // No webhook reaches this machine: the next who asks the provider finds out, first that it was paid.
    browser.press("Go back to see where the payment stands").await;
    browser.press("Check again now").await;
    browser.see("Payment sent").await;
    assert!(browser.text().await.contains("The money of this payment was taken back afterwards."));
    let session = store::Sessions::new(world.table()).get(&text(&session["id"]).parse().unwrap()).await.unwrap();
    assert_eq!(session.unwrap().taken_back.unwrap().reason.as_str(), "chargeback");
}
