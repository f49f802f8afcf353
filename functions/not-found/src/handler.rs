//! Tells an unknown path from a known one with another method.

use api::{Answer, ApiError};
use lambda_http::{Request, RequestExt};

/// Every path that has a route, and the methods it takes. A test compares it with template.yaml.
const ROUTES: [(&str, &str); 11] = [
    ("/oauth/token", "POST"),
    ("/token", "POST"),
    ("/v2/payment_sessions", "GET, POST"),
    ("/v2/payment_sessions/{id}", "DELETE, GET"),
    ("/v2/payment_sessions/{id}/cancel", "POST"),
    ("/api/v2/payment_sessions", "GET, POST"),
    ("/api/v2/payment_sessions/{id}", "DELETE, GET"),
    ("/api/v2/payment_sessions/{id}/cancel", "POST"),
    ("/checkout/{id}", "GET"),
    ("/checkout/{id}/{step}", "POST"),
    ("/mock-bank/{id}/{attempt}", "GET, POST"),
];

/// Answers what no route took.
///
/// # Errors
/// Always: 404, or 405 with the methods that the path takes.
pub(crate) async fn handle(request: Request) -> Answer {
    let path = request.raw_http_path();
    let allowed = ROUTES.into_iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, methods)| methods);
    Err(match allowed {
        Some(methods) if !methods.split(", ").any(|method| method == request.method().as_str()) => {
            ApiError::MethodNotAllowed(methods.to_owned())
        }
        Some(_) | None => ApiError::NotFound,
    })
}

/// Whether `path`, with or without a slash at its end, is of this form.
fn matches(pattern: &str, path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.split('/');
    let fits = pattern.split('/').all(|part| {
        segments.next().is_some_and(|segment| part == segment || (part.starts_with('{') && !segment.is_empty()))
    });
    fits && segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_patterns() {
        assert!(matches("/v2/payment_sessions/{id}", "/v2/payment_sessions/x"));
        assert!(matches("/v2/payment_sessions", "/v2/payment_sessions/"));
        for (pattern, path) in [
            ("/v2/payment_sessions/{id}", "/v2/payment_sessions//"),
            ("/v2/payment_sessions/{id}", "/v2/payment_sessions/x/y"),
            ("/v2/payment_sessions", "/v2/payment_sessions/x"),
            ("/token", "/"),
            ("/token", ""),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
}
