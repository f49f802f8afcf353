//! What is wrong with requests in Yorlet's format: each with its status, the field that it names and what it says.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, World, answer, text};

use crate::yorlet::{SESSIONS, create, customer, demo, least, paid, post, with};

/// What an answer says: status, field and message; in the shape of every error.
fn said(answer: &Answer) -> (u16, Value, String) {
    let Value::Object(whole) = &answer.body else { panic!("{}", answer.text) };
    assert_eq!(whole.len(), 2, "{}", answer.text);
    assert_eq!(answer.body["status"], answer.status.as_u16());
    let error = answer.body["error"].as_object().unwrap();
    assert!(error.len() == 3 && error["type"] == "invalid_request", "{}", answer.text);
    (answer.status.as_u16(), error["param"].clone(), text(&error["message"]))
}

const TEXT_500: &str = "must be 1 to 500 characters, at least one of them visible, without control characters";
const TYPES: &str = "must be one of card, card_present, bacs_debit, sepa_debit, autogiro, bank_transfer, direct_transfer, \
                     gbp_credit_transfer, pay_by_bank";
const REPORTING: &str = "must be one of advance_rent, charge, deposit, holding_fee, rent";
const WHOLE: &str = "must be a whole number of 64 bits, not a string or a fraction";
const RANGE: &str = "must be 100 to 99999900, in minor units";
const CURRENCIES: &str = "must be one of gbp, eur, usd, sek";
const STRING: &str = "must be a string";
const TRUTH: &str = "must be true or false";
const OBJECT: &str = "must be an object";
const GIVEN: &str = "must be given";

#[tokio::test]
async fn what_is_wrong_with_a_session_is_named_field_by_field() {
    let world = World::start().await;
    let good = least(&customer(&world).await);
    let long = "x".repeat(501);
    let many: Value = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        ("amount", json!(null), "amount", GIVEN),
        ("amount", json!(99), "amount", RANGE),
        ("amount", json!(0), "amount", RANGE),
        ("amount", json!(-100), "amount", RANGE),
        ("amount", json!(99_999_901), "amount", RANGE),
        ("amount", json!("10000"), "amount", WHOLE),
        ("amount", json!(100.5), "amount", WHOLE),
        ("amount", json!(1e4), "amount", WHOLE),
        ("amount", json!([100]), "amount", WHOLE),
        ("currency", json!(null), "currency", GIVEN),
        ("currency", json!("GBP"), "currency", CURRENCIES),
        ("currency", json!("jpy"), "currency", CURRENCIES),
        ("currency", json!(""), "currency", CURRENCIES),
        ("currency", json!(826), "currency", STRING),
        ("customer", json!(null), "customer", GIVEN),
        ("customer", json!({}), "customer", STRING),
        ("mode", json!(null), "mode", GIVEN),
        ("mode", json!("setup"), "mode", "must be payment"),
        ("mode", json!("subscription"), "mode", "must be payment"),
        ("payment_method_types", json!(null), "payment_method_types", GIVEN),
        ("payment_method_types", json!([]), "payment_method_types", "must name at least one way to pay"),
        ("payment_method_types", json!("card"), "payment_method_types", "must be a list of ways to pay"),
        ("payment_method_types", json!(["card", "cheque"]), "payment_method_types[1]", TYPES),
        ("payment_method_types", json!(["Card"]), "payment_method_types[0]", TYPES),
        ("payment_method_types", json!(["card", 1]), "payment_method_types[1]", STRING),
        ("payment_method_types", json!([null]), "payment_method_types[0]", GIVEN),
        (
            "payment_method_types",
            json!(["card", "pay_by_bank", "card"]),
            "payment_method_types[2]",
            "must not be named again",
        ),
        ("payment_method_types", json!(vec!["card"; 1000]), "payment_method_types", "must name each way to pay once"),
        (
            "payment_method_types",
            json!(["sepa_debit", "autogiro"]),
            "payment_method_types",
            "must name a way to pay in gbp",
        ),
        ("payment_method_types", json!(["card_present"]), "payment_method_types", "must name a way to pay in gbp"),
        ("description", json!(""), "description", TEXT_500),
        ("description", json!(long), "description", TEXT_500),
        ("description", json!("a\nb"), "description", TEXT_500),
        ("description", json!(7), "description", STRING),
        ("metadata", json!([]), "metadata", OBJECT),
        ("metadata", json!({ "a": 1 }), "metadata.a", STRING),
        ("metadata", json!({ "a": null }), "metadata.a", STRING),
        ("metadata", json!({ "k".repeat(41): "v" }), "metadata", "must have keys of 1 to 40 characters"),
        ("metadata", json!({ "k": long }), "metadata", "must have values of at most 500 characters"),
        ("metadata", many, "metadata", "must have at most 50 keys"),
        ("payment_method_options", json!([]), "payment_method_options", OBJECT),
        ("payment_method_options", json!("{}"), "payment_method_options", OBJECT),
        (
            "payment_method_options",
            json!({ "a": "x".repeat(4096) }),
            "payment_method_options",
            "must be at most 4096 bytes of JSON",
        ),
        ("reporting_type", json!("gift"), "reporting_type", REPORTING),
        ("reporting_type", json!(1), "reporting_type", STRING),
        ("return_url", json!("/thanks"), "return_url", "must be an http or https URL of at most 2048 characters"),
        (
            "return_url",
            json!("javascript:alert(1)"),
            "return_url",
            "must be an http or https URL of at most 2048 characters",
        ),
        (
            "return_url",
            json!("https://a:b@shop.example/"),
            "return_url",
            "must be an http or https URL of at most 2048 characters",
        ),
        ("return_url", json!(true), "return_url", STRING),
        ("test_clock", json!("clk_1"), "test_clock", "must be the id of a test clock"),
        ("test_clock", json!(""), "test_clock", "must be the id of a test clock"),
        ("test_clock", json!(7), "test_clock", STRING),
        ("test_clock", json!("c3f0a6de-52b7-4e0c-9a2d-7d1b8e6f4a10"), "test_clock", "names no test clock of yours"),
        ("send_email", json!("yes"), "send_email", TRUTH),
        ("send_email", json!(1), "send_email", TRUTH),
        (
            "statement_descriptor",
            json!("Rent: November"),
            "statement_descriptor",
            "must be 1 to 18 letters, digits or spaces",
        ),
        (
            "statement_descriptor",
            json!("x".repeat(19)),
            "statement_descriptor",
            "must be 1 to 18 letters, digits or spaces",
        ),
        ("statement_descriptor", json!("  "), "statement_descriptor", "must be 1 to 18 letters, digits or spaces"),
        ("transaction_data", json!([]), "transaction_data", OBJECT),
        ("transaction_data", json!({ "unit": 7 }), "transaction_data.unit", STRING),
        (
            "transaction_data",
            json!({ "unit": "" }),
            "transaction_data.unit",
            "must be 1 to 140 characters, at least one of them visible, without control characters",
        ),
        ("transaction_data", json!({ "transfer_data": true }), "transaction_data.transfer_data", OBJECT),
        (
            "transaction_data",
            json!({ "transfer_data": { "use_unit_ownership": "yes" } }),
            "transaction_data.transfer_data.use_unit_ownership",
            TRUTH,
        ),
        ("transaction_data", json!({ "customer_balance": [] }), "transaction_data.customer_balance", OBJECT),
        (
            "transaction_data",
            json!({ "customer_balance": { "apply": 0 } }),
            "transaction_data.customer_balance.apply",
            TRUTH,
        ),
        (
            "transaction_data",
            json!({ "customer_balance": { "description": "" } }),
            "transaction_data.customer_balance.description",
            TEXT_500,
        ),
    ];
    for (field, value, param, rule) in cases {
        let answer = post(&world, SESSIONS, &with(&good, json!({ field: value.clone() }))).await;
        assert_eq!(said(&answer), (400, json!(param), format!("{param} {rule}")), "{field}: {value}");
    }
    // An id that names nothing.
    for id in [
        "cus_0",
        &format!("cus_{}", "0".repeat(22)),
        &format!("cus_{}", "z".repeat(22)),
        "",
        "py_sess_0000000000000000000000",
    ] {
        let answer = post(&world, SESSIONS, &with(&good, json!({ "customer": id }))).await;
        assert_eq!(said(&answer), (404, json!("customer"), "customer names nothing that is yours".to_owned()), "{id}");
    }
    // Of several things that are wrong the first is named, and what is wrong before whom it names.
    let answer =
        post(&world, SESSIONS, &with(&good, json!({ "mode": "x", "customer": "cus_0", "send_email": "x" }))).await;
    assert_eq!(said(&answer).1, "mode");
    let answer = post(&world, SESSIONS, &json!({})).await;
    assert_eq!(said(&answer).1, "amount");
    // In dollars nothing pays into an account; with a card it can be paid all the same.
    let dollars = json!({ "currency": "usd", "payment_method_types": ["pay_by_bank", "bank_transfer"] });
    let answer = post(&world, SESSIONS, &with(&good, dollars)).await;
    let none = "payment_method_types must name a way to pay in usd";
    assert_eq!(said(&answer), (400, json!("payment_method_types"), none.to_owned()));
    for (currency, methods) in [
        ("usd", json!(["card"])),
        ("eur", json!(["pay_by_bank"])),
        ("eur", json!(["sepa_debit", "bacs_debit"])),
        ("sek", json!(["autogiro"])),
        ("sek", json!(["direct_transfer"])),
        ("gbp", json!(["gbp_credit_transfer", "card_present"])),
    ] {
        create(&world, &with(&good, json!({ "currency": currency, "payment_method_types": methods }))).await;
    }
    for amount in [100, 99_999_900] {
        create(&world, &with(&good, json!({ "amount": amount }))).await;
    }
}

#[tokio::test]
async fn what_can_not_be_read_is_said_in_the_formats_shape() {
    let world = World::start().await;
    let good = least(&customer(&world).await);
    let raw = async |body: String, kind: &str, key: Option<&str>| {
        let request = demo(&world, Method::POST, SESSIONS).header("content-type", kind).body(body);
        answer(key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key))).await
    };
    let json_rule = "the body must be a JSON object, each of its keys given once";
    for body in ["", "{", "[]", "null", "1", "\"x\"", "{\"amount\":1e999}", "\u{feff}"] {
        assert_eq!(
            said(&raw(body.to_owned(), "application/json", None).await),
            (400, json!(null), json_rule.to_owned()),
            "{body}"
        );
    }
    let twice =
        raw(r#"{"amount":100,"transaction_data":{"unit":"a","unit":"b"}}"#.to_owned(), "application/json", None).await;
    assert_eq!(said(&twice), (400, json!(null), format!("{json_rule}; transaction_data.unit is given twice")));
    let form = raw("amount=100".to_owned(), "application/x-www-form-urlencoded", None).await;
    assert_eq!(said(&form), (415, json!(null), "send the body as application/json".to_owned()));
    let long = raw(with(&good, json!({ "x": "x".repeat(65_536) })).to_string(), "application/json", None).await;
    assert_eq!(said(&long), (413, json!(null), "the body is longer than 65536 bytes".to_owned()));
    let key = raw(good.to_string(), "application/json", Some("a,b")).await;
    assert_eq!((said(&key).0, said(&key).1), (400, json!(null)));
    // A merchant without an account in the currency, and one without any.
    let (_, secret) = world.merchant("british", models::Mode::Test, "all").await;
    let theirs = least(&crate::yorlet::customer_of(&world, "british", models::Mode::Test).await);
    let asked = async |fields: Value| {
        answer(world.request(Method::POST, SESSIONS).bearer_auth(&secret).json(&with(&theirs, fields))).await
    };
    let none = "payment_method_types must name a way to pay in eur that needs no account in it: you have none";
    let answer = asked(json!({ "currency": "eur" })).await;
    assert_eq!(said(&answer), (400, json!("payment_method_types"), none.to_owned()));
    let both = asked(json!({ "currency": "eur", "payment_method_types": ["pay_by_bank", "card"] })).await;
    assert_eq!(both.status, StatusCode::OK, "{}", both.text);
    // What would go into an account that can't receive it is not offered.
    let page = crate::yorlet::payer(&world, &both.body).page().await;
    assert!(!page.html.contains("mock-bank"), "{}", page.html);
}

#[tokio::test]
async fn an_amount_above_the_operators_cap_and_a_currency_without_one_are_refused() {
    let world = World::start_with(|config| {
        config.parameters.insert("MaxAmountMinor".into(), "GBP:5000,EUR:100".into());
    })
    .await;
    let good = with(&least(&customer(&world).await), json!({ "amount": 5_000 }));
    create(&world, &good).await;
    for (fields, param, message) in [
        (json!({ "amount": 5_001 }), "amount", "amount must be at most 5000 (£50.00)"),
        (json!({ "currency": "eur" }), "amount", "amount must be at most 100 (€1.00)"),
        (json!({ "currency": "usd" }), "currency", "currency must be one of gbp, eur"),
    ] {
        let answer = post(&world, SESSIONS, &with(&good, fields)).await;
        assert_eq!(said(&answer), (400, json!(param), message.to_owned()));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_refund_is_named() {
    let world = World::start().await;
    let customer = customer(&world).await;
    let paid = paid(&world, &least(&customer)).await;
    let unpaid = create(&world, &least(&customer)).await;
    let good = json!({ "transaction": paid["transaction"], "amount": 100 });
    let transaction = crate::yorlet::transaction_id(&unpaid);
    let only = "a transaction that is requires_payment_method can't be refunded; only one that is succeeded";
    let cases: Vec<(Value, u16, &str, String)> = vec![
        (json!({ "transaction": null }), 400, "transaction", format!("transaction {GIVEN}")),
        (json!({ "transaction": 1 }), 400, "transaction", format!("transaction {STRING}")),
        (json!({ "transaction": "txn_1" }), 404, "transaction", "transaction names nothing that is yours".to_owned()),
        (
            json!({ "transaction": paid["id"] }),
            404,
            "transaction",
            "transaction names nothing that is yours".to_owned(),
        ),
        (json!({ "transaction": transaction }), 400, "transaction", only.to_owned()),
        (json!({ "amount": 0 }), 400, "amount", "amount must be 1 to 99999900".to_owned()),
        (json!({ "amount": -1 }), 400, "amount", "amount must be 1 to 99999900".to_owned()),
        (json!({ "amount": "100" }), 400, "amount", format!("amount {WHOLE}")),
        (
            json!({ "amount": 10_001 }),
            400,
            "amount",
            "amount must be at most 10000 (£100.00), which is what is left of the payment".to_owned(),
        ),
        (
            json!({ "reason": "regret" }),
            400,
            "reason",
            "reason must be one of duplicate, fraudulent, requested_by_customer".to_owned(),
        ),
        (json!({ "reason_description": "" }), 400, "reason_description", format!("reason_description {TEXT_500}")),
        (json!({ "reverse_transfer": "no" }), 400, "reverse_transfer", format!("reverse_transfer {TRUTH}")),
        (json!({ "metadata": { "a": [] } }), 400, "metadata.a", format!("metadata.a {STRING}")),
        (
            json!({ "metadata": (0..20).map(|n| (n.to_string(), json!("x".repeat(500)))).collect::<Value>() }),
            400,
            "metadata",
            "metadata must be at most 8192 bytes of JSON".to_owned(),
        ),
    ];
    for (fields, status, param, message) in cases {
        let answer = post(&world, "/v1/refunds", &with(&good, fields.clone())).await;
        assert_eq!(said(&answer), (status, json!(param), message), "{fields}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_named() {
    let world = World::start().await;
    let customer = customer(&world).await;
    let session = text(&create(&world, &least(&customer)).await["id"]);
    let own = "must be the id of one that is in the list";
    let once = "must not be given beside the other of starting_after and ending_before";
    let nothing = format!("py_sess_{}", "0".repeat(22));
    let has = "is no parameter of this list, which has limit, starting_after, ending_before";
    for (path, query, status, param, rule) in [
        (SESSIONS, "limit=0".to_owned(), 400, "limit", "must be 1 to 100"),
        (SESSIONS, "limit=101".to_owned(), 400, "limit", "must be 1 to 100"),
        (SESSIONS, "limit=ten".to_owned(), 400, "limit", "must be 1 to 100"),
        (SESSIONS, "limit=1&limit=2".to_owned(), 400, "limit", "must be given once"),
        (SESSIONS, "starting_after=x".to_owned(), 400, "starting_after", own),
        (SESSIONS, format!("starting_after={nothing}"), 400, "starting_after", own),
        (SESSIONS, format!("ending_before={nothing}"), 400, "ending_before", own),
        (SESSIONS, format!("ending_before={}", session.replacen("py_sess_", "txn_", 1)), 400, "ending_before", own),
        (SESSIONS, format!("starting_after={session}&ending_before={session}"), 400, "ending_before", once),
        (SESSIONS, "status=paid".to_owned(), 400, "status", has),
        ("/v1/transactions", format!("starting_after={session}"), 400, "starting_after", own),
        ("/v1/refunds", String::new(), 400, "transaction", GIVEN),
        ("/v1/refunds", "transaction=txn_1".to_owned(), 404, "transaction", "names nothing that is yours"),
        (
            "/v1/refunds",
            format!("transaction={}&starting_after=re_1", session.replacen("py_sess_", "txn_", 1)),
            400,
            "starting_after",
            own,
        ),
    ] {
        let answer = answer(demo(&world, Method::GET, &format!("{path}?{query}"))).await;
        assert_eq!(said(&answer), (status, json!(param), format!("{param} {rule}")), "{path}?{query}");
    }
}
