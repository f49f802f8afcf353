//! What of a request makes it another.

use lambda_http::Request;
use store::Fingerprint;

use crate::error::ApiError;
use crate::json::Json;

/// SHA-256 of all that a request means; not of its signature, date and token, which every repeat has anew.
///
/// # Errors
/// 500 if its body can't be written in canonical form.
pub(crate) fn fingerprint(_request: &Request, body: &Json<'_>) -> Result<Fingerprint, ApiError> {
    body.fingerprint()
}
