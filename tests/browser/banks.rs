//! To the bank and back: by another browser, again, and with the back button.

use fantoccini::Locator;
use serde_json::Value;
use tests::{World, text};

use crate::browser::{Browser, Screen};
use crate::{ANOTHER, ASKED, CHOOSE, causes, checkout, stage, staying, with_payer};

/// The bank whose money moves at consent, at the choice of a bank.
const CHOOSE_CONSENT: &str = "Thistledown Pay";
/// The heading of the page that has the link to it.
const AT_CONSENT: &str = "Approve the payment at Thistledown Pay";
const CONTINUE: &str = "Continue at Thistledown Pay";
const GO_BACK: &str = "Go back to see where the payment stands";

async fn state(world: &World, session: &Value) -> String {
    text(&world.get(&text(&session["id"])).await["state"])
}

#[tokio::test]
async fn a_payer_can_come_back_in_another_browser() {
    let Some((browser, world, _shop)) = stage().await else { return };
    let Some(other) = Browser::start(Screen::PHONE).await else { return };
    for (choose, leads_to) in [(CHOOSE, ASKED), (CHOOSE_CONSENT, AT_CONSENT)] {
        let session = world.create_from(&with_payer(staying())).await;
        browser.open(&checkout(&session)).await;
        browser.press(choose).await;
        browser.see(leads_to).await;
        if leads_to == AT_CONSENT {
            browser.press(CONTINUE).await;
            browser.see(ASKED).await;
        }
        // As if the bank's own app had opened it.
        other.open(browser.url().await.as_str()).await;
        other.press("Approve").await;
        other.see("Payment sent").await;
        assert_eq!(other.url().await.as_str(), checkout(&session));
        assert_eq!(state(&world, &session).await, "sent");
        // The first browser is still at the bank, which shows what holds and where to go.
        browser.client.refresh().await.unwrap();
        if leads_to == AT_CONSENT {
            browser.see("You have approved this payment").await;
            browser.press(GO_BACK).await;
        } else {
            browser.see("This page is out of date").await;
            browser.press("See where the payment stands").await;
        }
        browser.see("Payment sent").await;
        assert_eq!(causes(&world, &session).await, ["created", "bank_chosen", "consent_given", "settled"]);
    }
}

#[tokio::test]
async fn the_banks_link_can_be_pressed_again() {
    let Some((browser, world, _shop)) = stage().await else { return };
    let session = world.create_from(&with_payer(staying())).await;
    browser.open(&checkout(&session)).await;
    browser.press(CHOOSE_CONSENT).await;
    browser.see(AT_CONSENT).await;
    browser.press(CONTINUE).await;
    browser.see(ASKED).await;
    let link = browser.url().await;
    for _ in 0..2 {
        browser.open(&checkout(&session)).await;
        browser.see(AT_CONSENT).await;
        browser.press(CONTINUE).await;
        browser.see(ASKED).await;
        assert_eq!(browser.url().await, link);
    }
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    assert_eq!(causes(&world, &session).await, ["created", "bank_chosen", "consent_given", "settled"]);
}

#[tokio::test]
async fn back_from_the_bank_leads_to_where_the_payment_stands() {
    let Some((browser, world, _shop)) = stage().await else { return };
    let session = world.create_from(&with_payer(staying())).await;
    browser.open(&checkout(&session)).await;
    browser.press(CHOOSE_CONSENT).await;
    browser.press(CONTINUE).await;
    browser.see(ASKED).await;
    // Undecided, and then at another bank: the first gives the payment up.
    browser.client.back().await.unwrap();
    browser.see(AT_CONSENT).await;
    browser.press(ANOTHER).await;
    browser.press(CHOOSE).await;
    browser.see(ASKED).await;
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    browser.client.back().await.unwrap();
    browser.see("Choose your bank").await;
    browser.press("Stay with Mock Bank").await;
    browser.see("Approve the payment at Mock Bank").await;
    browser.press(ANOTHER).await;
    browser.press(CHOOSE_CONSENT).await;
    browser.press(CONTINUE).await;
    browser.see(ASKED).await;
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    // And back again: nothing can be decided twice.
    browser.client.back().await.unwrap();
    browser.see("You have approved this payment").await;
    assert!(!browser.has("form").await);
    browser.press(GO_BACK).await;
    browser.see("Payment sent").await;
    assert_eq!(causes(&world, &session).await.iter().filter(|cause| *cause == "consent_given").count(), 1);
}

#[tokio::test]
async fn a_refusal_leads_back_to_the_choice_with_why() {
    let Some((browser, world, _shop)) = stage().await else { return };
    let mut order = with_payer(staying());
    order["retry"] = true.into();
    let session = world.create_from(&order).await;
    browser.open(&checkout(&session)).await;
    browser.press("Sternholt Bank").await;
    browser.press("Refused by the bank").await;
    browser.see("Choose your bank again").await;
    let page = browser.text().await;
    let why = "Your bank said no. No money has left your account. To learn why, ask Sternholt Bank.";
    assert!(page.contains(why), "{page}");
    browser.press("Brightwick Bank").await;
    browser.press("Approve").await;
    browser.see("Payment sent").await;
}

#[tokio::test]
async fn a_bank_that_is_down_is_listed_says_why_and_does_nothing() {
    let Some((browser, world, _shop)) = stage().await else { return };
    let session = world.create_from(&with_payer(staying())).await;
    browser.open(&checkout(&session)).await;
    let page = browser.text().await;
    assert!(page.contains("Nightclose Bank") && page.contains("Down for maintenance"), "{page}");
    let row = browser.wait_for("//*[@class='banks']/li[.//bdi='Nightclose Bank']").await;
    row.click().await.unwrap();
    assert!(row.find_all(Locator::Css("button, a, input")).await.unwrap().is_empty());
    browser.see("Choose your bank").await;
    assert_eq!(state(&world, &session).await, "awaiting_provider");
}
