//! What of a request makes it another.

use aws_lc_rs::digest;
use lambda_http::{Request, RequestExt};
use store::Fingerprint;

use crate::error::ApiError;
use crate::json::Json;

/// The headers that say something of what is asked for.
const HEADERS: [&str; 4] = ["x-language", "x-country", "x-psu-type", "x-provider"];

/// SHA-256 of all that a request means; not of its signature, date and token, which differ in every repeat.
///
/// # Errors
/// 500 if its body can't be written in canonical form.
pub(crate) fn fingerprint(request: &Request, body: &Json<'_>) -> Result<Fingerprint, ApiError> {
    let headers = HEADERS.map(|name| request.headers().get(name).map(|value| value.as_bytes()).unwrap_or_default());
    let target = [request.raw_http_path(), request.uri().query().unwrap_or("")].map(str::as_bytes);
    let body = body.canonical()?;
    let mut context = digest::Context::new(&digest::SHA256);
    for part in target.into_iter().chain(headers).chain([body.as_slice()]) {
        // Each part with its length, so that no two lists of parts run together.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(context.finish().as_ref());
    Ok(Fingerprint(sha256))
}
