//! Who there is, and the form that adds somebody.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{EmailAddress, Role};
use pages::{Answer, Problem, Shell, Zone};
use store::ListedPerson;

use super::path::{path_of, people_path};
use super::role_choice::{RoleChoice, roles, sentence};
use crate::counterfoil;
use crate::frame::Frame;
use crate::fresh::sign_in_again_in_both;
use crate::services::Services;

/// What was typed, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) email: String,
    pub(super) role: Option<Role>,
    /// Each with the id of its field.
    pub(super) errors: Vec<(&'static str, &'static str)>,
}

struct Row {
    path: String,
    email: String,
    is_you: bool,
    role: Role,
    /// What the role may do.
    sentence: &'static str,
    signed_in_at: Option<String>,
}

#[derive(Template)]
#[template(path = "people/list.html")]
struct ListPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    rows: Vec<Row>,
    path: String,
    typed: Typed,
    roles: [RoleChoice; 4],
    command: String,
    /// Where they show once more who they are, if they have to before they add somebody.
    sign_in_again: Option<String>,
}

impl ListPage<'_> {
    fn error(&self, of: &str) -> Option<&'static str> {
        self.typed.errors.iter().find(|(field, _)| *field == of).map(|(_, text)| *text)
    }
}

/// All people.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>) -> Answer {
    page(services, frame, StatusCode::OK, Typed::default()).await
}

/// The same, with a form as it was typed.
pub(super) async fn page(services: &Services, frame: &Frame<'_>, status: StatusCode, typed: Typed) -> Answer {
    let people = services.people.list(&frame.visitor.person.merchant_id).await?;
    let row = |ListedPerson { person, signed_in_at }: ListedPerson| Row {
        path: path_of(frame, &person.email),
        email: person.email.as_str().to_owned(),
        is_you: person.email == frame.visitor.person.email,
        role: person.role,
        sentence: sentence(person.role, frame.texts().people),
        signed_in_at: signed_in_at.map(|at| frame.language.date_and_time(at, Zone::London)),
    };
    // As it was typed, or an example.
    let email = EmailAddress::try_from(typed.email.trim().to_owned());
    let email = email.or_else(|_| EmailAddress::try_from("ada@example.com".to_owned()));
    let email = email.map_err(|error| Problem::Internal(Box::new(error)))?;
    let (merchant_id, role) = (&frame.visitor.person.merchant_id, typed.role.unwrap_or(Role::Look));
    let command = counterfoil::add_person(merchant_id, &email, role);
    let roles = roles(typed.role, frame.texts().people);
    let page = ListPage {
        shell: &frame.shell(),
        frame,
        rows: people.into_iter().map(row).collect(),
        sign_in_again: sign_in_again_in_both(services, frame, &people_path(frame)),
        path: people_path(frame),
        typed,
        roles,
        command,
    };
    frame.page(status, &page)
}
