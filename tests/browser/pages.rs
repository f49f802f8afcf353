//! Each page by itself: read, labelled, narrow enough, without a word in the console; and kept as a picture for whoever
//! sets BROWSER_PICTURES to a folder.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use models::SessionId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Sessions;
use tests::{World, text};

use crate::browser::{Browser, Screen};
use crate::{EMAIL, NAME, checkout, mock_bank, stage, staying, with_payer};

/// What is wrong with a page, as it stands in the browser.
const FAULTS: &str = include_str!("faults.js");

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
    // A screen reader is taken to what is wrong.
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
async fn expired(world: &World) -> Value {
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
    browser.see("Gerald Wiley cancelled the payment").await;
    assert!(!browser.has("form").await);

    browser.open(&checkout(&expired(&world).await)).await;
    browser.see("The time to pay has run out").await;
    assert!(!browser.has("form").await);
}

/// Looks at pages one after the other.
struct Inspector {
    browser: Browser,
    pictures: Option<PathBuf>,
    faults: Vec<String>,
}

impl Inspector {
    /// Inspects the page that is open, once it has this heading.
    async fn inspect(&mut self, name: &str, heading: &str) {
        self.browser.see(heading).await;
        let mut faults = Vec::new();
        for (screen, dark) in [(Screen::NARROW, false), (Screen::NARROW, true), (Screen::DESKTOP, false)] {
            self.browser.set_screen(screen).await;
            self.browser.set_dark(dark).await;
            let found = self.browser.client.execute(FAULTS, vec![json!(screen.width)]).await.unwrap();
            faults.extend(found.as_array().unwrap().iter().map(|fault| format!("{screen:?}, dark {dark}: {fault}")));
        }
        // A page that is no success is a line in the console by itself.
        let status = format!("the server responded with a status of {} ", self.browser.status().await);
        faults.extend(self.browser.console().await.into_iter().filter(|line| !line.contains(&status)));
        self.faults.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
        self.take_pictures(name).await;
    }

    async fn take_pictures(&self, name: &str) {
        let Some(folder) = &self.pictures else { return };
        for (device, screen) in [("phone", Screen::PHONE), ("desktop", Screen::DESKTOP)] {
            for (scheme, dark) in [("light", false), ("dark", true)] {
                self.browser.set_dark(dark).await;
                let picture = self.browser.picture(screen).await;
                std::fs::write(folder.join(format!("{name}-{device}-{scheme}.png")), picture).unwrap();
            }
        }
    }

    /// Opens a page and inspects it.
    async fn open(&mut self, url: &str, name: &str, heading: &str) {
        self.browser.open(url).await;
        self.inspect(name, heading).await;
    }
}

/// An order that is hard to lay out.
fn unwieldy() -> Value {
    let mut order = staying();
    let word = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen";
    let mut items: Vec<Value> = (1..=20)
        .map(|number| json!({ "name": format!("Candle {number}"), "amount": 199, "currency": "GBP", "quantity": 1 }))
        .collect();
    items[0]["name"] = word.into();
    items[0]["description"] = format!("{word} {word}").into();
    items[1]["amount"] = 12_345_678.into();
    order["line_items"] = items.into();
    order["payee"]["name"] = word.into();
    order["email_receipt"] = false.into();
    order
}

#[tokio::test]
async fn every_page_can_be_read_by_everyone() {
    let Some(browser) = Browser::start(Screen::PHONE).await else { return };
    let world = World::start().await;
    let pictures = std::env::var_os("BROWSER_PICTURES").map(PathBuf::from);
    let mut inspector = Inspector { browser, pictures, faults: Vec::new() };
    let session = world.create_from(&staying()).await;
    inspector.open(&checkout(&session), "details", "Your details").await;
    inspector.browser.press("Continue to choose your bank").await;
    inspector.browser.wait_for("//*[@role='alert']").await;
    inspector.inspect("details_errors", "Your details").await;
    let payer = world.payer(&session);
    payer.identify().await;
    inspector.open(&checkout(&session), "bank", "Choose your bank").await;
    inspector.browser.press("Cancel this payment").await;
    inspector.inspect("bank_cancel", "Choose your bank").await;
    payer.choose_bank(1).await;
    inspector.open(&mock_bank(&world, &session, 1), "mock_bank", "Approve a payment of £4.00?").await;
    inspector.open(&checkout(&session), "consent", "Approve the payment at Mock Bank").await;
    payer.decide(1, "approve_then_settle").await;
    inspector.open(&checkout(&session), "pending", "Your bank is sending the payment").await;
    inspector.open(&mock_bank(&world, &session, 1), "mock_bank_closed", "This page is out of date").await;

    let paid = world.create_from(&with_payer(tests::document_1())).await;
    let payer = world.payer(&paid);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    inspector.open(&checkout(&paid), "sent", "Payment sent").await;

    for (decision, heading) in
        [("decline", "You declined the payment"), ("insufficient_funds", "There was not enough money in the account")]
    {
        let session = world.create_from(&with_payer(staying())).await;
        let payer = world.payer(&session);
        payer.choose_bank(1).await;
        payer.decide(1, decision).await;
        inspector.open(&checkout(&session), decision, heading).await;
    }
    let cancelled = world.create_from(&staying()).await;
    world.payer(&cancelled).cancel().await;
    inspector.open(&checkout(&cancelled), "cancelled", "You cancelled the payment").await;
    inspector.open(&checkout(&expired(&world).await), "expired", "The time to pay has run out").await;

    let consent = world.create_from(&with_payer(staying())).await;
    let payer = world.payer(&consent);
    payer.choose("mock-consent", 1).await;
    inspector.open(&checkout(&consent), "at_consent", "Approve the payment at Thistledown Pay").await;
    inspector.browser.press("Cancel this payment").await;
    inspector.inspect("at_consent_cancel", "Approve the payment at Thistledown Pay").await;
    inspector.browser.press("Continue at Thistledown Pay").await;
    inspector.inspect("at_consent_bank", "Approve a payment of £4.00?").await;
    let link = inspector.browser.url().await;
    payer.consent(&payer.link(1).await, "approve").await;
    inspector.open(link.as_str(), "at_consent_bank_concluded", "You have approved this payment").await;
    payer.come_back().await;

    let again = world.create_from(&with_payer(staying())).await;
    let item = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&again["id"])) }, "sk": { "S": "SESSION" } },
    });
    let set = async |field: &str, value: Value| {
        let mut body = item.clone();
        body["UpdateExpression"] = json!("SET #field = :value");
        body["ExpressionAttributeNames"] = json!({ "#field": field });
        body["ExpressionAttributeValues"] = json!({ ":value": value });
        world.dynamodb("UpdateItem", &body).await;
    };
    set("retry", json!({ "BOOL": true })).await;
    let payer = world.payer(&again);
    payer.choose("mock-refuses", 1).await;
    payer.decide(1, "refuse").await;
    inspector.open(&checkout(&again), "bank_again", "Choose your bank again").await;
    payer.choose("mock-consent", 2).await;
    set("expires_at", json!({ "N": "1" })).await;
    inspector.open(&checkout(&again), "time_up", "The time to pay has run out").await;

    let unwieldy = world.create_from(&unwieldy()).await;
    inspector.open(&checkout(&unwieldy), "unwieldy_details", "Your details").await;
    let payer = world.payer(&unwieldy);
    payer.identify().await;
    for attempt in 1..=20 {
        payer.choose_bank(attempt).await;
    }
    inspector.open(&checkout(&unwieldy), "unwieldy_consent", "Approve the payment at Mock Bank").await;
    inspector.browser.press("17 more items").await;
    inspector.inspect("unwieldy_unfolded", "Approve the payment at Mock Bank").await;
    let asked = "Approve a payment of £123,494.59?";
    inspector.open(&mock_bank(&world, &unwieldy, 20), "unwieldy_mock_bank", asked).await;
    let refund = world.refund(&world.paid_from_withheld_account().await, 250).await;
    let page = text(&refund["url"]);
    inspector.open(&page, "refund_details", "Where should your refund go?").await;
    inspector.browser.press("Continue").await;
    inspector.browser.wait_for("//*[@role='alert']").await;
    inspector.inspect("refund_details_errors", "Where should your refund go?").await;
    for (label, text) in [("Name on the account", NAME), ("Sort code", "040004"), ("Account number", "11112222")] {
        inspector.browser.fill(label, text).await;
    }
    inspector.browser.press("Continue").await;
    inspector.inspect("refund_check", "Check your details").await;
    inspector.browser.press("Yes, send my refund there").await;
    inspector.inspect("refund_approval", "Thank you, we have what we need").await;
    let refund = world.get_refund(&refund).await;
    let merchant = world.refunder(&refund);
    let id = text(&refund["refund_payment_session_id"]);
    let payment = format!("{}/checkout/{id}", world.machine.api_url());
    inspector.open(&payment, "refund_bank", "Choose your bank").await;
    merchant.choose_bank(1).await;
    inspector.open(&payment, "refund_consent", "Approve the refund at Mock Bank").await;
    merchant.decide(1, "approve").await;
    inspector.open(&payment, "refund_sent", "Refund sent").await;
    inspector.open(&page, "refund_told_sent", "Refund sent").await;
    let cancelled = world.refund(&world.paid().await, 400).await;
    world.refunder(&cancelled).cancel().await;
    inspector.open(&text(&cancelled["url"]), "refund_not_made", "The refund was not made").await;

    let nowhere = format!("{}/checkout/{}", world.machine.api_url(), uuid::Uuid::new_v4());
    inspector.open(&nowhere, "not_found", "There is nothing here").await;
    assert!(inspector.faults.is_empty(), "{}", inspector.faults.join("\n"));

    // The mailbox is no payer's, and a receipt is no page; they are kept as pictures alone.
    let receipt = world.mails().await.remove(0);
    let mails = world.machine.mail_url();
    let mail = format!("{mails}/mails/{}", receipt.id);
    let pages = [
        ("mails", mails.to_owned(), "Mails"),
        ("mail", mail.clone(), &receipt.subject),
        ("receipt", format!("{mail}/html"), "Receipt from Bright Candles"),
    ];
    for (name, url, heading) in pages {
        inspector.browser.open(&url).await;
        inspector.browser.see(heading).await;
        inspector.take_pictures(name).await;
    }
}
