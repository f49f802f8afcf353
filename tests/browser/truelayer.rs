//! To a bank of TrueLayer's and back, through the page that stands in for theirs: it needs its script, as theirs does.

use std::time::Duration;

use fantoccini::key::Key;
use jiff::{SignedDuration, Timestamp};
use local::truelayer::{Decision, TrueLayerHandle};
use serde_json::{Value, json};
use tests::{World, text, truelayer_on};

use crate::browser::{Browser, Screen};
use crate::inspector::Inspector;
use crate::keyboard::{press, strike, tab_to, type_into};
use crate::payments::assert_reported;
use crate::shop::Shop;
use crate::{ANOTHER, causes, checkout, staying, with_payer};

/// A bank that is not among those shown first, and what is typed to find it.
const BANK: &str = "Westerby Savings";
const SEARCH: &str = "westerb";
const ID: &str = "truelayer.ob-westerby";
/// The heading of the page that has the link to it, and the link.
const AT_BANK: &str = "Approve the payment at Westerby Savings";
const CONTINUE: &str = "Continue at Westerby Savings";
/// The heading of the page that stands in for TrueLayer's.
const ASKED: &str = "Pay GBP 4.00 to Gerald Wiley";
/// The label of the search.
const FIND: &str = "Find your bank by its name";
const PENDING: &str = "Your bank is sending the payment";
const PAID: [&str; 4] = ["created", "bank_chosen", "consent_given", "settled"];
/// As long as a link to the page is good.
const QUARTER_HOUR: Duration = Duration::from_secs(15 * 60);
/// Longer than a bank takes here that makes a payment later, and TrueLayer to settle it.
const MINUTE: Duration = Duration::from_secs(60);

/// A browser that runs scripts, and a machine with TrueLayer's sandbox; none where no browser is installed.
async fn stage() -> Option<(Browser, World)> {
    let browser = Browser::start_scripted(Screen::PHONE).await?;
    Some((browser, World::with_truelayer().await))
}

fn truelayer(world: &World) -> &TrueLayerHandle {
    world.machine.truelayer().expect("the simulator runs")
}

/// The payer decides, though not on the page: about the one payment that is open.
fn decide(world: &World, decision: Decision) {
    let open = |status: &str| ["authorization_required", "authorizing"].contains(&status);
    let payments = truelayer(world).payments();
    let payment = payments.iter().find(|payment| open(&payment.status)).unwrap_or_else(|| panic!("{payments:?}"));
    assert!(truelayer(world).decide(payment.id, decision));
}

/// Finds a bank by a part of its name, and chooses it.
async fn choose(browser: &Browser, search: &str, bank: &str) {
    browser.fill(FIND, search).await;
    browser.press("Search").await;
    browser.press(bank).await;
}

/// Opens the checkout of a session whose payer is known, and goes through it to TrueLayer's page.
async fn go_to_the_bank(browser: &Browser, session: &Value) {
    browser.open(&checkout(session)).await;
    browser.see("Choose your bank").await;
    choose(browser, SEARCH, BANK).await;
    browser.see(AT_BANK).await;
    browser.press(CONTINUE).await;
    browser.button("Approve").await;
}

/// Closes the tab that is open, and goes on in a new one.
async fn change_tabs(browser: &Browser) {
    let tab = browser.client.new_window(true).await.unwrap().handle;
    browser.client.close_window().await.unwrap();
    browser.client.switch_to_window(tab).await.unwrap();
}

async fn state(world: &World, session: &Value) -> String {
    text(&world.get(&text(&session["id"])).await["state"])
}

#[tokio::test]
async fn a_bank_is_found_in_a_long_list_and_the_payment_leads_to_the_shop() {
    let Some((browser, world)) = stage().await else { return };
    let mut shop = Shop::open().await;
    let session = world.create_from(&with_payer(shop.order())).await;
    browser.open(&checkout(&session)).await;
    browser.see("Choose your bank").await;
    let page = browser.text().await;
    assert!(page.contains("All banks (") && !page.contains(BANK), "{page}");
    go_to_the_bank(&browser, &session).await;
    browser.see(ASKED).await;
    let page = browser.text().await;
    assert!(page.contains(BANK) && page.contains("Illuminate"), "{page}");
    browser.press("Approve").await;
    assert_reported(&shop.visit().await, "/thanks", &text(&session["id"]), "success", "sent");
    browser.see("The shop").await;
    browser.open(&checkout(&session)).await;
    browser.see("Payment sent").await;
    assert_eq!(causes(&world, &session).await, PAID);
    assert_eq!(truelayer(&world).payments().len(), 1);
}

#[tokio::test]
async fn who_is_refused_or_gives_up_at_the_bank_chooses_another() {
    let Some((browser, world)) = stage().await else { return };
    let mut order = with_payer(staying());
    order["retry"] = true.into();
    let session = world.create_from(&order).await;
    go_to_the_bank(&browser, &session).await;
    browser.press("Bank refuses").await;
    browser.see("Choose your bank again").await;
    let page = browser.text().await;
    let why = "Your bank said no. No money has left your account. To learn why, ask Westerby Savings.";
    assert!(page.contains(why), "{page}");
    choose(&browser, "kestrel", "Kestrel Bank").await;
    browser.press("Continue at Kestrel Bank").await;
    browser.see(ASKED).await;
    browser.press("Cancel").await;
    browser.see("Choose your bank again").await;
    let page = browser.text().await;
    assert!(page.contains("At Kestrel Bank, the payment was cancelled. No money has left your account."), "{page}");
    choose(&browser, SEARCH, BANK).await;
    browser.press(CONTINUE).await;
    browser.see(ASKED).await;
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    let ended = ["bank_chosen", "attempt_ended"];
    let expected = [&PAID[..1], &ended, &ended, &PAID[1..]].concat();
    assert_eq!(causes(&world, &session).await, expected);
}

#[tokio::test]
async fn who_closes_the_tab_comes_back_by_the_sessions_own_address() {
    let Some((browser, world)) = stage().await else { return };
    truelayer(&world).pause_webhooks(true);
    let session = world.create_from(&with_payer(staying())).await;
    go_to_the_bank(&browser, &session).await;
    // Undecided: the link leads to the same payment.
    change_tabs(&browser).await;
    browser.open(&checkout(&session)).await;
    browser.see(AT_BANK).await;
    browser.press(CONTINUE).await;
    browser.see(ASKED).await;
    // Decided in the bank's app, from which nobody came back: the page's own link asks what became of it.
    change_tabs(&browser).await;
    decide(&world, Decision::Approve);
    browser.open(&checkout(&session)).await;
    browser.see(AT_BANK).await;
    browser.press(CONTINUE).await;
    browser.see("Payment sent").await;
    assert_eq!(browser.url().await.as_str(), checkout(&session));
    assert_eq!(causes(&world, &session).await, PAID);
    assert_eq!(truelayer(&world).payments().len(), 1);
}

#[tokio::test]
async fn a_link_that_has_expired_leads_to_another_attempt() {
    let Some((browser, world)) = stage().await else { return };
    truelayer(&world).pause_webhooks(true);
    let session = world.create_from(&with_payer(staying())).await;
    go_to_the_bank(&browser, &session).await;
    // At both ends: TrueLayer's, and ours.
    truelayer(&world).advance(QUARTER_HOUR);
    let then = Timestamp::now() - SignedDuration::from_mins(16);
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("SESSION#{}", text(&session["id"])) }, "sk": { "S": "SESSION" } },
        "UpdateExpression": "SET attempt.at_consent.begun_at = :then",
        "ExpressionAttributeValues": { ":then": { "N": then.as_millisecond().to_string() } },
    });
    world.dynamodb("UpdateItem", &body).await;
    browser.press("Approve").await;
    browser.see("This link is over").await;
    browser.open(&checkout(&session)).await;
    browser.see(AT_BANK).await;
    browser.press(CONTINUE).await;
    browser.see(ASKED).await;
    browser.press("Approve").await;
    browser.see("Payment sent").await;
    let expected = [&PAID[..2], &PAID[1..]].concat();
    assert_eq!(causes(&world, &session).await, expected, "one more choice of the same bank");
    let mut ends: Vec<String> = truelayer(&world).payments().into_iter().map(|payment| payment.status).collect();
    ends.sort();
    assert_eq!(ends, ["executed", "failed"]);
}

#[tokio::test]
async fn what_nobody_decided_in_time_is_chosen_again() {
    let Some((browser, world)) = stage().await else { return };
    let session = world.create_from(&with_payer(staying())).await;
    go_to_the_bank(&browser, &session).await;
    browser.open(&checkout(&session)).await;
    browser.see(AT_BANK).await;
    // TrueLayer's webhook says that it has expired, while the page with the link is still open.
    truelayer(&world).advance(QUARTER_HOUR);
    world.settled().await;
    browser.press(CONTINUE).await;
    browser.see("Choose your bank again").await;
    choose(&browser, SEARCH, BANK).await;
    browser.press(CONTINUE).await;
    browser.see(ASKED).await;
    browser.press("Approve").await;
    browser.see("Payment sent").await;
}

#[tokio::test]
async fn a_payment_into_a_merchant_account_is_pending_until_it_is_settled() {
    let Some(browser) = Browser::start_scripted(Screen::PHONE).await else { return };
    let world = World::start_with(|config| {
        truelayer_on(config);
        let account = "demo:GBP=5b1a2a0e-3c1f-4c62-9d0b-2f1a7e6c1d2e";
        config.parameters.insert("TrueLayerMerchantAccounts".into(), account.into());
    })
    .await;
    truelayer(&world).pause_webhooks(true);
    let session = world.create_from(&with_payer(staying())).await;
    go_to_the_bank(&browser, &session).await;
    browser.press("Approve, settles later").await;
    browser.see(PENDING).await;
    browser.press("Check again now").await;
    browser.see(PENDING).await;
    assert_eq!(state(&world, &session).await, "pending");
    truelayer(&world).advance(MINUTE);
    browser.press("Check again now").await;
    browser.see("Payment sent").await;
    assert_eq!(causes(&world, &session).await, PAID);
}

#[tokio::test]
async fn to_the_bank_and_back_by_keyboard() {
    let Some(browser) = Browser::start_scripted(Screen::SMALL).await else { return };
    let world = World::with_truelayer().await;
    let session = world.create_from(&with_payer(staying())).await;
    browser.open(&checkout(&session)).await;
    browser.see("Choose your bank").await;
    type_into(&browser, FIND, SEARCH).await;
    press(&browser, Key::Enter).await;
    browser.button(BANK).await;
    tab_to(&browser, BANK).await;
    press(&browser, Key::Enter).await;
    browser.see(AT_BANK).await;
    tab_to(&browser, CONTINUE).await;
    strike(&browser, Key::Enter).await;
    browser.see(ASKED).await;
    // How another's page marks what has the focus is not ours to say.
    strike(&browser, Key::Tab).await;
    assert_eq!(browser.client.active_element().await.unwrap().text().await.unwrap(), "Approve");
    strike(&browser, Key::Enter).await;
    browser.see("Payment sent").await;
}

#[tokio::test]
async fn every_page_on_the_way_can_be_read_by_everyone() {
    let Some((browser, world)) = stage().await else { return };
    let mut inspector = Inspector::new(browser).await;
    let mut order = staying();
    order["retry"] = true.into();
    order["email_receipt"] = false.into();
    let session = world.create_from(&order).await;
    let (url, payer) = (checkout(&session), world.payer(&session));
    inspector.open(&url, "truelayer_details", "Your details").await;
    inspector.browser.press("Continue to choose your bank").await;
    inspector.browser.wait_for("//*[@role='alert']").await;
    inspector.inspect("truelayer_details_errors", "Your details").await;
    payer.identify().await;
    for (name, query) in [
        ("truelayer_banks", ""),
        ("truelayer_all_banks", "?banks=all"),
        ("truelayer_bank_found", "?q=westerb"),
        ("truelayer_bank_not_found", "?q=nowhere"),
    ] {
        inspector.open(&format!("{url}{query}"), name, "Choose your bank").await;
    }
    payer.choose(ID, 1).await;
    inspector.open(&url, "truelayer_consent", AT_BANK).await;
    inspector.browser.press(ANOTHER).await;
    inspector.inspect("truelayer_another", "Choose your bank").await;
    decide(&world, Decision::ExecutionRejected);
    payer.come_back().await;
    inspector.open(&url, "truelayer_again", "Choose your bank again").await;
    payer.choose(ID, 2).await;
    decide(&world, Decision::ApproveThenSettle);
    payer.come_back().await;
    inspector.open(&url, "truelayer_pending", PENDING).await;
    truelayer(&world).advance(MINUTE);
    payer.come_back().await;
    inspector.open(&url, "truelayer_sent", "Payment sent").await;
    inspector.assert_faultless();
}
