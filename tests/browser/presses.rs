//! Stale tabs, double clicks and the back button: no press pays twice, and no page shows a wrong state.

use tests::{World, text};

use crate::browser::{Browser, Screen};
use crate::{ANOTHER, ASKED, CHOOSE, EMAIL, NAME, causes, checkout, mock_bank, stage, staying, with_payer};

const PAID: [&str; 4] = ["created", "bank_chosen", "consent_given", "settled"];
const OUT_OF_DATE: &str = "This page is out of date";

/// A browser at the choice of a bank, of a session whose payer is known.
async fn at_choice() -> Option<(Browser, World, serde_json::Value)> {
    let browser = Browser::start(Screen::PHONE).await?;
    let world = World::start().await;
    let session = world.create_from(&with_payer(staying())).await;
    browser.open(&checkout(&session)).await;
    Some((browser, world, session))
}

#[tokio::test]
async fn a_tab_left_behind_is_out_of_date() {
    let Some((browser, world, session)) = at_choice().await else { return };
    browser.press(CHOOSE).await;
    browser.see(ASKED).await;
    let one = browser.open_tab(&mock_bank(&world, &session, 1)).await;
    browser.see(ASKED).await;
    // A third tab walks away and chooses again.
    let other = browser.open_tab(&mock_bank(&world, &session, 1)).await;
    browser.press("Walk away and choose another bank").await;
    browser.see("Approve the payment at Mock Bank").await;
    browser.press(ANOTHER).await;
    browser.press(CHOOSE).await;
    browser.see(ASKED).await;
    assert_eq!(browser.url().await.as_str(), mock_bank(&world, &session, 2));
    let second = browser.client.window().await.unwrap();
    // Two tabs still show the first attempt's buttons. They do nothing any more, and the page, loaded again, says so.
    for (tab, decision) in [(one, "Approve"), (other, "Decline")] {
        browser.client.switch_to_window(tab).await.unwrap();
        assert_eq!(browser.url().await.as_str(), mock_bank(&world, &session, 1));
        browser.press(decision).await;
        browser.see("Approve the payment at Mock Bank").await;
        assert_eq!(causes(&world, &session).await, ["created", "bank_chosen", "bank_chosen"], "{decision}");
        browser.client.back().await.unwrap();
        browser.see(OUT_OF_DATE).await;
        assert!(!browser.has("form").await);
    }
    browser.client.switch_to_window(second).await.unwrap();
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    assert_eq!(causes(&world, &session).await, ["created", "bank_chosen", "bank_chosen", "consent_given", "settled"]);
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn a_double_click_pays_once() {
    let Some((browser, world, session)) = at_choice().await else { return };
    browser.double_click(CHOOSE).await;
    browser.see(ASKED).await;
    assert_eq!(browser.url().await.as_str(), mock_bank(&world, &session, 1));
    browser.double_click("Approve").await;
    browser.see("Payment sent").await;
    assert_eq!(world.mails().await.len(), 1);
    assert_eq!(causes(&world, &session).await, PAID);
}

#[tokio::test]
async fn two_tabs_at_once_pay_once() {
    let Some((browser, world, session)) = at_choice().await else { return };
    let here = browser.client.window().await.unwrap();
    let chosen = browser.press_in_two_tabs(CHOOSE).await;
    for tab in [&chosen, &here] {
        browser.client.switch_to_window(tab.clone()).await.unwrap();
        browser.see(ASKED).await;
        assert_eq!(browser.url().await.as_str(), mock_bank(&world, &session, 1));
    }
    let approved = browser.press_in_two_tabs("Approve").await;
    for tab in [approved, here] {
        browser.client.switch_to_window(tab).await.unwrap();
        browser.see("Payment sent").await;
    }
    browser.client.switch_to_window(chosen).await.unwrap();
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    assert_eq!(world.mails().await.len(), 1);
    assert_eq!(causes(&world, &session).await, PAID);
}

#[tokio::test]
async fn going_back_pays_nothing_again() {
    let Some((browser, world, session)) = at_choice().await else { return };
    let choosing = browser.client.window().await.unwrap();
    browser.open_tab(&checkout(&session)).await;
    browser.press(CHOOSE).await;
    browser.see(ASKED).await;
    let mut asked = vec![browser.client.window().await.unwrap()];
    for _ in 0..2 {
        browser.open_tab(&mock_bank(&world, &session, 1)).await;
        browser.see(ASKED).await;
        asked.push(browser.client.window().await.unwrap());
    }
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    // Back, at the bank: there is nothing left to press; and forward again.
    browser.client.back().await.unwrap();
    browser.see(OUT_OF_DATE).await;
    assert!(!browser.has("form").await);
    browser.press("See where the payment stands").await;
    browser.see("Payment sent").await;
    // Tabs that still show the buttons.
    for (tab, decision) in asked.into_iter().zip(["Approve", "Decline"]) {
        browser.client.switch_to_window(tab).await.unwrap();
        browser.see(ASKED).await;
        browser.press(decision).await;
        browser.see("Payment sent").await;
        browser.client.refresh().await.unwrap();
        browser.see("Payment sent").await;
    }
    browser.client.switch_to_window(choosing).await.unwrap();
    browser.see("Choose your bank").await;
    browser.press(CHOOSE).await;
    browser.see("Payment sent").await;
    assert_eq!(causes(&world, &session).await, PAID);
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn what_was_typed_is_never_shown_again() {
    let Some((browser, world, shop)) = stage().await else { return };
    let session = world.create_from(&shop.order()).await;
    let unseen = async |page: &str| {
        let source = browser.client.source().await.unwrap();
        assert!(!source.contains("Ada") && !source.contains("ada@"), "{page}: {source}");
    };
    browser.open(&checkout(&session)).await;
    browser.fill("Full name", NAME).await;
    browser.fill("E-mail address", EMAIL).await;
    let other = browser.open_tab(&checkout(&session)).await;
    browser.see("Your details").await;
    let late = browser.client.window().await.unwrap();
    browser.client.switch_to_window(other).await.unwrap();
    browser.press("Continue to choose your bank").await;
    browser.see("Choose your bank").await;
    unseen("the choice of a bank").await;
    browser.client.back().await.unwrap();
    browser.see("Choose your bank").await;
    unseen("back").await;
    // Somebody else, with the page of before, is not mistaken for the payer.
    browser.client.switch_to_window(late).await.unwrap();
    browser.fill("Full name", "Someone Else").await;
    browser.fill("E-mail address", "else@example.com").await;
    browser.press("Continue to choose your bank").await;
    browser.see("Choose your bank").await;
    unseen("another's choice of a bank").await;
    browser.press(CHOOSE).await;
    browser.see(ASKED).await;
    unseen("the mock bank").await;
    browser.press("Walk away and choose another bank").await;
    browser.see("Approve the payment at Mock Bank").await;
    unseen("the way to the bank").await;
    browser.press("Continue at Mock Bank").await;
    browser.press("Approve, settle after 10 s").await;
    browser.see("Your bank is sending the payment").await;
    unseen("pending").await;
    assert_eq!(world.get(&text(&session["id"])).await["payer"]["name"], NAME);
}
