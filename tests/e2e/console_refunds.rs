//! Refunds that people make in the console: once each, with an act each, whatever is sent twice, at once or to a dying function.

use local::{Effect, Fault};
use models::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Browser, Page, World, answer, hidden, text};

const TRANSACTION: &str = "TransactWriteItems";

pub(crate) fn path(session: &Value) -> String {
    format!("/console/test/payments/{}", text(&session["id"]))
}

/// What a person types who saw this many refunds.
fn typed<'a>(step: &'a str, seen: &'a str, amount: &'a str) -> [(&'a str, &'a str); 5] {
    [("step", step), ("seen", seen), ("amount", amount), ("reason", "other"), ("note", "Came broken")]
}

async fn send(browser: &Browser<'_>, session: &Value, step: &str, seen: &str, amount: &str) -> Page {
    browser.post(&format!("{}/refund", path(session)), &typed(step, seen, amount)).await
}

/// Whether it leads to the payment.
fn leads_to_payment(page: &Page, session: &Value) -> bool {
    page.status == StatusCode::SEE_OTHER && page.location == Some(format!("{}#refunds", path(session)))
}

/// What people did, as it is kept: what, to which refund if to one, and what came of it.
pub(crate) async fn acts(world: &World, what: &str) -> Vec<Value> {
    let scan = json!({ "TableName": world.machine.audit_table_name(), "ConsistentRead": true });
    let items = world.dynamodb("Scan", &scan).await["Items"].as_array().unwrap().clone();
    items.into_iter().filter(|act| act["what"]["S"] == what).collect()
}

/// That each refund that a person made has an act, and each act that is done a refund; returns their amounts, oldest first.
async fn checked(world: &World, session: &Value) -> Vec<i64> {
    let refunds = world.get(&text(&session["id"])).await["refunds"].as_array().unwrap().clone();
    let acts = acts(world, "refund_made").await;
    let mut done: Vec<String> = acts
        .iter()
        .filter(|act| act["outcome"]["S"] == "done")
        .map(|act| act["acted_on"]["M"]["refund"]["M"].clone())
        .filter(|refund| refund["session_id"]["S"] == session["id"])
        .map(|refund| text(&refund["refund_id"]["S"]))
        .collect();
    let mut there: Vec<String> = refunds.iter().map(|refund| text(&refund["id"])).collect();
    done.sort();
    there.sort();
    assert_eq!(done, there);
    refunds.iter().map(|refund| refund["amount"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_part_and_then_the_rest() {
    let world = World::with_console().await;
    let session = world.paid().await;
    let browser = world.sign_in(Role::Refund).await;
    let form = browser.get(&format!("{}/refund", path(&session))).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.html);
    assert_eq!(hidden(&form.html, "seen").as_deref(), Some("0"));
    let check = send(&browser, &session, "check", "0", "£1.50").await;
    assert_eq!(check.status, StatusCode::OK, "{}", check.html);
    assert!(check.html.contains("</span> stays."), "{}", check.html);
    assert_eq!(checked(&world, &session).await, [0; 0], "nothing is done yet");
    for _ in 0..2 {
        assert!(leads_to_payment(&send(&browser, &session, "confirm", "0", "£1.50").await, &session));
    }
    assert_eq!(checked(&world, &session).await, [150]);
    // Back, and again, with another amount.
    let again = send(&browser, &session, "confirm", "0", "1").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.html.contains("Meanwhile somebody refunded £1.50."), "{}", again.html);
    assert_eq!(hidden(&again.html, "seen").as_deref(), Some("1"));
    let too_much = send(&browser, &session, "check", "1", "2.51").await;
    assert_eq!(too_much.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(too_much.html.contains("Only £2.50 is left to refund"), "{}", too_much.html);
    let too_much = send(&browser, &session, "confirm", "1", "2.51").await;
    assert_eq!(too_much.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(leads_to_payment(&send(&browser, &session, "confirm", "1", "2.50").await, &session));
    assert_eq!(checked(&world, &session).await, [150, 250]);
    let list = browser.get("/console/test/refunds").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.html);
    assert!(list.html.contains("Awaits your authorisation") && list.html.contains("£2.50"), "{}", list.html);
    let nothing = browser.get(&format!("{}/refund", path(&session))).await;
    assert!(nothing.html.contains("All of it has been refunded"), "{}", nothing.html);
    let outcomes: Vec<Value> =
        acts(&world, "refund_made").await.into_iter().map(|act| act["outcome"].clone()).collect();
    let refused = |code: &str| json!({ "M": { "refused": { "S": code } } });
    let done = json!({ "S": "done" });
    assert_eq!(outcomes, [done.clone(), refused("changed_meanwhile"), refused("more_than_is_left"), done]);
    let act = &acts(&world, "refund_made").await[0];
    assert_eq!(act["who"]["M"]["person"]["S"], "refund@demo.example");
    assert_eq!(act["reason"]["M"]["other"]["S"], "Came broken");
    assert_eq!((&act["change"]["M"]["from"]["S"], &act["change"]["M"]["to"]["S"]), (&json!("£4.00"), &json!("£2.50")));
    assert!(act["correlation_id"]["S"].is_string());
}

#[tokio::test]
async fn many_at_once_with_different_amounts_make_one_refund() {
    let world = World::with_console().await;
    let session = world.paid().await;
    let browsers = [world.sign_in(Role::Refund).await, world.sign_in(Role::Own).await];
    let amounts: Vec<String> = (100..110).map(|minor: u32| format!("1.{:02}", minor - 100)).collect();
    let sent = amounts.iter().zip(browsers.iter().cycle());
    let pages =
        futures_util::future::join_all(sent.map(|(amount, browser)| send(browser, &session, "confirm", "0", amount)))
            .await;
    let (won, second): (Vec<_>, Vec<_>) = pages.iter().partition(|page| leads_to_payment(page, &session));
    assert_eq!(won.len(), 1);
    let made = checked(&world, &session).await;
    assert_eq!(made.len(), 1);
    for page in second {
        assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.html);
        let said = format!("Meanwhile somebody refunded £1.{:02}.", made[0] - 100);
        assert!(page.html.contains(&said) && hidden(&page.html, "seen").as_deref() == Some("1"), "{}", page.html);
    }
    // The same form, many times at once.
    let same = (0..6).map(|_| send(&browsers[0], &session, "confirm", "1", "1"));
    for page in futures_util::future::join_all(same).await {
        assert!(leads_to_payment(&page, &session), "{}: {}", page.status, page.html);
    }
    assert_eq!(checked(&world, &session).await, [made[0], 100]);
}

#[tokio::test]
async fn a_refund_by_the_api_meanwhile_is_shown() {
    let world = World::with_console().await;
    let session = world.paid().await;
    let browser = world.sign_in(Role::Own).await;
    world.refund(&session, 123).await;
    for step in ["check", "confirm"] {
        let page = send(&browser, &session, step, "0", "1").await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.html);
        assert!(page.html.contains("Meanwhile somebody refunded £1.23.") && page.html.contains("£2.77 is left"));
    }
    let outcomes: Vec<Value> =
        acts(&world, "refund_made").await.into_iter().map(|act| act["outcome"].clone()).collect();
    assert_eq!(outcomes, [json!({ "M": { "refused": { "S": "changed_meanwhile" } } })], "of who confirmed");
}

#[tokio::test]
async fn the_same_amount_to_another_account_is_another_refund() {
    let world = World::with_console().await;
    let session = world.paid_from_withheld_account().await;
    let browser = world.sign_in(Role::Refund).await;
    let to = async |number: &str| {
        let account = [("to", "account"), ("name", "Ada Payer"), ("sort_code", "11-22-33"), ("account_number", number)];
        let form = [&typed("confirm", "0", "1")[..], &account].concat();
        browser.post(&format!("{}/refund", path(&session)), &form).await
    };
    for _ in 0..2 {
        assert!(leads_to_payment(&to("87655678").await, &session));
    }
    let other = to("87655679").await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.html);
    assert!(other.html.contains("Meanwhile somebody refunded £1.00."), "{}", other.html);
    assert_eq!(checked(&world, &session).await, [100]);
}

#[tokio::test]
async fn an_old_form_does_nothing_after_its_refund_was_cancelled() {
    let world = World::with_console().await;
    let session = world.paid().await;
    let browser = world.sign_in(Role::Refund).await;
    assert!(leads_to_payment(&send(&browser, &session, "confirm", "0", "1").await, &session));
    let refund = text(&world.get(&text(&session["id"])).await["refunds"][0]["id"]);
    let reason = [("reason", "other"), ("note", "Too soon")];
    let cancelled = browser.post(&format!("/console/test/refunds/{refund}/cancel"), &reason).await;
    assert_eq!(cancelled.status, StatusCode::SEE_OTHER, "{}", cancelled.html);
    let old = send(&browser, &session, "confirm", "0", "1").await;
    assert_eq!(old.status, StatusCode::CONFLICT, "{}", old.html);
    assert!(old.html.contains("which has failed"), "{}", old.html);
    assert_eq!(world.get(&text(&session["id"])).await["refunds"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn answers_are_lost_and_functions_die_and_there_is_one_refund_with_its_act() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    for effect in [Effect::DropAnswer, Effect::TransactionConflict, Effect::KillBefore, Effect::KillAfter] {
        let session = world.paid().await;
        world.machine.faults().add(Fault::new(TRANSACTION, effect).function("ConsoleFunction"));
        let first = send(&browser, &session, "confirm", "0", "1").await;
        assert!(world.machine.faults().waiting().is_empty());
        if matches!(effect, Effect::KillBefore | Effect::KillAfter) {
            assert!(first.status.is_server_error(), "{effect:?}: {}", first.html);
        } else {
            assert!(leads_to_payment(&first, &session), "{effect:?}: {}", first.html);
        }
        let expected = if effect == Effect::KillBefore { vec![] } else { vec![100] };
        assert_eq!(checked(&world, &session).await, expected, "{effect:?}");
        assert!(leads_to_payment(&send(&browser, &session, "confirm", "0", "1").await, &session), "{effect:?}");
        assert_eq!(checked(&world, &session).await, [100], "{effect:?}");
    }
}

#[tokio::test]
async fn who_may_not_refund_changes_nothing() {
    let world = World::with_console().await;
    let session = world.paid().await;
    let (form, confirm) = (format!("{}/refund", path(&session)), typed("confirm", "0", "1"));
    for role in [Role::Look, Role::Develop] {
        let browser = world.sign_in(role).await;
        assert_eq!(browser.get(&form).await.status, StatusCode::FORBIDDEN, "{role:?}");
        assert_eq!(browser.post(&form, &confirm).await.status, StatusCode::FORBIDDEN, "{role:?}");
    }
    let own = world.sign_in(Role::Own).await;
    for csrf in ["", "stale"] {
        let sent = own.send(&form, &[&[("csrf", csrf)][..], &confirm].concat()).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{csrf}");
    }
    let live = form.replace("/test/", "/live/");
    let theirs = world.sign_in_as("other", "eve@other.example", Role::Own).await;
    for (browser, form) in [(&own, &live), (&theirs, &form)] {
        // Somebody who signed in just now, so that live is no question.
        assert_eq!(browser.get(form).await.status, StatusCode::NOT_FOUND, "{form}");
        assert_eq!(browser.post(form, &confirm).await.status, StatusCode::NOT_FOUND, "{form}");
    }
    let stranger = world.stranger().get(&form).await;
    assert!(stranger.location.unwrap().starts_with("/console/sign-in"));
    assert_eq!(checked(&world, &session).await, [0; 0]);
    assert_eq!(acts(&world, "refund_made").await, [json!(null); 0]);
}

/// Method, path and body of the command that a page shows.
pub(crate) fn command(html: &str) -> (Method, String, Option<Value>) {
    let (_, rest) = html.split_once("<pre tabindex=\"0\">").unwrap_or_else(|| panic!("no command in {html}"));
    let shown = rest.split_once("</pre>").unwrap().0;
    let shown = shown.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&");
    assert!(shown.contains("-u \"$KEY:$SECRET\"") && !shown.contains("_test_"), "{shown}");
    let between = |from: &str, to: &str| Some(shown.split_once(from)?.1.split_once(to)?.0.to_owned());
    let method = between("curl -X ", " ").unwrap();
    let url = between(&format!("curl -X {method} '"), "'").unwrap();
    let path = url.split_once("://").unwrap().1.split_once('/').unwrap().1.to_owned();
    let body = between("-d '", "'").map(|body| serde_json::from_str(&body).unwrap());
    (method.parse().unwrap(), format!("/{path}"), body)
}

#[tokio::test]
async fn the_command_that_is_shown_does_the_same() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    let session = world.paid_from_withheld_account().await;
    let account =
        [("to", "account"), ("name", "Ada O'Neil"), ("sort_code", "11-22-33"), ("account_number", "87655678")];
    let form = [&typed("check", "0", "1.50")[..], &account].concat();
    let check = browser.post(&format!("{}/refund", path(&session)), &form).await;
    assert_eq!(check.status, StatusCode::OK, "{}", check.html);
    let check = check.html.replace("O&#39;\\&#39;&#39;Neil", "O’Neil");
    let (method, to, body) = command(&check);
    let made = answer(world.demo(method, &to).json(&body.unwrap())).await;
    assert_eq!((made.status, &made.body["amount"]), (StatusCode::CREATED, &json!(150)), "{}", made.body);
    assert_eq!(made.body["state"], "awaiting_payment");
    let form = browser.get(&format!("{}/refund", path(&session))).await;
    let (method, to, body) = command(&form.html);
    let rest = answer(world.demo(method, &to).json(&body.unwrap())).await;
    assert_eq!((rest.status, &rest.body["amount"]), (StatusCode::CREATED, &json!(250)), "{}", rest.body);
    let cancel = browser.get(&format!("/console/test/refunds/{}/cancel", text(&rest.body["id"]))).await;
    let (method, to, body) = command(&cancel.html);
    assert_eq!(body, None);
    let cancelled = answer(world.demo(method, &to)).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (StatusCode::OK, &json!("failed")), "{}", cancelled.body);
}
