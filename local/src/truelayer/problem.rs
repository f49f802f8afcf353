//! How TrueLayer says no. <https://docs.truelayer.com/docs/error-types>

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Value, json};

/// A refusal, as RFC 7807 has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    title: &'static str,
    /// The last part of its type's address.
    kind: &'static str,
    detail: String,
    /// What is wrong with each field, by its path.
    errors: BTreeMap<String, Vec<String>>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, kind: &'static str, detail: &str) -> Self {
        Self { status, title, kind, detail: detail.to_owned(), errors: BTreeMap::new() }
    }

    /// Fields are missing or wrong.
    pub(super) fn invalid(errors: BTreeMap<String, Vec<String>>) -> Self {
        let detail = "Validation of the request failed.";
        let problem = Self::new(StatusCode::BAD_REQUEST, "Invalid Parameters", "invalid-parameters", detail);
        Self { errors, ..problem }
    }

    /// One field is missing or wrong.
    pub(super) fn field(path: &str, problem: &str) -> Self {
        Self::invalid(BTreeMap::from([(path.to_owned(), vec![problem.to_owned()])]))
    }

    /// The payment is past that.
    pub(super) fn state(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Invalid State", "invalid-state", detail)
    }

    /// There is no token, or it is none of ours, or its time is over.
    pub(super) fn unauthenticated() -> Self {
        let detail = "The access token is invalid or has expired.";
        Self::new(StatusCode::UNAUTHORIZED, "Unauthenticated", "unauthenticated", detail)
    }

    /// The signature is not of this request.
    pub(super) fn signature() -> Self {
        let detail = "The Tl-Signature header is missing or does not fit the request.";
        Self::new(StatusCode::UNAUTHORIZED, "Invalid Signature", "invalid-signature", detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found", "not-found", "There is no such resource.")
    }

    /// The key belongs to another request.
    pub(super) fn key_reuse() -> Self {
        let detail = "The Idempotency-Key was used for another request.";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, "Idempotency-Key Reuse", "idempotency-key-reuse", detail)
    }

    /// Another request with this key is not answered yet.
    pub(super) fn in_flight() -> Self {
        let detail = "The Idempotency-Key is used by another request, which is in progress.";
        let kind = "idempotency-key-concurrency-conflict";
        Self::new(StatusCode::CONFLICT, "Idempotency-Key Concurrency Conflict", kind, detail)
    }

    /// A body is announced in no way, as some servers refuse it (RFC 9110, 15.5.12).
    pub(super) fn length_required() -> Self {
        let detail = "A POST must have the header Content-Length or Transfer-Encoding.";
        Self::new(StatusCode::LENGTH_REQUIRED, "Length Required", "length-required", detail)
    }

    /// The simulator holds as much as it may.
    pub(super) fn full() -> Self {
        let detail = "This simulator holds as many payments as it may. Start it again.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Rate Limit Exceeded", "rate-limit-exceeded", detail)
    }

    /// One that a test asked for.
    pub(super) fn on_purpose(status: StatusCode) -> Self {
        Self::new(status, "On Purpose", "on-purpose", "A test asked for this.")
    }

    pub(super) fn document(&self, trace_id: &str) -> Value {
        json!({
            "type": format!("https://docs.truelayer.com/docs/error-types#{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "trace_id": trace_id,
            "errors": self.errors,
        })
    }
}
