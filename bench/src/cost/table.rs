//! The items that a machine's table holds.

use dynoxide::types::Item;
use local::Machine;
use serde::Deserialize;
use serde_json::json;

use crate::error::Error;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    items: Vec<Item>,
    last_evaluated_key: Option<serde_json::Value>,
}

/// All of them.
pub(super) async fn items(machine: &Machine) -> Result<Vec<Item>, Error> {
    let (http, mut items, mut start) = (reqwest::Client::builder().no_proxy().build()?, Vec::new(), None);
    loop {
        let mut body = json!({ "TableName": machine.table_name() });
        if let (Some(start), Some(body)) = (start, body.as_object_mut()) {
            body.insert("ExclusiveStartKey".to_owned(), start);
        }
        let request = http
            .post(machine.aws_url())
            .header("x-amz-target", "DynamoDB_20120810.Scan")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=bench/20260101/eu-west-2/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
            .body(body.to_string());
        let page: Page = serde_json::from_slice(&request.send().await?.error_for_status()?.bytes().await?)?;
        items.extend(page.items);
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}
