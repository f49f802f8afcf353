//! Showing what is wrong: `{"errors":[{"code","title","source":{"parameter"}}]}`.

use serde::Serialize;

use crate::error::{ApiError, Refusal, Violation};

/// The code of what has none of its own.
const GENERAL: &str = "invalid_request";

/// The body of an answer to what is not done.
#[derive(Debug, Serialize)]
pub(crate) struct Errors<'a> {
    errors: Vec<ErrorView<'a>>,
}

impl<'a> Errors<'a> {
    pub(crate) fn new(error: &'a ApiError) -> Self {
        Self { errors: errors(error) }
    }
}

#[derive(Debug, Serialize)]
struct ErrorView<'a> {
    code: &'static str,
    title: String,
    source: Source<'a>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    parameter: Option<&'a str>,
}

fn code(error: &ApiError) -> &'static str {
    match error {
        ApiError::Refused(refusal) => match refusal {
            Refusal::BadRequest(_) => "bad_request",
            Refusal::Unauthorized => "unauthorized",
            Refusal::Forbidden(_) => "forbidden",
            Refusal::NotFound | Refusal::Unknown(_) => "not_found",
            Refusal::MethodNotAllowed(_) => "method_not_allowed",
            Refusal::InvalidAction { .. } => "invalid_action",
            Refusal::IdempotencyConflict => "idempotency_conflict",
            Refusal::TooLarge(_) | Refusal::UnsupportedMediaType(_) | Refusal::Invalid(_) => GENERAL,
        },
        ApiError::Unavailable(_) => "service_unavailable",
        ApiError::Internal(_) => "internal_error",
    }
}

/// Each violation of the rules by itself; anything else is one error.
fn errors(error: &ApiError) -> Vec<ErrorView<'_>> {
    if let ApiError::Refused(Refusal::Invalid(violations)) = error {
        return violations.iter().map(violation).collect();
    }
    let parameter = match error {
        ApiError::Refused(Refusal::Unknown(parameter)) => Some(*parameter),
        ApiError::Refused(Refusal::InvalidAction { parameter, .. }) => *parameter,
        ApiError::Refused(_) | ApiError::Unavailable(_) | ApiError::Internal(_) => None,
    };
    vec![ErrorView { code: code(error), title: error.to_string(), source: Source { parameter } }]
}

fn violation(violation: &Violation) -> ErrorView<'_> {
    ErrorView {
        code: violation.code.unwrap_or(GENERAL),
        title: violation.title.clone(),
        source: Source { parameter: violation.parameter.as_deref() },
    }
}
