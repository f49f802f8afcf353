//! Headers that every request may have: which application sends it, and by which id it is done once.

use lambda_http::http::HeaderMap;
use models::ApiKeyId;
use uuid::{Uuid, Variant};

use crate::error::{Refusal, SignatureFault};

/// The id of a request, by which it is done once.
pub(super) const REQUEST_ID: &str = "x-request-id";

const APP_ID: &str = "app_id";

/// A header that is given once, in ASCII; an error if it is given otherwise.
pub(super) fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, GivenOtherwise> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| GivenOtherwise),
        (Some(_), Some(_)) => Err(GivenOtherwise),
    }
}

/// A header is given several times, or not in ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GivenOtherwise;

/// Checks that the application that the headers name, if they do, is the key that the request was sent with. The clients that
/// name it are told by it which of a merchant's they are.
///
/// # Errors
/// 401 if it is another.
pub(super) fn check_application(headers: &HeaderMap, key: &ApiKeyId) -> Result<(), Refusal> {
    match once(headers, APP_ID) {
        Ok(None) => Ok(()),
        Ok(Some(named)) if named == key.as_str() => Ok(()),
        Ok(Some(_)) | Err(GivenOtherwise) => Err(Refusal::NotAnApplication),
    }
}

/// The request's id, if it has one.
///
/// # Errors
/// It is no UUID of version 4 in its usual form (RFC 9562, 4 and 5.4), or given several times.
pub(super) fn request_id(headers: &HeaderMap) -> Result<Option<&str>, SignatureFault> {
    let given = once(headers, REQUEST_ID).map_err(|GivenOtherwise| SignatureFault::RequestIdMalformed)?;
    let is_random = |text: &str| {
        text.len() == 36
            && Uuid::try_parse(text).is_ok_and(|id| id.get_version_num() == 4 && id.get_variant() == Variant::RFC4122)
    };
    match given {
        Some(id) if !is_random(id) => Err(SignatureFault::RequestIdMalformed),
        given => Ok(given),
    }
}
