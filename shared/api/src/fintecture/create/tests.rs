//! Everything that a creation may say, and what is wrong with it.

use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, Request};
use models::{Creation, Merchant, OfferLimits};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::Json;

mod meta;
mod offers;
mod urls;

/// The sort code and number of [`samples::merchant`]'s account, and the IBAN that is made of them.
const BRITISH: &str = "GB76MOCK01020312345678";
const GERMAN: &str = "DE89370400440532013000";

fn merchant() -> Merchant {
    let account = AccountIdentifier::Iban { iban: samples::text(GERMAN) };
    let name = samples::name("Gerald Wiley GmbH");
    let linked = LinkedAccount { name, account, default: false, linked_at: None };
    let mut merchant = samples::merchant();
    merchant.linked_accounts.push(linked);
    merchant
}

/// What is asked for, of which each test changes something.
#[derive(Debug, Clone)]
struct Asked {
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Value,
    mode: Mode,
    at: Timestamp,
    registered: Option<Vec<&'static str>>,
    merchant: Merchant,
}

fn connect(meta: Value) -> Asked {
    Asked {
        target: "/pis/v2/connect?state=abc".to_owned(),
        headers: Vec::new(),
        body: json!({ "meta": meta, "data": { "attributes": { "amount": "149.30", "currency": "EUR" } } }),
        mode: Mode::Test,
        at: samples::now(),
        registered: None,
        merchant: merchant(),
    }
}

fn request_to_pay(meta: Value) -> Asked {
    Asked { target: "/pis/v2/request-to-pay".to_owned(), ..connect(meta) }
}

fn attributes(attributes: Value) -> Asked {
    let mut asked = connect(json!({}));
    let all = asked.body["data"]["attributes"].as_object_mut().unwrap();
    all.extend(attributes.as_object().unwrap().clone());
    asked
}

impl Asked {
    fn live(mut self, registered: &[&'static str]) -> Self {
        self.mode = Mode::Live;
        self.registered = Some(registered.to_vec());
        self
    }

    fn with(mut self, query: &str) -> Self {
        let separator = if self.target.contains('?') { '&' } else { '?' };
        self.target = format!("{}{separator}{query}", self.target);
        self
    }

    fn read(&self) -> Result<NewSession, Refusal> {
        self.read_text(&self.body.to_string())
    }

    fn read_text(&self, body: &str) -> Result<NewSession, Refusal> {
        let mut request = lambda_http::http::Request::builder().method("POST").uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let path = self.target.split('?').next().unwrap();
        let request: Request = request.body(Body::Empty).unwrap().with_raw_http_path(path);
        let key = format!("pk_{}_demo", self.mode.as_str()).parse().unwrap();
        let application = self.registered.as_ref().map(|urls| Application {
            redirect_urls: urls.iter().map(|url| samples::text(url)).collect(),
            ..samples::application(&key)
        });
        let body = Json::read(body.as_bytes()).unwrap();
        let (merchant, application) = (&self.merchant, application.as_ref());
        let at = self.at;
        let asked = SessionRequest { request: &request, body: &body, merchant, application, mode: self.mode, at };
        parse_create(&asked, &"GBP:100000000,EUR:50000000".parse().unwrap())
    }

    /// What is wrong: code and parameter of each.
    fn wrong(&self) -> Vec<(&'static str, String)> {
        match self.read() {
            Err(Refusal::Invalid(wrong)) => wrong
                .into_iter()
                .map(|wrong| (wrong.code.unwrap_or("invalid_field"), wrong.parameter.unwrap()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The one field that is wrong.
    fn invalid(&self, parameter: &str) {
        assert_eq!(self.wrong(), [("invalid_field", parameter.to_owned())], "{self:?}");
    }

    fn missing(&self, parameter: &str) {
        assert_eq!(self.wrong(), [("mandatory_field_missing", parameter.to_owned())], "{self:?}");
    }
}

#[test]
fn an_account_that_was_just_linked_is_refused_live_and_says_from_when_on() {
    let mut asked = connect(json!({}));
    for linked in &mut asked.merchant.linked_accounts {
        linked.linked_at = Some(asked.at);
    }
    assert!(asked.read().is_ok(), "in test");
    asked.mode = Mode::Live;
    asked.invalid(CURRENCY);
    asked.body["data"]["attributes"]["beneficiary"] = json!({ "iban": GERMAN });
    let Err(Refusal::Invalid(wrong)) = asked.read() else { panic!("created") };
    let named: Vec<_> = wrong.iter().map(|wrong| wrong.parameter.as_deref()).collect();
    assert!(named.contains(&Some(IBAN)), "{wrong:?}");
    let from = asked.at + SignedDuration::from_hours(24);
    assert!(format!("{wrong:?}").contains(&format!("can be paid into it from {from} on")), "{wrong:?}");
    asked.at = from;
    assert!(asked.read().is_ok());
}

fn kept(new: &NewSession) -> Value {
    new.extra.as_ref().map_or(Value::Null, |extra| serde_json::from_str(extra.as_str()).unwrap())
}

fn methods(new: &NewSession) -> Vec<&str> {
    new.payment_methods.as_slice().iter().map(|method| method.as_str()).collect()
}

#[test]
fn the_least_has_defaults() {
    let new = connect(json!({})).read().unwrap();
    assert_eq!(
        (new.format, new.amount.minor(), new.amount.currency()),
        (WireFormat::Fintecture, 14_930, Currency::EUR)
    );
    assert_eq!(kept(&new), json!({ "state": "abc", "attributes": { "amount": "149.30" }, "meta": {} }));
    assert_eq!((new.payee.name.as_str(), new.payer.is_none()), ("Gerald Wiley GmbH", true));
    assert_eq!((new.locale.as_ref().map(Locale::as_str), new.retry), (Some("en"), true));
    assert!(new.success_url.is_none() && new.error_url.is_none() && new.cancel_url.is_none());
    assert!(new.reference.is_none() && new.description.is_none() && !new.email_link && !new.email_receipt);
    assert_eq!((methods(&new), new.virtual_iban), (vec!["pay_by_bank"], false));
    assert_eq!(new.lifetime.as_duration(), SignedDuration::from_hours(24));
    let new = request_to_pay(json!({})).read().unwrap();
    assert_eq!((methods(&new), new.virtual_iban), (vec!["pay_by_bank", "bank_transfer"], true));
    assert!(new.offer_limits.is_none());
    assert_eq!((new.lifetime.as_duration(), new.email_link), (SignedDuration::from_hours(7 * 24), false));
    assert_eq!(kept(&new)["kind"], "request_to_pay");
    // Node's path, and Ruby's slash.
    for (path, kind) in [
        ("/pis/v1/connect", Kind::Connect),
        ("/pis/v2/connect/", Kind::Connect),
        ("/pis/v2/request-to-pay", Kind::RequestToPay),
        ("/pis/v2/request-to-pay/", Kind::RequestToPay),
    ] {
        assert_eq!(super::kind(path), kind, "{path}");
    }
}

#[test]
fn all_that_is_said_is_kept() {
    let meta = json!({
        "psu_name": "Zoë Dupont", "psu_email": "zoe@example.com", "psu_phone": "612345678", "psu_phone_prefix": "+33",
        "psu_company": "Dupont SARL", "psu_form": "SARL", "psu_incorporation": "RCS Paris 123",
        "psu_address": { "street": "rue de Rivoli", "number": 12, "complement": "bât. B", "zip": 75001, "city": "Paris", "country": "FR" },
        "psu_ip": "2001:db8::1", "cc": "a@example.com", "bcc": ["b@example.com", "c@example.com"], "custom": { "n": 1.50 },
        "method": "email", "expiry": "3600", "due_date": 86400,
        "payment_methods": [{ "id": "smart_transfer", "order": 2 }, { "id": "immediate_transfer", "order": 1 }],
        "reconciliation": { "level": "key", "key": "K-1", "match_amount": true }, "user_id": "u", "target_env": "x",
    });
    let mut asked = request_to_pay(meta.clone());
    asked.target = "/pis/v2/request-to-pay?state=s%26t&redirect_uri=https://shop.example/back?a=1&origin_uri=https://shop.example/cart\
                    &with_beneficiary=true&with_virtualbeneficiary=1"
        .replace("back?a=1", "back%3Fa%3D1");
    asked.headers = [("x-psu-type", "all"), ("x-country", "fr"), ("x-language", "fr"), ("x-provider", "mock-transfer")]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec();
    let beneficiary = json!({
        "name": "Shop", "iban": "de89 3704 0044 0532 0130 00", "swift_bic": "COBADEFF", "bank_name": "Bank", "street": "Weg",
        "number": "1", "zip": "10115", "city": "Berlin", "country": "DE",
    });
    let attributes = json!({
        "amount": "20", "currency": "eur", "communication": "Order 77", "beneficiary": beneficiary, "end_to_end_id": "E2E/1",
        "execution_date": "2026-12-01", "scheme": "SEPA", "external_reference": 4711, "debited_account_id": "d",
        "debited_account_type": "internal", "net_amount": 16.50,
    });
    asked.body["data"] = json!({ "type": "REQUEST_TO_PAY", "attributes": attributes, "more": 1 });
    asked.body["more"] = json!([]);
    let new = asked.read().unwrap();
    let mut expected = attributes;
    for (name, value) in [("external_reference", "4711"), ("net_amount", "16.5")] {
        expected[name] = json!(value);
    }
    for name in ["currency", "communication"] {
        expected.as_object_mut().unwrap().remove(name);
    }
    let mut expected_meta = meta;
    for name in ["psu_name", "psu_email", "user_id", "target_env"] {
        expected_meta.as_object_mut().unwrap().remove(name);
    }
    expected_meta["psu_address"]["number"] = json!("12");
    expected_meta["psu_address"]["zip"] = json!("75001");
    expected_meta["cc"] = json!(["a@example.com"]);
    let expected = json!({
        "kind": "request_to_pay", "state": "s&t", "with_beneficiary": true, "with_virtual_beneficiary": true, "psu_type": "all",
        "country": "FR", "provider": "mock-transfer", "data_type": "REQUEST_TO_PAY", "attributes": expected, "meta": expected_meta,
    });
    assert_eq!(kept(&new), expected);
    assert_eq!((new.amount.minor(), new.amount.currency()), (2_000, Currency::EUR));
    let text = |url: &Option<MerchantUrl>| url.as_ref().unwrap().as_str().to_owned();
    assert_eq!(text(&new.success_url), "https://shop.example/back?a=1");
    assert_eq!(
        (text(&new.error_url), text(&new.cancel_url)),
        (text(&new.success_url), "https://shop.example/cart".to_owned())
    );
    assert_eq!(new.description.as_ref().map(Description::as_str), Some("Order 77"));
    assert_eq!(new.reference.as_ref().map(Reference::as_str), Some("Order 77"));
    assert_eq!(new.locale.as_ref().map(Locale::as_str), Some("fr"));
    assert_eq!((methods(&new), new.virtual_iban), (vec!["pay_by_bank", "bank_transfer"], true));
    let (provider, country) = ("mock-transfer".parse().ok(), "FR".parse().ok());
    assert_eq!(new.offer_limits, OfferLimits { provider, country, payers: None });
    assert_eq!((new.lifetime.as_duration(), new.email_link), (SignedDuration::from_hours(1), true));
    let payer = new.payer.as_ref().unwrap();
    assert_eq!((payer.name.as_str(), payer.phone.as_ref().unwrap().as_str()), ("Zoë Dupont", "+33612345678"));
    assert_eq!(payer.email.as_ref().unwrap().as_str(), "zoe@example.com");
    assert_eq!(new.payee.account.last_four(), "3000");
    // The account of a session's own begins with it.
    let session = Session::create(new, samples::creation(samples::NOW));
    assert!(begins_transfer(&session) && !begins_transfer(&created(&connect(json!({})))));
    let unasked = connect(json!({ "psu_name": "Zoë" })).with("with_virtual_beneficiary=false");
    assert!(!begins_transfer(&created(&unasked)));
}

fn created(asked: &Asked) -> Session {
    Session::create(asked.read().unwrap(), Creation { mode: asked.mode, ..samples::creation(samples::NOW) })
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut asked = connect(json!({ "psu_email": "nobody", "payment_methods": [] }));
    asked.target = "/pis/v2/connect".to_owned();
    asked.headers = vec![("x-country", "France".to_owned())];
    asked.body["data"] = json!({});
    let wrong = asked.wrong();
    let expected = [
        ("mandatory_field_missing", "query.state"),
        ("invalid_field", "header.x-country"),
        ("mandatory_field_missing", "data.attributes.amount"),
        ("mandatory_field_missing", "data.attributes.currency"),
        ("invalid_field", "meta.psu_email"),
        ("invalid_field", "meta.payment_methods"),
    ];
    assert_eq!(wrong, expected.map(|(code, parameter)| (code, parameter.to_owned())));
    for (field, parameter) in [("meta", "meta"), ("data", "data")] {
        for value in [json!([]), json!("x"), json!(7)] {
            let mut asked = connect(json!({}));
            asked.body[field] = value;
            asked.invalid(parameter);
        }
    }
    let mut asked = connect(json!({}));
    asked.body["data"]["attributes"] = json!([]);
    asked.invalid("data.attributes");
}

#[test]
fn attributes_that_are_wrong_are_named() {
    let long = |count: usize| "x".repeat(count);
    for value in [
        json!("149,30"),
        json!("-1"),
        json!(-1),
        json!(0),
        json!("0.001"),
        json!(0.001),
        json!(true),
        json!([]),
        json!({}),
    ] {
        attributes(json!({ "amount": value })).invalid("data.attributes.amount");
    }
    attributes(json!({ "amount": null })).missing("data.attributes.amount");
    attributes(json!({ "amount": "500000.01" })).invalid("data.attributes.amount");
    assert!(attributes(json!({ "amount": "500000" })).read().is_ok());
    attributes(json!({ "amount": "500000.01", "currency": "gbp" })).read().unwrap();
    attributes(json!({ "currency": null })).missing("data.attributes.currency");
    attributes(json!({ "currency": "" })).missing("data.attributes.currency");
    for value in [json!("USD"), json!("€"), json!("EURO"), json!(978), json!({})] {
        attributes(json!({ "currency": value })).invalid("data.attributes.currency");
    }
    for (field, value) in [
        ("communication", json!(long(141))),
        ("communication", json!("a\nb")),
        ("communication", json!({})),
        ("end_to_end_id", json!(long(36))),
        ("end_to_end_id", json!("é")),
        ("end_to_end_id", json!("a_b")),
        ("execution_date", json!(long(65))),
        ("scheme", json!(long(65))),
        ("external_reference", json!(long(65))),
        ("debited_account_id", json!(long(65))),
        ("debited_account_type", json!(["a"])),
        ("net_amount", json!(true)),
        ("beneficiary", json!("Shop")),
    ] {
        attributes(json!({ field: value })).invalid(&format!("data.attributes.{field}"));
    }
    for (field, value) in [
        ("name", json!(long(141))),
        ("swift_bic", json!(long(65))),
        ("bank_name", json!(long(141))),
        ("street", json!(long(71))),
        ("number", json!(long(71))),
        ("zip", json!([])),
        ("city", json!("\u{0}")),
        ("country", json!(long(71))),
        ("iban", json!("DE00")),
        ("iban", json!("FR1420041010050500013M02606")),
        // Pounds only.
        ("iban", json!(BRITISH)),
    ] {
        let parameter = format!("data.attributes.beneficiary.{field}");
        attributes(json!({ "beneficiary": { field: value } })).invalid(&parameter);
    }
    let mut asked = connect(json!({}));
    asked.body["data"]["type"] = json!(long(33));
    asked.invalid("data.type");
}

#[test]
fn the_account_is_the_one_that_is_named_or_the_currencys_own() {
    let paid = |currency: &str, iban: Option<&str>| {
        let asked = attributes(json!({ "currency": currency, "beneficiary": { "iban": iban } }));
        asked.read().map(|new| new.payee.account.last_four().to_owned())
    };
    assert_eq!(paid("EUR", None).unwrap(), "3000");
    assert_eq!(paid("EUR", Some(GERMAN)).unwrap(), "3000");
    assert_eq!(
        (paid("GBP", None).unwrap(), paid("GBP", Some(BRITISH)).unwrap()),
        ("5678".to_owned(), "5678".to_owned())
    );
    assert!(paid("GBP", Some(GERMAN)).is_err() && paid("GBP", Some("GB29NWBK60161331926819")).is_err());
    let mut asked = connect(json!({}));
    asked.merchant = samples::merchant();
    asked.invalid("data.attributes.currency");
    // What a provider collects needs no account in the currency.
    asked.body["meta"] = json!({ "payment_methods": [{ "id": "bnpl" }] });
    assert_eq!(asked.read().unwrap().payee.account.last_four(), "5678");
    asked.body["meta"] = json!({ "payment_methods": [{ "id": "bnpl" }, { "id": "immediate_transfer" }] });
    asked.invalid("data.attributes.currency");
}

#[test]
fn what_the_bank_shows_is_the_communication_if_it_can() {
    let read = |text: Value| {
        let new = attributes(json!({ "communication": text })).read().unwrap();
        (new.description.map(String::from).unwrap(), new.reference.map(String::from))
    };
    assert_eq!(read(json!("Order 77")), ("Order 77".to_owned(), Some("Order 77".to_owned())));
    assert_eq!(read(json!(4711)), ("4711".to_owned(), Some("4711".to_owned())));
    assert_eq!(read(json!("Bestellung: Nr. 7")), ("Bestellung: Nr. 7".to_owned(), None));
    assert_eq!(read(json!("x".repeat(140))), ("x".repeat(140), None));
}

/// Any JSON, of small size.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}|EUR|bnpl|zoe@example\\.com".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,12}|id|order|level|iban|street", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

const FIELDS: [&str; 24] = [
    "/redirect_uri",
    "/language",
    "/meta",
    "/data",
    "/data/type",
    "/data/attributes/amount",
    "/data/attributes/currency",
    "/data/attributes/communication",
    "/data/attributes/beneficiary",
    "/data/attributes/end_to_end_id",
    "/data/attributes/net_amount",
    "/meta/psu_name",
    "/meta/psu_email",
    "/meta/psu_phone",
    "/meta/psu_address",
    "/meta/psu_ip",
    "/meta/cc",
    "/meta/custom",
    "/meta/method",
    "/meta/expiry",
    "/meta/due_date",
    "/meta/payment_methods",
    "/meta/reconciliation",
    "/something_else",
];

proptest! {
    /// Whatever a field holds, it is accepted, or it is that field that is named.
    #[test]
    fn whatever_a_field_holds_is_accepted_or_named(field in prop::sample::select(&FIELDS[..]), value in any_json()) {
        let mut asked = request_to_pay(json!({}));
        let (parent, name) = field.rsplit_once('/').unwrap();
        asked.body.pointer_mut(parent).unwrap()[name] = value;
        match asked.read() {
            Ok(new) => prop_assert!((1..=50_000_000).contains(&new.amount.minor()) && new.retry),
            Err(Refusal::Invalid(wrong)) => {
                let named = field.trim_start_matches('/').replace('/', ".");
                prop_assert!(wrong.iter().all(|wrong| wrong.parameter.as_ref().unwrap().starts_with(&named)), "{:?}", wrong);
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    /// Its text is what counts, not what a float makes of it.
    #[test]
    fn an_amount_comes_from_the_text_of_the_body(minor in 1..=50_000_000_i64) {
        let text = format!("{}.{:02}", minor / 100, minor % 100);
        for amount in [text.clone(), format!("\"{text}\"")] {
            let body = format!(r#"{{"data":{{"attributes":{{"amount":{amount},"currency":"EUR"}}}}}}"#);
            let new = request_to_pay(json!({})).read_text(&body).unwrap();
            prop_assert_eq!((new.amount.minor(), &kept(&new)["attributes"]["amount"]), (minor, &json!(text)));
        }
        for amount in ["1e2", "1.0e1", "149.300"] {
            let body = format!(r#"{{"data":{{"attributes":{{"amount":{amount},"currency":"EUR"}}}}}}"#);
            let read = request_to_pay(json!({})).read_text(&body);
            prop_assert!(matches!(read, Err(Refusal::Invalid(_))), "{:?}", read);
        }
    }
}
