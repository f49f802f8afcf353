//! A function for the tests of `local`: does what its event, path or environment asks for, also badly.

#![allow(clippy::indexing_slicing, reason = "a test's part; indexing JSON gives null")]

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// Records and messages that were asked to fail once, and did.
static FAILED: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::var("BEHAVIOUR").as_deref() == Ok("never-starts") {
        eprintln!("no wish to start");
        std::process::exit(7);
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = (event.payload, event.context);
    match std::env::var("BEHAVIOUR")?.as_str() {
        "api" => {
            let path = event["rawPath"].as_str().unwrap_or_default();
            if let Some(action) = path.strip_prefix("/do/") {
                return act(action).await;
            }
            let body = json!({ "event": event, "pid": std::process::id(), "request_id": context.request_id });
            Ok(
                json!({ "statusCode": 200, "headers": { "content-type": "application/json" }, "body": body.to_string() }),
            )
        }
        "stream" => batch(&event, "/dynamodb/SequenceNumber", |record| {
            let image = if record["eventName"] == "REMOVE" { "OldImage" } else { "NewImage" };
            let text = |name: &str| record["dynamodb"][image][name]["S"].as_str().unwrap_or_default().to_owned();
            (format!("{} {}", record["eventName"].as_str().unwrap_or_default(), text("pk")), text("wish"))
        }),
        "queue" => batch(&event, "/messageId", |record| {
            let body = record["body"].as_str().unwrap_or_default().to_owned();
            (body.clone(), body)
        }),
        "schedule" => {
            println!("tick {}", event["detail-type"]);
            tokio::time::sleep(Duration::from_millis(30)).await;
            println!("tock");
            Ok(Value::Null)
        }
        "writer" => write(&event).await,
        other => Err(format!("no such behaviour: {other}").into()),
    }
}

async fn act(action: &str) -> Result<Value, Error> {
    match action {
        "pid" => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(json!(std::process::id()))
        }
        "fail" => Err("failed as asked".into()),
        "exit" => {
            eprintln!("last words");
            std::process::exit(3)
        }
        "hang" => {
            std::future::pending::<()>().await;
            Ok(Value::Null)
        }
        "environment" => Ok(json!(std::env::vars().collect::<std::collections::BTreeMap<_, _>>())),
        "nonsense" => Ok(json!({ "statusCode": "two hundred" })),
        other => Err(format!("no such action: {other}").into()),
    }
}

/// Logs every record; fails those whose wish is `fail` (always) or `fail-once`, exits for `exit-once`.
fn batch(event: &Value, id: &str, read: impl Fn(&Value) -> (String, String)) -> Result<Value, Error> {
    let records = event["Records"].as_array().ok_or("no Records")?;
    println!("batch of {}", records.len());
    let mut failures = Vec::new();
    for record in records {
        let (name, wish) = read(record);
        let id = record.pointer(id).and_then(Value::as_str).unwrap_or_default();
        let first_time = || FAILED.lock().is_ok_and(|mut failed| failed.insert(id.to_owned()));
        println!("record {name}");
        let failed = match wish.as_str() {
            "fail" => true,
            "fail-once" => first_time(),
            "exit" => std::process::exit(3),
            _ => false,
        };
        if failed {
            if std::env::var("PARTIAL").is_err() {
                return Err(format!("{name} failed").into());
            }
            failures.push(json!({ "itemIdentifier": id }));
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

/// `{"put": "<pk>"}`, `{"send": "<body>"}`, `{"mail": "<address>"}`; answers `ok` or the SDK's error.
async fn write(event: &Value) -> Result<Value, Error> {
    let config = runtime::aws_config()?;
    let result = if let Some(pk) = event["put"].as_str() {
        aws_sdk_dynamodb::Client::new(&config)
            .put_item()
            .table_name(std::env::var("TABLE_NAME")?)
            .item("pk", AttributeValue::S(pk.to_owned()))
            .item("sk", AttributeValue::S("SESSION".to_owned()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .map(|_| ())
            .map_err(|error| format!("{:?}", error.into_service_error()))
    } else if let Some(body) = event["send"].as_str() {
        aws_sdk_sqs::Client::new(&config)
            .send_message()
            .queue_url(std::env::var("QUEUE_URL")?)
            .message_body(body)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| format!("{:?}", error.into_service_error()))
    } else {
        let text = |text: &str| Content::builder().data(text).build();
        let message =
            Message::builder().subject(text("Hello")?).body(Body::builder().text(text("Good day")?).build()).build();
        aws_sdk_sesv2::Client::new(&config)
            .send_email()
            .from_email_address("shop@example.com")
            .destination(Destination::builder().to_addresses(event["mail"].as_str().unwrap_or_default()).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| format!("{:?}", error.into_service_error()))
    };
    Ok(json!(result.map_or_else(|error| error, |()| "ok".to_owned())))
}
