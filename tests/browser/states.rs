//! Every page of the running service, as everybody reads it: labelled, narrow enough, without a word in the console.

use models::{Currency, PaymentMethod};
use serde_json::{Value, json};
use tests::{World, text};

use crate::browser::{Browser, Screen};
use crate::inspector::Inspector;
use crate::pages::expired;
use crate::{ANOTHER, ANOTHER_WAY, BY_CARD, CANCEL, NAME, WAYS, checkout, mock_bank, staying, with_payer};

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
    let Some(browser) = Browser::start_scripted(Screen::PHONE).await else { return };
    let world = World::start().await;
    let mut inspector = Inspector::new(browser).await;
    let session = world.create_from(&staying()).await;
    inspector.open(&checkout(&session), "details", "Your details").await;
    inspector.browser.press("Continue to choose your bank").await;
    inspector.browser.wait_for("//*[@role='alert']").await;
    inspector.inspect("details_errors", "Your details").await;
    let payer = world.payer(&session);
    payer.identify().await;
    inspector.open(&checkout(&session), "bank", "Choose your bank").await;
    inspector.browser.press(CANCEL).await;
    inspector.inspect("bank_cancel", "Choose your bank").await;
    payer.choose_bank(1).await;
    inspector.open(&mock_bank(&world, &session, 1), "mock_bank", "Approve a payment of £4.00?").await;
    inspector.open(&checkout(&session), "consent", "Approve the payment at Mock Bank").await;
    inspector.browser.press(ANOTHER).await;
    inspector.inspect("bank_another", "Choose your bank").await;
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
    inspector.browser.press(CANCEL).await;
    inspector.inspect("at_consent_cancel", "Approve the payment at Thistledown Pay").await;
    inspector.browser.press("Continue at Thistledown Pay").await;
    inspector.inspect("at_consent_bank", "Approve a payment of £4.00?").await;
    let link = inspector.browser.url().await;
    payer.consent(&payer.link(1).await, "approve").await;
    inspector.open(link.as_str(), "at_consent_bank_concluded", "You have approved this payment").await;
    payer.come_back().await;

    let ways = world.offering(Currency::GBP, &[PaymentMethod::Card, PaymentMethod::PayByBank]).await;
    let payer = world.payer(&ways);
    inspector.open(&checkout(&ways), "ways", WAYS).await;
    inspector.browser.press("Pay by bank").await;
    inspector.inspect("ways_bank", "Choose your bank").await;
    payer.choose("mock-card", 1).await;
    inspector.open(&checkout(&ways), "card", BY_CARD).await;
    inspector.browser.press(ANOTHER_WAY).await;
    inspector.inspect("ways_another", WAYS).await;
    let path = payer.link(1).await;
    let link = format!("{}{path}", world.machine.api_url());
    inspector.open(&link, "mock_card", "Pay £4.00 by card").await;
    inspector.browser.press("Pay £4.00").await;
    inspector.browser.wait_for("//*[@role='alert']").await;
    inspector.inspect("mock_card_errors", "Pay £4.00 by card").await;
    let pay = async |number: &str| {
        let (path, token) = link.strip_prefix(world.machine.api_url()).unwrap().split_once("?token=").unwrap();
        let form =
            [("token", token), ("act", "pay"), ("number", number), ("expiry", "12/40"), ("cvc", "123"), ("name", NAME)];
        tests::page(world.request(reqwest::Method::POST, path).form(&form)).await
    };
    pay("4000002500003155").await;
    inspector.open(&link, "mock_card_challenge", "Is it you who pays £4.00?").await;
    pay("4242424242424242").await;
    inspector.open(&link, "mock_card_concluded", "You have paid by card").await;
    payer.come_back().await;
    inspector.open(&checkout(&ways), "card_sent", "Payment sent").await;

    let mut order = with_payer(staying());
    order["retry"] = true.into();
    let again = world.create_from(&order).await;
    let payer = world.payer(&again);
    payer.choose("mock-refuses", 1).await;
    payer.decide(1, "refuse").await;
    inspector.open(&checkout(&again), "bank_again", "Choose your bank again").await;
    payer.choose("mock-consent", 2).await;
    let past = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&again["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET expires_at = :past",
        "ExpressionAttributeValues": { ":past": { "N": "1" } },
    });
    world.dynamodb("UpdateItem", &past).await;
    inspector.open(&checkout(&again), "time_up", "The time to pay has run out").await;

    let unwieldy = world.create_from(&unwieldy()).await;
    inspector.open(&checkout(&unwieldy), "unwieldy_details", "Your details").await;
    let payer = world.payer(&unwieldy);
    payer.identify().await;
    for attempt in 1..=20 {
        payer.choose_bank(attempt).await;
    }
    inspector.open(&checkout(&unwieldy), "unwieldy_consent", "Approve the payment at Mock Bank").await;
    inspector.browser.press("20 items · Illuminate").await;
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
    inspector.open(&page, "refund_shown_sent", "Refund sent").await;
    let cancelled = world.refund(&world.paid().await, 400).await;
    world.refunder(&cancelled).cancel().await;
    inspector.open(&text(&cancelled["url"]), "refund_not_made", "The refund was not made").await;

    let nowhere = format!("{}/checkout/{}", world.machine.api_url(), uuid::Uuid::new_v4());
    inspector.open(&nowhere, "not_found", "There is nothing here").await;
    inspector.assert_faultless();
}
