//! Showing what is wrong: `{"errors":[{"code","title","source":{"parameter"}}]}`.

use serde::Serialize;

use crate::error::{ApiError, Refusal, Violation};
#[cfg(test)]
use crate::openapi::types as doc;

/// Every code, those of violations included.
#[cfg(test)]
pub(crate) const CODES: [&str; 20] = [
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "invalid_action",
    "idempotency_conflict",
    "invalid_request",
    "invalid_reference",
    "invalid_description",
    "invalid_success_url",
    "invalid_error_url",
    "invalid_amount",
    "invalid_line_items.amount_cents",
    "missing_amount_or_line_items",
    "invalid_currency",
    "invalid_payee_account_identifier",
    "invalid_payer_email",
    "service_unavailable",
    "internal_error",
];

/// The code of what has none of its own.
const GENERAL: &str = "invalid_request";

/// The body of an answer to what is not done.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct Errors<'a> {
    #[cfg_attr(test, schemars(length(min = 1)))]
    errors: Vec<ErrorView<'a>>,
}

impl<'a> Errors<'a> {
    pub(crate) fn new(error: &'a ApiError) -> Self {
        Self { errors: errors(error) }
    }
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Error"))]
#[derive(Debug, Serialize)]
struct ErrorView<'a> {
    #[cfg_attr(test, schemars(with = "doc::ErrorCode"))]
    code: &'static str,
    /// What is wrong, for a person. The wording may change.
    title: String,
    source: Source<'a>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct Source<'a> {
    /// The field as you wrote it, such as `line_items[0].amount`; null if it is not about a field.
    parameter: Option<&'a str>,
}

/// The code of an error as a whole.
pub(crate) fn code(error: &ApiError) -> &'static str {
    match error {
        ApiError::Refused(refusal) => match refusal {
            Refusal::BadRequest(_) => "bad_request",
            Refusal::Unauthorized
            | Refusal::NotGenuine
            | Refusal::NotAnApplication
            | Refusal::InvalidAppUrl(_)
            | Refusal::InvalidScopes
            | Refusal::Signature(_) => "unauthorized",
            Refusal::Forbidden(_) | Refusal::ClockForLiveKey => "forbidden",
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
