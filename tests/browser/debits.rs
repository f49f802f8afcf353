//! Debits: a payer signs a mandate, and what is collected, or not, is shown.

use models::{Currency, PaymentMethod};
use serde_json::Value;
use tests::{World, text};

use crate::browser::{Browser, Screen};
use crate::{NAME, checkout};

/// A session that can be paid so, with its payer at the scheme's page.
async fn at_the_mandate(browser: &Browser, world: &World, method: PaymentMethod, currency: Currency) -> Value {
    let session = world.offering(currency, &[method]).await;
    let (provider, name, scheme) = match method {
        PaymentMethod::BacsDebit => ("mock-bacs", "Mock Direct Debit", "Direct Debit"),
        PaymentMethod::SepaDebit => ("mock-sepa-debit", "Mock SEPA Direct Debit", "SEPA Direct Debit"),
        PaymentMethod::Autogiro => ("mock-autogiro", "Mock Autogiro", "Autogiro"),
        PaymentMethod::Card
        | PaymentMethod::CardPresent
        | PaymentMethod::BankTransfer
        | PaymentMethod::DirectTransfer
        | PaymentMethod::GbpCreditTransfer
        | PaymentMethod::PayByBank
        | PaymentMethod::BuyNowPayLater => panic!("{method:?} is no debit"),
    };
    browser.open(&checkout(&session)).await;
    browser.see("Choose how to pay").await;
    browser.wait_for(&format!("//button[@value='{provider}']")).await.click().await.unwrap();
    browser.see(&format!("Sign the mandate at {name}")).await;
    browser.press(&format!("Continue at {name}")).await;
    let amount = if currency == Currency::GBP {
        "£4.00"
    } else if currency == Currency::EUR {
        "€4.00"
    } else {
        "SEK\u{a0}4.00"
    };
    browser.wait_for(&format!("//h1[contains(., 'by {scheme}') and contains(., '{amount}')]")).await;
    browser.fill("Name on the account", NAME).await;
    session
}

async fn sign(browser: &Browser) {
    browser.wait_for("//button[starts-with(normalize-space(), 'Sign, and pay')]").await.click().await.unwrap();
}

/// The page finds out by itself what became of it: no schedule runs.
async fn await_the_end(browser: &Browser, world: &World, session: &Value, heading: &str, state: &str) {
    browser.see("The amount is being collected").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "pending");
    browser.press("Let this page check by itself every 3 seconds").await;
    browser.button("Stop checking").await;
    browser.see(heading).await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], state);
}

#[tokio::test]
async fn a_direct_debit_is_signed_collected_and_claimed_back() {
    let Some(browser) = Browser::start(Screen::PHONE).await else { return };
    let world = World::start().await;
    let session = at_the_mandate(&browser, &world, PaymentMethod::BacsDebit, Currency::GBP).await;
    let mandate = browser.url().await;
    let page = browser.text().await;
    assert!(page.contains("The Direct Debit Guarantee is offered by all banks"), "{page}");
    browser.fill("Sort code", "10-88").await;
    browser.fill("Account number", "55555559").await;
    sign(&browser).await;
    browser.assert_faulty("Sort code", "Enter a sort code of 6 digits").await;
    // Of the account nothing is shown again.
    assert_eq!(browser.field("Account number").await.prop("value").await.unwrap().as_deref(), Some(""));
    assert_eq!(browser.field("Name on the account").await.prop("value").await.unwrap().as_deref(), Some(NAME));
    browser.fill("Sort code", "10-88-00").await;
    browser.fill("Account number", "55555559").await;
    sign(&browser).await;
    await_the_end(&browser, &world, &session, "Payment sent", "sent").await;
    browser.open(mandate.as_str()).await;
    browser.see("The amount was collected").await;
    browser.press("Claim the amount back").await;
    browser.see("You have claimed the amount back").await;
}

#[tokio::test]
async fn a_sepa_debit_from_an_account_without_enough_money_fails() {
    let Some(browser) = Browser::start(Screen::PHONE).await else { return };
    let world = World::start().await;
    let session = at_the_mandate(&browser, &world, PaymentMethod::SepaDebit, Currency::EUR).await;
    let page = browser.text().await;
    assert!(page.contains("A refund must be claimed within 8 weeks"), "{page}");
    browser.fill("IBAN", "AT87 1904 3002 3547 3202").await;
    sign(&browser).await;
    browser.assert_faulty("IBAN", "Enter an IBAN, as it stands on a bank statement").await;
    browser.fill("IBAN", "AT86 1904 3002 3547 3202").await;
    sign(&browser).await;
    await_the_end(&browser, &world, &session, "There was not enough money in the account", "failed").await;
}

#[tokio::test]
async fn an_autogiro_is_collected_or_refused_at_once() {
    let Some(browser) = Browser::start(Screen::PHONE).await else { return };
    let world = World::start().await;
    let session = at_the_mandate(&browser, &world, PaymentMethod::Autogiro, Currency::SEK).await;
    browser.fill("Clearing number", "5491").await;
    browser.fill("Account number", "1234563").await;
    sign(&browser).await;
    browser.see("Your bank declined the payment").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "failed");
    let session = at_the_mandate(&browser, &world, PaymentMethod::Autogiro, Currency::SEK).await;
    browser.press("Don’t sign").await;
    browser.see("You declined the payment").await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "failed");
    let session = at_the_mandate(&browser, &world, PaymentMethod::Autogiro, Currency::SEK).await;
    browser.fill("Clearing number", "5491").await;
    browser.fill("Account number", "000 000 4").await;
    sign(&browser).await;
    let wrong = "Enter an account number of this bank, without its clearing number";
    browser.assert_faulty("Account number", wrong).await;
    browser.fill("Clearing number", "5491").await;
    browser.fill("Account number", "000 000 3").await;
    sign(&browser).await;
    await_the_end(&browser, &world, &session, "Payment sent", "sent").await;
}
