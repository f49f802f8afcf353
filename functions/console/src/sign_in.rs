//! Signing in by a link, and signing out.

mod link;
mod out;

pub(crate) use link::{show as show_link, use_up as use_link};
pub(crate) use out::sign_out;

use askama::Template;
use lambda_http::Request;
use lambda_http::http::{HeaderValue, StatusCode, header};
use pages::{Answer, CONSOLE_STYLE, Language, Problem, Shell, see_other};

use crate::back::Back;
use crate::services::Services;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sign_in/ask.html")]
struct AskPage<'a> {
    shell: &'a Shell<'a>,
}

/// The page that asks who one is; who is signed in already is led on.
pub(crate) async fn show(services: &Services, request: &Request, language: Language) -> Answer {
    if Visitor::find(services, request).await?.is_some() {
        return see_other(back_in(request).as_str());
    }
    let shell = &nobodys(language);
    shell.page(StatusCode::OK, &AskPage { shell })
}

/// A page of nobody's yet.
const fn nobodys(language: Language) -> Shell<'static> {
    Shell { more_style: CONSOLE_STYLE, ..Shell::nobodys(language) }
}

/// Where a request's address says that a person goes on.
fn back_in(request: &Request) -> Back {
    #[derive(serde::Deserialize)]
    struct Query {
        #[serde(default)]
        back: String,
    }
    let query = request.uri().query().unwrap_or("");
    let back = serde_urlencoded::from_str::<Query>(query).map(|query| query.back);
    Back::read(&back.unwrap_or_default())
}

/// Leads on to a page, and has the browser keep or forget a cookie.
fn lead_on(address: &str, cookie: &str) -> Answer {
    let mut response = see_other(address)?;
    let cookie = HeaderValue::try_from(cookie).map_err(|error| Problem::Internal(Box::new(error)))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
