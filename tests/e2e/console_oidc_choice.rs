//! Somebody whose groups let them into the consoles of several merchants chooses one as they sign in.

use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::issuer::{Issuer, come_back, set_cookie};
use tests::{Browser, Page, World, hidden, page};

use crate::console_oidc::is_refused;
use crate::console_refunds::acts;

const GROUPS: &str =
    "payments-team=demo:refund,acme-team=acme:look,acme-devs=acme:develop,acme-refunds=acme:refund,ghosts=nowhere:own";
const START: &str = "/console/oidc/start?back=%2Fconsole%2Flive%2Fwebhooks";
const CHOICE: &str = "/console/oidc/choice";
const WEBHOOKS: &str = "/console/live/webhooks";
const TEST_KEYS: &str = "/console/test/keys";
/// Leads from a page of a visit to the choice.
const ANOTHER: &str = "/console/oidc/start?back=%2Fconsole%2Flive%2Foverview";

/// What somebody was asked who may choose: what their browser keeps, what their form bears, and the page.
struct Asked {
    cookie: String,
    choice: String,
    html: String,
}

/// A machine with two merchants, whose console has this issuer.
async fn world(issuer: &Issuer) -> World {
    issuer.says(json!({ "cognito:groups": ["everybody", "acme-team", "acme-devs", "acme-refunds", "payments-team"] }));
    let world = issuer.world_of(GROUPS).await;
    world.merchant("acme", Mode::Test, "all").await;
    world
}

/// Somebody signs in at the issuer, and comes back to be asked: nobody is signed in by that.
async fn asked(issuer: &Issuer, world: &World, browser: &Browser<'_>, path: &str) -> Asked {
    let trip = issuer.sign_in(browser, path).await;
    let asks = come_back(world, browser, Some(&trip.cookie), &trip.way_back).await;
    assert!(asks.status == StatusCode::OK && asks.html.contains("<h1>Choose a merchant</h1>"), "{}", asks.html);
    assert!(set_cookie(&asks, "__Host-counterfoil").is_none());
    let kept = set_cookie(&asks, "__Host-counterfoil-oidc").unwrap();
    assert!(kept.starts_with(&trip.cookie) && kept.ends_with("; Max-Age=600"), "{kept}");
    let choice = hidden(&asks.html, "choice").unwrap_or_else(|| panic!("{}", asks.html));
    Asked { cookie: trip.cookie, choice, html: asks.html }
}

/// Presses the button of a merchant, in a browser that has this cookie beside that of its visit.
async fn choose(world: &World, browser: &Browser<'_>, cookie: Option<&str>, choice: &str, merchant: &str) -> Page {
    let cookies: Vec<&str> = browser.cookie.as_deref().into_iter().chain(cookie).collect();
    let request = world.request(Method::POST, CHOICE).header("origin", world.machine.api_url());
    let form = [("choice", choice), ("merchant", merchant)];
    page(request.header("cookie", cookies.join("; ")).form(&form)).await
}

/// Whether a page is of this merchant's console.
fn is_of(page: &Page, merchant: &str) -> bool {
    page.status == StatusCode::OK && page.html.contains(&format!("<bdi>{merchant}</bdi>"))
}

/// The choices that are kept.
async fn kept(world: &World) -> Vec<Value> {
    let scan = json!({ "TableName": world.machine.table_name(), "ConsistentRead": true });
    let items = world.dynamodb("Scan", &scan).await["Items"].as_array().unwrap().clone();
    items.into_iter().filter(|item| item["sk"]["S"] == "CHOICE").collect()
}

#[tokio::test]
async fn who_may_use_several_consoles_chooses_one_and_can_choose_another() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    let mut ada = world.stranger();
    let first = asked(&issuer, &world, &ada, START).await;
    for (merchant, role) in [("demo", "refund"), ("acme", "develop")] {
        let button = format!("value=\"{merchant}\"><span class=\"about\">{merchant}<small>{role}</small>");
        assert_eq!(first.html.matches(&button).count(), 1, "{button}: {}", first.html);
    }
    assert_eq!(first.html.matches("name=\"merchant\"").count(), 2, "{}", first.html);
    assert!(first.html.contains("Ada@demo.example") && acts(&world, "person_added").await.is_empty());
    let chosen = choose(&world, &ada, Some(&first.cookie), &first.choice, "acme").await;
    assert_eq!((chosen.status, chosen.location.as_deref()), (StatusCode::SEE_OTHER, Some(WEBHOOKS)), "{}", chosen.html);
    assert!(set_cookie(&chosen, "__Host-counterfoil-oidc").unwrap().contains("Max-Age=0"));
    ada.keep(&chosen);
    let webhooks = ada.get(WEBHOOKS).await;
    assert!(is_of(&webhooks, "acme"), "{}", webhooks.html);
    assert_eq!(ada.get(TEST_KEYS).await.status, StatusCode::OK, "developers roll test keys");
    let added = acts(&world, "person_added").await;
    assert_eq!((added.len(), &added[0]["change"]["M"]["to"]["S"]), (1, &json!("develop, by a group")));

    // From a page of the visit, which goes on until another merchant is chosen.
    assert!(webhooks.html.contains(&format!("<a href=\"{ANOTHER}\">Another merchant</a>")), "{}", webhooks.html);
    let second = asked(&issuer, &world, &ada, ANOTHER).await;
    assert!(is_of(&ada.get(WEBHOOKS).await, "acme"));
    let mut earlier = world.stranger();
    earlier.cookie = ada.cookie.clone();
    let chosen = choose(&world, &ada, Some(&second.cookie), &second.choice, "demo").await;
    assert_eq!(chosen.location.as_deref(), Some("/console/live/overview"), "{}", chosen.html);
    ada.keep(&chosen);
    assert!(is_of(&ada.get(WEBHOOKS).await, "demo"));
    assert_eq!(ada.get(TEST_KEYS).await.status, StatusCode::FORBIDDEN, "the payments team refunds");
    assert_eq!(earlier.get(WEBHOOKS).await.status, StatusCode::SEE_OTHER, "the visit before has ended");
    // Nothing in the table opens anything.
    let items = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await.to_string();
    for asked in [&first, &second] {
        for secret in [asked.choice.as_str(), asked.cookie.split_once('=').unwrap().1] {
            assert!(secret.len() == 43 && !items.contains(secret));
        }
    }

    // Nobody is asked who has nothing to choose from.
    issuer.says(json!({ "cognito:groups": ["payments-team"] }));
    let led_on = issuer.visit(&world, &mut ada, ANOTHER).await;
    assert_eq!(led_on.location.as_deref(), Some("/console/live/overview"), "{}", led_on.html);
    assert!(!ada.get(WEBHOOKS).await.html.contains("Another merchant"));
}

#[tokio::test]
async fn a_choice_that_is_forged_stale_or_made_before_changes_nothing() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    let mut ada = world.stranger();
    let (ours, other) =
        (asked(&issuer, &world, &ada, START).await, asked(&issuer, &world, &world.stranger(), START).await);
    let (cookie, choice, unknown) = (ours.cookie.as_str(), ours.choice.as_str(), "A".repeat(43));
    let expired = |answer: &Page| is_refused(answer, StatusCode::GONE, "This sign-in has expired");
    for (cookie, choice, merchant) in [
        (Some(other.cookie.as_str()), choice, "demo"),
        (Some("__Host-counterfoil-oidc=x"), choice, "demo"),
        (None, choice, "demo"),
        (Some(cookie), other.choice.as_str(), "demo"),
        (Some(cookie), unknown.as_str(), "demo"),
        (Some(cookie), "", "demo"),
        (Some(cookie), choice, ""),
        (Some(cookie), choice, "nowhere"),
        (Some(cookie), choice, "Demo"),
    ] {
        let answer = choose(&world, &ada, cookie, choice, merchant).await;
        assert!(expired(&answer), "{cookie:?} {choice} {merchant}: {}", answer.html);
    }
    let form = [("choice", choice), ("merchant", "demo")];
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let mut request = world.request(Method::POST, CHOICE).header("cookie", cookie).form(&form);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(page(request).await.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert_eq!(ada.get(CHOICE).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let kept = kept(&world).await;
    assert!(kept.len() == 2 && kept.iter().all(|item| item["used_by"].is_null()), "none is used up: {kept:?}");
    assert!(acts(&world, "person_added").await.is_empty() && acts(&world, "signed_in").await.is_empty());

    let chosen = choose(&world, &ada, Some(cookie), choice, "demo").await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{}", chosen.html);
    ada.keep(&chosen);
    for merchant in ["demo", "acme"] {
        assert!(expired(&choose(&world, &ada, Some(cookie), choice, merchant).await), "used up");
    }
    assert!(is_of(&ada.get(WEBHOOKS).await, "demo"), "the visit goes on");
    // The other's ten minutes are over.
    for item in &kept {
        let body = json!({
            "TableName": world.machine.table_name(),
            "Key": { "pk": item["pk"], "sk": item["sk"] },
            "UpdateExpression": "SET expires_at = :now",
            "ExpressionAttributeValues": { ":now": { "N": tests::issuer::now_s().to_string() + "000" } },
        });
        world.dynamodb("UpdateItem", &body).await;
    }
    let late = choose(&world, &world.stranger(), Some(&other.cookie), &other.choice, "demo").await;
    assert!(expired(&late), "{}", late.html);
    for what in ["person_added", "signed_in"] {
        assert_eq!(acts(&world, what).await.len(), 1, "{what}");
    }
}

#[tokio::test]
async fn who_shows_once_more_who_they_are_stays_at_their_merchant() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    let mut ada = world.stranger();
    let again = START.replace('?', "?again=1&");
    // Nobody is known in this browser yet.
    let first = asked(&issuer, &world, &ada, &again).await;
    let chosen = choose(&world, &ada, Some(&first.cookie), &first.choice, "acme").await;
    ada.keep(&chosen);
    let before = ada.cookie.clone();
    let back = issuer.visit(&world, &mut ada, &again).await;
    assert_eq!((back.status, back.location.as_deref()), (StatusCode::SEE_OTHER, Some(WEBHOOKS)), "{}", back.html);
    assert_ne!(ada.cookie, before);
    let webhooks = ada.get(WEBHOOKS).await;
    assert!(is_of(&webhooks, "acme") && webhooks.html.contains("Another merchant"), "{}", webhooks.html);
    // Their groups don't let them in there any more.
    issuer.says(json!({ "cognito:groups": ["payments-team"] }));
    issuer.visit(&world, &mut ada, &again).await;
    assert!(is_of(&ada.get(WEBHOOKS).await, "demo"));
}

#[tokio::test]
async fn a_merchant_that_is_not_there_is_none_to_choose() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    issuer.says(json!({ "cognito:groups": ["ghosts", "acme-team", "payments-team"] }));
    let asked = asked(&issuer, &world, &world.stranger(), START).await;
    assert_eq!(asked.html.matches("name=\"merchant\"").count(), 2, "{}", asked.html);
    assert!(!asked.html.contains("nowhere") && asked.html.contains("the consoles of 2 merchants"), "{}", asked.html);
    // Where one is left, nobody is asked.
    issuer.says(json!({ "cognito:groups": ["ghosts", "acme-team"] }));
    let mut ada = world.stranger();
    let led_on = issuer.visit(&world, &mut ada, START).await;
    assert_eq!(led_on.location.as_deref(), Some(WEBHOOKS), "{}", led_on.html);
    let webhooks = ada.get(WEBHOOKS).await;
    assert!(is_of(&webhooks, "acme") && !webhooks.html.contains("Another merchant"), "{}", webhooks.html);
    issuer.says(json!({ "cognito:groups": ["ghosts"] }));
    let refused = issuer.visit(&world, &mut world.stranger(), START).await;
    assert!(is_refused(&refused, StatusCode::FORBIDDEN, "You have no access yet"), "{}", refused.html);
}

#[tokio::test]
async fn a_choice_that_waits_in_another_tab_is_over_once_its_browser_signs_out() {
    let issuer = Issuer::start().await;
    let world = world(&issuer).await;
    let mut ada = world.stranger();
    let first = asked(&issuer, &world, &ada, START).await;
    let chosen = choose(&world, &ada, Some(&first.cookie), &first.choice, "acme").await;
    ada.keep(&chosen);
    let second = asked(&issuer, &world, &ada, ANOTHER).await;
    let csrf = hidden(&ada.get(WEBHOOKS).await.html, "csrf").unwrap();
    let cookies = format!("{}; {}", ada.cookie.as_deref().unwrap(), second.cookie);
    let request = world.request(Method::POST, "/console/sign-out").header("origin", world.machine.api_url());
    let out = page(request.header("cookie", cookies).form(&[("csrf", csrf)])).await;
    assert_eq!(out.location.as_deref(), Some("/console/sign-in"), "{}", out.html);
    for name in ["__Host-counterfoil", "__Host-counterfoil-oidc"] {
        assert!(set_cookie(&out, name).unwrap().contains("Max-Age=0"), "{name}");
    }
}
