//! Showing what is wrong: `{"status","code","log_id","errors":[{"code","title","message"}]}`.

#![expect(clippy::todo, reason = "is written next")]

use lambda_http::{Body, Response};

use crate::error::ApiError;

/// The answer to what could not be done; `log_id` is the request's.
pub(crate) fn render(_error: &ApiError, _log_id: &str) -> Response<Body> {
    todo!()
}
