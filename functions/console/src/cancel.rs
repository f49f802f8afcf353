//! Payments and refunds that a person cancels: a form that says what will be, and then it is done.

use askama::Template;
use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{
    Act, ActKind, ActObject, ActReason, Refund, RefundEvent, RefundId, RefundState, Session, SessionEvent, SessionId,
    SessionState,
};
use pages::{Answer, Facts, Language, Problem, Shell, read_form, see_other};
use payments::{EndError, PaymentError, RefundEndError};
use serde::Deserialize;
use store::{Change, ChangeError, RefundChangeError};

use crate::acts::{self, refused};
use crate::counterfoil;
use crate::curl;
use crate::frame::Frame;
use crate::paths::{cancel_path, cancel_refund_path, payment_path};
use crate::reason::{OF_CANCELLATIONS, ReasonField};
use crate::refusal::{RefusalPage, state_in_words};
use crate::services::Services;
use crate::texts::texts;

/// What is typed.
#[derive(Default, Deserialize)]
struct CancelForm {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    note: String,
}

/// The form of either.
#[derive(Template)]
#[template(path = "cancel.html")]
struct CancelPage<'a> {
    shell: Shell<'a>,
    frame: &'a Frame<'a>,
    /// What the button says, too.
    heading: &'static str,
    /// What will be.
    text: &'static str,
    amount: String,
    reference: &'a str,
    path: String,
    payment_path: String,
    errors: Vec<(&'static str, String)>,
    reason: ReasonField,
    same: Option<String>,
    command: String,
}

/// The form by which a payment is cancelled.
pub(crate) async fn show_payment(services: &Services, frame: &Frame<'_>, id: SessionId, base_url: &str) -> Answer {
    let session = frame.visitor.session(services, frame.mode, id).await?.ok_or(Problem::NotFound)?;
    if let Some(paid) = session.pays_refund {
        return see_other(&cancel_refund_path(frame.mode, paid.refund_id));
    }
    match session.state_at(services.clock.now()) {
        SessionState::Cancelled => see_other(&payment_path(frame.mode, id)),
        SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
            payment_form(frame, &session, StatusCode::OK, new_field(), base_url)
        }
        state @ (SessionState::Pending | SessionState::Sent | SessionState::Failed | SessionState::Expired) => {
            refuse_payment(frame, id, StatusCode::OK, not_cancellable(state, frame.language))
        }
    }
}

/// Cancels a payment, unless its money moves. What pays a refund is cancelled as the refund.
pub(crate) async fn cancel_payment(
    services: &Services,
    frame: &Frame<'_>,
    id: SessionId,
    request: &Request,
    base_url: &str,
) -> Answer {
    let session = frame.visitor.session(services, frame.mode, id).await?.ok_or(Problem::NotFound)?;
    if let Some(paid) = session.pays_refund {
        return see_other(&cancel_refund_path(frame.mode, paid.refund_id));
    }
    let mut field = typed(request)?;
    let Some(reason) = field.read(frame.language) else {
        return payment_form(frame, &session, StatusCode::UNPROCESSABLE_ENTITY, field, base_url);
    };
    let act = act(services, frame, ActKind::PaymentCancelled, ActObject::Session(id), reason);
    let write = services.acts.write(&act)?;
    let (at, write_id) = (services.clock.now(), services.random.write_id());
    let change = Change { session_id: id, event: SessionEvent::CancelledByMerchant, at, write_id };
    match services.payments.end(change, Some(&frame.visitor.owner(frame.mode)), Some(&write)).await {
        Ok(_) => {
            tracing::info!(request_id = api::request_id(request), session_id = %id, act_id = %act.id, "cancelled");
            see_other(&payment_path(frame.mode, id))
        }
        // It was cancelled before: what was asked for is so.
        Err(EndError::Change(ChangeError::Refused(session)))
            if session.state_at(services.clock.now()) == SessionState::Cancelled =>
        {
            see_other(&payment_path(frame.mode, id))
        }
        Err(EndError::Change(ChangeError::Refused(session))) => {
            let state = session.state_at(services.clock.now());
            let (code, text) = if session.open_at_consent().is_some() {
                ("money_may_move", frame.texts().refunds.payment_may_move.to_owned())
            } else {
                (state.as_str(), not_cancellable(state, frame.language))
            };
            services.acts.put(&refused(act, code)).await?;
            refuse_payment(frame, id, StatusCode::CONFLICT, text)
        }
        Err(EndError::Change(ChangeError::NotFound)) => Err(Problem::NotFound),
        Err(EndError::Change(ChangeError::Store(error)) | EndError::Payment(PaymentError::Store(error))) => {
            Err(error.into())
        }
        Err(EndError::Payment(error)) => Err(not_asked(error)),
    }
}

/// The form by which a refund is cancelled.
pub(crate) async fn show_refund(services: &Services, frame: &Frame<'_>, id: RefundId, base_url: &str) -> Answer {
    let (refund, now) = (own_refund(services, frame, id).await?, services.clock.now());
    if is_cancelled(&refund, now) {
        return see_other(&of_payment(frame, &refund));
    }
    match not_cancellable_refund(&refund, frame.language, now) {
        None => refund_form(frame, &refund, StatusCode::OK, new_field(), base_url),
        Some((_, text)) => refuse_refund(frame, &refund, StatusCode::OK, text),
    }
}

/// Cancels a refund, unless its money moves.
pub(crate) async fn cancel_refund(
    services: &Services,
    frame: &Frame<'_>,
    id: RefundId,
    request: &Request,
    base_url: &str,
) -> Answer {
    let refund = own_refund(services, frame, id).await?;
    let mut field = typed(request)?;
    let Some(reason) = field.read(frame.language) else {
        return refund_form(frame, &refund, StatusCode::UNPROCESSABLE_ENTITY, field, base_url);
    };
    let object = ActObject::Refund { session_id: refund.session_id, refund_id: id };
    let act = act(services, frame, ActKind::RefundCancelled, object, reason);
    let write = services.acts.write(&act)?;
    match services.payments.cancel_refund(&refund, &services.random.write_id(), Some(&write)).await {
        Ok(_) => {
            tracing::info!(request_id = api::request_id(request), refund_id = %id, act_id = %act.id, "refund cancelled");
            see_other(&of_payment(frame, &refund))
        }
        Err(RefundEndError::Change(RefundChangeError::Refused(now_as))) => {
            let now = services.clock.now();
            if is_cancelled(&now_as, now) {
                return see_other(&of_payment(frame, &refund));
            }
            let may_move = frame.texts().refunds.refund_may_move;
            let refusal = not_cancellable_refund(&now_as, frame.language, now);
            let (code, text) = refusal.unwrap_or(("money_may_move", may_move));
            services.acts.put(&refused(act, code)).await?;
            refuse_refund(frame, &refund, StatusCode::CONFLICT, text)
        }
        Err(
            RefundEndError::Change(RefundChangeError::Store(error))
            | RefundEndError::Payment(PaymentError::Store(error)),
        ) => Err(error.into()),
        Err(RefundEndError::Payment(error)) => Err(not_asked(error)),
    }
}

async fn own_refund(services: &Services, frame: &Frame<'_>, id: RefundId) -> Result<Refund, Problem> {
    let refund = services.refunds.get(&id).await?;
    refund.filter(|refund| frame.visitor.owner(frame.mode).owns_refund(refund)).ok_or(Problem::NotFound)
}

fn new_field() -> ReasonField {
    ReasonField::new(OF_CANCELLATIONS, "", "")
}

fn typed(request: &Request) -> Result<ReasonField, Problem> {
    let CancelForm { reason, note } = read_form(request)?;
    Ok(ReasonField::new(OF_CANCELLATIONS, &reason, &note))
}

fn act(services: &Services, frame: &Frame<'_>, what: ActKind, object: ActObject, reason: ActReason) -> Act {
    Act { reason: Some(reason), ..acts::on_page(services, frame, what, object) }
}

fn payment_form(
    frame: &Frame<'_>,
    session: &Session,
    status: StatusCode,
    reason: ReasonField,
    base_url: &str,
) -> Answer {
    let t = frame.texts().refunds;
    let format = api::Format::of_stored(session.format).ok();
    let page = CancelPage {
        shell: frame.shell(),
        frame,
        heading: t.cancel_payment,
        text: t.cancel_payment_text,
        amount: frame.language.amount(&session.amount),
        reference: session.reference.as_str(),
        path: cancel_path(frame.mode, session.id),
        payment_path: payment_path(frame.mode, session.id),
        errors: reason.errors(),
        reason,
        same: format.map(|format| curl::command(base_url, &format.cancel_request(session.id))),
        command: counterfoil::cancel_payment(session.id),
    };
    frame.page(status, &page)
}

fn refund_form(frame: &Frame<'_>, refund: &Refund, status: StatusCode, reason: ReasonField, base_url: &str) -> Answer {
    let t = frame.texts().refunds;
    let request = api::Format::of_stored(refund.format).ok().and_then(|format| format.cancel_refund_request(refund.id));
    let page = CancelPage {
        shell: frame.shell(),
        frame,
        heading: t.cancel_refund,
        text: t.cancel_refund_text,
        amount: frame.language.amount(&refund.amount),
        reference: refund.reference.as_str(),
        path: cancel_refund_path(frame.mode, refund.id),
        payment_path: of_payment(frame, refund),
        errors: reason.errors(),
        reason,
        same: request.map(|request| curl::command(base_url, &request)),
        command: counterfoil::cancel_refund(refund.id),
    };
    frame.page(status, &page)
}

/// Where a refund is shown.
fn of_payment(frame: &Frame<'_>, refund: &Refund) -> String {
    format!("{}#refunds", payment_path(frame.mode, refund.session_id))
}

fn is_cancelled(refund: &Refund, now: Timestamp) -> bool {
    refund.failure_reason_at(now) == Some(RefundEvent::CancelledByMerchant)
}

fn refuse_payment(frame: &Frame<'_>, id: SessionId, status: StatusCode, text: String) -> Answer {
    let (heading, path) = (frame.texts().refunds.payment_not_cancellable_heading, payment_path(frame.mode, id));
    frame.page(status, &RefusalPage::new(frame, heading, text, None, path))
}

fn refuse_refund(frame: &Frame<'_>, refund: &Refund, status: StatusCode, text: &str) -> Answer {
    let (heading, path) = (frame.texts().refunds.refund_not_cancellable_heading, of_payment(frame, refund));
    frame.page(status, &RefusalPage::new(frame, heading, text.to_owned(), None, path))
}

/// Why a payment in this state is not cancelled.
fn not_cancellable(state: SessionState, language: Language) -> String {
    let t = texts(language).refunds;
    let stands = Facts::new(language).text("state", state_in_words(state, language)).plain(t.payment_stands);
    let then = match state {
        SessionState::Sent => t.refund_instead,
        SessionState::Pending => t.refund_once_paid,
        SessionState::AwaitingPayer
        | SessionState::AwaitingProvider
        | SessionState::AwaitingPaymentConsent
        | SessionState::Failed
        | SessionState::Cancelled
        | SessionState::Expired => return stands,
    };
    format!("{stands} {then}")
}

/// Why a refund is not cancelled as it is, by a code and as it reads; none if it can be, unless its payment is being made.
fn not_cancellable_refund(refund: &Refund, language: Language, now: Timestamp) -> Option<(&'static str, &'static str)> {
    let t = texts(language).refunds;
    match refund.state_at(now) {
        RefundState::AwaitingPayment if refund.submitted => Some(("submitted", t.refund_submitted)),
        RefundState::AwaitingDetails | RefundState::AwaitingPayment => None,
        RefundState::Sent => Some(("sent", t.refund_sent)),
        RefundState::Failed => Some(("failed", t.refund_failed)),
    }
}

/// The provider was not asked: nothing is known, and nothing changed.
fn not_asked(error: PaymentError) -> Problem {
    match error {
        PaymentError::Store(error) => error.into(),
        PaymentError::Provider(error) => Problem::Unavailable(Box::new(error)),
        PaymentError::Inconsistent(_) => Problem::Internal(Box::new(error)),
    }
}

#[cfg(test)]
mod tests;
