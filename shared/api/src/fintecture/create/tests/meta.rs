//! What `meta` may say: who pays, how, and until when.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{connect, kept, methods, request_to_pay};

#[test]
fn meta_that_is_wrong_is_named() {
    let long = |count: usize| "x".repeat(count);
    let addresses = |count: usize| vec!["a@example.com"; count];
    for (field, value) in [
        ("psu_name", json!(long(141))),
        ("psu_name", json!(["Zoë"])),
        ("psu_email", json!("zoe@localhost")),
        ("psu_phone", json!("call me")),
        ("psu_phone", json!("1234567890123456")),
        ("psu_phone_prefix", json!("+33333")),
        ("psu_phone_prefix", json!("fr")),
        ("psu_company", json!(long(141))),
        ("psu_form", json!({})),
        ("psu_incorporation", json!("a\u{202e}b")),
        ("psu_address", json!("Paris")),
        ("psu_ip", json!("1.2.3")),
        ("psu_ip", json!("localhost")),
        ("cc", json!("nobody")),
        ("cc", json!(addresses(11))),
        ("bcc", json!([7])),
        ("bcc", json!({})),
        ("custom", json!([])),
        ("custom", json!("{}")),
        ("custom", json!({ "a": long(2048) })),
        ("method", json!("sms")),
        ("method", json!("post")),
        ("expiry", json!(0)),
        ("expiry", json!(604_801)),
        ("expiry", json!(-1)),
        ("expiry", json!(60.5)),
        ("expiry", json!("an hour")),
        ("expiry", json!(true)),
        ("expire", json!("1e3")),
        ("expirary", json!([])),
        ("due_date", json!(long(33))),
        ("due_date", json!({})),
        ("reconciliation", json!("key")),
        ("payment_methods", json!([])),
        ("payment_methods", json!("bnpl")),
        ("payment_methods", json!(vec![json!({ "id": "bnpl" }); 4])),
    ] {
        request_to_pay(json!({ field: value })).invalid(&format!("meta.{field}"));
    }
    for (field, value) in [
        ("street", json!(long(71))),
        ("number", json!(long(71))),
        ("complement", json!(long(71))),
        ("zip", json!(true)),
        ("city", json!(long(71))),
        ("country", json!("FRA")),
    ] {
        connect(json!({ "psu_address": { field: value } })).invalid(&format!("meta.psu_address.{field}"));
    }
    let numbers = json!({ "psu_address": { "number": "1", "street_number": "2" } });
    connect(numbers).invalid("meta.psu_address.street_number");
    let new = connect(json!({ "psu_address": { "number": 1, "street_number": "1" } })).read().unwrap();
    assert_eq!(kept(&new)["meta"], json!({ "psu_address": { "number": "1" } }));
    assert!(request_to_pay(json!({ "cc": addresses(10), "custom": { "a": long(2040) } })).read().is_ok());
    request_to_pay(json!({ "method": "email" })).missing("meta.psu_email");
    request_to_pay(json!({ "method": "email", "psu_email": "" })).missing("meta.psu_email");
    // Each part fits, and all of them together don't.
    let texts = ["psu_company", "psu_form", "psu_incorporation"].map(|name| (name.to_owned(), json!("💶".repeat(140))));
    let address =
        ["street", "number", "complement", "zip", "city"].map(|name| (name.to_owned(), json!("💶".repeat(70))));
    let mut meta: serde_json::Map<_, _> = texts.into_iter().collect();
    meta.insert("psu_address".to_owned(), address.into_iter().collect::<serde_json::Map<_, _>>().into());
    meta.insert("custom".to_owned(), json!({ "a": long(2000) }));
    let mut asked = connect(meta.into()).with("with_beneficiary=1");
    let names = json!({ "name": "💶".repeat(140), "bank_name": "💶".repeat(140) });
    asked.body["data"]["attributes"]["beneficiary"] = names;
    asked.target = asked.target.replace("state=abc", &format!("state={}", "%F0%9F%92%B6".repeat(512)));
    asked.invalid("meta");
}

#[test]
fn how_it_may_be_paid() {
    let named = |ids: Value| connect(json!({ "payment_methods": ids }));
    for (ids, expected) in [
        (json!([{ "id": "immediate_transfer" }]), &["pay_by_bank"][..]),
        (json!([{ "id": "smart_transfer" }]), &["bank_transfer"]),
        (json!([{ "id": "bnpl" }]), &["buy_now_pay_later"]),
        (json!([{ "id": "bnpl" }, { "id": "smart_transfer" }]), &["buy_now_pay_later", "bank_transfer"]),
        (
            json!([{ "id": "smart_transfer" }, { "id": "immediate_transfer", "order": 9 }]),
            &["pay_by_bank", "bank_transfer"],
        ),
        (
            json!([{ "id": "bnpl", "order": 1 }, { "id": "smart_transfer", "order": -1 }, { "id": "immediate_transfer", "order": 1 }]),
            &["bank_transfer", "buy_now_pay_later", "pay_by_bank"],
        ),
    ] {
        let new = named(ids.clone()).read().unwrap();
        assert_eq!((methods(&new), &kept(&new)["meta"]["payment_methods"]), (expected.to_vec(), &ids));
        assert_eq!(new.virtual_iban, expected.contains(&"bank_transfer"));
    }
    for (ids, parameter) in [
        (json!([{ "id": "card" }]), "[0].id"),
        (json!([{ "id": "bnpl" }, { "id": "bnpl" }]), "[1].id"),
        (json!([{ "id": 7 }]), "[0].id"),
        (json!(["bnpl"]), "[0]"),
        (json!([{ "id": "bnpl", "order": "1" }]), "[0].order"),
        (json!([{ "id": "bnpl", "order": 1.5 }]), "[0].order"),
    ] {
        named(ids).invalid(&format!("meta.payment_methods{parameter}"));
    }
    named(json!([{}])).missing("meta.payment_methods[0].id");
    named(json!([null])).missing("meta.payment_methods[0].id");
    for id in ["smart_transfer", "bnpl"] {
        named(json!([{ "id": id }])).live(&[]).invalid("meta.payment_methods[0].id");
    }
    let live = request_to_pay(json!({})).live(&[]).read().unwrap();
    assert_eq!((methods(&live), live.virtual_iban), (vec!["pay_by_bank"], false));
}

#[test]
fn a_virtual_beneficiary_needs_a_smart_transfer_and_a_payer() {
    let asks = "with_virtual_beneficiary=true";
    let new = connect(json!({ "psu_name": "Zoë" })).with(asks).read().unwrap();
    assert_eq!((methods(&new), new.virtual_iban), (vec!["bank_transfer"], true));
    connect(json!({})).with(asks).missing("meta.psu_name");
    let immediate = json!({ "psu_name": "Zoë", "payment_methods": [{ "id": "immediate_transfer" }] });
    connect(immediate).with(asks).invalid("meta.payment_methods");
    let both =
        json!({ "psu_name": "Zoë", "payment_methods": [{ "id": "immediate_transfer" }, { "id": "smart_transfer" }] });
    assert!(connect(both).with(asks).read().unwrap().virtual_iban);
    let live = connect(json!({ "psu_name": "Zoë" })).with(asks).live(&[]);
    assert!(live.wrong().contains(&("invalid_field", "query.with_virtual_beneficiary".to_owned())));
}

#[test]
fn how_transfers_are_matched() {
    let of = |reconciliation: Value| connect(json!({ "reconciliation": reconciliation }));
    for good in [
        json!({ "level": "payer" }),
        json!({ "level": "payment_session", "match_amount": false }),
        json!({ "level": "payment_session" }),
        json!({ "level": "key", "key": "K", "match_amount": true }),
        json!({ "key": "K" }),
    ] {
        assert_eq!(kept(&of(good.clone()).read().unwrap())["meta"]["reconciliation"], good);
    }
    for (bad, field) in [
        (json!({ "level": "customer" }), "level"),
        (json!({ "level": "key", "key": "x".repeat(141) }), "key"),
        (json!({ "level": "payment_session", "match_amount": 1 }), "match_amount"),
        (json!({ "level": "payer", "match_amount": true }), "match_amount"),
        (json!({ "match_amount": true }), "match_amount"),
    ] {
        of(bad).invalid(&format!("meta.reconciliation.{field}"));
    }
    of(json!({ "level": "key" })).missing("meta.reconciliation.key");
    of(json!({ "level": "key", "key": "" })).missing("meta.reconciliation.key");
}

#[test]
fn how_long_it_can_be_paid_in_any_spelling() {
    for name in ["expiry", "expire", "expirary"] {
        for (value, seconds) in [(json!(1), 1), (json!("60"), 60), (json!(604_800), 604_800)] {
            let new = connect(json!({ name: value })).read().unwrap();
            let expected = (SignedDuration::from_secs(seconds), &value);
            assert_eq!((new.lifetime.as_duration(), &kept(&new)["meta"]["expiry"]), expected, "{name}");
        }
    }
    assert!(connect(json!({ "expiry": 60, "expire": "60" })).read().is_ok());
    connect(json!({ "expiry": 60, "expire": 61 })).invalid("meta.expire");
    connect(json!({ "expire": 60, "expirary": 61 })).invalid("meta.expirary");
    connect(json!({ "expiry": 59 })).live(&[]).invalid("meta.expiry");
    assert!(connect(json!({ "expiry": 60 })).live(&[]).read().is_ok());
}

#[test]
fn who_pays() {
    let read = |meta: Value| {
        let new = connect(meta).read().unwrap();
        let payer = new.payer.as_ref().map(|payer| {
            let phone = payer.phone.as_ref().map(|phone| phone.as_str().to_owned());
            (payer.name.as_str().to_owned(), payer.email.as_ref().map(|email| email.as_str().to_owned()), phone)
        });
        (payer, kept(&new)["meta"].clone())
    };
    let payer = |phone: Option<&str>| Some(("Zoë".to_owned(), None, phone.map(str::to_owned)));
    let plus = json!({ "psu_name": "Zoë", "psu_phone": "+33 6", "psu_phone_prefix": "+44" });
    assert_eq!(read(plus), (payer(Some("+33 6")), json!({ "psu_phone_prefix": "+44" })));
    let digits = json!({ "psu_name": "Zoë", "psu_phone": 612, "psu_phone_prefix": 33 });
    assert_eq!(read(digits), (payer(Some("33612")), json!({ "psu_phone": "612", "psu_phone_prefix": "33" })));
    assert_eq!(read(json!({ "psu_name": "Zoë", "psu_phone": "06 12" })), (payer(Some("06 12")), json!({})));
    // What shops send for what was not filled in.
    let empty =
        json!({ "psu_name": "Zoë", "psu_email": "", "psu_phone": "", "psu_company": "", "psu_address": { "zip": "" } });
    assert_eq!(read(empty), (payer(None), json!({})));
    let nameless = json!({ "psu_email": "zoe@example.com", "psu_phone": "06 12" });
    assert_eq!(read(nameless.clone()), (None, nameless));
}

#[test]
fn a_request_to_pay_is_mailed_if_there_is_an_address() {
    let read = |meta: Value| {
        let new = request_to_pay(meta).read().unwrap();
        (new.email_link, new.payer.map(|payer| payer.name.as_str().to_owned()))
    };
    let zoe = || Some("Zoë".to_owned());
    assert_eq!(read(json!({ "psu_name": "Zoë", "psu_email": "zoe@example.com" })), (true, zoe()));
    assert_eq!(read(json!({ "psu_name": "Zoë", "psu_email": "zoe@example.com", "method": "link" })), (false, zoe()));
    assert_eq!(read(json!({ "psu_name": "Zoë" })), (false, zoe()));
    assert_eq!(read(json!({ "psu_email": "zoe@example.com" })), (true, Some("zoe@example.com".to_owned())));
    // Nobody is mailed whom the merchant sends there.
    let new = connect(json!({ "psu_email": "zoe@example.com", "method": "sms" })).read().unwrap();
    assert!(!new.email_link && new.payer.is_none());
}
