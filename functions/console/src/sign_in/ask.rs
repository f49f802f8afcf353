//! The page that asks who one is.

use askama::Template;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use pages::{Answer, Shell, see_other};

use super::answer::back_in;
use crate::frame::nobodys;
use crate::services::Services;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sign_in/ask.html")]
struct AskPage<'a> {
    shell: &'a Shell<'a>,
    /// Where they were about to go: a link that they are sent does not know.
    back: &'a str,
}

/// The page that asks who one is; who is signed in already is led on, unless they have to show it once more.
pub(crate) async fn show(services: &Services, request: &Request) -> Answer {
    let back = back_in(request);
    let again = request.uri().query().is_some_and(|query| query.starts_with("again=1"));
    if !again && Visitor::find(services, request).await?.is_some() {
        return see_other(back.as_str());
    }
    let shell = &nobodys();
    shell.page(StatusCode::OK, &AskPage { shell, back: back.as_str() })
}
