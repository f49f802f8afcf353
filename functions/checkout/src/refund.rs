//! A refund's page: it asks the customer, once, where the money goes, and tells what becomes of it.

mod form;
mod page;

use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{EndToEndId, Payee, Refund, RefundEvent, RefundId, RefundState, Session, SessionId};
use runtime::Random;
use store::{RefundChangeError, Refunds, Sessions, Table};

use self::form::{DetailsErrors, DetailsForm, Step};
use self::page::{CheckPage, DetailsPage, ToldPage};
use crate::answer::{Answer, Problem, page, see_other};

#[cfg(test)]
pub(crate) use self::page::gallery;

/// What fits a refund now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Ask where the money goes.
    Details,
    /// Tell where it stands.
    Told(Told),
}

/// Where a refund stands that asks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The merchant has to approve it.
    Approval,
    /// The merchant has, and their bank is sending the money.
    Sending,
    /// The money is sent.
    Sent,
    /// The details were not given in time.
    TooLate,
    /// It failed otherwise.
    NotMade,
}

/// What fits the refund at `now`.
fn stage(refund: &Refund, now: Timestamp) -> Stage {
    match refund.state_at(now) {
        RefundState::AwaitingDetails => Stage::Details,
        RefundState::AwaitingPayment if refund.submitted => Stage::Told(Told::Sending),
        RefundState::AwaitingPayment => Stage::Told(Told::Approval),
        RefundState::Sent => Stage::Told(Told::Sent),
        RefundState::Failed => {
            let late = refund.failure_reason_at(now) == Some(RefundEvent::TimePassed);
            let details_given = refund.payment_session_id.is_some();
            Stage::Told(if late && !details_given { Told::TooLate } else { Told::NotMade })
        }
    }
}

/// The refund's own page, which all of its forms are sent to as well: to load a form's answer anew is to load the page.
pub(crate) fn path(id: &RefundId) -> String {
    format!("/refunds/{id}")
}

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
        match stage(&refund, now) {
            Stage::Details => ask(&refund, &session, &DetailsForm::default()),
            Stage::Told(told) => ok(&ToldPage::new(&refund, &session, told)),
        }
    }

    /// One step of giving the details. They are stored by the last alone, and shown in answers to forms alone.
    pub(crate) async fn take(&self, id: RefundId, form: &DetailsForm, now: Timestamp) -> Answer {
        let (refund, session) = self.find(id).await?;
        if stage(&refund, now) != Stage::Details {
            return see_other(&path(&id));
        }
        match (form.step, form.check()) {
            (Step::Edit, _) => ask(&refund, &session, form),
            (Step::Check | Step::Confirm, Err(errors)) => {
                page(StatusCode::UNPROCESSABLE_ENTITY, &DetailsPage::new(&refund, &session, form, errors))
            }
            (Step::Check, Ok(payee)) => ok(&CheckPage::new(&refund, &session, &payee)),
            (Step::Confirm, Ok(payee)) => {
                self.give_details(refund, &session, payee, now).await?;
                see_other(&path(&id))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{NOW, happen_to_refund, later, refund, refund_with_payment};

    #[test]
    fn each_state_has_its_page() {
        let days = |days: i64| later(days * 86_400);
        let awaiting = refund();
        assert_eq!(stage(&awaiting, days(29)), Stage::Details);
        assert_eq!(stage(&awaiting, days(30)), Stage::Told(Told::TooLate));
        let (mut given, _) = refund_with_payment();
        assert_eq!(stage(&given, NOW), Stage::Told(Told::Approval));
        assert_eq!(stage(&given, days(365)), Stage::Told(Told::NotMade));
        given.submitted = true;
        assert_eq!(stage(&given, days(365)), Stage::Told(Told::Sending));
        for (event, told) in [
            (RefundEvent::Settled, Told::Sent),
            (RefundEvent::DeclinedByBank, Told::NotMade),
            (RefundEvent::CancelledByMerchant, Told::NotMade),
            (RefundEvent::TimePassed, Told::NotMade),
        ] {
            let mut ended = given.clone();
            happen_to_refund(&mut ended, event);
            assert_eq!(stage(&ended, NOW), Stage::Told(told), "{event}");
        }
        for (event, told) in
            [(RefundEvent::CancelledByMerchant, Told::NotMade), (RefundEvent::TimePassed, Told::TooLate)]
        {
            let mut ended = awaiting.clone();
            happen_to_refund(&mut ended, event);
            assert_eq!(stage(&ended, NOW), Stage::Told(told), "{event}");
        }
    }
}
