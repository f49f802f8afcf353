//! What is written without thinking of speed: stores the request's body by one PutItem.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Error, Request, Response, run, service_fn, tracing};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let client = Client::new(&config);
    let table = std::env::var("TABLE_NAME")?;
    run(service_fn(|request| create(&client, &table, request))).await
}

async fn create(client: &Client, table: &str, request: Request) -> Result<Response<Body>, Error> {
    let body: Value = serde_json::from_slice(request.body())?;
    let id = Uuid::new_v4().to_string();
    client
        .put_item()
        .table_name(table)
        .item("pk", AttributeValue::S(format!("PEER#{id}")))
        .item("sk", AttributeValue::S("PEER".to_owned()))
        .item("body", AttributeValue::S(body.to_string()))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await?;
    tracing::info!(id, "created");
    let answer = Response::builder().status(201).header("content-type", "application/json");
    Ok(answer.body(json!({ "id": id, "body": body }).to_string().into())?)
}
