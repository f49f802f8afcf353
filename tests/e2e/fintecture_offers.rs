//! What a payer is offered by `x-provider`, `x-country` and `x-psu-type`: the page shows that, nothing else can be chosen, and what
//! leaves nothing is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Erased, Erasures};
use tests::{Answer, World, answer, text};

use crate::fintecture::{CONNECT, create, demo, least, own_id, payer, read, with_meta, world};
use crate::operator::run as counterfoil;

async fn post(world: &World, headers: &[(&str, &str)], body: &Value) -> Answer {
    let posted = demo(world, Method::POST, CONNECT).json(body);
    answer(headers.iter().fold(posted, |posted, (name, value)| posted.header(*name, *value))).await
}

/// A payment with these headers, by its id.
async fn limited(world: &World, headers: &[(&str, &str)]) -> String {
    let created = post(world, headers, &least()).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text);
    text(&created.body["meta"]["session_id"])
}

/// Whether the page has this provider to choose.
fn offers(html: &str, provider: &str) -> bool {
    html.contains(&format!("name=\"bank\" value=\"{provider}\""))
}

async fn item(world: &World, id: &str) -> Value {
    world.item(&format!("SESSION#{}", own_id(id)), "SESSION").await
}

async fn status(world: &World, id: &str) -> String {
    text(&read(world, id).await["meta"]["status"])
}

#[tokio::test]
async fn the_named_provider_alone_is_paid_at() {
    let world = world().await;
    let id = limited(&world, &[("x-provider", "mock-settles")]).await;
    let payer = payer(&world, &id);
    let html = payer.page().await.html;
    assert!(offers(&html, "mock-settles") && html.matches("name=\"bank\"").count() == 1, "{html}");
    assert!(!html.contains("class=\"banks\""), "there is no list: {html}");
    // To open the page has begun nothing.
    assert_eq!(status(&world, &id).await, "provider_required");
    // Another can't be chosen by a form of somebody's own, before and after the first choice.
    for attempt in [1, 2] {
        for other in ["mock-bank", "mock-consent", "mock-card", "mock-transfer", "mock"] {
            let forged = payer.choose(other, attempt).await;
            assert_eq!(forged.status, StatusCode::UNPROCESSABLE_ENTITY, "{other} as {attempt}");
            let back = format!("href=\"/checkout/{}\"", own_id(&id));
            assert!(forged.html.contains(&back), "it leads back: {}", forged.html);
        }
        if attempt == 1 {
            assert_eq!(status(&world, &id).await, "provider_required");
            let chosen = payer.choose("mock-settles", 1).await;
            assert_eq!(chosen.location.unwrap(), format!("/mock-bank/{}/1", own_id(&id)));
        }
    }
    let html = payer.page().await.html;
    assert!(html.contains("Brightwick Bank") && !html.contains("choose=another"), "{html}");
    payer.decide(1, "decline").await;
    let html = payer.page().await.html;
    assert!(offers(&html, "mock-settles") && html.matches("name=\"bank\"").count() == 1, "{html}");
    assert_eq!(payer.choose("mock-bank", 2).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    payer.choose("mock-settles", 2).await;
    payer.decide(2, "approve").await;
    let paid = read(&world, &id).await;
    assert_eq!([&paid["meta"]["status"], &paid["meta"]["provider"]], ["payment_created", "mock-settles"]);
    let verified = counterfoil(&world, &["verify"]).await;
    assert_eq!(verified.code, 0, "{}", verified.shown);
}

#[tokio::test]
async fn a_country_and_a_kind_of_payer_limit_the_list() {
    let world = world().await;
    for (headers, offered, others) in [
        (&[][..], &["mock-bank", "mock-settles", "mock-settles-later", "mock-withholds-account"][..], &[][..]),
        (&[("x-psu-type", "all")], &["mock-bank", "mock-settles-later", "mock-withholds-account"], &[]),
        (&[("x-country", "fr")], &["mock-bank", "mock-settles"], &[]),
        (&[("x-country", "GB")], &["mock-bank"], &["mock-settles", "mock-consent", "mock-settles-later"]),
        (&[("x-psu-type", "retail")], &["mock-bank", "mock-settles-later"], &["mock-withholds-account"]),
        (&[("x-psu-type", "corporate")], &["mock-bank", "mock-withholds-account"], &["mock-settles-later"]),
    ] {
        let id = limited(&world, headers).await;
        let payer = payer(&world, &id);
        let html = payer.page().await.html;
        for provider in offered {
            assert!(offers(&html, provider), "{headers:?} {provider}: {html}");
        }
        for provider in others {
            assert!(!offers(&html, provider), "{headers:?} {provider}: {html}");
            let forged = payer.choose(provider, 1).await;
            assert_eq!(forged.status, StatusCode::UNPROCESSABLE_ENTITY, "{headers:?} {provider}");
        }
        assert_eq!(status(&world, &id).await, "provider_required");
        assert!(payer.choose(offered.last().unwrap(), 1).await.location.is_some());
        assert_eq!(status(&world, &id).await, "sca_required");
    }
}

#[tokio::test]
async fn what_leaves_nothing_to_choose_is_refused() {
    let world = world().await;
    let by = |method: &str| with_meta(json!({ "payment_methods": [{ "id": method }] }));
    let provider = "must be the id of a provider that this payment can be made at";
    let country = "must be a country in which a provider of this payment serves payers";
    let (by_bank, by_transfer) = (by("immediate_transfer"), by("smart_transfer"));
    for (headers, body, parameter, rule) in [
        (&[("x-provider", "ftecfr")][..], &by_bank, "header.x-provider", provider),
        (&[("x-provider", "mock-transfer")], &by_bank, "header.x-provider", provider),
        (&[("x-provider", "mock-settles")], &by_transfer, "header.x-provider", provider),
        (&[("x-country", "GB")], &by_transfer, "header.x-country", country),
        (&[("x-provider", "mock-settles"), ("x-country", "GB")], &by_bank, "header.x-country", country),
        (
            &[("x-provider", "mock-settles-later"), ("x-psu-type", "corporate")],
            &by_bank,
            "header.x-psu-type",
            "must be one that a provider of this payment serves",
        ),
    ] {
        let refused = post(&world, headers, body).await;
        let errors = json!([{ "code": "invalid_field", "title": parameter, "message": format!("{parameter} {rule}") }]);
        assert_eq!((refused.status, &refused.body["errors"]), (StatusCode::BAD_REQUEST, &errors), "{headers:?}");
    }
}

#[tokio::test]
async fn the_limits_are_kept_with_the_payment_and_erased_with_its_payer() {
    let world = world().await;
    let request_id = uuid::Uuid::new_v4().to_string();
    let headers =
        [("x-request-id", &*request_id), ("x-provider", "mock-bank"), ("x-country", "fr"), ("x-psu-type", "retail")];
    let first = post(&world, &headers, &least()).await;
    let id = text(&first.body["meta"]["session_id"]);
    let kept = json!({ "provider": { "S": "mock-bank" }, "country": { "S": "FR" }, "payers": { "S": "retail" } });
    assert_eq!(item(&world, &id).await["offer_limits"]["M"], kept);
    let shown = read(&world, &id).await;
    let said = ["provider", "country", "psu_type"].map(|name| text(&shown["meta"][name]));
    assert_eq!(said, ["mock-bank", "FR", "retail"]);
    let payer = payer(&world, &id);
    payer.choose_bank(1).await;
    payer.decide(1, "approve").await;
    let again = post(&world, &headers, &least()).await;
    assert_eq!((again.is_replayed(), &again.text), (true, &first.text));
    world.settled().await;
    assert_eq!(Erasures::new(world.table()).erase(&own_id(&id), samples::now()).await.unwrap(), Erased::Done);
    assert_eq!(item(&world, &id).await.get("offer_limits"), None);
    // What says nothing keeps nothing.
    let unlimited = create(&world, CONNECT, &least()).await;
    assert_eq!(item(&world, &unlimited).await.get("offer_limits"), None);
    let all = limited(&world, &[("x-psu-type", "all")]).await;
    assert_eq!(item(&world, &all).await.get("offer_limits"), None);
    let verified = counterfoil(&world, &["verify"]).await;
    assert_eq!(verified.code, 0, "{}", verified.shown);
}
