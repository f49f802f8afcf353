//! tests/events: events as AWS makes them, for `make sam-invoke` and `cargo lambda invoke`. Each does here what it is for.
//! The demo merchant's ids that come of an idempotency key are the same everywhere, so one sample can name what another made;
//! only an endpoint's id is new each time.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{PATIENCE, World, answer, loopback_webhooks, sample, states, text, workspace};

/// What create.json makes.
const SESSION: &str = "8cb74516-6be1-8863-a6ad-23cc77875a6e";

/// Sends a sample to its function: status and body, as JSON if they are.
async fn http(world: &World, function: &str, name: &str) -> (i64, Value) {
    let output = world.machine.invoke(function, &sample(name)).await.unwrap();
    let body = output["body"].as_str().unwrap_or("");
    (output["statusCode"].as_i64().unwrap(), serde_json::from_str(body).unwrap_or_else(|_| json!(body)))
}

/// Sends a sample of records to its function, which must accept all of them.
async fn records(world: &World, function: &str, name: &str) {
    send(world, function, &sample(name)).await;
}

async fn send(world: &World, function: &str, event: &Value) {
    let output = world.machine.invoke(function, event).await.unwrap();
    assert_eq!(output["batchItemFailures"], json!([]), "{output}");
    let complaints = |line: &&local::LogLine| line.text.contains("names no ") || line.text.contains("can't be read");
    assert!(!world.machine.logs().iter().any(|line| complaints(&line)), "{:#?}", world.machine.logs());
}

#[tokio::test]
async fn the_page_that_signs_in() {
    let world = World::with_console().await;
    let (status, page) = http(&world, "ConsoleFunction", "console.json").await;
    assert_eq!((status, page.as_str().unwrap().contains("<h1>Sign in")), (200, true), "{page}");
}

#[tokio::test]
async fn a_token_and_a_session() {
    let world = World::start().await;
    let (status, token) = http(&world, "TokenFunction", "token.json").await;
    assert_eq!((status, &token["token_type"]), (200, &json!("Bearer")));

    let (status, session) = http(&world, "CreateFunction", "create.json").await;
    assert_eq!((status, &session["id"], &session["state"]), (201, &json!(SESSION), &json!("awaiting_payer")));
    let (status, read) = http(&world, "GetFunction", "get.json").await;
    assert_eq!((status, read), (200, session.clone()));
    let (status, list) = http(&world, "GetFunction", "get-list.json").await;
    assert_eq!((status, &list["data"]), (200, &json!([session])));

    let (status, cancelled) = http(&world, "CancelFunction", "cancel.json").await;
    assert_eq!((status, states(&cancelled).last().unwrap().as_str()), (200, "failed"), "{cancelled}");
    assert_eq!(http(&world, "CancelFunction", "cancel-delete.json").await, (204, json!("")));
    assert_eq!(http(&world, "GetFunction", "get.json").await.0, 404);
    assert_eq!(http(&world, "NotFoundFunction", "not-found.json").await.0, 404);
}

#[tokio::test]
async fn a_payment_its_receipt_and_a_refund() {
    let world = World::start().await;
    let (status, session) = http(&world, "CreateFunction", "create-with-payer.json").await;
    assert_eq!((status, &session["state"]), (201, &json!("awaiting_provider")), "{session}");
    http(&world, "CreateFunction", "create.json").await;

    let (status, page) = http(&world, "CheckoutFunction", "checkout.json").await;
    assert_eq!((status, page.as_str().unwrap().contains("£4.00")), (200, true), "{page}");
    for (function, step) in [
        ("CheckoutFunction", "checkout-payer.json"),
        ("CheckoutFunction", "checkout-bank.json"),
        ("MocksFunction", "mocks.json"),
        ("CheckoutFunction", "checkout-return.json"),
    ] {
        assert_eq!(http(&world, function, step).await.0, 303, "{step}");
    }
    assert_eq!(world.get(SESSION).await["state"], "sent");
    world.settled().await;
    records(&world, "EmailReceiptFunction", "email-receipt.json").await;
    assert_eq!(world.mails().await.len(), 1, "rung for twice, sent once");
    world.machine.invoke("FeedbackFunction", &sample("feedback.json")).await.unwrap();
    let key = json!({ "pk": { "S": format!("MAIL#{SESSION}") }, "sk": { "S": "receipt#5" } });
    let body = json!({ "TableName": world.machine.table_name(), "Key": key, "ConsistentRead": true });
    let mail = &world.dynamodb("GetItem", &body).await["Item"];
    assert_eq!(mail["complained_at"]["N"], "1795284000000", "{mail}");

    let (status, refund) = http(&world, "RefundFunction", "refund.json").await;
    assert_eq!((status, &refund["state"]), (201, &json!("awaiting_payment")), "{refund}");
    assert_eq!(world.get(SESSION).await["refundable_amount"], 250);
}

#[tokio::test]
async fn a_customer() {
    let world = World::start().await;
    let (status, customer) = http(&world, "CustomersFunction", "customers.json").await;
    assert_eq!((status, &customer["object"], &customer["name"]), (200, &json!("customer"), &json!("Ada Payer")));
}

#[tokio::test]
async fn a_test_clock() {
    let world = World::start().await;
    let (status, clock) = http(&world, "TestClocksFunction", "test-clocks.json").await;
    assert_eq!((status, &clock["status"], &clock["name"]), (201, &json!("ready"), &json!("Expiry")), "{clock}");
}

/// As it stands it is forged; what the bank itself signs is tested in `at_consent`.
#[tokio::test]
async fn a_providers_webhook() {
    let world = World::start().await;
    let (status, errors) = http(&world, "ProviderEventsFunction", "provider-events.json").await;
    assert_eq!((status, &errors["errors"][0]["code"]), (401, &json!("unauthorized")), "{errors}");
}

#[tokio::test]
async fn what_is_published() {
    let world = World::start().await;
    records(&world, "PublishFunction", "publish.json").await;
    let (status, events) = http(&world, "EventsFunction", "events.json").await;
    let types: Vec<_> = events["data"].as_array().unwrap().iter().map(|event| text(&event["type"])).collect();
    assert_eq!((status, types), (200, vec!["payment_session.sent".to_owned()]));
}

#[tokio::test]
async fn what_is_delivered() {
    let world = World::start_with(loopback_webhooks).await;
    let (status, endpoint) = http(&world, "EndpointsFunction", "endpoints.json").await;
    assert_eq!((status, &endpoint["enabled"]), (201, &json!(true)), "{endpoint}");
    http(&world, "CreateFunction", "create.json").await;
    let attempted = |machine: &local::Machine| {
        machine.logs().iter().any(|line| line.text.contains("\"delivery attempted\"")).then_some(())
    };
    assert!(world.machine.until(PATIENCE, attempted).await.is_some(), "{:#?}", world.machine.logs());
    // As it stands it names an endpoint that is not there; each registration has an id of its own.
    let mut event = sample("webhook.json");
    send(&world, "WebhookFunction", &event).await;
    let body = &mut event["Records"][0]["body"];
    assert!(text(body).starts_with(&format!("{SESSION}/demo/")), "{body}");
    *body = json!(format!("{SESSION}/demo/{}", text(&endpoint["id"])));
    send(&world, "WebhookFunction", &event).await;
    let path = format!("/v2/events/evt_{SESSION}_1/attempts");
    let attempts = answer(world.demo(Method::GET, &path)).await;
    assert_ne!(attempts.body["data"], json!([]), "nobody listens there, but it was tried: {}", attempts.text);
}

#[tokio::test]
async fn the_schedule() {
    let world = World::start().await;
    let output = world.machine.invoke("ExpireFunction", &sample("expire.json")).await.unwrap();
    assert_eq!(output, Value::Null);
}

#[tokio::test]
async fn every_function_has_a_sample_and_every_sample_a_test() {
    let world = World::start().await;
    let file_names = |folder: &str| {
        let files = std::fs::read_dir(workspace().join(folder)).unwrap();
        files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains('.'))
            .collect::<Vec<_>>()
    };
    let samples = file_names("tests/events");
    for (function, binary) in world.machine.functions() {
        assert!(samples.contains(&format!("{binary}.json")), "{function}: there is no tests/events/{binary}.json");
    }
    let read = |name: String| std::fs::read_to_string(workspace().join("tests/e2e").join(name)).unwrap();
    let tests: String = file_names("tests/e2e").into_iter().map(read).collect();
    for name in samples {
        assert!(tests.contains(&format!("\"{name}\"")), "no test sends tests/events/{name}");
    }
}
