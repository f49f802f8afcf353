//! Payments by TrueLayer, whose sandbox `local` simulates: its page, its webhooks, what is lost on the way, and its refunds.

use std::time::Duration;

use local::truelayer::{Decision, Fault, TrueLayerHandle};
use models::Role;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tests::{PATIENCE, Page, World, answer, console_on, page, states, text, truelayer_on};

use crate::at_consent_ends::fall_due;

/// TrueLayer's own mock bank.
pub(crate) const BANK: &str = "truelayer.mock-payments-gb-redirect";
pub(crate) const PAID: [&str; 5] =
    ["awaiting_payer", "awaiting_provider", "awaiting_payment_consent", "pending", "sent"];
/// As long as a link to the page is good.
pub(crate) const QUARTER_HOUR: Duration = Duration::from_secs(15 * 60);

pub(crate) fn truelayer(world: &World) -> &TrueLayerHandle {
    world.machine.truelayer().expect("the simulator runs")
}

/// A session whose payer has chosen the bank.
pub(crate) async fn at_the_bank(world: &World) -> Value {
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    let chosen = payer.choose(BANK, 1).await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
    session
}

pub(crate) async fn state(world: &World, session: &Value) -> String {
    text(&world.get(&text(&session["id"])).await["state"])
}

/// Sends what the link's fragment says, as the page's script does, and this decision, if there is one.
pub(crate) async fn visit(link: &str, decision: Option<&str>) -> Page {
    let browser = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let (address, fragment) = link.split_once('#').unwrap_or_else(|| panic!("{link}"));
    let mut form: Vec<(String, String)> = url::form_urlencoded::parse(fragment.as_bytes()).into_owned().collect();
    form.extend(decision.map(|decision| ("decision".to_owned(), decision.to_owned())));
    let path = if decision.is_some() { "/decide" } else { "" };
    page(browser.post(format!("{address}{path}")).form(&form)).await
}

/// The payer follows the link of the session's first attempt and decides; where they are led then, from its path on.
pub(crate) async fn decide(world: &World, session: &Value, decision: &str) -> String {
    let link = world.payer(session).link(1).await;
    let shown = visit(&link, None).await;
    assert!(shown.status == 200 && shown.html.contains("GBP 4.00"), "{}", shown.html);
    let decided = visit(&link, Some(decision)).await;
    assert_eq!(decided.status, StatusCode::SEE_OTHER, "{}", decided.html);
    let back = decided.location.unwrap();
    back.strip_prefix(world.machine.api_url()).unwrap_or_else(|| panic!("{back}")).to_owned()
}

/// The payer comes back, step by step, until a page is shown or the shop is reached.
pub(crate) async fn come_back(world: &World, back: &str) {
    assert!(back.starts_with("/providers/truelayer/return?payment_id="), "{back}");
    let mut path = back.to_owned();
    for _ in 0..5 {
        let next = page(world.request(Method::GET, &path)).await.location;
        match next {
            Some(next) if next.starts_with('/') => path = next,
            Some(_) | None => return,
        }
    }
    panic!("led around from {back} to {path}");
}

/// A machine on which the merchant is paid into an account of theirs with TrueLayer.
pub(crate) async fn with_merchant_account() -> World {
    World::start_with(|config| {
        truelayer_on(config);
        let account = "demo:GBP=5b1a2a0e-3c1f-4c62-9d0b-2f1a7e6c1d2e";
        config.parameters.insert("TrueLayerMerchantAccounts".into(), account.into());
    })
    .await
}

#[tokio::test]
async fn the_payer_comes_back_before_any_webhook() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    let link = world.payer(&session).link(1).await;
    assert!(link.starts_with(&format!("{}/payments#payment_id=", truelayer(&world).url())), "{link}");
    let back = decide(&world, &session, "approve").await;
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent", "only a follow-up asks TrueLayer");
    come_back(&world, &back).await;
    let paid = world.get(&text(&session["id"])).await;
    assert_eq!(states(&paid), PAID, "{:#?}", world.machine.logs());
    // What TrueLayer says of it late, and twice, changes nothing.
    assert_eq!(truelayer(&world).deliver_webhooks().await, 2);
    assert_eq!(truelayer(&world).repeat_webhooks().await, 2);
    assert_eq!(world.get(&text(&session["id"])).await, paid);
    assert_eq!(world.mails().await.len(), 1);
}

#[tokio::test]
async fn the_webhook_is_enough_where_the_payer_closes_the_tab() {
    let world = World::with_truelayer().await;
    for (decision, ended) in [("approve", "sent"), ("execution_rejected", "failed")] {
        let session = at_the_bank(&world).await;
        decide(&world, &session, decision).await;
        world.settled().await;
        assert_eq!(state(&world, &session).await, ended, "{:#?}", world.machine.logs());
    }
}

#[tokio::test]
async fn the_schedule_is_enough_where_nothing_else_comes() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    let session = at_the_bank(&world).await;
    let payments = truelayer(&world).payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert!(truelayer(&world).decide(payments[0].id, Decision::Approve));
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    fall_due(&world, &session, false).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while state(&world, &session).await != "sent" {
        assert!(tokio::time::Instant::now() < deadline, "{:#?}", world.machine.logs());
        world.run_schedule().await;
    }
}

#[tokio::test]
async fn each_no_has_its_reason() {
    let world = World::with_truelayer().await;
    for (decision, reason) in [
        ("authorisation_failed", "declined_by_payer"),
        ("execution_rejected", "declined_by_bank"),
        ("insufficient_funds", "insufficient_funds"),
    ] {
        let session = at_the_bank(&world).await;
        let back = decide(&world, &session, decision).await;
        come_back(&world, &back).await;
        let ended = world.get(&text(&session["id"])).await;
        assert_eq!((&ended["state"], &ended["failure_reason"]), (&json!("failed"), &json!(reason)), "{decision}");
    }
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_one_payment() {
    let world = World::with_truelayer().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    truelayer(&world).fail_next("/v3/payments", Fault::LostAnswer);
    payer.choose(BANK, 1).await;
    // The link repeats what was recorded.
    let back = decide(&world, &session, "approve").await;
    let payments = truelayer(&world).payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    assert!(payments[0].creates >= 2, "{payments:?}");
    come_back(&world, &back).await;
    assert_eq!(state(&world, &session).await, "sent");
}

#[tokio::test]
async fn a_truelayer_that_hangs_is_given_up_and_asked_again() {
    let world = World::with_truelayer().await;
    let session = world.create().await;
    let payer = world.payer(&session);
    payer.identify().await;
    truelayer(&world).fail_next("/v3/payments", Fault::Hang);
    let begun = tokio::time::Instant::now();
    payer.choose(BANK, 1).await;
    assert!(begun.elapsed() < Duration::from_secs(9), "expire has no more for one payment");
    let back = decide(&world, &session, "approve").await;
    come_back(&world, &back).await;
    assert_eq!(state(&world, &session).await, "sent");
    assert_eq!(truelayer(&world).payments().len(), 1);
}

#[tokio::test]
async fn a_token_that_ends_early_and_an_answer_that_asks_for_patience_lose_nothing() {
    let world = World::with_truelayer().await;
    let session = at_the_bank(&world).await;
    truelayer(&world).expire_tokens();
    truelayer(&world).fail_next("/v3/payments", Fault::Status(429));
    let path = format!("/checkout/{}/bank/1", text(&session["id"]));
    let refused = page(world.request(Method::GET, &path)).await;
    assert!(refused.status.is_server_error() && refused.location.is_none(), "{}", refused.html);
    let back = decide(&world, &session, "approve").await;
    come_back(&world, &back).await;
    assert_eq!(state(&world, &session).await, "sent");
    assert_eq!(truelayer(&world).payments().len(), 1);
}

#[tokio::test]
async fn who_cancels_on_the_page_or_lets_it_expire_chooses_again() {
    let world = World::with_truelayer().await;
    truelayer(&world).pause_webhooks(true);
    for expires in [false, true] {
        let session = at_the_bank(&world).await;
        let payer = world.payer(&session);
        let link = payer.link(1).await;
        if expires {
            truelayer(&world).advance(QUARTER_HOUR);
            assert_eq!(visit(&link, Some("approve")).await.status, StatusCode::UNAUTHORIZED);
            payer.come_back().await;
        } else {
            let back = decide(&world, &session, "cancel").await;
            come_back(&world, &back).await;
        }
        assert_eq!(state(&world, &session).await, "awaiting_provider", "expires: {expires}");
        payer.choose(BANK, 2).await;
        visit(&payer.link(2).await, Some("approve")).await;
        payer.come_back().await;
        assert_eq!(state(&world, &session).await, "sent", "expires: {expires}");
    }
}

#[tokio::test]
async fn a_merchant_cancels_while_the_payer_is_at_truelayer() {
    let world = World::with_truelayer().await;
    let [in_time, too_late] = [at_the_bank(&world).await, at_the_bank(&world).await];
    let link = world.payer(&in_time).link(1).await;
    world.cancel(&in_time).await;
    // Whatever page the payer has open still.
    visit(&link, Some("approve")).await;
    world.settled().await;
    assert_eq!(text(&world.get(&text(&in_time["id"])).await["failure_reason"]), "cancelled_by_merchant");

    truelayer(&world).pause_webhooks(true);
    decide(&world, &too_late, "approve").await;
    let cancel = format!("/v2/payment_sessions/{}/cancel", text(&too_late["id"]));
    let refused = answer(world.demo(Method::POST, &cancel)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert_eq!(state(&world, &too_late).await, "sent");
}

#[tokio::test]
async fn a_merchant_accounts_payment_settles_and_is_refunded_by_truelayer() {
    let world = with_merchant_account().await;
    let session = at_the_bank(&world).await;
    let back = decide(&world, &session, "approve_then_settle").await;
    come_back(&world, &back).await;
    assert_eq!(state(&world, &session).await, "pending");
    truelayer(&world).advance(Duration::from_secs(60));
    world.settled().await;
    assert_eq!(state(&world, &session).await, "sent", "{:#?}", world.machine.logs());

    let refund = world.refund(&session, 150).await;
    assert_eq!(refund["refund_payment_session_id"], json!(null), "TrueLayer makes it: {refund}");
    truelayer(&world).advance(Duration::from_secs(60));
    world.settled().await;
    assert_eq!(world.get_refund(&refund).await["state"], "sent", "{:#?}", world.machine.logs());
    truelayer(&world).fail_refunds();
    let refused = world.refund(&session, 250).await;
    truelayer(&world).advance(Duration::from_secs(60));
    world.settled().await;
    assert_eq!(world.get_refund(&refused).await["state"], "failed", "{:#?}", world.machine.logs());
}

#[tokio::test]
async fn the_console_runs_beside_it() {
    let world = World::start_with(|config| {
        truelayer_on(config);
        console_on(config);
    })
    .await;
    let browser = world.sign_in(Role::Own).await;
    assert_eq!(browser.get("/console/test/webhooks").await.status, StatusCode::OK);
}
