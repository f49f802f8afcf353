//! Keeps docs/openapi.yaml honest: its routes are template.yaml's, and what it describes is what the code takes and says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::banked::{
    Dialect, EventView, LineItems, RefundView, SessionView, not_refundable, parse_create, parse_refund, shown_state,
};
use api::{
    ApiError, AttemptView, ErrorShape, Json, ListParameters, Refusal, TOKEN_LIFETIME_S, WebhookView, parse_webhook,
};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use models::{
    AccountIdentifier, Creation, Currency, DisabledBy, Endpoint, EndpointSecret, EventType, History, Lifetime,
    LinkedAccount, MAX_CONCURRENT_DELIVERIES, MAX_ENDPOINTS, MAX_REFUNDS, Merchant, MinorUnits, Mode, Money,
    NotRefundable, Object, Payee, Payer, QUICK, Refund, RefundCreation, RefundEvent, RefundState, Scope, Session,
    SessionEvent, SessionState, Subscription, WireFormat, is_given_up, next_delivery,
};
use serde::Serialize;
use serde_json::{Value, json};
use store::{DeliveryAttempt, StoredEvent};

const BANKED: &str = concat!(
    include_str!("../src/banked/create.rs"),
    include_str!("../src/banked/error.rs"),
    include_str!("../src/oauth.rs")
);
const REFUND: &str = include_str!("../src/banked/refund.rs");
const WEBHOOK: &str = include_str!("../src/webhooks.rs");
const ANSWER: &str = include_str!("../src/answer.rs");
const LIST_QUERY: &str = include_str!("../src/list.rs");
const ENDPOINTS_HANDLER: &str = include_str!("../../../functions/endpoints/src/handler.rs");
const EVENTS_HANDLER: &str = include_str!("../../../functions/events/src/handler.rs");
const ENDPOINT_URL: &str = include_str!("../../outbound/src/endpoint.rs");
const SENDER: &str = include_str!("../../outbound/src/sender.rs");
const EVENTS_STORE: &str = include_str!("../../store/src/events.rs");
const DIALECTS: [(Dialect, &str, &str); 2] =
    [(Dialect::V2, "/v2", "PaymentSession"), (Dialect::ApiV2, "/api/v2", "PaymentSessionOlder")];

fn render_error(error: &ApiError) -> lambda_http::Response<lambda_http::Body> {
    ErrorShape::of("GET", "/v2/refunds").render(error)
}

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
    // Paths with a slash at their end come by the greedy routes, one for each method that a path of sessions takes: none
    // for PATCH, which webhook endpoints alone take. Those of pages take every method, to answer with a page.
    let (greedy, exact): (BTreeSet<_>, BTreeSet<_>) =
        routes().into_iter().partition(|(_, path)| path.ends_with("/{proxy+}"));
    // HEAD is as GET, which is said once.
    let (heads, exact): (BTreeSet<_>, BTreeSet<_>) = exact.into_iter().partition(|(method, _)| method == "HEAD");
    assert_eq!(described, exact);
    let got = described.iter().filter(|(method, _)| method == "GET");
    assert_eq!(heads, got.map(|(_, path)| ("HEAD".to_owned(), path.clone())).collect());
    assert!(openapi["info"]["description"].as_str().unwrap().contains("**HEAD** is answered as GET"));
    let both = |method: &str| ["/v2", "/api/v2"].map(|base| (method.to_owned(), format!("{base}/{{proxy+}}")));
    let pages = ["/checkout", "/mock-bank", "/refunds"].map(|base| ("ANY".to_owned(), format!("{base}/{{proxy+}}")));
    assert_eq!(greedy, ["GET", "HEAD", "POST", "DELETE"].into_iter().flat_map(both).chain(pages).collect());
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
    for line in
        [BANKED, REFUND, WEBHOOK, LIST_QUERY, ENDPOINTS_HANDLER, EVENTS_HANDLER].into_iter().flat_map(str::lines)
    {
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
    let ends_without_money = |event: &SessionEvent| event.target().is_some_and(|state| shown_state(state) == "failed");
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
        account: AccountIdentifier::uk(sort_code, "12345678").unwrap(),
    };
    Merchant {
        id: "demo".parse().unwrap(),
        name: "Demo".to_owned().try_into().unwrap(),
        idempotency_salt: [0; 32],
        list_spread: models::ListSpread::default(),
        linked_accounts: vec![linked("010203"), linked("123456")],
        keys: vec![],
    }
}

/// A documented request's session, as it is created.
fn create(request: &Value, dialect: Dialect) -> Session {
    let body = serde_json::to_vec(request).unwrap();
    let id = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
    let new =
        parse_create(&Json::read(&body).unwrap(), dialect, &merchant(), id, &"GBP:100000000".parse().unwrap()).unwrap();
    let creation = Creation {
        id,
        end_to_end_id: "728d061b-8e47-4052-be4f-5f9bcdee39ff".parse().unwrap(),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        list_shard: models::ListShard::default(),
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
        phone: None,
    });
    for (at, cause) in [
        ("2019-11-01T15:49:02Z", SessionEvent::PayerIdentified),
        ("2019-11-01T15:49:20Z", SessionEvent::BankChosen),
        ("2019-11-01T15:50:11Z", SessionEvent::ConsentGiven),
        ("2019-11-01T15:50:12Z", SessionEvent::Settled),
    ] {
        let state = cause.target().unwrap();
        session.history.append(state, at.parse().unwrap(), cause, "w".parse().unwrap());
        session.state = state;
    }
    session
}

/// The same where the payer's bank shared the account.
fn sent_from_known_account(openapi: &Value) -> Session {
    let account = AccountIdentifier::uk("040004", "87654321").unwrap();
    let payer_account = Some(Payee { name: "Paula Payer".to_owned().try_into().unwrap(), account });
    Session { payer_account, ..sent(openapi) }
}

/// A refund of `session` by a documented request, and the session that pays it.
fn refund(session: &Session, request: &Value) -> (Refund, Option<Session>) {
    let new = parse_refund(&Json::read(&serde_json::to_vec(request).unwrap()).unwrap()).unwrap();
    assert_eq!(new.session_id, session.id);
    let creation = RefundCreation {
        id: "0e61cc47-6b92-4a6a-8951-3ddd8a462ee8".parse().unwrap(),
        payment_session_id: "8373a8b4-b3af-49de-8699-a7d0f2c468dd".parse().unwrap(),
        end_to_end_id: "5b6f2c1e-0d3a-4c58-9a51-2f1c8e7d4b90".parse().unwrap(),
        at: "2019-11-04T09:12:40Z".parse().unwrap(),
        base_url: "http://127.0.0.1:3000".to_owned(),
        write_id: "w".parse().unwrap(),
    };
    let (refund, payment) = Refund::create(session, new, creation).unwrap();
    (refund, payment.map(api::fill_in_return_urls))
}

fn sort_code(account: &AccountIdentifier) -> &str {
    match account {
        AccountIdentifier::UkAccount { sort_code, .. } => sort_code.as_str(),
        AccountIdentifier::Iban { .. } => panic!("{account:?}"),
    }
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
    assert_eq!((given.name.as_str(), sort_code(&given.account)), ("Paula Payer", "040004"));
    with_payee["payee"] = json!({ "account_number": "12345678", "sort_code": "01-02-03" });
    let given = paid_to(&session, &with_payee);
    assert_eq!((given.name.clone(), sort_code(&given.account)), (session.payer.unwrap().name, "010203"));
    let known = sent_from_known_account(&openapi);
    assert_eq!(Some(paid_to(&known, &with_payee)), known.payer_account);
}

/// The parameters that a request for a refund is refused for.
fn wrong_with(request: &Value) -> Vec<String> {
    match parse_refund(&Json::read(&serde_json::to_vec(request).unwrap()).unwrap()) {
        Ok(_) => vec![],
        Err(Refusal::Invalid(violations)) => violations.into_iter().filter_map(|one| one.parameter).collect(),
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
    let fields = parse_refund(&Json::read(&serde_json::to_vec(&wrong).unwrap()).unwrap()).unwrap_err();
    for (path, method, name, refusal) in [
        (refunds, "post", "notSent", not_refundable(NotRefundable::NotSent(SessionState::Pending))),
        (refunds, "post", "paysRefund", not_refundable(NotRefundable::PaysRefund)),
        (refunds, "post", "tooMany", not_refundable(NotRefundable::TooMany)),
        (refunds, "post", "tooMuch", not_refundable(NotRefundable::TooMuch { left })),
        (refunds, "post", "fields", fields),
        (refunds, "post", "unknown", Refusal::Unknown("payment_session_id")),
        (refunds, "get", "unknown", Refusal::Unknown("payment_session_id")),
        (refunds, "post", "idempotencyConflict", Refusal::IdempotencyConflict),
        (sessions, "post", "idempotencyConflict", Refusal::IdempotencyConflict),
    ] {
        let answer = render_error(&refusal.into());
        let said: Value = serde_json::from_slice(answer.body()).unwrap();
        let documented = documented_error(&openapi, path, method, answer.status().as_u16(), name);
        assert_eq!(said, *documented, "{method} {path}: {name}");
    }
}

// webhooks and events

/// What a source says that a constant is.
fn constant<'a>(source: &'a str, name: &str) -> &'a str {
    let declared = source.lines().find(|line| line.contains(&format!("const {name}: "))).unwrap();
    declared.split(" = ").nth(1).unwrap().strip_suffix(';').unwrap()
}

/// The texts of an error type's variants.
fn error_texts<'a>(source: &'a str, name: &str) -> BTreeSet<&'a str> {
    let body = source.split(&format!("pub enum {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
    body.lines().filter_map(|line| line.trim().strip_prefix("#[error(\"")?.strip_suffix("\")]")).collect()
}

/// The fields of a struct.
fn fields<'a>(source: &'a str, name: &str) -> BTreeSet<&'a str> {
    let body = source.split(&format!("struct {name} {{")).nth(1).unwrap().split("\n}").next().unwrap();
    let code = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    code.filter_map(|line| Some(line.split_once(": ")?.0)).collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn value(view: &impl Serialize) -> Value {
    serde_json::to_value(view).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The cells of a description's tables, row by row.
fn rows(description: &str) -> impl Iterator<Item = Vec<&str>> {
    description.lines().filter(|line| line.starts_with('|')).map(|line| line.split('|').map(str::trim).collect())
}

fn told(openapi: &Value, path: &str, method: &str) -> String {
    let description = openapi.pointer(path).unwrap()[method]["description"].as_str().unwrap();
    description.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A documented request's endpoint, as it is registered.
fn register(request: &Value) -> Endpoint {
    let parts = parse_webhook(&Json::read(&serde_json::to_vec(request).unwrap()).unwrap(), true, taken).unwrap();
    Endpoint {
        id: "5d8a1f52-3c0e-4b7b-9a55-0f6a3f1c2e47".parse().unwrap(),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        format: parts.format.unwrap_or_default(),
        url: parts.url.unwrap(),
        description: parts.description.flatten(),
        events: parts.events.unwrap_or(Subscription::All),
        thin: parts.thin.unwrap_or(false),
        disabled_by: None,
        created_at: at("2019-11-01T15:40:00Z"),
        secret: EndpointSecret::new("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=".to_owned()),
        rotations: 0,
        previous_secret: None,
        previous_secret_until: None,
        failures: 0,
        parked_until: None,
        pace: models::Pace::default(),
    }
}

fn taken(url: &str) -> Result<String, &'static str> {
    Ok(url.to_owned())
}

/// The endpoint some days later, its secret replaced a moment ago.
fn rotated(endpoint: &Endpoint) -> (Endpoint, Timestamp) {
    let now = at("2019-11-04T09:00:00Z");
    let rotated = Endpoint {
        secret: EndpointSecret::new("whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=".to_owned()),
        rotations: 1,
        previous_secret: Some(endpoint.secret.clone()),
        previous_secret_until: Some(Endpoint::rotated_until(now)),
        ..endpoint.clone()
    };
    (rotated, now)
}

/// The event of an object's history entry, as it is kept.
fn event(object: Object, sequence: usize) -> StoredEvent {
    let mut kept = value(&object.as_of(sequence));
    (kept["sequence"], kept["ttl"]) = (json!(sequence), json!(0));
    serde_json::from_value(kept).unwrap()
}

fn of_session(session: &Session, sequence: usize) -> StoredEvent {
    event(Object::Session(Box::new(session.clone())), sequence)
}

fn of_refund(refund: &Refund, sequence: usize) -> StoredEvent {
    event(Object::Refund(Box::new(refund.clone())), sequence)
}

/// One attempt that was answered, and one that was not.
fn attempts() -> [DeliveryAttempt; 2] {
    let endpoint_id = "5d8a1f52-3c0e-4b7b-9a55-0f6a3f1c2e47".parse().unwrap();
    let missed = DeliveryAttempt {
        endpoint_id,
        at: at("2019-11-01T15:50:13Z"),
        latency_ms: 15_001,
        status: None,
        answer: None,
        error: Some("there was no answer in time".to_owned()),
    };
    let taken = DeliveryAttempt {
        endpoint_id,
        at: at("2019-11-01T15:50:33Z"),
        latency_ms: 84,
        status: Some(200),
        answer: Some(r#"{"ok":true}"#.to_owned()),
        error: None,
    };
    [missed, taken]
}

/// Checks that these show all that a schema describes, but for what begins with one of `never`, and nothing else.
fn show_all(openapi: &Value, name: &str, shown: &[Value], never: &[&str]) {
    let schema = schema(openapi, name);
    let (mut seen, mut all) = (BTreeSet::new(), BTreeSet::new());
    for value in shown {
        check(openapi, schema, value, name, &mut seen);
    }
    all_described(openapi, schema, name, &mut all);
    all.retain(|at| !never.iter().any(|never| at.starts_with(never)));
    assert_eq!(seen, all, "{name}");
}

#[test]
fn webhooks_events_and_attempts_show_all_that_is_described_and_nothing_else() {
    let openapi = openapi();
    let endpoint = register(request(&openapi, "/v2/webhooks", "some"));
    let (rotated, now) = rotated(&endpoint);
    show_all(&openapi, "Webhook", &[value(&WebhookView::new(&endpoint, now))], &[]);
    let with_secrets = [&endpoint, &rotated].map(|endpoint| value(&WebhookView::with_secret(endpoint, now)));
    show_all(&openapi, "WebhookWithSecret", &with_secrets, &[]);

    let session = sent_from_known_account(&openapi);
    let (refund, payment) = refund(&session, request(&openapi, "/v2/refunds", "candles"));
    let events = [of_session(&session, 1), of_session(&session, 5), of_session(&payment.unwrap(), 1)];
    let shown: Vec<_> = events.iter().map(|event| value(&EventView::new(event))).collect();
    show_all(&openapi, "PaymentSessionEvent", &shown, &["PaymentSessionEvent.data.refunds."]);
    assert!(shown.iter().all(|event| event["data"]["refunds"] == json!([])));
    let of_refund = of_refund(&refund, 1);
    show_all(&openapi, "RefundEvent", &[value(&EventView::new(&of_refund))], &[]);
    let thin = [&events[1], &of_refund].map(|event| value(&EventView::thin(event)));
    show_all(&openapi, "ThinEvent", &thin, &[]);

    show_all(&openapi, "Attempt", &attempts().each_ref().map(|attempt| value(&AttemptView::new(attempt))), &[]);
    assert_eq!(keys(&schema(&openapi, "Replayed")["properties"]), fields(WEBHOOK, "ReplayView"));
    for name in ["WebhookList", "EventList", "AttemptList"] {
        assert_eq!(keys(&schema(&openapi, name)["properties"]), fields(ANSWER, "List<T>"), "{name}");
    }
}

#[test]
fn the_documented_endpoints_events_and_attempts_are_what_the_code_shows() {
    let openapi = openapi();
    let endpoint = register(request(&openapi, "/v2/webhooks", "some"));
    let (rotated, now) = rotated(&endpoint);
    let registered = value(&WebhookView::with_secret(&endpoint, endpoint.created_at));
    assert_eq!(registered, *documented(&openapi, "WebhookRegistered"));
    assert_eq!(value(&WebhookView::with_secret(&rotated, now)), *documented(&openapi, "WebhookRotated"));
    let of_session = of_session(&sent(&openapi), 5);
    let (refund, _) = refund(&sent_from_known_account(&openapi), request(&openapi, "/v2/refunds", "candles"));
    assert_eq!(value(&EventView::new(&of_session)), *documented(&openapi, "SessionEvent"));
    assert_eq!(value(&EventView::new(&of_refund(&refund, 1))), *documented(&openapi, "RefundEvent"));
    assert_eq!(value(&EventView::thin(&of_session)), *documented(&openapi, "ThinEvent"));
    let data = attempts().each_ref().map(|attempt| value(&AttemptView::new(attempt)));
    assert_eq!(json!({ "data": data, "next_cursor": null }), *documented(&openapi, "Attempts"));
}

/// Each state's event, as the first of its session or refund and as a later one.
fn events_of_all_types(openapi: &Value) -> Vec<StoredEvent> {
    let session = create(request(openapi, "/v2/payment_sessions", "candles"), Dialect::V2);
    let (refund, _) = refund(&sent(openapi), request(openapi, "/v2/refunds", "candles"));
    let causes = SessionEvent::ALL.into_iter().filter_map(|cause| Some((cause.target()?, cause)));
    let later = causes.map(|(state, cause)| {
        let mut session = session.clone();
        session.history.append(state, session.created_at, cause, "w".parse().unwrap());
        of_session(&session, 2)
    });
    let first = [SessionState::AwaitingPayer, SessionState::AwaitingProvider].map(|state| {
        let mut session = session.clone();
        session.history = History::begin(state, session.created_at, SessionEvent::Created, "w".parse().unwrap());
        of_session(&session, 1)
    });
    let refunds = RefundState::ALL.map(|state| {
        let mut refund = refund.clone();
        refund.history = History::begin(state, refund.created_at, RefundEvent::Created, "w".parse().unwrap());
        of_refund(&refund, 1)
    });
    later.chain(first).chain(refunds).collect()
}

#[test]
fn event_types_and_their_names_are_the_domains() {
    let openapi = openapi();
    let event_type = schema(&openapi, "EventType");
    let all: BTreeSet<_> = EventType::all().map(|event_type| event_type.to_string()).collect();
    assert_eq!(texts(&event_type["enum"]), all.iter().map(String::as_str).collect());

    let shown: Vec<_> = events_of_all_types(&openapi).iter().map(|event| value(&EventView::thin(event))).collect();
    let names: BTreeSet<_> = shown.iter().map(|event| event["webhook_event"].as_str()).collect();
    let common = &schema(&openapi, "EventCommon")["properties"];
    let listed: BTreeSet<_> = common["webhook_event"]["enum"].as_array().unwrap().iter().map(Value::as_str).collect();
    assert_eq!(names, listed);
    assert_eq!(texts(&common["webhook_type"]["enum"]), ["payment_session", "refund"].into());
    let named = |event: &Value| {
        let name = event["webhook_event"].as_str().unwrap_or("null").to_owned();
        (event["type"].as_str().unwrap().to_owned(), name)
    };
    let mut described = BTreeSet::new();
    for row in rows(event_type["description"].as_str().unwrap()).skip(2) {
        let each = quoted(row[3]).map(|name| (quoted(row[1]).next().unwrap().to_owned(), name.to_owned()));
        described.extend(each);
    }
    assert_eq!(shown.iter().map(named).collect::<BTreeSet<_>>(), described);
    let kinds: BTreeSet<_> = shown.iter().map(|event| event["webhook_type"].as_str().unwrap()).collect();
    assert_eq!(keys(&schema(&openapi, "Event")["discriminator"]["mapping"]), kinds);
    let pattern = schema(&openapi, "EventId")["examples"][0].as_str().unwrap();
    assert_eq!(pattern, documented(&openapi, "SessionEvent")["id"]);
}

#[test]
fn reading_webhooks_and_events_needs_one_scope_and_everything_else_another() {
    let openapi = openapi();
    let mut operations = 0;
    for (path, item) in openapi["paths"].as_object().unwrap() {
        if !(path.starts_with("/v2/webhooks") || path.starts_with("/v2/events") || path.ends_with("/events")) {
            continue;
        }
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters") {
            let scope = if method == "get" { Scope::PaymentSessionsRead } else { Scope::WebhooksWrite };
            let expected = json!([{ "basic": [] }, { "secretKey": [] }, { "oauth2": [scope.as_str()] }]);
            assert_eq!(operation["security"], expected, "{method} {path}");
            operations += 1;
        }
    }
    assert_eq!(operations, 11);
}

/// The parameters that a request about an endpoint is refused for.
fn wrong_with_webhook(request: &Value, url_required: bool) -> Vec<String> {
    match parse_webhook(&Json::read(&serde_json::to_vec(request).unwrap()).unwrap(), url_required, taken) {
        Ok(_) => vec![],
        Err(Refusal::Invalid(violations)) => violations.into_iter().filter_map(|one| one.parameter).collect(),
        Err(error) => panic!("{request}: {error}"),
    }
}

#[test]
fn every_field_of_a_webhooks_request_is_described_with_its_limits() {
    let openapi = openapi();
    let described = &schema(&openapi, "WebhookFields")["properties"];
    assert_eq!(keys(described), fields(WEBHOOK, "WebhookRequest"));
    assert_eq!(wrong_with_webhook(&json!({}), true), ["url"]);
    assert_eq!(texts(&schema(&openapi, "NewWebhook")["allOf"][1]["required"]), ["url"].into());
    assert_eq!(wrong_with_webhook(&json!({}), false), [""; 0]);
    for example in
        openapi["paths"]["/v2/webhooks/{id}"]["patch"]["requestBody"]["content"]["application/json"]["examples"]
            .as_object()
            .unwrap()
            .values()
    {
        assert_eq!(wrong_with_webhook(&example["value"], false), [""; 0]);
    }

    let number = |field: &str, limit: &str| usize::try_from(described[field][limit].as_u64().unwrap()).unwrap();
    let with = |field: &str, value: Value| wrong_with_webhook(&json!({ field: value }), false);
    let most = number("url", "maxLength");
    assert_eq!(most.to_string(), constant(ENDPOINT_URL, "MAX_URL_BYTES"));
    let url = |length: usize| json!(format!("https://a.example/{}", "a".repeat(length - "https://a.example/".len())));
    assert_eq!((with("url", url(most)), with("url", url(most + 1))), (vec![], vec!["url".to_owned()]));
    assert_eq!(schema(&openapi, "Webhook")["properties"]["url"]["maxLength"], most);
    let most = number("description", "maxLength");
    let refused = vec!["description".to_owned()];
    assert_eq!((with("description", json!("é".repeat(most))), with("description", json!(""))), (vec![], vec![]));
    assert_eq!(with("description", json!("é".repeat(most + 1))), refused);
    let (least, most) = (number("events", "minItems"), number("events", "maxItems"));
    let events = |count: usize| json!(vec!["refund.sent"; count]);
    assert_eq!((with("events", events(least)), with("events", events(most))), (vec![], vec![]));
    for count in [least - 1, most + 1] {
        assert_eq!(with("events", events(count)), ["events"]);
    }
    for event_type in EventType::all().map(|event_type| event_type.to_string()).chain(["*".to_owned()]) {
        assert_eq!(with("events", json!([event_type])), [""; 0]);
    }

    let served = described["format"]["enum"].as_array().unwrap();
    for format in WireFormat::ALL {
        let refused = if served.contains(&json!(format.as_str())) { vec![] } else { vec!["format".to_owned()] };
        assert_eq!(with("format", json!(format.as_str())), refused, "{format:?}");
    }
    assert_eq!((served.last(), with("format", Value::Null)), (Some(&Value::Null), vec![]));

    let defaults = "Left out, `events` is `[\"*\"]`, `enabled` true, `thin` false, and `format` `banked`.";
    assert_eq!(schema(&openapi, "NewWebhook")["description"], defaults);
    let plain = register(request(&openapi, "/v2/webhooks", "all"));
    assert_eq!(plain.format, WireFormat::Banked);
    let shown = value(&WebhookView::new(&plain, plain.created_at));
    assert_eq!((&shown["events"], &shown["enabled"], &shown["thin"]), (&json!(["*"]), &json!(true), &json!(false)));
}

#[test]
fn refused_urls_and_failed_deliveries_are_described_as_they_are_told() {
    let openapi = openapi();
    let url = &schema(&openapi, "WebhookFields")["properties"]["url"];
    let described: BTreeSet<_> =
        rows(url["description"].as_str().unwrap()).skip(2).filter_map(|row| quoted(row[1]).next()).collect();
    let bytes = constant(ENDPOINT_URL, "MAX_URL_BYTES");
    let texts_told = error_texts(ENDPOINT_URL, "RefusedUrl");
    let said: Vec<_> = texts_told.iter().map(|text| text.replace("{MAX_URL_BYTES}", bytes)).collect();
    assert_eq!(described, said.iter().map(String::as_str).collect());
    let wait_s = constant(ENDPOINT_URL, "RESOLVE_MS").strip_suffix("_000").unwrap();
    assert!(url["description"].as_str().unwrap().contains(&format!("within {wait_s} seconds")));

    let attempt = &schema(&openapi, "Attempt")["properties"];
    assert_eq!(texts(&attempt["error"]["enum"]), error_texts(SENDER, "Failure"));
    assert_eq!(constant(SENDER, "MAX_KEPT_BYTES"), "1024");
    assert_eq!(attempt["answer"]["description"], "The first 1 KiB of the answer's body.");

    let disabled = [DisabledBy::Merchant, DisabledBy::Gone].map(|by| value(&by));
    let reasons = schema(&openapi, "Webhook")["properties"]["disabled_by"]["enum"].as_array().unwrap();
    assert_eq!(reasons[..2], disabled);
    assert_eq!(reasons[2..], [Value::Null]);
}

#[test]
fn limits_of_webhooks_and_events_are_the_codes() {
    let openapi = openapi();
    let registering = told(&openapi, "/paths/~1v2~1webhooks", "post");
    assert!(registering.contains(&format!("At most {MAX_ENDPOINTS} for test and {MAX_ENDPOINTS} for live")));
    let conflict = &openapi["components"]["responses"]["WebhookConflict"]["description"];
    assert!(conflict.as_str().unwrap().contains(&format!("There are {MAX_ENDPOINTS} endpoints")));
    assert_eq!(schema(&openapi, "WebhookList")["properties"]["data"]["maxItems"], MAX_ENDPOINTS);
    assert_eq!(schema(&openapi, "Replayed")["properties"]["webhook_ids"]["maxItems"], MAX_ENDPOINTS);

    let limit = &openapi["components"]["parameters"]["Limit"]["schema"];
    let query = |query: &str| api::list_query(query, ListParameters::NONE, |_| Ok(None), |_, _| Ok(()));
    assert_eq!(limit["default"], query("").unwrap().limit);
    for (limit, taken) in [(&limit["minimum"], -1), (&limit["maximum"], 1)] {
        let limit = limit.as_i64().unwrap();
        assert!(query(&format!("limit={limit}")).is_ok());
        assert!(query(&format!("limit={}", limit + taken)).is_err());
    }
    let most = constant(EVENTS_HANDLER, "MAX_ITEMS");
    for name in ["EventList", "AttemptList"] {
        assert_eq!(schema(&openapi, name)["properties"]["data"]["maxItems"].to_string(), most, "{name}");
    }
    assert!(told(&openapi, "/paths/~1v2~1events~1{id}~1attempts", "get").starts_with(&format!("The last {most}, ")));
    let polled = told(&openapi, "/paths/~1v2~1payment_sessions~1{id}~1events", "get");
    assert!(polled.contains(&format!("at most {most}.")));
    let days = constant(EVENTS_STORE, "KEPT").strip_prefix("SignedDuration::from_hours(").unwrap();
    let days = days.strip_suffix(" * 24)").unwrap();
    for description in [&polled, &told(&openapi, "/paths/~1v2~1events", "get")] {
        assert!(description.contains(&format!("kept for {days} days")), "{description}");
    }

    let now = at("2019-11-04T09:00:00Z");
    let hours = |until: Timestamp| until.duration_since(now).as_hours();
    let rotating = told(&openapi, "/paths/~1v2~1webhooks~1{id}~1rotate", "post");
    assert!(rotating.contains(&format!("for {} hours, or until", hours(Endpoint::rotated_until(now)))));
}

#[test]
fn when_a_webhook_is_tried_again_is_the_domains() {
    let openapi = openapi();
    let sending = told(&openapi, "/webhooks/event", "post");
    let says = |text: &str| assert!(sending.contains(text), "{text}");
    let now = at("2019-11-04T09:00:00Z");
    let wait = |attempts| next_delivery(attempts, now, 0.5).duration_since(now);
    says(&format!("about {} seconds after the first failure", wait(1).as_secs()));
    assert!((1..7).all(|attempts| wait(attempts + 1) == wait(attempts) * 3));
    says("then after three times as long each time");
    says(&format!("up to {} hours", wait(u32::MAX).as_hours()));
    let after = |time: SignedDuration| is_given_up(now, now.checked_add(time).unwrap());
    let three_days = SignedDuration::from_hours(3 * 24);
    assert!(after(three_days) && !after(three_days - SignedDuration::from_secs(1)));
    says("for three days");
    let parked = |failures| Some(Endpoint::park_until(failures, now, 0.5)?.duration_since(now).as_mins());
    let failing = (0..).find(|failures| parked(*failures).is_some()).unwrap();
    says(&format!("failed {failing} times in a row is tried by one delivery"));
    says(&format!("waits of up to {} minutes", parked(u32::MAX).unwrap()));
    let healthy = register(request(&openapi, "/v2/webhooks", "all"));
    let failed = Endpoint { failures: failing, ..healthy.clone() };
    let paced = |took: Option<Duration>| Endpoint { pace: healthy.pace.after(took), ..healthy.clone() };
    let at_once =
        [&paced(Some(Duration::ZERO)), &healthy, &paced(None), &failed].map(Endpoint::max_concurrent_deliveries);
    assert_eq!(at_once, [MAX_CONCURRENT_DELIVERIES, 2, 1, 1]);
    says(&format!(
        "at most {MAX_CONCURRENT_DELIVERIES} are under way at once, 2 as long as it has never answered, and 1 after"
    ));
    // That is enough also for the first, and to come back.
    assert_eq!(healthy.pace.patience(), Duration::from_millis(500));
    let again = healthy.pace.after(None).after(Some(Duration::from_millis(499)));
    assert_eq!((again.lane(), QUICK > healthy.pace.patience()), (models::Lane::Fast, true));
    says("Answer within half a second");
    let longest = models::not_before(Duration::MAX, now).duration_since(now);
    says(&format!("is heeded if it is later than that, for up to {} hours", longest.as_hours()));
    assert!(SENDER.contains("answer_ms: 15_000") && SENDER.contains("redirect::Policy::none()"));
    says("any 2xx within 15 seconds");
    says("redirects included, which are not followed");
}

/// Signs as the description says, not as the code does it.
#[test]
fn the_documented_signatures_verify() {
    let openapi = openapi();
    let description = openapi["webhooks"]["event"]["post"]["description"].as_str().unwrap();
    let table: BTreeMap<_, _> =
        rows(description).filter_map(|row| Some((row[1], row[2].strip_prefix('`')?.strip_suffix('`')?))).collect();
    let body = table["raw body"];
    let thin = of_session(&sent(&openapi), 5);
    assert_eq!(body, serde_json::to_string(&EventView::thin(&thin)).unwrap());
    assert_eq!(table["webhook-id"], thin.id().to_string());
    let secret = table["secret"];
    assert_eq!(secret, documented(&openapi, "WebhookRegistered")["secret"]);
    let sign = |key: &[u8], text: String| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
        tag.as_ref().to_vec()
    };
    let timestamp = table["webhook-timestamp"];
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let standard = sign(&key, format!("{}.{timestamp}.{body}", table["webhook-id"]));
    assert_eq!(table["webhook-signature"], format!("v1,{}", BASE64_STANDARD.encode(standard)));
    let banked = sign(secret.as_bytes(), format!("{timestamp}.{body}"));
    let digits: String = banked.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(table["Banked-Signature"], format!("{timestamp}.{digits}"));

    let parameters = openapi["webhooks"]["event"]["post"]["parameters"].as_array().unwrap();
    for name in parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()) {
        assert!(table.contains_key(name), "{name} is in no example");
        assert!(SENDER.contains(&format!("\"{}\"", name.to_lowercase())), "{name} is not sent");
    }
}

#[test]
fn the_documented_refusals_of_webhooks_are_what_the_code_says() {
    let openapi = openapi();
    let public = "must be a URL whose host is on the public internet";
    let wrong = json!({ "url": "http://localhost/", "events": ["payment_session.paid"], "thin": "yes" });
    let body = serde_json::to_vec(&wrong).unwrap();
    for (path, method, required) in [("/v2/webhooks", "post", true), ("/v2/webhooks/{id}", "patch", false)] {
        let answer =
            render_error(&parse_webhook(&Json::read(&body).unwrap(), required, |_| Err(public)).unwrap_err().into());
        let said: Value = serde_json::from_slice(answer.body()).unwrap();
        let documented = documented_error(&openapi, path, method, answer.status().as_u16(), "fields");
        assert_eq!(said, *documented, "{method} {path}");
    }
    let title = |path: &str, method: &str, status: u16, name: &str| {
        let documented = documented_error(&openapi, path, method, status, name);
        documented["errors"][0]["title"].as_str().unwrap().to_owned()
    };
    let unresolved = title("/v2/webhooks", "post", 422, "unresolved");
    assert!(error_texts(ENDPOINT_URL, "RefusedUrl").contains(unresolved.strip_prefix("url ").unwrap()));
    // These are said by the functions themselves.
    let too_many = title("/v2/webhooks", "post", 409, "tooMany");
    assert!(ENDPOINTS_HANDLER.contains(&too_many.replace(&MAX_ENDPOINTS.to_string(), "{MAX_ENDPOINTS}")));
    let untold = title("/v2/events/{id}/replay", "post", 409, "untold");
    assert!(EVENTS_HANDLER.contains(&untold.replace("payment_session.sent", "{}")));
    let said: Value = serde_json::from_slice(render_error(&Refusal::IdempotencyConflict.into()).body()).unwrap();
    assert_eq!(said, *documented_error(&openapi, "/v2/webhooks", "post", 409, "idempotencyConflict"));
}
