//! Which routes there are, and what each of them means.
//!
//! API Gateway accepts no route that ends in a slash, so paths with one come by the greedy routes, `/v2/{proxy+}` and others,
//! and with them every path below those that there isn't.

use std::collections::BTreeSet;
use std::str::FromStr;

use lambda_http::http::Method;
use lambda_http::{Request, RequestExt};
use models::Scope;

use crate::error::Refusal;

/// What a request means, whatever its format; with the id in its path, as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// A token for an API key.
    Token,
    /// A new payment session.
    CreateSession,
    /// A list of payment sessions.
    Sessions,
    /// One payment session.
    Session(&'a str),
    /// A payment session is removed for good.
    DeleteSession(&'a str),
    /// A payment session is cancelled.
    CancelSession(&'a str),
    /// The events of a payment session.
    SessionEvents(&'a str),
    /// A list of transactions.
    Transactions,
    /// How the money of a payment session stands.
    Transaction(&'a str),
    /// A new refund.
    CreateRefund,
    /// The refunds of a payment session, which the query names.
    Refunds,
    /// The refunds of the payment session in the path.
    RefundsOf(&'a str),
    /// One refund.
    Refund(&'a str),
    /// A refund is cancelled.
    CancelRefund(&'a str),
    /// A new customer.
    CreateCustomer,
    /// A list of customers.
    Customers,
    /// One customer.
    Customer(&'a str),
    /// A customer is changed.
    ChangeCustomer(&'a str),
    /// A customer is removed for good.
    DeleteCustomer(&'a str),
    /// A new webhook endpoint.
    RegisterWebhook,
    /// All webhook endpoints.
    Webhooks,
    /// One webhook endpoint.
    Webhook(&'a str),
    /// A webhook endpoint is changed.
    ChangeWebhook(&'a str),
    /// A webhook endpoint is removed.
    DeleteWebhook(&'a str),
    /// A webhook endpoint gets a new secret.
    RotateSecret(&'a str),
    /// A webhook endpoint's old secret is dropped.
    FinishRotation(&'a str),
    /// A webhook endpoint is sent a test event.
    TestWebhook(&'a str),
    /// A list of events.
    Events,
    /// The attempts to deliver an event.
    Attempts(&'a str),
    /// An event is delivered again.
    Replay(&'a str),
    /// A new test clock.
    CreateTestClock,
    /// One test clock.
    TestClock(&'a str),
    /// A test clock is removed.
    DeleteTestClock(&'a str),
    /// A test clock is advanced.
    AdvanceTestClock(&'a str),
    /// The banks that a payer can choose.
    Providers,
    /// One of them.
    Provider(&'a str),
    /// What to try the mock banks with.
    TestAccounts,
    /// What the application is that asks.
    Application,
    /// A token for one that is to be refreshed.
    RefreshToken,
    /// A list of what was settled to the merchant.
    Settlements,
    /// A provider's webhook.
    ProviderEvent(&'a str),
    /// A page or a form, which `checkout` and `mocks` read by themselves.
    Page,
}

const READ: Option<Scope> = Some(Scope::PaymentSessionsRead);
const WRITE: Option<Scope> = Some(Scope::PaymentSessionsWrite);
const REFUND: Option<Scope> = Some(Scope::RefundsWrite);
const WEBHOOKS: Option<Scope> = Some(Scope::WebhooksWrite);

/// What a path means, given the id in it.
type Means = for<'a> fn(&'a str) -> Route<'a>;

/// Method, path, the scope that it needs and what it means.
type Row = (&'static str, &'static str, Option<Scope>, Means);

/// Every route there is; HEAD is as GET. Tests compare the table with template.yaml and docs/openapi.yaml.
pub(crate) const ROUTES: [Row; 81] = [
    ("POST", "/oauth/token", None, |_| Route::Token),
    ("POST", "/token", None, |_| Route::Token),
    ("POST", "/oauth/accesstoken", None, |_| Route::Token),
    ("POST", "/pis/v2/connect", WRITE, |_| Route::CreateSession),
    ("POST", "/pis/v2/request-to-pay", WRITE, |_| Route::CreateSession),
    ("GET", "/pis/v2/payments", READ, |_| Route::Sessions),
    ("GET", "/pis/v1/payments", READ, |_| Route::Sessions),
    ("GET", "/pis/v2/payments/{id}", READ, |id| Route::Session(id)),
    ("GET", "/pis/v1/payments/{id}", READ, |id| Route::Session(id)),
    ("PATCH", "/pis/v2/payments/{id}", WRITE, |id| Route::CancelSession(id)),
    ("GET", "/pis/v2/payments/{id}/refunds", READ, |id| Route::RefundsOf(id)),
    ("GET", "/pis/v1/payments/{id}/refunds", READ, |id| Route::RefundsOf(id)),
    ("POST", "/pis/v2/refund", REFUND, |_| Route::CreateRefund),
    ("POST", "/pis/v1/refund", REFUND, |_| Route::CreateRefund),
    ("GET", "/pis/v2/settlements", READ, |_| Route::Settlements),
    ("POST", "/oauth/refreshtoken", None, |_| Route::RefreshToken),
    ("POST", "/oauth/refresh_token", None, |_| Route::RefreshToken),
    ("GET", "/res/v1/providers", None, |_| Route::Providers),
    ("GET", "/res/v1/providers/{id}", None, |id| Route::Provider(id)),
    ("GET", "/res/v1/testaccounts", None, |_| Route::TestAccounts),
    ("GET", "/res/v1/application", None, |_| Route::Application),
    ("GET", "/res/v1/applications", None, |_| Route::Application),
    ("POST", "/v2/payment_sessions", WRITE, |_| Route::CreateSession),
    ("GET", "/v2/payment_sessions", READ, |_| Route::Sessions),
    ("GET", "/v2/payment_sessions/{id}", READ, |id| Route::Session(id)),
    ("DELETE", "/v2/payment_sessions/{id}", WRITE, |id| Route::DeleteSession(id)),
    ("POST", "/v2/payment_sessions/{id}/cancel", WRITE, |id| Route::CancelSession(id)),
    ("GET", "/v2/payment_sessions/{id}/events", READ, |id| Route::SessionEvents(id)),
    ("POST", "/api/v2/payment_sessions", WRITE, |_| Route::CreateSession),
    ("GET", "/api/v2/payment_sessions", READ, |_| Route::Sessions),
    ("GET", "/api/v2/payment_sessions/{id}", READ, |id| Route::Session(id)),
    ("DELETE", "/api/v2/payment_sessions/{id}", WRITE, |id| Route::DeleteSession(id)),
    ("POST", "/api/v2/payment_sessions/{id}/cancel", WRITE, |id| Route::CancelSession(id)),
    ("POST", "/v1/payment_sessions", WRITE, |_| Route::CreateSession),
    ("GET", "/v1/payment_sessions", READ, |_| Route::Sessions),
    ("GET", "/v1/payment_sessions/{id}", READ, |id| Route::Session(id)),
    ("POST", "/v1/payment_sessions/{id}/cancel", WRITE, |id| Route::CancelSession(id)),
    ("GET", "/v1/transactions", READ, |_| Route::Transactions),
    ("GET", "/v1/transactions/{id}", READ, |id| Route::Transaction(id)),
    ("POST", "/v1/refunds", REFUND, |_| Route::CreateRefund),
    ("GET", "/v1/refunds", READ, |_| Route::Refunds),
    ("GET", "/v1/refunds/{id}", READ, |id| Route::Refund(id)),
    ("POST", "/v1/customers", WRITE, |_| Route::CreateCustomer),
    ("GET", "/v1/customers", READ, |_| Route::Customers),
    ("GET", "/v1/customers/{id}", READ, |id| Route::Customer(id)),
    ("POST", "/v1/customers/{id}", WRITE, |id| Route::ChangeCustomer(id)),
    ("DELETE", "/v1/customers/{id}", WRITE, |id| Route::DeleteCustomer(id)),
    ("POST", "/v2/refunds", REFUND, |_| Route::CreateRefund),
    ("GET", "/v2/refunds", READ, |_| Route::Refunds),
    ("GET", "/v2/refunds/{id}", READ, |id| Route::Refund(id)),
    ("POST", "/v2/refunds/{id}/cancel", REFUND, |id| Route::CancelRefund(id)),
    ("POST", "/v2/webhooks", WEBHOOKS, |_| Route::RegisterWebhook),
    ("GET", "/v2/webhooks", READ, |_| Route::Webhooks),
    ("GET", "/v2/webhooks/{id}", READ, |id| Route::Webhook(id)),
    ("PATCH", "/v2/webhooks/{id}", WEBHOOKS, |id| Route::ChangeWebhook(id)),
    ("DELETE", "/v2/webhooks/{id}", WEBHOOKS, |id| Route::DeleteWebhook(id)),
    ("POST", "/v2/webhooks/{id}/rotate", WEBHOOKS, |id| Route::RotateSecret(id)),
    ("POST", "/v2/webhooks/{id}/rotate/finish", WEBHOOKS, |id| Route::FinishRotation(id)),
    ("POST", "/v2/webhooks/{id}/test", WEBHOOKS, |id| Route::TestWebhook(id)),
    ("GET", "/v2/events", READ, |_| Route::Events),
    ("GET", "/v2/events/{id}/attempts", READ, |id| Route::Attempts(id)),
    ("POST", "/v2/events/{id}/replay", WEBHOOKS, |id| Route::Replay(id)),
    ("POST", "/v2/test_clocks", WRITE, |_| Route::CreateTestClock),
    ("GET", "/v2/test_clocks/{id}", READ, |id| Route::TestClock(id)),
    ("DELETE", "/v2/test_clocks/{id}", WRITE, |id| Route::DeleteTestClock(id)),
    ("POST", "/v2/test_clocks/{id}/advance", WRITE, |id| Route::AdvanceTestClock(id)),
    ("GET", "/v2/providers", READ, |_| Route::Providers),
    ("GET", "/api/v2/providers", READ, |_| Route::Providers),
    ("POST", "/providers/{provider}/webhook", None, |id| Route::ProviderEvent(id)),
    ("GET", "/providers/{provider}/return", None, |_| Route::Page),
    ("GET", "/checkout/{id}", None, |_| Route::Page),
    ("GET", "/checkout/{id}/bank/{attempt}", None, |_| Route::Page),
    ("GET", "/checkout/{id}/return", None, |_| Route::Page),
    ("GET", "/checkout/{id}/{step}", None, |_| Route::Page),
    ("POST", "/checkout/{id}/payer", None, |_| Route::Page),
    ("POST", "/checkout/{id}/bank", None, |_| Route::Page),
    ("POST", "/checkout/{id}/cancel", None, |_| Route::Page),
    ("GET", "/mock-bank/{id}/{attempt}", None, |_| Route::Page),
    ("POST", "/mock-bank/{id}/{attempt}", None, |_| Route::Page),
    ("GET", "/refunds/{id}", None, |_| Route::Page),
    ("POST", "/refunds/{id}", None, |_| Route::Page),
];

impl<'a> Route<'a> {
    /// What a request means; none if there is no such route.
    pub fn of(request: &'a Request) -> Option<Self> {
        find(request.method().as_str(), request.raw_http_path()).map(|(_, route)| route)
    }

    /// Whether the greedy routes bring its path to the same function with a slash at its end.
    const fn may_end_in_slash(self) -> bool {
        matches!(
            self,
            Self::CreateSession | Self::Sessions | Self::Session(_) | Self::DeleteSession(_) | Self::Providers
        )
    }
}

/// The route of a method and a path, and the scope that it needs.
pub(crate) fn find<'a>(method: &str, path: &'a str) -> Option<(Option<Scope>, Route<'a>)> {
    let (whole, slash) = without_slash(path);
    ROUTES.iter().filter(|(of_route, ..)| *of_route == method).find_map(|(_, pattern, scope, means)| {
        let route = means(id_in(pattern, whole)?);
        (!slash || route.may_end_in_slash()).then_some((*scope, route))
    })
}

/// Whether a page or a form is at this path.
pub fn is_page(method: &Method, path: &str) -> bool {
    find(method.as_str(), path).is_some_and(|(_, route)| route == Route::Page)
}

/// Whether a request has a route that is open to all.
pub fn is_open(request: &Request) -> bool {
    matches!(find(request.method().as_str(), request.raw_http_path()), Some((None, _)))
}

/// The scope that a request's route needs; none for one that is open.
///
/// # Errors
/// 404 or 405 if there is no such route.
pub(crate) fn scope_needed(request: &Request) -> Result<Option<Scope>, Refusal> {
    let found = find(request.method().as_str(), request.raw_http_path());
    found.map(|(scope, _)| scope).ok_or_else(|| unrouted(request))
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
    other_methods(request).map_or(Refusal::NotFound, Refusal::MethodNotAllowed)
}

/// The methods that a request's path takes, with or without a slash at its end, if its own is none of them; as `Allow` lists
/// them.
pub fn other_methods(request: &Request) -> Option<String> {
    let (path, _) = without_slash(request.raw_http_path());
    let here = ROUTES.iter().filter(|(_, pattern, ..)| id_in(pattern, path).is_some());
    let mut methods: BTreeSet<&str> = here.map(|(method, ..)| *method).collect();
    if methods.contains("GET") {
        methods.insert("HEAD");
    }
    let others = !methods.is_empty() && !methods.contains(request.method().as_str());
    others.then(|| methods.into_iter().collect::<Vec<_>>().join(", "))
}

/// A path without the slash at its end, and whether there was one.
fn without_slash(path: &str) -> (&str, bool) {
    path.strip_suffix('/').map_or((path, false), |path| (path, true))
}

/// The first of the segments that the pattern leaves open, or an empty one if it leaves none open; none if the path is not of
/// this form.
fn id_in<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let (mut segments, mut id) = (path.split('/'), "");
    for part in pattern.split('/') {
        let segment = segments.next()?;
        if part.starts_with('{') && !segment.is_empty() {
            id = if id.is_empty() { segment } else { id };
        } else if part != segment {
            return None;
        }
    }
    if segments.next().is_none() { Some(id) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_and_a_path_mean_a_route() {
        let named: [(&str, &str, Means); 26] = [
            ("GET", "/pis/v2/payments/x", |id| Route::Session(id)),
            ("GET", "/pis/v1/payments/x/", |id| Route::Session(id)),
            ("PATCH", "/pis/v2/payments/x", |id| Route::CancelSession(id)),
            ("GET", "/pis/v2/payments/x/refunds", |id| Route::RefundsOf(id)),
            ("GET", "/pis/v1/payments/x/refunds", |id| Route::RefundsOf(id)),
            ("GET", "/res/v1/providers/x", |id| Route::Provider(id)),
            ("GET", "/v2/payment_sessions/x", |id| Route::Session(id)),
            ("GET", "/v2/payment_sessions/x/", |id| Route::Session(id)),
            ("DELETE", "/api/v2/payment_sessions/x/", |id| Route::DeleteSession(id)),
            ("POST", "/api/v2/payment_sessions/x/cancel", |id| Route::CancelSession(id)),
            ("GET", "/v2/payment_sessions/x/events", |id| Route::SessionEvents(id)),
            ("GET", "/v2/refunds/x", |id| Route::Refund(id)),
            ("POST", "/v2/refunds/x/cancel", |id| Route::CancelRefund(id)),
            ("GET", "/v2/webhooks/x", |id| Route::Webhook(id)),
            ("PATCH", "/v2/webhooks/x", |id| Route::ChangeWebhook(id)),
            ("DELETE", "/v2/webhooks/x", |id| Route::DeleteWebhook(id)),
            ("POST", "/v2/webhooks/x/rotate", |id| Route::RotateSecret(id)),
            ("POST", "/v2/webhooks/x/rotate/finish", |id| Route::FinishRotation(id)),
            ("POST", "/v2/webhooks/x/test", |id| Route::TestWebhook(id)),
            ("GET", "/v2/events/x/attempts", |id| Route::Attempts(id)),
            ("POST", "/v2/events/x/replay", |id| Route::Replay(id)),
            ("GET", "/v2/test_clocks/x", |id| Route::TestClock(id)),
            ("DELETE", "/v2/test_clocks/x", |id| Route::DeleteTestClock(id)),
            ("POST", "/v2/test_clocks/x/advance", |id| Route::AdvanceTestClock(id)),
            ("POST", "/providers/x/webhook", |id| Route::ProviderEvent(id)),
            ("GET", "/mock-bank/x/1", |_| Route::Page),
        ];
        for (method, path, expected) in named {
            assert_eq!(find(method, path).map(|(_, route)| route), Some(expected("x")), "{method} {path}");
        }
        for (method, path, expected) in [
            ("POST", "/v2/payment_sessions", Route::CreateSession),
            ("GET", "/api/v2/payment_sessions/", Route::Sessions),
            ("POST", "/v2/refunds", Route::CreateRefund),
            ("GET", "/v2/refunds", Route::Refunds),
            ("POST", "/v2/webhooks", Route::RegisterWebhook),
            ("GET", "/v2/webhooks", Route::Webhooks),
            ("GET", "/v2/events", Route::Events),
            ("POST", "/v2/test_clocks", Route::CreateTestClock),
            ("GET", "/v2/providers", Route::Providers),
            ("GET", "/api/v2/providers/", Route::Providers),
            ("POST", "/token", Route::Token),
            ("POST", "/oauth/accesstoken", Route::Token),
            ("POST", "/pis/v2/connect", Route::CreateSession),
            ("POST", "/pis/v2/request-to-pay", Route::CreateSession),
            ("GET", "/pis/v2/payments/", Route::Sessions),
            ("POST", "/pis/v1/refund", Route::CreateRefund),
            ("GET", "/pis/v2/settlements", Route::Settlements),
            ("GET", "/res/v1/providers", Route::Providers),
            ("GET", "/res/v1/testaccounts", Route::TestAccounts),
            ("GET", "/res/v1/application", Route::Application),
            ("GET", "/res/v1/applications", Route::Application),
            ("POST", "/oauth/refreshtoken", Route::RefreshToken),
            ("POST", "/oauth/refresh_token", Route::RefreshToken),
        ] {
            assert_eq!(find(method, path).map(|(_, route)| route), Some(expected), "{method} {path}");
        }
    }

    #[test]
    fn what_is_no_route_means_none() {
        for (method, path) in [
            ("GET", "/v2/payment_sessionsx"),
            ("GET", "/v2/payment_sessions//"),
            ("POST", "/v2/payment_sessions//cancel"),
            ("POST", "/v2/payment_sessions/x/cancel/"),
            ("POST", "/v2/payment_sessions/x/pay"),
            ("POST", "/v2/payment_sessions/x/cancel/y"),
            ("GET", "/v2/payment_sessions/x/events/"),
            ("GET", "/api/v2/payment_sessions/x/events"),
            ("GET", "/v3/payment_sessions"),
            ("GET", "/"),
            ("GET", ""),
            ("GET", "/v2/refunds/"),
            ("GET", "/v2/refundsx"),
            ("GET", "/v2/refunds/x/pay"),
            ("POST", "/v2/refunds/x/cancel/y"),
            ("GET", "/api/v2/refunds"),
            ("POST", "/v2/webhooks/x/finish"),
            ("GET", "/v2/events/x"),
            ("GET", "/v2/test_clocks"),
            ("POST", "/v2/test_clocks/x"),
            ("DELETE", "/v2/test_clocks/x/"),
            ("GET", "/v2/providers/x"),
            ("POST", "/v2/providers"),
            ("GET", "/oauth/token"),
            ("GET", "/oauth/accesstoken"),
            ("POST", "/pis/v1/connect"),
            ("GET", "/pis/v2/settlements/x"),
            ("POST", "/res/v1/providers"),
            ("GET", "/res/v1/providers/x/y"),
            ("GET", "/res/v2/providers"),
            ("GET", "/oauth/refreshtoken"),
            ("PATCH", "/pis/v1/payments/x"),
            ("PATCH", "/pis/v2/payments/x/refunds"),
            ("POST", "/pis/v2/payments/x"),
            ("POST", "/v2/payment_sessions/x"),
        ] {
            assert_eq!(find(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn what_is_not_routed_is_answered_with_what_its_path_takes() {
        let allow = |method: &str, path: &str| {
            let request = Request::default().with_raw_http_path(path);
            let (mut head, body) = request.into_parts();
            head.method = method.parse().unwrap();
            let request = Request::from_parts(head, body);
            other_methods(&request).unwrap_or_else(|| unrouted(&request).to_string())
        };
        assert_eq!(allow("PUT", "/v2/webhooks/x"), "DELETE, GET, HEAD, PATCH");
        assert_eq!(allow("OPTIONS", "/v2/refunds"), "GET, HEAD, POST");
        assert_eq!(allow("POST", "/checkout/x"), "GET, HEAD");
        assert_eq!(allow("PUT", "/checkout/x/payer"), "GET, HEAD, POST");
        assert_eq!(allow("POST", "/checkout/x/receipt"), "GET, HEAD");
        assert_eq!(allow("DELETE", "/checkout/x/"), "GET, HEAD");
        assert_eq!(allow("GET", "/v2/nothing"), Refusal::NotFound.to_string());
    }
}
