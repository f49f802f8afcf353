//! What requests are answered with.

use jiff::Timestamp;
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::error::ApiError;

/// What a handler answers with.
pub type Answer = Result<Response<Body>, ApiError>;

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

/// An answer that says that something is gone.
pub fn no_content() -> Response<Body> {
    let mut answer = Response::new(Body::Empty);
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// Says that this is the first answer to a repeated request.
#[must_use]
pub fn replayed(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    answer
}

/// A page of a list.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    /// Give it as `cursor` for the next page; null at the end of the list.
    pub(crate) next_cursor: Option<String>,
}

/// An answer with a page of a list; the last one has no cursor.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub fn list<T: Serialize>(data: impl IntoIterator<Item = T>, next_cursor: Option<String>) -> Answer {
    json(StatusCode::OK, &List { data: data.into_iter().collect(), next_cursor })
}

/// `2019-11-01 15:48:26 UTC`, as answers write timestamps.
pub(crate) fn timestamp_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
