//! What the bank's pages can't do, and the page that says so.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use pages::{Language, Problem, ProblemTexts};
use providers::ProviderError;

use crate::house::{House, page};

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

/// 422: not a decision that the bank knows.
pub(crate) fn unknown_decision() -> Problem {
    Problem::Refused(StatusCode::UNPROCESSABLE_ENTITY, |_| ProblemTexts {
        heading: "That is not a decision we know",
        text: "Go back and use the buttons there.",
    })
}

/// What the bank says of a decision.
pub(crate) fn of_bank(error: ProviderError) -> Problem {
    match error {
        ProviderError::Unreachable(_) => Problem::Unavailable(Box::new(error)),
        // The bank's pages offer nothing that it refuses.
        ProviderError::Refused(_) => unknown_decision(),
    }
}

/// The page about a problem, with a link to the checkout if there is one to go back to.
pub(crate) fn problem_page(problem: &Problem, checkout: Option<String>) -> Response<Body> {
    let ProblemTexts { heading, text } = problem.texts(Language::English);
    let checkout = checkout.filter(|_| !matches!(problem, Problem::NotFound));
    let template = ProblemPage { house: House::ANY, heading, text, checkout };
    problem.answered(page(problem.status(), &template).unwrap_or_default())
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
            (unknown_decision(), 422),
            (of_bank(ProviderError::Unreachable(cause())), 503),
            (Problem::Unavailable(cause()), 503),
            (Problem::Internal(cause()), 500),
        ] {
            let response = problem_page(&problem, Some("/checkout/7".to_owned()));
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key("retry-after"), status == 503);
            assert_eq!(response.headers().get("allow").is_some_and(|allow| allow == "GET, HEAD"), status == 405);
            let Body::Text(html) = response.body() else { panic!("no page") };
            assert!(html.contains("<h1") && !html.contains("the inside"), "{html}");
            assert_eq!(html.contains("href=\"/checkout/7\""), status != 404, "{status}");
        }
    }

    #[test]
    fn a_page_about_a_problem_is_one_of_the_banks() {
        let response = problem_page(&Problem::NotFound, None);
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(header("content-language"), "en-GB");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
        let Body::Text(html) = response.body() else { panic!("no page") };
        assert_eq!(html.matches("<style>").count(), policy.matches("'sha256-").count(), "{policy}");
        assert!(html.contains("Not a real bank"), "{html}");
    }
}
