//! A refund's page: it asks the customer, once, where the money goes, and says what becomes of it.

mod form;
mod page;
mod status;

use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{EndToEndId, Payee, Refund, RefundEvent, RefundId, Session, SessionId};
use runtime::Random;
use store::{RefundChangeError, Refunds, Sessions, Table};

use self::form::{DetailsErrors, DetailsForm, Step};
use self::page::{CheckPage, DetailsPage, StatusPage};
use self::status::{Shown, shown};
use crate::answer::{Answer, Problem, page, see_other};
use crate::paths::refund_path;

#[cfg(test)]
pub(crate) use self::page::gallery;

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
    async fn find(&self, id: RefundId) -> Result<(Refund, Session), Problem> {
        let refund = self.refunds.get(&id).await?.ok_or(Problem::NotFound)?;
        let session = self.sessions.get(&refund.session_id).await?.ok_or(Problem::NotFound)?;
        Ok((refund, session))
    }

    /// The page that fits the refund's state.
    pub(crate) async fn show(&self, id: RefundId, now: Timestamp) -> Answer {
        let (refund, session) = self.find(id).await?;
        match shown(&refund, now) {
            Shown::Details => ask(&refund, &session, &DetailsForm::default()),
            Shown::Status(status) => ok(&StatusPage::new(&refund, &session, status)),
        }
    }

    /// One step of giving the details. They are stored by the last alone, and shown in answers to forms alone.
    pub(crate) async fn submit(&self, id: RefundId, form: &DetailsForm, now: Timestamp) -> Answer {
        let (refund, session) = self.find(id).await?;
        if shown(&refund, now) != Shown::Details {
            return see_other(&refund_path(&id));
        }
        match (form.step, form.check()) {
            (Step::Edit, _) => ask(&refund, &session, form),
            (Step::Check | Step::Confirm, Err(errors)) => {
                page(StatusCode::UNPROCESSABLE_ENTITY, &DetailsPage::new(&refund, &session, form, errors))
            }
            (Step::Check, Ok(payee)) => ok(&CheckPage::new(&refund, &session, &payee)),
            (Step::Confirm, Ok(payee)) => {
                self.give_details(refund, &session, payee, now).await?;
                see_other(&refund_path(&id))
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

/// A page with the status 200.
fn ok(template: &impl Template) -> Answer {
    page(StatusCode::OK, template)
}

/// The form, with what was typed and nothing said against it.
fn ask(refund: &Refund, session: &Session, typed: &DetailsForm) -> Answer {
    ok(&DetailsPage::new(refund, session, typed, DetailsErrors::default()))
}
