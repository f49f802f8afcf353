//! Which paths there are, for what API Gateway's own routes leave over.
//!
//! API Gateway takes no route that ends in a slash, so paths with one come by the greedy routes, `/v2/{proxy+}` and others,
//! and with them every path below those that there isn't.

use std::str::FromStr;

use lambda_http::{Request, RequestExt};

use crate::error::Refusal;

/// Every path that has a route, and the methods it takes; the more specific before what it also fits. A test compares it
/// with template.yaml.
const ROUTES: [(&str, &str); 26] = [
    ("/oauth/token", "POST"),
    ("/token", "POST"),
    ("/v2/payment_sessions", "GET, HEAD, POST"),
    ("/v2/payment_sessions/{id}", "DELETE, GET, HEAD"),
    ("/v2/payment_sessions/{id}/cancel", "POST"),
    ("/api/v2/payment_sessions", "GET, HEAD, POST"),
    ("/api/v2/payment_sessions/{id}", "DELETE, GET, HEAD"),
    ("/api/v2/payment_sessions/{id}/cancel", "POST"),
    ("/v2/refunds", "GET, HEAD, POST"),
    ("/v2/refunds/{id}", "GET, HEAD"),
    ("/v2/refunds/{id}/cancel", "POST"),
    ("/v2/payment_sessions/{id}/events", "GET, HEAD"),
    ("/v2/webhooks", "GET, HEAD, POST"),
    ("/v2/webhooks/{id}", "DELETE, GET, HEAD, PATCH"),
    ("/v2/webhooks/{id}/rotate", "POST"),
    ("/v2/webhooks/{id}/rotate/finish", "POST"),
    ("/v2/events", "GET, HEAD"),
    ("/v2/events/{id}/attempts", "GET, HEAD"),
    ("/v2/events/{id}/replay", "POST"),
    ("/checkout/{id}", "GET, HEAD"),
    ("/checkout/{id}/payer", "GET, HEAD, POST"),
    ("/checkout/{id}/bank", "GET, HEAD, POST"),
    ("/checkout/{id}/cancel", "GET, HEAD, POST"),
    ("/checkout/{id}/{step}", "GET, HEAD"),
    ("/mock-bank/{id}/{attempt}", "GET, HEAD, POST"),
    ("/refunds/{id}", "GET, HEAD, POST"),
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
        match segments(path).as_slice() {
            ["v2", "refunds"] => Some(Self::All),
            ["v2", "refunds", id] => Some(Self::One(id)),
            ["v2", "refunds", id, "cancel"] => Some(Self::Cancel(id)),
            _ => None,
        }
    }
}

/// What a path of webhook endpoints names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookPath<'a> {
    /// `/v2/webhooks`
    All,
    /// `/v2/webhooks/{id}`
    One(&'a str),
    /// `/v2/webhooks/{id}/rotate`
    Rotate(&'a str),
    /// `/v2/webhooks/{id}/rotate/finish`
    FinishRotation(&'a str),
}

impl<'a> WebhookPath<'a> {
    /// Reads a path; none if it is another.
    pub fn of(path: &'a str) -> Option<Self> {
        match segments(path).as_slice() {
            ["v2", "webhooks"] => Some(Self::All),
            ["v2", "webhooks", id] => Some(Self::One(id)),
            ["v2", "webhooks", id, "rotate"] => Some(Self::Rotate(id)),
            ["v2", "webhooks", id, "rotate", "finish"] => Some(Self::FinishRotation(id)),
            _ => None,
        }
    }
}

/// What a path of events names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPath<'a> {
    /// `/v2/events`
    All,
    /// `/v2/events/{id}/attempts`
    Attempts(&'a str),
    /// `/v2/events/{id}/replay`
    Replay(&'a str),
    /// `/v2/payment_sessions/{id}/events`
    OfSession(&'a str),
}

impl<'a> EventPath<'a> {
    /// Reads a path; none if it is another.
    pub fn of(path: &'a str) -> Option<Self> {
        match segments(path).as_slice() {
            ["v2", "events"] => Some(Self::All),
            ["v2", "events", id, "attempts"] => Some(Self::Attempts(id)),
            ["v2", "events", id, "replay"] => Some(Self::Replay(id)),
            ["v2", "payment_sessions", id, "events"] => Some(Self::OfSession(id)),
            _ => None,
        }
    }
}

/// A path's segments; that before the first slash, which is empty, left out.
fn segments(path: &str) -> Vec<&str> {
    path.split('/').skip(1).collect()
}

/// An id out of a path.
///
/// # Errors
/// 404 if it is none, for then there is no such thing.
pub fn path_id<Id: FromStr>(text: &str) -> Result<Id, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound)
}

/// What to answer a request whose path or method there isn't: 404, or 405 with the methods that the path takes.
pub fn unrouted(request: &Request) -> Refusal {
    match other_methods(request) {
        Some(methods) => Refusal::MethodNotAllowed(methods.to_owned()),
        None => Refusal::NotFound,
    }
}

/// The methods that a request's path takes, if its own is none of them; as `Allow` lists them.
pub fn other_methods(request: &Request) -> Option<&'static str> {
    let path = request.raw_http_path();
    let (_, methods) = ROUTES.into_iter().find(|(pattern, _)| matches(pattern, path))?;
    (!methods.split(", ").any(|method| method == request.method().as_str())).then_some(methods)
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
    fn paths_of_webhooks_and_events() {
        for (path, expected) in [
            ("/v2/webhooks", Some(WebhookPath::All)),
            ("/v2/webhooks/x", Some(WebhookPath::One("x"))),
            ("/v2/webhooks/x/rotate", Some(WebhookPath::Rotate("x"))),
            ("/v2/webhooks/x/rotate/finish", Some(WebhookPath::FinishRotation("x"))),
            ("/v2/webhooks/x/finish", None),
        ] {
            assert_eq!(WebhookPath::of(path), expected, "{path}");
        }
        for (path, expected) in [
            ("/v2/events", Some(EventPath::All)),
            ("/v2/events/x/attempts", Some(EventPath::Attempts("x"))),
            ("/v2/events/x/replay", Some(EventPath::Replay("x"))),
            ("/v2/payment_sessions/x/events", Some(EventPath::OfSession("x"))),
            ("/v2/events/x", None),
            ("/v2/payment_sessions/x", None),
        ] {
            assert_eq!(EventPath::of(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_not_routed_is_told_what_its_path_takes() {
        let allow = |method: &str, path: &str| {
            let request = Request::default().with_raw_http_path(path);
            let (mut head, body) = request.into_parts();
            head.method = method.parse().unwrap();
            let request = Request::from_parts(head, body);
            other_methods(&request).map_or_else(|| unrouted(&request).to_string(), str::to_owned)
        };
        assert_eq!(allow("PUT", "/v2/webhooks/x"), "DELETE, GET, HEAD, PATCH");
        assert_eq!(allow("OPTIONS", "/v2/refunds"), "GET, HEAD, POST");
        assert_eq!(allow("POST", "/checkout/x"), "GET, HEAD");
        assert_eq!(allow("PUT", "/checkout/x/payer"), "GET, HEAD, POST");
        assert_eq!(allow("POST", "/checkout/x/receipt"), "GET, HEAD");
        assert_eq!(allow("DELETE", "/checkout/x/"), "GET, HEAD");
        assert_eq!(allow("GET", "/v2/nothing"), Refusal::NotFound.to_string());
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
