//! Answers: a page, the way to another page, or what could not be done.

use std::error::Error as StdError;
use std::sync::LazyLock;

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::response::Builder;
use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Response};
use models::MAX_ATTEMPTS;
use payments::{BeginError, PaymentError};
use providers::ProviderError;
use store::StoreError;

use crate::paths::Back;

/// What a handler answers with.
pub(crate) type Answer = Result<Response<Body>, Problem>;

/// What could not be done.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    heading: &'static str,
    text: String,
    back: Option<Back>,
}

/// Why a request is not done. The causes of the last two go to the log alone.
#[derive(Debug)]
pub(crate) enum Problem {
    /// 404: there is no such page, and no more is said.
    NotFound,
    /// 405: the page is there, and accepts these methods.
    MethodNotAllowed(String),
    /// 400: the request can't be read.
    Malformed,
    /// 415: the body is not a form.
    NotAForm,
    /// 413: the form is too long.
    TooLong,
    /// 400: a field is missing or can't be read; our own pages don't send such forms.
    Unreadable,
    /// 422: not a bank that this payment can be made with.
    UnknownBank,
    /// 409: a bank that can't be used now.
    BankDown,
    /// 409: no further attempt.
    TooManyAttempts,
    /// 503: the table or the bank could not be asked.
    Unavailable(Box<dyn StdError + Send + Sync>),
    /// 500: our fault.
    Internal(Box<dyn StdError + Send + Sync>),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::Conflict { .. } => Self::Unavailable(Box::new(error)),
            StoreError::Disagreement { .. } | StoreError::Unreadable { .. } | StoreError::Unwritable(_) => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Provider(error) => Self::Unavailable(Box::new(error)),
            PaymentError::Store(error) => error.into(),
            PaymentError::Inconsistent(_) => Self::Internal(Box::new(error)),
        }
    }
}

impl From<BeginError> for Problem {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::UnknownProvider => Self::UnknownBank,
            BeginError::NotFound => Self::NotFound,
            BeginError::Payment(PaymentError::Provider(ProviderError::Refused(_))) => Self::BankDown,
            BeginError::Payment(error) => error.into(),
        }
    }
}

impl Problem {
    /// Status, heading and explanation, for the client.
    fn shown(&self) -> (StatusCode, &'static str, String) {
        let text = |text: &str| text.to_owned();
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                text("Check the link, or ask the merchant who sent it for a new one."),
            ),
            Self::MethodNotAllowed(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "This page can’t be used like that",
                text("Open the link again, and use the buttons there."),
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "We can’t read this request",
                text("Open the link again, as it was sent to you."),
            ),
            Self::NotAForm => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This was not sent from our page",
                text("Go back and use the buttons there."),
            ),
            Self::TooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "That is more than we can take",
                text("Go back and enter something shorter."),
            ),
            Self::Unreadable => {
                (StatusCode::BAD_REQUEST, "This was not sent from our page", text("Go back and use the buttons there."))
            }
            Self::UnknownBank => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "This bank can’t be used for the payment",
                text("Go back and choose one of the banks there."),
            ),
            Self::BankDown => (
                StatusCode::CONFLICT,
                "This bank can’t be used at the moment",
                text("Go back and choose another. Nothing was paid."),
            ),
            Self::TooManyAttempts => (
                StatusCode::CONFLICT,
                "No other bank can be chosen",
                format!(
                    "A bank has been chosen {MAX_ATTEMPTS} times, which is the most for one payment. Go back to continue at the last one, or to cancel."
                ),
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "We can’t do this at the moment",
                text("Try again in a moment; nothing was paid twice."),
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                text("Nothing was paid twice. Go back to see where it stands."),
            ),
        }
    }

    /// Writes its cause to the log, once and with ids only.
    pub(crate) fn log(&self, request_id: &str) {
        let whole = |error: &(dyn StdError + Send + Sync)| match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        match self {
            Self::Unavailable(error) => {
                tracing::error!(request_id, cause = whole(error.as_ref()), "the request could not be done");
            }
            Self::Internal(error) => tracing::error!(request_id, cause = whole(error.as_ref()), "the request failed"),
            Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::Malformed
            | Self::NotAForm
            | Self::TooLong
            | Self::Unreadable
            | Self::UnknownBank
            | Self::BankDown
            | Self::TooManyAttempts => {}
        }
    }

    /// The page that says so, with a link to `back` if there is anything to go back to.
    pub(crate) fn into_page(self, back: Option<Back>) -> Response<Body> {
        let (status, heading, text) = self.shown();
        let back = if matches!(self, Self::NotFound) { None } else { back };
        let mut response = page(status, &ProblemPage { heading, text, back }).unwrap_or_default();
        *response.status_mut() = status;
        if matches!(self, Self::Unavailable(_)) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("2"));
        }
        if let Self::MethodNotAllowed(methods) = self
            && let Ok(methods) = methods.try_into()
        {
            response.headers_mut().insert(header::ALLOW, methods);
        }
        response
    }
}

/// The style sheet of every page. It stands in the page; the policy knows it by its hash.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

/// Nothing but our own style sheet, by its hash: no script, no image, no frame, no other origin.
static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let sha256 = BASE64_STANDARD.encode(api::sha256(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{sha256}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// Says nothing, and nobody reads it. Chrome's back button shows a page as it was left, `no-store` or not, unless an
/// `HttpOnly` cookie of its site has been set since; then it asks for the page again, which shows the truth.
const FORGET_OLDER_PAGES: &str = "moved=1; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict";

/// What every answer bears: it is for this payer alone, is out of date at once, and its link is not passed on.
fn builder(status: StatusCode) -> Builder {
    Response::builder()
        .status(status)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header("x-robots-tag", "noindex")
        .header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.as_str())
}

/// A page.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render().map_err(|error| Problem::Internal(Box::new(error)))?;
    builder(status)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .body(Body::Text(html))
        .map_err(|error| Problem::Internal(Box::new(error)))
}

/// 303: GET what is there, which shows the truth and can be loaded again; or the bank.
pub(crate) fn see_other(path: &str) -> Answer {
    builder(StatusCode::SEE_OTHER)
        .header(header::LOCATION, path)
        .header(header::SET_COOKIE, FORGET_OLDER_PAGES)
        .body(Body::Empty)
        .map_err(|error| Problem::Internal(Box::new(error)))
}

/// 308: the page is at `path`, for whatever method the client used, and for good.
pub(crate) fn permanently_at(path: &str) -> Answer {
    builder(StatusCode::PERMANENT_REDIRECT)
        .header(header::LOCATION, path)
        .body(Body::Empty)
        .map_err(|error| Problem::Internal(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Problem; 11] {
        let cause = || Box::new(std::io::Error::other("the inside"));
        [
            Problem::NotFound,
            Problem::MethodNotAllowed("GET, HEAD".to_owned()),
            Problem::Malformed,
            Problem::NotAForm,
            Problem::TooLong,
            Problem::Unreadable,
            Problem::UnknownBank,
            Problem::BankDown,
            Problem::TooManyAttempts,
            Problem::Unavailable(cause()),
            Problem::Internal(cause()),
        ]
    }

    #[test]
    fn every_problem_has_its_status_and_tells_nothing_of_the_inside() {
        let expected = [404, 405, 400, 415, 413, 400, 422, 409, 409, 503, 500];
        for (problem, status) in all().into_iter().zip(expected) {
            let back = Back { path: "/checkout/7".to_owned(), label: "Back to the payment" };
            let response = problem.into_page(Some(back));
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key("retry-after"), status == 503);
            assert_eq!(response.headers().get("allow").is_some_and(|allow| allow == "GET, HEAD"), status == 405);
            let Body::Text(html) = response.body() else { panic!("no page") };
            assert!(!html.contains("the inside"));
            assert_eq!(html.contains("href=\"/checkout/7\""), status != 404, "{status}");
        }
    }

    #[test]
    fn what_is_posted_makes_the_back_button_ask_again() {
        let response = see_other("/checkout/7").unwrap();
        assert_eq!(
            (response.status(), &response.headers()["location"]),
            (StatusCode::SEE_OTHER, &"/checkout/7".parse().unwrap())
        );
        assert!(response.headers()["set-cookie"].to_str().unwrap().contains("HttpOnly"));
        assert!(!Problem::NotFound.into_page(None).headers().contains_key("set-cookie"));
    }

    #[test]
    fn every_answer_is_private_and_runs_nothing() {
        for response in [see_other("/checkout/7").unwrap(), Problem::NotFound.into_page(None)] {
            let header = |name: &str| response.headers()[name].to_str().unwrap();
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("x-robots-tag"), "noindex");
            let policy = header("content-security-policy");
            assert!(
                policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
                "{policy}"
            );
        }
    }

    #[test]
    fn the_style_sheet_can_stand_in_a_page() {
        assert!(!STYLE.contains('<') && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
