//! The ways through the checkout, each to its end.

use tests::{World, text};

use crate::browser::{Browser, Screen};
use crate::shop::Visit;
use crate::{ASKED, CANCEL, CHOOSE, EMAIL, NAME, RETURN, SHOP, causes, checkout, stage, staying, with_payer};

/// Asserts that the shop got this, and nothing of where the payer came from.
pub(crate) fn assert_reported(visit: &Visit, path: &str, id: &str, result: &str, state: &str) {
    let expected = [("order", id), ("banked-checkout-result", result), ("payment_result", state), ("payment_id", id)];
    let query = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(*visit, Visit { path: path.to_owned(), query, referrer: None });
}

#[tokio::test]
async fn from_details_to_the_shop() {
    let Some((browser, world, mut shop)) = stage().await else { return };
    let session = world.create_from(&shop.order()).await;
    let id = text(&session["id"]);
    browser.open(&checkout(&session)).await;
    browser.see("Your details").await;
    let page = browser.text().await;
    for part in [SHOP, "£4.00", "1 item · Illuminate", "Test mode: no real money moves"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    browser.press("1 item · Illuminate").await;
    let page = browser.text().await;
    for part in ["Candles", "4 × £1.00", "Gerald Wiley, account ending 5678"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    browser.fill("Full name", NAME).await;
    browser.fill("E-mail address", EMAIL).await;
    browser.press("Continue to choose your bank").await;
    browser.see("Choose your bank").await;
    browser.press(CHOOSE).await;
    browser.see(ASKED).await;
    browser.press("Approve").await;
    // Nothing is left to wait for.
    assert_reported(&shop.visit().await, "/thanks", &id, "success", "sent");
    browser.see("The shop").await;
    // The link, opened again, shows what came of it, and leads on no more by itself.
    browser.open(&checkout(&session)).await;
    browser.see("Payment sent").await;
    assert!(!shop.has_visitors());
    browser.press(RETURN).await;
    assert_reported(&shop.visit().await, "/thanks", &id, "success", "sent");
    let expected = ["created", "payer_identified", "bank_chosen", "consent_given", "settled"];
    assert_eq!(causes(&world, &session).await, expected);
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, [EMAIL]);
}

#[tokio::test]
async fn a_known_payer_is_not_asked() {
    let Some((browser, world, mut shop)) = stage().await else { return };
    let session = world.create_from(&with_payer(shop.order())).await;
    browser.open(&checkout(&session)).await;
    browser.see("Choose your bank").await;
    browser.press(CHOOSE).await;
    browser.press("Approve").await;
    assert_reported(&shop.visit().await, "/thanks", &text(&session["id"]), "success", "sent");
    browser.see("The shop").await;
}

#[tokio::test]
async fn a_payer_whose_name_is_known_gives_the_address_alone() {
    let Some((browser, world, shop)) = stage().await else { return };
    let mut order = shop.order();
    order["payer"] = serde_json::json!({ "name": NAME });
    let session = world.create_from(&order).await;
    browser.open(&checkout(&session)).await;
    browser.see("Your details").await;
    let page = browser.text().await;
    assert!(!page.contains("Full name") && !page.contains(NAME), "{page}");
    browser.fill("E-mail address", "paula@").await;
    browser.press("Continue to choose your bank").await;
    browser.assert_faulty("E-mail address", "Enter an e-mail address like name@example.com").await;
    browser.fill("E-mail address", EMAIL).await;
    browser.press("Continue to choose your bank").await;
    browser.see("Choose your bank").await;
    let session = world.get(&text(&session["id"])).await;
    assert_eq!(session["payer"], serde_json::json!({ "name": NAME, "email": EMAIL }));
}

#[tokio::test]
async fn a_pending_payment_shows_by_itself_what_became_of_it() {
    let Some(browser) = Browser::start(Screen::PHONE).await else { return };
    let world = World::start().await;
    let mut pending = Vec::new();
    for (decision, state, heading) in [
        ("Approve, settle after 10 s", "sent", "Payment sent"),
        ("Approve, fail after 10 s", "failed", "Your bank declined the payment"),
    ] {
        let session = world.create_from(&with_payer(staying())).await;
        browser.open_tab(&checkout(&session)).await;
        browser.press(CHOOSE).await;
        browser.press(decision).await;
        browser.see("Your bank is sending the payment").await;
        browser.press("Let this page check by itself every 3 seconds").await;
        browser.button("Stop checking").await;
        let id = text(&session["id"]);
        assert_eq!(world.get(&id).await["state"], "pending");
        pending.push((browser.client.window().await.unwrap(), id, state, heading));
    }
    // From here on nobody touches the pages, and no schedule runs: they ask the bank.
    for (tab, id, state, heading) in pending {
        browser.client.switch_to_window(tab).await.unwrap();
        browser.see(heading).await;
        assert_eq!(world.get(&id).await["state"], state);
    }
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_shown_and_leads_to_the_shop() {
    let Some((browser, world, mut shop)) = stage().await else { return };
    for (decision, heading) in
        [("Decline", "You declined the payment"), ("Insufficient funds", "There was not enough money in the account")]
    {
        let session = world.create_from(&with_payer(shop.order())).await;
        browser.open(&checkout(&session)).await;
        browser.press(CHOOSE).await;
        browser.press(decision).await;
        assert_reported(&shop.visit().await, "/sorry", &text(&session["id"]), "failure", "failed");
        browser.see("The shop").await;
        browser.open(&checkout(&session)).await;
        browser.see(heading).await;
        browser.press(RETURN).await;
        assert_reported(&shop.visit().await, "/sorry", &text(&session["id"]), "failure", "failed");
        browser.see("The shop").await;
    }
    assert!(world.mails().await.is_empty());
}

#[tokio::test]
async fn the_payer_can_cancel() {
    let Some((browser, world, mut shop)) = stage().await else { return };
    let session = world.create_from(&shop.order()).await;
    browser.open(&checkout(&session)).await;
    browser.press(CANCEL).await;
    browser.press("Yes, cancel the payment of £4.00").await;
    assert_reported(&shop.visit().await, "/sorry", &text(&session["id"]), "user-cancelled", "failed");
    assert_eq!(causes(&world, &session).await, ["created", "cancelled_by_payer"]);
    browser.see("The shop").await;
    // Back shows what came of it, with the link, and repeats nothing.
    browser.client.back().await.unwrap();
    browser.see("You cancelled the payment").await;
    assert!(!browser.has("form").await && !shop.has_visitors());
    browser.press(RETURN).await;
    assert_reported(&shop.visit().await, "/sorry", &text(&session["id"]), "user-cancelled", "failed");
    assert_eq!(causes(&world, &session).await, ["created", "cancelled_by_payer"]);
}
