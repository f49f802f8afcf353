//! Requests and answers.

use std::convert::Infallible;
use std::future::Future;
use std::time::{Duration, SystemTime};

use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse};
use lambda_http::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::lambda_runtime::LambdaEvent;
use lambda_http::request::RequestContext;
use lambda_http::{Body, Context, Request, RequestExt, Response, service_fn};
use serde::Serialize;
use store::StoreError;

use crate::error::{ApiError, Refusal};
use crate::incoming::{FORWARDED_PROTO, Incoming, outgoing};
use crate::json::Json;

/// The longest body taken, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What a handler answers with.
pub type Answer = Result<Response<Body>, ApiError>;

/// Answers requests by `answer`, and what can't be read as one by `refuse`, until Lambda ends the process.
///
/// HEAD is handed on as GET, and answered without a body.
///
/// # Errors
/// If Lambda can't be asked for events.
pub async fn run<F: Future<Output = Response<Body>>>(
    refuse: impl Fn(&ApiError) -> Response<Body>,
    answer: impl Fn(Request) -> F,
) -> Result<(), lambda_http::Error> {
    let (refuse, answer) = (&refuse, &answer);
    lambda_http::lambda_runtime::run(service_fn(async |LambdaEvent { payload, context }: LambdaEvent<Incoming>| {
        Ok::<_, Infallible>(respond(payload, context, refuse, answer).await)
    }))
    .await
}

async fn respond<F: Future<Output = Response<Body>>>(
    incoming: Incoming,
    context: Context,
    refuse: impl Fn(&ApiError) -> Response<Body>,
    answer: impl Fn(Request) -> F,
) -> ApiGatewayV2httpResponse {
    let (to_head, https) = (incoming.is_head(), incoming.is_https());
    let answer = match incoming.into_request(context) {
        Ok(mut request) => {
            if to_head {
                *request.method_mut() = Method::GET;
            }
            answer(request).await
        }
        Err(refusal) => {
            tracing::warn!(%refusal, "the event is no request");
            with_strict_transport_security(refuse(&refusal.into()), https)
        }
    };
    outgoing(answer, to_head)
}

/// Answers requests by `handler`, and renders what it could not do in its wire format, until Lambda ends the process.
///
/// # Errors
/// If Lambda can't be asked for events.
pub async fn serve<F: Future<Output = Answer>>(
    render_error: impl Fn(&ApiError) -> Response<Body>,
    handler: impl Fn(Request) -> F,
) -> Result<(), lambda_http::Error> {
    run(&render_error, |request| answered(request, &render_error, &handler)).await
}

/// What went wrong inside is logged here, once, with ids only; the client is told nothing of it.
async fn answered<F: Future<Output = Answer>>(
    request: Request,
    render_error: impl Fn(&ApiError) -> Response<Body>,
    handler: impl FnOnce(Request) -> F,
) -> Response<Body> {
    let request_id = request_id(&request);
    let https = is_https(&request);
    let time_left = time_left(&request);
    let answer = tokio::time::timeout(time_left, runtime::correlated(&request_id, handler(request)));
    let answer = answer.await.unwrap_or_else(|_| Err(too_slow()));
    let answer = answer.unwrap_or_else(|error| {
        match &error {
            ApiError::Unavailable(cause) => tracing::error!(request_id, %cause, "the request could not be done"),
            ApiError::Internal(cause) => tracing::error!(request_id, %cause, "the request failed"),
            ApiError::Refused(_) => {}
        }
        render_error(&error)
    });
    with_strict_transport_security(answer, https)
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
pub fn body(request: &Request) -> Result<&[u8], Refusal> {
    let body: &[u8] = request.body();
    if body.len() > MAX_BODY_BYTES { Err(Refusal::TooLarge(MAX_BODY_BYTES)) } else { Ok(body) }
}

/// A JSON body that is not too long and says that it is JSON, or says nothing; without a byte order mark.
///
/// # Errors
/// 400, 413 or 415.
pub fn json_body(request: &Request) -> Result<Json<'_>, Refusal> {
    let body = without_byte_order_mark(body(request)?);
    match media_type(request.headers()).as_deref() {
        None => Json::read(body),
        Some("application/json") => Json::read(body),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Json::read(body),
        Some(_) => Err(Refusal::UnsupportedMediaType("application/json")),
    }
}

/// A text in UTF-8 without the mark that some editors and libraries put before it; JSON's readers may ignore it
/// (RFC 8259, 8.1).
pub fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The media type without parameters, in lower case. One that is given twice, which API Gateway joins by a comma, is none.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("");
    Some(value.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
}

/// The base URL that the request came to, without a trailing slash: API Gateway tells the domain and sets
/// `x-forwarded-proto` itself, after what proxies said before it.
pub fn base_url(request: &Request) -> Option<String> {
    let context = context(request)?;
    let domain = context.domain_name.as_deref()?;
    Some(format!("{}://{domain}", if is_https(request) { "https" } else { "http" }))
}

/// Whether the request came by HTTPS: API Gateway sets `x-forwarded-proto` itself, after what
/// proxies said before it. Only `local` takes plain HTTP.
pub fn is_https(request: &Request) -> bool {
    let protos = request.headers().get(FORWARDED_PROTO).and_then(|value| value.to_str().ok());
    are_https(protos)
}

/// Whether these values of `x-forwarded-proto` say HTTPS, or do not say HTTP.
pub(crate) fn are_https(protos: Option<&str>) -> bool {
    let proto = protos.and_then(|protos| protos.rsplit(',').next()).unwrap_or("").trim();
    !proto.eq_ignore_ascii_case("http")
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
                let answer =
                    async |_| if status.is_success() { json(status, &()) } else { Err(Refusal::NotFound.into()) };
                let answer = answered(request(proto, b""), render_error, answer).await;
                assert_eq!(answer.status(), status);
                let header = answer.headers().get(header::STRICT_TRANSPORT_SECURITY);
                assert_eq!(header.map(|value| value.to_str().unwrap()), expected, "{proto:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_refusal_of_what_can_not_be_read_keeps_browsers_at_https_and_has_no_body_for_head() {
        let sample = include_str!("../../../tests/events/get-list.json");
        for (method, proto, expected) in [
            ("GET", Some("https"), Some("max-age=31536000")),
            ("HEAD", Some("https"), Some("max-age=31536000")),
            ("HEAD", Some("http"), None),
            ("GET", Some("https,http"), None),
            ("GET", None, Some("max-age=31536000")),
            ("GET", Some("ftp"), Some("max-age=31536000")),
        ] {
            let mut event: serde_json::Value = serde_json::from_str(sample).unwrap();
            event["requestContext"]["http"]["method"] = method.into();
            event["headers"]["host"] = "a b".into();
            let headers = event["headers"].as_object_mut().unwrap();
            headers.remove("x-forwarded-proto");
            headers.extend(proto.map(|proto| ("X-Forwarded-Proto".to_owned(), proto.into())));
            let incoming: Incoming = serde_json::from_str(&event.to_string()).unwrap();
            let answer = async |_| json(StatusCode::OK, &()).unwrap();
            let answer = respond(incoming, Context::default(), render_error, answer).await;
            assert_eq!((answer.status_code, answer.body.is_none()), (400, method == "HEAD"), "{method}");
            let header = answer.headers.get(header::STRICT_TRANSPORT_SECURITY);
            assert_eq!(header.map(|value| value.to_str().unwrap()), expected, "{proto:?}");
        }
        let nothing: Incoming = serde_json::from_str("{}").unwrap();
        let answer = async |_| json(StatusCode::OK, &()).unwrap();
        let answer = respond(nothing, Context::default(), render_error, answer).await;
        assert!(answer.headers.contains_key(header::STRICT_TRANSPORT_SECURITY) && answer.body.is_some());
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
            let read = json_body(&request).map(|json| json.fingerprint().unwrap());
            let expected = json.map(|json| Json::read(json.as_bytes()).unwrap().fingerprint().unwrap());
            assert_eq!(read.ok(), expected, "{body:?}");
        }
        // In UTF-16 it is no JSON.
        let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(json_body(&request(None, &utf_16)).is_err());
    }
}
