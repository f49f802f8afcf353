//! Payment links: a form, a page that says in words what will be asked for, and then the session is made; once, however often the
//! form is sent. Its link is shown with a code, and mailed if that was asked for.

mod form;
mod page;

use api::Format;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{
    Act, ActChange, ActKind, ActObject, Creation, EndToEndId, Merchant, Session, SessionId, WireFormat, WriteId,
};
use pages::{Answer, Facts, Problem, read_form, see_other};
use store::Created;

use self::form::{Asked, Errors, LinkForm, Target, targets};
use self::page::{CheckPage, FormPage, Impossible, ImpossiblePage, LinkPage, MadeBefore};
use crate::acts::{self, refused};
use crate::frame::Frame;
use crate::paths::{link_path, payment_path};
use crate::refusal::{RefusalPage, state_in_words};
use crate::services::Services;
use crate::step::Step;

/// The form, as nobody has typed in it yet.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>) -> Answer {
    let merchant = frame.visitor.merchant(services).await?;
    match possible(services, frame, &merchant) {
        Ok(targets) => {
            let form = LinkForm::new(&targets, services.random.write_id());
            form_page(frame, StatusCode::OK, &targets, &form, Errors::default(), None)
        }
        Err(why) => frame.page(StatusCode::OK, &ImpossiblePage::new(frame, why, &merchant)),
    }
}

/// One step of the form. The last alone makes anything.
pub(crate) async fn submit(services: &Services, frame: &Frame<'_>, request: &Request, base_url: &str) -> Answer {
    let form: LinkForm = read_form(request)?;
    let merchant = frame.visitor.merchant(services).await?;
    let targets = match possible(services, frame, &merchant) {
        Ok(targets) => targets,
        Err(why) => return frame.page(StatusCode::CONFLICT, &ImpossiblePage::new(frame, why, &merchant)),
    };
    match (form.step, form.check(&targets, frame.language)) {
        (Step::Edit, _) => form_page(frame, StatusCode::OK, &targets, &form, Errors::default(), None),
        (Step::Check | Step::Confirm, Err(wrong)) => {
            form_page(frame, StatusCode::UNPROCESSABLE_ENTITY, &targets, &form, *wrong, None)
        }
        (Step::Check, Ok(asked)) => {
            frame.page(StatusCode::OK, &CheckPage::new(frame, &form, &asked, services.clock.now()))
        }
        (Step::Confirm, Ok(asked)) => {
            let (session, act) = session_and_act(services, frame, &merchant, &form.token, &asked, base_url);
            let id = session.id;
            let fingerprint = asked.fingerprint(&merchant.idempotency_salt);
            let write = services.acts.write(&act)?;
            let is_deleted = match services.sessions.create_by_person(session, fingerprint, &write).await? {
                Created::New(_) => {
                    tracing::info!(request_id = api::request_id(request), session_id = %id, act_id = %act.id, "payment link made");
                    return see_other(&link_path(frame.mode, id));
                }
                // The same form made it.
                Created::Existing(_, first) if first == Some(fingerprint) => {
                    return see_other(&link_path(frame.mode, id));
                }
                Created::Existing(..) => false,
                Created::Deleted | Created::NotOnClock(_) => true,
            };
            services.acts.put(&Act { change: None, ..refused(act, "made_before") }).await?;
            tracing::info!(request_id = api::request_id(request), session_id = %id, "payment link refused");
            // What is typed can be sent as a form of its own.
            let form = LinkForm { token: services.random.write_id(), ..form };
            let made = if is_deleted { MadeBefore::Deleted } else { MadeBefore::At(payment_path(frame.mode, id)) };
            form_page(frame, StatusCode::CONFLICT, &targets, &form, Errors::default(), Some(made))
        }
    }
}

/// The link by which a payment can be paid.
pub(crate) async fn show_link(services: &Services, frame: &Frame<'_>, id: SessionId) -> Answer {
    let session = frame.visitor.session(services, frame.mode, id).await?.ok_or(Problem::NotFound)?;
    // By that one money goes out: the refund has its link.
    if let Some(paid) = session.pays_refund {
        return see_other(&format!("{}#refunds", payment_path(frame.mode, paid.session_id)));
    }
    let state = session.state_at(services.clock.now());
    if state.is_awaiting() {
        frame.page(StatusCode::OK, &LinkPage::new(frame, &session))
    } else {
        let (t, state) = (frame.texts().links, state_in_words(state, frame.language));
        let text = Facts::new(frame.language).text("state", state).plain(t.closed_text);
        frame.page(StatusCode::OK, &RefusalPage::new(frame, t.closed_heading, text, None, payment_path(frame.mode, id)))
    }
}

/// Where a link's money may go; or why there can't be a link.
fn possible<'a>(services: &Services, frame: &Frame<'_>, merchant: &'a Merchant) -> Result<Vec<Target<'a>>, Impossible> {
    if !providers::can_pay(frame.mode, services.settings.connections.has_live()) {
        return Err(Impossible::NoBank);
    }
    // In which links are made: the house format.
    let format = WireFormat::default();
    if !Format::of_stored(format).is_ok_and(|format| services.settings.formats.check(format).is_ok()) {
        return Err(Impossible::FormatOff(format));
    }
    let accounts = merchant.payable_accounts(frame.mode, services.clock.now());
    let targets = targets(accounts, &merchant.idempotency_salt, &services.settings.caps);
    if targets.is_empty() { Err(Impossible::NoAccount) } else { Ok(targets) }
}

fn form_page(
    frame: &Frame<'_>,
    status: StatusCode,
    targets: &[Target<'_>],
    form: &LinkForm,
    wrong: Errors,
    made: Option<MadeBefore>,
) -> Answer {
    frame.page(status, &FormPage::new(frame, targets, form, wrong, made))
}

/// What is asked for, as a session, and that the visitor makes it.
fn session_and_act(
    services: &Services,
    frame: &Frame<'_>,
    merchant: &Merchant,
    token: &WriteId,
    asked: &Asked,
    base_url: &str,
) -> (Session, Act) {
    let at = services.clock.now();
    let id = api::session_id_of_form(merchant, frame.mode, &frame.visitor.person.email, token);
    let creation = Creation {
        id,
        end_to_end_id: EndToEndId::new(services.random.uuid_v4()),
        merchant_id: merchant.id.clone(),
        mode: frame.mode,
        list_shard: merchant.list_sharding.shard_of(&id, at),
        at,
        test_clock: None,
        base_url: base_url.to_owned(),
        write_id: services.random.write_id(),
    };
    let act = Act {
        change: Some(ActChange { from: String::new(), to: asked.amount.to_string() }),
        ..acts::on_page(services, frame, ActKind::PaymentLinkMade, ActObject::Session(id))
    };
    (Session::create(asked.to_new(), creation), act)
}

#[cfg(test)]
mod tests;
