//! SQS's JSON protocol over [`Queues`]: standard queues, the operations the service and its operators use.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::http::{self, Answer};
use crate::names;
use crate::queues::{Message, NewMessage, Queues};
use crate::template::Queue;

/// One message, and all messages of a batch together: 1 MiB since August 2025.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
const MAX_BATCH_ENTRIES: usize = 10;
const MAX_WAIT_S: u64 = 20;
const MAX_DELAY_S: i64 = 900;
const MAX_VISIBILITY_S: i64 = 43_200;

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// An error as SQS names it: the JSON protocol's type and the older code that SDKs still look for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Error {
    kind: &'static str,
    query_code: &'static str,
    message: String,
}

impl Error {
    fn new(kind: &'static str, query_code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, query_code, message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", "InvalidParameterValue", message)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::new("InternalFailure", "InternalFailure", error.to_string())
    }
}

/// An answer that is an error, in SQS's wire format.
pub(crate) fn error(status: StatusCode, kind: &str, query_code: &str, message: &str) -> Answer {
    let mut answer =
        http::json(status, CONTENT_TYPE, &json!({ "__type": format!("com.amazonaws.sqs#{kind}"), "message": message }));
    let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
    http::set_header(&mut answer, "x-amzn-query-error", &format!("{query_code};{fault}"));
    answer
}

/// Answers one request; `operation` is what follows `AmazonSQS.` in its target.
pub(crate) async fn handle(queues: &Arc<Queues>, aws_url: &str, operation: &str, body: &Bytes) -> Answer {
    let result = if operation == "ReceiveMessage" {
        async { Service { queues, aws_url }.receive(read(body)?).await }.await
    } else {
        let (aws_url, operation, body) = (aws_url.to_owned(), operation.to_owned(), body.clone());
        queues.blocking(move |queues| Service { queues, aws_url: &aws_url }.answer(&operation, &body)).await
    };
    match result {
        Ok(value) => http::json(StatusCode::OK, CONTENT_TYPE, &value),
        Err(e) if e.kind == "InternalFailure" => {
            error(StatusCode::INTERNAL_SERVER_ERROR, e.kind, e.query_code, &e.message)
        }
        Err(e) => error(StatusCode::BAD_REQUEST, e.kind, e.query_code, &e.message),
    }
}

struct Service<'a> {
    queues: &'a Arc<Queues>,
    aws_url: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendRequest {
    queue_url: String,
    #[serde(flatten)]
    message: MessageRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageRequest {
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchRequest<T> {
    queue_url: String,
    #[serde(default = "Vec::new")]
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<T> {
    id: String,
    #[serde(flatten)]
    request: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveRequest {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    wait_time_seconds: Option<u64>,
    visibility_timeout: Option<i64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiptRequest {
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneReceiptRequest {
    queue_url: String,
    #[serde(flatten)]
    receipt: ReceiptRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueRequest {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrlRequest {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
    #[serde(default)]
    queue_name_prefix: String,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body)
        .map_err(|error| Error::new("SerializationException", "MalformedInput", error.to_string()))
}

impl Service<'_> {
    /// Answers all but ReceiveMessage, which waits.
    fn answer(&self, operation: &str, body: &[u8]) -> Result<Value, Error> {
        match operation {
            "SendMessage" => self.send(read(body)?),
            "SendMessageBatch" => self.send_batch(read(body)?),
            "DeleteMessage" => {
                let request: OneReceiptRequest = read(body)?;
                self.delete(self.queue(&request.queue_url)?, &request.receipt).map(|()| json!({}))
            }
            "DeleteMessageBatch" => self.batch(read(body)?, |queue, receipt| self.delete(queue, receipt)),
            "ChangeMessageVisibility" => {
                let request: OneReceiptRequest = read(body)?;
                self.change(self.queue(&request.queue_url)?, &request.receipt).map(|()| json!({}))
            }
            "ChangeMessageVisibilityBatch" => self.batch(read(body)?, |queue, receipt| self.change(queue, receipt)),
            "GetQueueUrl" => {
                let request: QueueUrlRequest = read(body)?;
                let queue = self.named(&request.queue_name)?;
                Ok(json!({ "QueueUrl": names::queue_url(self.aws_url, &queue.name) }))
            }
            "GetQueueAttributes" => self.attributes(read(body)?),
            "ListQueues" => {
                let request: ListRequest = read(body)?;
                let names = self.queues.names().filter(|name| name.starts_with(&request.queue_name_prefix));
                let urls: Vec<_> = names.map(|name| names::queue_url(self.aws_url, name)).collect();
                Ok(json!({ "QueueUrls": urls }))
            }
            "PurgeQueue" => {
                let request: QueueRequest = read(body)?;
                self.queues.purge(&self.queue(&request.queue_url)?.name)?;
                Ok(json!({}))
            }
            other => Err(Error::new(
                "UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation",
                format!("`local` does not host {other}"),
            )),
        }
    }

    /// The queue a URL ends with; host and port may be those of an earlier start.
    fn queue(&self, url: &str) -> Result<&Queue, Error> {
        self.named(url.rsplit('/').next().unwrap_or(""))
    }

    fn named(&self, name: &str) -> Result<&Queue, Error> {
        self.queues.get(name).ok_or_else(|| {
            Error::new(
                "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist.",
            )
        })
    }

    fn send(&self, request: SendRequest) -> Result<Value, Error> {
        let queue = self.queue(&request.queue_url)?;
        let (message, sums, bytes) = check(request.message)?;
        if bytes > MAX_PAYLOAD_BYTES {
            return Err(Error::invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {MAX_PAYLOAD_BYTES} bytes."
            )));
        }
        let ids = self.queues.send(&queue.name, &[message])?;
        Ok(with_id(sums, "MessageId", ids.into_iter().next()))
    }

    fn send_batch(&self, request: BatchRequest<MessageRequest>) -> Result<Value, Error> {
        let queue = self.queue(&request.queue_url)?;
        check_entries(&request.entries)?;
        let (mut accepted, mut failed, mut total_bytes) = (Vec::new(), Vec::new(), 0);
        for entry in request.entries {
            match check(entry.request) {
                Ok((message, sums, bytes)) => {
                    total_bytes += bytes;
                    accepted.push((entry.id, message, sums));
                }
                Err(error) => failed.push(failure(&entry.id, &error)),
            }
        }
        if total_bytes > MAX_PAYLOAD_BYTES {
            return Err(Error::new(
                "BatchRequestTooLong",
                "AWS.SimpleQueueService.BatchRequestTooLong",
                format!(
                    "Batch requests cannot be longer than {MAX_PAYLOAD_BYTES} bytes. You have sent {total_bytes} bytes."
                ),
            ));
        }
        let messages: Vec<_> = accepted.iter().map(|(_, message, _)| message.clone()).collect();
        let ids = self.queues.send(&queue.name, &messages)?;
        let successful: Vec<_> = accepted
            .into_iter()
            .zip(ids)
            .map(|((entry, _, sums), id)| with_id(with_id(sums, "Id", Some(entry)), "MessageId", Some(id)))
            .collect();
        Ok(json!({ "Successful": successful, "Failed": failed }))
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Value, Error> {
        let queue = self.queue(&request.queue_url)?;
        let most = request.max_number_of_messages.unwrap_or(1);
        let wait_s = request.wait_time_seconds.unwrap_or(0);
        if !(1..=MAX_BATCH_ENTRIES).contains(&most) {
            return Err(Error::invalid(format!(
                "Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."
            )));
        }
        if wait_s > MAX_WAIT_S {
            return Err(Error::invalid(format!(
                "Value {wait_s} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."
            )));
        }
        let visibility_ms = match request.visibility_timeout {
            Some(seconds) => visibility_ms(seconds)?,
            None => queue.visibility_timeout_ms,
        };
        let messages = self.queues.receive_within(queue, most, visibility_ms, Duration::from_secs(wait_s)).await?;
        let wanted: BTreeSet<String> =
            request.attribute_names.into_iter().chain(request.message_system_attribute_names).collect();
        let messages: Vec<_> =
            messages.iter().map(|message| received(message, &wanted, &request.message_attribute_names)).collect();
        Ok(if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) })
    }

    fn delete(&self, queue: &Queue, request: &ReceiptRequest) -> Result<(), Error> {
        check_receipt(&request.receipt_handle)?;
        Ok(self.queues.delete(&queue.name, &[&request.receipt_handle])?)
    }

    fn change(&self, queue: &Queue, request: &ReceiptRequest) -> Result<(), Error> {
        check_receipt(&request.receipt_handle)?;
        let visibility_ms = visibility_ms(request.visibility_timeout.unwrap_or(0))?;
        if self.queues.change_visibility(&queue.name, &request.receipt_handle, visibility_ms)? {
            Ok(())
        } else {
            Err(Error::new(
                "MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
                "The message referred to isn't in flight.",
            ))
        }
    }

    fn batch(
        &self,
        request: BatchRequest<ReceiptRequest>,
        one: impl Fn(&Queue, &ReceiptRequest) -> Result<(), Error>,
    ) -> Result<Value, Error> {
        let queue = self.queue(&request.queue_url)?;
        check_entries(&request.entries)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in &request.entries {
            match one(queue, &entry.request) {
                Ok(()) => successful.push(json!({ "Id": entry.id })),
                Err(error) => failed.push(failure(&entry.id, &error)),
            }
        }
        Ok(json!({ "Successful": successful, "Failed": failed }))
    }

    fn attributes(&self, request: QueueRequest) -> Result<Value, Error> {
        let queue = self.queue(&request.queue_url)?;
        let counts = self.queues.counts(&queue.name)?;
        let mut attributes = BTreeMap::from([
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
            ("DelaySeconds", "0".to_owned()),
            ("MaximumMessageSize", MAX_PAYLOAD_BYTES.to_string()),
            ("MessageRetentionPeriod", (queue.retention_ms / 1000).to_string()),
            ("QueueArn", names::queue_arn(&queue.name)),
            ("ReceiveMessageWaitTimeSeconds", "0".to_owned()),
            ("VisibilityTimeout", (queue.visibility_timeout_ms / 1000).to_string()),
        ]);
        if let Some(redrive) = &queue.redrive {
            let policy = json!({
                "deadLetterTargetArn": names::queue_arn(&redrive.dead_letters),
                "maxReceiveCount": redrive.max_receives,
            });
            attributes.insert("RedrivePolicy", policy.to_string());
        }
        if !request.attribute_names.iter().any(|name| name == "All") {
            attributes.retain(|name, _| request.attribute_names.iter().any(|wanted| wanted == name));
        }
        Ok(json!({ "Attributes": attributes }))
    }
}

fn failure(id: &str, error: &Error) -> Value {
    json!({ "Id": id, "SenderFault": true, "Code": error.kind, "Message": error.message })
}

fn with_id(mut value: Value, name: &str, id: Option<String>) -> Value {
    if let Value::Object(object) = &mut value {
        object.insert(name.to_owned(), json!(id));
    }
    value
}

/// What the batch as a whole must keep to.
fn check_entries<T>(entries: &[Entry<T>]) -> Result<(), Error> {
    let kind = |kind, code, message: String| Err(Error::new(kind, code, message));
    if entries.is_empty() {
        return kind(
            "EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.".to_owned(),
        );
    }
    if entries.len() > MAX_BATCH_ENTRIES {
        return kind(
            "TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are 10. You have sent {}.", entries.len()),
        );
    }
    let mut seen = BTreeSet::new();
    for entry in entries {
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if entry.id.is_empty() || entry.id.len() > 80 || !entry.id.chars().all(valid) {
            return kind(
                "InvalidBatchEntryId",
                "AWS.SimpleQueueService.InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most 80 letters long."
                    .to_owned(),
            );
        }
        if !seen.insert(&entry.id) {
            return kind(
                "BatchEntryIdsNotDistinct",
                "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
                format!("Id {} repeated.", entry.id),
            );
        }
    }
    Ok(())
}

/// A message to keep, the sums its sender is told, and the bytes it counts for.
fn check(request: MessageRequest) -> Result<(NewMessage, Value, usize), Error> {
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
    // From the back, so that earlier places stay valid.
    for (place, kind) in kinds.into_iter().rev() {
        encoded.insert(place, kind);
    }
    Ok((md5_of(&encoded), bytes))
}

fn md5_of(data: &[u8]) -> String {
    format!("{:x}", md5::compute(data))
}

fn visibility_ms(seconds: i64) -> Result<i64, Error> {
    if (0..=MAX_VISIBILITY_S).contains(&seconds) {
        Ok(seconds * 1000)
    } else {
        Err(Error::invalid(format!(
            "Value {seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer \
             between 0 and 43200"
        )))
    }
}

fn check_receipt(receipt: &str) -> Result<(), Error> {
    match Uuid::parse_str(receipt) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::new(
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{receipt}\" is not a valid receipt handle."),
        )),
    }
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

fn received(message: &Message, wanted: &BTreeSet<String>, wanted_attributes: &[String]) -> Value {
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

    #[test]
    fn a_batch_keeps_to_its_limits() {
        let entry = |id: &str| Entry { id: id.to_owned(), request: () };
        let kind = |entries: &[Entry<()>]| check_entries(entries).map_err(|error| error.kind);
        assert_eq!(kind(&[]), Err("EmptyBatchRequest"));
        assert_eq!(kind(&[entry("a"), entry("a")]), Err("BatchEntryIdsNotDistinct"));
        assert_eq!(kind(&[entry("a b")]), Err("InvalidBatchEntryId"));
        let many = |count: usize| (0..count).map(|id| entry(&id.to_string())).collect::<Vec<_>>();
        assert_eq!(kind(&many(11)), Err("TooManyEntriesInBatchRequest"));
        assert_eq!(kind(&many(10)), Ok(()));
    }
}
