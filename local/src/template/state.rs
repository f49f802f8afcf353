//! Tables and queues.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::properties::{Location, TemplateError, as_mapping, name_in_arn, number, read, scalar_text};
use crate::names;

/// One AWS::DynamoDB::Table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) has_stream: bool,
    pub(crate) ttl_attribute: Option<String>,
    /// The CreateTable request that makes it.
    pub(crate) creation: Value,
}

/// One AWS::SQS::Queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) visibility_timeout_ms: i64,
    pub(crate) retention_ms: i64,
    pub(crate) redrive: Option<Redrive>,
}

/// Where messages go that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) dead_letters: String,
    pub(crate) max_receives: u32,
}

/// Properties of a table that say nothing about how it answers.
const TABLE_PROPERTIES_WITHOUT_EFFECT: [&str; 7] = [
    "DeletionProtectionEnabled",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "TableClass",
    "Tags",
    "ContributorInsightsSpecification",
    "OnDemandThroughput",
];

pub(super) fn table(id: &str, location: &Location, properties: Value) -> Result<Table, TemplateError> {
    let name = names::resource(id);
    let mut creation = Map::from_iter([("TableName".to_owned(), json!(name))]);
    let (mut has_stream, mut ttl_attribute) = (false, None);
    for (property, value) in as_mapping(id, properties)? {
        let location = location.child(&property);
        match property.as_str() {
            "AttributeDefinitions"
            | "KeySchema"
            | "GlobalSecondaryIndexes"
            | "LocalSecondaryIndexes"
            | "BillingMode"
            | "ProvisionedThroughput" => {
                creation.insert(property, value);
            }
            "StreamSpecification" => {
                let view = value.get("StreamViewType").and_then(Value::as_str);
                let view = view.ok_or_else(|| location.child("StreamViewType").error("is missing"))?;
                has_stream = true;
                creation.insert(property, json!({ "StreamEnabled": true, "StreamViewType": view }));
            }
            "TimeToLiveSpecification" => {
                let attribute = value.get("AttributeName").and_then(Value::as_str);
                let attribute = attribute.ok_or_else(|| location.child("AttributeName").error("is missing"))?;
                let enabled = value.get("Enabled").and_then(scalar_text).is_some_and(|text| text == "true");
                ttl_attribute = enabled.then(|| attribute.to_owned());
            }
            other if TABLE_PROPERTIES_WITHOUT_EFFECT.contains(&other) => {}
            other => return Err(location.error(format!("`local` does not know the table property {other}"))),
        }
    }
    Ok(Table { name, has_stream, ttl_attribute, creation: Value::Object(creation) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[expect(dead_code, reason = "properties without effect on this machine, named so that unknown ones are noticed")]
struct QueueProperties {
    #[serde(default = "default_visibility_s", deserialize_with = "number")]
    visibility_timeout: i64,
    #[serde(default = "default_retention_s", deserialize_with = "number")]
    message_retention_period: i64,
    redrive_policy: Option<RedriveProperties>,
    #[serde(default)]
    redrive_allow_policy: Value,
    #[serde(default)]
    sqs_managed_sse_enabled: Value,
    #[serde(default)]
    receive_message_wait_time_seconds: Value,
    #[serde(default)]
    tags: Value,
}

/// SQS's defaults: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
fn default_visibility_s() -> i64 {
    30
}

fn default_retention_s() -> i64 {
    345_600
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedriveProperties {
    dead_letter_target_arn: String,
    #[serde(deserialize_with = "number")]
    max_receive_count: u32,
}

pub(super) fn queue(id: &str, location: &Location, properties: Value) -> Result<Queue, TemplateError> {
    let properties: QueueProperties = read(location, properties)?;
    let redrive = match properties.redrive_policy {
        None => None,
        Some(policy) => Some(Redrive {
            dead_letters: name_in_arn(
                &location.child("RedrivePolicy.deadLetterTargetArn"),
                &policy.dead_letter_target_arn,
                ":sqs:",
                ':',
            )?,
            max_receives: policy.max_receive_count,
        }),
    };
    Ok(Queue {
        name: names::resource(id),
        visibility_timeout_ms: properties.visibility_timeout.saturating_mul(1000),
        retention_ms: properties.message_retention_period.saturating_mul(1000),
        redrive,
    })
}
