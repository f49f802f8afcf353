//! A refund as both sides see it: the customer says where the money goes, the merchant sends it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{World, answer, text};

use crate::browser::{Browser, Screen};
use crate::{ASKED, CHOOSE, NAME, SHOP, checkout, stage, staying, with_payer};

const ASK: &str = "Where should your refund go?";
const CHECK: &str = "Check your details";
const CONFIRM: &str = "Yes, send my refund there";
const THANKS: &str = "Thank you, we have what we need";
/// The mock bank's box.
const WITHHELD: &str = "Don’t tell the merchant my account";

/// Refunds £2.50 of a session.
async fn refund(world: &World, session: &Value, urls: &Value) -> Value {
    let mut request = json!({ "payment_session_id": session["id"], "amount": 250, "reference": "refund Candles" });
    for url in ["success_url", "error_url"] {
        request[url] = urls[url].clone();
    }
    let answer = answer(world.demo(Method::POST, "/v2/refunds").json(&request)).await;
    assert_eq!(answer.status, reqwest::StatusCode::CREATED, "{}", answer.body);
    answer.body
}

/// A browser at the page of a refund that awaits details.
async fn at_details() -> Option<(Browser, World, Value)> {
    let browser = Browser::start(Screen::PHONE).await?;
    let world = World::start().await;
    let session = world.paid_from_withheld_account().await;
    let refund = refund(&world, &session, &staying()).await;
    browser.open(&text(&refund["url"])).await;
    Some((browser, world, refund))
}

async fn fill(browser: &Browser, name: &str, sort_code: &str, account_number: &str) {
    browser.see(ASK).await;
    for (label, text) in [("Name on the account", name), ("Sort code", sort_code), ("Account number", account_number)] {
        browser.fill(label, text).await;
    }
}

/// Whether the page that is open holds something of these details.
async fn shows(browser: &Browser, details: &[&str]) -> bool {
    let source = browser.client.source().await.unwrap();
    details.iter().any(|detail| source.contains(detail))
}

#[tokio::test]
async fn from_a_withheld_account_to_the_refund_sent() {
    let Some((browser, world, mut shop)) = stage().await else { return };
    let session = world.create_from(&with_payer(staying())).await;
    browser.open(&checkout(&session)).await;
    browser.press(CHOOSE).await;
    browser.see(ASKED).await;
    browser.wait_for(&format!("//label[normalize-space()='{WITHHELD}']")).await.click().await.unwrap();
    assert!(browser.has("[name=payer_account]:checked").await);
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    let made = refund(&world, &session, &shop.order()).await;
    assert_eq!(made["state"], "awaiting_details");

    // The customer, who has the link by e-mail.
    let link = text(&made["url"]);
    assert!(world.mails().await.iter().any(|mail| mail.text.as_ref().is_some_and(|text| text.contains(&link))));
    browser.open(&link).await;
    browser.see(ASK).await;
    let page = browser.text().await;
    for part in [SHOP, "£2.50", "refund Candles", "Test mode: no real money moves"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    browser.press("refund Candles").await;
    let page = browser.text().await;
    for part in ["£4.00", "Illuminate"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    fill(&browser, NAME, "04 00 05", "12344321").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    browser.press(CONFIRM).await;
    browser.see(THANKS).await;
    assert!(browser.text().await.contains("Bright Candles now has to approve the refund with their bank."));
    let customer = browser.client.window().await.unwrap();

    // The merchant, at a checkout of their own.
    let given = world.get_refund(&made).await;
    assert_eq!(given["state"], "awaiting_payment");
    let payment = world.get(&text(&given["refund_payment_session_id"])).await;
    browser.open_tab(&text(&payment["url"])).await;
    browser.see("Choose your bank").await;
    let page = browser.text().await;
    for part in [&format!("Refund to {NAME}"), "£2.50"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    browser.press("1 item · refund Candles").await;
    let page = browser.text().await;
    for part in ["Refund of Illuminate", "account ending 4321"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    browser.press(CHOOSE).await;
    browser.see("Approve a payment of £2.50?").await;
    // A refund is never refunded itself.
    assert!(!browser.has("[name=payer_account]").await);
    browser.press("Approve").await;
    assert_eq!(shop.visit().await.path, "/thanks");

    browser.client.switch_to_window(customer).await.unwrap();
    browser.client.refresh().await.unwrap();
    browser.see("Refund sent").await;
    assert!(browser.text().await.contains("Bright Candles’s bank has sent £2.50 to your account."));
    assert!(!shows(&browser, &[NAME, "04-00-05", "12344321", "/checkout/"]).await);
    assert_eq!(world.get_refund(&made).await["state"], "sent");
}

#[tokio::test]
async fn details_are_put_right_before_they_are_confirmed() {
    let Some((browser, world, refund)) = at_details().await else { return };
    let awaiting = world.get_refund(&refund).await;
    browser.see(ASK).await;
    browser.press("Continue").await;
    browser.wait_for("//*[@role='alert']").await;
    assert_eq!(browser.status().await, 422);
    assert!(browser.client.title().await.unwrap().starts_with("Error: "));
    for (label, error) in [
        ("Name on the account", "Enter the name on the account"),
        ("Sort code", "Enter the sort code"),
        ("Account number", "Enter the account number"),
    ] {
        browser.assert_faulty(label, error).await;
    }
    fill(&browser, NAME, "04-00", "12344321").await;
    browser.press("Continue").await;
    browser.assert_faulty("Sort code", "The sort code has 6 digits, like 01-02-03").await;
    let value = async |label: &str| browser.field(label).await.prop("value").await.unwrap().unwrap();
    assert_eq!((value("Name on the account").await, value("Account number").await), (NAME.into(), "12344321".into()));
    browser.fill("Sort code", "040005").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    let page = browser.text().await;
    for part in [NAME, "04-00-05", "12344321", "can’t be changed afterwards"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    browser.press("Change").await;
    browser.see(ASK).await;
    assert_eq!(value("Sort code").await, "04-00-05");
    browser.fill("Account number", "87654321").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    assert_eq!(world.get_refund(&refund).await, awaiting);
    browser.press(CONFIRM).await;
    browser.see(THANKS).await;
    let given = world.get_refund(&refund).await;
    let payment = world.get(&text(&given["refund_payment_session_id"])).await;
    assert_eq!(payment["payee"], json!({ "name": NAME, "sort_code": "040005", "account_number": "87654321" }));
}

#[tokio::test]
async fn details_are_accepted_once_whatever_is_pressed() {
    let Some((browser, world, refund)) = at_details().await else { return };
    let link = text(&refund["url"]);
    fill(&browser, NAME, "040005", "12344321").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    // Back, to check once more; nothing has happened.
    browser.client.back().await.unwrap();
    fill(&browser, NAME, "040005", "12344321").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    // Two more tabs, by others or by the same hand: one at the form, one about to confirm another account.
    let here = browser.open_tab(&link).await;
    fill(&browser, "Someone Else", "040006", "99999999").await;
    let late = browser.client.window().await.unwrap();
    browser.open_tab(&link).await;
    fill(&browser, "Someone Else", "040006", "88888888").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    let later = browser.client.window().await.unwrap();
    browser.client.switch_to_window(here.clone()).await.unwrap();
    let twin = browser.press_in_two_tabs(CONFIRM).await;
    for tab in [&twin, &here] {
        browser.client.switch_to_window(tab.clone()).await.unwrap();
        browser.see(THANKS).await;
    }
    let given = world.get_refund(&refund).await;
    for (tab, button) in [(late, "Continue"), (later, CONFIRM)] {
        browser.client.switch_to_window(tab).await.unwrap();
        browser.press(button).await;
        browser.see(THANKS).await;
        assert!(!shows(&browser, &["Someone", "040006", "99999999", "88888888"]).await);
    }
    // Back from the end is the answer to a form, which a browser won't show without sending the form again: that leads
    // to where the refund stands. So does one more step back.
    browser.client.switch_to_window(here).await.unwrap();
    for again in [true, false] {
        browser.client.back().await.unwrap();
        if again {
            assert!(!shows(&browser, &[NAME, "04-00-05", "12344321"]).await);
            browser.client.refresh().await.unwrap();
        }
        browser.see(THANKS).await;
        assert!(!shows(&browser, &[NAME, "04-00-05", "12344321"]).await);
    }
    assert_eq!(world.get_refund(&refund).await, given);
    let payment = world.get(&text(&given["refund_payment_session_id"])).await;
    assert_eq!(payment["payee"]["account_number"], "12344321");
}
