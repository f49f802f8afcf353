//! What is read of a customer is shown, and changed field by field.

use std::collections::BTreeMap;

use jiff::Timestamp;
use models::{CustomerCreation, ListShard, Mode};
use serde_json::{Value, json};

use super::*;
use crate::error::Refusal;
use crate::json::Json;

fn read<T>(body: &Value, parse: fn(&Json<'_>) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let text = body.to_string();
    parse(&Json::read(text.as_bytes()).unwrap())
}

fn created(body: &Value) -> Customer {
    let creation = CustomerCreation {
        id: CustomerId::new(uuid::Uuid::from_u128(7)),
        merchant_id: "demo".parse().unwrap(),
        mode: Mode::Test,
        list_shard: ListShard::default(),
        at: Timestamp::constant(1_772_000_000, 0),
    };
    Customer::create(read(body, parse_customer).unwrap(), creation)
}

fn shown(customer: &Customer) -> Value {
    serde_json::to_value(CustomerView::new(customer)).unwrap()
}

fn changed(customer: Customer, change: &Value) -> Value {
    shown(&read(change, parse_customer_change).unwrap().apply(customer).unwrap())
}

fn whole() -> Value {
    json!({
        "email": "ada@example.com",
        "name": "Ada Payer",
        "phone": "+44 20 7946 0999",
        "description": "Flat 3",
        "address": { "line1": "1 High Street", "line2": "Flat 3", "city": "Bath", "country": "GB", "postal_code": "BA1 1AA", "state": "Somerset" },
        "legal": { "first_name": "Ada", "last_name": "Payer" },
        "invoicing": { "email_to": "bills@example.com", "email_cc": ["a@example.com", "b@example.com"], "arrears_emails": true },
        "invoice_prefix": "ADA-1",
        "metadata": { "unit": "3", "since": "2024" },
    })
}

#[test]
fn one_that_says_nothing_but_its_address_has_the_rest_without_values() {
    let expected = json!({
        "id": "cus_0000000000000000000007",
        "object": "customer",
        "created": 1_772_000_000,
        "email": "ada@example.com",
        "name": null,
        "phone": null,
        "description": null,
        "address": { "line1": null, "line2": null, "city": null, "country": null, "postal_code": null, "state": null },
        "legal": { "first_name": null, "last_name": null },
        "invoicing": { "email_to": null, "email_cc": [], "arrears_emails": null },
        "invoice_prefix": null,
        "metadata": {},
        "default_payment_method": null,
        "delinquent": false,
        "radar": { "message": null, "reason": null, "risk_level": null },
    });
    let customer = created(&json!({ "email": "ada@example.com" }));
    assert_eq!((shown(&customer), &customer.extra), (expected.clone(), &None));
    // Null is as good as nothing.
    let mut nulls = whole();
    for (name, value) in nulls.as_object_mut().unwrap() {
        if name != "email" {
            *value = Value::Null;
        }
    }
    assert_eq!(shown(&created(&nulls)), expected);
    assert_eq!(
        changed(created(&whole()), &{
            nulls.as_object_mut().unwrap().remove("email");
            nulls
        }),
        expected
    );
}

#[test]
fn each_field_is_changed_by_itself() {
    let before = shown(&created(&whole()));
    assert_eq!(changed(created(&whole()), &json!({})), before);
    for (name, value) in [
        ("email", json!("bea@example.com")),
        ("name", json!("Bea")),
        ("phone", json!("0207 946 0000")),
        ("description", json!("Flat 4")),
        (
            "address",
            json!({ "line1": null, "line2": null, "city": "York", "country": "GB", "postal_code": null, "state": null }),
        ),
        ("legal", json!({ "first_name": null, "last_name": "Bee" })),
        ("invoicing", json!({ "email_to": null, "email_cc": [], "arrears_emails": false })),
        ("invoice_prefix", json!("BEA")),
    ] {
        let mut expected = before.clone();
        expected[name] = value.clone();
        assert_eq!(changed(created(&whole()), &json!({ name: value })), expected, "{name}");
    }
}

#[test]
fn notes_are_added_replaced_and_removed_by_their_keys() {
    let notes = |change: Value| changed(created(&whole()), &json!({ "metadata": change }))["metadata"].clone();
    assert_eq!(notes(json!({ "unit": "4", "new": "x" })), json!({ "unit": "4", "since": "2024", "new": "x" }));
    assert_eq!(notes(json!({ "unit": null, "other": null })), json!({ "since": "2024" }));
    assert_eq!(notes(json!({})), json!({ "unit": "3", "since": "2024" }));
    assert_eq!(notes(Value::Null), json!({}));
    let many: BTreeMap<_, _> = (0..49).map(|n| (format!("note{n}"), "x")).collect();
    let change = read(&json!({ "metadata": many }), parse_customer_change).unwrap();
    assert_eq!(change.apply(created(&whole())), Err(Refusal::invalid("metadata", "must have at most 50 keys")));
}

#[test]
fn all_that_a_customer_may_say_fits_into_what_is_kept_of_one() {
    let text = |length: usize| "🕯".repeat(length);
    let label = "b".repeat(58);
    let email = format!("{}@{label}.{label}.{label}.example", "a".repeat(64));
    let name = text(140);
    let body = json!({
        "email": email,
        "name": name,
        "phone": "+44 (20) 7946-0999",
        "description": text(500),
        "address": { "line1": name, "line2": name, "city": name, "country": "GB", "postal_code": text(5), "state": name },
        "legal": { "first_name": name, "last_name": name },
        "invoicing": { "email_to": email, "email_cc": vec![email.clone(); MAX_COPIES], "arrears_emails": false },
        "invoice_prefix": "A".repeat(12),
    });
    let customer = created(&body);
    let kept = customer.extra.as_ref().unwrap().as_str().len();
    assert!((7000..8192).contains(&kept), "{kept}");
    assert_eq!(shown(&customer)["address"]["line1"], name);
}
