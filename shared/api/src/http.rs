//! Requests and answers.

use std::future::{Future, ready};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, IntoResponse, Request, RequestExt, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::StoreError;

use crate::error::ApiError;

/// The longest body taken, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What a handler answers with.
pub type Answer = Result<Response<Body>, ApiError>;

/// An answer as `lambda_http` sends it. Its own way for responses would decode their texts from any character set, and
/// link the tables of all of them.
#[derive(Debug)]
pub struct Rendered(pub Response<Body>);

impl IntoResponse for Rendered {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

/// Runs a handler and renders what it could not do in its wire format.
///
/// What went wrong inside is logged here, once, with ids only; the client is told nothing of it.
///
/// # Errors
/// Never; the type is what `lambda_http` takes.
pub async fn serve<F: Future<Output = Answer>>(
    request: Request,
    render_error: impl Fn(&ApiError) -> Response<Body>,
    handler: impl FnOnce(Request) -> F,
) -> Result<Rendered, lambda_http::Error> {
    let request_id = request_id(&request);
    let https = is_https(&request);
    let time_left = time_left(&request);
    let answer = tokio::time::timeout(time_left, runtime::correlated(&request_id, handler(request)));
    let answer = answer.await.unwrap_or_else(|_| Err(too_slow()));
    let answer = answer.unwrap_or_else(|error| {
        match &error {
            ApiError::Unavailable(cause) => tracing::error!(request_id, %cause, "the request could not be done"),
            ApiError::Internal(cause) => tracing::error!(request_id, %cause, "the request failed"),
            ApiError::BadRequest(_)
            | ApiError::Unauthorized
            | ApiError::Forbidden(_)
            | ApiError::NotFound
            | ApiError::Unknown(_)
            | ApiError::MethodNotAllowed(_)
            | ApiError::InvalidAction { .. }
            | ApiError::IdempotencyConflict
            | ApiError::TooLarge(_)
            | ApiError::UnsupportedMediaType(_)
            | ApiError::Invalid(_) => {}
        }
        render_error(&error)
    });
    Ok(Rendered(with_strict_transport_security(answer, https)))
}

/// How long a handler may take: until a moment before Lambda would end the process, so that the client gets an answer
/// that says what to do. Stopping anywhere is safe, as every write is conditional.
pub fn time_left(request: &Request) -> Duration {
    let deadline = request.lambda_context_ref().map(lambda_http::Context::deadline);
    let left = deadline.and_then(|deadline| deadline.duration_since(SystemTime::now()).ok());
    left.unwrap_or(Duration::from_secs(9)).saturating_sub(Duration::from_millis(500))
}

fn too_slow() -> ApiError {
    ApiError::Unavailable(StoreError::Unavailable { operation: "all of them", cause: "took too long".to_owned() })
}

/// API Gateway's id of the request, by which logs are told apart. What a handler writes bears it, too.
pub fn request_id(request: &Request) -> String {
    context(request).and_then(|context| context.request_id.clone()).unwrap_or_default()
}

/// An answer with a JSON body.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let text = serde_json::to_string(body).map_err(|error| ApiError::Internal(Box::new(error)))?;
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::Text(text))
        .map_err(|error| ApiError::Internal(Box::new(error)))
}

/// Says that this is the first answer to a repeated request.
#[must_use]
pub fn replayed(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    answer
}

/// The bytes of a body that is not too long.
///
/// # Errors
/// 413.
pub fn body(request: &Request) -> Result<&[u8], ApiError> {
    let body: &[u8] = request.body();
    if body.len() > MAX_BODY_BYTES { Err(ApiError::TooLarge(MAX_BODY_BYTES)) } else { Ok(body) }
}

/// The bytes of a JSON body that is not too long and says that it is JSON, or says nothing; without a byte order mark.
///
/// # Errors
/// 413 or 415.
pub fn json_body(request: &Request) -> Result<&[u8], ApiError> {
    let body = without_byte_order_mark(body(request)?);
    match media_type(request.headers()).as_deref() {
        None => Ok(body),
        Some("application/json") => Ok(body),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(body),
        Some(_) => Err(ApiError::UnsupportedMediaType("application/json")),
    }
}

/// A text in UTF-8 without the mark that some editors and libraries put before it; JSON's readers may ignore it
/// (RFC 8259, 8.1).
pub fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The media type without parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("");
    Some(value.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

/// Reads JSON.
///
/// # Errors
/// 400 if it is none, or not of this shape.
pub(crate) fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let rule = "the body must be a JSON object, each of its keys given once";
    serde_json::from_slice(body).map_err(|_| ApiError::BadRequest(rule.to_owned()))
}

/// A JSON body as it is.
///
/// # Errors
/// 400 if it is none, or is nested too deeply.
pub fn json_value(body: &[u8]) -> Result<serde_json::Value, ApiError> {
    parse_json(body)
}

/// The base URL that the request came to, without a trailing slash: API Gateway tells the domain and sets
/// `x-forwarded-proto` itself.
pub fn base_url(request: &Request) -> Option<String> {
    let context = context(request)?;
    let domain = context.domain_name.as_deref()?;
    Some(format!("{}://{domain}", if is_https(request) { "https" } else { "http" }))
}

/// Whether the request came by HTTPS: API Gateway sets `x-forwarded-proto` itself. Only `local` takes plain HTTP.
pub fn is_https(request: &Request) -> bool {
    request.headers().get("x-forwarded-proto").is_none_or(|proto| proto != "http")
}

/// Makes browsers ask this host by HTTPS alone, for a year from each answer on (RFC 6797, 6.1). Not its subdomains, which
/// may be somebody else's; and not by plain HTTP, where the header must not be sent (7.2).
#[must_use]
pub fn with_strict_transport_security(mut answer: Response<Body>, https: bool) -> Response<Body> {
    if https {
        let value = HeaderValue::from_static("max-age=31536000");
        answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    answer
}

/// What API Gateway says of the request; its payload 2.0 is the only one that the routes use.
fn context(request: &Request) -> Option<&ApiGatewayV2httpRequestContext> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => Some(context),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::banked::render_error;

    fn request(proto: Option<&str>, body: &[u8]) -> Request {
        let builder = lambda_http::http::Request::builder();
        let builder = proto.into_iter().fold(builder, |builder, proto| builder.header("x-forwarded-proto", proto));
        builder.body(Body::Binary(body.to_vec())).unwrap()
    }

    #[tokio::test]
    async fn every_answer_by_https_keeps_browsers_there() {
        for (proto, expected) in
            [(Some("https"), Some("max-age=31536000")), (None, Some("max-age=31536000")), (Some("http"), None)]
        {
            for status in [StatusCode::OK, StatusCode::NOT_FOUND] {
                let answer = async |_| if status.is_success() { json(status, &()) } else { Err(ApiError::NotFound) };
                let Rendered(answer) = serve(request(proto, b""), render_error, answer).await.unwrap();
                assert_eq!(answer.status(), status);
                let header = answer.headers().get(header::STRICT_TRANSPORT_SECURITY);
                assert_eq!(header.map(|value| value.to_str().unwrap()), expected, "{proto:?}");
            }
        }
    }

    #[test]
    fn one_byte_order_mark_before_json_is_no_part_of_it() {
        let mark = "\u{feff}";
        for (body, json) in [
            ("{}".to_owned(), Some("{}")),
            (format!("{mark}{{}}"), Some("{}")),
            (format!("{mark}{mark}{{}}"), None),
            (format!(" {mark}{{}}"), None),
            (mark.to_owned(), None),
        ] {
            let request = request(None, body.as_bytes());
            let read = json_value(json_body(&request).unwrap()).ok().map(|value| value.to_string());
            assert_eq!(read.as_deref(), json, "{body:?}");
        }
        // In UTF-16 it is no JSON.
        let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(json_value(json_body(&request(None, &utf_16)).unwrap()).is_err());
    }
}
