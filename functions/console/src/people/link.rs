//! A person's sign-in link, shown once.

use askama::Template;
use lambda_http::http::StatusCode;
use models::Person;
use pages::{Answer, Facts, Html, Shell};
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

impl LinkPage<'_> {
    const fn heading(&self) -> &'static str {
        let t = self.frame.texts().people;
        if self.is_new { t.added_heading } else { t.link_heading }
    }

    fn added_text(&self) -> Html {
        self.facts().text("role", self.person.role.as_str()).html(self.frame.texts().people.added_text)
    }

    fn link_for(&self) -> Html {
        self.facts().html(self.frame.texts().people.link_for)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::new(self.frame.language).text("email", self.person.email.as_str())
    }
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
