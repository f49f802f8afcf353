//! Showing what is wrong.

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::error::{ApiError, Violation};

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
    code: &'a str,
    title: String,
    source: Source<'a>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    parameter: Option<&'a str>,
}

/// Status and code of an error; the codes of several violations are their own.
fn status_and_code(error: &ApiError) -> (StatusCode, &'static str) {
    match error {
        ApiError::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
        ApiError::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
        ApiError::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
        ApiError::NotFound | ApiError::Unknown(_) => (StatusCode::NOT_FOUND, "not_found"),
        ApiError::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ApiError::InvalidAction { .. } => (StatusCode::CONFLICT, "invalid_action"),
        ApiError::IdempotencyConflict => (StatusCode::CONFLICT, "idempotency_conflict"),
        ApiError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
        ApiError::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
        ApiError::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
        ApiError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "service_unavailable"),
        ApiError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
    }
}

/// The parameter that a whole request is refused for, if it is one.
fn parameter(error: &ApiError) -> Option<&'static str> {
    match error {
        ApiError::Unknown(parameter) => Some(parameter),
        ApiError::InvalidAction { parameter, .. } => *parameter,
        ApiError::BadRequest(_)
        | ApiError::Unauthorized
        | ApiError::Forbidden(_)
        | ApiError::NotFound
        | ApiError::MethodNotAllowed(_)
        | ApiError::IdempotencyConflict
        | ApiError::TooLarge(_)
        | ApiError::UnsupportedMediaType(_)
        | ApiError::Invalid(_)
        | ApiError::Unavailable(_)
        | ApiError::Internal(_) => None,
    }
}

fn violation_view(violation: &Violation) -> ErrorView<'_> {
    let source = Source { parameter: violation.parameter.as_deref() };
    ErrorView { code: violation.code, title: violation.title.clone(), source }
}

/// `{"errors":[{"code","title","source":{"parameter"}}]}`.
pub fn render_error(error: &ApiError) -> Response<Body> {
    render(error, None)
}

/// The same for the token endpoint, with what an OAuth client looks for beside it.
pub fn render_token_error(error: &ApiError) -> Response<Body> {
    let code = match error {
        ApiError::Unauthorized => "invalid_client",
        ApiError::Unavailable(_) => "temporarily_unavailable",
        ApiError::Internal(_) => "server_error",
        ApiError::BadRequest(_)
        | ApiError::Forbidden(_)
        | ApiError::NotFound
        | ApiError::Unknown(_)
        | ApiError::MethodNotAllowed(_)
        | ApiError::InvalidAction { .. }
        | ApiError::IdempotencyConflict
        | ApiError::TooLarge(_)
        | ApiError::UnsupportedMediaType(_)
        | ApiError::Invalid(_) => "invalid_request",
    };
    render(error, Some(OauthError { error: code, error_description: error.to_string() }))
}

fn render(error: &ApiError, oauth: Option<OauthError>) -> Response<Body> {
    let (status, code) = status_and_code(error);
    let errors = if let ApiError::Invalid(violations) = error {
        violations.iter().map(violation_view).collect()
    } else {
        vec![ErrorView { code, title: error.to_string(), source: Source { parameter: parameter(error) } }]
    };
    let body = serde_json::to_string(&Errors { oauth, errors }).unwrap_or_default();
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match error {
        ApiError::Unauthorized => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="counterfoil", Bearer"#));
        }
        ApiError::MethodNotAllowed(allow) => {
            if let Ok(allow) = HeaderValue::from_str(allow) {
                headers.insert(header::ALLOW, allow);
            }
        }
        ApiError::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        ApiError::BadRequest(_)
        | ApiError::Forbidden(_)
        | ApiError::NotFound
        | ApiError::Unknown(_)
        | ApiError::InvalidAction { .. }
        | ApiError::IdempotencyConflict
        | ApiError::TooLarge(_)
        | ApiError::UnsupportedMediaType(_)
        | ApiError::Invalid(_)
        | ApiError::Internal(_) => {}
    }
    response
}
