//! The people of the console: each role sees and may do its own, owners say who else may, and the audit says who did what.

use models::Role;
use reqwest::{Method, StatusCode};
use tests::{Browser, World, page};

use crate::operator;

const PEOPLE: &str = "/console/test/people";

const EXPORT: &str = "/console/test/audit/export";

async fn person(browser: &Browser<'_>, email: &str, form: &[(&str, &str)]) -> tests::Page {
    browser.post(&format!("{PEOPLE}/{email}"), form).await
}

/// What the audit shows.
async fn audit(browser: &Browser<'_>, query: &str) -> String {
    let shown = browser.get(&format!("/console/test/audit?{query}")).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
    shown.html
}

#[tokio::test]
async fn each_role_may_do_its_own_and_nothing_else() {
    let world = World::with_console().await;
    let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
    for role in Role::ALL {
        let browser = world.sign_in(role).await;
        for row in include_str!("../../functions/console/src/roles.txt").lines() {
            let mut words = row.split_whitespace();
            let (method, pattern) = (words.next().unwrap(), words.next().unwrap());
            let path = format!("/console/test/{}", pattern.replace("{id}", id));
            let answer = match method {
                "GET" => browser.get(&path).await,
                _ => browser.post(&path, &[]).await,
            };
            let may = words.any(|word| word == role.as_str());
            assert_eq!(answer.status == StatusCode::FORBIDDEN, !may, "{} {row}: {}", role.as_str(), answer.status);
            assert_ne!(answer.status, StatusCode::SEE_OTHER, "{row}");
        }
    }
}

#[tokio::test]
async fn an_owner_adds_changes_and_removes_people() {
    let world = World::with_console().await;
    let owner = world.sign_in(Role::Own).await;
    let added = owner.post(PEOPLE, &[("email", "Ada@Shop.example"), ("role", "look")]).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.html);
    let (_, rest) = added.html.split_once(world.machine.api_url()).unwrap();
    let link = rest.split_once('<').unwrap().0;
    let mut ada = world.stranger();
    let led_on = ada.send(link, &[("back", "/console/test/webhooks")]).await;
    assert_eq!(led_on.status, StatusCode::SEE_OTHER);
    ada.keep(&led_on);
    assert_eq!(ada.get("/console/test/webhooks").await.status, StatusCode::OK);
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::FORBIDDEN);

    // Wrong forms show themselves again.
    for (form, text) in [
        (&[("email", "ada"), ("role", "look")][..], "Enter an e-mail address"),
        (&[("email", "bea@shop.example"), ("role", "boss")], "Choose what they may do"),
        (&[("email", "ADA@shop.example"), ("role", "own")], "is here already"),
    ] {
        let refused = owner.post(PEOPLE, form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.html.contains(text), "{}", refused.html);
    }
    let changed = person(&owner, "ada@shop.example", &[("change", "role"), ("seen", "look"), ("role", "own")]).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.html);
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::OK, "from the next request on");
    let stale = person(&owner, "ada@shop.example", &[("change", "role"), ("seen", "look"), ("role", "refund")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.html.contains("in the meantime"));

    let out = person(&owner, "ada@shop.example", &[("change", "sign-out")]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::SEE_OTHER);
    let own = person(&owner, "own@demo.example", &[("change", "link")]).await;
    assert_eq!(own.status, StatusCode::CONFLICT, "which would look as if they had signed in just now");
    assert!(own.html.contains("ask another person") && !own.html.contains("/console/sign-in/"), "{}", own.html);
    for made in 1..=6 {
        let link = person(&owner, "ada@shop.example", &[("change", "link")]).await;
        let expected = if made <= 5 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(link.status, expected);
    }
    let gone = person(&owner, "ada@shop.example", &[("change", "remove")]).await;
    assert_eq!(gone.location.as_deref(), Some(PEOPLE));
    assert_eq!(owner.get(&format!("{PEOPLE}/ada@shop.example")).await.status, StatusCode::NOT_FOUND);

    // The last owner stays.
    for form in [&[("change", "remove")][..], &[("change", "role"), ("seen", "own"), ("role", "look")]] {
        let refused = person(&owner, "own@demo.example", form).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.html.contains("the last"), "{}", refused.html);
    }
    let all = audit(&owner, "").await;
    for what in [
        "Person added",
        "Signed in",
        "Role changed",
        "look → own",
        "Person removed",
        "last_owner",
        "own_link",
        "Signed out everywhere",
    ] {
        assert!(all.contains(what), "{what}: {all}");
    }
}

#[tokio::test]
async fn another_merchants_people_are_not_there() {
    let world = World::with_console().await;
    world.merchant("acme", models::Mode::Test, "all").await;
    let theirs = world.sign_in_as("acme", "bea@acme.example", Role::Own).await;
    let ours = world.sign_in(Role::Own).await;
    assert_eq!(ours.get(&format!("{PEOPLE}/bea@acme.example")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(person(&ours, "bea@acme.example", &[("change", "remove")]).await.status, StatusCode::NOT_FOUND);
    let listed = ours.get(PEOPLE).await.html;
    assert!(listed.contains("own@demo.example") && !listed.contains("bea@acme.example"), "{listed}");
    assert!(!audit(&ours, "").await.contains("bea@acme.example"));
    assert!(audit(&theirs, "").await.contains("bea@acme.example"));
}

#[tokio::test]
async fn forged_stale_and_cross_origin_forms_change_nothing() {
    let world = World::with_console().await;
    let owner = world.sign_in(Role::Own).await;
    let other = world.sign_in(Role::Own).await;
    let form = [("email", "eve@evil.example"), ("role", "own")];
    assert_eq!(owner.send(PEOPLE, &form).await.status, StatusCode::FORBIDDEN, "without csrf");
    let stale = [&[("csrf", other.csrf.as_str())][..], &form].concat();
    assert_eq!(owner.send(PEOPLE, &stale).await.status, StatusCode::FORBIDDEN, "another visit's");
    let own = [&[("csrf", owner.csrf.as_str())][..], &form].concat();
    for origin in [None, Some("null"), Some("https://evil.example"), Some("http://127.0.0.1")] {
        let mut request = owner.request(Method::POST, PEOPLE).form(&own);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(page(request).await.status, StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert!(!owner.get(PEOPLE).await.html.contains("eve@evil.example"));
}

#[tokio::test]
async fn the_audit_is_filtered_paged_and_exported() {
    let world = World::with_console().await;
    let owner = world.sign_in(Role::Own).await;
    world.sign_in(Role::Look).await;
    let of_look = audit(&owner, "who=LOOK%40demo.example&what=signed_in&from=&to=").await;
    let rows = |html: &str| html.matches("<tr>").count() - 1;
    assert_eq!(rows(&of_look), 1, "{of_look}");
    assert!(audit(&owner, "from=2000-01-01&to=2000-01-02").await.contains("Nothing was found"));
    let long = "a".repeat(255);
    for fields in [
        &[("x", "1")][..],
        &[("what", "nothing")],
        &[("from", "yesterday")],
        &[("before", "1")],
        &[("who", "a"), ("who", "b")],
        &[("who", long.as_str())],
    ] {
        let query: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let refused = owner.get(&format!("/console/test/audit?{}", query.join("&"))).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query:?}");
        assert_eq!(owner.post(EXPORT, fields).await.status, StatusCode::BAD_REQUEST, "{query:?}");
    }
    assert_eq!(owner.send(EXPORT, &[]).await.status, StatusCode::FORBIDDEN, "without what the visit's forms bear");
    assert_eq!(owner.get(EXPORT).await.status, StatusCode::METHOD_NOT_ALLOWED, "a link exports nothing");
    for number in 0..55 {
        let email = format!("p{number}@shop.example");
        assert_eq!(owner.post(PEOPLE, &[("email", &email), ("role", "look")]).await.status, StatusCode::OK);
    }
    let first = audit(&owner, "what=person_added").await;
    assert_eq!(rows(&first), 50);
    let (_, rest) = first.split_once("<div class=\"pager\">\n<a href=\"").unwrap();
    let older = rest.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
    let second = owner.get(&older).await;
    assert_eq!((second.status, rows(&second.html)), (StatusCode::OK, 5), "{older}: {}", second.html);

    assert_eq!(tests::hidden(&first, "what").as_deref(), Some("person_added"), "what is exported is what is shown");
    let fields = [("who", ""), ("what", "person_added"), ("from", ""), ("to", "")];
    let csv = owner.post(EXPORT, &fields).await;
    assert_eq!(csv.status, StatusCode::OK);
    assert!(csv.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(csv.html.lines().count(), 56, "{}", csv.html);
    assert!(
        csv.html.starts_with("\"at\",\"who\",\"what\",\"object\",\"mode\",\"reason\",\"from\",\"to\","),
        "{}",
        csv.html
    );
    assert!(audit(&owner, "what=exported").await.contains("audit?what=person_added"));
}

#[tokio::test]
async fn an_operator_invites_and_removes_people() {
    let world = World::with_console().await;
    let ada = "ada@shop.example";
    let url = world.machine.api_url().to_owned();
    let invite = ["console", "invite", "demo", ada, "--role", "own", "--url", &url];
    let dry = operator::answer(&world, &[&invite[..], &["--dry-run"]].concat()).await;
    assert!(dry.get("link").is_none(), "{dry}");
    let invited = operator::answer(&world, &invite).await;
    let link = invited["link"].as_str().unwrap().strip_prefix(&url).unwrap().to_owned();
    let mut browser = world.stranger();
    let led_on = browser.send(&link, &[("back", "/console/test/people")]).await;
    browser.keep(&led_on);
    assert_eq!(browser.get(PEOPLE).await.status, StatusCode::OK);
    // Again, whatever their role: a link for who is there.
    let again = operator::answer(&world, &["console", "invite", "demo", "ADA@shop.example"]).await;
    assert_eq!((&again["role"], again["link"].is_string()), (&"own".into(), true));
    for (arguments, says) in [
        (&["console", "invite", "demo", "bea@shop.example"][..], "--role"),
        (&["console", "invite", "demo", ada, "--role", "look"], "already has the role own"),
        (&["console", "change", "demo", ada, "--role", "look"], "the last person with the role own"),
        (&["console", "remove", "demo", ada], "the last person with the role own"),
        (&["console", "remove", "demo", "bea@shop.example"], "no such person"),
    ] {
        let refused = operator::run(&world, arguments).await;
        assert!(refused.code != 0 && refused.said.contains(says), "{arguments:?}: {}", refused.said);
    }
    operator::answer(&world, &["console", "invite", "demo", "bea@shop.example", "--role", "own", "--url", &url]).await;
    let changed = operator::answer(&world, &["console", "change", "demo", ada, "--role", "look"]).await;
    assert_eq!((&changed["was"], &changed["role"]), (&"own".into(), &"look".into()));
    assert_eq!(browser.get(PEOPLE).await.status, StatusCode::FORBIDDEN);
    let listed = operator::answer(&world, &["console", "list", "demo"]).await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    operator::answer(&world, &["console", "sign-out", "demo", ada]).await;
    assert_eq!(browser.get(PEOPLE).await.status, StatusCode::SEE_OTHER);
    operator::answer(&world, &["console", "remove", "demo", ada]).await;
    let listed = operator::answer(&world, &["console", "list", "demo"]).await;
    assert_eq!(listed[0]["email"], "bea@shop.example");
}
