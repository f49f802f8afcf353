//! The ways through the checkout, each to its end.

use serde_json::json;
use tests::{World, states, text};

use crate::browser::{Browser, Screen};
use crate::shop::Shop;

#[tokio::test]
async fn a_payment_from_details_to_the_shop() {
    let Some(browser) = Browser::start(Screen::PHONE).await else { return };
    let (world, mut shop) = (World::start().await, Shop::open().await);
    let session = world.create_from(&shop.order()).await;
    let id = text(&session["id"]);
    browser.open(&text(&session["url"])).await;
    browser.see("Your details").await;
    browser.fill("Full name", "Ada Payer").await;
    browser.fill("E-mail address", "ada@example.com").await;
    browser.press("Continue to choose your bank").await;
    browser.see("Choose your bank").await;
    browser.press("Pay £4.00 with Mock Bank").await;
    browser.see("Approve a payment of £4.00?").await;
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    eprintln!("{:?} {} {:?}", browser.console().await, browser.status().await, browser.client.execute("return [innerWidth,innerHeight]", vec![]).await);
    browser.press("Return to Gerald Wiley").await;
    let visit = shop.visit().await;
    eprintln!("{visit:?}");
    let paid = world.get(&id).await;
    assert_eq!(paid["state"], "sent");
}
