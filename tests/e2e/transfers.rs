//! Transfers that payers make themselves, by the instructions in the checkout.

use models::{Currency, PaymentMethod, Reference, Session};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, Page, World, answer, page, text};

use crate::operator::run as counterfoil;

/// A session whose payer has chosen to make a transfer, and its reference.
async fn awaited(world: &World, currency: Currency, method: PaymentMethod, provider: &str) -> (Value, String) {
    let session = world.offering(currency, &[method, PaymentMethod::Card]).await;
    let chosen = world.payer(&session).choose(provider, 1).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
    let reference = Reference::of_payment(&stored(world, &session).await.end_to_end_id);
    (session, reference.as_str().to_owned())
}

async fn in_pounds(world: &World) -> (Value, String) {
    awaited(world, Currency::GBP, PaymentMethod::BankTransfer, "mock-transfer").await
}

async fn stored(world: &World, session: &Value) -> Session {
    store::Sessions::new(world.table()).get(&text(&session["id"]).parse().unwrap()).await.unwrap().unwrap()
}

/// Sends a transfer from the mock's page; the provider's webhook is sent before the page is shown.
async fn send(world: &World, session: &Value, amount: &str, currency: &str, reference: &str) -> Page {
    let id = uuid::Uuid::new_v4().to_string();
    let form =
        [("id", &*id), ("amount", amount), ("currency", currency), ("reference", reference), ("sender", "payer")];
    let path = format!("/mock-bank/{}/transfer", text(&session["id"]));
    page(world.request(Method::POST, &path).form(&form)).await
}

async fn checkout(world: &World, session: &Value) -> String {
    page(world.request(Method::GET, &format!("/checkout/{}", text(&session["id"])))).await.html
}

async fn state(world: &World, session: &Value) -> String {
    stored(world, session).await.state.to_string()
}

async fn timeline(world: &World, session: &Value) -> String {
    counterfoil(world, &["sessions", "show", &text(&session["id"])]).await.shown
}

#[tokio::test]
async fn each_way_to_transfer_says_where_to_and_is_paid_by_it() {
    let world = World::with_webhooks().await;
    for (currency, method, provider, account) in [
        (Currency::GBP, PaymentMethod::BankTransfer, "mock-transfer", "value=\"01-02-03\""),
        (Currency::EUR, PaymentMethod::BankTransfer, "mock-transfer", "value=\"DE89 3704 0044 0532 0130 00\""),
        (Currency::GBP, PaymentMethod::DirectTransfer, "mock-direct-transfer", "value=\"12345678\""),
        (
            Currency::SEK,
            PaymentMethod::DirectTransfer,
            "mock-direct-transfer",
            "value=\"SE45 5000 0000 0583 9825 7466\"",
        ),
        (Currency::GBP, PaymentMethod::GbpCreditTransfer, "mock-credit-transfer", "value=\"01-02-03\""),
    ] {
        let (session, reference) = awaited(&world, currency, method, provider).await;
        let html = checkout(&world, &session).await;
        assert!(html.contains(account) && html.contains(&format!("value=\"{reference}\"")), "{html}");
        assert_eq!(html.contains("<section class=\"scan\""), currency == Currency::EUR, "{html}");
        assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
        let sent = send(&world, &session, "4.00", currency.code(), &reference.to_lowercase()).await;
        assert!(sent.html.contains("It has arrived"), "{}", sent.html);
        assert_eq!(state(&world, &session).await, "sent", "{provider} {currency:?}");
        // Its provider pays it back.
        let refund = world.refund(&session, 100).await;
        assert_eq!((&refund["state"], &refund["payee"]), (&json!("awaiting_payment"), &json!(null)), "{refund}");
    }
    assert_eq!(counterfoil(&world, &["verify"]).await.code, 0);
}

#[tokio::test]
async fn a_part_too_much_again_and_nobodys_each_has_its_consequence() {
    let world = World::with_webhooks().await;
    let (session, reference) = in_pounds(&world).await;
    send(&world, &session, "1.50", "GBP", &reference).await;
    assert_eq!(state(&world, &session).await, "pending");
    assert!(checkout(&world, &session).await.contains("Transfer the missing"));
    let cancelled = answer(world.demo(Method::POST, &format!("/v2/payment_sessions/{}/cancel", text(&session["id"]))));
    assert_eq!(cancelled.await.status, StatusCode::CONFLICT, "nothing that is pending can be cancelled");
    assert!(timeline(&world, &session).await.contains("£1.50 of £4.00 in all; £2.50 is missing"));
    send(&world, &session, "3.00", "GBP", &reference).await;
    assert_eq!(state(&world, &session).await, "sent");
    assert!(checkout(&world, &session).await.contains("too much"));
    assert!(timeline(&world, &session).await.contains("£4.50 of £4.00 in all; £0.50 too much"));
    // And once more.
    send(&world, &session, "4.00", "GBP", &reference).await;
    assert_eq!(stored(&world, &session).await.excess().unwrap().minor(), 450);
    for (currency, unknown) in [("GBP", "CANDLES 12345"), ("EUR", &*reference), ("GBP", "Ada 4000 0566 5566 5566")] {
        let sent = send(&world, &session, "2.00", currency, unknown).await;
        assert!(sent.html.contains("match none"), "{}", sent.html);
    }
    let unmatched = counterfoil(&world, &["transfers", "unmatched"]).await.shown;
    assert!(unmatched.contains("CANDLES 12345") && unmatched.contains("\"amount_minor\": 200"), "{unmatched}");
    assert!(!unmatched.contains("Ada"), "what is no reference may be anything: {unmatched}");
    assert_eq!(counterfoil(&world, &["verify"]).await.code, 0);
    for message in
        ["more money came than the amount", "money came again for what is sent", "a transfer matches no payment"]
    {
        let says = |machine: &local::Machine| machine.logs().iter().any(|log| log.text.contains(message)).then_some(());
        assert!(world.machine.until(PATIENCE, says).await.is_some(), "{message}");
    }
}

/// The provider's webhook is the first to find that the time has passed.
#[tokio::test]
async fn what_is_missing_when_the_time_has_passed_ends_it_by_a_webhook_too() {
    let world = World::with_webhooks().await;
    let (session, reference) = in_pounds(&world).await;
    send(&world, &session, "1.50", "GBP", &reference).await;
    assert_eq!(state(&world, &session).await, "pending");
    let pk = format!("SESSION#{}", text(&session["id"]));
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": pk }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET expires_at = :past",
        "ExpressionAttributeValues": { ":past": { "N": (samples::now().as_millisecond() - 1).to_string() } },
    });
    world.dynamodb("UpdateItem", &body).await;
    send(&world, &session, "1.00", "GBP", &reference).await;
    assert_eq!(state(&world, &session).await, "failed");
    assert_eq!(stored(&world, &session).await.returned().unwrap().minor(), 250);
}

#[tokio::test]
async fn what_comes_after_a_cancellation_is_late_money() {
    let world = World::with_webhooks().await;
    let (session, reference) = in_pounds(&world).await;
    let cancelled = answer(world.demo(Method::POST, &format!("/v2/payment_sessions/{}/cancel", text(&session["id"]))));
    assert_eq!(cancelled.await.status, StatusCode::OK);
    send(&world, &session, "4.00", "GBP", &reference).await;
    assert_eq!(state(&world, &session).await, "cancelled");
    let noted = stored(&world, &session).await.late_money.unwrap();
    assert_eq!(noted.amount_minor.unwrap().get(), 400);
    assert!(timeline(&world, &session).await.contains("late_money_noted"));
    assert_eq!(counterfoil(&world, &["verify"]).await.code, 0);
}

#[tokio::test]
async fn the_page_is_of_a_test_session_and_reads_what_is_typed() {
    let world = World::with_webhooks().await;
    let (session, reference) = in_pounds(&world).await;
    let wrong = send(&world, &session, "4,00", "GBP", &reference).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("href=\"#amount\""), "{}", wrong.html);
    let nobodys = format!("/mock-bank/{}/transfer", uuid::Uuid::new_v4());
    assert_eq!(page(world.request(Method::GET, &nobodys)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
}
