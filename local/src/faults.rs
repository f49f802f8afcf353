//! Faults on purpose: lost answers, refusals, duplicate deliveries and dead processes, as AWS may have them.
//!
//! Set by a test through [`Faults`], or by anyone through `POST /_local/faults` on the AWS endpoint with a JSON
//! [`Fault`]; `DELETE` removes all of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{self, Answer, Call};
use crate::tasks::lock;
use crate::{secrets, ses, sqs};

/// What happens to matching requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The request is carried out; the connection is closed without an answer.
    DropAnswer,
    /// The connection is closed before the request is carried out.
    DropRequest,
    /// The request is under way for very long: nothing answers it, and it is carried out when somebody asks for what is late
    /// (`POST /_local/late`).
    Late,
    /// Refused with TransactionConflict(Exception), in a transaction as the reason of its cancellation.
    TransactionConflict,
    /// Refused as throttled.
    Throttled,
    /// Refused because the account's mails for the day are used up (SES; elsewhere as throttled).
    OverQuota,
    /// Refused with a server error.
    ServerError,
    /// The calling function's process is killed before the request is carried out.
    KillBefore,
    /// The request is carried out; then the calling function's process is killed.
    KillAfter,
}

/// A fault waiting for requests that match it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation's name: `UpdateItem`, `TransactWriteItems`, `SendMessageBatch`, `SendEmail`, …
    pub operation: String,
    /// What happens.
    pub effect: Effect,
    /// How many requests it happens to; then the fault is gone.
    #[serde(default = "once")]
    pub times: u32,
    /// Only requests in which some string value (`{"S": …}` in DynamoDB, a message's body in SQS, any other text
    /// elsewhere) starts with this; a key's prefix, most often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only requests of this function (its logical id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Also repetitions by the SDK, not only first attempts. Otherwise a repetition is never touched, so that a
    /// dropped answer is dropped once.
    #[serde(default)]
    pub every_attempt: bool,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault for the next request of `operation`, by any sender. Refusals meet the SDK's repetitions too (set
    /// [`Fault::times`] to how many attempts are to fail); lost answers and kills meet first attempts only.
    #[must_use]
    pub fn new(operation: &str, effect: Effect) -> Self {
        let every_attempt = match effect {
            Effect::TransactionConflict | Effect::Throttled | Effect::OverQuota | Effect::ServerError => true,
            Effect::DropAnswer | Effect::DropRequest | Effect::Late | Effect::KillBefore | Effect::KillAfter => false,
        };
        Self { operation: operation.to_owned(), effect, times: 1, prefix: None, function: None, every_attempt }
    }

    /// For this many requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Only for requests that hold a string starting with `prefix`.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: Some(prefix.to_owned()), ..self }
    }

    /// Only for requests of this function.
    #[must_use]
    pub fn function(self, function: &str) -> Self {
        Self { function: Some(function.to_owned()), ..self }
    }

    /// Also for the SDK's repetitions.
    #[must_use]
    pub fn every_attempt(self) -> Self {
        Self { every_attempt: true, ..self }
    }

    fn matches(&self, operation: &str, function: &str, call: &Call, body: &Value) -> bool {
        self.times > 0
            && self.operation == operation
            && self.function.as_deref().is_none_or(|wanted| wanted == function)
            && (self.every_attempt || is_first_attempt(call))
            && self.prefix.as_deref().is_none_or(|prefix| holds_prefix(body, prefix))
    }
}

/// The SDKs number their attempts: `amz-sdk-request: attempt=2; max=3`.
fn is_first_attempt(call: &Call) -> bool {
    call.header("amz-sdk-request").is_none_or(|header| {
        !header.contains("attempt=") || header.contains("attempt=1;") || header.ends_with("attempt=1")
    })
}

fn holds_prefix(value: &Value, prefix: &str) -> bool {
    match value {
        Value::String(text) => text.starts_with(prefix),
        Value::Array(values) => values.iter().any(|value| holds_prefix(value, prefix)),
        Value::Object(object) => object.values().any(|value| holds_prefix(value, prefix)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A request that arrives late.
#[derive(Debug, Clone)]
pub(crate) struct Late {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) function: String,
    pub(crate) call: Call,
}

/// The machine's faults.
#[derive(Default)]
pub struct Faults {
    waiting: Mutex<Vec<Fault>>,
    late: Mutex<Vec<Late>>,
    deliver_twice: AtomicBool,
}

impl Faults {
    /// Adds a fault. The oldest that matches a request happens to it.
    pub fn add(&self, fault: Fault) {
        lock(&self.waiting).push(fault);
    }

    /// Delivers every stream batch and every queue batch twice before it counts as delivered.
    pub fn deliver_twice(&self, twice: bool) {
        self.deliver_twice.store(twice, Ordering::Relaxed);
    }

    /// Removes all faults.
    pub fn clear(&self) {
        lock(&self.waiting).clear();
        self.deliver_twice(false);
    }

    /// The faults that have not happened as often as they should yet.
    #[must_use]
    pub fn waiting(&self) -> Vec<Fault> {
        lock(&self.waiting).clone()
    }

    /// Keeps a request that is late.
    pub(crate) fn keep(&self, late: Late) {
        lock(&self.late).push(late);
    }

    /// What is late arrives now, in the order in which it was sent.
    pub(crate) fn take_late(&self) -> Vec<Late> {
        std::mem::take(&mut *lock(&self.late))
    }

    pub(crate) fn delivers_twice(&self) -> bool {
        self.deliver_twice.load(Ordering::Relaxed)
    }

    /// Takes the effect that is to happen to a request.
    pub(crate) fn take(&self, operation: &str, function: &str, call: &Call) -> Option<Effect> {
        let mut waiting = lock(&self.waiting);
        if waiting.is_empty() {
            return None;
        }
        let body = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
        let fault = waiting.iter_mut().find(|fault| fault.matches(operation, function, call, &body))?;
        fault.times -= 1;
        let effect = fault.effect;
        waiting.retain(|fault| fault.times > 0);
        Some(effect)
    }

    /// Answers `/_local/faults`.
    pub(crate) fn control(&self, call: &Call) -> Answer {
        match call.method.as_str() {
            "GET" => http::json(StatusCode::OK, "application/json", &self.waiting()),
            "POST" => match serde_json::from_slice::<Fault>(&call.body) {
                Ok(fault) => {
                    self.add(fault);
                    http::json(StatusCode::CREATED, "application/json", &self.waiting())
                }
                Err(error) => http::text(StatusCode::BAD_REQUEST, format!("not a fault: {error}\n")),
            },
            "DELETE" => {
                self.clear();
                http::text(StatusCode::NO_CONTENT, "")
            }
            _ => http::text(StatusCode::METHOD_NOT_ALLOWED, "GET, POST or DELETE\n"),
        }
    }
}

/// The AWS service a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    DynamoDb,
    Sqs,
    Ses,
    SecretsManager,
}

/// An answer that is an error, in DynamoDB's wire format.
pub(crate) fn dynamodb_error(status: StatusCode, kind: &str, message: &str) -> Answer {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    http::json(status, "application/x-amz-json-1.0", &body)
}

/// A refusal in the service's own words.
pub(crate) fn refusal(service: Service, effect: Effect, operation: &str, body: &[u8]) -> Answer {
    match (service, effect) {
        (Service::DynamoDb, Effect::TransactionConflict) => match operation {
            "TransactWriteItems" | "TransactGetItems" => cancelled(body),
            _ => dynamodb_error(
                StatusCode::BAD_REQUEST,
                "TransactionConflictException",
                "Transaction is ongoing for the item",
            ),
        },
        (Service::DynamoDb, Effect::Throttled | Effect::OverQuota) => dynamodb_error(
            StatusCode::BAD_REQUEST,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        ),
        (Service::Sqs, Effect::Throttled | Effect::OverQuota) => {
            sqs::error(StatusCode::FORBIDDEN, "RequestThrottled", "RequestThrottled", "Request is throttled.")
        }
        (Service::Ses, Effect::Throttled) => ses::rate_exceeded(),
        (Service::Ses, Effect::OverQuota) => {
            ses::error(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Daily message quota exceeded.")
        }
        (Service::DynamoDb, _) => {
            dynamodb_error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "Internal server error")
        }
        (Service::Sqs, _) => {
            sqs::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", "InternalFailure", "Internal failure.")
        }
        (Service::Ses, _) => {
            ses::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceErrorException", "Internal service error.")
        }
        (Service::SecretsManager, Effect::Throttled | Effect::OverQuota) => {
            secrets::error(StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded")
        }
        (Service::SecretsManager, _) => {
            secrets::error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceError", "Internal service error.")
        }
    }
}

/// A cancelled transaction whose every item met a conflict.
fn cancelled(body: &[u8]) -> Answer {
    let request: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let items = request.get("TransactItems").and_then(Value::as_array).map_or(1, Vec::len);
    let reason = json!({ "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" });
    let codes = vec!["TransactionConflict"; items].join(", ");
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"),
        "CancellationReasons": vec![reason; items],
    });
    http::json(StatusCode::BAD_REQUEST, "application/x-amz-json-1.0", &body)
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, Method};

    use super::*;

    fn call(attempt: Option<&str>, body: Value) -> Call {
        let mut headers = HeaderMap::new();
        if let Some(attempt) = attempt {
            headers.insert("amz-sdk-request", attempt.parse().unwrap());
        }
        Call {
            method: Method::POST,
            uri: "/".parse().unwrap(),
            headers,
            body: body.to_string().into(),
            peer: "127.0.0.1:1".parse().unwrap(),
        }
    }

    #[test]
    fn a_fault_happens_to_what_it_matches_and_as_often_as_asked() {
        let faults = Faults::default();
        faults.add(Fault::new("UpdateItem", Effect::DropAnswer).times(2).prefix("SESSION#").function("F"));
        let session = call(Some("attempt=1; max=3"), json!({"Key": {"pk": {"S": "SESSION#1"}}}));
        let other = call(Some("attempt=1; max=3"), json!({"Key": {"pk": {"S": "MAIL#1"}}}));
        let repeated = call(Some("attempt=2; max=3"), json!({"Key": {"pk": {"S": "SESSION#1"}}}));
        assert_eq!(faults.take("PutItem", "F", &session), None);
        assert_eq!(faults.take("UpdateItem", "G", &session), None);
        assert_eq!(faults.take("UpdateItem", "F", &other), None);
        assert_eq!(faults.take("UpdateItem", "F", &repeated), None);
        assert_eq!(faults.take("UpdateItem", "F", &session), Some(Effect::DropAnswer));
        assert_eq!(faults.take("UpdateItem", "F", &session), Some(Effect::DropAnswer));
        assert_eq!(faults.take("UpdateItem", "F", &session), None);
        assert_eq!(faults.waiting(), []);
    }

    #[test]
    fn refusals_meet_every_attempt() {
        let faults = Faults::default();
        faults.add(Fault::new("PutItem", Effect::Throttled));
        assert_eq!(faults.take("PutItem", "-", &call(Some("attempt=3; max=3"), json!({}))), Some(Effect::Throttled));
    }

    #[test]
    fn faults_are_set_over_http() {
        let faults = Faults::default();
        let answer = faults.control(&call(None, json!({"operation": "PutItem", "effect": "kill_after"})));
        assert_eq!(answer.status(), 201);
        assert_eq!(faults.waiting(), [Fault::new("PutItem", Effect::KillAfter)]);
        assert_eq!(faults.control(&call(None, json!({"operation": "PutItem", "effect": "explode"}))).status(), 400);
    }
}
