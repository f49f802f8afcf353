//! Keeps docs/openapi.yaml honest: its routes are template.yaml's, and what it describes is what the code takes and says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};

use api::banked::{
    Dialect, RefundView, SessionView, not_refundable, parse_create, parse_refund, render_error, shown_state,
};
use api::{ApiError, TOKEN_LIFETIME_S};
use models::{
    AccountIdentifier, Creation, Currency, HistoryEntry, Lifetime, LineItems, LinkedAccount, MAX_REFUNDS, Merchant,
    MinorUnits, Mode, Money, NotRefundable, Payee, Payer, Refund, RefundCreation, RefundEvent, RefundState, Scope,
    Session, SessionEvent, SessionState,
};
use serde_json::{Value, json};

const BANKED: &str = include_str!("../src/banked.rs");
const REFUND: &str = include_str!("../src/banked/refund.rs");
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
    for line in BANKED.lines().chain(REFUND.lines()) {
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
    let in_session = &schema(&openapi, "PaymentSessionCommon")["properties"]["refunds"];
    let in_list = &schema(&openapi, "RefundList")["properties"]["data"];
    assert_eq!([&in_session["maxItems"], &in_list["maxItems"]], [MAX_REFUNDS, MAX_REFUNDS]);
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn what_can_happen_to_a_refund_is_the_domains() {
    let openapi = openapi();
    let state = schema(&openapi, "RefundState");
    assert_eq!(texts(&state["enum"]), RefundState::ALL.map(RefundState::as_str).into());
    let reasons = &schema(&openapi, "Refund")["properties"]["failure_reason"]["enum"];
    let fails = |event: &RefundEvent| event.target() == Some(RefundState::Failed);
    assert_eq!(texts(reasons), RefundEvent::ALL.into_iter().filter(fails).map(RefundEvent::as_str).collect());
    let mut described = BTreeSet::new();
    for row in state["description"].as_str().unwrap().lines() {
        if let [_, causes, from, to, _] = row.split('|').collect::<Vec<_>>()[..] {
            let pairs = quoted(causes).flat_map(|cause| quoted(from).map(move |from| (cause, from)));
            described.extend(pairs.flat_map(|(cause, from)| quoted(to).map(move |to| (cause, from, to))));
        }
    }
    let happens = |event: RefundEvent| {
        let target = event.target().map_or("", RefundState::as_str);
        event.sources().map(move |from| (event.as_str(), from.as_str(), target))
    };
    assert_eq!(described, RefundEvent::ALL.into_iter().flat_map(happens).collect());
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

/// A documented request's session, as it is created.
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
    let answer = |example: &Value| shown_session(&create(&example["value"], dialect), &[], dialect);
    examples.values().map(answer).collect()
}

/// A path's documented request, by its example's name.
fn request<'a>(openapi: &'a Value, path: &str, name: &str) -> &'a Value {
    &openapi["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"][name]["value"]
}

/// A documented answer, by its name.
fn documented<'a>(openapi: &'a Value, name: &str) -> &'a Value {
    &openapi["components"]["examples"][name]["value"]
}

/// Document 1's session, paid.
fn sent(openapi: &Value) -> Session {
    let mut session = create(request(openapi, "/v2/payment_sessions", "candles"), Dialect::V2);
    session.payer = Some(Payer {
        name: "Paula Payer".to_owned().try_into().unwrap(),
        email: Some("paula@example.com".to_owned().try_into().unwrap()),
    });
    for (at, cause) in [
        ("2019-11-01T15:49:02Z", SessionEvent::PayerIdentified),
        ("2019-11-01T15:49:20Z", SessionEvent::BankChosen),
        ("2019-11-01T15:50:11Z", SessionEvent::ConsentGiven),
        ("2019-11-01T15:50:12Z", SessionEvent::Settled),
    ] {
        let state = cause.target().unwrap();
        session.history.push(HistoryEntry { state, at: at.parse().unwrap(), cause, write_id: "w".parse().unwrap() });
        session.state = state;
    }
    session
}

/// The same where the payer's bank shared the account.
fn sent_from_known_account(openapi: &Value) -> Session {
    let account = AccountIdentifier {
        sort_code: "040004".to_owned().try_into().unwrap(),
        account_number: "87654321".to_owned().try_into().unwrap(),
    };
    let payer_account = Some(Payee { name: "Paula Payer".to_owned().try_into().unwrap(), account });
    Session { payer_account, ..sent(openapi) }
}

/// A refund of `session` by a documented request, and the session that pays it.
fn refund(session: &Session, request: &Value) -> (Refund, Option<Session>) {
    let new = parse_refund(&serde_json::to_vec(request).unwrap()).unwrap();
    assert_eq!(new.session_id, session.id);
    let creation = RefundCreation {
        id: "0e61cc47-6b92-4a6a-8951-3ddd8a462ee8".parse().unwrap(),
        payment_session_id: "8373a8b4-b3af-49de-8699-a7d0f2c468dd".parse().unwrap(),
        end_to_end_id: "5b6f2c1e-0d3a-4c58-9a51-2f1c8e7d4b90".parse().unwrap(),
        at: "2019-11-04T09:12:40Z".parse().unwrap(),
        base_url: "http://127.0.0.1:3000".to_owned(),
        write_id: "w".parse().unwrap(),
    };
    Refund::create(session, new, creation).unwrap()
}

fn shown(refund: &Refund) -> Value {
    serde_json::to_value(RefundView::new(refund, refund.created_at)).unwrap()
}

/// A session with its refunds, when the first of them was made or, without any, when it was created itself.
fn shown_session(session: &Session, refunds: &[Refund], dialect: Dialect) -> Value {
    let now = refunds.first().map_or(session.created_at, |refund| refund.created_at);
    serde_json::to_value(SessionView::new(session, refunds, dialect, now)).unwrap()
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
    let session = sent_from_known_account(&openapi);
    let (refund, payment) = refund(&session, request(&openapi, "/v2/refunds", "candles"));
    for (dialect, prefix, name) in DIALECTS {
        let schema = schema(&openapi, name);
        let mut seen = BTreeSet::new();
        let mut answers = examples(&openapi, dialect, prefix);
        answers.push(shown_session(&session, std::slice::from_ref(&refund), dialect));
        answers.push(shown_session(payment.as_ref().unwrap(), &[], dialect));
        for answer in answers {
            check(&openapi, schema, &answer, name, &mut seen);
        }
        let mut all = BTreeSet::new();
        all_described(&openapi, schema, name, &mut all);
        assert_eq!(seen, all);
    }
}

#[test]
fn a_refund_shows_all_that_is_described_and_nothing_else() {
    let openapi = openapi();
    let schema = schema(&openapi, "Refund");
    let mut all = BTreeSet::new();
    all_described(&openapi, schema, "Refund", &mut all);
    let requests = &openapi["paths"]["/v2/refunds"]["post"]["requestBody"]["content"]["application/json"]["examples"];
    for session in [sent(&openapi), sent_from_known_account(&openapi)] {
        for example in requests.as_object().unwrap().values() {
            let mut seen = BTreeSet::new();
            check(&openapi, schema, &shown(&refund(&session, &example["value"]).0), "Refund", &mut seen);
            assert_eq!(seen, all);
        }
    }
}

#[test]
fn the_documented_answers_are_what_the_documented_request_is_answered_with() {
    let openapi = openapi();
    let answer = examples(&openapi, Dialect::V2, "/v2").swap_remove(0);
    assert_eq!(answer, *documented(&openapi, "Created"));
    assert_eq!(shown_session(&sent(&openapi), &[], Dialect::V2), *documented(&openapi, "Sent"));
}

#[test]
fn the_documented_refunds_are_what_the_documented_request_is_answered_with() {
    let openapi = openapi();
    let request = request(&openapi, "/v2/refunds", "candles");
    let (waiting, none) = refund(&sent(&openapi), request);
    assert_eq!(shown(&waiting), *documented(&openapi, "RefundAwaitingDetails"));
    assert!(none.is_none());
    let session = sent_from_known_account(&openapi);
    let (refund, payment) = refund(&session, request);
    assert_eq!(shown(&refund), *documented(&openapi, "RefundAwaitingPayment"));
    let payment = payment.unwrap();
    assert_eq!(shown_session(&payment, &[], Dialect::V2), *documented(&openapi, "PaysRefund"));
    let whole = shown_session(&session, std::slice::from_ref(&refund), Dialect::V2);
    assert_eq!(whole, *documented(&openapi, "Refunded"));

    let told = openapi["paths"]["/v2/refunds"]["post"]["description"].as_str().unwrap();
    assert!(told.contains(&format!("{MAX_REFUNDS} times")));
    for (until, waiting_for) in [(waiting.expires_at, "for the account"), (refund.expires_at, "authorise it")] {
        let days = until.duration_since(refund.created_at).as_hours() / 24;
        assert!(told.contains(&format!("{waiting_for}, within {days} days")), "{waiting_for}: {days} days");
    }
    assert_eq!(payment.expires_at, refund.expires_at);
    let paid = schema(&openapi, "PaymentSessionCommon")["properties"]["pays_refund"]["description"].as_str().unwrap();
    assert!(paid.contains(&format!("within {} days", Lifetime::MAX_SECONDS / (24 * 60 * 60))));
}

/// What is left out of a request for a refund, and what the payer's bank makes of a payee.
#[test]
fn the_documented_defaults_of_a_refund_are_the_domains() {
    let openapi = openapi();
    let named = |name: &str| request(&openapi, "/v2/refunds", name);
    let session = sent(&openapi);
    let left = Session { refundable: Some(MinorUnits::new(300)), ..session.clone() };
    let (rest, _) = refund(&left, named("rest"));
    assert_eq!((rest.amount.minor(), &rest.reference), (300, &session.reference));
    let paid_to = |session: &Session, request: &Value| refund(session, request).1.unwrap().payee;
    let mut with_payee = named("payee").clone();
    let given = paid_to(&session, &with_payee);
    assert_eq!((given.name.as_str(), given.account.sort_code.as_str()), ("Paula Payer", "040004"));
    with_payee["payee"] = json!({ "account_number": "12345678", "sort_code": "01-02-03" });
    let given = paid_to(&session, &with_payee);
    assert_eq!((given.name, given.account.sort_code.as_str()), (session.payer.unwrap().name, "010203"));
    let known = sent_from_known_account(&openapi);
    assert_eq!(Some(paid_to(&known, &with_payee)), known.payer_account);
}

/// The parameters that a request for a refund is refused for.
fn wrong_with(request: &Value) -> Vec<String> {
    match parse_refund(&serde_json::to_vec(request).unwrap()) {
        Ok(_) => vec![],
        Err(ApiError::Invalid(violations)) => violations.into_iter().filter_map(|one| one.parameter).collect(),
        Err(error) => panic!("{request}: {error}"),
    }
}

#[test]
fn every_field_of_a_refunds_request_is_described_with_its_limits() {
    let openapi = openapi();
    let described = &schema(&openapi, "NewRefund")["properties"];
    let fields = REFUND.split("struct RefundRequest {").nth(1).unwrap().split('}').next().unwrap();
    let fields: BTreeSet<_> = fields.lines().filter_map(|line| Some(line.trim().split_once(": Given<")?.0)).collect();
    assert_eq!(described.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), fields);
    assert_eq!(wrong_with(&json!({})), ["payment_session_id"]);
    assert_eq!(texts(&schema(&openapi, "NewRefund")["required"]), ["payment_session_id"].into());

    let candles = request(&openapi, "/v2/refunds", "candles");
    let with = |field: &str, value: Value| {
        let mut request = candles.clone();
        request[field] = value;
        wrong_with(&request)
    };
    let least = described["amount"]["minimum"].as_i64().unwrap();
    assert_eq!(with("amount", json!(least)), [""; 0]);
    assert_eq!(with("amount", json!(least - 1)), ["amount"]);
    // Each with the most that is taken: as it is described, and one more.
    let pattern = schema(&openapi, "Reference")["pattern"].as_str().unwrap();
    let most = pattern.split(['{', ',', '}']).nth(2).unwrap().parse().unwrap();
    assert_eq!(with("reference", json!("a".repeat(most))), [""; 0]);
    assert_eq!(with("reference", json!("a".repeat(most + 1))), ["reference"]);
    let most = usize::try_from(schema(&openapi, "MerchantUrl")["maxLength"].as_u64().unwrap()).unwrap();
    let start = "http://example.com/";
    for field in ["success_url", "error_url"] {
        let url = |length: usize| json!(format!("{start}{}", "a".repeat(length - start.len())));
        assert_eq!(with(field, url(most)), [""; 0]);
        assert_eq!(with(field, url(most + 1)), [field]);
    }
    let payee = &described["payee"];
    assert_eq!(with("payee", json!({})).len(), texts(&payee["required"]).len());
    let most = usize::try_from(payee["properties"]["name"]["maxLength"].as_u64().unwrap()).unwrap();
    let account = |name: String| json!({ "name": name, "account_number": "1234 5678", "sort_code": "01-02-03" });
    assert_eq!(with("payee", account("é".repeat(most))), [""; 0]);
    assert_eq!(with("payee", account("é".repeat(most + 1))), ["payee.name"]);
}

/// A documented error, by its operation, status and, where the status has several, name.
fn documented_error<'a>(openapi: &'a Value, path: &str, method: &str, status: u16, name: &str) -> &'a Value {
    let resolved = |value: &'a Value| match value["$ref"].as_str() {
        Some(reference) => openapi.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    };
    let response = resolved(&openapi["paths"][path][method]["responses"][status.to_string()]);
    let content = &response["content"]["application/json"];
    content.get("example").unwrap_or_else(|| &resolved(&content["examples"][name])["value"])
}

#[test]
fn the_documented_refusals_are_what_the_code_says() {
    let openapi = openapi();
    let (sessions, refunds) = ("/v2/payment_sessions", "/v2/refunds");
    let left = Money::new(MinorUnits::new(300), Currency::GBP);
    let mut wrong = request(&openapi, refunds, "candles").clone();
    (wrong["amount"], wrong["reference"]) = (json!(0), json!("refund: Candles"));
    let fields = parse_refund(&serde_json::to_vec(&wrong).unwrap()).unwrap_err();
    for (path, method, name, error) in [
        (refunds, "post", "notSent", not_refundable(NotRefundable::NotSent(SessionState::Pending))),
        (refunds, "post", "paysRefund", not_refundable(NotRefundable::PaysRefund)),
        (refunds, "post", "tooMany", not_refundable(NotRefundable::TooMany)),
        (refunds, "post", "tooMuch", not_refundable(NotRefundable::TooMuch { left })),
        (refunds, "post", "fields", fields),
        (refunds, "post", "unknown", ApiError::Unknown("payment_session_id")),
        (refunds, "get", "unknown", ApiError::Unknown("payment_session_id")),
        (refunds, "post", "idempotencyConflict", ApiError::IdempotencyConflict),
        (sessions, "post", "idempotencyConflict", ApiError::IdempotencyConflict),
    ] {
        let answer = render_error(&error);
        let said: Value = serde_json::from_slice(answer.body()).unwrap();
        let documented = documented_error(&openapi, path, method, answer.status().as_u16(), name);
        assert_eq!(said, *documented, "{method} {path}: {name}");
    }
}
