//! The shop's face in the console: owners see it first and change it, and payers see it then.

use models::Role;
use reqwest::{Method, StatusCode};
use tests::{World, hidden, page, text};

use crate::console_refunds::acts;

const SHOP: &str = "/console/test/shop";

#[tokio::test]
async fn an_owner_changes_what_payers_see() {
    let world = World::with_console().await;
    let session = world.create().await;
    let checkout = format!("/checkout/{}", text(&session["id"]));
    let seen = async || page(world.request(Method::GET, &checkout)).await.html;
    let fields = [("display_name", "Dim Candles"), ("support_email", "help@dim.example"), ("colour", "#8a4b08")];
    let send = async |step: &str, role: Role| {
        let browser = world.sign_in(role).await;
        let seen = hidden(&browser.get(SHOP).await.html, "seen").unwrap_or_default();
        browser.post(SHOP, &[&[("step", step), ("seen", seen.as_str())][..], &fields].concat()).await
    };
    for role in [Role::Look, Role::Refund, Role::Develop] {
        assert_eq!(send("confirm", role).await.status, StatusCode::FORBIDDEN, "{role:?}");
    }
    let preview = send("check", Role::Own).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.html);
    assert!(preview.html.contains("--accent:#8a4b08") && preview.html.contains("Pay <bdi>Dim Candles</bdi>"));
    assert!(preview.html.contains("[Test] Receipt for £24.00 · Example · Dim Candles"), "{}", preview.html);
    assert!(!seen().await.contains("Dim Candles"));
    let own = world.sign_in(Role::Own).await;
    let pale = own.post(SHOP, &[("step", "confirm"), ("display_name", "Dim"), ("colour", "#eeeeee")]).await;
    assert_eq!(pale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(pale.html.contains("has a contrast of 1."), "{}", pale.html);
    let saved = send("confirm", Role::Own).await;
    assert_eq!((saved.status, saved.location.as_deref()), (StatusCode::SEE_OTHER, Some(SHOP)));
    let html = seen().await;
    assert!(html.contains("Dim Candles") && html.contains("--accent:#8a4b08"), "{html}");
    assert!(own.get(SHOP).await.html.contains("value=\"help@dim.example\""));
    assert_eq!(acts(&world, "shop_changed").await.len(), 1);
}
