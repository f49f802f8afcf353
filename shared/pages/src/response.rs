//! Answers: a page, or the way to another.

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::response::Builder;
use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Response};

use crate::language::Language;
use crate::problem::Problem;

/// What a handler answers with.
pub type Answer = Result<Response<Body>, Problem>;

/// Where a page's forms may lead, redirects included: browsers hold these to the page's policy, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forms {
    /// To our own pages.
    ToUs,
    /// To anybody's: a mock bank leads back to a checkout, and that to the shop.
    ToAnyone,
}

/// Says nothing, and nobody reads it. Chrome's back button shows a page as it was left, `no-store` or not, unless an
/// `HttpOnly` cookie of its site has been set since; then it asks for the page again, which shows the truth.
const FORGET_OLDER_PAGES: &str = "moved=1; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict";

/// Nothing but these style sheets, by their hashes, and pictures that stand in the page or come from us: no script, no frame, no
/// other origin.
fn content_security_policy(styles: &[impl AsRef<str>], forms: Forms) -> String {
    let mut policy = "default-src 'none'; style-src".to_owned();
    for style in styles {
        policy.push_str(&format!(" 'sha256-{}'", BASE64_STANDARD.encode(api::sha256(style.as_ref().as_bytes()))));
    }
    policy.push_str("; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'");
    match forms {
        Forms::ToUs => policy.push_str("; form-action 'self'"),
        Forms::ToAnyone => {}
    }
    policy
}

/// What every answer bears: it is for this payer alone, is out of date at once, and its link is not passed on. Over HTTPS,
/// `api::run` adds `Strict-Transport-Security`.
fn builder(status: StatusCode) -> Builder {
    Response::builder()
        .status(status)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header("x-robots-tag", "noindex")
}

/// A page in this language, with all style sheets that stand in it.
///
/// # Errors
/// It can't be rendered.
pub fn page(
    status: StatusCode,
    language: Language,
    styles: &[impl AsRef<str>],
    forms: Forms,
    template: &impl Template,
) -> Answer {
    rendered(status, language, content_security_policy(styles, forms), template)
}

/// The same with a mail in a frame (`srcdoc`), which browsers hold to the policy of the page around it (HTML, "policy
/// containers"). Mails are laid out by `style` attributes, as all mail programs keep them: they are allowed, too. The styles
/// include the mail's own sheet.
pub(crate) fn page_with_mail(
    status: StatusCode,
    language: Language,
    styles: &[impl AsRef<str>],
    template: &impl Template,
) -> Answer {
    let policy = content_security_policy(styles, Forms::ToUs) + "; style-src-attr 'unsafe-inline'";
    rendered(status, language, policy, template)
}

fn rendered(status: StatusCode, language: Language, policy: String, template: &impl Template) -> Answer {
    let html = template.render().map_err(|error| Problem::Internal(Box::new(error)))?;
    builder(status)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CONTENT_LANGUAGE, language.tag())
        .header(header::VARY, "Accept-Encoding, Accept-Language")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .body(Body::Text(html))
        .map_err(|error| Problem::Internal(Box::new(error)))
}

/// 303: GET what is there, which shows the truth and can be loaded again; or the bank, or the shop.
///
/// # Errors
/// The address can't stand in a header.
pub fn see_other(address: &str) -> Answer {
    builder(StatusCode::SEE_OTHER)
        .header(header::LOCATION, address)
        .header(header::SET_COOKIE, FORGET_OLDER_PAGES)
        .body(Body::Empty)
        .map_err(|error| Problem::Internal(Box::new(error)))
}

/// 308: the page is at `path`, for whatever method the client used, and for good.
///
/// # Errors
/// The path can't stand in a header.
pub(crate) fn permanently_at(path: &str) -> Answer {
    builder(StatusCode::PERMANENT_REDIRECT)
        .header(header::LOCATION, path)
        .body(Body::Empty)
        .map_err(|error| Problem::Internal(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Template)]
    #[template(source = "<p>Hello</p>", ext = "html")]
    struct Hello;

    fn hello(styles: &[&str], forms: Forms) -> Response<Body> {
        page(StatusCode::OK, Language::Welsh, styles, forms, &Hello).unwrap()
    }

    #[test]
    fn what_is_posted_makes_the_back_button_ask_again() {
        let response = see_other("/checkout/7").unwrap();
        assert_eq!(
            (response.status(), &response.headers()["location"]),
            (StatusCode::SEE_OTHER, &"/checkout/7".parse().unwrap())
        );
        assert!(response.headers()["set-cookie"].to_str().unwrap().contains("HttpOnly"));
        assert!(!hello(&[], Forms::ToUs).headers().contains_key("set-cookie"));
    }

    #[test]
    fn every_answer_is_private() {
        for response in [see_other("/checkout/7").unwrap(), hello(&[], Forms::ToUs), permanently_at("/x").unwrap()] {
            let header = |name: &str| response.headers()[name].to_str().unwrap();
            assert_eq!(header("cache-control"), "no-store");
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("x-robots-tag"), "noindex");
        }
    }

    #[test]
    fn a_page_runs_nothing_and_loads_nothing_of_others() {
        // The hashes of the empty text and of `a`, by `openssl dgst -sha256 -binary | base64`.
        let response = hello(&["", "a"], Forms::ToUs);
        assert_eq!(
            response.headers()["content-security-policy"],
            "default-src 'none'; style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' \
             'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='; img-src 'self' data:; frame-ancestors 'none'; \
             base-uri 'none'; form-action 'self'"
        );
        assert_eq!(response.headers()["content-language"], "cy");
        assert_eq!(response.headers()["vary"], "Accept-Encoding, Accept-Language");
        let policy = hello(&[], Forms::ToAnyone).headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(!policy.contains("form-action"), "{policy}");
    }

    #[test]
    fn a_page_with_a_mail_allows_style_attributes_and_nothing_else_more() {
        let styles = ["a"];
        let response = page_with_mail(StatusCode::OK, Language::English, &styles, &Hello).unwrap();
        let [with_mail, ours] = [response, hello(&styles, Forms::ToUs)]
            .map(|response| response.headers()["content-security-policy"].to_str().unwrap().to_owned());
        assert_eq!(with_mail.strip_prefix(&ours), Some("; style-src-attr 'unsafe-inline'"), "{with_mail}");
    }
}
