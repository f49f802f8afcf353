//! Test clocks: who may use them, and sessions that are created on them.

use std::time::Duration;

use jiff::Timestamp;
use local::{Effect, Fault};
use models::{Mode, TestClockId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use store::{ClockAdvanced, TestClocks};
use tests::{Answer, DEMO, PATIENCE, World, answer, document_1, text};

use crate::yorlet;

const CLOCKS: &str = "/v2/test_clocks";
const SESSIONS: &str = "/v2/payment_sessions";
/// When clocks of these tests begin; the time as sessions show it follows.
const BEGIN: &str = "2030-01-31T09:30:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn path(clock: &Value) -> String {
    format!("{CLOCKS}/{}", text(&clock["id"]))
}

/// A clock's id, as the store knows it.
fn id(clock: &Value) -> TestClockId {
    text(&clock["id"]).parse().unwrap()
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    answer(world.demo(Method::POST, path).json(body)).await
}

async fn created(world: &World, body: &Value) -> Value {
    let created = post(world, CLOCKS, body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    created.body
}

async fn get(world: &World, clock: &Value) -> Value {
    let read = answer(world.demo(Method::GET, &path(clock))).await;
    assert_eq!(read.status, 200, "{}", read.text);
    read.body
}

async fn advance(world: &World, clock: &Value, to: &str) -> Answer {
    post(world, &format!("{}/advance", path(clock)), &json!({ "to": to })).await
}

/// A clock that is being advanced to this time, by a request that died.
async fn begin_to_advance(world: &World, clock: &Value, to: &str) {
    let clocks = TestClocks::new(world.table());
    let demo = "demo".parse().unwrap();
    let seen = clocks.get(&demo, id(clock), samples::now()).await.unwrap().unwrap().now;
    let begun = clocks.advance(&demo, id(clock), seen, at(to)).await.unwrap();
    assert!(matches!(begun, ClockAdvanced::Going), "{begun:?}");
}

/// A session to be, on this clock.
fn on(clock: &Value) -> Value {
    let mut request = document_1();
    request["test_clock"] = clock["id"].clone();
    request
}

/// Status, parameter and title of the one thing that is wrong.
fn refusal(answer: &Answer) -> (u16, Value, String) {
    let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    assert_eq!(errors.len(), 1, "{}", answer.text);
    (answer.status.as_u16(), errors[0]["source"]["parameter"].clone(), text(&errors[0]["title"]))
}

fn refused(status: u16, parameter: &str, title: &str) -> (u16, Value, String) {
    (status, json!(parameter), title.to_owned())
}

#[tokio::test]
async fn a_clock_is_created_read_advanced_and_gone() {
    let world = World::start().await;
    let before = samples::now();
    let real = created(&world, &json!({})).await;
    let now = at(&text(&real["now"]));
    assert!(now >= before.round(jiff::Unit::Second).unwrap() - jiff::SignedDuration::from_secs(1), "{real}");
    assert_eq!((&real["name"], &real["created_at"]), (&Value::Null, &real["now"]));

    let clock = created(&world, &json!({ "now": "2030-01-31T10:30:00.25+01:00", "name": "Expiry" })).await;
    let shown = json!({
        "id": clock["id"],
        "name": "Expiry",
        "now": "2030-01-31T09:30:00.250Z",
        "status": "ready",
        "advancing_to": null,
        "session_count": 0,
        "created_at": clock["created_at"],
    });
    assert_eq!(clock, shown);
    assert_eq!(get(&world, &clock).await, clock);
    let head = world.demo(Method::HEAD, &path(&clock)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""));

    // Again and again the same, in whatever words.
    for to in ["2030-02-01T00:00:00Z", "2030-02-01T00:00:00Z", "2030-02-01T01:00:00+01:00"] {
        let advanced = advance(&world, &clock, to).await;
        assert_eq!(advanced.status, 202, "{}", advanced.text);
        let mut later = shown.clone();
        later["now"] = json!("2030-02-01T00:00:00.000Z");
        assert_eq!(advanced.body, later);
        assert_eq!(get(&world, &clock).await, later);
    }

    let gone = answer(world.demo(Method::DELETE, &path(&clock))).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    for request in [
        world.demo(Method::DELETE, &path(&clock)),
        world.demo(Method::GET, &path(&clock)),
        world.demo(Method::POST, &format!("{}/advance", path(&clock))).json(&json!({ "to": "2030-02-02T00:00:00Z" })),
        world.demo(Method::GET, &format!("{CLOCKS}/clock")),
    ] {
        assert_eq!(refusal(&answer(request).await), (404, Value::Null, "there is no such thing here".to_owned()));
    }
    assert_eq!(get(&world, &real).await, real, "another one's");
}

#[tokio::test]
async fn what_is_wrong_with_a_clock_is_named() {
    let world = World::start().await;
    let clock = created(&world, &json!({ "now": BEGIN })).await;
    let real = samples::now();
    let later = |hours: i64| (real + jiff::SignedDuration::from_hours(hours)).to_string();
    let time = "must be a time such as 2026-01-31T09:30:00Z";
    let name = "must be 1 to 140 characters, at least one of them visible, without control characters";
    for (body, field, rule) in [
        (json!({ "now": 1_900_000_000 }), "now", "must be a string"),
        (json!({ "now": "" }), "now", time),
        (json!({ "now": "tomorrow" }), "now", time),
        (json!({ "now": "2030-01-31" }), "now", time),
        (json!({ "now": "2030-01-31T09:30:00" }), "now", time),
        (json!({ "now": "2030-02-30T09:30:00Z" }), "now", time),
        (json!({ "now": later(-24 * 366) }), "now", "must be at most a year ago"),
        (json!({ "now": later(24 * 3651) }), "now", "must be at most ten years ahead"),
        (json!({ "name": "" }), "name", name),
        (json!({ "name": "x".repeat(141) }), "name", name),
        (json!({ "name": "a\nb" }), "name", name),
        (json!({ "name": ["x"] }), "name", "must be a string"),
    ] {
        let answer = post(&world, CLOCKS, &body).await;
        assert_eq!(refusal(&answer), refused(422, field, &format!("{field} {rule}")), "{body}");
    }
    let both = post(&world, CLOCKS, &json!({ "now": "x", "name": 1 })).await;
    assert_eq!((both.status.as_u16(), both.body["errors"].as_array().unwrap().len()), (422, 2));
    let shows = "2030-01-31T09:30:00.000Z, which the clock shows";
    let forward = format!("must be later than {shows}: it moves only forward");
    let too_much = format!("must be at most 100 days later than {shows}; advance it step by step");
    for (body, rule) in [
        (json!({}), "must be given"),
        (json!({ "to": null }), "must be given"),
        (json!({ "to": 5 }), "must be a string"),
        (json!({ "to": "+7d" }), time),
        (json!({ "to": "2030-01-31 09:30:00 UTC" }), time),
        (json!({ "to": "2030-01-31T09:29:59.999Z" }), &forward),
        (json!({ "to": "0001-01-01T00:00:00Z" }), &forward),
        (json!({ "to": "2030-05-11T09:30:00.001Z" }), &too_much),
        (json!({ "to": "9999-12-31T00:00:00Z" }), &too_much),
    ] {
        let answer = post(&world, &format!("{}/advance", path(&clock)), &body).await;
        assert_eq!(refusal(&answer), refused(422, "to", &format!("to {rule}")), "{body}");
    }
    for path in [CLOCKS.to_owned(), format!("{}/advance", path(&clock))] {
        for body in ["", "null", "[]", "{\"now\":1,\"now\":1}"] {
            let request = world.demo(Method::POST, &path).header("content-type", "application/json").body(body);
            assert_eq!(answer(request).await.status, 400, "{path} {body}");
        }
        let form = world.demo(Method::POST, &path).form(&[("to", BEGIN)]);
        assert_eq!(answer(form).await.status, 415, "{path}");
    }
    assert_eq!(get(&world, &clock).await, clock);
}

#[tokio::test]
async fn to_others_it_is_not_there_and_to_live_keys_there_are_none() {
    let world = World::start_with(|config| {
        config.environment.insert("LOCAL_LIVE_CONNECTOR".into(), "1".into());
        config.parameters.insert("Formats".into(), "banked,yorlet".into());
    })
    .await;
    let clock = created(&world, &json!({})).await;
    let (acme, live, reader) = (
        world.merchant("acme", Mode::Test, "all").await,
        world.merchant("other", Mode::Live, "all").await,
        world.merchant("reader", Mode::Test, "payment_sessions:read").await,
    );
    let as_one = |(key, secret): &(String, String), method: Method, path: &str| {
        world.request(method, path).basic_auth(key, Some(secret))
    };
    let (one, to) = (path(&clock), json!({ "to": "2040-01-01T00:00:00Z" }));
    let each = |caller: &(String, String)| -> [RequestBuilder; 4] {
        [
            as_one(caller, Method::POST, CLOCKS).json(&json!({})),
            as_one(caller, Method::GET, &one),
            as_one(caller, Method::POST, &format!("{one}/advance")).json(&to),
            as_one(caller, Method::DELETE, &one),
        ]
    };
    for request in each(&live) {
        let refused = answer(request).await;
        assert_eq!(refusal(&refused), (403, Value::Null, "test clocks are for test keys".to_owned()));
        assert_eq!(refused.code(), "forbidden");
    }
    let [_, others @ ..] = each(&acme);
    for request in others {
        assert_eq!(refusal(&answer(request).await).0, 404);
    }
    for (n, request) in each(&reader).into_iter().enumerate() {
        let expected = if n == 1 { (404, "not_found") } else { (403, "forbidden") };
        let answer = answer(request).await;
        assert_eq!((answer.status.as_u16(), answer.code()), expected, "{}", answer.text);
    }
    assert_eq!(answer(world.request(Method::GET, &one)).await.status, 401);
    assert_eq!(answer(world.request(Method::GET, &one).bearer_auth(DEMO.1)).await.body, clock);

    // Nor is a session created on one.
    let refused_live = answer(as_one(&live, Method::POST, SESSIONS).json(&on(&clock))).await;
    assert_eq!(refusal(&refused_live), (403, Value::Null, "test clocks are for test keys".to_owned()));
    let customer = yorlet::customer_of(&world, "other", Mode::Live).await;
    let request = yorlet::with(&yorlet::least(&customer), json!({ "test_clock": clock["id"] }));
    let refused_live = answer(as_one(&live, Method::POST, yorlet::SESSIONS).json(&request)).await;
    let said = json!({ "error": { "message": "test clocks are for test keys", "param": null, "type": "invalid_request" }, "status": 403 });
    assert_eq!(refused_live.body, said);
    let others = answer(as_one(&acme, Method::POST, SESSIONS).json(&on(&clock))).await;
    assert_eq!(refusal(&others), refused(422, "test_clock", "test_clock names no test clock of yours"));
    assert_eq!(get(&world, &clock).await, clock);
}

#[tokio::test]
async fn while_it_is_advanced_to_one_time_it_is_not_to_another_and_nothing_is_created_on_it() {
    let world = World::start_with(|config| {
        config.parameters.insert("Formats".into(), "banked,yorlet".into());
    })
    .await;
    let clock = created(&world, &json!({ "now": BEGIN })).await;
    begin_to_advance(&world, &clock, "2030-02-07T09:30:00Z").await;
    let advancing = get(&world, &clock).await;
    assert_eq!(
        (&advancing["status"], &advancing["advancing_to"], &advancing["now"]),
        (&json!("advancing"), &json!("2030-02-07T09:30:00.000Z"), &json!("2030-01-31T09:30:00.000Z"))
    );
    let title = "the test clock is being advanced to 2030-02-07T09:30:00.000Z";
    for to in [BEGIN, "2030-02-07T09:29:59Z", "2030-02-07T09:30:00.001Z", "2039-01-01T00:00:00Z"] {
        let other = advance(&world, &clock, to).await;
        assert_eq!(refusal(&other), (409, Value::Null, title.to_owned()), "{to}");
        assert_eq!(other.code(), "invalid_action");
    }
    let title = "test_clock is being advanced to 2030-02-07T09:30:00.000Z; create the session when that is done";
    let session = post(&world, SESSIONS, &on(&clock)).await;
    assert_eq!(refusal(&session), refused(409, "test_clock", title));
    let customer = yorlet::customer(&world).await;
    let request = yorlet::with(&yorlet::least(&customer), json!({ "test_clock": clock["id"] }));
    let session = yorlet::post(&world, yorlet::SESSIONS, &request).await;
    assert_eq!((session.status.as_u16(), &session.body["error"]["message"]), (400, &json!(title)), "as all such");
    assert_eq!(get(&world, &clock).await, advancing, "none has joined it");

    // The request repeated goes on.
    let done = advance(&world, &clock, "2030-02-07T09:30:00Z").await;
    assert_eq!((done.status.as_u16(), &done.body["status"]), (202, &json!("ready")), "{}", done.text);
    let created = post(&world, SESSIONS, &on(&clock)).await;
    assert_eq!((created.status.as_u16(), &created.body["created_at"]), (201, &json!("2030-02-07 09:30:00 UTC")));
}

#[tokio::test]
async fn sessions_are_of_the_clocks_time_in_each_format() {
    let world = World::start_with(|config| {
        config.parameters.insert("Formats".into(), "banked,yorlet".into());
    })
    .await;
    let clock = created(&world, &json!({ "now": BEGIN })).await;
    let mut request = on(&clock);
    request["expires_in_seconds"] = json!(3_600);
    for sessions in [SESSIONS, "/api/v2/payment_sessions"] {
        let created = post(&world, sessions, &request).await;
        assert_eq!(created.status, 201, "{}", created.text);
        let session = created.body;
        assert_eq!(session["test_clock"], clock["id"]);
        assert_eq!(session["created_at"], "2030-01-31 09:30:00 UTC");
        assert_eq!(session["expires_at"], "2030-01-31 10:30:00 UTC");
        assert_eq!(session["history"][0]["at"], "2030-01-31 09:30:00 UTC");
        let read = answer(world.demo(Method::GET, &format!("{sessions}/{}", text(&session["id"])))).await;
        assert_eq!(read.body, session);
    }
    let customer = yorlet::customer(&world).await;
    let request = yorlet::with(&yorlet::least(&customer), json!({ "test_clock": clock["id"] }));
    let session = yorlet::create(&world, &request).await;
    assert_eq!((&session["test_clock"], &session["created"]), (&clock["id"], &json!(1_896_082_200)));
    assert_eq!(yorlet::read(&world, &session).await, session);
    let mut three = clock.clone();
    three["session_count"] = json!(3);
    assert_eq!(get(&world, &clock).await, three);

    // Without one nothing is said of it, whether it is left out or null.
    let mut null = document_1();
    null["test_clock"] = Value::Null;
    for request in [document_1(), null] {
        let session = world.create_from(&request).await;
        assert!(session.get("test_clock").is_none() && !text(&session["created_at"]).starts_with("2030"), "{session}");
    }
    let session = yorlet::create(&world, &yorlet::least(&customer)).await;
    assert!(session.get("test_clock").is_none(), "{session}");
    assert_eq!(get(&world, &clock).await, three);

    // Deleted, it leaves them as they are.
    let first = answer(world.demo(Method::GET, SESSIONS)).await.body;
    assert_eq!(answer(world.demo(Method::DELETE, &path(&clock))).await.status, 204);
    assert_eq!(answer(world.demo(Method::GET, SESSIONS)).await.body, first);
    let after = post(&world, SESSIONS, &on(&clock)).await;
    assert_eq!(refusal(&after), refused(422, "test_clock", "test_clock names no test clock of yours"));
}

#[tokio::test]
async fn a_repeated_creation_is_answered_as_the_first_whatever_became_of_the_clock() {
    let world = World::start().await;
    let clock = created(&world, &json!({ "now": BEGIN })).await;
    let keyed =
        |key: &str, request: &Value| world.demo(Method::POST, SESSIONS).header("idempotency-key", key).json(request);
    let first = answer(keyed("1", &on(&clock))).await;
    assert_eq!((first.status.as_u16(), first.is_replayed()), (201, false), "{}", first.text);
    let repeated = async |why: &str| {
        let again = answer(keyed("1", &on(&clock))).await;
        assert_eq!((again.status.as_u16(), again.is_replayed(), &again.body), (201, true, &first.body), "{why}");
    };
    repeated("at once").await;
    assert_eq!(get(&world, &clock).await["session_count"], 1);
    assert_eq!(answer(keyed("1", &document_1())).await.status, 409, "without the clock it is another request");
    assert_eq!(advance(&world, &clock, "2030-01-31T09:31:00Z").await.status, 202);
    repeated("advanced").await;
    begin_to_advance(&world, &clock, "2030-01-31T09:32:00Z").await;
    repeated("being advanced").await;
    assert_eq!(answer(world.demo(Method::DELETE, &path(&clock))).await.status, 204);
    repeated("gone").await;
    assert_eq!(refusal(&answer(keyed("2", &on(&clock))).await).0, 422);
}

#[tokio::test]
async fn a_hundred_sessions_follow_a_clock_and_no_more() {
    let world = World::start().await;
    let clock = created(&world, &json!({ "now": BEGIN })).await;
    let others: Vec<_> = (0..98).map(|n| json!({ "S": uuid::Uuid::from_u128(n).to_string() })).collect();
    let body = json!({
        "TableName": world.machine.table_name(),
        "Key": { "pk": { "S": format!("CLOCK#{}", text(&clock["id"])) }, "sk": { "S": "CLOCK" } },
        "UpdateExpression": "SET sessions = :others",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": { ":others": { "L": others } },
    });
    world.dynamodb("UpdateItem", &body).await;
    // Three at once for two places.
    let request = on(&clock);
    let (first, second, third) = tokio::join!(
        post(&world, SESSIONS, &request),
        post(&world, SESSIONS, &request),
        post(&world, SESSIONS, &request),
    );
    let mut answers = [first, second, third];
    answers.sort_by_key(|answer| answer.status);
    let [first, second, third] = &answers;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    let title = "test_clock is followed by 100 sessions, which is the most; create another clock";
    assert_eq!(refusal(third), refused(422, "test_clock", title));
    assert_eq!(get(&world, &clock).await["session_count"], 100);
    assert_eq!(answer(world.demo(Method::GET, SESSIONS)).await.body["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_advanced_while_a_session_is_created_gives_it_its_new_time() {
    let world = World::start().await;
    let clock = created(&world, &json!({ "now": BEGIN })).await;
    let in_the_way = Fault::new("TransactWriteItems", Effect::TransactionConflict).function("CreateFunction");
    world.machine.faults().add(in_the_way.times(1_000));
    let advanced = async {
        let begun = |machine: &local::Machine| {
            machine.faults().waiting().first().is_none_or(|fault| fault.times < 1_000).then_some(())
        };
        assert!(world.machine.until(PATIENCE, begun).await.is_some(), "the creation was not tried");
        let advanced = advance(&world, &clock, "2030-01-31T09:31:00Z").await;
        world.machine.faults().clear();
        advanced
    };
    let request = on(&clock);
    let (created, advanced) = tokio::join!(post(&world, SESSIONS, &request), advanced);
    assert_eq!((advanced.status.as_u16(), created.status.as_u16()), (202, 201), "{}", created.text);
    assert_eq!(created.body["created_at"], "2030-01-31 09:31:00 UTC");
    assert_eq!(get(&world, &clock).await["session_count"], 1);
}

#[tokio::test]
async fn a_lost_answer_is_no_second_clock_session_or_deletion() {
    let world = World::start().await;
    let lose = |function: &str, operation: &str| {
        world.machine.faults().add(Fault::new(operation, Effect::DropAnswer).function(function));
    };
    lose("TestClocksFunction", "PutItem");
    let clock = created(&world, &json!({ "now": BEGIN })).await;
    lose("CreateFunction", "TransactWriteItems");
    let session = post(&world, SESSIONS, &on(&clock)).await;
    assert_eq!(session.status, 201, "{}", session.text);
    assert_eq!(get(&world, &clock).await["session_count"], 1);
    lose("TestClocksFunction", "UpdateItem");
    let advanced = advance(&world, &clock, "2030-01-31T09:31:00Z").await;
    assert_eq!((advanced.status.as_u16(), &advanced.body["status"]), (202, &json!("ready")), "{}", advanced.text);
    lose("TestClocksFunction", "UpdateItem");
    assert_eq!(answer(world.demo(Method::DELETE, &path(&clock))).await.status, 204);
    assert!(
        world
            .machine
            .until(Duration::from_secs(1), |machine| machine.faults().waiting().is_empty().then_some(()))
            .await
            .is_some()
    );
}
