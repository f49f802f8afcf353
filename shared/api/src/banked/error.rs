//! Showing what is wrong: `{"errors":[{"code","title","source":{"parameter"}}]}`.

use lambda_http::{Body, Response};
use serde::Serialize;

use crate::error::{ApiError, Refusal, Violation};

/// The code of what has none of its own.
const GENERAL: &str = "invalid_request";

#[derive(Debug, Serialize)]
struct Errors<'a> {
    #[serde(flatten)]
    oauth: Option<OauthError>,
    errors: Vec<ErrorView<'a>>,
}

/// How OAuth clients read an error (RFC 6749, 5.2).
#[derive(Debug, Serialize)]
struct OauthError {
    error: &'static str,
    error_description: String,
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

/// An error as Banked shows it.
pub fn render_error(error: &ApiError) -> Response<Body> {
    error.answer(&Errors { oauth: None, errors: errors(error) })
}

/// The same for the token endpoint, with what an OAuth client looks for beside it.
pub fn render_token_error(error: &ApiError) -> Response<Body> {
    let code = match error {
        ApiError::Refused(Refusal::Unauthorized) => "invalid_client",
        ApiError::Refused(_) => "invalid_request",
        ApiError::Unavailable(_) => "temporarily_unavailable",
        ApiError::Internal(_) => "server_error",
    };
    let oauth = Some(OauthError { error: code, error_description: error.to_string() });
    error.answer(&Errors { oauth, errors: errors(error) })
}
