//! What a payer does about one payment by mandate: sign, not sign, or claim back what was collected.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{Session, TakenBackReason};
use pages::{Answer, Problem, see_other};
use providers::mock::{Conclusion, Decided, MandateScheme, MockConsent};
use store::MockLedger;

use super::concluded::MandateConcludedPage;
use super::form::{Act, MandateForm};
use super::page::MandatePage;
use crate::handled::Handled;
use crate::house::page;
use crate::problem::of_bank;
use crate::route::{bank_path, return_path};
use crate::webhook::BankWebhook;

/// One attempt at a payment, whose page the payer has the link to.
#[derive(Debug)]
pub(crate) struct Payment<'a> {
    pub(crate) provider: &'a MockConsent<MockLedger>,
    pub(crate) scheme: MandateScheme,
    pub(crate) session: &'a Session,
    pub(crate) number: u8,
    pub(crate) token: &'a str,
    /// At which webhooks are signed, whatever time the session goes by.
    pub(crate) real_now: Timestamp,
}

impl Payment<'_> {
    /// The time that the session goes by.
    fn now(&self) -> Timestamp {
        self.session.now(self.real_now)
    }

    /// The mandate; or what came of it, once that is decided.
    pub(crate) async fn show(&self) -> Answer {
        let concluded = self.provider.conclusion(self.session, self.number).await.map_err(of_bank)?;
        if concluded.is_none() {
            return page(StatusCode::OK, &self.mandate());
        }
        let status = self.provider.shown_status(self.session, self.number, self.now()).await.map_err(of_bank)?;
        let (mock, action) = (self.provider.mock(), bank_path(&self.session.id, self.number, ""));
        page(StatusCode::OK, &MandateConcludedPage::new(mock, self.session, &status, action, self.token))
    }

    /// What the payer pressed.
    pub(crate) async fn act(&self, form: &MandateForm) -> Result<Handled, Problem> {
        match form.check(self.scheme) {
            Ok(Act::Decide(decided)) => self.decide(decided).await,
            Ok(Act::Claim) => self.claim().await,
            Err(errors) => {
                let asked_again = self.mandate().with_errors(&form.name, errors);
                Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &asked_again)?.into())
            }
        }
    }

    /// The first decision holds: a payer who asks for another is shown the first, and nothing follows from it.
    async fn decide(&self, decided: Decided) -> Result<Handled, Problem> {
        let Self { provider, session, number, .. } = *self;
        match provider.decide(session, number, decided, self.now()).await.map_err(of_bank)? {
            Conclusion::Decided(holds) if holds.decision == decided.decision => {
                Ok(Handled { response: see_other(&return_path(&session.id))?, webhook: self.webhook() })
            }
            Conclusion::Decided(_) | Conclusion::Cancelled => self.back_to_page(None),
        }
    }

    /// The payer's bank gives back what was collected.
    async fn claim(&self) -> Result<Handled, Problem> {
        let reason = match self.scheme {
            MandateScheme::Bacs => TakenBackReason::IndemnityClaim,
            MandateScheme::Sepa | MandateScheme::Autogiro => TakenBackReason::Returned,
        };
        self.provider.take_back(self.session, self.number, reason, self.now()).await.map_err(of_bank)?;
        self.back_to_page(self.webhook())
    }

    fn back_to_page(&self, webhook: Option<BankWebhook>) -> Result<Handled, Problem> {
        let response = see_other(&bank_path(&self.session.id, self.number, self.token))?;
        Ok(Handled { response, webhook })
    }

    fn webhook(&self) -> Option<BankWebhook> {
        BankWebhook::about(self.provider, self.session, self.number, self.real_now)
    }

    fn mandate(&self) -> MandatePage<'_> {
        MandatePage::new(self.provider.mock(), self.scheme, self.session, self.number, self.token)
    }
}
