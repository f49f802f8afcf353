//! Every rule of creating and advancing a test clock, with its parameter.

use serde_json::{Value, json};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn real() -> Timestamp {
    at("2026-06-01T00:00:00Z")
}

fn create(request: &str) -> Result<TestClockParts, Refusal> {
    parse_test_clock(&Json::read(request.as_bytes())?, real())
}

fn advance(request: &str) -> Result<Timestamp, Refusal> {
    parse_advance(&Json::read(request.as_bytes())?)
}

fn titles<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> Vec<(String, String)> {
    match answer {
        Err(Refusal::Invalid(all)) => {
            all.into_iter().map(|one| (one.parameter.unwrap_or_default(), one.title)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_of_a_clock_may_be_left_out() {
    assert_eq!(create("{}"), Ok(TestClockParts { now: real(), name: None }));
    assert_eq!(create(r#"{"now":null,"name":null,"more":[1]}"#), create("{}"));
    let parts = create(r#"{"now":"2026-07-01T02:00:00.25+02:00","name":"Expiry"}"#).unwrap();
    assert_eq!(parts.now, at("2026-07-01T00:00:00.25Z"));
    assert_eq!(parts.name.unwrap().as_str(), "Expiry");
    assert_eq!(advance(r#"{"to":"2026-07-01T00:00:00.0004Z","more":1}"#), Ok(at("2026-07-01T00:00:00.001Z")));
}

#[test]
fn every_rule_of_a_clock_names_its_field() {
    let time = "must be a time such as 2026-01-31T09:30:00Z";
    let text = "must be 1 to 140 characters, at least one of them visible, without control characters";
    let name = |length: usize| json!({ "name": "é".repeat(length) });
    assert!(create(&name(140).to_string()).is_ok());
    for (request, field, rule) in [
        (json!({ "now": 1_767_225_600 }), "now", A_STRING),
        (json!({ "now": true }), "now", A_STRING),
        (json!({ "now": ["2026-06-01T00:00:00Z"] }), "now", A_STRING),
        (json!({ "now": "" }), "now", time),
        (json!({ "now": "now" }), "now", time),
        (json!({ "now": "2026-06-01" }), "now", time),
        (json!({ "now": "2026-06-01T00:00:00" }), "now", time),
        (json!({ "now": "2026-06-01T00:00:00Z[Europe/London]" }), "now", time),
        (json!({ "now": "2026-06-31T00:00:00Z" }), "now", time),
        (json!({ "now": "2026-06-01T24:00:00Z" }), "now", time),
        (json!({ "now": "2026-06-01T00:00:00+24:00" }), "now", time),
        (json!({ "now": "2026-06-01T00:00:00.Z" }), "now", time),
        (json!({ "now": " 2026-06-01T00:00:00Z" }), "now", time),
        (json!({ "now": "2025-05-31T23:59:59.999Z" }), "now", "must be at most a year ago"),
        (json!({ "now": "0000-01-01T00:00:00Z" }), "now", "must be at most a year ago"),
        (json!({ "now": "2036-05-29T00:00:00.001Z" }), "now", "must be at most ten years ahead"),
        (json!({ "now": "9999-12-31T23:59:59Z" }), "now", "must be at most ten years ahead"),
        (json!({ "name": 7 }), "name", A_STRING),
        (json!({ "name": "" }), "name", text),
        (name(141), "name", text),
        (json!({ "name": "a\u{7}" }), "name", text),
    ] {
        let wrong = titles(create(&request.to_string()));
        assert_eq!(wrong, [(field.to_owned(), format!("{field} {rule}"))], "{request}");
    }
    let both = titles(create(r#"{"now":"soon","name":""}"#));
    assert_eq!(both.into_iter().map(|(field, _)| field).collect::<Vec<_>>(), ["now", "name"]);
}

#[test]
fn every_rule_of_advancing_names_its_field() {
    let time = "must be a time such as 2026-01-31T09:30:00Z";
    for (request, rule) in [
        (json!({}), "must be given"),
        (json!({ "to": null }), "must be given"),
        (json!({ "now": "2026-07-01T00:00:00Z" }), "must be given"),
        (json!({ "to": 1_767_225_600_000_i64 }), A_STRING),
        (json!({ "to": { "days": 7 } }), A_STRING),
        (json!({ "to": "+7d" }), time),
        (json!({ "to": "2026-07-01 00:00:00 UTC" }), time),
        (json!({ "to": "2026-07-01T00:00:00" }), time),
        (json!({ "to": "2026-07-01T00:00Z" }), time),
        (json!({ "to": "26-07-01T00:00:00Z" }), time),
        (json!({ "to": "-2026-07-01T00:00:00Z" }), time),
    ] {
        let wrong = titles(advance(&request.to_string()));
        assert_eq!(wrong, [("to".to_owned(), format!("to {rule}"))], "{request}");
    }
}

#[test]
fn what_is_no_json_object_is_a_bad_request() {
    for body in ["", "null", "[]", "\"2026-07-01T00:00:00Z\"", "{\"to\":\"x\",\"to\":\"y\"}", "{\"to\":}"] {
        assert!(matches!(create(body), Err(Refusal::BadRequest(_))), "{body}");
        assert!(matches!(advance(body), Err(Refusal::BadRequest(_))), "{body}");
    }
}

#[test]
fn a_clock_is_shown_as_it_is() {
    let clock = TestClock {
        id: "C3F0A6DE-52B7-4E0C-9A2D-7D1B8E6F4A10".parse().unwrap(),
        merchant_id: "demo".parse().unwrap(),
        name: Some("Expiry".to_owned().try_into().unwrap()),
        created_at: at("2026-06-01T00:00:00.5Z"),
        now: real(),
        target: None,
        sessions: vec!["1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap()],
    };
    let shown = |clock: &TestClock| serde_json::to_value(TestClockView::new(clock)).unwrap();
    let ready = json!({
        "id": "c3f0a6de-52b7-4e0c-9a2d-7d1b8e6f4a10",
        "name": "Expiry",
        "now": "2026-06-01T00:00:00.000Z",
        "status": "ready",
        "advancing_to": null,
        "session_count": 1,
        "created_at": "2026-06-01T00:00:00.500Z",
    });
    assert_eq!(shown(&clock), ready);
    let advancing = shown(&TestClock { name: None, target: Some(at("2026-07-01T00:00:00.001Z")), ..clock });
    let changed =
        [("name", Value::Null), ("status", json!("advancing")), ("advancing_to", json!("2026-07-01T00:00:00.001Z"))];
    let mut expected = ready;
    changed.into_iter().for_each(|(field, value)| expected[field] = value);
    assert_eq!(advancing, expected);
}

#[test]
fn why_a_session_can_not_follow_a_clock_is_the_fault_of_its_parameter() {
    let clock = TestClock {
        id: "c3f0a6de-52b7-4e0c-9a2d-7d1b8e6f4a10".parse().unwrap(),
        merchant_id: "demo".parse().unwrap(),
        name: None,
        created_at: real(),
        now: real(),
        target: None,
        sessions: Vec::new(),
    };
    let gone = not_on_clock(None);
    assert_eq!(
        titles::<()>(Err(gone)),
        [("test_clock".to_owned(), "test_clock names no test clock of yours".to_owned())]
    );
    let full = titles::<()>(Err(not_on_clock(Some(&clock))));
    let most = "test_clock is followed by 100 sessions, which is the most; create another clock";
    assert_eq!(full, [("test_clock".to_owned(), most.to_owned())]);
    let advancing = TestClock { target: Some(at("2026-07-01T00:00:00Z")), ..clock };
    let title =
        "test_clock is being advanced to 2026-07-01T00:00:00.000Z; create the session when that is done".to_owned();
    assert_eq!(not_on_clock(Some(&advancing)), Refusal::InvalidAction { title, parameter: Some("test_clock") });
}
