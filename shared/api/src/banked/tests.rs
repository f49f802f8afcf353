//! Every rule of creating, with its code and parameter, and every error's status and body.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use models::{Currency, Merchant, MinorUnits, Mode, Money, NewSession, NotRefundable, Scope, SessionId, SessionState};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ErrorShape;
use crate::error::{ApiError, Refusal};
use crate::json::Json;

const ID: SessionId = SessionId::new(uuid::Uuid::nil());

pub(super) fn merchant() -> Merchant {
    let mut merchant = samples::merchant();
    merchant.linked_accounts[0].name = samples::name("Linked Name");
    merchant
}

fn document_1() -> Value {
    json!({
        "reference": "Illuminate",
        "success_url": "http://example.com/success?id=__PAYMENT_ID__",
        "error_url": "http://example.com/error",
        "line_items": [{ "name": "Candles", "amount": 100, "currency": "GBP", "quantity": 4 }],
        "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203" },
        "email_receipt": true,
    })
}

fn create(body: &[u8], dialect: Dialect) -> Result<NewSession, Refusal> {
    let merchant = merchant();
    let accounts = merchant.payable_accounts(Mode::Test, samples::now());
    parse_create(&Json::read(body)?, dialect, accounts, ID, &"GBP:100000000".parse().unwrap())
}

#[test]
fn an_account_that_was_just_linked_is_refused_live_and_says_from_when_on() {
    let mut merchant = merchant();
    merchant.linked_accounts[0].linked_at = Some("2026-01-31T09:30:00Z".parse().unwrap());
    let create = |mode, now: &str| {
        let (accounts, body) = (merchant.payable_accounts(mode, now.parse().unwrap()), document_1().to_string());
        let body = Json::read(body.as_bytes()).unwrap();
        parse_create(&body, Dialect::V2, accounts, ID, &"GBP:100000000".parse().unwrap())
    };
    assert!(create(Mode::Test, "2026-01-31T09:30:00Z").is_ok());
    assert!(create(Mode::Live, "2026-02-01T09:30:00Z").is_ok());
    let Err(Refusal::Invalid(wrong)) = create(Mode::Live, "2026-02-01T09:29:59Z") else { panic!("created") };
    let shown = format!("{wrong:?}");
    assert!(wrong.len() == 1 && wrong[0].parameter.as_deref() == Some("payee"), "{shown}");
    assert!(shown.contains("can be paid into it from 2026-02-01T09:30:00Z on"), "{shown}");
}

fn refund(body: &[u8]) -> Result<models::NewRefund, Refusal> {
    parse_refund(&Json::read(body)?)
}

fn parse_as(dialect: Dialect, request: &Value) -> Result<NewSession, Refusal> {
    create(request.to_string().as_bytes(), dialect)
}

fn parse(request: &Value) -> Result<NewSession, Refusal> {
    parse_as(Dialect::V2, request)
}

/// Document 1's request with `value` at `pointer`; removed if null.
fn with(pointer: &str, value: Value) -> Value {
    let mut request = document_1();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(fields), Value::Null) => drop(fields.remove(key)),
        (Value::Object(fields), value) => drop(fields.insert(key.to_owned(), value)),
        (Value::Array(items), value) => items[key.parse::<usize>().unwrap()] = value,
        (other, _) => panic!("{other}"),
    }
    request
}

fn render_error(error: &ApiError) -> Response<Body> {
    ErrorShape::of("GET", "/v2/payment_sessions", "").render(error)
}

fn violations(answer: Result<NewSession, Refusal>) -> Vec<(&'static str, String)> {
    match answer {
        Err(Refusal::Invalid(all)) => all
            .into_iter()
            .map(|violation| (violation.code.unwrap(), violation.parameter.unwrap_or_default()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_can_be_retried_and_has_a_language_if_its_creation_says_so() {
    let new = parse(&document_1()).unwrap();
    assert_eq!((new.retry, new.locale), (false, None));
    assert!(parse(&with("/retry", json!(true))).unwrap().retry);
    let locale = parse(&with("/locale", json!("cy-GB"))).unwrap().locale.unwrap();
    assert_eq!(locale.as_str(), "cy-GB");
}

#[test]
fn takes_document_1() {
    let new = parse(&document_1()).unwrap();
    assert_eq!(new.amount.to_string(), "£4.00");
    assert_eq!(new.payee.name.as_str(), "Gerald Wiley");
    assert!(new.email_receipt && new.payer.is_none());
}

#[test]
fn takes_what_may_be_left_out_or_null() {
    for pointer in ["/success_url", "/error_url", "/email_receipt", "/payee/name"] {
        assert!(parse(&with(pointer, Value::Null)).is_ok(), "{pointer}");
        let mut nulled = document_1();
        *nulled.pointer_mut(pointer).unwrap() = Value::Null;
        assert!(parse(&nulled).is_ok(), "{pointer}");
    }
    assert_eq!(parse(&with("/payee/name", Value::Null)).unwrap().payee.name.as_str(), "Linked Name");
    for (pointer, value) in [
        ("/unknown", json!({ "anything": [1] })),
        ("/payer", json!({ "name": "Ada", "email": "ada@example.com" })),
        ("/payer", json!({ "name": "Ada" })),
        ("/metadata", json!({ "order": "42" })),
        ("/expires_in_seconds", json!(60)),
        ("/test_clock", json!("C3F0A6DE-52b7-4e0c-9a2d-7d1b8e6f4a10")),
        ("/test_clock", Value::Null),
        ("/amount", json!(400)),
        ("/currency", json!("GBP")),
        ("/line_items/0/description", json!("Twelve hours")),
        ("/line_items/0/description", json!("")),
        ("/payee/sort_code", json!("01-02-03")),
    ] {
        assert!(parse(&with(pointer, value.clone())).is_ok(), "{pointer} {value}");
    }
}

#[test]
fn every_rule_names_its_code_and_field() {
    let long = "x".repeat(141);
    let account = "invalid_payee_account_identifier";
    let cases = [
        ("/reference", Value::Null, "invalid_reference", "reference"),
        ("/reference", json!("1234567890123456789"), "invalid_reference", "reference"),
        ("/reference", json!("semi;colon"), "invalid_reference", "reference"),
        ("/reference", json!(18), "invalid_reference", "reference"),
        ("/success_url", json!("javascript:alert(1)"), "invalid_success_url", "success_url"),
        ("/error_url", json!("example.com"), "invalid_error_url", "error_url"),
        ("/error_url", json!(["http://example.com"]), "invalid_error_url", "error_url"),
        ("/line_items", Value::Null, "missing_amount_or_line_items", "line_items"),
        ("/line_items", json!([]), "missing_amount_or_line_items", "line_items"),
        ("/line_items", json!({}), "invalid_request", "line_items"),
        ("/line_items/0", json!("Candles"), "invalid_request", "line_items[0]"),
        ("/line_items/0", json!(["Candles", null, 100, null, "GBP", 4]), "invalid_request", "line_items[0]"),
        ("/payee", json!(["Gerald Wiley", "12345678", "010203"]), account, "payee"),
        ("/line_items/0/name", Value::Null, "invalid_request", "line_items[0].name"),
        ("/line_items/0/name", json!(long), "invalid_request", "line_items[0].name"),
        ("/line_items/0/description", json!(long), "invalid_description", "line_items[0].description"),
        ("/line_items/0/name", json!("\u{2800}"), "invalid_request", "line_items[0].name"),
        ("/line_items/0/name", json!("a\u{fffe}"), "invalid_request", "line_items[0].name"),
        ("/line_items/0/description", json!("\u{e0041}"), "invalid_description", "line_items[0].description"),
        ("/line_items/0/amount", Value::Null, "invalid_amount", "line_items[0].amount"),
        ("/line_items/0/amount", json!(0), "invalid_amount", "line_items[0].amount"),
        ("/line_items/0/amount", json!(-1), "invalid_amount", "line_items[0].amount"),
        ("/line_items/0/amount", json!("100"), "invalid_amount", "line_items[0].amount"),
        ("/line_items/0/amount", json!(100.0), "invalid_amount", "line_items[0].amount"),
        ("/line_items/0/amount", json!(100_000_001), "invalid_amount", "line_items"),
        ("/line_items/0/amount", json!(i64::MAX), "invalid_amount", "line_items"),
        ("/line_items/0/amount_cents", json!(99), "invalid_line_items.amount_cents", "line_items[0].amount_cents"),
        ("/line_items/0/currency", Value::Null, "invalid_currency", "line_items[0].currency"),
        ("/line_items/0/currency", json!("EUR"), "invalid_currency", "line_items[0].currency"),
        ("/line_items/0/currency", json!("gbp"), "invalid_currency", "line_items[0].currency"),
        ("/line_items/0/quantity", Value::Null, "invalid_request", "line_items[0].quantity"),
        ("/line_items/0/quantity", json!(0), "invalid_request", "line_items[0].quantity"),
        ("/line_items/0/quantity", json!(1.5), "invalid_request", "line_items[0].quantity"),
        ("/line_items/0/quantity", json!(4_294_967_296_u64), "invalid_request", "line_items[0].quantity"),
        ("/amount", json!(399), "invalid_amount", "amount"),
        ("/amount", json!("400"), "invalid_amount", "amount"),
        ("/payee", Value::Null, account, "payee"),
        ("/payee", json!("Gerald"), account, "payee"),
        ("/payee/sort_code", Value::Null, account, "payee.sort_code"),
        ("/payee/sort_code", json!("01020"), account, "payee.sort_code"),
        ("/payee/sort_code", json!(10203), account, "payee.sort_code"),
        ("/payee/account_number", json!("1234567"), account, "payee.account_number"),
        ("/payee/account_number", json!("12345679"), account, "payee"),
        ("/payee/name", json!(""), "invalid_request", "payee.name"),
        ("/payee/name", json!("\u{301}"), "invalid_request", "payee.name"),
        ("/payee/sort_code", json!("０１０２０３"), account, "payee.sort_code"),
        ("/payee/account_number", json!("123456"), account, "payee.account_number"),
        ("/success_url", json!("https://example.com/\u{fdd0}"), "invalid_success_url", "success_url"),
        ("/payer", json!("Ada"), "invalid_request", "payer"),
        ("/payer", json!({ "name": "\u{3164}" }), "invalid_request", "payer.name"),
        ("/payer", json!({ "name": "Ada", "email": "" }), "invalid_payer_email", "payer.email"),
        ("/payer", json!({ "name": "Ada", "email": "ada@127.0.0.1" }), "invalid_payer_email", "payer.email"),
        ("/payer", json!({ "name": "Ada", "email": "=?a?q?b?=@example.com" }), "invalid_payer_email", "payer.email"),
        ("/payer", json!({ "email": "ada@example.com" }), "invalid_request", "payer.name"),
        ("/payer", json!({ "name": "Ada", "email": "ada" }), "invalid_payer_email", "payer.email"),
        ("/email_receipt", json!("yes"), "invalid_request", "email_receipt"),
        ("/retry", json!("true"), "invalid_request", "retry"),
        ("/retry", json!(1), "invalid_request", "retry"),
        ("/locale", json!(""), "invalid_request", "locale"),
        ("/locale", json!("english_UK"), "invalid_request", "locale"),
        ("/locale", json!({}), "invalid_request", "locale"),
        ("/metadata", json!([]), "invalid_request", "metadata"),
        ("/metadata", json!({ "order": 42 }), "invalid_request", "metadata.order"),
        ("/currency", json!("EUR"), "invalid_currency", "currency"),
        ("/currency", json!(826), "invalid_currency", "currency"),
        ("/metadata", json!({ "": "42" }), "invalid_request", "metadata"),
        ("/metadata", json!({ "order": "\u{ffff}" }), "invalid_request", "metadata"),
        ("/expires_in_seconds", json!(59), "invalid_request", "expires_in_seconds"),
        ("/expires_in_seconds", json!(604_801), "invalid_request", "expires_in_seconds"),
        ("/expires_in_seconds", json!("60"), "invalid_request", "expires_in_seconds"),
        ("/test_clock", json!(""), "invalid_request", "test_clock"),
        ("/test_clock", json!("clock"), "invalid_request", "test_clock"),
        ("/test_clock", json!("c3f0a6de52b74e0c9a2d7d1b8e6f4a10"), "invalid_request", "test_clock"),
        ("/test_clock", json!("c3f0a6de-52b7-4e0c-9a2d-7d1b8e6f4a1"), "invalid_request", "test_clock"),
        ("/test_clock", json!({ "id": "c3f0a6de-52b7-4e0c-9a2d-7d1b8e6f4a10" }), "invalid_request", "test_clock"),
    ];
    for (pointer, value, code, parameter) in cases {
        let found = violations(parse(&with(pointer, value.clone())));
        assert_eq!(found, [(code, parameter.to_owned())], "{pointer} {value}");
    }
    let many = vec![document_1()["line_items"][0].clone(); 101];
    assert_eq!(violations(parse(&with("/line_items", json!(many)))), [("invalid_request", "line_items".to_owned())]);
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let request = json!({
        "reference": "?",
        "line_items": [
            { "name": "Candles", "amount_cents": "100", "currency": "USD", "quantity": 4 },
            { "name": "Matches", "amount_cents": 0, "currency": "GBP", "quantity": 1 },
        ],
        "payee": { "account_number": "1", "sort_code": "2" },
    });
    let parameters: Vec<_> = violations(parse_as(Dialect::ApiV2, &request)).into_iter().map(|found| found.1).collect();
    let expected = [
        "reference",
        "line_items[0].amount_cents",
        "line_items[0].currency",
        "line_items[1].amount_cents",
        "payee.sort_code",
        "payee.account_number",
    ];
    assert_eq!(parameters, expected);
}

#[test]
fn either_name_of_an_amount_is_accepted_and_a_missing_one_is_called_as_the_path_calls_it() {
    let cents = with("/line_items/0/amount", Value::Null);
    assert_eq!(
        violations(parse_as(Dialect::ApiV2, &cents)),
        [("invalid_line_items.amount_cents", "line_items[0].amount_cents".to_owned())]
    );
    for dialect in [Dialect::V2, Dialect::ApiV2] {
        assert!(parse_as(dialect, &document_1()).is_ok());
        assert!(parse_as(dialect, &with("/line_items/0/amount_cents", json!(100))).is_ok());
        let mut other = cents.clone();
        other["line_items"][0]["amount_cents"] = json!(100);
        assert_eq!(parse_as(dialect, &other).unwrap().amount.minor(), 400);
    }
}

#[test]
fn what_is_no_json_object_is_a_bad_request() {
    let deep = format!("{{\"more\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    for body in
        ["", "{", "null", "[]", "\"x\"", "{\"reference\":}", "{\"reference\":\"a\",\"reference\":\"b\"}", "\u{1}"]
    {
        let answer = create(body.as_bytes(), Dialect::V2);
        assert!(matches!(answer, Err(Refusal::BadRequest(_))), "{body}");
    }
    assert!(matches!(create(b"{\"reference\":\"\xff\"}", Dialect::V2), Err(Refusal::BadRequest(_))));
    // Nested too deeply, even in a field that is not known; nothing overflows.
    assert!(matches!(create(deep.as_bytes(), Dialect::V2), Err(Refusal::BadRequest(_))));
}

#[test]
fn every_error_has_its_status_and_body() {
    let unavailable = || store::StoreError::Unavailable { operation: "PutItem", cause: "secret inside".to_owned() };
    let errors: [(ApiError, u16, &str); 12] = [
        (Refusal::BadRequest("the body must be a JSON object".to_owned()).into(), 400, "bad_request"),
        (Refusal::Unauthorized.into(), 401, "unauthorized"),
        (Refusal::Forbidden(Scope::RefundsWrite).into(), 403, "forbidden"),
        (Refusal::ClockForLiveKey.into(), 403, "forbidden"),
        (Refusal::NotFound.into(), 404, "not_found"),
        (Refusal::MethodNotAllowed("GET, POST".to_owned()).into(), 405, "method_not_allowed"),
        (Refusal::InvalidAction { title: "it is sent".to_owned(), parameter: None }.into(), 409, "invalid_action"),
        (Refusal::IdempotencyConflict.into(), 409, "idempotency_conflict"),
        (Refusal::TooLarge(65536).into(), 413, "invalid_request"),
        (Refusal::UnsupportedMediaType("application/json").into(), 415, "invalid_request"),
        (ApiError::from(unavailable()), 503, "service_unavailable"),
        (ApiError::Internal(Box::new(unavailable())), 500, "internal_error"),
    ];
    for (error, status, code) in errors {
        assert!(CODES.contains(&code), "{code} is not documented");
        let answer = render_error(&error);
        assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap());
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        let title = error.to_string();
        assert_eq!(body, json!({ "errors": [{ "code": code, "title": title, "source": { "parameter": null } }] }));
        assert!(!body.to_string().contains("inside"), "nothing of the inside is said: {body}");
    }
    let named: [(ApiError, u16, &str); 2] = [
        (Refusal::Unknown("payment_session_id").into(), 404, "not_found"),
        (
            Refusal::InvalidAction { title: "it is sent".to_owned(), parameter: Some("payment_session_id") }.into(),
            409,
            "invalid_action",
        ),
    ];
    for (error, status, code) in named {
        let answer = render_error(&error);
        assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap());
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["errors"][0]["code"], code);
        assert_eq!(body["errors"][0]["source"]["parameter"], "payment_session_id");
    }
    let invalid = parse(&with("/reference", Value::Null)).unwrap_err();
    let answer = render_error(&invalid.into());
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    let error = json!({ "code": "invalid_reference", "title": "reference must be given", "source": { "parameter": "reference" } });
    assert_eq!(body, json!({ "errors": [error] }));
}

/// Document 3's own request.
fn document_3() -> Value {
    json!({
        "success_url": "http://example.com/success?id=__PAYMENT_ID__",
        "error_url": "http://example.com/error",
        "amount": 400,
        "reference": "refund Candles",
        "payment_session_id": "e8773200-d4a6-4468-8f8a-1a6473692255",
    })
}

#[test]
fn document_3s_refund_is_read_and_all_of_it_but_the_session_may_be_left_out() {
    let new = refund(document_3().to_string().as_bytes()).unwrap();
    assert_eq!(new.session_id.to_string(), "e8773200-d4a6-4468-8f8a-1a6473692255");
    assert_eq!((new.amount, new.reference.unwrap().as_str()), (Some(MinorUnits::new(400)), "refund Candles"));
    assert!(new.success_url.is_some() && new.error_url.is_some() && new.payee.is_none());
    let new = refund(br#"{"payment_session_id":"e8773200-d4a6-4468-8f8a-1a6473692255","more":1}"#).unwrap();
    assert!(new.amount.is_none() && new.reference.is_none() && new.success_url.is_none());
}

#[test]
fn every_rule_of_a_refund_names_its_field() {
    let account = |number: &str| json!({ "name": "Ada", "account_number": number, "sort_code": "040004" });
    let payee = "invalid_payee_account_identifier";
    let rules = [
        ("payment_session_id", json!(null), "invalid_request", "payment_session_id"),
        ("payment_session_id", json!("PAYMENT_ID"), "invalid_request", "payment_session_id"),
        ("payment_session_id", json!(1), "invalid_request", "payment_session_id"),
        ("amount", json!(0), "invalid_amount", "amount"),
        ("amount", json!(-1), "invalid_amount", "amount"),
        ("amount", json!("400"), "invalid_amount", "amount"),
        ("amount", json!(4.5), "invalid_amount", "amount"),
        ("reference", json!("refund: Candles"), "invalid_reference", "reference"),
        ("success_url", json!("ftp://example.com"), "invalid_success_url", "success_url"),
        ("error_url", json!("example.com"), "invalid_error_url", "error_url"),
        ("payee", json!("Ada"), payee, "payee"),
        ("payee", account("1234567"), payee, "payee.account_number"),
        ("payee", json!({ "account_number": "12345678" }), payee, "payee.sort_code"),
    ];
    for (field, value, code, parameter) in rules {
        let mut request = document_3();
        request[field] = value;
        match refund(request.to_string().as_bytes()) {
            Err(Refusal::Invalid(found)) => {
                assert_eq!(found.len(), 1, "{request}");
                assert_eq!((found[0].code, found[0].parameter.as_deref()), (Some(code), Some(parameter)), "{request}");
            }
            other => panic!("{request}: {other:?}"),
        }
    }
    let all_wrong = json!({ "payment_session_id": 1, "amount": 0, "reference": "", "payee": {} });
    match refund(all_wrong.to_string().as_bytes()) {
        Err(Refusal::Invalid(found)) => assert_eq!(found.len(), 5),
        other => panic!("{other:?}"),
    }
    for body in ["", "[]", "null", "{"] {
        assert!(matches!(refund(body.as_bytes()), Err(Refusal::BadRequest(_))), "{body}");
    }
}

#[test]
fn why_a_session_is_not_refunded_names_the_parameter() {
    let left = Money::new(MinorUnits::new(300), Currency::GBP);
    let refusals = [
        (NotRefundable::NotSent(SessionState::Pending), 409, "payment_session_id", "pending"),
        (NotRefundable::PaysRefund, 409, "payment_session_id", "pays a refund"),
        (NotRefundable::TooMany, 409, "payment_session_id", "500"),
        (NotRefundable::TooMuch { left }, 422, "amount", "amount must be at most 300 (£3.00)"),
        (NotRefundable::NothingLeft { left: Money::zero(Currency::GBP) }, 422, "amount", "£0.00 is what is left"),
    ];
    for (why, status, parameter, title) in refusals {
        let answer = render_error(&not_refundable(why).into());
        assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap());
        let body: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["errors"][0]["source"]["parameter"], parameter);
        assert!(body["errors"][0]["title"].as_str().unwrap().contains(title), "{body}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,12}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_field_holds_it_is_accepted_or_named(
        value in any_json(),
        pointer in prop::sample::select(vec![
            "/reference", "/success_url", "/error_url", "/line_items", "/line_items/0", "/line_items/0/amount",
            "/line_items/0/quantity", "/line_items/0/currency", "/payee", "/payee/sort_code", "/payer", "/metadata",
            "/email_receipt", "/retry", "/locale", "/expires_in_seconds", "/amount",
            "/test_clock",
        ]),
    ) {
        match parse(&with(pointer, value)) {
            Ok(new) => prop_assert!(new.amount.minor() >= 1),
            Err(Refusal::Invalid(found)) => {
                let field = pointer[1..].split('/').next().unwrap();
                prop_assert!(!found.is_empty());
                for violation in found {
                    prop_assert!(violation.parameter.unwrap().starts_with(field));
                }
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = create(&bytes, Dialect::V2);
    }

    #[test]
    fn an_amount_is_exactly_what_was_written_or_refused(text in "-?[0-9]{1,20}(\\.[0-9]{1,3})?([eE][0-9]{1,2})?") {
        let body = document_1().to_string().replace("\"amount\":100", &format!("\"amount\":{text}"));
        let exact = text.parse::<i64>().ok().filter(|minor| (1..=25_000_000).contains(minor) && !text.starts_with('0'));
        let total = create(body.as_bytes(), Dialect::V2).ok().map(|new| new.amount.minor());
        prop_assert_eq!(total, exact.map(|minor| minor * 4));
    }
}
