//! Checking who signed a request.

#![expect(clippy::todo, reason = "is written next")]

use jiff::Timestamp;
use lambda_http::Request;
use models::{ApiKeyId, Application};

use crate::error::Refusal;

/// Checks that a request of this key's application was signed by it, if it has to be, or says that it was.
///
/// # Errors
/// 401 with the first thing that is wrong.
pub(crate) fn check(
    _request: &Request,
    _key: &ApiKeyId,
    _application: Option<&Application>,
    _now: Timestamp,
) -> Result<(), Refusal> {
    todo!()
}
