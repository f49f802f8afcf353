//! Access tokens: what is asked for, and the answer.

#![expect(clippy::todo, reason = "is written next")]

use jiff::Timestamp;
use lambda_http::Request;
use models::{ApiKey, ApiKeyId, Scopes};

use crate::answer::Answer;
use crate::error::Refusal;

/// What a request for a token of this key is granted, if its key has the scopes `own`.
///
/// # Errors
/// 400, 413 or 415 if it can't be read or asks for another grant; 401 if it names another application, or other scopes.
pub(crate) fn granted_scopes(_request: &Request, _key: &ApiKeyId, _own: Scopes) -> Result<Scopes, Refusal> {
    todo!()
}

/// The answer with a new token of `key` for `scopes`.
///
/// # Errors
/// 500 if it can't be signed.
pub(crate) fn token(_key: &ApiKey, _scopes: Scopes, _now: Timestamp) -> Answer {
    todo!()
}
