//! What is wrong with requests in Fintecture's format: each with its code, the field that it names and what it says.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, DEMO, World, answer, text};

use crate::fintecture::{CONNECT, PAYMENTS, create, demo, least, post, world};
use crate::fintecture_create::refused;

const RTP: &str = "/pis/v2/request-to-pay";
const INVALID: &str = "invalid_field";
const MISSING: &str = "mandatory_field_missing";
const GIVEN: &str = "must be given";
const ONCE: &str = "must be given once";
const STRING: &str = "must be a string";
const OBJECT: &str = "must be an object";
const TRUTH: &str = "must be true or false";
const URL: &str = "must be an http or https URL of at most 2048 characters";
const LETTERS: &str = "must be two letters";
const EMAIL: &str = "must be an e-mail address";
const EMAILS: &str = "must be an e-mail address, or a list of at most 10";
const AMOUNT: &str = "must be more than 0, with at most two decimals after a point, like 149.30: a string or a number";
const CURRENCY: &str = "must be one of EUR, GBP";
const E2E: &str = "must be 1 to 35 letters, digits, spaces or any of /-?:().,'+";
const SECONDS: &str = "must be 1 to 604800 seconds";
const STATE: &str = "must be 1 to 512 characters, without control characters";
const PROVIDER: &str = "must be 1 to 64 letters, digits, _ or -";
const COUNT: &str = "must name 1 to 3 ways to pay";
const ENABLED: &str = "is not enabled: there are immediate_transfer, smart_transfer and bnpl";
const WHOLE: &str = "must be a whole number of 64 bits, not a string or a fraction";
const METHOD: &str = "must be email or link; nothing else is enabled";
const DUE: &str = "must be a number, or 1 to 32 characters without control characters";

fn characters(max: usize) -> String {
    format!("must be 1 to {max} characters, at least one of them visible, without control characters")
}

/// The one thing that is wrong: its code, its field and what it says.
fn one(answer: &Answer) -> [String; 3] {
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (StatusCode::BAD_REQUEST, &json!("bad_request")),
        "{}",
        answer.text
    );
    let (_, codes) = refused(answer);
    assert_eq!(codes.len(), 1, "{}", answer.text);
    let error = &answer.body["errors"][0];
    ["code", "title", "message"].map(|name| text(&error[name]))
}

fn said(code: &str, parameter: &str, rule: &str) -> [String; 3] {
    [code.to_owned(), parameter.to_owned(), format!("{parameter} {rule}")]
}

/// A request in which the value at a path is another.
fn with(path: &str, value: Value) -> Value {
    let mut request = json!({ "meta": {}, "data": { "attributes": { "amount": "149.30", "currency": "EUR" } } });
    let mut at = &mut request;
    for name in path.split('.') {
        at = &mut at[name];
    }
    *at = value;
    request
}

#[tokio::test]
async fn what_is_wrong_with_a_query_or_header_is_named() {
    let world = world().await;
    let long = "%C3%A9".repeat(513);
    let queries: Vec<(String, &str, &str, &str)> = [
        ("", MISSING, "state", GIVEN),
        ("state=", MISSING, "state", GIVEN),
        ("state=a&state=a", INVALID, "state", ONCE),
        ("state=a%0Ab", INVALID, "state", STATE),
        (&format!("state={long}"), INVALID, "state", STATE),
        ("state=a&redirect_uri=/back", INVALID, "redirect_uri", URL),
        ("state=a&redirect_uri=javascript:alert(1)", INVALID, "redirect_uri", URL),
        ("state=a&redirect_uri=https://a.example/&redirect_uri=https://a.example/", INVALID, "redirect_uri", ONCE),
        ("state=a&origin_uri=shop", INVALID, "origin_uri", URL),
        ("state=a&with_beneficiary=yes", INVALID, "with_beneficiary", TRUTH),
        ("state=a&with_virtual_beneficiary=2", INVALID, "with_virtual_beneficiary", TRUTH),
        ("state=a&with_virtualbeneficiary=on", INVALID, "with_virtualbeneficiary", TRUTH),
        (
            "state=a&with_virtual_beneficiary=1&with_virtualbeneficiary=0",
            INVALID,
            "with_virtualbeneficiary",
            "must not differ from with_virtual_beneficiary",
        ),
    ]
    .map(|(query, code, parameter, rule)| (query.to_owned(), code, parameter, rule))
    .into();
    // The transfer that is asked for would begin at once.
    let known = with("meta.psu_name", json!("Ada"));
    for (query, code, parameter, rule) in queries {
        let refused = post(&world, &format!("/pis/v2/connect?{query}"), &known).await;
        assert_eq!(one(&refused), said(code, &format!("query.{parameter}"), rule), "{query}");
    }
    let not_utf_8 = post(&world, "/pis/v2/connect?state=%FF", &known).await;
    assert_eq!(refused(&not_utf_8), (400, vec!["bad_request".to_owned()]));
    let longest = post(&world, &format!("/pis/v2/connect?state={}", "%C3%A9".repeat(512)), &known).await;
    assert_eq!(longest.status, StatusCode::OK, "{}", longest.text);
    let too_long = "p".repeat(65);
    for (header, value, rule) in [
        ("x-psu-type", "person", "must be one of retail, corporate, all"),
        ("x-country", "FRA", LETTERS),
        ("x-country", "F1", LETTERS),
        ("x-language", "en-GB", LETTERS),
        ("x-provider", "mock bank", PROVIDER),
        ("x-provider", &too_long, PROVIDER),
    ] {
        let refused = answer(demo(&world, Method::POST, CONNECT).header(header, value).json(&known)).await;
        assert_eq!(one(&refused), said(INVALID, &format!("header.{header}"), rule), "{value}");
    }
    let other_app = answer(demo(&world, Method::POST, CONNECT).header("app_id", "pk_test_other").json(&known)).await;
    assert_eq!(refused(&other_app), (401, vec!["invalid_app_id".to_owned()]));
}

#[tokio::test]
async fn what_is_wrong_with_attributes_is_named() {
    let world = world().await;
    let long = |count: usize| json!("x".repeat(count));
    let british = json!("GB29NWBK60161331926819");
    let mut cases: Vec<(&str, Value, &str, String)> = vec![
        ("amount", json!(null), MISSING, GIVEN.to_owned()),
        ("currency", json!(null), MISSING, GIVEN.to_owned()),
        ("currency", json!("USD"), INVALID, CURRENCY.to_owned()),
        ("currency", json!(978), INVALID, CURRENCY.to_owned()),
        ("currency", json!({}), INVALID, STRING.to_owned()),
        ("communication", long(141), INVALID, characters(140)),
        ("communication", json!("a\nb"), INVALID, characters(140)),
        ("communication", json!(["a"]), INVALID, STRING.to_owned()),
        ("end_to_end_id", long(36), INVALID, E2E.to_owned()),
        ("end_to_end_id", json!("a_b"), INVALID, E2E.to_owned()),
        ("beneficiary", json!("Shop"), INVALID, OBJECT.to_owned()),
        ("beneficiary.name", long(141), INVALID, characters(140)),
        ("beneficiary.iban", json!("DE00"), INVALID, "must be an IBAN".to_owned()),
        ("beneficiary.iban", british, INVALID, "must be the IBAN of one of your linked accounts".to_owned()),
        (
            "beneficiary.iban",
            json!("GB76MOCK01020312345678"),
            INVALID,
            "must be the IBAN of an account that can receive EUR".to_owned(),
        ),
        ("beneficiary.swift_bic", long(65), INVALID, characters(64)),
        ("beneficiary.bank_name", long(141), INVALID, characters(140)),
        ("amount", json!("1000000.01"), INVALID, "must be at most €1,000,000.00".to_owned()),
    ];
    for value in ["149,30", "149.305", "1e2", "-1", "+1", "0", "0.00", "", " 1", ".5", "1."] {
        cases.push(("amount", json!(value), INVALID, AMOUNT.to_owned()));
    }
    for value in [json!(-1), json!(0), json!(0.001), json!(1e300), json!(true), json!([1]), json!({})] {
        cases.push(("amount", value, INVALID, AMOUNT.to_owned()));
    }
    for field in
        ["execution_date", "scheme", "external_reference", "debited_account_id", "debited_account_type", "net_amount"]
    {
        cases.push((field, long(65), INVALID, characters(64)));
        cases.push((field, json!(false), INVALID, STRING.to_owned()));
    }
    for field in
        ["beneficiary.street", "beneficiary.number", "beneficiary.zip", "beneficiary.city", "beneficiary.country"]
    {
        cases.push((field, long(71), INVALID, characters(70)));
    }
    for (field, value, code, rule) in cases {
        let path = format!("data.attributes.{field}");
        let refused = post(&world, CONNECT, &with(&path, value.clone())).await;
        assert_eq!(one(&refused), said(code, &path, &rule), "{value}");
    }
    // As numbers that no value of Rust's writes so.
    for amount in ["1e2", "1E2", "1.0e1", "149.300"] {
        let body = format!(r#"{{"data":{{"attributes":{{"amount":{amount},"currency":"EUR"}}}}}}"#);
        let posted = demo(&world, Method::POST, CONNECT).header("content-type", "application/json").body(body);
        assert_eq!(one(&answer(posted).await), said(INVALID, "data.attributes.amount", AMOUNT), "{amount}");
    }
    for (path, value, rule) in [
        ("data", json!([]), OBJECT),
        ("data.attributes", json!("x"), OBJECT),
        ("data.type", json!({}), STRING),
        ("meta", json!(7), OBJECT),
        ("redirect_uri", json!("back"), URL),
        ("language", json!("french"), LETTERS),
    ] {
        assert_eq!(one(&post(&world, CONNECT, &with(path, value)).await), said(INVALID, path, rule));
    }
}

#[tokio::test]
async fn what_is_wrong_with_meta_is_named() {
    let world = world().await;
    let long = |count: usize| json!("x".repeat(count));
    let lists = |count: usize| json!(vec!["a@example.com"; count]);
    let bnpl = |count: usize| json!(vec![json!({ "id": "bnpl" }); count]);
    let cases: Vec<(&str, Value, &str, &str, String)> = vec![
        ("psu_name", long(141), INVALID, "psu_name", characters(140)),
        ("psu_email", json!("zoe@localhost"), INVALID, "psu_email", EMAIL.to_owned()),
        (
            "psu_phone",
            json!("call me"),
            INVALID,
            "psu_phone",
            "must be a telephone number of at most 15 digits".to_owned(),
        ),
        (
            "psu_phone_prefix",
            json!("fr"),
            INVALID,
            "psu_phone_prefix",
            "must be the prefix of a country, like +33".to_owned(),
        ),
        ("psu_company", long(141), INVALID, "psu_company", characters(140)),
        ("psu_form", long(141), INVALID, "psu_form", characters(140)),
        ("psu_incorporation", json!(true), INVALID, "psu_incorporation", STRING.to_owned()),
        ("psu_address", json!("Paris"), INVALID, "psu_address", OBJECT.to_owned()),
        ("psu_address.street", long(71), INVALID, "psu_address.street", characters(70)),
        ("psu_address.number", long(71), INVALID, "psu_address.number", characters(70)),
        ("psu_address.street_number", long(71), INVALID, "psu_address.street_number", characters(70)),
        ("psu_address.complement", long(71), INVALID, "psu_address.complement", characters(70)),
        ("psu_address.zip", long(71), INVALID, "psu_address.zip", characters(70)),
        ("psu_address.city", long(71), INVALID, "psu_address.city", characters(70)),
        ("psu_address.country", json!("FRA"), INVALID, "psu_address.country", LETTERS.to_owned()),
        ("psu_ip", json!("localhost"), INVALID, "psu_ip", "must be an IP address".to_owned()),
        ("cc", json!("nobody"), INVALID, "cc", EMAILS.to_owned()),
        ("cc", lists(11), INVALID, "cc", EMAILS.to_owned()),
        ("bcc", json!({}), INVALID, "bcc", EMAILS.to_owned()),
        ("custom", json!([]), INVALID, "custom", OBJECT.to_owned()),
        ("custom", json!({ "a": long(2048) }), INVALID, "custom", "must be at most 2048 bytes of JSON".to_owned()),
        ("method", json!("sms"), INVALID, "method", METHOD.to_owned()),
        ("method", json!("email"), MISSING, "psu_email", "must be given for the method email".to_owned()),
        ("expiry", json!(0), INVALID, "expiry", SECONDS.to_owned()),
        ("expiry", json!(604_801), INVALID, "expiry", SECONDS.to_owned()),
        ("expiry", json!("an hour"), INVALID, "expiry", SECONDS.to_owned()),
        ("expire", json!(-1), INVALID, "expire", SECONDS.to_owned()),
        ("expirary", json!(1.5), INVALID, "expirary", SECONDS.to_owned()),
        ("due_date", long(33), INVALID, "due_date", DUE.to_owned()),
        ("due_date", json!([]), INVALID, "due_date", DUE.to_owned()),
        ("payment_methods", json!("bnpl"), INVALID, "payment_methods", "must be a list of ways to pay".to_owned()),
        ("payment_methods", json!([]), INVALID, "payment_methods", COUNT.to_owned()),
        ("payment_methods", bnpl(4), INVALID, "payment_methods", COUNT.to_owned()),
        ("payment_methods", bnpl(2), INVALID, "payment_methods[1].id", "must not be named again".to_owned()),
        ("payment_methods", json!([{ "id": "card" }]), INVALID, "payment_methods[0].id", ENABLED.to_owned()),
        ("payment_methods", json!([{}]), MISSING, "payment_methods[0].id", GIVEN.to_owned()),
        (
            "payment_methods",
            json!([{ "id": "bnpl", "order": "1" }]),
            INVALID,
            "payment_methods[0].order",
            WHOLE.to_owned(),
        ),
        ("reconciliation", json!("key"), INVALID, "reconciliation", OBJECT.to_owned()),
        (
            "reconciliation.level",
            json!("shop"),
            INVALID,
            "reconciliation.level",
            "must be one of payer, key, payment_session".to_owned(),
        ),
        (
            "reconciliation.level",
            json!("key"),
            MISSING,
            "reconciliation.key",
            "must be given for the level key".to_owned(),
        ),
        ("reconciliation.key", long(141), INVALID, "reconciliation.key", characters(140)),
        (
            "reconciliation.match_amount",
            json!(true),
            INVALID,
            "reconciliation.match_amount",
            "must not be given for the level payer".to_owned(),
        ),
    ];
    for (field, value, code, parameter, rule) in cases {
        let refused = post(&world, RTP, &with(&format!("meta.{field}"), value.clone())).await;
        assert_eq!(one(&refused), said(code, &format!("meta.{parameter}"), &rule), "{field}: {value}");
    }
    let mut asked = with("meta.payment_methods", json!([{ "id": "immediate_transfer" }]));
    let path = format!("{CONNECT}&with_virtual_beneficiary=true");
    asked["meta"]["psu_name"] = json!("Ada");
    let rule = "must name smart_transfer, since with_virtual_beneficiary asks for its account";
    assert_eq!(one(&post(&world, &path, &asked).await), said(INVALID, "meta.payment_methods", rule));
    let nameless = post(&world, &path, &with("meta", json!({}))).await;
    assert_eq!(one(&nameless), said(MISSING, "meta.psu_name", GIVEN));
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let world = world().await;
    let body = json!({ "meta": { "psu_email": "nobody", "expiry": 0 }, "data": { "attributes": { "amount": "1,5" } } });
    let posted =
        demo(&world, Method::POST, "/pis/v2/connect?with_beneficiary=yes").header("x-country", "France").json(&body);
    let answer = answer(posted).await;
    let (status, codes) = refused(&answer);
    assert_eq!(
        (status, codes),
        (400, [MISSING, INVALID, INVALID, INVALID, MISSING, INVALID, INVALID].map(str::to_owned).to_vec())
    );
    let titles =
        answer.body["errors"].as_array().unwrap().iter().map(|error| text(&error["title"])).collect::<Vec<_>>();
    let expected = [
        "query.state",
        "query.with_beneficiary",
        "header.x-country",
        "data.attributes.amount",
        "data.attributes.currency",
        "meta.psu_email",
        "meta.expiry",
    ];
    assert_eq!(titles, expected);
}

#[tokio::test]
async fn a_cancellation_asks_for_one_status() {
    let world = world().await;
    let id = create(&world, CONNECT, &least()).await;
    let path = format!("{PAYMENTS}/{id}");
    let patch = |body: &Value| answer(demo(&world, Method::PATCH, &path).json(body));
    let rule = "must be payment_cancelled";
    for (body, expected) in [
        (json!({}), said(MISSING, "meta.status", GIVEN)),
        (json!({ "meta": {} }), said(MISSING, "meta.status", GIVEN)),
        (json!({ "meta": { "status": "payment_created" } }), said(INVALID, "meta.status", rule)),
        (json!({ "meta": { "status": "cancelled" } }), said(INVALID, "meta.status", rule)),
        (json!({ "meta": { "status": true } }), said(INVALID, "meta.status", STRING)),
        (json!({ "meta": "payment_cancelled" }), said(INVALID, "meta", OBJECT)),
    ] {
        assert_eq!(one(&patch(&body).await), expected, "{body}");
    }
    let nothing = answer(demo(&world, Method::PATCH, &path)).await;
    assert_eq!(refused(&nothing), (400, vec!["bad_request".to_owned()]));
    assert_eq!(crate::fintecture::read(&world, &id).await["meta"]["status"], "provider_required");
}

/// Whatever is wrong, it is said in the one shape.
#[tokio::test]
async fn every_error_has_the_same_shape() {
    let world = world().await;
    let body =
        |posted: RequestBuilder, text: &str| posted.header("content-type", "application/json").body(text.to_owned());
    let connect = || demo(&world, Method::POST, CONNECT);
    let unknown = format!("{PAYMENTS}/0123456789abcdef0123456789abcdef");
    let (key, secret) = world.merchant("reader", models::Mode::Test, "payment_sessions:read").await;
    let nobody = |world: &World| world.request(Method::POST, CONNECT).json(&least());
    let cases = [
        (body(connect(), "{"), 400, "bad_request", "bad_request"),
        (body(connect(), "[]"), 400, "bad_request", "bad_request"),
        (body(connect(), r#"{"data":{},"data":{}}"#), 400, "bad_request", "bad_request"),
        (body(connect(), ""), 400, "bad_request", "bad_request"),
        (nobody(&world), 401, "unauthorized", "invalid_token"),
        (nobody(&world).basic_auth(DEMO.0, Some("sk_test_wrong")), 401, "unauthorized", "invalid_token"),
        (nobody(&world).bearer_auth("nonsense"), 401, "unauthorized", "invalid_token"),
        (nobody(&world).basic_auth(key, Some(secret)), 403, "forbidden", "invalid_scopes"),
        (demo(&world, Method::GET, &unknown), 404, "not_found", "session_id_invalid_or_expired"),
        (demo(&world, Method::GET, &format!("{PAYMENTS}/x")), 404, "not_found", "session_id_invalid_or_expired"),
        (demo(&world, Method::GET, "/pis/v2/nothing"), 404, "not_found", "not_found"),
        (demo(&world, Method::POST, "/pis/v3/connect").json(&least()), 404, "not_found", "not_found"),
        (demo(&world, Method::GET, CONNECT), 405, "not_found", "not_found"),
        (demo(&world, Method::PATCH, PAYMENTS).json(&least()), 405, "not_found", "not_found"),
        (body(connect(), &" ".repeat(64 * 1024 + 1)), 413, "bad_request", "bad_request"),
        (connect().header("content-type", "text/plain").body("{}"), 415, "bad_request", "bad_request"),
    ];
    for (n, (request, status, code, entry)) in cases.into_iter().enumerate() {
        let answer = answer(request).await;
        let said = (refused(&answer), answer.body["code"].as_str().unwrap());
        assert_eq!(said, ((status, vec![entry.to_owned()]), code), "{n}: {}", answer.text);
    }
}
