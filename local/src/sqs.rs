//! SQS's JSON protocol over [`Queues`]: standard queues, the operations the service and its operators use.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html>

mod error;
mod message;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use error::error;
use error::{CONTENT_TYPE, Error};
use message::{MessageRequest, check, received};
pub(crate) use message::{body_sum, message_attributes, system_attributes};
use requests::{
    BatchRequest, ListRequest, MAX_BATCH_ENTRIES, OneReceiptRequest, QueueRequest, QueueUrlRequest, ReceiptRequest,
    ReceiveRequest, SendRequest, check_entries, read,
};

use crate::http::{self, Answer};
use crate::names;
use crate::queues::Queues;
use crate::template::Queue;

/// One message, and all messages of a batch together: 1 MiB since August 2025.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
const MAX_WAIT_S: u64 = 20;
const MAX_VISIBILITY_S: i64 = 43_200;

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
