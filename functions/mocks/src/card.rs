//! The mock card provider: what its page asks for, what each test number does, and what becomes of a number that was typed.

mod form;
mod number;
mod page;

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use models::{Card, Session, TakenBackReason};
use pages::{Answer, Problem, see_other};
use providers::Status;
use providers::mock::{Conclusion, Decided, Decision, MockConsent};
use store::MockLedger;

use crate::handled::Handled;
use crate::house::{House, page};
use crate::page::ConcludedPage;
use crate::problem::of_bank;
use crate::route::{bank_path, return_path};
use crate::webhook::BankWebhook;
use form::{Act, CardErrors, CardForm};
use number::Outcome;
use page::{CardPage, ChallengePage, Shown};

/// One payment by card, as its holder comes to it by the link.
pub(crate) struct Payment<'a> {
    pub(crate) provider: &'a MockConsent<MockLedger>,
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

    /// The page that fits: the card's form, the challenge, or what came of it.
    pub(crate) async fn show(&self) -> Answer {
        let house = House::of(self.provider.mock());
        if let Some(conclusion) = self.provider.conclusion(self.session, self.number).await.map_err(of_bank)? {
            let status = self.provider.shown_status(self.session, self.number, self.now()).await.map_err(of_bank)?;
            let taken_back = matches!(status, Status::TakenBack(_));
            let dispute = matches!(status, Status::Settled(_)).then(|| (self.action(), self.token));
            let shown = ConcludedPage::of_card(self.provider.mock(), self.session, conclusion, dispute, taken_back);
            return page(StatusCode::OK, &shown);
        }
        match self.provider.challenged(self.session, self.number).await.map_err(of_bank)? {
            Some(card) => page(StatusCode::OK, &ChallengePage::new(house, self.shown(), card)),
            None => page(StatusCode::OK, &CardPage::new(house, self.shown(), CardErrors::default())),
        }
    }

    /// What the holder pressed. Of what was typed nothing is shown again, and nothing kept but a test card's brand and last four
    /// digits.
    pub(crate) async fn act(&self, form: CardForm) -> Result<Handled, Problem> {
        match form.act()? {
            Act::Pay => match form.check(self.now()) {
                Ok((card, outcome)) => self.pay(card, outcome).await,
                Err(errors) => {
                    let house = House::of(self.provider.mock());
                    let again = CardPage::new(house, self.shown(), errors);
                    Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &again)?.into())
                }
            },
            Act::Challenge(decision) => match self.provider.challenged(self.session, self.number).await {
                Ok(Some(card)) => self.decide(decision, Some(card), return_path(&self.session.id)).await,
                Ok(None) => Ok(self.here()?.into()),
                Err(error) => Err(of_bank(error)),
            },
            Act::Cancel => self.decide(Decision::Decline, None, return_path(&self.session.id)).await,
            Act::Dispute => self.dispute().await,
        }
    }

    async fn pay(&self, card: Card, outcome: Outcome) -> Result<Handled, Problem> {
        let back = return_path(&self.session.id);
        match outcome {
            Outcome::Paid => self.decide(Decision::Approve, Some(card), back).await,
            // The page stays open, and the dispute is on it.
            Outcome::PaidAndDisputable => self.decide(Decision::Approve, Some(card), self.path()).await,
            Outcome::Declined => self.decide(Decision::Refuse, Some(card), back).await,
            Outcome::InsufficientFunds => self.decide(Decision::InsufficientFunds, Some(card), back).await,
            Outcome::Challenged => {
                self.provider.challenge(self.session, self.number, card).await.map_err(of_bank)?;
                Ok(self.here()?.into())
            }
        }
    }

    /// The first decision holds: a holder who asks for another is shown the first, and nothing follows from it.
    async fn decide(&self, decision: Decision, card: Option<Card>, then: String) -> Result<Handled, Problem> {
        let decided = Decided { card, ..Decided::from(decision) };
        match self.provider.decide(self.session, self.number, decided, self.now()).await.map_err(of_bank)? {
            Conclusion::Decided(holds) if holds.decision == decision && holds.card == card => {
                Ok(self.and_webhook(see_other(&then)?))
            }
            Conclusion::Decided(_) | Conclusion::Cancelled => Ok(self.here()?.into()),
        }
    }

    async fn dispute(&self) -> Result<Handled, Problem> {
        let reason = TakenBackReason::Chargeback;
        self.provider.take_back(self.session, self.number, reason, self.now()).await.map_err(of_bank)?;
        Ok(self.and_webhook(self.here()?))
    }

    fn and_webhook(&self, response: Response<Body>) -> Handled {
        let webhook = BankWebhook::about(self.provider, self.session, self.number, self.real_now);
        Handled { response, webhook }
    }

    fn shown(&self) -> Shown<'_> {
        Shown::new(self.session, self.number, self.token)
    }

    /// Where the forms go.
    fn action(&self) -> String {
        bank_path(&self.session.id, self.number, "")
    }

    /// This page.
    fn path(&self) -> String {
        bank_path(&self.session.id, self.number, self.token)
    }

    fn here(&self) -> Answer {
        see_other(&self.path())
    }
}
