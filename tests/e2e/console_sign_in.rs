//! Signing in to the console by a link, and out again.

use local::{Effect, Fault, Machine, Mail};
use models::{Permission, Person, Role};
use reqwest::{Method, StatusCode};
use tests::{Browser, PATIENCE, Page, World, hidden, page};

const OVERVIEW: &str = "/console/test/overview";

/// A page of the console that is there for every role.
const WEBHOOKS: &str = "/console/test/webhooks";

/// Where a page leads people who are not signed in.
fn asked_to_sign_in(answer: &Page) -> bool {
    let location = answer.location.as_deref().unwrap_or("");
    answer.status == StatusCode::SEE_OTHER && location.starts_with("/console/sign-in?back=")
}

fn set_cookie(answer: &Page) -> String {
    let mut cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    cookies.find(|cookie| cookie.starts_with("__Host-counterfoil=")).unwrap()
}

async fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get(WEBHOOKS).await.status == StatusCode::OK
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_by_its_button() {
    let world = World::with_console().await;
    let path = world.link("demo", "ada@demo.example", Role::Look).await;
    let mut browser = world.stranger();
    for _ in 0..3 {
        let shown = browser.get(&path).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
        assert!(shown.html.contains("ada@demo.example") && !shown.headers.contains_key("set-cookie"));
        assert_eq!(page(browser.request(Method::HEAD, &path)).await.status, StatusCode::OK);
    }
    let shown = browser.get(&format!("{path}?back=%2Fconsole%2Flive%2Fwebhooks")).await;
    let back = hidden(&shown.html, "back").unwrap();
    let led_on = browser.send(&path, &[("back", &back)]).await;
    assert_eq!((led_on.status, led_on.location.as_deref()), (StatusCode::SEE_OTHER, Some("/console/live/webhooks")));
    let cookie = set_cookie(&led_on);
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    browser.keep(&led_on);
    assert!(is_signed_in(&browser).await);
    assert_eq!(led_on.headers["referrer-policy"], "same-origin");
    assert_eq!(led_on.headers["cache-control"], "no-store");

    // Used up, for the same browser and for others; and one that never was.
    let unknown = format!("/console/sign-in/{}", "A".repeat(43));
    for path in [path.as_str(), &unknown, "/console/sign-in/abc"] {
        let shown = world.stranger().get(path).await;
        let used = world.stranger().send(path, &[]).await;
        for answer in [&shown, &used] {
            assert_eq!(answer.status, StatusCode::GONE, "{path}");
            assert!(answer.html.contains("This link can’t be used"), "{}", answer.html);
        }
        assert!(!used.headers.contains_key("set-cookie"));
    }
    // Another origin's form uses nothing up.
    let path = world.link("demo", "ada@demo.example", Role::Look).await;
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let mut request = world.request(Method::POST, &path).form(&[("back", "")]);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(page(request).await.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    let led_on = browser.send(&path, &[("back", "https://evil.example/")]).await;
    assert_eq!(led_on.location.as_deref(), Some(OVERVIEW));
    assert!(!is_signed_in(&browser).await, "the visit before has ended, and not only its cookie is gone");
    // What the table has opens nothing.
    let body = serde_json::json!({ "TableName": world.machine.table_name() });
    let items = world.dynamodb("Scan", &body).await.to_string();
    for secret in [path.rsplit('/').next().unwrap(), set_cookie(&led_on).split(['=', ';']).nth(1).unwrap()] {
        assert!(secret.len() == 43 && !items.contains(secret));
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_asked_who_they_are() {
    let world = World::with_console().await;
    let nobody = world.stranger();
    assert_eq!(nobody.get("/console").await.location.as_deref(), Some(OVERVIEW));
    let asked = nobody.get("/console/live/webhooks?x=1").await;
    assert_eq!(asked.location.as_deref(), Some("/console/sign-in?back=%2Fconsole%2Flive%2Fwebhooks%3Fx%3D1"));
    assert!(asked_to_sign_in(&nobody.send("/console/test/people", &[("email", "eve@evil.example")]).await));
    let ask = nobody.get("/console/sign-in?back=%2Fconsole%2Flive%2Frefunds").await;
    assert_eq!(ask.status, StatusCode::OK);
    for text in ["Ask somebody whose role is “own”", "counterfoil console invite", "href=\"/console/live/refunds\""]
    {
        assert!(ask.html.contains(text), "{text}: {}", ask.html);
    }
    let typed = nobody.send("/console/sign-in", &[("email", "ada")]).await;
    assert_eq!(typed.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(typed.html.contains("Enter your e-mail address"), "{}", typed.html);
    let mut forged = world.stranger();
    forged.cookie = Some(format!("__Host-counterfoil={}", "A".repeat(43)));
    assert!(asked_to_sign_in(&forged.get(WEBHOOKS).await));
    assert_eq!(nobody.send("/console/sign-out", &[]).await.location.as_deref(), Some("/console/sign-in"));
    let ada = world.sign_in(Role::Look).await;
    let led_on = ada.get("/console/sign-in?back=%2Fconsole%2Flive%2Frefunds").await;
    assert_eq!(led_on.location.as_deref(), Some("/console/live/refunds"));
}

#[tokio::test]
async fn without_the_console_nothing_is_there() {
    let world = World::start().await;
    let path = world.link("demo", "ada@demo.example", Role::Own).await;
    for path in [path.as_str(), "/console", "/console/sign-in", WEBHOOKS] {
        assert_eq!(world.stranger().get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(world.stranger().send(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_visit_for_good() {
    let world = World::with_console().await;
    let (mut ada, other) = (world.sign_in(Role::Look).await, world.sign_in(Role::Look).await);
    let mut stolen = world.stranger();
    stolen.cookie.clone_from(&ada.cookie);
    // Without what the visit's forms bear, or from elsewhere, nobody is signed out.
    assert_eq!(ada.send("/console/sign-out", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.send("/console/sign-out", &[("csrf", &other.csrf)]).await.status, StatusCode::FORBIDDEN);
    let request = ada.request(Method::POST, "/console/sign-out").form(&[("csrf", &ada.csrf)]);
    assert_eq!(page(request.header("origin", "https://evil.example")).await.status, StatusCode::FORBIDDEN);
    assert!(is_signed_in(&ada).await);

    let out = ada.post("/console/sign-out", &[]).await;
    assert_eq!(out.location.as_deref(), Some("/console/sign-in"));
    assert!(set_cookie(&out).contains("Max-Age=0"));
    ada.keep(&out);
    assert!(ada.cookie.is_none());
    assert!(!is_signed_in(&stolen).await, "the cookie alone is worth nothing");
    assert!(is_signed_in(&other).await, "another browser of the same person");
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_on() {
    let world = World::with_console().await;
    let owner = world.sign_in(Role::Own).await;
    let ada = world.sign_in(Role::Look).await;
    let people = store::People::new(world.table());
    let (merchant, email) = ("demo".parse().unwrap(), "look@demo.example".to_owned().try_into().unwrap());
    assert!(!Role::Look.may(Permission::ManagePeople));
    assert_eq!(ada.get("/console/test/people").await.status, StatusCode::FORBIDDEN);
    people.change_role(&merchant, &email, Role::Look, Role::Own, None).await.unwrap();
    assert_ne!(ada.get("/console/test/people").await.status, StatusCode::FORBIDDEN);
    people.end_visits(&merchant, &email, runtime::Clock::System.now(), None).await.unwrap();
    assert!(!is_signed_in(&ada).await);
    let ada = world.sign_in(Role::Look).await;
    people.remove(&merchant, &email, None).await.unwrap();
    assert!(!is_signed_in(&ada).await);
    assert!(is_signed_in(&owner).await);
}

/// Asks for a link on the sign-in page; what it leads to, which is the same for every address.
async fn ask(world: &World, email: &str) -> String {
    let form = [("email", email), ("back", "/console/live/webhooks")];
    let asked = world.stranger().send("/console/sign-in", &form).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.html);
    let location = asked.location.unwrap();
    assert_eq!(location, "/console/sign-in?sent=1&back=%2Fconsole%2Flive%2Fwebhooks");
    world.stranger().get(&location).await.html
}

/// Somebody who may sign in.
async fn add(world: &World, email: &str) -> Person {
    let now = runtime::Clock::System.now();
    let (merchant_id, email) = ("demo".parse().unwrap(), email.to_owned().try_into().unwrap());
    let person = Person { merchant_id, email, role: Role::Look, added_at: now, visits_from: now };
    store::People::new(world.table()).add(&person, None).await.unwrap();
    person
}

/// The path of the link in a mail, in its text as in its HTML.
fn link_in(world: &World, mail: &Mail) -> String {
    let text = mail.text.as_deref().unwrap();
    let link = text.lines().find(|line| line.contains("/console/sign-in/")).unwrap();
    assert!(mail.html.as_deref().unwrap().contains(&format!("href=\"{link}\"")), "{text}");
    link.strip_prefix(world.machine.api_url()).unwrap().to_owned()
}

#[tokio::test]
async fn a_link_that_is_asked_for_comes_by_mail_and_signs_in_once() {
    let world = World::with_console().await;
    world.machine.faults().deliver_twice(true);
    add(&world, "ada@demo.example").await;
    let html = ask(&world, " Ada@demo.example").await;
    assert!(html.contains("a link is on its way") && html.contains("/console/live/webhooks"), "{html}");
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    let mail = &mails[0];
    assert_eq!(mail.to, ["ada@demo.example"], "as they were added");
    assert_eq!(mail.subject, "Your sign-in link for Bright Candles");
    let path = link_in(&world, mail);
    let mut browser = world.stranger();
    let shown = browser.get(&path).await;
    let back = hidden(&shown.html, "back").unwrap();
    let led_on = browser.send(&path, &[("back", &back)]).await;
    assert_eq!((led_on.status, led_on.location.as_deref()), (StatusCode::SEE_OTHER, Some("/console/live/webhooks")));
    browser.keep(&led_on);
    assert!(is_signed_in(&browser).await);
    assert_eq!(world.stranger().send(&path, &[("back", "")]).await.status, StatusCode::GONE);

    // The token is in the mail alone, and what was typed is forgotten.
    let items = world.dynamodb("Scan", &serde_json::json!({ "TableName": world.machine.table_name() })).await;
    let token = path.rsplit('/').next().unwrap();
    assert!(token.len() == 43 && !items.to_string().contains(token));
    let mut asked = items["Items"].as_array().unwrap().iter().filter(|item| item["sk"]["S"] == "LINKMAIL");
    assert!(asked.next().unwrap().get("request").is_none() && asked.next().is_none());
    let logged = world.machine.logs().into_iter().any(|line| line.text.contains(token) || line.text.contains("@demo."));
    assert!(!logged, "{:#?}", world.machine.logs());
}

#[tokio::test]
async fn the_mail_is_in_the_language_of_the_browser_that_asked() {
    let world = World::with_console().await;
    add(&world, "ada@demo.example").await;
    let request = world.request(Method::POST, "/console/sign-in").header("origin", world.machine.api_url());
    let form = [("email", "ada@demo.example"), ("back", "")];
    let asked = page(request.header("accept-language", "cy-GB, en;q=0.8").form(&form)).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.html);
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert_eq!(mails[0].subject, "Eich dolen mewngofnodi ar gyfer Bright Candles");
    assert!(mails[0].html.as_deref().unwrap().contains("<html lang=\"cy\">"), "{:#?}", mails[0]);
    assert_eq!(world.stranger().get(&link_in(&world, &mails[0])).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nobody_learns_who_works_here_and_nobody_gets_more_than_five() {
    let world = World::with_console().await;
    let ada = add(&world, "ada@demo.example").await;
    let nobodys = ask(&world, "eve@evil.example").await;
    for mails in 1..=6 {
        assert_eq!(ask(&world, "ada@demo.example").await, nobodys, "not even by another answer");
        assert_eq!(world.mails().await.len(), mails.min(5));
    }
    assert!(world.mails().await.iter().all(|mail| mail.to == ["ada@demo.example"]));
    // Another origin's form asks for nothing.
    let request = world.request(Method::POST, "/console/sign-in").form(&[("email", "bea@demo.example")]);
    assert_eq!(page(request.header("origin", "https://evil.example")).await.status, StatusCode::FORBIDDEN);

    let path = link_in(&world, &world.mails().await[0]);
    assert_eq!(world.stranger().get(&path).await.status, StatusCode::OK);
    store::People::new(world.table()).remove(&ada.merchant_id, &ada.email, None).await.unwrap();
    assert_eq!(world.stranger().send(&path, &[("back", "")]).await.status, StatusCode::GONE);
    assert_eq!(ask(&world, "ada@demo.example").await, nobodys);
    assert_eq!(world.mails().await.len(), 5);
}

#[tokio::test]
async fn a_link_that_ses_turns_away_comes_later_and_counts_once() {
    let world = World::with_console().await;
    world.machine.faults().add(Fault::new("SendEmail", Effect::Throttled).times(3));
    add(&world, "ada@demo.example").await;
    ask(&world, "ada@demo.example").await;
    let sent = |machine: &Machine| (!machine.mails().is_empty()).then_some(());
    assert!(world.machine.until(PATIENCE, sent).await.is_some(), "{:#?}", world.machine.logs());
    assert!(world.machine.faults().waiting().is_empty());
    let mails = world.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(world.item("PEOPLE#demo", "ada@demo.example").await["links"]["N"], "1");
    assert_eq!(world.stranger().get(&link_in(&world, &mails[0])).await.status, StatusCode::OK);
}
