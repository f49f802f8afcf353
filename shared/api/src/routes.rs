//! Which paths there are, for what API Gateway's own routes leave over.
//!
//! API Gateway takes no route that ends in a slash, so paths with one come by the greedy routes `/v2/{proxy+}` and
//! `/api/v2/{proxy+}`, and with them every path below those that there isn't.

use std::str::FromStr;

use lambda_http::{Request, RequestExt};

use crate::error::ApiError;

/// Every path that has a route, and the methods it takes. A test compares it with template.yaml.
const ROUTES: [(&str, &str); 15] = [
    ("/oauth/token", "POST"),
    ("/token", "POST"),
    ("/v2/payment_sessions", "GET, POST"),
    ("/v2/payment_sessions/{id}", "DELETE, GET"),
    ("/v2/payment_sessions/{id}/cancel", "POST"),
    ("/api/v2/payment_sessions", "GET, POST"),
    ("/api/v2/payment_sessions/{id}", "DELETE, GET"),
    ("/api/v2/payment_sessions/{id}/cancel", "POST"),
    ("/v2/refunds", "GET, POST"),
    ("/v2/refunds/{id}", "GET"),
    ("/v2/refunds/{id}/cancel", "POST"),
    ("/checkout/{id}", "GET"),
    ("/checkout/{id}/{step}", "GET, POST"),
    ("/mock-bank/{id}/{attempt}", "GET, POST"),
    ("/refunds/{id}", "GET, POST"),
];

/// What a path of payment sessions names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionPath<'a> {
    /// `…/payment_sessions`
    All,
    /// `…/payment_sessions/{id}`
    One(&'a str),
    /// `…/payment_sessions/{id}/cancel`
    Cancel(&'a str),
}

impl<'a> SessionPath<'a> {
    /// Reads a path, with or without a slash at its end; none if it is another.
    pub fn of(path: &'a str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let path = path.strip_prefix("/api").unwrap_or(path).strip_prefix("/v2/payment_sessions")?;
        if path.is_empty() {
            return Some(Self::All);
        }
        let mut segments = path.strip_prefix('/')?.split('/');
        match (segments.next()?, segments.next(), segments.next()) {
            ("", _, _) => None,
            (id, None, None) => Some(Self::One(id)),
            (id, Some("cancel"), None) => Some(Self::Cancel(id)),
            _ => None,
        }
    }
}

/// What a path of refunds names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundPath<'a> {
    /// `/v2/refunds`
    All,
    /// `/v2/refunds/{id}`
    One(&'a str),
    /// `/v2/refunds/{id}/cancel`
    Cancel(&'a str),
}

impl<'a> RefundPath<'a> {
    /// Reads a path; none if it is another.
    pub fn of(path: &'a str) -> Option<Self> {
        let mut segments = path.strip_prefix("/v2/refunds")?.split('/');
        match (segments.next()?, segments.next(), segments.next(), segments.next()) {
            ("", None, None, None) => Some(Self::All),
            ("", Some(id), None, None) => Some(Self::One(id)),
            ("", Some(id), Some("cancel"), None) => Some(Self::Cancel(id)),
            _ => None,
        }
    }
}

/// An id out of a path.
///
/// # Errors
/// 404 if it is none, for then there is no such thing.
pub fn path_id<Id: FromStr>(text: &str) -> Result<Id, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}

/// What to answer a request whose path or method there isn't: 404, or 405 with the methods that the path takes.
pub fn unrouted(request: &Request) -> ApiError {
    let path = request.raw_http_path();
    let allowed = ROUTES.into_iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, methods)| methods);
    match allowed {
        Some(methods) if !methods.split(", ").any(|method| method == request.method().as_str()) => {
            ApiError::MethodNotAllowed(methods.to_owned())
        }
        Some(_) | None => ApiError::NotFound,
    }
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
    fn paths_of_sessions() {
        for (path, expected) in [
            ("/v2/payment_sessions", Some(SessionPath::All)),
            ("/api/v2/payment_sessions/", Some(SessionPath::All)),
            ("/v2/payment_sessions/x/", Some(SessionPath::One("x"))),
            ("/api/v2/payment_sessions/x/cancel", Some(SessionPath::Cancel("x"))),
            ("/v2/payment_sessionsx", None),
            ("/v2/payment_sessions//", None),
            ("/v2/payment_sessions//cancel", None),
            ("/v2/payment_sessions/x/pay", None),
            ("/v2/payment_sessions/x/cancel/y", None),
            ("/v3/payment_sessions", None),
            ("/", None),
        ] {
            assert_eq!(SessionPath::of(path), expected, "{path}");
        }
    }

    #[test]
    fn paths_of_refunds() {
        for (path, expected) in [
            ("/v2/refunds", Some(RefundPath::All)),
            ("/v2/refunds/x", Some(RefundPath::One("x"))),
            ("/v2/refunds/x/cancel", Some(RefundPath::Cancel("x"))),
            ("/v2/refundsx", None),
            ("/v2/refunds/x/pay", None),
            ("/v2/refunds/x/cancel/y", None),
            ("/api/v2/refunds", None),
        ] {
            assert_eq!(RefundPath::of(path), expected, "{path}");
        }
    }

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
