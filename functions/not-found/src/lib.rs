//! The `$default` route: what matches no other route is 404, or 405 where the path has other methods.

use api::Answer;
use lambda_http::Request;

/// Refuses a request that has no route.
///
/// # Errors
/// Always: 404 or 405.
pub async fn handle(request: Request) -> Answer {
    Err(api::unrouted(&request).into())
}
