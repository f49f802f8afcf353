//! Customers: each field that one may say is sent and read back, and what is wrong is named.

use local::{Effect, Fault};
use models::Mode;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, World, answer, text};

pub(crate) const CUSTOMERS: &str = "/v1/customers";

pub(crate) fn path(customer: &Value) -> String {
    format!("{CUSTOMERS}/{}", text(&customer["id"]))
}

/// All that a customer may say.
pub(crate) fn whole() -> Value {
    json!({
        "email": "ada@example.com",
        "name": "Ada Payer",
        "phone": "+44 20 7946 0999",
        "description": "Flat 3",
        "address": { "line1": "1 High Street", "line2": "Flat 3", "city": "Bath", "country": "GB", "postal_code": "BA1 1AA", "state": "Somerset" },
        "legal": { "first_name": "Ada", "last_name": "Payer" },
        "invoicing": { "email_to": "bills@example.com", "email_cc": ["copies@example.com"], "arrears_emails": true },
        "invoice_prefix": "ADA-1",
        "metadata": { "unit": "3" },
    })
}

pub(crate) async fn post(world: &World, path: &str, body: &Value) -> Answer {
    answer(world.demo(Method::POST, path).json(body)).await
}

pub(crate) async fn created(world: &World, body: &Value) -> Value {
    let created = post(world, CUSTOMERS, body).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.text);
    created.body
}

pub(crate) async fn read(world: &World, path: &str) -> Value {
    let read = answer(world.demo(Method::GET, path)).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    read.body
}

async fn with_key(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    answer(world.demo(Method::POST, path).header("Idempotency-Key", key).json(body)).await
}

/// Status, parameter and message of an error.
fn error(answer: &Answer) -> (u16, Value, String) {
    let error = &answer.body["error"];
    assert_eq!(answer.body["status"], answer.status.as_u16(), "{}", answer.text);
    assert_eq!(error["type"], "invalid_request", "{}", answer.text);
    (answer.status.as_u16(), error["param"].clone(), text(&error["message"]))
}

/// A list's ids, how many it says that there are, and whether there are more.
async fn list(world: &World, query: &str) -> (Vec<String>, u64, bool) {
    let list = read(world, &format!("{CUSTOMERS}{query}")).await;
    assert_eq!(list["object"], "list");
    let ids = list["data"].as_array().unwrap().iter().map(|customer| text(&customer["id"])).collect();
    (ids, list["count"].as_u64().unwrap(), list["has_more"].as_bool().unwrap())
}

#[tokio::test]
async fn each_field_is_read_back_changed_and_gone() {
    let world = World::start().await;
    let mut expected = whole();
    let customer = created(&world, &whole()).await;
    assert!(text(&customer["id"]).starts_with("cus_") && customer["created"].is_i64(), "{customer}");
    for (name, value) in [
        ("id", customer["id"].clone()),
        ("object", json!("customer")),
        ("created", customer["created"].clone()),
        ("default_payment_method", Value::Null),
        ("delinquent", json!(false)),
        ("radar", json!({ "message": null, "reason": null, "risk_level": null })),
    ] {
        expected[name] = value;
    }
    assert_eq!(customer, expected);
    assert_eq!(read(&world, &path(&customer)).await, customer);
    assert_eq!(read(&world, CUSTOMERS).await["data"], json!([customer]));

    for (name, given, shown) in [
        ("email", json!("bea@bücher.example"), json!("bea@xn--bcher-kva.example")),
        ("name", json!("Bea"), json!("Bea")),
        ("phone", Value::Null, Value::Null),
        ("description", json!("Flat 4"), json!("Flat 4")),
        (
            "address",
            json!({ "city": "York", "country": "gb" }),
            json!({ "line1": null, "line2": null, "city": "York", "country": "gb", "postal_code": null, "state": null }),
        ),
        ("legal", Value::Null, json!({ "first_name": null, "last_name": null })),
        ("invoicing", json!({}), json!({ "email_to": null, "email_cc": [], "arrears_emails": null })),
        ("invoice_prefix", Value::Null, Value::Null),
        ("metadata", json!({ "since": "2024", "unit": null }), json!({ "since": "2024" })),
        ("metadata", json!({ "until": "2026" }), json!({ "since": "2024", "until": "2026" })),
        ("metadata", Value::Null, json!({})),
    ] {
        expected[name] = shown;
        let changed = post(&world, &path(&customer), &json!({ name: given })).await;
        assert_eq!((changed.status, &changed.body), (StatusCode::OK, &expected), "{name}");
        assert_eq!(read(&world, &path(&customer)).await, expected, "{name}");
    }
    let deleted = json!({ "id": customer["id"], "object": "customer", "deleted": true });
    for _ in 0..2 {
        let gone = answer(world.demo(Method::DELETE, &path(&customer))).await;
        assert_eq!((gone.status, &gone.body), (StatusCode::OK, &deleted));
        assert_eq!(read(&world, &path(&customer)).await, deleted);
        assert_eq!(read(&world, CUSTOMERS).await["data"], json!([]));
    }
    let changed = post(&world, &path(&customer), &json!({ "name": "Ada" })).await;
    assert_eq!(changed.status, StatusCode::NOT_FOUND, "{}", changed.text);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let world = World::start().await;
    let customer = created(&world, &whole()).await;
    let (long, name_rule) = (
        |count: usize| "x".repeat(count),
        "must be 1 to 140 characters, at least one of them visible, without control characters",
    );
    let an_address = "must be an e-mail address";
    let cases: Vec<(Value, &str, String)> = vec![
        (json!({ "email": 1 }), "email", "must be a string".into()),
        (json!({ "email": "" }), "email", an_address.into()),
        (json!({ "email": "ada" }), "email", an_address.into()),
        (json!({ "email": "ada@127.0.0.1" }), "email", an_address.into()),
        (json!({ "email": format!("{}@example.com", long(250)) }), "email", an_address.into()),
        (json!({ "name": "" }), "name", name_rule.into()),
        (json!({ "name": long(141) }), "name", name_rule.into()),
        (json!({ "name": "Ada\nPayer" }), "name", name_rule.into()),
        (json!({ "name": ["Ada"] }), "name", "must be a string".into()),
        (json!({ "phone": "+44 call me" }), "phone", "must be a telephone number of at most 15 digits".into()),
        (json!({ "phone": "1234567890123456" }), "phone", "must be a telephone number of at most 15 digits".into()),
        (json!({ "phone": 441_234 }), "phone", "must be a string".into()),
        (json!({ "description": long(501) }), "description", name_rule.replace("140", "500")),
        (json!({ "address": "Bath" }), "address", "must be an object".into()),
        (json!({ "address": [] }), "address", "must be an object".into()),
        (json!({ "address": { "line1": long(141) } }), "address.line1", name_rule.into()),
        (json!({ "address": { "line2": 2 } }), "address.line2", "must be a string".into()),
        (json!({ "address": { "city": "\u{7}" } }), "address.city", name_rule.into()),
        (
            json!({ "address": { "country": "GBR" } }),
            "address.country",
            "must be the two letters of a country, like GB".into(),
        ),
        (
            json!({ "address": { "country": "G1" } }),
            "address.country",
            "must be the two letters of a country, like GB".into(),
        ),
        (
            json!({ "address": { "postal_code": long(21) } }),
            "address.postal_code",
            "must be 1 to 20 characters, on one line".into(),
        ),
        (json!({ "address": { "state": "" } }), "address.state", name_rule.into()),
        (json!({ "legal": true }), "legal", "must be an object".into()),
        (json!({ "legal": { "first_name": long(141) } }), "legal.first_name", name_rule.into()),
        (json!({ "legal": { "last_name": {} } }), "legal.last_name", "must be a string".into()),
        (json!({ "invoicing": 1 }), "invoicing", "must be an object".into()),
        (json!({ "invoicing": { "email_to": "bills" } }), "invoicing.email_to", an_address.into()),
        (json!({ "invoicing": { "email_cc": "a@example.com" } }), "invoicing.email_cc", "must be a list".into()),
        (
            json!({ "invoicing": { "email_cc": vec!["a@example.com"; 6] } }),
            "invoicing.email_cc",
            "must have at most 5 addresses".into(),
        ),
        (json!({ "invoicing": { "email_cc": ["a@example.com", "b"] } }), "invoicing.email_cc[1]", an_address.into()),
        (json!({ "invoicing": { "email_cc": [null] } }), "invoicing.email_cc[0]", "must be given".into()),
        (
            json!({ "invoicing": { "arrears_emails": "yes" } }),
            "invoicing.arrears_emails",
            "must be true or false".into(),
        ),
        (json!({ "invoice_prefix": long(13) }), "invoice_prefix", "must be 1 to 12 letters, digits and hyphens".into()),
        (json!({ "invoice_prefix": "A_1" }), "invoice_prefix", "must be 1 to 12 letters, digits and hyphens".into()),
        (json!({ "metadata": [] }), "metadata", "must be an object".into()),
        (json!({ "metadata": { "": "x" } }), "metadata", "must have keys of 1 to 40 characters".into()),
        (json!({ "metadata": { "unit": long(501) } }), "metadata", "must have values of at most 500 characters".into()),
        (json!({ "metadata": { "unit": 3 } }), "metadata.unit", "must be a string".into()),
    ];
    for (wrong, param, rule) in cases {
        let mut new = whole();
        new.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        for (path, body) in [(CUSTOMERS.to_owned(), &new), (path(&customer), &wrong)] {
            let refused = error(&post(&world, &path, body).await);
            assert_eq!(refused, (400, json!(param), format!("{param} {rule}")), "{path} {wrong}");
        }
    }
    let of = |param: &str, rule: &str| (400, json!(param), format!("{param} {rule}"));
    for missing in [json!({}), json!({ "email": null })] {
        assert_eq!(error(&post(&world, CUSTOMERS, &missing).await), of("email", "must be given"));
    }
    assert_eq!(
        error(&post(&world, CUSTOMERS, &json!({ "email": "a@example.com", "metadata": { "unit": null } })).await),
        of("metadata.unit", "must be a string")
    );
    assert_eq!(
        error(&post(&world, &path(&customer), &json!({ "email": null })).await),
        of("email", "can't be removed")
    );
    let many: serde_json::Map<_, _> = (0..50).map(|n| (format!("note{n}"), json!("x"))).collect();
    assert_eq!(
        error(&post(&world, &path(&customer), &json!({ "metadata": many })).await),
        of("metadata", "must have at most 50 keys")
    );
    for body in ["", "[]", "\"x\"", "{", r#"{"email":"a@example.com","email":"b@example.com"}"#] {
        for path in [CUSTOMERS.to_owned(), path(&customer)] {
            let request = world.demo(Method::POST, &path).header("content-type", "application/json").body(body);
            let (status, param, _) = error(&answer(request).await);
            assert_eq!((status, param), (400, Value::Null), "{body}");
        }
    }
    let request = world.demo(Method::POST, CUSTOMERS).header("content-type", "text/plain").body("{}");
    assert_eq!(error(&answer(request).await).0, 415);
    for (query, param) in [
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=ten", "limit"),
        ("?page=2", "page"),
        ("?starting_after=x", "starting_after"),
        ("?ending_before=cus_0000000000000000000007", "ending_before"),
        ("?starting_after=cus_0000000000000000000007", "starting_after"),
    ] {
        let (status, named, _) = error(&answer(world.demo(Method::GET, &format!("{CUSTOMERS}{query}"))).await);
        assert_eq!((status, named), (400, json!(param)), "{query}");
    }
    assert_eq!(read(&world, &path(&customer)).await, customer, "nothing was changed");
    assert_eq!(read(&world, CUSTOMERS).await["data"], json!([customer]), "nothing was created");
}

#[tokio::test]
async fn what_is_sent_twice_is_done_once() {
    let world = World::start().await;
    let first = with_key(&world, CUSTOMERS, "1", &whole()).await;
    assert!(first.status.is_success() && !first.is_replayed(), "{}", first.text);
    let customer = first.body;
    let renamed = with_key(&world, &path(&customer), "1", &json!({ "name": "Bea" })).await;
    assert_eq!((renamed.is_replayed(), &renamed.body["name"]), (false, &json!("Bea")), "a key of another operation");

    let again = with_key(&world, CUSTOMERS, "1", &whole()).await;
    assert_eq!((again.is_replayed(), &again.body), (true, &customer), "as it was answered then");
    let other = with_key(&world, CUSTOMERS, "1", &json!({ "email": "ada@example.com" })).await;
    assert_eq!((error(&other).0, error(&other).1), (409, Value::Null));

    // A change comes again after another one: it undoes nothing.
    assert_eq!(post(&world, &path(&customer), &json!({ "name": "Cleo" })).await.body["name"], "Cleo");
    let late = with_key(&world, &path(&customer), "1", &json!({ "name": "Bea" })).await;
    assert_eq!((late.is_replayed(), &late.body["name"]), (true, &json!("Cleo")));
    assert_eq!(error(&with_key(&world, &path(&customer), "1", &json!({ "name": "Dora" })).await).0, 409);
    assert_eq!(error(&with_key(&world, &path(&customer), "a,b", &json!({ "name": "Dora" })).await).0, 400);

    let delete = || world.demo(Method::DELETE, &path(&customer)).header("Idempotency-Key", "1");
    let gone = answer(delete()).await;
    assert_eq!(answer(delete()).await.body, gone.body);
    assert_eq!(error(&with_key(&world, CUSTOMERS, "1", &whole()).await).0, 409, "deleted since");
    assert_eq!(read(&world, CUSTOMERS).await["data"], json!([]));
}

#[tokio::test]
async fn to_others_it_is_not_there() {
    let world = World::start().await;
    let customer = created(&world, &whole()).await;
    let (acme, live, reader) = (
        world.merchant("acme", Mode::Test, "all").await,
        world.merchant("other", Mode::Live, "all").await,
        world.merchant("reader", Mode::Test, "payment_sessions:read").await,
    );
    for (key, secret) in [&acme, &live] {
        let as_them =
            |method: Method, path: &str| world.request(method, path).basic_auth(key.as_str(), Some(secret.as_str()));
        for request in [
            as_them(Method::GET, &path(&customer)),
            as_them(Method::POST, &path(&customer)).json(&json!({ "name": "Mine" })),
            as_them(Method::DELETE, &path(&customer)),
        ] {
            let refused = answer(request).await;
            assert_eq!(error(&refused), (404, Value::Null, "there is no such thing here".to_owned()));
        }
        assert_eq!(answer(as_them(Method::GET, CUSTOMERS)).await.body["data"], json!([]));
        let beside = format!("{CUSTOMERS}?starting_after={}", text(&customer["id"]));
        assert_eq!(error(&answer(as_them(Method::GET, &beside)).await).1, "starting_after");
        // The same key is another request of another merchant's.
        let own = answer(as_them(Method::POST, CUSTOMERS).header("Idempotency-Key", "1").json(&whole())).await;
        assert!(own.status.is_success() && !own.is_replayed() && own.body["id"] != customer["id"], "{}", own.text);
    }
    let as_reader =
        |method: Method, path: &str| world.request(method, path).basic_auth(reader.0.as_str(), Some(reader.1.as_str()));
    assert_eq!(answer(as_reader(Method::GET, CUSTOMERS)).await.status, StatusCode::OK);
    assert_eq!(error(&answer(as_reader(Method::POST, CUSTOMERS).json(&whole())).await).0, 403);
    assert_eq!(error(&answer(as_reader(Method::DELETE, &path(&customer))).await).0, 403);
    assert_eq!(error(&answer(world.request(Method::GET, &path(&customer))).await).0, 401);
    let bearer = world.request(Method::GET, &path(&customer)).bearer_auth("sk_test_demo");
    assert_eq!(answer(bearer).await.body, customer);
    for other in ["x", "cus_0000000000000000000007", "0000000000000000000007", "cus_000000000000000000007"] {
        assert_eq!(error(&answer(world.demo(Method::GET, &format!("{CUSTOMERS}/{other}"))).await).0, 404, "{other}");
    }
    assert_eq!(error(&answer(world.demo(Method::PATCH, &path(&customer)).json(&json!({}))).await).0, 405);
    assert_eq!(read(&world, &path(&customer)).await, customer, "nobody touched it");
}

#[tokio::test]
async fn a_list_is_read_either_way_and_counted() {
    let world = World::start().await;
    let mut made = Vec::new();
    for n in 0..12 {
        made.insert(0, text(&created(&world, &json!({ "email": format!("c{n}@example.com") })).await["id"]));
    }
    world.settled().await;
    assert_eq!(list(&world, "").await, (made[..10].to_vec(), 12, true));
    let after = format!("?limit=10&starting_after={}", made[9]);
    assert_eq!(list(&world, &after).await, (made[10..].to_vec(), 12, false));
    let before = |n: usize, limit: usize| format!("?limit={limit}&ending_before={}", made[n]);
    assert_eq!(list(&world, &before(8, 5)).await, (made[3..8].to_vec(), 12, true));
    assert_eq!(list(&world, &before(3, 5)).await, (made[..3].to_vec(), 12, false));

    answer(world.demo(Method::DELETE, &format!("{CUSTOMERS}/{}", made[0]))).await;
    world.settled().await;
    assert_eq!(list(&world, "?limit=100").await, (made[1..].to_vec(), 11, false));
    // Beside one that is gone there is no page.
    let gone = answer(world.demo(Method::GET, &format!("{CUSTOMERS}?starting_after={}", made[0]))).await;
    assert_eq!(error(&gone).1, "starting_after");
}

/// The stream gives again what it gave: to a function that died while it counted, before and after it had.
#[tokio::test]
async fn each_is_counted_once_whatever_dies() {
    let world = World::start().await;
    let effects = [Effect::DropAnswer, Effect::KillBefore, Effect::KillAfter, Effect::TransactionConflict];
    for (n, effect) in effects.into_iter().enumerate() {
        world.machine.faults().add(Fault::new("TransactWriteItems", effect).function("PublishFunction"));
        let customer = created(&world, &whole()).await;
        world.settled().await;
        assert!(world.machine.faults().waiting().is_empty(), "{effect:?} did not happen");
        assert_eq!(list(&world, "").await.1, u64::try_from(n + 1).unwrap(), "{effect:?}");
        // And one more that goes again.
        created(&world, &whole()).await;
        world.settled().await;
        world.machine.faults().add(Fault::new("TransactWriteItems", effect).function("PublishFunction"));
        answer(world.demo(Method::DELETE, &path(&customer))).await;
        world.settled().await;
        assert!(world.machine.faults().waiting().is_empty(), "{effect:?} did not happen");
        assert_eq!(list(&world, "").await.1, u64::try_from(n + 1).unwrap(), "{effect:?}");
    }
}

#[tokio::test]
async fn a_customer_of_a_format_that_is_switched_off_is_not_created_and_is_served() {
    let world = World::start_with(|config| {
        config.parameters.insert("Formats".into(), "banked".into());
    })
    .await;
    assert_eq!(error(&post(&world, CUSTOMERS, &whole()).await).0, 404);
    let table = world.table();
    let customer = samples::customer(&"demo".parse().unwrap(), Mode::Test, samples::now());
    store::Customers::new(table).create(customer.clone(), None).await.unwrap();
    let path = format!("{CUSTOMERS}/cus_{}", customer.id.to_base62());
    assert_eq!(read(&world, &path).await["name"], samples::PAYER_NAME);
    assert_eq!(post(&world, &path, &json!({ "name": "Bea" })).await.body["name"], "Bea");
}

#[tokio::test]
async fn of_the_calls_that_it_costs() {
    let world = World::start().await;
    let customer = created(&world, &whole()).await;
    let calls = async |method: Method, path: &str, body: Option<Value>| {
        world.settled().await;
        world.machine.meter().take();
        let request = world.demo(method, path).header("Idempotency-Key", uuid::Uuid::new_v4().to_string());
        let answer = answer(match body {
            Some(body) => request.json(&body),
            None => request,
        });
        assert!(answer.await.status.is_success());
        world.machine.meter().counts().calls_of("CustomersFunction")
    };
    assert_eq!(calls(Method::POST, CUSTOMERS, Some(whole())).await, 1);
    assert_eq!(calls(Method::GET, &path(&customer), None).await, 1);
    assert_eq!(calls(Method::POST, &path(&customer), Some(json!({ "name": "Bea" }))).await, 2, "read and written");
    assert_eq!(calls(Method::GET, CUSTOMERS, None).await, 3, "the list, what is in it, and how many there are");
    assert_eq!(calls(Method::DELETE, &path(&customer), None).await, 1);
    world.settled().await;
    // One transaction for its list, and no more.
    let counts = world.machine.meter().take();
    assert_eq!(counts.calls_of("PublishFunction"), 1, "{counts:?}");
}
