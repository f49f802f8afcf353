//! Webhook endpoints and events in the console: who may look, who may change, and the act of each change.

use local::{Effect, Fault};
use models::{Mode, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{
    Browser, PATIENCE, Page, Received, Receiver, Reply, World, answer, console_on, document_1, hidden,
    loopback_webhooks, text,
};

use crate::console_refunds::acts;
use crate::end::fill_the_due_index;

/// A machine with the console on, where webhooks may go to tests' receivers.
async fn world() -> World {
    World::start_with(|config| {
        console_on(config);
        loopback_webhooks(config);
    })
    .await
}

fn endpoint_path(webhook: &Value) -> String {
    format!("/console/test/webhooks/{}", text(&webhook["id"]))
}

/// The first event of a session.
fn event_path(session: &Value) -> String {
    format!("/console/test/events/evt_{}_1", text(&session["id"]))
}

async fn press(browser: &Browser<'_>, webhook: &Value, change: &str, seen: &str) -> Page {
    browser.post(&endpoint_path(webhook), &[("change", change), ("seen", seen)]).await
}

/// What the acts of one kind were done to, and what came of them, by whom in which mode.
async fn done(world: &World, what: &str) -> Vec<(String, Value, String, String)> {
    let of = |act: &Value| {
        let objects = act["acted_on"]["M"].as_object().unwrap();
        let object = text(&objects.values().next().unwrap()["S"]);
        (object, act["outcome"].clone(), text(&act["who"]["M"]["person"]["S"]), text(&act["mode"]["S"]))
    };
    acts(world, what).await.iter().map(of).collect()
}

fn by_develop(object: &str, outcome: Value) -> (String, Value, String, String) {
    (object.to_owned(), outcome, "develop@demo.example".to_owned(), "test".to_owned())
}

fn was_done() -> Value {
    json!({ "S": "done" })
}

fn was_refused(code: &str) -> Value {
    json!({ "M": { "refused": { "S": code } } })
}

#[tokio::test]
async fn who_looks_sees_endpoints_and_events_and_changes_neither() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/a"), json!({ "description": "Stock" })).await;
    let session = world.create().await;
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    let look = world.sign_in(Role::Look).await;
    let endpoint = look.get(&endpoint_path(&webhook)).await;
    assert_eq!(endpoint.status, StatusCode::OK, "{}", endpoint.html);
    for shown in ["Delivering", "Stock", "All events", &event_path(&session), "Nothing waits"] {
        assert!(endpoint.html.contains(shown), "{shown}: {}", endpoint.html);
    }
    let event = look.get(&event_path(&session)).await;
    assert_eq!(event.status, StatusCode::OK, "{}", event.html);
    for shown in ["Answered 200", &text(&session["id"]), &endpoint_path(&webhook)] {
        assert!(event.html.contains(shown), "{shown}: {}", event.html);
    }
    for page in [&endpoint, &event] {
        assert!(!page.html.contains("name=\"change\"") && !page.html.contains("Send it again"), "{}", page.html);
        assert!(!page.html.contains("whsec_"));
    }

    // Nor does who refunds, nor a form that is not of the visit.
    let refund = world.sign_in(Role::Refund).await;
    let develop = world.sign_in(Role::Develop).await;
    receiver.forget();
    let before = world.get_webhook(&webhook).await;
    for change in ["disable", "enable", "resume", "roll", "finish"] {
        for browser in [&look, &refund] {
            assert_eq!(press(browser, &webhook, change, "0").await.status, StatusCode::FORBIDDEN, "{change}");
        }
        let stale = [("csrf", look.csrf.as_str()), ("change", change), ("seen", "0")];
        let refused = develop.send(&endpoint_path(&webhook), &stale).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{change}");
    }
    for browser in [&look, &refund] {
        assert_eq!(browser.post(&event_path(&session), &[]).await.status, StatusCode::FORBIDDEN);
    }
    let refused = develop.send(&event_path(&session), &[("csrf", look.csrf.as_str())]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for form in [&[("change", "roll")][..], &[("seen", "0")], &[("change", "remove"), ("seen", "0")]] {
        let refused = develop.post(&endpoint_path(&webhook), form).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{form:?}");
    }
    world.settled().await;
    assert_eq!(world.get_webhook(&webhook).await, before);
    assert!(receiver.received().is_empty());
    for what in ["webhook_changed", "webhook_resumed", "secret_rolled", "event_resent"] {
        assert_eq!(done(&world, what).await, [], "{what}");
    }
}

#[tokio::test]
async fn an_endpoint_is_disabled_enabled_and_resumed_each_with_its_act() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/a"), json!({})).await;
    let (id, path) = (text(&webhook["id"]), endpoint_path(&webhook));
    let develop = world.sign_in(Role::Develop).await;
    let form = develop.get(&path).await.html;
    assert!(form.contains("value=\"disable\"") && !form.contains("value=\"enable\""), "{form}");
    let leads_back = |page: &Page| page.status == StatusCode::SEE_OTHER && page.location.as_ref() == Some(&path);

    assert!(leads_back(&press(&develop, &webhook, "disable", "0").await));
    assert_eq!(world.get_webhook(&webhook).await["enabled"], false);
    let session = world.create().await;
    world.settled().await;
    let shown = develop.get(&path).await.html;
    assert!(shown.contains("Disabled") && shown.contains("value=\"enable\""), "{shown}");
    let refused = press(&develop, &webhook, "resume", "0").await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.html);
    assert!(refused.html.contains("The endpoint is disabled"), "{}", refused.html);
    let nobody = develop.post(&event_path(&session), &[]).await;
    assert_eq!(nobody.status, StatusCode::CONFLICT, "{}", nobody.html);
    assert!(receiver.received().is_empty());

    assert!(leads_back(&press(&develop, &webhook, "enable", "0").await));
    assert_eq!(world.get_webhook(&webhook).await["enabled"], true);
    // It is done once it is recorded, whatever becomes of searching for what waits.
    let faults = world.machine.faults();
    faults.add(Fault::new("Scan", Effect::Throttled).function("ConsoleFunction").times(100));
    assert!(leads_back(&press(&develop, &webhook, "resume", "0").await));
    faults.clear();

    let done_and_done = [by_develop(&id, was_done()), by_develop(&id, was_done())];
    assert_eq!(done(&world, "webhook_changed").await, done_and_done);
    let resumed = [by_develop(&id, was_refused("disabled_meanwhile")), by_develop(&id, was_done())];
    assert_eq!(done(&world, "webhook_resumed").await, resumed);
    let event = format!("evt_{}_1", text(&session["id"]));
    assert_eq!(done(&world, "event_resent").await, [by_develop(&event, was_refused("nobody_subscribes"))]);
    let change = &acts(&world, "webhook_changed").await[0]["change"]["M"];
    assert_eq!((&change["from"]["S"], &change["to"]["S"]), (&json!("enabled"), &json!("disabled")));
    // And owners see it.
    let audit = world.sign_in(Role::Own).await.get("/console/test/audit?what=webhook_changed").await;
    assert!(audit.html.contains(&id) && audit.html.contains("develop@demo.example"), "{}", audit.html);
}

#[tokio::test]
async fn what_waits_is_listed_however_much_is_due() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/a"), json!({})).await;
    let session = world.create().await;
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    // As a delivery that is given up leaves it.
    let scan = json!({
        "TableName": world.machine.table_name(),
        "FilterExpression": "begins_with(sk, :cursor)",
        "ExpressionAttributeValues": { ":cursor": { "S": "CURSOR#" } },
    });
    let cursors = world.dynamodb("Scan", &scan).await["Items"].as_array().unwrap().clone();
    assert_eq!(cursors.len(), 1, "{cursors:?}");
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": cursors[0]["pk"], "sk": cursors[0]["sk"] },
        "UpdateExpression": "SET due_pk = :shard, due_at = :paused",
        "ExpressionAttributeValues": {
            ":shard": { "S": "DUE#1" },
            ":paused": { "S": format!("~{}", text(&webhook["id"])) },
        },
    });
    world.dynamodb("UpdateItem", &body).await;
    let look = world.sign_in(Role::Look).await;
    let waits = format!("/console/test/payments?q={}", text(&session["id"]));
    let is_listed = async || {
        let shown = look.get(&endpoint_path(&webhook)).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
        assert!(shown.html.contains(&waits), "{}", shown.html);
    };
    is_listed().await;
    fill_the_due_index(&world).await;
    is_listed().await;
}

#[tokio::test]
async fn a_secret_is_replaced_once_for_each_form_and_shown_once() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/a"), json!({})).await;
    let (id, first) = (text(&webhook["id"]), text(&webhook["secret"]));
    let develop = world.sign_in(Role::Develop).await;
    let last = async || {
        world.create().await;
        world.settled().await;
        receiver.received().pop().unwrap()
    };
    let seen = hidden(&develop.get(&endpoint_path(&webhook)).await.html, "seen").unwrap();
    let rolled = press(&develop, &webhook, "roll", &seen).await;
    assert_eq!(rolled.status, StatusCode::OK, "{}", rolled.html);
    let (_, rest) = rolled.html.split_once("whsec_").unwrap_or_else(|| panic!("{}", rolled.html));
    let second = format!("whsec_{}", rest.split_once('<').unwrap().0);
    assert_ne!(first, second);
    assert!(last().await.is_signed_by(&[&first, &second]), "the one before is valid, too");

    // The same form again, as a reload sends it.
    let again = press(&develop, &webhook, "roll", &seen).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.html);
    assert!(again.html.contains("replaced in the meantime") && !again.html.contains("whsec_"), "{}", again.html);
    assert!(last().await.is_signed_by(&[&first, &second]));
    let shown = develop.get(&endpoint_path(&webhook)).await.html;
    assert!(!shown.contains("whsec_") && shown.contains("The previous secret is valid until"), "{shown}");

    // Many at once.
    let seen = hidden(&shown, "seen").unwrap();
    let pressed = (0..5).map(|_| press(&develop, &webhook, "roll", &seen));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(pressed).await.iter().map(|page| page.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409]);

    let finished = press(&develop, &webhook, "finish", &seen).await;
    assert_eq!(finished.status, StatusCode::SEE_OTHER, "{}", finished.html);
    assert!(!last().await.is_signed_by(&[&second]), "the third alone");
    let mut outcomes: Vec<String> = Vec::new();
    for act in done(&world, "secret_rolled").await {
        assert_eq!(act, by_develop(&id, act.1.clone()));
        outcomes.push(act.1.to_string());
    }
    let of = |outcome: Value| {
        let outcome = outcome.to_string();
        outcomes.iter().filter(|one| **one == outcome).count()
    };
    assert_eq!((of(was_done()), of(was_refused("changed_meanwhile"))), (2, 5), "{outcomes:?}");
    assert_eq!(done(&world, "webhook_changed").await, [by_develop(&id, was_done())]);
    // No secret is in the audit.
    let all = world.dynamodb("Scan", &json!({ "TableName": world.machine.audit_table_name() })).await;
    assert!(!all.to_string().contains("whsec_"));
}

#[tokio::test]
async fn an_event_is_sent_again() {
    let world = world().await;
    let receiver = Receiver::start().await;
    world.register(&receiver.url("/a"), json!({})).await;
    let session = world.create().await;
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    let develop = world.sign_in(Role::Develop).await;
    assert!(develop.get(&event_path(&session)).await.html.contains("Send it again"));
    let resent = develop.post(&event_path(&session), &[]).await;
    assert_eq!((resent.status, resent.location), (StatusCode::SEE_OTHER, Some(event_path(&session))));
    receiver.accepted(2, PATIENCE).await;
    world.settled().await;
    let received = receiver.received();
    let event = format!("evt_{}_1", text(&session["id"]));
    assert!(received.iter().all(|one| one.event_id() == event), "{:#?}", receiver.summary());
    assert_eq!(received[0].body, received[1].body);
    let shown = develop.get(&event_path(&session)).await.html;
    assert!(shown.matches("Answered 200").count() >= 2, "{shown}");
    for part in ["What is sent", "webhook-timestamp", "made from the body", "/replay"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // Each attempt's headers are those that came; who may not change webhooks sees what was not made from the body.
    let looked = world.sign_in(Role::Look).await.get(&event_path(&session)).await.html;
    let line = |name: &str, value: &str| format!("<div><dt>{name}</dt><dd class=\"id\">{value}</dd></div>");
    for one in &received {
        let of_http = ["host", "accept", "user-agent", "content-length"];
        let headers = one.headers.iter().filter(|(name, _)| !of_http.contains(&name.as_str()));
        assert!(one.headers.contains_key("webhook-signature") && one.headers.contains_key("webhook-timestamp"));
        for (name, value) in headers {
            assert!(shown.contains(&line(name, value)), "{name}: {value}: {shown}");
            let is_signature = name.ends_with("signature");
            assert_eq!(looked.contains(&line(name, value)), !is_signature, "{name}: {value}: {looked}");
        }
    }
    assert_eq!(done(&world, "event_resent").await, [by_develop(&event, was_done())]);
}

#[tokio::test]
async fn a_test_event_goes_to_one_endpoint_and_what_it_answered_is_shown() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/a"), json!({ "enabled": false })).await;
    world.register(&receiver.url("/b"), json!({})).await;
    let path = format!("{}/test", endpoint_path(&webhook));
    let look = world.sign_in(Role::Look).await;
    let refund = world.sign_in(Role::Refund).await;
    let develop = world.sign_in(Role::Develop).await;
    for browser in [&look, &refund] {
        assert_eq!(browser.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
    }
    assert!(receiver.received().is_empty() && done(&world, "test_event_sent").await.is_empty());
    assert!(!look.get(&endpoint_path(&webhook)).await.html.contains("Send a test event"));
    assert!(develop.get(&endpoint_path(&webhook)).await.html.contains("Send a test event"));

    for (reply, said) in [
        (Reply::Status(204), "Answered 204"),
        (Reply::Status(500), "Answered 500"),
        (Reply::Close, "Not answered: the connection was refused or broke off before an answer"),
    ] {
        receiver.answer_all(reply);
        let tested = develop.post(&path, &[]).await;
        assert_eq!(tested.status, StatusCode::OK, "{}", tested.html);
        assert!(tested.html.contains(said), "{said}: {}", tested.html);
    }
    let received = receiver.received();
    assert_eq!(received.len(), 3, "{:#?}", receiver.summary());
    for one in &received {
        assert_eq!((one.path(), one.event_type().as_str()), ("/a", "payment_session.sent"));
        assert!(one.is_signed_by(&[&text(&webhook["secret"])]) && one.headers["counterfoil-test"] == "true");
    }
    let id = text(&webhook["id"]);
    assert_eq!(done(&world, "test_event_sent").await, [(); 3].map(|()| by_develop(&id, was_done())));
    assert_eq!(world.get_webhook(&webhook).await["failures"], 0);
}

#[tokio::test]
async fn an_endpoint_is_registered_once_for_each_form_and_notified() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let list = "/console/test/webhooks";
    let develop = world.sign_in(Role::Develop).await;
    let look = world.sign_in(Role::Look).await;
    let key = hidden(&develop.get(list).await.html, "key").unwrap();
    let url = receiver.url("/a");
    let form = [("key", key.as_str()), ("url", &url), ("format", "banked"), ("events", "*")];
    assert_eq!(hidden(&look.get(list).await.html, "key"), None);
    assert_eq!(look.post(list, &form).await.status, StatusCode::FORBIDDEN);
    let wrong = develop.post(list, &[&form[..], &[("url", "ftp://shop.example.com")]].concat()).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.html);
    assert!(wrong.html.contains("The URL must be an absolute http or https URL."), "{}", wrong.html);

    let registered = develop.post(list, &form).await;
    assert_eq!(registered.status, StatusCode::OK, "{}", registered.html);
    let (_, rest) = registered.html.split_once("whsec_").unwrap_or_else(|| panic!("{}", registered.html));
    let secret = format!("whsec_{}", rest.split_once('<').unwrap().0);
    let again = develop.post(list, &form).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.html);
    assert!(!again.html.contains("whsec_"), "{}", again.html);
    world.create().await;
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    assert!(receiver.received().pop().unwrap().is_signed_by(&[&secret]));
    let acts = done(&world, "webhook_registered").await;
    let id = acts[0].0.clone();
    assert_eq!(acts, [by_develop(&id, was_done()), by_develop(&id, was_refused("sent_before"))]);
    assert!(develop.get(list).await.html.contains(&format!("{list}/{id}")));
}

#[tokio::test]
async fn all_since_a_time_is_sent_again_to_one_endpoint_alone() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let webhook = world.register(&receiver.url("/a"), json!({})).await;
    world.register(&receiver.url("/b"), json!({})).await;
    let sessions = [world.create().await, world.create().await];
    let mut events = sessions.map(|session| format!("evt_{}_1", text(&session["id"])));
    receiver.accepted(4, PATIENCE).await;
    world.settled().await;
    receiver.forget();
    let resend = format!("{}/resend", endpoint_path(&webhook));
    let look = world.sign_in(Role::Look).await;
    let develop = world.sign_in(Role::Develop).await;
    let since = [("since", "2020-01-01T00:00")];
    assert_eq!(look.post(&resend, &since).await.status, StatusCode::FORBIDDEN);
    let wrong = develop.post(&resend, &[("since", "yesterday")]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.html.contains("#since"), "{}", wrong.html);
    let broken = develop.post(&resend, &[since[0], ("after", "x")]).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);

    let resent = develop.post(&resend, &since).await;
    assert_eq!(resent.status, StatusCode::SEE_OTHER, "{}", resent.html);
    let shown = develop.get(&resent.location.unwrap()).await;
    for said in ["Sent again: 2", "2 in all since 1 January 2020, 00:00"] {
        assert!(shown.html.contains(said), "{said}: {}", shown.html);
    }
    receiver.accepted(2, PATIENCE).await;
    world.settled().await;
    let mut received: Vec<String> = receiver.at("/a").iter().map(Received::event_id).collect();
    received.sort_unstable();
    events.sort_unstable();
    assert_eq!((received.as_slice(), receiver.at("/b").len()), (&events[..], 0), "{:#?}", receiver.summary());

    world.change_webhook(&webhook, json!({ "enabled": false })).await;
    assert_eq!(develop.post(&resend, &since).await.status, StatusCode::CONFLICT);
    let id = text(&webhook["id"]);
    let acts = [by_develop(&id, was_done()), by_develop(&id, was_refused("disabled_meanwhile"))];
    assert_eq!(done(&world, "event_resent").await, acts);
}

#[tokio::test]
async fn another_merchants_and_the_other_modes_are_not_there() {
    let world = world().await;
    let receiver = Receiver::start().await;
    let (key, secret) = world.merchant("acme", Mode::Test, "all").await;
    let send = async |path: &str, body: &Value| {
        let sent = answer(world.request(Method::POST, path).basic_auth(&key, Some(&secret)).json(body)).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text);
        sent.body
    };
    let webhook = send("/v2/webhooks", &json!({ "url": receiver.url("/a") })).await;
    let session = send("/v2/payment_sessions", &document_1()).await;
    receiver.accepted(1, PATIENCE).await;
    world.settled().await;
    let theirs = world.sign_in_as("acme", "dev@acme.example", Role::Develop).await;
    let ours = world.sign_in(Role::Own).await;
    receiver.forget();
    for path in [endpoint_path(&webhook), event_path(&session)] {
        assert_eq!(theirs.get(&path).await.status, StatusCode::OK, "{path}");
        let live = path.replace("/test/", "/live/");
        for (browser, path) in [(&ours, &path), (&theirs, &live)] {
            assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
            for change in ["disable", "roll", "resume", "finish"] {
                let refused = browser.post(path, &[("change", change), ("seen", "0")]).await;
                assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path} {change}");
            }
            assert_eq!(browser.post(&format!("{path}/test"), &[]).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    for id in ["x", "1ae1ce03-dfa9-4593-b487-65c656991cb5", "COUNT%23test"] {
        for of in ["webhooks", "events"] {
            let none = ours.get(&format!("/console/test/{of}/{id}")).await;
            assert_eq!(none.status, StatusCode::NOT_FOUND, "{of}/{id}");
        }
    }
    world.settled().await;
    assert!(receiver.received().is_empty());
    let shown = theirs.get(&endpoint_path(&webhook)).await.html;
    assert!(shown.contains("Delivering") && hidden(&shown, "seen").as_deref() == Some("0"), "{shown}");
    for what in ["webhook_changed", "webhook_resumed", "secret_rolled", "event_resent"] {
        assert_eq!(done(&world, what).await, [], "{what}");
    }
}
