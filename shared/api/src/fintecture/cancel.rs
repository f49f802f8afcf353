//! Reading a request to cancel: the one change that a session can be asked for.

#![expect(clippy::todo, reason = "is written next")]

use lambda_http::Request;

use crate::error::Refusal;

/// Checks that the body asks for the status `payment_cancelled`.
///
/// # Errors
/// 400 if it asks for another, or for none.
pub(crate) fn check_cancel(_request: &Request) -> Result<(), Refusal> {
    todo!()
}
