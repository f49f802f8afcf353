//! Showing what is wrong: `{"error":{"message","param","type"},"status"}`, the first thing of several.

use lambda_http::http::StatusCode;
use serde::Serialize;

use crate::error::{ApiError, Refusal};

/// The body of an answer to what is not done: of what is wrong, the first.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "YorletError"))]
#[derive(Debug, Serialize)]
pub(crate) struct ErrorView<'a> {
    error: Details<'a>,
    /// The HTTP status.
    status: u16,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct Details<'a> {
    /// What is wrong, for a person. The wording may change.
    message: String,
    /// The field as you wrote it, such as `transaction_data.unit`; null if it is not about a field.
    param: Option<&'a str>,
    /// `api_error` is ours: repeat the request, with the same idempotency key.
    #[cfg_attr(test, schemars(extend("enum" = ["invalid_request", "api_error"])))]
    #[serde(rename = "type")]
    error_type: &'static str,
}

impl<'a> ErrorView<'a> {
    pub(crate) fn new(error: &'a ApiError) -> Self {
        let status = status(error);
        let (message, param) = match error {
            ApiError::Refused(Refusal::Invalid(violations)) => match violations.first() {
                Some(violation) => (violation.title.clone(), violation.parameter.as_deref()),
                None => (error.to_string(), None),
            },
            ApiError::Refused(Refusal::InvalidAction { title, parameter }) => (title.clone(), *parameter),
            ApiError::Refused(Refusal::Unknown(parameter)) => (error.to_string(), Some(*parameter)),
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
                | Refusal::MethodNotAllowed(_)
                | Refusal::IdempotencyConflict
                | Refusal::TooLarge(_)
                | Refusal::UnsupportedMediaType(_),
            )
            | ApiError::Unavailable(_)
            | ApiError::Internal(_) => (error.to_string(), None),
        };
        let error_type = if status.is_server_error() { "api_error" } else { "invalid_request" };
        Self { error: Details { message, param, error_type }, status: status.as_u16() }
    }
}

/// HTTP's own, but that all that is wrong with a request, or can't be done to an object as it is, is a bad request.
pub(crate) const fn status(error: &ApiError) -> StatusCode {
    match error {
        ApiError::Refused(Refusal::Invalid(_) | Refusal::InvalidAction { .. }) => StatusCode::BAD_REQUEST,
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
            | Refusal::IdempotencyConflict
            | Refusal::TooLarge(_)
            | Refusal::UnsupportedMediaType(_),
        )
        | ApiError::Unavailable(_)
        | ApiError::Internal(_) => error.status(),
    }
}

#[cfg(test)]
mod tests {
    use models::Scope;
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Violation;

    fn shown(error: impl Into<ApiError>) -> Value {
        serde_json::to_value(ErrorView::new(&error.into())).unwrap()
    }

    #[test]
    fn an_error_names_the_first_field_that_is_wrong() {
        let of = |message: &str, param: Value, kind: &str, status: u16| json!({ "error": { "message": message, "param": param, "type": kind }, "status": status });
        let wrong = |parameter: &str| Violation::new(None, parameter, "must be given");
        assert_eq!(
            shown(Refusal::Invalid(vec![wrong("amount"), wrong("currency")])),
            of("amount must be given", json!("amount"), "invalid_request", 400)
        );
        assert_eq!(
            shown(Refusal::Unknown("customer")),
            of("customer names nothing that is yours", json!("customer"), "invalid_request", 404)
        );
        let title = "can't be".to_owned();
        assert_eq!(
            shown(Refusal::InvalidAction { title, parameter: Some("transaction") }),
            of("can't be", json!("transaction"), "invalid_request", 400)
        );
        for (refusal, status) in [
            (Refusal::BadRequest("x".to_owned()), 400),
            (Refusal::Unauthorized, 401),
            (Refusal::NotGenuine, 401),
            (Refusal::Forbidden(Scope::RefundsWrite), 403),
            (Refusal::ClockForLiveKey, 403),
            (Refusal::NotFound, 404),
            (Refusal::MethodNotAllowed("GET".to_owned()), 405),
            (Refusal::IdempotencyConflict, 409),
            (Refusal::TooLarge(1), 413),
            (Refusal::UnsupportedMediaType("application/json"), 415),
        ] {
            assert_eq!(shown(refusal.clone()), of(&refusal.to_string(), Value::Null, "invalid_request", status));
        }
        // What went wrong inside is for the log alone.
        let cause = || Box::new(std::io::Error::other("quiet"));
        assert_eq!(shown(ApiError::Internal(cause())), of("an internal error", Value::Null, "api_error", 500));
        let again = "not available at the moment; repeat the request";
        assert_eq!(shown(ApiError::Unavailable(cause())), of(again, Value::Null, "api_error", 503));
    }
}
