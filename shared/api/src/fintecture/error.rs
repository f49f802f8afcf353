//! Showing what is wrong: `{"status","code","log_id","errors":[{"code","title","message"}]}`, all that is.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::error::{ApiError, Refusal, Violation};
#[cfg(test)]
use crate::openapi::types as doc;

/// The code of a field that breaks a rule, if it has none of its own.
const INVALID_FIELD: &str = "invalid_field";

/// The body of an answer to what is not done.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureError"))]
#[derive(Debug, Serialize)]
pub(crate) struct ErrorView<'a> {
    /// The answer's own.
    #[cfg_attr(test, schemars(with = "doc::HttpStatus"))]
    status: u16,
    /// One that fits the status.
    // A client breaks if it doesn't.
    #[cfg_attr(test, schemars(with = "doc::FintectureErrorCode"))]
    code: &'static str,
    /// The answer's `apigw-requestid`: quote it when you ask about a request.
    log_id: &'a str,
    /// All that is wrong.
    errors: Vec<Entry<'a>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct Entry<'a> {
    #[cfg_attr(test, schemars(with = "doc::FintectureEntryCode"))]
    code: &'static str,
    /// The field or parameter that it is about, or the code.
    title: &'a str,
    message: String,
}

/// The answer to what could not be done; `log_id` is the request's.
pub(crate) fn render(error: &ApiError, log_id: &str) -> Response<Body> {
    let status = status(error);
    let errors = match error {
        ApiError::Refused(Refusal::Invalid(violations)) if !violations.is_empty() => {
            violations.iter().map(of_violation).collect()
        }
        ApiError::Refused(_) | ApiError::Unavailable(_) | ApiError::Internal(_) => {
            let code = entry_code(error);
            vec![Entry { code, title: code, message: message(error) }]
        }
    };
    error.answer(status, &ErrorView { status: status.as_u16(), code: code(status), log_id, errors })
}

fn of_violation(violation: &Violation) -> Entry<'_> {
    let of_request = if violation.parameter.is_some() { INVALID_FIELD } else { "bad_request" };
    let code = violation.code.unwrap_or(of_request);
    Entry { code, title: violation.parameter.as_deref().unwrap_or(code), message: violation.title.clone() }
}

/// HTTP's own, but that all that is wrong with a request, or can't be done to an object as it is, is a bad request: no client
/// knows 409 or 422.
pub(crate) const fn status(error: &ApiError) -> StatusCode {
    match error {
        ApiError::Refused(Refusal::Invalid(_) | Refusal::InvalidAction { .. } | Refusal::IdempotencyConflict) => {
            StatusCode::BAD_REQUEST
        }
        ApiError::Refused(
            Refusal::BadRequest(_)
            | Refusal::Unauthorized
            | Refusal::NotGenuine
            | Refusal::NotAnApplication
            | Refusal::InvalidAppUrl(_)
            | Refusal::InvalidScopes
            | Refusal::Signature(_)
            | Refusal::Forbidden(_)
            | Refusal::ClockForLiveKey
            | Refusal::NotFound
            | Refusal::Unknown(_)
            | Refusal::MethodNotAllowed(_)
            | Refusal::TooLarge(_)
            | Refusal::UnsupportedMediaType(_),
        )
        | ApiError::Unavailable(_)
        | ApiError::Internal(_) => error.status(),
    }
}

/// The code of a status, of those that the clients know.
pub(crate) fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "unauthorized",
        403 => "forbidden",
        404 | 405 => "not_found",
        500 => "internal_server_error",
        503 => "service_unavailable",
        _ => "bad_request",
    }
}

/// The code of what is wrong.
pub(crate) const fn entry_code(error: &ApiError) -> &'static str {
    match error {
        ApiError::Refused(refusal) => match refusal {
            Refusal::BadRequest(_) | Refusal::Invalid(_) | Refusal::TooLarge(_) | Refusal::UnsupportedMediaType(_) => {
                "bad_request"
            }
            Refusal::InvalidAction { .. } => "invalid_action",
            Refusal::IdempotencyConflict => "request_id_reused",
            Refusal::Unauthorized | Refusal::NotGenuine => "invalid_token",
            Refusal::NotAnApplication => "invalid_app_id",
            Refusal::InvalidAppUrl(_) => "invalid_app_url",
            Refusal::InvalidScopes | Refusal::Forbidden(_) => "invalid_scopes",
            Refusal::Signature(fault) => fault.code(),
            Refusal::ClockForLiveKey => "forbidden",
            Refusal::NotFound | Refusal::MethodNotAllowed(_) => "not_found",
            Refusal::Unknown(_) => "session_id_invalid_or_expired",
        },
        ApiError::Unavailable(_) => "service_unavailable",
        ApiError::Internal(_) => "internal_server_error",
    }
}

fn message(error: &ApiError) -> String {
    match error {
        ApiError::Refused(Refusal::IdempotencyConflict) => {
            "this X-Request-ID was used before, with another request or for something since deleted".to_owned()
        }
        ApiError::Refused(_) | ApiError::Unavailable(_) | ApiError::Internal(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::header::WWW_AUTHENTICATE;
    use models::Scope;
    use serde_json::{Value, json};

    use super::*;
    use crate::error::SignatureFault;

    fn shown(error: impl Into<ApiError>) -> (u16, Value) {
        let answer = render(&error.into(), "log-1");
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    }

    #[test]
    fn each_refusal_has_a_status_a_code_that_fits_it_and_an_entry() {
        let server = "2026-11-29T14:52:20Z".parse().unwrap();
        let internal = || Box::new(std::io::Error::other("quiet"));
        let action = Refusal::InvalidAction { title: "it is paid".to_owned(), parameter: None };
        let all: [(ApiError, u16, &str, &str); 20] = [
            (Refusal::BadRequest("no JSON".to_owned()).into(), 400, "bad_request", "bad_request"),
            (Refusal::Invalid(vec![]).into(), 400, "bad_request", "bad_request"),
            (action.into(), 400, "bad_request", "invalid_action"),
            (Refusal::IdempotencyConflict.into(), 400, "bad_request", "request_id_reused"),
            (Refusal::TooLarge(1).into(), 413, "bad_request", "bad_request"),
            (Refusal::UnsupportedMediaType("application/json").into(), 415, "bad_request", "bad_request"),
            (Refusal::Unauthorized.into(), 401, "unauthorized", "invalid_token"),
            (Refusal::NotGenuine.into(), 401, "unauthorized", "invalid_token"),
            (Refusal::NotAnApplication.into(), 401, "unauthorized", "invalid_app_id"),
            (Refusal::InvalidAppUrl("query.redirect_uri").into(), 401, "unauthorized", "invalid_app_url"),
            (Refusal::InvalidScopes.into(), 401, "unauthorized", "invalid_scopes"),
            (Refusal::Signature(SignatureFault::Wrong).into(), 401, "unauthorized", "signature_wrong"),
            (Refusal::Signature(SignatureFault::DateSkewed { server }).into(), 401, "unauthorized", "date_skewed"),
            (Refusal::Forbidden(Scope::RefundsWrite).into(), 403, "forbidden", "invalid_scopes"),
            (Refusal::ClockForLiveKey.into(), 403, "forbidden", "forbidden"),
            (Refusal::NotFound.into(), 404, "not_found", "not_found"),
            (Refusal::Unknown("meta.session_id").into(), 404, "not_found", "session_id_invalid_or_expired"),
            (Refusal::MethodNotAllowed("GET".to_owned()).into(), 405, "not_found", "not_found"),
            (ApiError::Unavailable(internal()), 503, "service_unavailable", "service_unavailable"),
            (ApiError::Internal(internal()), 500, "internal_server_error", "internal_server_error"),
        ];
        for (error, status, code, entry) in all {
            let said = message(&error);
            let expected = json!({
                "status": status, "code": code, "log_id": "log-1",
                "errors": [{ "code": entry, "title": entry, "message": said }],
            });
            assert!(!said.contains("Idempotency-Key") && !said.contains("quiet"), "{said}");
            assert_eq!(shown(error), (status, expected));
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_by_field() {
        let wrong = [
            Violation::new("mandatory_field_missing", "data.attributes.amount", "must be given"),
            Violation::new(None, "query.state", "must be at most 512 characters"),
            Violation { code: Some("refund_aborted"), parameter: None, title: "nothing is left".to_owned() },
        ];
        let (status, said) = shown(Refusal::Invalid(wrong.into()));
        let entry =
            |code: &str, title: &str, message: &str| json!({ "code": code, "title": title, "message": message });
        let errors = json!([
            entry("mandatory_field_missing", "data.attributes.amount", "data.attributes.amount must be given"),
            entry("invalid_field", "query.state", "query.state must be at most 512 characters"),
            entry("refund_aborted", "refund_aborted", "nothing is left"),
        ]);
        assert_eq!((status, &said["code"], &said["errors"]), (400, &json!("bad_request"), &errors));
    }

    #[test]
    fn who_is_not_known_learns_how_to_be() {
        let asks = |refusal: Refusal| render(&refusal.into(), "").headers().get(WWW_AUTHENTICATE).cloned();
        assert!(asks(Refusal::Unauthorized).unwrap().to_str().unwrap().starts_with("Basic "));
        assert!(asks(Refusal::Signature(SignatureFault::Missing)).unwrap().to_str().unwrap().starts_with("Signature "));
        assert_eq!(asks(Refusal::NotFound), None);
    }
}
