//! One person: their role, their visits, and how they are removed.

use askama::Template;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{ActChange, ActKind, EmailAddress, Person, Role};
use pages::{Answer, Facts, Html, Problem, Shell, Zone, read_form, see_other};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use store::{LinkAsked, PeopleChanged, StoreError};

use super::link::show_link;
use super::path::{path_of, people_path};
use super::role_choice::{RoleChoice, roles};
use crate::acts;
use crate::counterfoil;
use crate::frame::Frame;
use crate::fresh::sign_in_again_in_both;
use crate::services::Services;
use crate::texts::around;

/// Which button was pressed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Role,
    Link,
    SignOut,
    Remove,
}

#[derive(Deserialize)]
struct ChangeForm {
    change: Change,
    /// The role to be given.
    #[serde(default)]
    role: String,
    /// The role that they had when the page was shown.
    #[serde(default)]
    seen: String,
}

#[derive(Template)]
#[template(path = "people/person.html")]
struct PersonPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    person: &'a Person,
    is_you: bool,
    added_at: String,
    roles: [RoleChoice; 4],
    /// What was not done, and why.
    problem: Option<&'static str>,
    command: String,
    /// Where they show once more who they are, if they have to before they change the role or make a link.
    sign_in_again: Option<String>,
}

impl PersonPage<'_> {
    fn own_link(&self) -> (&'static str, &'static str) {
        around(self.frame.texts().people.own_link, "{command}")
    }

    fn remove_button(&self) -> Html {
        let facts = Facts::new(self.frame.language).text("email", self.person.email.as_str());
        facts.html(self.frame.texts().people.remove_button)
    }
}

/// Their page.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, segment: &str) -> Answer {
    let person = find(services, frame, segment).await?;
    page(services, frame, StatusCode::OK, &person, None)
}

/// Does what the form says.
pub(crate) async fn change(
    services: &Services,
    frame: &Frame<'_>,
    segment: &str,
    request: &Request,
    base_url: &str,
) -> Answer {
    let ChangeForm { change, role, seen } = read_form(request)?;
    let t = frame.texts().people;
    let person = find(services, frame, segment).await?;
    let (merchant_id, email) = (&person.merchant_id, &person.email);
    if matches!(change, Change::Role | Change::Link)
        && let Some(sign_in_again) = sign_in_again_in_both(services, frame, &path_of(frame, email))
    {
        return see_other(&sign_in_again);
    }
    let act = |what| acts::by_visitor(services, frame.visitor, what, email);
    let (act, changed, done) = match change {
        Change::Role => {
            let (Ok(role), Ok(seen)) = (role.parse::<Role>(), seen.parse::<Role>()) else {
                return Err(Problem::Unreadable);
            };
            let mut act = act(ActKind::RoleChanged);
            act.change = Some(ActChange { from: seen.as_str().to_owned(), to: role.as_str().to_owned() });
            let write = services.acts.write(&act)?;
            let changed = services.people.change_role(merchant_id, email, seen, role, Some(&write)).await?;
            (act, changed, path_of(frame, email))
        }
        Change::Remove => {
            let act = act(ActKind::PersonRemoved);
            let changed = services.people.remove(merchant_id, email, Some(&services.acts.write(&act)?)).await?;
            (act, changed, people_path(frame))
        }
        Change::Link => {
            let (act, now) = (act(ActKind::SignInLinkMade), services.clock.now());
            // Somebody who took over a browser would seem to have signed in just now.
            if *email == frame.visitor.person.email {
                services.acts.put(&acts::refused(act, "own_link")).await?;
                return page(services, frame, StatusCode::CONFLICT, &person, Some(t.own_link_refused));
            }
            return match services.people.ask_link(merchant_id, email, now).await? {
                LinkAsked::Granted => {
                    // First the act: who has the link can act as the person.
                    services.acts.put(&act).await?;
                    show_link(services, frame, &person, base_url, false).await
                }
                LinkAsked::TooMany => {
                    services.acts.put(&acts::refused(act, "too_many_links")).await?;
                    page(services, frame, StatusCode::TOO_MANY_REQUESTS, &person, Some(t.too_many_links))
                }
                LinkAsked::NotFound => Err(Problem::NotFound),
            };
        }
        Change::SignOut => {
            let act = act(ActKind::SignedOut);
            let write = services.acts.write(&act)?;
            return match services.people.end_visits(merchant_id, email, services.clock.now(), Some(&write)).await {
                Ok(true) => see_other(&path_of(frame, email)),
                Ok(false) => Err(Problem::NotFound),
                Err(StoreError::Conflict { .. }) => {
                    services.acts.put(&acts::refused(act, "changed_meanwhile")).await?;
                    page(services, frame, StatusCode::CONFLICT, &person, Some(t.not_ended))
                }
                Err(error) => Err(error.into()),
            };
        }
    };
    let (code, problem) = match changed {
        PeopleChanged::Done(_) => {
            tracing::info!(%merchant_id, ?change, "person changed");
            return see_other(&done);
        }
        PeopleChanged::Same(_) | PeopleChanged::TooMany => return see_other(&done),
        PeopleChanged::LastOwner => ("last_owner", t.last_owner),
        PeopleChanged::Meanwhile(_) => ("changed_meanwhile", t.meanwhile),
        PeopleChanged::NotFound => return Err(Problem::NotFound),
    };
    services.acts.put(&acts::refused(act, code)).await?;
    let person = find(services, frame, segment).await?;
    page(services, frame, StatusCode::CONFLICT, &person, Some(problem))
}

async fn find(services: &Services, frame: &Frame<'_>, segment: &str) -> Result<Person, Problem> {
    let email = percent_decode_str(segment).decode_utf8().map_err(|_| Problem::NotFound)?;
    let email = EmailAddress::try_from(email.into_owned()).map_err(|_| Problem::NotFound)?;
    services.people.get(&frame.visitor.person.merchant_id, &email).await?.ok_or(Problem::NotFound)
}

fn page(
    services: &Services,
    frame: &Frame<'_>,
    status: StatusCode,
    person: &Person,
    problem: Option<&'static str>,
) -> Answer {
    let page = PersonPage {
        shell: &frame.shell(),
        frame,
        sign_in_again: sign_in_again_in_both(services, frame, &path_of(frame, &person.email)),
        path: path_of(frame, &person.email),
        person,
        is_you: person.email == frame.visitor.person.email,
        added_at: frame.language.date_and_time(person.added_at, Zone::London),
        roles: roles(Some(person.role), frame.texts().people),
        problem,
        command: counterfoil::of_person(person),
    };
    frame.page(status, &page)
}
