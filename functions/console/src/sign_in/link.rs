//! A sign-in link: its page uses nothing up, for mail scanners follow links; its form does.

use askama::Template;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{ActKind, ActObject, EmailAddress, MerchantId};
use pages::{Answer, Shell, read_form};
use serde::Deserialize;
use store::{LinkToken, VisitToken};

use super::answer::{back_in, lead_on};
use super::out;
use crate::acts;
use crate::back::Back;
use crate::frame::{language_of, nobodys};
use crate::services::Services;
use crate::texts::{Texts, around, texts};
use crate::visitor::{self, Visitor};

#[derive(Template)]
#[template(path = "sign_in/link.html")]
struct LinkPage<'a> {
    shell: &'a Shell<'a>,
    t: Texts,
    path: &'a str,
    merchant_id: &'a MerchantId,
    email: &'a EmailAddress,
    back: &'a str,
}

#[derive(Template)]
#[template(path = "sign_in/spent.html")]
struct SpentPage<'a> {
    shell: &'a Shell<'a>,
    t: Texts,
}

impl SpentPage<'_> {
    fn text(&self) -> (&'static str, &'static str) {
        around(self.t.sign_in.spent_text, "{link}")
    }
}

#[derive(Deserialize)]
struct UseForm {
    #[serde(default)]
    back: String,
}

/// Asks whether to sign in.
pub(crate) async fn show(services: &Services, token: &str, request: &Request) -> Answer {
    let link = match token.parse::<LinkToken>() {
        Ok(token) => services.visits.find_link(&token, services.clock.now()).await?,
        Err(_) => None,
    };
    let Some(link) = link else { return spent(request) };
    let language = language_of(request);
    let (shell, t) = (&nobodys(language), texts(language));
    let back = link.back.as_deref().map_or_else(|| back_in(request), Back::read);
    let page = LinkPage {
        shell,
        t,
        path: request.uri().path(),
        merchant_id: &link.merchant_id,
        email: &link.email,
        back: back.as_str(),
    };
    shell.page(StatusCode::OK, &page)
}

/// Signs in, and leads on to where the form says. A visit that the browser had goes on no more.
pub(crate) async fn use_up(services: &Services, token: &str, request: &Request) -> Answer {
    let UseForm { back } = read_form(request)?;
    let Ok(token) = token.parse::<LinkToken>() else { return spent(request) };
    let cookie = VisitToken::new(&services.random);
    let now = services.clock.now();
    let Some(link) = services.visits.find_link(&token, now).await? else { return spent(request) };
    let person = ActObject::Person(link.email.clone());
    let act = acts::by(services, &link.merchant_id, &link.email, ActKind::SignedIn, person);
    let act = services.acts.write(&act)?;
    // The browser forgets the cookie of its visit before, which nobody could end any more. First, for it can be done again.
    if let Some(earlier) = Visitor::find(services, request).await? {
        out::end(services, request, &earlier).await?;
    }
    let Some(visit) = services.visits.begin(&token, &link, &cookie, now, Some(&act)).await? else {
        return spent(request);
    };
    tracing::info!(merchant_id = %visit.person.merchant_id, role = visit.person.role.as_str(), "signed in");
    lead_on(Back::read(&back).as_str(), &visitor::kept(&cookie))
}

/// Used, expired or never made: the same for all, so that nobody learns which.
fn spent(request: &Request) -> Answer {
    let language = language_of(request);
    let (shell, t) = (&nobodys(language), texts(language));
    shell.page(StatusCode::GONE, &SpentPage { shell, t })
}
