//! Messages as SQS takes and shows them: their limits, attributes and sums.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::Error;
use crate::names;
use crate::queues::{Message, NewMessage};

const MAX_DELAY_S: i64 = 900;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MessageRequest {
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
}

/// A message to keep, the sums in the answer to its sender, and the bytes it counts for.
pub(super) fn check(request: MessageRequest) -> Result<(NewMessage, Value, usize), Error> {
    if request.message_body.is_empty() {
        return Err(Error::new(
            "MissingParameter",
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ));
    }
    // <https://www.w3.org/TR/REC-xml/#charsets>
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    if !request.message_body.chars().all(allowed) {
        return Err(Error::new(
            "InvalidMessageContents",
            "InvalidMessageContents",
            "Invalid characters were found in the message body.",
        ));
    }
    let delay_s = request.delay_seconds.unwrap_or(0);
    if !(0..=MAX_DELAY_S).contains(&delay_s) {
        return Err(Error::invalid(format!(
            "Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        )));
    }
    if request.message_attributes.len() > 10 {
        return Err(Error::invalid("Number of message attributes exceeds the allowed maximum [10]."));
    }
    let mut bytes = request.message_body.len();
    let mut sums = Map::from_iter([("MD5OfMessageBody".to_owned(), json!(md5_of(request.message_body.as_bytes())))]);
    let mut attributes = String::new();
    if !request.message_attributes.is_empty() {
        let (sum, attribute_bytes) = attributes_sum(&request.message_attributes)?;
        bytes += attribute_bytes;
        sums.insert("MD5OfMessageAttributes".to_owned(), json!(sum));
        attributes = json!(request.message_attributes).to_string();
    }
    let message = NewMessage { body: request.message_body, attributes, delay_ms: delay_s * 1000 };
    Ok((message, Value::Object(sums), bytes))
}

/// The sum over attributes in the order of their names, each part after its length.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation>
fn attributes_sum(attributes: &BTreeMap<String, Attribute>) -> Result<(String, usize), Error> {
    let mut encoded = Vec::new();
    let mut bytes = 0;
    let mut part = |data: &[u8]| {
        encoded.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
        encoded.extend(data);
        bytes += data.len();
        encoded.len()
    };
    let mut kinds = Vec::new();
    for (name, attribute) in attributes {
        part(name.as_bytes());
        let after_type = part(attribute.data_type.as_bytes());
        let kind = match (&attribute.string_value, &attribute.binary_value) {
            (Some(text), None) => {
                part(text.as_bytes());
                1_u8
            }
            (None, Some(binary)) => {
                let data = STANDARD.decode(binary).map_err(|_| Error::invalid("BinaryValue is no Base64."))?;
                part(&data);
                2
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(Error::invalid(format!("The message attribute '{name}' must contain one value.")));
            }
        };
        kinds.push((after_type, kind));
    }
    // From the back, so that earlier positions stay valid.
    for (position, kind) in kinds.into_iter().rev() {
        encoded.insert(position, kind);
    }
    Ok((md5_of(&encoded), bytes))
}

fn md5_of(data: &[u8]) -> String {
    format!("{:x}", md5::compute(data))
}

/// The attributes SQS itself keeps of a message.
pub(crate) fn system_attributes(message: &Message) -> BTreeMap<&'static str, String> {
    let mut attributes = BTreeMap::from([
        ("ApproximateFirstReceiveTimestamp", message.first_received_ms.to_string()),
        ("ApproximateReceiveCount", message.receives.to_string()),
        ("SenderId", names::ACCOUNT.to_owned()),
        ("SentTimestamp", message.sent_ms.to_string()),
    ]);
    if let Some(queue) = &message.dead_letter_of {
        attributes.insert("DeadLetterQueueSourceArn", names::queue_arn(queue));
    }
    attributes
}

/// A message's own attributes; empty if it has none.
pub(crate) fn message_attributes(message: &Message) -> Map<String, Value> {
    serde_json::from_str(&message.attributes).unwrap_or_default()
}

/// The sum of a message's body.
pub(crate) fn body_sum(message: &Message) -> String {
    md5_of(message.body.as_bytes())
}

pub(super) fn received(message: &Message, wanted: &BTreeSet<String>, wanted_attributes: &[String]) -> Value {
    let mut value = json!({
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": body_sum(message),
        "Body": message.body,
    });
    let Value::Object(object) = &mut value else { return value };
    let mut system = system_attributes(message);
    system.retain(|name, _| wanted.contains("All") || wanted.contains(*name));
    if !system.is_empty() {
        object.insert("Attributes".to_owned(), json!(system));
    }
    let mut attributes: BTreeMap<String, Attribute> = serde_json::from_str(&message.attributes).unwrap_or_default();
    attributes.retain(|name, _| {
        wanted_attributes.iter().any(|wanted| match wanted.as_str() {
            "All" | ".*" => true,
            exact_or_prefix => {
                exact_or_prefix.strip_suffix(".*").map_or(exact_or_prefix == name, |prefix| name.starts_with(prefix))
            }
        })
    });
    if !attributes.is_empty()
        && let Ok((sum, _)) = attributes_sum(&attributes)
    {
        object.insert("MD5OfMessageAttributes".to_owned(), json!(sum));
        object.insert("MessageAttributes".to_owned(), json!(attributes));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_attributes_in_the_documented_encoding() {
        let attribute =
            Attribute { data_type: "String".to_owned(), string_value: Some("v".to_owned()), binary_value: None };
        let (sum, bytes) = attributes_sum(&BTreeMap::from([("n".to_owned(), attribute)])).unwrap();
        let by_hand = b"\0\0\0\x01n\0\0\0\x06String\x01\0\0\0\x01v";
        assert_eq!((sum, bytes), (md5_of(by_hand), 8));
    }
}
