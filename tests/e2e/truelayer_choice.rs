//! Who can choose a bank of TrueLayer's, and what: with an address, and whether or not its banks can be listed.

use local::truelayer::{Decision, Fault};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Payer, World, document_1};

use crate::truelayer::{BANK, state, truelayer};

/// TrueLayer, where the payer chooses the bank.
const ITSELF: &str = "truelayer";

/// An order whose payer gets no receipt.
fn without_receipt() -> Value {
    let mut order = document_1();
    order["email_receipt"] = false.into();
    order
}

/// Whether a page offers this bank.
fn offers(html: &str, bank: &str) -> bool {
    html.contains(&format!("value=\"{bank}\""))
}

/// The payer chooses TrueLayer, and pays there.
async fn pay_at_truelayer(world: &World, payer: &Payer<'_>) {
    let chosen = payer.choose(ITSELF, 1).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
    let payments = truelayer(world).payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert!(truelayer(world).decide(payments[0].id, Decision::Approve));
    payer.come_back().await;
}

#[tokio::test]
async fn a_payer_gives_the_address_that_the_way_to_the_bank_needs() {
    let world = World::with_truelayer().await;
    let session = world.create_from(&without_receipt()).await;
    let payer = world.payer(&session);
    let page = payer.page().await;
    assert!(page.html.contains("The service that takes you to your bank needs it."), "{}", page.html);
    for email in ["", "ada@"] {
        let refused = payer.post("payer", &[("name", "Ada Payer"), ("email", email)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        let named = |field: &str| refused.html.contains(&format!("href=\"#{field}\""));
        assert!(named("email") && !named("name"), "{}", refused.html);
    }
    assert_eq!(state(&world, &session).await, "awaiting_payer");
    payer.identify().await;
    assert_eq!(payer.choose(BANK, 1).await.status, StatusCode::SEE_OTHER);
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
}

#[tokio::test]
async fn where_it_is_not_connected_nobody_has_to_give_an_address() {
    let world = World::start().await;
    let session = world.create_from(&without_receipt()).await;
    let given = world.payer(&session).post("payer", &[("name", "Ada Payer"), ("email", "")]).await;
    assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.html);
    assert_eq!(state(&world, &session).await, "awaiting_provider");
}

#[tokio::test]
async fn a_payer_without_an_address_who_is_not_asked_has_the_mock_banks_alone() {
    let world = World::with_truelayer().await;
    let mut order = without_receipt();
    order["payer"] = json!({ "name": "Ada Payer" });
    let session = world.create_from(&order).await;
    let payer = world.payer(&session);
    let page = payer.page().await;
    assert!(offers(&page.html, "mock-bank") && !page.html.contains("value=\"truelayer"), "{}", page.html);
    for bank in [BANK, ITSELF] {
        assert_eq!(payer.choose(bank, 1).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{bank}");
    }
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    assert_eq!(state(&world, &session).await, "sent");
}

#[tokio::test]
async fn truelayer_itself_is_chosen_where_its_banks_can_not_be_had() {
    let world = World::with_truelayer().await;
    truelayer(&world).fail_next("/v3/payments-providers", Fault::Status(503));
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    let page = payer.page().await;
    assert!(offers(&page.html, ITSELF) && !page.html.contains("value=\"truelayer."), "{}", page.html);
    // From a page that another process showed: this one has never had the list, and says what to do.
    let refused = payer.choose(BANK, 1).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("Go back and choose one of the banks there."), "{}", refused.html);
    pay_at_truelayer(&world, &payer).await;
    assert_eq!(state(&world, &session).await, "sent");
}

#[tokio::test]
async fn truelayer_itself_can_still_be_chosen_once_its_banks_are_listed() {
    let world = World::with_truelayer().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    let page = payer.page().await;
    assert!(offers(&page.html, "truelayer.ob-alderbrook") && !offers(&page.html, ITSELF), "{}", page.html);
    pay_at_truelayer(&world, &payer).await;
    assert_eq!(state(&world, &session).await, "sent");
}
