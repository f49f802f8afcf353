//! SQS's errors.

use hyper::StatusCode;
use serde_json::json;

use crate::http::{self, Answer};

pub(super) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// An error as SQS names it: the JSON protocol's type and the older code that SDKs still look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) kind: &'static str,
    pub(super) query_code: &'static str,
    pub(super) message: String,
}

impl Error {
    pub(super) fn new(kind: &'static str, query_code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, query_code, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
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
