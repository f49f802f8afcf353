//! Personal data: masked, until somebody who may has asked for it, which is put down first.

use jiff::SignedDuration;
use models::{ActKey, ActKind, ActObject, ActOutcome, Actor, Permission, SessionId};
use pages::{Answer, Problem, see_other};

use crate::acts;
use crate::frame::Frame;
use crate::paths::payment_path;
use crate::services::Services;

/// For how long it is shown: as long as it takes to serve a payer, so that a link that is kept shows nothing later.
const SHOWN_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Whether personal data is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Personal {
    Masked,
    Shown,
}

/// Puts down that this person asks for the personal data of a payment, and leads to the page that shows it. Whether they may was
/// asked.
pub(crate) async fn ask_for_personal_data(services: &Services, frame: &Frame<'_>, session_id: SessionId) -> Answer {
    frame.visitor.session(services, frame.mode, session_id).await?.ok_or(Problem::NotFound)?;
    let act = acts::on_page(services, frame, ActKind::PersonalDataShown, ActObject::Session(session_id));
    services.acts.put(&act).await?;
    see_other(&format!("{}?shown={}#personal", payment_path(frame.mode, session_id), act.id))
}

/// Whether a page of a payment shows its personal data: its address names an act by which this person, who may still, asked for
/// that a short while ago.
///
/// # Errors
/// The address asks for something that there is not; the table failed us.
pub(super) async fn personal(
    services: &Services,
    frame: &Frame<'_>,
    session_id: &SessionId,
    query: &str,
) -> Result<Personal, Problem> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|_| Problem::Malformed)?;
    let shown = match pairs.as_slice() {
        [] => return Ok(Personal::Masked),
        [(name, shown)] if name == "shown" => shown,
        [..] => return Err(Problem::Malformed),
    };
    let visitor = frame.visitor;
    let key = shown.parse().ok().and_then(ActKey::of);
    let Some(key) = key.filter(|_| visitor.may(Permission::SeePersonalData)) else { return Ok(Personal::Masked) };
    let Some(act) = services.acts.get(&visitor.person.merchant_id, &key).await? else { return Ok(Personal::Masked) };
    let age = services.clock.now().duration_since(act.at);
    let is_theirs = act.who == Actor::Person(visitor.person.email.clone()) && act.mode == Some(frame.mode);
    let is_of_this = act.what == ActKind::PersonalDataShown && act.object == ActObject::Session(*session_id);
    let is_shown = is_theirs && is_of_this && act.outcome == ActOutcome::Done && age <= SHOWN_FOR;
    Ok(if is_shown { Personal::Shown } else { Personal::Masked })
}
