//! What the types can't say: that the document's paths are the routes, that what it shows is what the code takes and says, and
//! that the limits in its prose are the code's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use models::{
    Currency, Endpoint, Lifetime, MAX_CONCURRENT_DELIVERIES, MAX_SESSIONS_ON_A_CLOCK, MinorUnits, Mode, Money,
    NotRefundable, QUICK, Scope, SessionState, is_given_up, next_delivery,
};

use super::*;
use crate::banked::{not_refundable, parse_create, parse_refund};
use crate::error::Refusal;
use crate::error_shape::ErrorShape;
use crate::json::Json;
use crate::route::ROUTES;
use crate::test_clocks::{not_on_clock, parse_advance, parse_test_clock};
use crate::webhooks::parse_webhook;

fn openapi() -> Value {
    serde_yaml_ng::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

#[test]
fn the_document_is_what_the_types_say() {
    let document = document();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(PATH, &document).unwrap();
    }
    let stands = std::fs::read_to_string(PATH).unwrap();
    let differs = stands.lines().zip(document.lines()).position(|(stands, should)| stands != should);
    assert!(stands == document, "docs/openapi.yaml is out of date from line {differs:?} on: run `make openapi`");
    // It is read as it was meant, however it is written.
    let meant = schemas();
    for (name, schema) in openapi()["components"]["schemas"].as_object().unwrap() {
        assert_eq!(*schema, meant[name], "{name}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(whole: &Value, part: &Value) {
        if let Some(reference) = part["$ref"].as_str() {
            assert!(whole.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        let parts = part.as_object().into_iter().flat_map(Map::values);
        parts.chain(part.as_array().into_iter().flatten()).for_each(|inner| check(whole, inner));
    }
    let openapi = openapi();
    check(&openapi, &openapi);
}

/// Each operation of the document, with its method and path.
fn operations(openapi: &Value) -> BTreeMap<(String, String), Value> {
    let paths = openapi["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
        methods.map(move |(method, operation)| ((method.to_uppercase(), path.clone()), operation.clone()))
    });
    operations.collect()
}

#[test]
fn the_document_and_the_template_have_the_routes_of_the_table() {
    let table: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(table.len(), ROUTES.len());
    let openapi = openapi();
    assert_eq!(operations(&openapi).into_keys().collect::<BTreeSet<_>>(), table);

    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(include_str!("../../../../template.yaml")).unwrap();
    let events =
        template["Resources"].as_mapping().unwrap().values().filter_map(|resource| {
            resource["Properties"].get("Events")?.as_mapping().map(serde_yaml_ng::Mapping::values)
        });
    assert!(table.iter().all(|(_, path)| !path.ends_with('/')), "API Gateway takes no route with a slash at its end");
    // The console's are its own to read.
    let routes = events.flatten().filter(|event| event["Type"].as_str() == Some("HttpApi")).filter_map(|event| {
        // The $default route has neither.
        let text = |name: &str| Some(event["Properties"].get(name)?.as_str()?.to_owned());
        Some((text("Method")?, text("Path")?))
    });
    let routes = routes.filter(|(_, path)| !path.starts_with("/console"));
    // Paths with a slash at their end come by the greedy routes, one for each method that a path of sessions takes: of `/v2`
    // none for PATCH, which webhook endpoints alone take there. Those of pages take every method, to answer with a page.
    let (greedy, exact): (BTreeSet<_>, BTreeSet<_>) = routes.partition(|(_, path)| path.ends_with("/{proxy+}"));
    // HEAD is as GET, which is said once.
    let heads = table.iter().filter(|(method, _)| method == "GET").map(|(_, path)| ("HEAD".to_owned(), path.clone()));
    assert_eq!(exact, table.iter().cloned().chain(heads).collect());
    assert!(openapi["info"]["description"].as_str().unwrap().contains("**HEAD** is answered as GET"));
    let both = |method: &str| ["/v2", "/api/v2"].map(|base| (method.to_owned(), format!("{base}/{{proxy+}}")));
    let pages = ["/checkout", "/mock-bank", "/refunds"].map(|base| ("ANY".to_owned(), format!("{base}/{{proxy+}}")));
    let yorlet = ["GET", "HEAD", "POST"].map(|method| (method.to_owned(), "/v1/{proxy+}".to_owned()));
    let banked = ["GET", "HEAD", "POST", "DELETE"].into_iter().flat_map(both);
    let fintecture = ["GET", "HEAD", "PATCH", "POST"].map(|method| (method.to_owned(), "/pis/{proxy+}".to_owned()));
    assert_eq!(greedy, banked.chain(yorlet).chain(fintecture).chain(pages).collect());
}

#[test]
fn each_operation_needs_the_scope_of_its_route() {
    let openapi = openapi();
    let operations = operations(&openapi);
    for (method, path, scope, _) in ROUTES {
        let open = if path.starts_with("/res/") {
            json!([{}, { "basic": [] }, { "secretKey": [] }, { "oauth2": [] }])
        } else if path.ends_with("token") && !path.starts_with("/oauth/refresh") {
            json!([{ "basic": [] }])
        } else {
            json!([])
        };
        let security =
            scope.map_or(open, |scope| json!([{ "basic": [] }, { "secretKey": [] }, { "oauth2": [scope.as_str()] }]));
        assert_eq!(operations[&(method.to_owned(), path.to_owned())]["security"], security, "{method} {path}");
    }
    let scopes = &openapi["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"];
    let scopes: BTreeSet<_> = scopes.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(scopes, Scope::ALL.map(Scope::as_str).into());
}

/// What a body is refused for: the parameters, by the parser of its path.
fn refused(path: &str, body: &Value) -> Vec<String> {
    let body = serde_json::to_vec(body).unwrap();
    let json = Json::read(&body).unwrap();
    let check_url = |url: &str| Ok::<_, &str>(url.to_owned());
    let merchant = samples::merchant();
    let accounts = samples::accounts(&merchant);
    let create = |dialect| parse_create(&json, dialect, accounts, samples::id(), &samples::caps()).map(drop);
    let read = match path {
        "/v2/payment_sessions" => create(Dialect::V2),
        "/api/v2/payment_sessions" => create(Dialect::ApiV2),
        "/v1/payment_sessions" => yorlet::parse_create(&json, accounts, &samples::caps()).map(drop),
        "/pis/v2/connect" => samples::read_fintecture("/pis/v2/connect?state=order-7", &json).map(drop),
        "/pis/v2/request-to-pay" => samples::read_fintecture(path, &json).map(drop),
        "/pis/v2/refund" | "/pis/v1/refund" => {
            fintecture::parse_refund(&samples::fintecture_request(path), &json).map(drop)
        }
        "/pis/v2/payments/{id}" => fintecture::check_cancel(&body_of(&body)),
        "/v1/customers" => yorlet::parse_customer(&json).map(drop),
        "/v1/customers/{id}" => yorlet::parse_customer_change(&json).map(drop),
        "/v1/refunds" => yorlet::parse_refund(&json).map(drop),
        "/v2/refunds" => parse_refund(&json).map(drop),
        "/v2/webhooks" => parse_webhook(&json, true, Mode::Test, check_url).map(drop),
        "/v2/webhooks/{id}" => parse_webhook(&json, false, Mode::Test, check_url).map(drop),
        "/v2/test_clocks" => parse_test_clock(&json, at("2026-01-20T10:15:42Z")).map(drop),
        "/v2/test_clocks/{id}/advance" => parse_advance(&json).map(drop),
        other => panic!("{other} takes no JSON"),
    };
    match read {
        Ok(()) => Vec::new(),
        Err(Refusal::Invalid(violations)) => violations.into_iter().filter_map(|one| one.parameter).collect(),
        Err(other) => panic!("{path}: {other:?}"),
    }
}

/// A request with this body.
fn body_of(body: &[u8]) -> lambda_http::Request {
    lambda_http::Request::new(lambda_http::Body::Binary(body.to_vec()))
}

/// Whether a schema says that this must be given, each part of its name within the one before.
fn says_required(openapi: &Value, schema: &Value, name: &str) -> bool {
    let mut schema = schema;
    name.split('.').all(|part| {
        let says = schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == part));
        let property = &schema["properties"][part];
        let reference = property["$ref"].as_str();
        schema = reference.map_or(property, |at| openapi.pointer(at.trim_start_matches('#')).unwrap());
        says
    })
}

#[test]
fn every_request_that_is_shown_is_accepted_and_what_must_be_given_must() {
    let openapi = openapi();
    let mut shown = 0;
    for ((method, path), operation) in operations(&openapi) {
        let body = &operation["requestBody"]["content"]["application/json"];
        for example in body["examples"].as_object().into_iter().flat_map(Map::values) {
            assert_eq!(refused(&path, &example["value"]), [""; 0], "{method} {path}");
            shown += 1;
        }
        let Some(schema) = body["schema"]["$ref"].as_str().filter(|schema| !schema.ends_with("TokenRequest")) else {
            continue;
        };
        let schema = openapi.pointer(schema.trim_start_matches('#')).unwrap();
        let missing = refused(&path, &json!({}));
        for name in &missing {
            assert!(says_required(&openapi, schema, name), "{method} {path}: {name}");
        }
        let outermost: BTreeSet<&str> = missing.iter().filter_map(|name| name.split('.').next()).collect();
        assert_eq!(json!(outermost), schema.get("required").cloned().unwrap_or(json!([])), "{method} {path}");
    }
    assert_eq!(shown, 28);
}

/// Those of the vendor's own page, and that each is there that a clients' spelling needs.
#[test]
fn every_parameter_of_document_5_is_described() {
    let openapi = openapi();
    for path in ["/pis/v2/connect", "/pis/v2/request-to-pay"] {
        let parameters = openapi["paths"][path]["post"]["parameters"].as_array().unwrap().iter();
        let parameters = parameters.map(|parameter| {
            let reference = parameter["$ref"].as_str().unwrap();
            openapi.pointer(reference.trim_start_matches('#')).unwrap()
        });
        let named: BTreeMap<_, _> =
            parameters.map(|one| (one["name"].as_str().unwrap(), one["in"].as_str().unwrap())).collect();
        let query = ["state", "redirect_uri", "origin_uri", "with_beneficiary", "with_virtual_beneficiary"];
        let header =
            ["Digest", "X-Request-ID", "x-psu-type", "x-country", "x-language", "x-provider", "Signature", "Date"];
        let more = [("with_virtualbeneficiary", "query"), ("X-Date", "header"), ("app_id", "header")];
        let all = query.map(|name| (name, "query")).into_iter().chain(header.map(|name| (name, "header"))).chain(more);
        assert_eq!(named, all.collect(), "{path}");
    }
}

/// Each limit that is described is the most that is accepted.
#[test]
fn limits_of_texts_are_the_codes() {
    let openapi = openapi();
    let schema = |name: &str| &openapi["components"]["schemas"][name];
    let most = |limit: &Value| usize::try_from(limit.as_u64().unwrap()).unwrap();
    let of = |property: &Value| most(&property["maxLength"]);
    let properties = |name: &str| &schema(name)["properties"];
    let reference = schema("Reference")["pattern"].as_str().unwrap();
    let reference = reference.split(['{', ',', '}']).nth(2).unwrap().parse().unwrap();
    let (session, item) = (properties("NewPaymentSession"), properties("NewLineItem"));
    let payer = &session["payer"]["properties"];
    let notes = &session["metadata"];
    let url = of(schema("MerchantUrl"));
    let a = |length: usize| "a".repeat(length);
    let web = move |length: usize| json!(format!("http://example.com/{}", a(length - 19)));
    let text = move |length: usize| json!("é".repeat(length));
    let plain = move |length: usize| json!(a(length));
    let email = move |length: usize| json!(format!("{}@{}.{}.{}.com", a(64), a(63), a(63), a(length - 197)));
    let (sessions, refunds, webhooks) = ("/v2/payment_sessions", "/v2/refunds", "/v2/webhooks");
    type Limit<'a> = (&'a str, &'a str, usize, &'a dyn Fn(usize) -> Value);
    let limits: [Limit<'_>; 13] = [
        (sessions, "/reference", reference, &plain),
        (sessions, "/success_url", url, &web),
        (sessions, "/error_url", url, &web),
        (sessions, "/line_items/0/name", of(&item["name"]), &text),
        (sessions, "/line_items/0/description", of(&item["description"]), &text),
        (sessions, "/payee/name", of(&session["payee"]["properties"]["name"]), &text),
        (sessions, "/payer/name", of(&payer["name"]), &text),
        (sessions, "/payer/email", of(&payer["email"]), &email),
        (sessions, "/metadata", most(&notes["maxProperties"]), &|count| {
            (0..count).map(|n| (format!("k{n}"), json!(""))).collect()
        }),
        (sessions, "/metadata", of(&notes["propertyNames"]), &|length| json!({ a(length): "" })),
        (sessions, "/metadata/order", of(&notes["additionalProperties"]), &text),
        (refunds, "/reference", reference, &plain),
        (webhooks, "/description", of(&properties("NewWebhook")["description"]), &text),
    ];
    for (path, pointer, most, value) in limits {
        let name = match path {
            "/v2/payment_sessions" => "knownPayer",
            "/v2/refunds" => "candles",
            _ => "some",
        };
        let with = |length: usize| {
            let mut body = request(&openapi, path, name).clone();
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[field] = value(length);
            refused(path, &body)
        };
        assert_eq!(with(most), [""; 0], "{path} {pointer}: {most}");
        assert!(!with(most + 1).is_empty(), "{path} {pointer}: {most}");
    }
}

/// A documented error, by its operation, status and, where the status has several, name.
fn documented_error<'a>(openapi: &'a Value, path: &str, method: &str, status: u16, name: &str) -> &'a Value {
    let resolved = |value: &'a Value| match value["$ref"].as_str() {
        Some(reference) => openapi.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    };
    let response = resolved(&openapi["paths"][path][method]["responses"][status.to_string()]);
    let content = &response["content"]["application/json"];
    content.get("example").unwrap_or_else(|| &resolved(&content["examples"][name])["value"])
}

#[test]
fn the_documented_refusals_are_what_the_code_says() {
    let openapi = openapi();
    let (refunds, webhooks) = ("/v2/refunds", "/v2/webhooks");
    let left = Money::new(MinorUnits::new(300), Currency::GBP);
    let mut wrong = request(&openapi, refunds, "candles").clone();
    (wrong["amount"], wrong["reference"]) = (json!(0), json!("refund: Candles"));
    let fields = parse_refund(&Json::read(&serde_json::to_vec(&wrong).unwrap()).unwrap()).unwrap_err();
    let wrong = br#"{ "url": "http://localhost/", "events": ["payment_session.paid"], "thin": "yes" }"#;
    let endpoint = |url_required| {
        let public = Err(outbound::RefusedUrl::NotPublic);
        parse_webhook(&Json::read(wrong).unwrap(), url_required, Mode::Test, |_| public).unwrap_err()
    };
    let conflict = Refusal::IdempotencyConflict;
    let clock = samples::test_clock(request(&openapi, "/v2/test_clocks", "some"));
    let advancing = TestClock { target: Some(at("2026-02-07T09:30:00Z")), ..clock };
    for (path, method, name, refusal) in [
        (refunds, "post", "notSent", not_refundable(NotRefundable::NotSent(SessionState::Pending))),
        (refunds, "post", "paysRefund", not_refundable(NotRefundable::PaysRefund)),
        (refunds, "post", "tooMany", not_refundable(NotRefundable::TooMany)),
        (refunds, "post", "tooMuch", not_refundable(NotRefundable::TooMuch { left })),
        (refunds, "post", "fields", fields),
        (refunds, "post", "unknown", Refusal::Unknown("payment_session_id")),
        (refunds, "get", "unknown", Refusal::Unknown("payment_session_id")),
        (refunds, "get", "invalid", Refusal::invalid("payment_session_id", "must be given")),
        (refunds, "post", "idempotencyConflict", conflict.clone()),
        ("/v2/payment_sessions", "post", "idempotencyConflict", conflict.clone()),
        ("/v2/payment_sessions", "post", "clockAdvances", not_on_clock(Some(&advancing))),
        ("/v2/test_clocks", "post", "live", Refusal::ClockForLiveKey),
        (webhooks, "post", "idempotencyConflict", conflict),
        (webhooks, "post", "fields", endpoint(true)),
        ("/v2/webhooks/{id}", "patch", "fields", endpoint(false)),
        (webhooks, "post", "unresolved", Refusal::invalid("url", outbound::RefusedUrl::Unresolved)),
    ] {
        let answer = ErrorShape::of("GET", path, "").render(&refusal.into());
        let said: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(
            said,
            *documented_error(&openapi, path, method, answer.status().as_u16(), name),
            "{method} {path} {name}"
        );
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An operation's description, as one line.
fn prose(openapi: &Value, pointer: &str) -> String {
    let description = openapi.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"))["description"].as_str().unwrap();
    description.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn limits_in_prose_are_the_codes() {
    let openapi = openapi();
    let session = samples::sent(request(&openapi, "/v2/payment_sessions", "candles"));
    let known = samples::sent_from_known_account(request(&openapi, "/v2/payment_sessions", "candles"));
    let asked = request(&openapi, "/v2/refunds", "candles");
    let days = |session: &_| {
        let (refund, _) = samples::refund(session, asked);
        refund.expires_at.duration_since(refund.created_at).as_hours() / 24
    };
    let now = at("2019-11-04T09:00:00Z");
    let rotating = Endpoint::rotated_until(now).duration_since(now).as_hours();
    let clock = samples::test_clock(request(&openapi, "/v2/test_clocks", "some"));
    let lives = clock.ends_at().duration_since(clock.created_at);
    let sessions = "/components/schemas/PaymentSession/properties/pays_refund";
    for (pointer, says) in [
        ("/paths/~1v2~1refunds/post", format!("{MAX_REFUNDS} times")),
        ("/paths/~1v2~1refunds/post", format!("for the account, within {} days", days(&session))),
        ("/paths/~1v2~1refunds/post", format!("authorise it, within {} days", days(&known))),
        (sessions, format!("within {} days", Lifetime::MAX_SECONDS / (24 * 60 * 60))),
        ("/paths/~1v2~1webhooks/post", format!("At most {MAX_ENDPOINTS} for test and {MAX_ENDPOINTS} for live")),
        ("/components/responses/WebhookConflict", format!("There are {MAX_ENDPOINTS} endpoints")),
        ("/paths/~1v2~1test_clocks/post", format!("At most {MAX_SESSIONS_ON_A_CLOCK} sessions follow one clock")),
        ("/paths/~1v2~1test_clocks/post", format!("removed {} days after it was created", lives.as_hours() / 24)),
        ("/paths/~1v2~1events~1{id}~1attempts/get", format!("The last {MAX_EVENTS}, ")),
        ("/paths/~1v2~1payment_sessions~1{id}~1events/get", format!("at most {MAX_EVENTS}.")),
        ("/paths/~1v2~1webhooks~1{id}~1rotate/post", format!("for {rotating} hours, or until")),
    ] {
        assert!(prose(&openapi, pointer).contains(&says), "{pointer}: {says}");
    }
    let limit = &openapi["components"]["parameters"]["Limit"]["schema"];
    assert_eq!([&limit["default"], &limit["maximum"]], [crate::list::MAX_LIMIT, crate::list::MAX_LIMIT]);
}

#[test]
fn when_a_webhook_is_tried_again_is_the_domains() {
    let openapi = openapi();
    let sending = prose(&openapi, "/webhooks/event/post");
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
    let healthy = samples::register(request(&openapi, "/v2/webhooks", "all"));
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
    says(&format!("any 2xx within {} seconds", outbound::TimeOuts::default().answer_ms / 1000));
}

/// Signs as the description says, not as the code does it.
#[test]
fn the_documented_signatures_verify() {
    let openapi = openapi();
    let description = openapi["webhooks"]["event"]["post"]["description"].as_str().unwrap();
    let rows = description.lines().filter(|line| line.starts_with('|'));
    let cells = rows.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let table: BTreeMap<_, _> =
        cells.filter_map(|row| Some((row[1], row[2].strip_prefix('`')?.strip_suffix('`')?))).collect();
    let body = table["raw body"];
    let sent = samples::sent(request(&openapi, "/v2/payment_sessions", "candles"));
    let thin = samples::event(Object::Session(Box::new(sent)), 5);
    assert_eq!(body, serde_json::to_string(&EventView::thin(&thin)).unwrap());
    assert_eq!(table["webhook-id"], thin.id().to_string());
    let secret = table["secret"];
    assert_eq!(secret, openapi["components"]["examples"]["WebhookRegistered"]["value"]["secret"]);
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
    let yorlet = BASE64_STANDARD.encode(sign(secret.as_bytes(), body.to_owned()));
    assert_eq!(table["X-Yorlet-Signature"], yorlet);
    let id: outbound::MessageId = table["webhook-id"].parse().unwrap();
    let decryptable = outbound::DecryptableHeaders::new(&id, timestamp.parse().unwrap(), body.as_bytes(), None);
    let said = [decryptable.date, decryptable.digest, decryptable.request_id];
    assert_eq!(["Date", "Digest", "X-Request-ID"].map(|name| table[name]), said.each_ref().map(String::as_str));
    let parameters = openapi["webhooks"]["event"]["post"]["parameters"].as_array().unwrap();
    // What marks a test event is in no other.
    let names = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap());
    for name in names.filter(|name| *name != "Counterfoil-Test") {
        assert!(table.contains_key(name), "{name} is in no example");
    }
}
