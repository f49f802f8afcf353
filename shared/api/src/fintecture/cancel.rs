//! Reading a request to cancel: the one change that a session can be asked for.

use lambda_http::Request;
use models::SessionId;
use serde::Deserialize;
use serde_json::json;

use super::fields::{Text, object, required_text};
use crate::api_request::ApiRequest;
use crate::error::Refusal;
use crate::given::{Given, Object};
use crate::http::json_body;
#[cfg(test)]
use crate::openapi::types as doc;
use crate::violations::Violations;

/// The status that a session can be given.
const CANCELLED: &str = "payment_cancelled";

/// The change of a session.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureChange", transform = doc::may_be_null))]
#[derive(Debug, Deserialize)]
pub(crate) struct CancelRequest {
    #[cfg_attr(test, schemars(extend("must_be_given" = true)))]
    #[serde(default)]
    meta: Given<Object<MetaRequest>>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, transform = doc::may_be_null))]
#[derive(Debug, Default, Deserialize)]
struct MetaRequest {
    #[cfg_attr(test, schemars(with = "String", extend("must_be_given" = true, "const" = CANCELLED)))]
    #[serde(default)]
    status: Given<Text>,
}

/// Checks that the body asks for the status `payment_cancelled`.
///
/// # Errors
/// 400 if it asks for another, or for none; 413 or 415 if it is no body to read.
pub(crate) fn check_cancel(request: &Request) -> Result<(), Refusal> {
    let request: CancelRequest = json_body(request)?.object()?;
    let wrong = &mut Violations::default();
    if let Some(meta) = object(wrong, request.meta, "meta") {
        required_text(wrong, meta.status, "meta.status", |status| {
            if status == CANCELLED { Ok(()) } else { Err("must be payment_cancelled") }
        });
    }
    if wrong.0.is_empty() { Ok(()) } else { Err(Refusal::Invalid(std::mem::take(&mut wrong.0))) }
}

/// A request to cancel a session.
pub(crate) fn cancel_request(session: SessionId) -> ApiRequest {
    let request = ApiRequest::post(format!("/pis/v2/payments/{}", session.to_hex()));
    let body = json!({ "meta": { "status": CANCELLED } });
    ApiRequest { method: "PATCH", idempotency_header: Some("X-Request-ID"), ..request.with(&body) }
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn check(body: &str) -> Result<(), Refusal> {
        check_cancel(&Request::new(Body::Text(body.to_owned())))
    }

    #[test]
    fn one_status_can_be_asked_for() {
        assert_eq!(check(r#"{"meta":{"status":"payment_cancelled"}}"#), Ok(()));
        assert_eq!(check(r#"{"meta":{"status":"payment_cancelled","more":1},"more":[]}"#), Ok(()));
        for (body, code, parameter) in [
            ("{}", "mandatory_field_missing", "meta.status"),
            (r#"{"meta":null}"#, "mandatory_field_missing", "meta.status"),
            (r#"{"meta":{"status":null}}"#, "mandatory_field_missing", "meta.status"),
            (r#"{"meta":{"status":""}}"#, "mandatory_field_missing", "meta.status"),
            (r#"{"meta":{"status":"payment_created"}}"#, "invalid_field", "meta.status"),
            (r#"{"meta":{"status":"PAYMENT_CANCELLED"}}"#, "invalid_field", "meta.status"),
            (r#"{"meta":{"status":["payment_cancelled"]}}"#, "invalid_field", "meta.status"),
            (r#"{"meta":"payment_cancelled"}"#, "invalid_field", "meta"),
        ] {
            let Err(Refusal::Invalid(wrong)) = check(body) else { panic!("{body}") };
            let [wrong] = &wrong[..] else { panic!("{wrong:?}") };
            let said = (wrong.code.unwrap_or("invalid_field"), wrong.parameter.as_deref().unwrap());
            assert_eq!(said, (code, parameter), "{body}");
        }
        for body in ["", "[]", "payment_cancelled", r#"{"meta":{},"meta":{}}"#] {
            assert!(matches!(check(body), Err(Refusal::BadRequest(_))), "{body}");
        }
    }
}
