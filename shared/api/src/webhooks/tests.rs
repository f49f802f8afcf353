//! Every rule of registering and changing a webhook endpoint, with its parameter.

use models::{RefundState, SessionState};
use serde_json::{Value, json};

use super::*;

/// Takes `https://example.com/…` alone, and writes it in small letters.
fn check_url(text: &str) -> Result<String, &'static str> {
    let lower = text.to_lowercase();
    if lower.starts_with("https://example.com/") { Ok(lower) } else { Err("must be one of ours") }
}

fn webhook(request: &Value, url_required: bool) -> Result<WebhookParts, Refusal> {
    webhook_of(request, url_required, Mode::Test)
}

fn webhook_of(request: &Value, url_required: bool, mode: Mode) -> Result<WebhookParts, Refusal> {
    parse_webhook(&Json::read(request.to_string().as_bytes())?, url_required, mode, check_url)
}

fn wrong_with_webhook(request: &Value, url_required: bool) -> Vec<(Option<&'static str>, String, String)> {
    wrong_with_webhook_of(request, url_required, Mode::Test)
}

fn wrong_with_webhook_of(
    request: &Value,
    url_required: bool,
    mode: Mode,
) -> Vec<(Option<&'static str>, String, String)> {
    match webhook_of(request, url_required, mode) {
        Err(Refusal::Invalid(all)) => all
            .into_iter()
            .map(|violation| (violation.code, violation.parameter.unwrap_or_default(), violation.title))
            .collect(),
        other => panic!("{request}: {other:?}"),
    }
}

#[test]
fn all_of_a_webhook_is_read() {
    let parts = webhook(
        &json!({
            "url": "HTTPS://EXAMPLE.COM/Hooks",
            "events": ["payment_session.sent", "refund.sent", "payment_session.sent"],
            "description": "Stock",
            "enabled": false,
            "thin": true,
            "more": [1],
        }),
        true,
    )
    .unwrap();
    assert_eq!(parts.url.unwrap().as_str(), "https://example.com/hooks", "as the check wrote it");
    let sent = [EventType::PaymentSession(SessionState::Sent), EventType::Refund(RefundState::Sent)];
    assert_eq!(parts.events, Some(Subscription::Types(sent.to_vec())), "each once, in their order");
    assert_eq!(parts.description.unwrap().unwrap().as_str(), "Stock");
    assert_eq!((parts.enabled, parts.thin), (Some(false), Some(true)));
}

#[test]
fn a_new_webhook_is_of_a_format_that_is_served_and_stays_of_it() {
    for format in WireFormat::ALL {
        let request = json!({ "url": "https://example.com/hooks", "format": format.as_str() });
        if Format::of_stored(format).is_ok() {
            assert_eq!(webhook(&request, true).unwrap().format, Some(format));
        } else {
            assert_eq!(wrong_with_webhook(&request, true)[0].2, "format must be banked or yorlet");
        }
        assert_eq!(wrong_with_webhook(&request, false)[0].2, "format can't be changed");
    }
    assert_eq!(webhook(&json!({ "format": null }), false).unwrap().format, None);
}

#[test]
fn a_webhook_is_sent_what_is_encoded_as_its_format_has_it() {
    use EventEncoding::{Form, Json};
    let with = |format: &str, encoding: Value| json!({ "url": "https://example.com/hooks", "format": format, "encoding": encoding });
    for (format, encoding, read) in [
        ("banked", json!(null), Json),
        ("banked", json!("json"), Json),
        ("yorlet", json!(null), Json),
        ("fintecture", json!(null), Form),
        ("fintecture", json!("form"), Form),
        ("fintecture", json!("json"), Json),
    ] {
        assert_eq!(webhook(&with(format, encoding), true).unwrap().encoding, Some(read), "{format}");
    }
    let only_json = [(None, "encoding".to_owned(), "encoding must be json".to_owned())];
    assert_eq!(wrong_with_webhook(&with("banked", json!("form")), true), only_json);
    assert_eq!(wrong_with_webhook(&with("yorlet", json!("form")), true), only_json);
    for wrong in ["Form", "xml", ""] {
        let refused = wrong_with_webhook(&with("fintecture", json!(wrong)), true);
        assert_eq!(refused, [(None, "encoding".to_owned(), "encoding must be form or json".to_owned())]);
    }
    // Of which format one is that is changed is not known here.
    let change = |encoding: Value| webhook(&json!({ "encoding": encoding }), false).map(|parts| parts.encoding);
    assert_eq!(
        [change(json!(null)), change(json!("form")), change(json!("json"))],
        [Ok(None), Ok(Some(Form)), Ok(Some(Json))]
    );
    assert_eq!(wrong_with_webhook(&json!({ "encoding": 1 }), false)[0].2, "encoding must be a string");
    for format in WireFormat::ALL {
        assert_eq!(check_encoding(format, Json), Ok(()));
        let form = check_encoding(format, Form);
        assert_eq!(form.is_ok(), format == WireFormat::Fintecture, "{format:?}");
    }
    assert_eq!(check_encoding(WireFormat::Yorlet, Form), Err(Refusal::invalid("encoding", "must be json")));
    // It is shown where there is a choice.
    for (format, encoding, shown) in [
        (WireFormat::Banked, Json, None),
        (WireFormat::Yorlet, Json, None),
        (WireFormat::Fintecture, Json, Some("json")),
        (WireFormat::Fintecture, Form, Some("form")),
    ] {
        let endpoint = Endpoint { format, encoding, ..samples::endpoint() };
        let view = serde_json::to_value(WebhookView::new(&endpoint, samples::NOW)).unwrap();
        assert_eq!(view.get("encoding").and_then(Value::as_str), shown, "{format:?}");
    }
}

#[test]
fn what_a_webhook_leaves_out_or_nulls_is_not_given() {
    let nulls = json!({ "url": null, "events": null, "description": null, "enabled": null, "thin": null });
    for request in [json!({}), nulls] {
        let parts = webhook(&request, false).unwrap();
        assert!(parts.url.is_none() && parts.events.is_none() && parts.description.is_none(), "{request}");
        assert!(parts.enabled.is_none() && parts.thin.is_none(), "{request}");
        let (code, parameter, title) = wrong_with_webhook(&request, true).remove(0);
        assert_eq!((code, &*parameter, &*title), (None, "url", "url must be given"), "{request}");
    }
    // An empty description removes it, which is something else than to say nothing of it.
    assert_eq!(webhook(&json!({ "description": "" }), false).unwrap().description, Some(None));
}

#[test]
fn a_webhook_is_notified_of_all_or_of_what_it_names() {
    let read = |events: Value| webhook(&json!({ "events": events }), false).unwrap().events;
    assert_eq!(read(json!(["*"])), Some(Subscription::All));
    for event_type in EventType::all() {
        assert_eq!(read(json!([event_type.to_string()])), Some(Subscription::Types(vec![event_type])));
    }
    let sent = EventType::Refund(RefundState::Sent);
    assert_eq!(read(json!(vec!["refund.sent"; 50])), Some(Subscription::Types(vec![sent])));
}

#[test]
fn every_rule_of_a_webhook_names_its_field() {
    let count = r#"events must name 1 to 50 event types, or be ["*"]"#;
    let unknown = "must be an event type such as payment_session.sent";
    let star = "is \"*\", which stands alone; beside others it must be an event type such as payment_session.sent";
    let name = "description must be 1 to 140 characters, at least one of them visible, without control characters";
    let rules = [
        ("url", json!(1), "url", "url must be a string"),
        ("url", json!(["https://example.com/"]), "url", "url must be a string"),
        ("url", json!(""), "url", "url must be one of ours"),
        ("url", json!("https://example.org/"), "url", "url must be one of ours"),
        ("events", json!("*"), "events", "events must be a list"),
        ("events", json!({}), "events", "events must be a list"),
        ("events", json!([]), "events", count),
        ("events", json!(vec!["refund.sent"; 51]), "events", count),
        ("events", json!(["refund.paid"]), "events[0]", unknown),
        ("events", json!(["refund.sent", "Refund.sent"]), "events[1]", unknown),
        ("events", json!(["refund.sent", "*"]), "events[1]", star),
        ("events", json!(["*", "refund.sent"]), "events[0]", star),
        ("events", json!(["refund.sent", 1]), "events[1]", "must be a string"),
        ("events", json!([null]), "events[0]", "must be given"),
        ("description", json!(1), "description", "description must be a string"),
        ("description", json!(" "), "description", name),
        ("description", json!("a\nb"), "description", name),
        ("description", json!("x".repeat(141)), "description", name),
        ("enabled", json!("true"), "enabled", "enabled must be true or false"),
        ("enabled", json!(1), "enabled", "enabled must be true or false"),
        ("thin", json!([]), "thin", "thin must be true or false"),
        ("faults", json!(true), "faults", "faults must be an object"),
        ("faults", json!([]), "faults", "faults must be an object"),
        ("faults", json!([true, 1, 1]), "faults", "faults must be an object"),
        ("faults", json!("duplicate"), "faults", "faults must be an object"),
        ("faults", json!({ "duplicate": 1 }), "faults.duplicate", "must be true or false"),
        ("faults", json!({ "duplicate": "true" }), "faults.duplicate", "must be true or false"),
        ("faults", json!({ "duplicate": {} }), "faults.duplicate", "must be true or false"),
        ("faults", json!({ "delay_s": -1 }), "faults.delay_s", "faults.delay_s must be 0 to 86400"),
        ("faults", json!({ "delay_s": 86_401 }), "faults.delay_s", "faults.delay_s must be 0 to 86400"),
        ("faults", json!({ "delay_s": i64::MAX }), "faults.delay_s", "faults.delay_s must be 0 to 86400"),
        ("faults", json!({ "delay_s": u64::MAX }), "faults.delay_s", "faults.delay_s must be a whole number"),
        ("faults", json!({ "delay_s": 1.5 }), "faults.delay_s", "must be a whole number"),
        ("faults", json!({ "delay_s": 1.0 }), "faults.delay_s", "must be a whole number"),
        ("faults", json!({ "delay_s": "5" }), "faults.delay_s", "must be a whole number"),
        ("faults", json!({ "delay_s": true }), "faults.delay_s", "must be a whole number"),
        ("faults", json!({ "first_attempts_fail": -1 }), "faults.first_attempts_fail", "must be 0 to 10"),
        ("faults", json!({ "first_attempts_fail": 11 }), "faults.first_attempts_fail", "must be 0 to 10"),
        ("faults", json!({ "first_attempts_fail": 2.5 }), "faults.first_attempts_fail", "must be a whole number"),
        ("faults", json!({ "first_attempts_fail": [] }), "faults.first_attempts_fail", "must be a whole number"),
        ("faults", json!({ "duplicate": true, "delay_s": "1 h" }), "faults.delay_s", "must be a whole number"),
    ];
    for (field, value, parameter, title) in rules {
        let mut request = json!({ "url": "https://example.com/hooks" });
        request[field] = value;
        for url_required in [true, false] {
            let found = wrong_with_webhook(&request, url_required);
            assert_eq!(found.len(), 1, "{request}: {found:?}");
            assert_eq!((found[0].0, &*found[0].1), (None, parameter), "{request}");
            assert!(found[0].2.starts_with(parameter) && found[0].2.ends_with(title), "{request}: {found:?}");
        }
    }
    // What `MerchantUrl` refuses names the field too, whatever the check says.
    let refused = parse_webhook(&Json::read(br#"{"url":"x"}"#).unwrap(), true, Mode::Test, |_| {
        Ok::<_, &str>("ftp://example.com/".to_owned())
    });
    assert!(matches!(refused, Err(Refusal::Invalid(found)) if found[0].parameter.as_deref() == Some("url")));
    for body in ["", "[]", "null", "{", r#"{"thin":true,"thin":true}"#] {
        let refused = Json::read(body.as_bytes()).and_then(|json| parse_webhook(&json, true, Mode::Test, check_url));
        assert!(matches!(refused, Err(Refusal::BadRequest(_))), "{body}");
    }
}

#[test]
fn faults_are_all_that_is_asked_for_or_none() {
    let faults = |request: Value| webhook(&request, false).unwrap().faults;
    assert_eq!(faults(json!({})), None, "they stay");
    for none in [
        json!(null),
        json!({}),
        json!({ "duplicate": false }),
        json!({ "duplicate": null, "delay_s": null, "first_attempts_fail": null }),
        json!({ "duplicate": false, "delay_s": 0, "first_attempts_fail": 0 }),
        json!({ "delays": 5 }),
    ] {
        assert_eq!(faults(json!({ "faults": none })), Some(None), "{none}");
    }
    for (given, duplicate, delay_s, first) in [
        (json!({ "duplicate": true }), true, 0, 0),
        (json!({ "delay_s": 86_400 }), false, 86_400, 0),
        (json!({ "first_attempts_fail": 10, "delay_s": null }), false, 0, 10),
        (json!({ "duplicate": true, "delay_s": 1, "first_attempts_fail": 1 }), true, 1, 1),
    ] {
        let asked = EndpointFaults::new(duplicate, delay_s, first).unwrap();
        assert_eq!(faults(json!({ "faults": given })), Some(asked), "{given}");
        let shown = serde_json::to_value(FaultsView::new(asked.unwrap())).unwrap();
        assert_eq!(shown, json!({ "duplicate": duplicate, "delay_s": delay_s, "first_attempts_fail": first }));
        // What is shown may be sent back.
        assert_eq!(faults(json!({ "faults": shown })), Some(asked));
    }
}

#[test]
fn only_a_test_key_can_ask_for_faults() {
    for url_required in [true, false] {
        for faults in [json!({ "duplicate": true }), json!({ "delay_s": 1 }), json!({ "first_attempts_fail": 1 })] {
            let request = json!({ "url": "https://example.com/hooks", "faults": faults });
            let refused = wrong_with_webhook_of(&request, url_required, Mode::Live);
            let title = "faults can be asked for with a test key only".to_owned();
            assert_eq!(refused, [(None, "faults".to_owned(), title)], "{request}");
        }
        // None can be had by anybody.
        for none in [json!(null), json!({}), json!({ "delay_s": 0 })] {
            let request = json!({ "url": "https://example.com/hooks", "faults": none });
            let read = webhook_of(&request, url_required, Mode::Live).unwrap();
            assert_eq!(read.faults, Some(None), "{request}");
        }
    }
}

#[test]
fn everything_that_is_wrong_with_a_webhook_is_reported_at_once() {
    let faults = json!({ "duplicate": 1, "delay_s": 86_401, "first_attempts_fail": 11 });
    let request =
        json!({ "url": 1, "events": ["refund.paid"], "description": 1, "enabled": 1, "thin": 1, "faults": faults });
    let parameters: Vec<_> = wrong_with_webhook(&request, true).into_iter().map(|found| found.1).collect();
    assert_eq!(
        parameters,
        [
            "url",
            "events[0]",
            "description",
            "enabled",
            "thin",
            "faults.duplicate",
            "faults.delay_s",
            "faults.first_attempts_fail",
        ]
    );
    let stars = wrong_with_webhook(&json!({ "events": ["*", "*"] }), false);
    assert_eq!(stars.iter().map(|found| found.1.as_str()).collect::<Vec<_>>(), ["events[0]", "events[1]"]);
    assert!(stars.iter().all(|found| found.2.contains("\"*\", which stands alone")), "{stars:?}");
    // The URL is not checked if there is none to check.
    let none = parse_webhook(&Json::read(b"{}").unwrap(), false, Mode::Test, |_| -> Result<String, &str> {
        panic!("there is no URL")
    });
    assert!(none.is_ok());
}
