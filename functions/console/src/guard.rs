//! Whether a form was sent by a page of ours, at the bidding of who is signed in.

use aws_lc_rs::constant_time;
use lambda_http::Request;
use lambda_http::http::{StatusCode, header};
use pages::{Problem, ProblemTexts, read_form};
use serde::Deserialize;

use crate::texts::texts;
use crate::visitor::Csrf;

/// What each of our forms bears.
#[derive(Deserialize)]
struct Guarded {
    #[serde(default)]
    csrf: String,
}

/// That a form comes from a page of this origin: browsers say so with every POST (Fetch, "Origin header").
///
/// # Errors
/// 403 if it does not, or does not say.
pub(crate) fn check_origin(request: &Request, base_url: &str) -> Result<(), Problem> {
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) if origin.as_bytes() == base_url.as_bytes() => Ok(()),
        (Some(_) | None, _) => Err(not_ours()),
    }
}

/// That a form bears what the pages of this visit do.
///
/// # Errors
/// 403 if it does not; or it can't be read.
pub(crate) fn check_form(request: &Request, csrf: &Csrf) -> Result<(), Problem> {
    let form: Guarded = read_form(request)?;
    let Csrf(expected) = csrf;
    let is_ours = constant_time::verify_slices_are_equal(form.csrf.as_bytes(), expected.as_bytes()).is_ok();
    if is_ours { Ok(()) } else { Err(not_ours()) }
}

fn not_ours() -> Problem {
    Problem::Refused(StatusCode::FORBIDDEN, |language| {
        let t = texts(language).frame;
        ProblemTexts { heading: t.not_our_form_heading, text: t.not_our_form_text }
    })
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn form(origins: &[&str], body: &str) -> Request {
        let mut request = lambda_http::http::Request::builder()
            .method("POST")
            .header("content-type", "application/x-www-form-urlencoded");
        for origin in origins {
            request = request.header("origin", *origin);
        }
        request.body(Body::from(body)).unwrap()
    }

    #[test]
    fn only_this_origin_sends_forms() {
        let ours = "https://pay.example.com";
        assert!(check_origin(&form(&[ours], ""), ours).is_ok());
        for origins in [
            &[][..],
            &["null"],
            &[""],
            &["http://pay.example.com"],
            &["https://pay.example.com.evil.example"],
            &["https://evil.example"],
            &[ours, ours],
            &["https://pay.example.com:443"],
        ] {
            let problem = check_origin(&form(origins, ""), ours).unwrap_err();
            assert_eq!(problem.status(), StatusCode::FORBIDDEN, "{origins:?}");
        }
    }

    #[test]
    fn only_forms_of_this_visit_are_read() {
        let csrf = Csrf("abc".to_owned());
        assert!(check_form(&form(&[], "a=1&csrf=abc"), &csrf).is_ok());
        for body in ["a=1", "csrf=", "csrf=abd", "csrf=abcd", "csrf=ABC"] {
            assert_eq!(check_form(&form(&[], body), &csrf).unwrap_err().status(), StatusCode::FORBIDDEN, "{body}");
        }
        assert!(check_form(&form(&[], "csrf=abc&csrf=abc"), &csrf).is_err());
    }
}
