//! API keys in the console: who may, and that what was issued is good, what was rolled still is, and what was revoked is not.

use models::{Mode, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{Browser, Page, World, answer, document_1, hidden, text};

use crate::console_refunds::acts;
use crate::operator;

const KEYS: &str = "/console/test/keys";

/// Key and secret that a page shows.
fn shown(page: &Page) -> (String, String) {
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let (_, rest) = page.html.split_once("<pre tabindex=\"0\">").unwrap_or_else(|| panic!("{}", page.html));
    let (key, secret) = rest.split_once("</pre>").unwrap().0.split_once('\n').unwrap();
    (key.to_owned(), secret.to_owned())
}

async fn issue(browser: &Browser<'_>, path: &str) -> Page {
    let form = browser.get(path).await.html;
    let id = hidden(&form, "id").unwrap_or_else(|| panic!("{form}"));
    let everything = [
        ("payment_sessions:read", "payment_sessions:read"),
        ("payment_sessions:write", "payment_sessions:write"),
        ("refunds:write", "refunds:write"),
        ("webhooks:write", "webhooks:write"),
    ];
    browser.post(path, &[&[("id", id.as_str()), ("name", "Web shop")][..], &everything].concat()).await
}

#[tokio::test]
async fn a_key_is_issued_rolled_and_revoked() {
    let world = World::with_console().await;
    world.merchant("acme", Mode::Test, "all").await;
    let develop = world.sign_in_as("acme", "dev@acme.example", Role::Develop).await;
    let old = shown(&issue(&develop, KEYS).await);
    let path = format!("{KEYS}/{}", old.0);
    let request =
        |method, key: &(String, String)| world.request(method, "/v2/payment_sessions").basic_auth(&key.0, Some(&key.1));
    let list = async |key: &(String, String)| answer(request(Method::GET, key)).await.status;
    let create = async |key: &(String, String)| answer(request(Method::POST, key).json(&document_1())).await.status;
    assert_eq!(list(&old).await, StatusCode::OK);
    let new = shown(&develop.post(&path, &[("change", "roll"), ("overlap", "1h")]).await);
    for key in [&old, &new] {
        assert_eq!(list(key).await, StatusCode::OK, "{}", key.0);
    }
    let listed = develop.get(KEYS).await.html;
    for part in [old.0.as_str(), &new.0, "Web shop", "Rolled. Valid until"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    assert!(!listed.contains("sk_test_"), "{listed}");
    let check = develop.post(&path, &[("change", "check")]).await;
    assert!(check.html.contains("value=\"revoke\""), "{}", check.html);
    let revoked = develop.post(&path, &[("change", "revoke")]).await;
    assert_eq!((revoked.status, revoked.location), (StatusCode::SEE_OTHER, Some(path)));
    // `create` has not seen the merchant yet, so it reads the keys as they are now.
    assert_eq!(create(&old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(create(&new).await, StatusCode::CREATED);
    for what in ["key_issued", "key_rolled", "key_revoked"] {
        let done = acts(&world, what).await;
        assert_eq!(done.len(), 1, "{what}");
        assert_eq!(done[0]["acted_on"]["M"]["key"]["S"], old.0.as_str(), "{what}");
    }
    let all = world.dynamodb("Scan", &json!({ "TableName": world.machine.audit_table_name() })).await;
    assert!(!all.to_string().contains("sk_test_"));
}

/// The console's list, and the command line's.
#[tokio::test]
async fn the_day_on_which_a_key_was_last_used_is_known_once_it_has_changed_something() {
    let world = World::with_console().await;
    let develop = world.sign_in(Role::Develop).await;
    let (key, secret) = shown(&issue(&develop, KEYS).await);
    let request = |method, path: &str| world.request(method, path).basic_auth(&key, Some(&secret));
    let last_used_on = async || {
        world.settled().await;
        let keys = operator::answer(&world, &["keys", "list", "demo"]).await;
        keys.as_array().unwrap().iter().find(|one| one["key_id"] == key.as_str()).unwrap()["last_used_on"].clone()
    };
    let today = || runtime::Clock::System.now().to_zoned(jiff::tz::TimeZone::UTC).date();

    assert_eq!(answer(request(Method::GET, "/v2/payment_sessions")).await.status, StatusCode::OK);
    assert_eq!(last_used_on().await, json!(null), "it has only read");
    let before = today();
    let session = answer(request(Method::POST, "/v2/payment_sessions").json(&document_1())).await;
    assert_eq!(session.status, StatusCode::CREATED, "{}", session.text);
    let used_on = text(&last_used_on().await);
    assert!([before, today()].iter().any(|day| day.to_string() == used_on), "{used_on}");
    let day = used_on.parse::<jiff::civil::Date>().unwrap().strftime("%-d %B %Y").to_string();
    for path in [KEYS.to_owned(), format!("{KEYS}/{key}")] {
        let html = develop.get(&path).await.html;
        assert!(html.contains(&day), "{day}: {html}");
    }
    // What the payer does with it is not the key's doing: the next change takes the key from the session.
    let kept = async || {
        let get = json!({
            "TableName": world.machine.table_name(),
            "Key": { "pk": { "S": format!("SESSION#{}", text(&session.body["id"])) }, "sk": { "S": "SESSION" } },
        });
        world.dynamodb("GetItem", &get).await["Item"]["key_id"]["S"].clone()
    };
    assert_eq!(kept().await, key.as_str());
    world.payer(&session.body).identify().await;
    assert_eq!(kept().await, json!(null));
    let cancel = format!("/v2/payment_sessions/{}/cancel", text(&session.body["id"]));
    assert_eq!(answer(request(Method::POST, &cancel)).await.status, StatusCode::OK);
    assert_eq!(kept().await, key.as_str());
}

#[tokio::test]
async fn live_keys_are_for_owners_and_others_keys_are_not_there() {
    let world = World::with_console().await;
    let live = KEYS.replace("/test/", "/live/");
    for role in [Role::Look, Role::Refund, Role::Develop] {
        let browser = world.sign_in(role).await;
        for path in [live.clone(), format!("{live}/pk_live_demo_x")] {
            assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN, "{role:?}");
            assert_eq!(browser.post(&path, &[("change", "revoke")]).await.status, StatusCode::FORBIDDEN, "{role:?}");
        }
    }
    // Who may not go to the live keys is led to the live payments.
    let develop = world.sign_in(Role::Develop).await;
    let html = develop.get(KEYS).await.html;
    assert!(html.contains("href=\"/console/live/payments\"") && !html.contains(&format!("href=\"{live}\"")), "{html}");
    let own = world.sign_in(Role::Own).await;
    let (key, secret) = shown(&issue(&own, &live).await);
    assert!(key.starts_with("pk_live_demo_") && secret.starts_with("sk_live_demo_"), "{key}");
    assert!(!own.get(KEYS).await.html.contains(&key), "below test");
    world.merchant("acme", Mode::Test, "all").await;
    let theirs = world.sign_in_as("acme", "own@acme.example", Role::Own).await;
    for path in [format!("{live}/{key}"), format!("{KEYS}/pk_test_demo")] {
        assert_eq!(theirs.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(theirs.post(&path, &[("change", "revoke")]).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let id = hidden(&own.get(KEYS).await.html, "id").unwrap();
    let everything = [("name", "Web shop"), ("refunds:write", "refunds:write")];
    let foreign = theirs.post(KEYS, &[&[("id", id.as_str())][..], &everything].concat()).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    assert_eq!(acts(&world, "key_revoked").await.len(), 0);
}

#[tokio::test]
async fn an_operator_rolls_a_key_as_the_console_does() {
    let world = World::with_console().await;
    let issue = ["keys", "issue", "demo", "--mode=test", "--name=Web shop", "--scopes=payment_sessions:read"];
    let old = operator::answer(&world, &issue).await;
    let id = text(&old["key_id"]);
    let roll = ["keys", "roll", id.as_str(), "--overlap=1h"];
    let dry = operator::answer(&world, &[&roll[..], &["--dry-run"]].concat()).await;
    assert!(dry["replaces"] == old["key_id"] && dry.get("secret").is_none(), "{dry}");
    assert_eq!(dry["status"], "would_be_rolled");
    let listed = async |id: &str| {
        let keys = operator::answer(&world, &["keys", "list", "demo"]).await;
        keys.as_array().unwrap().iter().find(|key| key["key_id"] == id).cloned().unwrap()
    };
    assert!(listed(&id).await["valid_until"].is_null() && acts(&world, "key_rolled").await.is_empty());

    let new = operator::answer(&world, &roll).await;
    let new_id = text(&new["key_id"]);
    for key in [&old, &new] {
        let request = world.request(Method::GET, "/v2/payment_sessions");
        let listing = request.basic_auth(text(&key["key_id"]), Some(text(&key["secret"])));
        assert_eq!(answer(listing).await.status, StatusCode::OK, "{}", key["key_id"]);
    }
    let (rolled, successor) = (listed(&id).await, listed(&new_id).await);
    assert_eq!((&rolled["valid_until"], &new["replaces"]), (&new["replaced_valid_until"], &old["key_id"]));
    let until: jiff::Timestamp = text(&rolled["valid_until"]).parse().unwrap();
    let left_s = until.duration_since(runtime::Clock::System.now()).as_secs();
    assert!((3_000..=3_600).contains(&left_s), "{left_s}");
    assert!(successor["valid_until"].is_null(), "{successor}");
    for same in ["name", "scopes", "mode"] {
        assert_eq!(successor[same], rolled[same], "{same}");
    }
    let done = acts(&world, "key_rolled").await;
    assert_eq!((done.len(), &done[0]["outcome"]["S"]), (1, &json!("done")));
    let change = &done[0]["change"]["M"];
    assert_eq!((&change["from"]["S"], &change["to"]["S"]), (&old["key_id"], &new["key_id"]));

    operator::answer(&world, &["keys", "revoke", new_id.as_str()]).await;
    for (id, says) in [
        (id.as_str(), "already been rolled or revoked"),
        (new_id.as_str(), "already been rolled or revoked"),
        ("pk_test_demo_x", "there is no key"),
    ] {
        let refused = operator::run(&world, &["keys", "roll", id]).await;
        assert!(refused.code == 1 && refused.said.contains(says), "{id}: {}", refused.said);
    }
    assert_eq!(acts(&world, "key_rolled").await.len(), 1);
}
