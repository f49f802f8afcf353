//! What `make run` answers at `/`, and its demo shop: from buying to the webhook that the shop verifies.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{Page, World, loopback_webhooks, page, text};

/// A machine as `make run` starts it.
async fn start() -> World {
    let world = World::start_with(|config| {
        loopback_webhooks(config);
        config.start_page = true;
    })
    .await;
    for _ in 0..2 {
        let machine = &world.machine;
        local::demo::open_shop(machine.aws_url(), machine.table_name(), machine.api_url()).await.unwrap();
    }
    world
}

async fn get(world: &World, path: &str) -> Page {
    page(world.request(Method::GET, path)).await
}

#[tokio::test]
async fn the_demo_shop_shows_the_webhook_of_what_was_bought() {
    let world = start().await;
    let shop = get(&world, "/demo-shop").await;
    assert!(shop.html.contains("value=\"candle\"") && !shop.html.contains("aren’t delivered"), "{}", shop.html);
    let bought = page(world.request(Method::POST, "/demo-shop").form(&[("item", "candle")])).await;
    assert_eq!(bought.status, StatusCode::SEE_OTHER, "{}", bought.html);
    let checkout = bought.location.unwrap();
    let id = checkout.strip_prefix(&format!("{}/checkout/", world.machine.api_url())).unwrap().to_owned();
    let session = world.get(&id).await;
    assert_eq!((&session["amount"], &session["reference"]), (&json!(450), &json!("Demo shop")), "{session}");

    let payer = world.payer(&session);
    payer.identify().await;
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    world.settled().await;
    let success_url = text(&session["success_url"]);
    let thanks = success_url.strip_prefix(world.machine.api_url()).unwrap();
    assert_eq!(thanks, format!("/demo-shop/thanks?id={id}"));
    let thanks = get(&world, thanks).await;
    assert_eq!(thanks.html.matches("payment_session.sent").count(), 1, "{}", thanks.html);
    assert!(thanks.html.contains("signature ok") && thanks.html.contains("It is paid"), "{}", thanks.html);

    let home = get(&world, "/").await;
    assert!(home.html.contains("Demo shop") && home.html.contains("£4.50"), "{}", home.html);
    assert!(home.html.contains(&checkout) && home.html.contains("sk_test_demo"), "{}", home.html);
}

#[tokio::test]
async fn its_pages_load_nothing_and_run_nothing() {
    let world = start().await;
    for path in ["/", "/docs", "/demo-shop"] {
        let page = get(&world, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("script-src"), "{path}: {policy}");
        assert!(!page.html.contains("<script") && !page.html.contains(" src="), "{path}");
    }
    assert!(get(&world, "/openapi.yaml").await.html.starts_with("openapi: 3.1.0\n"));
}

#[tokio::test]
async fn a_webhook_without_a_signature_is_refused_and_other_methods_are_the_api_s() {
    let world = start().await;
    let unsigned = page(world.request(Method::POST, "/demo-shop/webhook").body("{}")).await;
    assert_eq!(unsigned.status, StatusCode::BAD_REQUEST);
    for (method, path) in [(Method::DELETE, "/"), (Method::POST, "/docs"), (Method::GET, "/demo-shop/webhook")] {
        assert_eq!(page(world.request(method, path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let nothing = page(world.request(Method::POST, "/demo-shop").form(&[("item", "moon")])).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn elsewhere_there_is_none_of_it() {
    let world = World::start().await;
    for path in ["/", "/docs", "/openapi.yaml", "/demo-shop", "/demo-shop/thanks"] {
        assert_eq!(get(&world, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
