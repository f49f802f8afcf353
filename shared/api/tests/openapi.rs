//! Keeps docs/openapi.yaml honest: its routes are template.yaml's, and what it describes is what the code takes and says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};

use api::TOKEN_LIFETIME_S;
use api::banked::{Dialect, SessionView, parse_create, shown_state};
use models::{
    AccountIdentifier, Creation, Lifetime, LineItems, LinkedAccount, Merchant, MinorUnits, Mode, Scope, Session,
    SessionEvent, SessionState,
};
use serde_json::Value;

const BANKED: &str = include_str!("../src/banked.rs");
const DIALECTS: [(Dialect, &str, &str); 2] =
    [(Dialect::V2, "/v2", "PaymentSession"), (Dialect::ApiV2, "/api/v2", "PaymentSessionOlder")];

fn openapi() -> Value {
    serde_yaml_ng::from_str(include_str!("../../../docs/openapi.yaml")).unwrap()
}

/// Method and path of every route of template.yaml.
fn routes() -> BTreeSet<(String, String)> {
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(include_str!("../../../template.yaml")).unwrap();
    let events = template["Resources"].as_mapping().unwrap().values().filter_map(|resource| {
        let events = resource["Properties"].get("Events")?.as_mapping()?;
        Some(events.values().map(|event| (event["Type"].as_str(), &event["Properties"])).collect::<Vec<_>>())
    });
    let routes = events.flatten().filter(|(kind, _)| *kind == Some("HttpApi")).filter_map(|(_, event)| {
        // The $default route has neither.
        Some((event.get("Method")?.as_str()?.to_owned(), event.get("Path")?.as_str()?.to_owned()))
    });
    routes.collect()
}

#[test]
fn every_route_is_described_and_no_other() {
    let openapi = openapi();
    let mut described = BTreeSet::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    // Paths with a slash at their end come by the greedy routes, one for each method that a path of sessions takes.
    let (greedy, exact): (BTreeSet<_>, BTreeSet<_>) =
        routes().into_iter().partition(|(_, path)| path.ends_with("/{proxy+}"));
    assert_eq!(described, exact);
    let both = |method: &str| ["/v2", "/api/v2"].map(|base| (method.to_owned(), format!("{base}/{{proxy+}}")));
    assert_eq!(greedy, ["GET", "POST", "DELETE"].into_iter().flat_map(both).collect());
}

fn schema<'a>(openapi: &'a Value, name: &str) -> &'a Value {
    &openapi["components"]["schemas"][name]
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

#[test]
fn every_error_code_is_described_and_no_other() {
    let openapi = openapi();
    let [codes, oauth] = ["ErrorCode", "OauthErrorCode"].map(|name| texts(&schema(&openapi, name)["enum"]));
    let described: BTreeSet<_> = codes.union(&oauth).copied().collect();
    let mut literals = BTreeSet::new();
    for line in BANKED.lines() {
        for literal in line.split('"').skip(1).step_by(2) {
            literals.insert(literal);
            let is_code =
                line.contains("(StatusCode::") || ["invalid_", "missing_"].iter().any(|p| literal.starts_with(p));
            assert!(!is_code || described.contains(literal), "{literal} is not described");
        }
    }
    let never_said: Vec<_> = described.difference(&literals).collect();
    assert!(never_said.is_empty(), "{never_said:?} are described, but never said");
}

#[test]
fn lists_and_limits_are_the_domains() {
    let openapi = openapi();
    assert_eq!(texts(&schema(&openapi, "State")["enum"]), SessionState::ALL.map(shown_state).into());
    assert_eq!(texts(&schema(&openapi, "Cause")["enum"]), SessionEvent::ALL.map(SessionEvent::as_str).into());
    let reasons = &schema(&openapi, "PaymentSessionCommon")["properties"]["failure_reason"]["enum"];
    // A deleted session is not shown any more.
    let ends_without_money = |event: &SessionEvent| {
        event.target().is_some_and(|state| shown_state(state) == "failed") && *event != SessionEvent::DeletedByMerchant
    };
    let expected = SessionEvent::ALL.into_iter().filter(ends_without_money).map(SessionEvent::as_str);
    assert_eq!(texts(reasons), expected.collect());
    let scopes = &openapi["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"];
    let scopes: BTreeSet<_> = scopes.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(scopes, Scope::ALL.map(Scope::as_str).into());
    assert_eq!(schema(&openapi, "Token")["properties"]["expires_in"]["const"], TOKEN_LIFETIME_S);
    let lifetime = &schema(&openapi, "NewPaymentSessionCommon")["properties"]["expires_in_seconds"];
    assert_eq!(lifetime["minimum"], Lifetime::MIN_SECONDS);
    assert_eq!(lifetime["maximum"], Lifetime::MAX_SECONDS);
    assert_eq!(lifetime["default"], Lifetime::default().as_duration().as_secs());
    for name in ["NewPaymentSession", "NewPaymentSessionOlder"] {
        let line_items = &schema(&openapi, name)["allOf"][1]["properties"]["line_items"];
        assert_eq!(line_items["maxItems"], LineItems::MAX, "{name}");
    }
}

/// Linked to document 2's two accounts.
fn merchant() -> Merchant {
    let linked = |sort_code: &str| LinkedAccount {
        name: "Gerald Wiley".to_owned().try_into().unwrap(),
        account: AccountIdentifier {
            sort_code: sort_code.to_owned().try_into().unwrap(),
            account_number: "12345678".to_owned().try_into().unwrap(),
        },
    };
    Merchant {
        id: "demo".parse().unwrap(),
        name: "Demo".to_owned().try_into().unwrap(),
        idempotency_salt: [0; 32],
        linked_accounts: vec![linked("010203"), linked("123456")],
        keys: vec![],
    }
}

fn create(request: &Value, dialect: Dialect) -> Session {
    let body = serde_json::to_vec(request).unwrap();
    let new = parse_create(&body, dialect, &merchant(), MinorUnits::new(100_000_000)).unwrap();
    let creation = Creation {
        id: "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap(),
        end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        at: "2019-11-01T15:48:26Z".parse().unwrap(),
        base_url: "http://127.0.0.1:3000".to_owned(),
        write_id: "w".parse().unwrap(),
    };
    Session::create(new, creation)
}

/// The documented requests of a dialect, each with what it is answered with.
fn examples(openapi: &Value, dialect: Dialect, prefix: &str) -> Vec<Value> {
    let operation = &openapi["paths"][format!("{prefix}/payment_sessions")]["post"];
    let examples = operation["requestBody"]["content"]["application/json"]["examples"].as_object().unwrap();
    let answer = |example: &Value| {
        let session = create(&example["value"], dialect);
        serde_json::to_value(SessionView::new(&session, dialect, session.created_at)).unwrap()
    };
    examples.values().map(answer).collect()
}

/// A schema's properties and which of them are always there, its references and parts included.
#[derive(Default)]
struct Described<'a> {
    properties: BTreeMap<&'a str, &'a Value>,
    required: BTreeSet<&'a str>,
}

impl<'a> Described<'a> {
    fn add(&mut self, openapi: &'a Value, schema: &'a Value) {
        if let Some(reference) = schema["$ref"].as_str() {
            self.add(openapi, openapi.pointer(reference.strip_prefix('#').unwrap()).unwrap());
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.add(openapi, part);
        }
        self.properties
            .extend(schema["properties"].as_object().into_iter().flatten().map(|(name, part)| (name.as_str(), part)));
        if let Some(required) = schema.get("required") {
            self.required.extend(texts(required));
        }
    }
}

/// Checks that all that `value` holds is described and all that is said to be there is; notes every property seen.
fn check(openapi: &Value, schema: &Value, value: &Value, at: &str, seen: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let mut described = Described::default();
            described.add(openapi, schema);
            // Free keys, such as metadata's.
            if described.properties.is_empty() && schema.get("additionalProperties").is_some() {
                return;
            }
            for name in &described.required {
                assert!(fields.contains_key(*name), "{at}.{name} is said to be always there");
            }
            for (name, field) in fields {
                let at = format!("{at}.{name}");
                let property = described.properties.get(name.as_str());
                check(openapi, property.unwrap_or_else(|| panic!("{at} is not described")), field, &at, seen);
                seen.insert(at);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check(openapi, &schema["items"], item, at, seen)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every property that a schema describes, and those of the objects and lists inside.
fn all_described(openapi: &Value, schema: &Value, at: &str, all: &mut BTreeSet<String>) {
    let mut described = Described::default();
    described.add(openapi, schema);
    for (name, property) in described.properties {
        let at = format!("{at}.{name}");
        all_described(openapi, property, &at, all);
        all_described(openapi, &property["items"], &at, all);
        all.insert(at);
    }
}

#[test]
fn a_session_shows_all_that_is_described_and_nothing_else() {
    let openapi = openapi();
    for (dialect, prefix, name) in DIALECTS {
        let schema = schema(&openapi, name);
        let mut seen = BTreeSet::new();
        for answer in examples(&openapi, dialect, prefix) {
            check(&openapi, schema, &answer, name, &mut seen);
        }
        // The one optional part, where no documented request gives it.
        let mut all = BTreeSet::new();
        all_described(&openapi, schema, name, &mut all);
        all.retain(|at| dialect == Dialect::V2 || !at.contains(".payer"));
        assert_eq!(seen, all);
    }
}

#[test]
fn the_documented_answers_are_what_the_documented_request_is_answered_with() {
    let openapi = openapi();
    let documented = &openapi["components"]["examples"];
    let answer = examples(&openapi, Dialect::V2, "/v2").swap_remove(0);
    assert_eq!(answer, documented["Created"]["value"]);
    check(&openapi, schema(&openapi, "PaymentSession"), &documented["Sent"]["value"], "Sent", &mut BTreeSet::new());
}
