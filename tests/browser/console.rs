//! The merchant's console, as its people see it: they sign in by a link, find a payment and refund a part of it.

use models::Role;
use tests::{World, console_on, loopback_webhooks, text};

use crate::browser::{Browser, Screen};
use crate::inspector::Inspector;

const SIGN_IN: &str = "Sign in to the console";
pub(crate) const ASK: &str = "Refund a payment";
pub(crate) const CHECK: &str = "Check the refund";

/// A browser in which somebody is signed in, in this role.
pub(crate) async fn signed_in(role: Role) -> Option<(Browser, World)> {
    let browser = Browser::start_scripted(Screen::PHONE).await?;
    let world = World::start_with(|config| {
        console_on(config);
        loopback_webhooks(config);
    })
    .await;
    sign_in(&browser, &world, role).await;
    Some((browser, world))
}

/// Signs somebody of the demo merchant in, in this role, by a link and its button: `<role>@demo.example`.
pub(crate) async fn sign_in(browser: &Browser, world: &World, role: Role) {
    let link = at(world, &world.link("demo", &format!("{}@demo.example", role.as_str()), role).await);
    browser.open(&link).await;
    browser.see(SIGN_IN).await;
    // Opened by a mail scanner before, it is as good as new.
    browser.open(&link).await;
    browser.see(SIGN_IN).await;
    browser.press("Sign in").await;
    browser.see("Overview").await;
}

pub(crate) fn at(world: &World, path: &str) -> String {
    format!("{}{path}", world.machine.api_url())
}

/// Chooses what stands beside a radio button or a box.
pub(crate) async fn choose(browser: &Browser, label: &str) {
    browser.wait_for(&format!("//label[normalize-space()='{label}']")).await.click().await.unwrap();
}

#[tokio::test]
async fn a_payment_is_found_and_refunded_in_part_once() {
    let Some((browser, world)) = signed_in(Role::Own).await else { return };
    let session = world.paid().await;
    world.settled().await;
    browser.open(&at(&world, "/console/test/payments")).await;
    browser.see("Payments").await;
    browser.fill("Find a payment", &text(&session["reference"])).await;
    browser.press("Search").await;
    browser.see(&format!("Payment {}", text(&session["reference"]))).await;
    assert!(browser.text().await.contains("Books agree"));

    let payment = format!("/console/test/payments/{}", text(&session["id"]));
    browser.open(&at(&world, &format!("{payment}/refund"))).await;
    browser.see(ASK).await;
    browser.fill("Amount, in GBP", "1.50").await;
    choose(&browser, "The goods came back").await;
    browser.press("Continue").await;
    browser.see(CHECK).await;
    assert!(browser.text().await.contains("£1.50 of £4.00"), "{}", browser.text().await);
    browser.double_click("Refund £1.50").await;
    browser.see(&format!("Payment {}", text(&session["reference"]))).await;
    let page = browser.text().await;
    assert!(page.contains("£2.50") && page.contains("own@demo.example"), "{page}");
    assert_eq!(
        store::Refunds::new(world.table()).of(&text(&session["id"]).parse().unwrap()).await.unwrap().refunds.len(),
        1
    );

    // What is left is said, and no more goes back.
    browser.open(&at(&world, &format!("{payment}/refund"))).await;
    browser.fill("Amount, in GBP", "2.51").await;
    choose(&browser, "The goods came back").await;
    browser.press("Continue").await;
    assert!(browser.has("#amount[aria-invalid=true]").await);

    browser.press("Sign out").await;
    browser.open(&at(&world, &payment)).await;
    browser.see("Sign in").await;
}

#[tokio::test]
async fn everyone_can_read_the_pages() {
    let Some((browser, world)) = signed_in(Role::Own).await else { return };
    let session = world.paid().await;
    let open = world.create().await;
    // Before there is an endpoint that doesn't answer, to which it would be delivered.
    world.settled().await;
    let webhook = world
        .register("http://127.0.0.1:9999/a-path-that-is-rather-long-for-a-telephone/webhooks", serde_json::json!({}))
        .await;
    let payment = format!("payments/{}", text(&session["id"]));
    let mut inspector = Inspector::new(browser).await;
    for path in [
        "overview".to_owned(),
        "payments".to_owned(),
        "payments?q=nothing-of-ours".to_owned(),
        "payments?state=no-state".to_owned(),
        "payments/export".to_owned(),
        payment.clone(),
        format!("{payment}/json"),
        format!("{payment}/refund"),
        format!("{payment}/cancel"),
        format!("payments/{}/link", text(&open["id"])),
        "links".to_owned(),
        "refunds".to_owned(),
        "webhooks".to_owned(),
        format!("webhooks/{}", text(&webhook["id"])),
        "keys".to_owned(),
        "keys/pk_test_demo".to_owned(),
        "accounts".to_owned(),
        "shop".to_owned(),
        "people".to_owned(),
        "people/own@demo.example".to_owned(),
        "audit".to_owned(),
    ] {
        inspector.browser.open(&at(&world, &format!("/console/test/{path}"))).await;
        inspector.read_in_few(path.split('/').next_back().unwrap_or_default()).await;
    }
    inspector.browser.open(&at(&world, "/console/test/shop")).await;
    inspector.browser.console().await;
    inspector.browser.press("Preview").await;
    inspector.browser.see("Preview of the shop").await;
    // The mail's frame is held to the page's policy: it allows all that lays the mail out.
    let refused = inspector.browser.console().await.into_iter().filter(|line| line.contains("Content Security Policy"));
    assert_eq!(refused.collect::<Vec<_>>(), [""; 0]);
    inspector.read_in_few("shop-preview").await;
    inspector.assert_faultless();
}
