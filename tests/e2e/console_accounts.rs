//! Linked accounts in the console: who may, who is mailed, and from when on live payments can be paid into them. And that a command
//! which a page shows does what its form does.

use models::{Mode, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Browser, World, answer, console_on, document_1};
use tokio::process::Command;

use crate::console_refunds::acts;
use crate::operator::run_in;

const ACCOUNTS: &str = "/console/test/accounts";

const FIELDS: [(&str, &str); 4] =
    [("kind", "uk_account"), ("name", "Acme Ltd"), ("sort_code", "04-00-04"), ("account_number", "87654321")];

/// The reader's own variables, which commands of pages name.
const OWN: [(&str, &str); 3] = [("SORT_CODE", "040004"), ("ACCOUNT_NUMBER", "87654321"), ("ACCOUNT_NAME", "Ada Payer")];

/// Where live keys can create sessions.
async fn with_live() -> World {
    World::start_with(|config| {
        console_on(config);
        config.environment.insert("LOCAL_LIVE_CONNECTOR".into(), "1".into());
    })
    .await
}

async fn send(browser: &Browser<'_>, step: &str) -> (StatusCode, String) {
    let page = browser.post(ACCOUNTS, &[&[("step", step)][..], &FIELDS].concat()).await;
    (page.status, page.html)
}

async fn link(browser: &Browser<'_>) {
    let (status, html) = send(browser, "check").await;
    assert_eq!(status, StatusCode::OK, "{html}");
    assert_eq!(send(browser, "confirm").await.0, StatusCode::SEE_OTHER);
}

/// By what the list's forms name accounts.
fn marks(list: &str) -> Vec<String> {
    let before = format!("action=\"{ACCOUNTS}/");
    let forms = list.split(&before).skip(1);
    forms.map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect()
}

/// What is answered to who creates a session that is paid into the linked account.
async fn create(world: &World, (key, secret): &(String, String)) -> (StatusCode, Value) {
    let mut order = document_1();
    order["payee"] = json!({ "account_number": "87654321", "sort_code": "040004" });
    let request = world.request(Method::POST, "/v2/payment_sessions").basic_auth(key, Some(secret));
    let answer = answer(request.json(&order)).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn owners_are_mailed_and_live_payments_wait_for_a_day() {
    let world = with_live().await;
    let live = world.merchant("acme", Mode::Live, "all").await;
    let own = world.sign_in_as("acme", "own@acme.example", Role::Own).await;
    world.sign_in_as("acme", "bea@acme.example", Role::Own).await;
    world.sign_in_as("acme", "dev@acme.example", Role::Develop).await;
    link(&own).await;
    let mut mails = world.mails().await;
    mails.sort_by(|one, another| one.to.cmp(&another.to));
    assert_eq!(mails.iter().map(|mail| mail.to.concat()).collect::<Vec<_>>(), ["bea@acme.example", "own@acme.example"]);
    for mail in &mails {
        assert_eq!(mail.subject, "An account was linked to acme");
        let text = mail.text.as_deref().unwrap();
        for part in ["ending 4321, by own@acme.example", "Live payments can be paid into it from"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("87654321"), "{text}");
    }
    // Named in the queue and due as well, it is sent once.
    world.run_schedule().await;
    assert_eq!(world.mails().await.len(), 2);
    let (status, body) = create(&world, &live).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    let wrong = &body["errors"][0];
    assert!(wrong.to_string().contains("payee"), "{body}");
    assert!(wrong.to_string().contains("was linked less than 24 hours ago"), "{body}");
    for mark in marks(&own.get(ACCOUNTS).await.html) {
        let path = format!("{ACCOUNTS}/{mark}");
        let check = own.post(&path, &[("step", "check")]).await;
        if check.html.contains("account ending 4321") {
            assert_eq!(own.post(&path, &[("step", "confirm")]).await.status, StatusCode::SEE_OTHER);
        }
    }
    assert!(world.item("MERCHANT#acme", "ACCOUNT#040004-87654321").await.is_null());
    let unlinked = world.mails().await.into_iter().filter(|mail| mail.subject == "An account was unlinked from acme");
    assert_eq!(unlinked.count(), 2);
    for what in ["account_linked", "account_unlinked"] {
        let done = acts(&world, what).await;
        assert_eq!(done.len(), 1, "{what}");
        assert_eq!(done[0]["acted_on"]["M"]["account"]["S"], "4321");
    }
    let logged = world.machine.logs().into_iter().any(|line| line.text.contains("87654321"));
    assert!(!logged, "{:#?}", world.machine.logs());
}

#[tokio::test]
async fn a_day_later_an_account_can_be_paid_live_and_at_once_in_test() {
    let world = with_live().await;
    let test = world.merchant("acme", Mode::Test, "all").await;
    let live = world.merchant("bravo", Mode::Live, "all").await;
    for merchant in ["acme", "bravo"] {
        link(&world.sign_in_as(merchant, &format!("own@{merchant}.example"), Role::Own).await).await;
    }
    assert_eq!(create(&world, &test).await.0, StatusCode::CREATED);
    // The clock of the functions is the machine's. No function has read this merchant yet.
    let at = samples::now() - jiff::SignedDuration::from_hours(25);
    let update = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": "MERCHANT#bravo" }, "sk": { "S": "ACCOUNT#040004-87654321" } },
        "UpdateExpression": "SET linked_at = :at",
        "ConditionExpression": "attribute_exists(linked_at)",
        "ExpressionAttributeValues": { ":at": { "N": at.as_millisecond().to_string() } },
    });
    world.dynamodb("UpdateItem", &update).await;
    let (status, body) = create(&world, &live).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
}

#[tokio::test]
async fn accounts_are_for_owners() {
    let world = World::with_console().await;
    for role in [Role::Look, Role::Refund, Role::Develop] {
        let browser = world.sign_in(role).await;
        for path in [ACCOUNTS.to_owned(), ACCOUNTS.replace("/test/", "/live/")] {
            assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN, "{role:?}");
            assert_eq!(browser.post(&path, &FIELDS).await.status, StatusCode::FORBIDDEN, "{role:?}");
        }
    }
    assert_eq!(acts(&world, "account_linked").await.len(), 0);
}

/// The command that a page shows, as a shell reads it, without its first word.
pub(crate) async fn shown_command(html: &str) -> Vec<String> {
    let (_, shown) = html.split_once("<details class=\"same\">").unwrap_or_else(|| panic!("{html}"));
    let codes = shown.split("<code>").filter_map(|rest| Some(rest.split_once("</code>")?.0));
    // What stands before it is a comment.
    let mut commands = codes.flat_map(str::lines).filter_map(|line| line.strip_prefix("counterfoil "));
    let mut command = commands.next().unwrap_or_else(|| panic!("{html}")).to_owned();
    for (escaped, plain) in [("&#39;", "'"), ("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")] {
        command = command.replace(escaped, plain);
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("printf '%s\\0' {command}")]);
    shell.envs(OWN).env("REASON", "Ordered twice");
    let words = String::from_utf8(shell.output().await.unwrap().stdout).unwrap();
    words.split_terminator('\0').map(str::to_owned).collect()
}

pub(crate) async fn run_shown(world: &World, html: &str) -> Value {
    let words = shown_command(html).await;
    let ran = run_in(world, &OWN, &words.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(ran.code, 0, "{words:?}: {} {}", ran.said, ran.shown);
    ran.json
}

#[tokio::test]
async fn the_commands_that_pages_show_do_what_their_forms_do() {
    let world = World::with_console().await;
    let own = world.sign_in(Role::Own).await;
    // An account, which the operator's command links and unlinks.
    run_shown(&world, &send(&own, "check").await.1).await;
    let item = world.item("MERCHANT#demo", "ACCOUNT#040004-87654321").await;
    assert_eq!(item["name"]["S"], "Acme Ltd", "{item}");
    assert!(item.get("linked_at").is_none(), "{item}");
    let mut pages = Vec::new();
    for mark in marks(&own.get(ACCOUNTS).await.html) {
        pages.push(own.post(&format!("{ACCOUNTS}/{mark}"), &[("step", "check")]).await.html);
    }
    let page = pages.iter().find(|page| page.contains("account ending 4321")).unwrap();
    run_shown(&world, page).await;
    assert!(!own.get(ACCOUNTS).await.html.contains("account ending 4321"));
    // A person.
    run_shown(&world, &own.get("/console/test/people").await.html).await;
    let person = own.get("/console/test/people/ada@example.com").await;
    assert_eq!(person.status, StatusCode::OK, "{}", person.html);
    // A key, and that it is rolled and revoked.
    let issued = run_shown(&world, &own.get("/console/test/keys").await.html).await.to_string();
    let (_, id) = issued.split_once("pk_test_demo_").unwrap_or_else(|| panic!("{issued}"));
    let id: String = id.chars().take_while(char::is_ascii_alphanumeric).collect();
    let key = format!("/console/test/keys/pk_test_demo_{id}");
    let rolled = run_shown(&world, &own.get(&key).await.html).await;
    assert_eq!(rolled["replaces"], format!("pk_test_demo_{id}"), "{rolled}");
    assert!(own.get(&key).await.html.contains("Rolled. Valid until"));
    run_shown(&world, &own.post(&key, &[("change", "check")]).await.html).await;
    assert!(own.get(&key).await.html.contains("Revoked"));
    // What payers see.
    run_shown(&world, &own.get("/console/test/shop").await.html).await;
}
