//! The start page and the demo shop of `make run`, as everyone reads them.

use tests::{World, loopback_webhooks};

use crate::browser::{Browser, Screen};
use crate::inspector::Inspector;

#[tokio::test]
async fn the_start_page_and_the_demo_shop_can_be_read_by_everyone() {
    let Some(browser) = Browser::start_scripted(Screen::PHONE).await else { return };
    let world = World::start_with(|config| {
        loopback_webhooks(config);
        config.start_page = true;
    })
    .await;
    world.create().await;
    let mut inspector = Inspector::new(browser).await;
    let at = |path: &str| format!("{}{path}", world.machine.api_url());
    inspector.open(&at("/"), "start_page", "Counterfoil on this machine").await;
    inspector.open(&at("/demo-shop"), "demo_shop", "The demo shop").await;
    let thanks = "/demo-shop/thanks?id=1ae1ce03-dfa9-4593-b487-65c656991cb5";
    inspector.open(&at(thanks), "demo_shop_thanks", "Thank you for your order").await;
    inspector.browser.open(&at("/demo-shop")).await;
    inspector.browser.press("Buy the beeswax candle").await;
    inspector.browser.see("Your details").await;
    inspector.assert_faultless();
}
