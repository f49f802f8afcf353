//! Adding a person.

use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{ActChange, ActKind, EmailAddress, Person, Role};
use pages::{Answer, read_form, see_other};
use serde::Deserialize;
use store::PeopleChanged;

use super::link::show_link;
use super::list::{Typed, page};
use super::path::people_path;
use crate::acts;
use crate::frame::Frame;
use crate::fresh::sign_in_again_in_both;
use crate::services::Services;

#[derive(Deserialize)]
struct AddForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
}

/// Adds them, and shows the link by which they sign in.
pub(crate) async fn add(services: &Services, frame: &Frame<'_>, request: &Request, base_url: &str) -> Answer {
    // Who gives somebody a role or a link could else sign in as them, and would seem to have shown who they are.
    if let Some(sign_in_again) = sign_in_again_in_both(services, frame, &people_path(frame)) {
        return see_other(&sign_in_again);
    }
    let AddForm { email, role } = read_form(request)?;
    let t = frame.texts().people;
    let read = EmailAddress::try_from(email.trim().to_owned()).ok();
    let chosen = role.parse::<Role>().ok();
    let mut typed = Typed { email, role: chosen, errors: Vec::new() };
    let (Some(email), Some(role)) = (read.clone(), chosen) else {
        typed.errors.extend(read.is_none().then_some(("email", t.email_wrong)));
        typed.errors.extend(chosen.is_none().then_some(("role-look", t.role_missing)));
        return page(services, frame, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
    };
    let now = services.clock.now();
    let merchant_id = frame.visitor.person.merchant_id.clone();
    let new = Person { merchant_id, email, role, added_at: now, visits_from: now };
    let mut act = acts::by_visitor(services, frame.visitor, ActKind::PersonAdded, &new.email);
    act.change = Some(ActChange { from: String::new(), to: role.as_str().to_owned() });
    let error = match services.people.add(&new, Some(&services.acts.write(&act)?)).await? {
        PeopleChanged::Done(_) => None,
        PeopleChanged::TooMany => Some((t.too_many, "too_many_people")),
        PeopleChanged::Same(_) | PeopleChanged::Meanwhile(_) | PeopleChanged::NotFound | PeopleChanged::LastOwner => {
            Some((t.there_already, "there_already"))
        }
    };
    if let Some((text, code)) = error {
        services.acts.put(&acts::refused(act, code)).await?;
        typed.errors.push(("email", text));
        return page(services, frame, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
    }
    tracing::info!(merchant_id = %new.merchant_id, role = role.as_str(), "person added");
    show_link(services, frame, &new, base_url, true).await
}
