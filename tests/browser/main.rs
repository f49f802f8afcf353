//! A payer with a real browser, headless, goes through the checkout: the pages as they are seen and pressed, on a
//! phone, without scripts. What is sent over HTTP alone is tested in `e2e`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod banks;
mod browser;
mod cards;
mod console;
mod console_acts;
mod console_choice;
mod console_pictures;
mod debits;
mod inspector;
mod keyboard;
mod pages;
mod payments;
mod pictures;
mod presses;
mod refunds;
mod rendered;
mod shop;
mod start_page;
mod states;
mod transfers;
mod truelayer;
mod truelayer_sandbox;

use serde_json::{Value, json};
use tests::{World, document_1, text};

use crate::browser::{Browser, Screen};
use crate::shop::Shop;

const NAME: &str = "Ada Payer";
const EMAIL: &str = "ada@example.com";
/// How the demo merchant's shop is called.
const SHOP: &str = "Bright Candles";
/// The link back to it.
const RETURN: &str = "Return to Bright Candles";
/// The bank at the choice where the payer decides everything.
const CHOOSE: &str = "Mock Bank";
/// The link to the choice of a bank, once one is chosen.
const ANOTHER: &str = "Choose another bank";
/// The heading of the choice of how to pay.
const WAYS: &str = "Choose how to pay";
/// The link to it, once a way is chosen.
const ANOTHER_WAY: &str = "Choose another way to pay";
/// The heading of the page that leads to the card provider.
const BY_CARD: &str = "Pay by card at Mock Card";
/// What unfolds the form that cancels.
const CANCEL: &str = "Cancel the payment";
/// The heading of the mock bank's page for it.
const ASKED: &str = "Approve a payment of £4.00?";

/// A browser, a machine and a shop of a test's own; none where no browser is installed.
async fn stage() -> Option<(Browser, World, Shop)> {
    let browser = Browser::start(Screen::PHONE).await?;
    Some((browser, World::start().await, Shop::open().await))
}

/// Document 1's session without the merchant's URLs: its result stays open for as long as a test needs.
fn staying() -> Value {
    let mut order = document_1();
    order.as_object_mut().unwrap().retain(|field, _| !field.ends_with("_url"));
    order
}

/// An order with the payer given at creation.
fn with_payer(mut order: Value) -> Value {
    order["payer"] = json!({ "name": NAME, "email": EMAIL });
    order
}

/// The checkout of a session.
fn checkout(session: &Value) -> String {
    text(&session["url"])
}

/// Where the mock bank asks about an attempt.
fn mock_bank(world: &World, session: &Value, attempt: u8) -> String {
    format!("{}/mock-bank/{}/{attempt}", world.machine.api_url(), text(&session["id"]))
}

/// What happened to a session, as the API says, oldest first.
async fn causes(world: &World, session: &Value) -> Vec<String> {
    let session = world.get(&text(&session["id"])).await;
    session["history"].as_array().unwrap().iter().map(|entry| text(&entry["cause"])).collect()
}
