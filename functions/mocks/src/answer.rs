//! Answers: a page, the way to another page, or what could not be done.

use std::error::Error as StdError;
use std::sync::LazyLock;

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::response::Builder;
use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Response};
use providers::ProviderError;
use store::StoreError;

use crate::house::House;

/// What a handler answers with.
pub(crate) type Answer = Result<Response<Body>, Problem>;

/// What could not be done.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    house: House,
    heading: &'static str,
    text: &'static str,
    /// The checkout, if there is one to go back to.
    checkout: Option<String>,
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
    /// 422: not a decision that the bank knows.
    UnknownDecision,
    /// 503: the table could not be asked.
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

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unreachable(_) => Self::Unavailable(Box::new(error)),
            // The bank's pages offer nothing that it refuses.
            ProviderError::Refused(_) => Self::UnknownDecision,
        }
    }
}

impl Problem {
    /// Status, heading and explanation, for the client.
    const fn shown(&self) -> (StatusCode, &'static str, &'static str) {
        let go_back = "Go back and use the buttons there.";
        match self {
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "There is nothing here", "Go back to where you were asked to pay.")
            }
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "This page can’t be used like that", go_back),
            Self::Malformed => (StatusCode::BAD_REQUEST, "We can’t read this request", go_back),
            Self::NotAForm => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "This was not sent from our page", go_back),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "This form is too long", go_back),
            Self::Unreadable => (StatusCode::BAD_REQUEST, "We can’t read this form", go_back),
            Self::UnknownDecision => (StatusCode::UNPROCESSABLE_ENTITY, "That is not a decision we know", go_back),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "We can’t do this at the moment",
                "Try again in a moment. What you decided first holds, so that nothing is paid twice.",
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                "Go back to see where the payment stands.",
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
            | Self::UnknownDecision => {}
        }
    }

    /// The page that says so, with a link to the checkout if there is one to go back to.
    pub(crate) fn into_page(self, checkout: Option<String>) -> Response<Body> {
        let (status, heading, text) = self.shown();
        let checkout = if matches!(self, Self::NotFound) { None } else { checkout };
        let mut response =
            page(status, &ProblemPage { house: House::ANY, heading, text, checkout }).unwrap_or_default();
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

/// 303: what was posted is done; GET `path`.
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

    #[test]
    fn every_problem_has_its_status_and_tells_nothing_of_the_inside() {
        let cause = || Box::new(std::io::Error::other("the inside"));
        for (problem, status) in [
            (Problem::NotFound, 404),
            (Problem::MethodNotAllowed("GET, HEAD".to_owned()), 405),
            (Problem::Malformed, 400),
            (Problem::NotAForm, 415),
            (Problem::TooLong, 413),
            (Problem::Unreadable, 400),
            (Problem::UnknownDecision, 422),
            (Problem::Unavailable(cause()), 503),
            (Problem::Internal(cause()), 500),
        ] {
            let response = problem.into_page(Some("/checkout/7".to_owned()));
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key("retry-after"), status == 503);
            assert_eq!(response.headers().get("allow").is_some_and(|allow| allow == "GET, HEAD"), status == 405);
            let Body::Text(html) = response.body() else { panic!("no page") };
            assert!(!html.contains("the inside"));
            assert_eq!(html.contains("href=\"/checkout/7\""), status != 404, "{status}");
        }
    }

    #[test]
    fn every_answer_is_private_and_runs_nothing() {
        for response in [see_other("/checkout/7/return").unwrap(), Problem::NotFound.into_page(None)] {
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
        assert!(see_other("/").unwrap().headers()["set-cookie"].to_str().unwrap().contains("HttpOnly"));
    }

    #[test]
    fn the_style_sheet_can_stand_in_a_page() {
        assert!(!STYLE.contains('<') && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }
}
