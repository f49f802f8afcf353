//! What the pages of signing in share: nobody is known on them yet.

use lambda_http::Request;
use lambda_http::http::{HeaderValue, header};
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

/// Leads on to a page, and has the browser keep or forget a cookie.
pub(super) fn lead_on(address: &str, cookie: &str) -> Answer {
    let mut response = see_other(address)?;
    let cookie = HeaderValue::try_from(cookie).map_err(|error| Problem::Internal(Box::new(error)))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
