//! A refund's page: it asks the customer, once, where the money goes, and says what becomes of it.

mod form;
mod page;
mod status;

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{AccountKind, EndToEndId, Payee, Refund, RefundEvent, RefundId, Session, SessionId, Shop};
use pages::{AccountErrors, Answer, Face, Language, Problem, Shell, see_other};
use runtime::Random;
use store::{RefundChangeError, Refunds, Sessions, Table};

pub(crate) use self::form::DetailsForm;
use self::form::Step;
use self::page::{CheckPage, DetailsPage, StatusPage};
use self::status::{Shown, shown};
use crate::paths::refund_path;

#[cfg(test)]
pub(crate) use self::page::{extremes, gallery};

/// The pages of all refunds.
#[derive(Debug)]
pub(crate) struct RefundPages {
    pub(crate) refunds: Refunds,
    sessions: Sessions,
    random: Random,
}

impl RefundPages {
    /// Of the refunds in this table.
    pub(crate) fn new(table: Table, random: Random) -> Self {
        Self { refunds: Refunds::new(table.clone()), sessions: Sessions::new(table), random }
    }

    /// The refund, and the session that it refunds.
    pub(crate) async fn find(&self, id: RefundId) -> Result<(Refund, Session), Problem> {
        let refund = self.refunds.get(&id).await?.ok_or(Problem::NotFound)?;
        let session = self.sessions.get(&refund.session_id).await?.ok_or(Problem::NotFound)?;
        Ok((refund, session))
    }

    /// The page that fits the refund's state.
    pub(crate) fn show(refund: &Refund, session: &Session, shell: &Shell<'_>, now: Timestamp) -> Answer {
        match shown(refund, now) {
            Shown::Details(kind) => ask(refund, session, shell, kind, &DetailsForm::default()),
            Shown::Status(status) => shell.page(StatusCode::OK, &StatusPage::new(refund, session, shell, status)),
        }
    }

    /// One step of giving the details. They are stored by the last alone, and shown in answers to forms alone.
    pub(crate) async fn submit(
        &self,
        refund: Refund,
        session: &Session,
        form: &DetailsForm,
        shell: &Shell<'_>,
        now: Timestamp,
    ) -> Answer {
        let path = refund_path(&refund.id);
        let Shown::Details(kind) = shown(&refund, now) else { return see_other(&path) };
        match (form.step, form.check(kind, &shell.texts().refunds)) {
            (Step::Edit, _) => ask(&refund, session, shell, kind, form),
            (Step::Check | Step::Confirm, Err(errors)) => {
                let again = DetailsPage::new(&refund, session, shell, kind, form, errors);
                shell.page(StatusCode::UNPROCESSABLE_ENTITY, &again)
            }
            (Step::Check, Ok(payee)) => shell.page(StatusCode::OK, &CheckPage::new(&refund, session, shell, &payee)),
            (Step::Confirm, Ok(payee)) => {
                self.give_details(refund, session, payee, now).await?;
                see_other(&path)
            }
        }
    }

    /// If another request was first, or time has passed, its details hold or none do; the page shows which.
    async fn give_details(
        &self,
        mut refund: Refund,
        session: &Session,
        payee: Payee,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let payment_id = SessionId::new(self.random.uuid_v7(now));
        let end_to_end_id = EndToEndId::new(self.random.uuid_v4());
        let write_id = self.random.write_id();
        let payment = refund.give_details(session, payee, payment_id, end_to_end_id, now, write_id.clone());
        let payment = payment.map_err(|wrong| Problem::Internal(Box::new(wrong)))?;
        let payment = api::fill_in_return_urls(payment);
        match self.refunds.give_details(&refund, &payment, now, &write_id).await {
            Ok(_) => {
                tracing::info!(refund_id = %refund.id, event = RefundEvent::DetailsGiven.as_str(), "recorded");
                Ok(())
            }
            Err(RefundChangeError::Refused(_)) => Ok(()),
            Err(RefundChangeError::Store(error)) => Err(error.into()),
        }
    }
}

/// What each page of a refund bears around its own.
pub(crate) fn shell_of<'a>(
    refund: &Refund,
    session: &'a Session,
    shop: Option<&'a Shop>,
    language: Language,
) -> Shell<'a> {
    Shell::of(Face::new(shop, session.payee.name.as_str()), refund.mode, language)
}

/// The form, with what was typed and nothing said against it.
fn ask(refund: &Refund, session: &Session, shell: &Shell<'_>, kind: AccountKind, typed: &DetailsForm) -> Answer {
    shell.page(StatusCode::OK, &DetailsPage::new(refund, session, shell, kind, typed, AccountErrors::default()))
}
