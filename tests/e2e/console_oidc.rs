//! Signing in to the console with a company account, at a small issuer of OpenID Connect that each test has of its own.

use models::Role;
use reqwest::StatusCode;
use serde_json::json;
use tests::issuer::{Issuer, come_back, now_s, set_cookie};
use tests::{Page, Reply, World};

use crate::console_refunds::acts;

const START: &str = "/console/oidc/start?back=%2Fconsole%2Flive%2Fwebhooks";
const WEBHOOKS: &str = "/console/live/webhooks";
const PEOPLE: &str = "/console/live/people";
const LIVE_KEYS: &str = "/console/live/keys";

/// Whether nobody is signed in by an answer, which says this.
pub(crate) fn is_refused(answer: &Page, status: StatusCode, heading: &str) -> bool {
    let says = answer.html.contains(&format!("<h1>{heading}</h1>"));
    answer.status == status && says && set_cookie(answer, "__Host-counterfoil").is_none()
}

#[tokio::test]
async fn a_company_account_signs_in_once_as_its_groups_say() {
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    let mut ada = world.stranger();
    let asks = ada.get("/console/sign-in?back=%2Fconsole%2Flive%2Fwebhooks").await.html;
    let (company, email) = (asks.find(&format!("href=\"{START}\"")).unwrap(), asks.find("name=\"email\"").unwrap());
    assert!(company < email && asks.contains("Sign in with your company account"), "{asks}");

    let trip = issuer.sign_in(&ada, START).await;
    let other = issuer.sign_in(&world.stranger(), START).await;
    let expired = |answer: &Page| is_refused(answer, StatusCode::GONE, "This sign-in has expired");
    // Another browser's, nobody's, and one that never was: they use nothing up.
    let state = trip.way_back.split_once("state=").unwrap().1;
    let unknown = trip.way_back.replace(state, &"A".repeat(43));
    for (cookie, way_back) in [
        (Some(other.cookie.as_str()), &trip.way_back),
        (Some("__Host-counterfoil-oidc=x"), &trip.way_back),
        (None, &trip.way_back),
        (Some(trip.cookie.as_str()), &other.way_back),
        (Some(trip.cookie.as_str()), &unknown),
        (Some(trip.cookie.as_str()), &"/console/oidc/callback".to_owned()),
    ] {
        let answer = come_back(&world, &ada, cookie, way_back).await;
        assert!(expired(&answer), "{cookie:?} {way_back}: {}", answer.html);
    }
    assert!(issuer.receiver.at("/token").is_empty());
    let back = come_back(&world, &ada, Some(&trip.cookie), &trip.way_back).await;
    assert_eq!((back.status, back.location.as_deref()), (StatusCode::SEE_OTHER, Some(WEBHOOKS)), "{}", back.html);
    assert!(set_cookie(&back, "__Host-counterfoil-oidc").unwrap().contains("Max-Age=0"));
    assert!(expired(&come_back(&world, &ada, Some(&trip.cookie), &trip.way_back).await), "used up");
    ada.keep(&back);
    assert_eq!(ada.get(WEBHOOKS).await.status, StatusCode::OK);
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::FORBIDDEN, "the payments team refunds");
    for (what, to) in [("person_added", "refund, by a group"), ("signed_in", "with a company account")] {
        let done = acts(&world, what).await;
        assert_eq!(done.len(), 1, "{what}");
        assert_eq!(done[0]["who"]["M"]["person"]["S"], "Ada@demo.example");
        assert_eq!(done[0]["change"]["M"]["to"]["S"], to);
    }
    // Nothing in the table opens anything.
    let items = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await.to_string();
    for secret in [state.split('&').next().unwrap(), trip.cookie.split_once('=').unwrap().1] {
        assert!(secret.len() == 43 && !items.contains(secret));
    }

    // Other groups, by another sign-in in the same browser.
    issuer.says(json!({ "cognito:groups": ["payments-team", "admins"], "email": "ada@demo.example" }));
    let before = ada.cookie.clone();
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::OK, "the role that may most of those that groups give");
    assert_eq!(acts(&world, "role_changed").await.len(), 1);
    let mut earlier = world.stranger();
    earlier.cookie = before;
    assert_eq!(earlier.get(WEBHOOKS).await.status, StatusCode::SEE_OTHER, "the visit before has ended");
    // Somebody must own.
    issuer.says(json!({}));
    let last = issuer.visit(&world, &mut ada, START).await;
    assert!(is_refused(&last, StatusCode::CONFLICT, "Your role can’t be changed yet"), "{}", last.html);
    world.sign_in(Role::Own).await;
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_the_issuer_does_not_say_of_somebody_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    let mut ada = world.stranger();
    let (unconfirmed, no_address) = ("You can’t be signed in", "Your e-mail address isn’t confirmed");
    for (says, heading) in [
        (json!({ "nonce": "another" }), unconfirmed),
        (json!({ "aud": "shop" }), unconfirmed),
        (json!({ "iss": "https://evil.example" }), unconfirmed),
        (json!({ "exp": now_s() - 3600 }), unconfirmed),
        (json!({ "email_verified": false }), no_address),
        (json!({ "email": null }), no_address),
        (json!({ "email": "ada" }), no_address),
        (json!({ "cognito:groups": ["everybody"] }), "You have no access yet"),
        (json!({ "cognito:groups": null }), "You have no access yet"),
        (json!({ "cognito:groups": ["ghosts"] }), "You have no access yet"),
    ] {
        issuer.says(says.clone());
        let answer = issuer.visit(&world, &mut ada, START).await;
        assert!(is_refused(&answer, StatusCode::FORBIDDEN, heading), "{says}: {}", answer.html);
    }
    // A code that the issuer doesn't know, who turned back, and an answer of another issuer.
    issuer.says(json!({}));
    for (from, to, status, heading) in [
        ("?code=code", "?code=x", StatusCode::GONE, "This sign-in has expired"),
        ("?code=code", "?error=access_denied&x=", StatusCode::FORBIDDEN, "You aren’t signed in"),
        ("&session_state=", "&iss=https%3A%2F%2Fevil.example&x=", StatusCode::FORBIDDEN, unconfirmed),
    ] {
        let trip = issuer.sign_in(&ada, START).await;
        let way_back = trip.way_back.replace(from, to);
        let answer = come_back(&world, &ada, Some(&trip.cookie), &way_back).await;
        assert!(is_refused(&answer, status, heading), "{way_back}: {}", answer.html);
    }
    assert!(acts(&world, "person_added").await.is_empty() && acts(&world, "signed_in").await.is_empty());

    // It signs by a key that it did not have before.
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(WEBHOOKS).await.status, StatusCode::OK);
    issuer.signs_by_another_key("k2");
    let mut bea = world.stranger();
    issuer.visit(&world, &mut bea, START).await;
    assert_eq!(bea.get(WEBHOOKS).await.status, StatusCode::OK);
    // Somebody else signs.
    issuer.signs_by_a_forgers_key();
    let forged = issuer.visit(&world, &mut bea, START).await;
    assert!(is_refused(&forged, StatusCode::FORBIDDEN, unconfirmed), "{}", forged.html);
}

#[tokio::test]
async fn what_asks_for_a_fresh_sign_in_asks_the_issuer_for_one() {
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    let mut ada = world.stranger();
    let long_ago = json!({ "cognito:groups": ["admins"], "auth_time": now_s() - 3600 });
    let never_said = json!({ "cognito:groups": ["admins"], "auth_time": null });
    for says in [&long_ago, &never_said] {
        issuer.says(says.clone());
        issuer.visit(&world, &mut ada, START).await;
        let keys = ada.get(LIVE_KEYS).await;
        assert!(keys.status == StatusCode::OK && keys.html.contains("Sign in again"), "{says}: {}", keys.html);
    }
    let asks = ada.get("/console/sign-in?again=1&back=%2Fconsole%2Flive%2Fkeys").await.html;
    let start = "/console/oidc/start?again=1&back=%2Fconsole%2Flive%2Fkeys";
    assert!(asks.replace("&#38;", "&").contains(&format!("href=\"{start}\"")), "{asks}");
    let led_on = ada.get(start).await.location.unwrap();
    assert!(led_on.contains("&prompt=login&max_age=0") && !ada.get(START).await.location.unwrap().contains("prompt"));
    for says in [&long_ago, &never_said] {
        issuer.says(says.clone());
        let answer = issuer.visit(&world, &mut ada, start).await;
        assert!(is_refused(&answer, StatusCode::FORBIDDEN, "This needs a link by mail"), "{says}: {}", answer.html);
    }
    issuer.says(json!({ "cognito:groups": ["admins"] }));
    let back = issuer.visit(&world, &mut ada, start).await;
    assert_eq!(back.location.as_deref(), Some(LIVE_KEYS), "{}", back.html);
    let keys = ada.get(LIVE_KEYS).await;
    assert!(keys.status == StatusCode::OK && !keys.html.contains("Sign in again"), "{}", keys.html);
}

#[tokio::test]
async fn without_an_issuer_there_are_links_and_one_that_is_down_is_tried_again() {
    let world = World::with_console().await;
    let nobody = world.stranger();
    assert!(!nobody.get("/console/sign-in").await.html.contains("company account"));
    for path in [START, "/console/oidc/callback?code=x&state=y"] {
        assert_eq!(nobody.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    issuer.receiver.answer_all(Reply::Status(500));
    assert_eq!(world.stranger().get(START).await.status, StatusCode::SERVICE_UNAVAILABLE);
    issuer.answers();
    let mut ada = world.stranger();
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(WEBHOOKS).await.status, StatusCode::OK);
}
