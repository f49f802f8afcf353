//! The page on which somebody whose groups let them into the consoles of several merchants chooses one, as they see it.

use models::Mode;
use serde_json::json;
use tests::issuer::Issuer;

use crate::browser::{Browser, Screen};
use crate::console::at;
use crate::inspector::Inspector;

const CHOOSE: &str = "Choose a merchant";

#[tokio::test]
async fn a_merchant_is_chosen_by_its_button_and_another_from_any_page() {
    let Some(browser) = Browser::start_scripted(Screen::PHONE).await else { return };
    let issuer = Issuer::start().await;
    issuer.says(json!({ "cognito:groups": ["admins", "acme-team"] }));
    let world = issuer.world_of("admins=demo:own,acme-team=acme:look").await;
    world.merchant("acme", Mode::Test, "all").await;
    let mut inspector = Inspector::new(browser).await;
    inspector.browser.open(&at(&world, "/console/sign-in")).await;
    inspector.browser.press("Sign in with your company account").await;
    inspector.browser.see(CHOOSE).await;
    inspector.read_in_few("choose").await;
    inspector.browser.press("acme").await;
    inspector.browser.see("Overview").await;
    inspector.read_in_few("overview").await;
    inspector.browser.press("Another merchant").await;
    inspector.browser.see(CHOOSE).await;
    inspector.browser.press("demo").await;
    inspector.browser.see("Overview").await;
    assert!(inspector.browser.has("nav a[href='/console/test/people']").await, "owners say who may do what");
    inspector.assert_faultless();
}
