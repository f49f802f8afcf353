//! A function for the tests of `local`: does what its event, path or environment asks for, also badly.

#![allow(clippy::indexing_slicing, reason = "a test's part; indexing JSON gives null")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

/// How often each record and message has failed, by its identifier.
static FAILURES: LazyLock<Mutex<BTreeMap<String, u32>>> = LazyLock::new(Mutex::default);

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
            if let Some(action) = path.strip_prefix("/do/").or_else(|| path.strip_prefix("/slow/")) {
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
            note("hanging")?;
            std::future::pending::<()>().await;
            Ok(Value::Null)
        }
        "environment" => Ok(json!(std::env::vars().collect::<BTreeMap<_, _>>())),
        "nonsense" => Ok(json!({ "statusCode": "two hundred" })),
        other => Err(format!("no such action: {other}").into()),
    }
}

/// Logs every record; fails those whose wish is `fail` (always) or `fail-3` (three times), exits for `exit`.
fn batch(event: &Value, id: &str, read: impl Fn(&Value) -> (String, String)) -> Result<Value, Error> {
    let records = event["Records"].as_array().ok_or("no Records")?;
    println!("batch of {}", records.len());
    let mut failures = Vec::new();
    for record in records {
        let (name, wish) = read(record);
        let id = record.pointer(id).and_then(Value::as_str).unwrap_or_default();
        println!("record {name}");
        note(&name)?;
        let failed = match wish.as_str() {
            "fail" => true,
            "exit" => std::process::exit(3),
            wish => wish.strip_prefix("fail-").is_some_and(|times| fails_again(id, times.parse().unwrap_or(0))),
        };
        if failed {
            failures.push(json!({ "itemIdentifier": id }));
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

fn fails_again(id: &str, times: u32) -> bool {
    FAILURES.lock().is_ok_and(|mut failures| {
        let failed = failures.entry(id.to_owned()).or_default();
        *failed += 1;
        *failed <= times
    })
}

/// Adds a line to the file NOTES names: a log line may be lost with the machine that was to pass it on.
fn note(line: &str) -> Result<(), Error> {
    let Ok(path) = std::env::var("NOTES") else { return Ok(()) };
    let mut file = std::fs::File::options().create(true).append(true).open(path)?;
    Ok(file.write_all(format!("{line}\n").as_bytes())?)
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
