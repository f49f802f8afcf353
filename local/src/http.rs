//! The one small HTTP server every part of the machine listens with, and the one client.
//!
//! It is hyper itself rather than a framework because a fault must be able to close a connection without an answer.

use std::future::Future;
use std::net::SocketAddr;

use askama::Template;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::Serialize;
use tokio::net::TcpListener;

use crate::tasks::Tasks;

/// A whole answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Closes the connection without an answer, as a lost network packet or a dead host would.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct Hangup;

/// A request whose body has been read.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: SocketAddr,
}

impl Call {
    /// A header's text, or nothing if it is missing or not text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path's segments between slashes, as sent.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.uri.path().trim_start_matches('/').split('/').collect()
    }
}

/// Accepts connections until the machine stops; each is served in a task of its own.
///
/// A body longer than `max_body_bytes` is answered by `too_large` without reaching the handler.
pub(crate) fn serve<H, F>(
    listener: TcpListener,
    tasks: &Tasks,
    max_body_bytes: usize,
    too_large: fn() -> Answer,
    handler: H,
) where
    H: Fn(Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answer, Hangup>> + Send + 'static,
{
    let connections = tasks.clone();
    tasks.spawn(async move {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                // Out of file descriptors, most likely: let some be closed.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            // Without it small answers can wait 40 ms for the peer's delayed acknowledgement.
            let _ = stream.set_nodelay(true);
            let handler = handler.clone();
            connections.spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let handler = handler.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let body = match Limited::new(body, max_body_bytes).collect().await {
                            Ok(body) => body.to_bytes(),
                            Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
                            Err(_) => return Err(Hangup),
                        };
                        handler(Call { method: head.method, uri: head.uri, headers: head.headers, body, peer }).await
                    }
                });
                // An error here is a peer that went away, or a hang-up that was asked for.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

/// For servers whose callers never send long bodies: 413 with no text.
pub(crate) fn plain_too_large() -> Answer {
    text(StatusCode::PAYLOAD_TOO_LARGE, "too large\n")
}

/// An answer with a body of the given type.
pub(crate) fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An answer in plain text.
pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    answer(status, "text/plain; charset=utf-8", body)
}

/// An answer in JSON. What cannot be written as JSON (no such type is used here) reads `null`.
pub(crate) fn json(status: StatusCode, content_type: &'static str, body: &impl Serialize) -> Answer {
    answer(status, content_type, serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec()))
}

/// A page under this content security policy, not to be kept by browsers.
pub(crate) fn page(template: &impl Template, policy: &str) -> Answer {
    match template.render() {
        Ok(html) => {
            let mut answer = answer(StatusCode::OK, "text/html; charset=utf-8", html);
            set_header(&mut answer, "content-security-policy", policy);
            set_header(&mut answer, "cache-control", "no-store");
            answer
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// Adds a header; a value that is no header text is left out.
pub(crate) fn set_header(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// The client for requests passed on to the table's own server.
pub(crate) type Forwarder = Client<HttpConnector, Full<Bytes>>;

/// A client with pooled connections.
pub(crate) fn forwarder() -> Forwarder {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}
