//! What the pages of signing in share: nobody is known on them yet.

use lambda_http::http::{HeaderValue, header};
use lambda_http::{Body, Request, Response};
use pages::{Answer, Problem, see_other};
use serde::Deserialize;

use crate::back::Back;

/// Where a request's address says that a person goes on.
pub(super) fn back_in(request: &Request) -> Back {
    #[derive(Deserialize)]
    struct Query {
        #[serde(default)]
        back: String,
    }
    let query = request.uri().query().unwrap_or("");
    let back = serde_urlencoded::from_str::<Query>(query).map(|query| query.back);
    Back::read(&back.unwrap_or_default())
}

/// Whether a request's address says that a person who is signed in has to show once more who they are.
pub(super) fn asks_again(request: &Request) -> bool {
    request.uri().query().unwrap_or("").starts_with("again=1")
}

/// Leads on to a page, and has the browser keep or forget a cookie.
pub(super) fn lead_on(address: &str, cookie: &str) -> Answer {
    with_cookie(see_other(address)?, cookie)
}

/// The same answer, which has the browser keep or forget a cookie.
pub(super) fn with_cookie(mut answer: Response<Body>, cookie: &str) -> Answer {
    let cookie = HeaderValue::try_from(cookie).map_err(|error| Problem::Internal(Box::new(error)))?;
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(answer)
}
