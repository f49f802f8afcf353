//! A refund that a person makes: a form, a page that says in words what will be done, and then it is done; once, however often
//! and by however many people the form is sent.

mod form;
mod page;

use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{
    Act, ActChange, ActKind, ActObject, MAX_REFUNDS, MinorUnits, Money, NewRefund, NotRefundable, Refund, RefundState,
    Session, SessionId,
};
use pages::{Answer, Facts, Problem, read_form, see_other};
use payments::{Made, RefundError, RefundRequest, RefundWay};
use store::WithRefunds;

use self::form::{Asked, Errors, RefundForm};
use self::page::{CheckPage, FormPage, Summary};
use crate::acts::{self, refused};
use crate::frame::Frame;
use crate::fresh::sign_in_again;
use crate::paths::{payment_path, refund_path};
use crate::reason::ReasonField;
use crate::refusal::{RefusalPage, state_in_words};
use crate::services::Services;
use crate::step::Step;

/// A session that is to be refunded, as it is now.
struct Refundable<'a> {
    services: &'a Services,
    frame: &'a Frame<'a>,
    session: Session,
    refunds: Vec<Refund>,
    /// Nothing is left if it can't be refunded at all.
    left: Result<Money, NotRefundable>,
    base_url: &'a str,
}

/// The form, of all that is left.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, id: SessionId, base_url: &str) -> Answer {
    if let Some(sign_in_again) = sign_in_again(services, frame, &refund_path(frame.mode, id)) {
        return see_other(&sign_in_again);
    }
    let refundable = Refundable::find(services, frame, id, base_url).await?;
    match refundable.left {
        Ok(left) => {
            let form = RefundForm::of(left, refundable.session.refund_count);
            refundable.form(StatusCode::OK, left, &form, None, None)
        }
        Err(why) => refundable.refuse(StatusCode::OK, why, None),
    }
}

/// One step of the form. The last alone changes anything.
pub(crate) async fn submit(
    services: &Services,
    frame: &Frame<'_>,
    id: SessionId,
    request: &Request,
    base_url: &str,
) -> Answer {
    if let Some(sign_in_again) = sign_in_again(services, frame, &refund_path(frame.mode, id)) {
        return see_other(&sign_in_again);
    }
    let form: RefundForm = read_form(request)?;
    let refundable = Refundable::find(services, frame, id, base_url).await?;
    if form.step == Step::Confirm {
        return refundable.confirm(&form, request).await;
    }
    if form.seen != refundable.session.refund_count {
        return refundable.others_meanwhile(&form);
    }
    let left = match refundable.left {
        Ok(left) => left,
        Err(why) => return refundable.refuse(StatusCode::CONFLICT, why, None),
    };
    match form.step {
        Step::Edit => refundable.form(StatusCode::OK, left, &form, None, None),
        Step::Check | Step::Confirm => match form.check(left, left.minor_units(), &refundable.way(), frame.language) {
            Ok(asked) => refundable.check(left, &form, &asked),
            Err(wrong) => refundable.form(StatusCode::UNPROCESSABLE_ENTITY, left, &form, Some(wrong), None),
        },
    }
}

impl<'a> Refundable<'a> {
    async fn find(
        services: &'a Services,
        frame: &'a Frame<'a>,
        id: SessionId,
        base_url: &'a str,
    ) -> Result<Self, Problem> {
        let WithRefunds { session, refunds } = services.refunds.of(&id).await?;
        let owner = frame.visitor.owner(frame.mode);
        let session = session.filter(|session| owner.owns(session)).ok_or(Problem::NotFound)?;
        let left = services.payments.left(&session, &refunds, services.clock.now());
        Ok(Self { services, frame, session, refunds, left, base_url })
    }

    fn way(&self) -> RefundWay<'_> {
        self.services.payments.refund_way(&self.session)
    }

    fn summary(&self, left: Money) -> Summary<'_> {
        Summary::new(&self.session, &self.refunds, left, self.way(), self.base_url, self.services.clock.now())
    }

    fn form(
        &self,
        status: StatusCode,
        left: Money,
        form: &RefundForm,
        wrong: Option<Box<(Errors, ReasonField)>>,
        news: Option<String>,
    ) -> Answer {
        let page = FormPage::new(self.frame, self.summary(left), self.session.refund_count, form, wrong, news);
        self.frame.page(status, &page)
    }

    fn check(&self, left: Money, form: &RefundForm, asked: &Asked) -> Answer {
        self.frame.page(StatusCode::OK, &CheckPage::new(self.frame, self.summary(left), form, asked))
    }

    /// The page that says why it can't be refunded.
    fn refuse(&self, status: StatusCode, why: NotRefundable, news: Option<String>) -> Answer {
        let (_, text) = in_words(why, self.frame);
        let heading = self.frame.texts().refunds.not_refundable_heading;
        self.frame.page(
            status,
            &RefusalPage::new(self.frame, heading, text, news, payment_path(self.frame.mode, self.session.id)),
        )
    }

    /// Makes the refund, unless the same form has: then that one is what was asked for.
    async fn confirm(self, form: &RefundForm, request: &Request) -> Answer {
        let (services, frame, id) = (self.services, self.frame, self.session.id);
        let left = self.left.unwrap_or(Money::zero(self.session.amount.currency()));
        // Whether so much can be refunded is the domain's to say: of a form that comes second, that it does; and a refusal is
        // recorded.
        let asked = match form.check(left, MinorUnits::new(i64::MAX), &self.way(), frame.language) {
            Ok(asked) => asked,
            Err(wrong) => return self.form(StatusCode::UNPROCESSABLE_ENTITY, left, form, Some(wrong), None),
        };
        let merchant = frame.visitor.merchant(services).await?;
        let refund_id = api::refund_id_after(&merchant, frame.mode, id, form.seen);
        let act = act(services, frame, ActObject::Refund { session_id: id, refund_id }, left, &asked);
        let write = services.acts.write(&act)?;
        let fingerprint = asked.fingerprint(&frame.visitor.person.email, &merchant.idempotency_salt);
        let new = NewRefund { amount: Some(asked.amount.minor_units()), payee: asked.payee, ..NewRefund::of(id) };
        let base_url = self.base_url.to_owned();
        let asked_for =
            RefundRequest { id: refund_id, fingerprint: Some(fingerprint), new, base_url, seen: Some(form.seen) };
        let owner = frame.visitor.owner(frame.mode);
        let made = services.payments.refund(asked_for, &owner, api::fill_in_return_urls, Some(&write)).await;
        match made {
            Ok(Made::New(refund)) => {
                tracing::info!(request_id = api::request_id(request), refund_id = %refund.id, session_id = %id, act_id = %act.id, "refund made");
                see_other(&format!("{}#refunds", payment_path(frame.mode, id)))
            }
            // The same form made it. What has failed meanwhile is not what was asked for.
            Ok(Made::Existing(refund, first))
                if first == Some(fingerprint) && refund.state_at(services.clock.now()) != RefundState::Failed =>
            {
                see_other(&format!("{}#refunds", payment_path(frame.mode, id)))
            }
            Ok(Made::Existing(..)) | Err(RefundError::OthersMeanwhile(_)) => {
                let code = "changed_meanwhile";
                services.acts.put(&Act { change: None, ..refused(act, code) }).await?;
                tracing::info!(request_id = api::request_id(request), session_id = %id, code, "refund refused");
                Self::find(services, frame, id, self.base_url).await?.others_meanwhile(form)
            }
            Err(RefundError::NotRefundable(why)) => {
                let (code, text) = in_words(why, frame);
                services.acts.put(&Act { change: None, ..refused(act, code) }).await?;
                tracing::info!(request_id = api::request_id(request), session_id = %id, code, "refund refused");
                let now = Self::find(services, frame, id, self.base_url).await?;
                match (why, now.left) {
                    (NotRefundable::TooMuch { .. }, Ok(left)) => {
                        let errors = Errors { amount: Some(text), ..Errors::default() };
                        let wrong = Some(Box::new((errors, form.reason_field())));
                        now.form(StatusCode::UNPROCESSABLE_ENTITY, left, form, wrong, None)
                    }
                    (
                        NotRefundable::TooMuch { .. }
                        | NotRefundable::PaysRefund
                        | NotRefundable::NotSent(_)
                        | NotRefundable::NothingLeft { .. }
                        | NotRefundable::TakenBack
                        | NotRefundable::WrongAccount(_)
                        | NotRefundable::NotByBank(_)
                        | NotRefundable::TooMany,
                        _,
                    ) => now.refuse(StatusCode::CONFLICT, why, None),
                }
            }
            Err(RefundError::NotFound) => Err(Problem::NotFound),
            Err(RefundError::Store(error)) => Err(error.into()),
            Err(RefundError::Provider(error)) => Err(Problem::Unavailable(Box::new(error))),
        }
    }

    /// The form again, since it says more or other refunds than its author saw.
    fn others_meanwhile(&self, form: &RefundForm) -> Answer {
        let seen = usize::try_from(form.seen).unwrap_or(usize::MAX);
        let since = self.refunds.get(seen..).unwrap_or_default();
        let news = page::meanwhile(since, self.left.ok(), self.frame.language, self.services.clock.now());
        match self.left {
            Ok(left) => self.form(StatusCode::CONFLICT, left, form, None, Some(news)),
            Err(why) => self.refuse(StatusCode::CONFLICT, why, Some(news)),
        }
    }
}

/// That the visitor makes this refund.
fn act(services: &Services, frame: &Frame<'_>, object: ActObject, left: Money, asked: &Asked) -> Act {
    let stays = MinorUnits::new(left.minor().saturating_sub(asked.amount.minor()));
    let to = Money::new(stays, left.currency()).to_string();
    Act {
        reason: Some(asked.reason.clone()),
        change: Some(ActChange { from: left.to_string(), to }),
        ..acts::on_page(services, frame, ActKind::RefundMade, object)
    }
}

/// Why a session is not refunded: a code for the record, and as it reads.
fn in_words(why: NotRefundable, frame: &Frame<'_>) -> (&'static str, String) {
    let t = frame.texts().refunds;
    let facts = Facts::new(frame.language);
    let (code, text) = match why {
        NotRefundable::PaysRefund => ("pays_refund", t.pays_refund),
        NotRefundable::NotSent(state) => {
            let facts = facts.text("state", state_in_words(state, frame.language));
            return ("not_sent", facts.plain(t.not_sent));
        }
        NotRefundable::TooMuch { left } => {
            return ("more_than_is_left", facts.amount("left", &left).plain(t.amount_more));
        }
        NotRefundable::NothingLeft { .. } => ("nothing_left", t.nothing_left),
        NotRefundable::TakenBack => ("taken_back", t.taken_back),
        NotRefundable::WrongAccount(_) => ("wrong_account", t.wrong_account),
        NotRefundable::NotByBank(currency) => {
            return ("not_by_bank", facts.text("currency", currency.code()).plain(t.not_by_bank));
        }
        NotRefundable::TooMany => return ("too_many", facts.text("n", MAX_REFUNDS).plain(t.too_many)),
    };
    (code, text.to_owned())
}

#[cfg(test)]
mod tests;
