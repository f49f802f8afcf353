//! Serving a function's requests.

use std::convert::Infallible;
use std::future::Future;
use std::time::{Duration, SystemTime};

use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::http::{HeaderValue, Method, header};
use lambda_http::lambda_runtime::LambdaEvent;
use lambda_http::{Body, Context, Request, RequestExt, Response, service_fn};
use store::StoreError;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::error_shape::ErrorShape;
use crate::http::request_id;
use crate::incoming::{Incoming, outgoing};

/// Answers requests by `answer`, and what can't be read as one by `refuse`, until Lambda ends the process.
///
/// HEAD is handed on as GET, and answered without a body.
///
/// # Errors
/// If Lambda can't be asked for events.
pub async fn run<F: Future<Output = Response<Body>>>(
    refuse: impl Fn(&ApiError, ErrorShape) -> Response<Body>,
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
    refuse: impl Fn(&ApiError, ErrorShape) -> Response<Body>,
    answer: impl Fn(Request) -> F,
) -> ApiGatewayV2httpResponse {
    let (to_head, https, shape) = (incoming.is_head(), incoming.is_https(), incoming.error_shape());
    let answer = match incoming.into_request(context) {
        Ok(mut request) => {
            if to_head {
                *request.method_mut() = Method::GET;
            }
            answer(request).await
        }
        Err(refusal) => {
            tracing::warn!(%refusal, "the event is no request");
            refuse(&refusal.into(), shape)
        }
    };
    outgoing(with_strict_transport_security(answer, https), to_head)
}

/// Answers requests by `handler`, and shows what it could not do in the format of the request, until Lambda ends the process.
///
/// # Errors
/// If Lambda can't be asked for events.
pub async fn serve<F: Future<Output = Answer>>(handler: impl Fn(Request) -> F) -> Result<(), lambda_http::Error> {
    run(|error, shape| shape.render(error), |request| answered(request, &handler)).await
}

/// What went wrong inside is logged here, once, with ids only; the client learns nothing of it.
async fn answered<F: Future<Output = Answer>>(request: Request, handler: impl FnOnce(Request) -> F) -> Response<Body> {
    let (request_id, time_left) = (request_id(&request), time_left(&request));
    let shape = ErrorShape::of(request.method().as_str(), request.raw_http_path(), &request_id);
    let answer = tokio::time::timeout(time_left, runtime::correlated(&request_id, handler(request)));
    let answer = answer.await.unwrap_or_else(|_| Err(too_slow()));
    answer.unwrap_or_else(|error| {
        match &error {
            ApiError::Unavailable(cause) => tracing::error!(request_id, %cause, "the request could not be done"),
            ApiError::Internal(cause) => tracing::error!(request_id, %cause, "the request failed"),
            ApiError::Refused(_) => {}
        }
        shape.render(&error)
    })
}

/// How long a handler may take: until shortly before Lambda would end the process, so that the client gets an answer
/// that says what to do. Stopping anywhere is safe, as every write is conditional.
#[expect(clippy::disallowed_methods, reason = "Lambda ends the process by the system's clock, as time-outs go by it")]
pub fn time_left(request: &Request) -> Duration {
    let deadline = request.lambda_context_ref().map(lambda_http::Context::deadline);
    let left = deadline.and_then(|deadline| deadline.duration_since(SystemTime::now()).ok());
    left.unwrap_or(Duration::from_secs(9)).saturating_sub(Duration::from_millis(500))
}

fn too_slow() -> ApiError {
    StoreError::Unavailable { operation: "all of them", cause: "took too long".to_owned() }.into()
}

/// Makes browsers ask this host by HTTPS alone, for a year from each answer on (RFC 6797, 6.1). Not its subdomains, which
/// may be somebody else's; and not by plain HTTP, where the header must not be sent (7.2).
fn with_strict_transport_security(mut answer: Response<Body>, https: bool) -> Response<Body> {
    if https {
        let value = HeaderValue::from_static("max-age=31536000");
        answer.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use lambda_http::http::StatusCode;

    use super::*;
    use crate::answer::json;
    use crate::error::Refusal;

    /// What an event is answered with by a handler that refuses everything, or nothing.
    async fn answer_to(event: &str, refused: bool) -> ApiGatewayV2httpResponse {
        let handler = async |_| if refused { Err(Refusal::NotFound.into()) } else { json(StatusCode::OK, &()) };
        let incoming: Incoming = serde_json::from_str(event).unwrap();
        respond(incoming, Context::default(), |error, shape| shape.render(error), |request| answered(request, handler))
            .await
    }

    fn event(method: &str, path: &str, proto: Option<&str>, host: &str) -> String {
        let sample = include_str!("../../../tests/events/get-list.json");
        let mut event: serde_json::Value = serde_json::from_str(sample).unwrap();
        event["requestContext"]["http"]["method"] = method.into();
        event["rawPath"] = path.into();
        event["headers"]["host"] = host.into();
        let headers = event["headers"].as_object_mut().unwrap();
        headers.remove("x-forwarded-proto");
        headers.extend(proto.map(|proto| ("X-Forwarded-Proto".to_owned(), proto.into())));
        event.to_string()
    }

    #[tokio::test]
    async fn every_answer_by_https_keeps_browsers_there_and_head_has_no_body() {
        for (method, proto, expected) in [
            ("GET", Some("https"), Some("max-age=31536000")),
            ("HEAD", Some("https"), Some("max-age=31536000")),
            ("HEAD", Some("http"), None),
            ("GET", Some("https,http"), None),
            ("GET", None, Some("max-age=31536000")),
            ("GET", Some("ftp"), Some("max-age=31536000")),
        ] {
            for (host, refused, status) in [("a b", false, 400), ("a", true, 404), ("a", false, 200)] {
                if proto == Some("ftp") && status != 400 {
                    continue;
                }
                let answer = answer_to(&event(method, "/v2/payment_sessions", proto, host), refused).await;
                assert_eq!((answer.status_code, answer.body.is_none()), (status, method == "HEAD"), "{method}");
                let header = answer.headers.get(header::STRICT_TRANSPORT_SECURITY);
                assert_eq!(header.map(|value| value.to_str().unwrap()), expected, "{proto:?} {status}");
            }
        }
        let answer = answer_to("{}", false).await;
        assert!(answer.headers.contains_key(header::STRICT_TRANSPORT_SECURITY) && answer.body.is_some());
    }

    /// Also where no handler runs.
    #[tokio::test]
    async fn a_refusal_is_in_the_shape_of_its_path() {
        for (method, path, is_oauth) in [
            ("POST", "/oauth/token", true),
            ("POST", "/token", true),
            ("GET", "/token", false),
            ("POST", "/v2/refunds", false),
            ("POST", "/api/v2/payment_sessions", false),
        ] {
            for host in ["a b", "a"] {
                let answer = answer_to(&event(method, path, None, host), true).await;
                let Some(Body::Text(body)) = answer.body else { panic!("{method} {path} has no body") };
                let starts = if is_oauth {
                    r#"{"error":"invalid_request","error_description":""#
                } else {
                    r#"{"errors":[{"code":""#
                };
                assert!(body.starts_with(starts) && body.contains(r#""errors":[{"code":""#), "{method} {path}: {body}");
            }
        }
    }
}
