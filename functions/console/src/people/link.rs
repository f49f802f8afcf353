//! A person's sign-in link, shown once.

use askama::Template;
use lambda_http::http::StatusCode;
use models::Person;
use pages::{Answer, Shell};
use store::LinkToken;

use super::path::path_of;
use crate::frame::Frame;
use crate::services::Services;

#[derive(Template)]
#[template(path = "people/link.html")]
struct LinkPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    person: &'a Person,
    is_new: bool,
    path: String,
    /// A secret.
    link: String,
}

/// Makes a link for a person, who may have been added just now, and shows it.
pub(super) async fn show_link(
    services: &Services,
    frame: &Frame<'_>,
    person: &Person,
    base_url: &str,
    is_new: bool,
) -> Answer {
    let token = LinkToken::new(&services.random);
    services.visits.make_link(&token, &person.merchant_id, &person.email, services.clock.now()).await?;
    let page = LinkPage {
        shell: &frame.shell(),
        frame,
        person,
        is_new,
        path: path_of(frame, &person.email),
        link: format!("{base_url}/console/sign-in/{}", token.as_str()),
    };
    frame.page(StatusCode::OK, &page)
}
