//! The way back from a provider that has one address for all its payers, and says which payment is whose.

use reqwest::Method;
use tests::{World, page, text};

use crate::at_consent::at_the_bank;

#[tokio::test]
async fn the_providers_own_id_of_the_payment_leads_to_the_session() {
    let world = World::start().await;
    let session = at_the_bank(&world).await;
    let payer = world.payer(&session);
    payer.consent(&payer.link(1).await, "approve").await;
    let payment_id = format!("mock.{}.1", text(&session["end_to_end_id"]));
    let way_back = format!("/checkout/{}/return", text(&session["id"]));
    // What the provider says of an error is no more than a hint.
    for query in [format!("payment_id={payment_id}"), format!("error=access_denied&payment_id={payment_id}&error=x")] {
        for method in [Method::GET, Method::HEAD] {
            let led = page(world.request(method, &format!("/providers/mock-consent/return?{query}"))).await;
            assert_eq!((led.status.as_u16(), led.location.as_ref()), (303, Some(&way_back)), "{query}");
        }
    }
    assert_eq!(world.get(&text(&session["id"])).await["state"], "awaiting_payment_consent", "nobody has been asked");
    page(world.request(Method::GET, &way_back)).await;
    assert_eq!(world.get(&text(&session["id"])).await["state"], "sent");
}

#[tokio::test]
async fn what_names_no_payment_or_another_providers_leads_nowhere() {
    let world = World::start().await;
    let session = at_the_bank(&world).await;
    let payment_id = format!("mock.{}.1", text(&session["end_to_end_id"]));
    for (provider, query) in [
        ("mock-consent", String::new()),
        ("mock-consent", "?payment_id".to_owned()),
        ("mock-consent", "?payment_id=%23".to_owned()),
        ("mock-consent", format!("?payment_id={payment_id}x")),
        ("mock-consent", format!("?payment_id={payment_id}&payment_id={payment_id}")),
        ("mock-consent", format!("?payment={payment_id}")),
        ("mock-card", format!("?payment_id={payment_id}")),
        ("nobody", format!("?payment_id={payment_id}")),
        ("Not%20A%20Bank", format!("?payment_id={payment_id}")),
    ] {
        let lost = page(world.request(Method::GET, &format!("/providers/{provider}/return{query}"))).await;
        assert_eq!((lost.status.as_u16(), lost.location), (404, None), "{provider}{query}");
        assert!(lost.html.contains("<h1>"), "{provider}{query}: {}", lost.html);
    }
    let posted = page(world.request(Method::POST, "/providers/mock-consent/return")).await;
    assert_eq!((posted.status.as_u16(), &posted.headers["allow"]), (405, &"GET, HEAD".parse().unwrap()));
}
