//! The routes. A page changes nothing; a form writes to the bank's ledger alone, never to a session.

use api::{ApiError, ErrorShape};
use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use models::{Mode, Session, SessionState, TransferId};
use pages::{Answer, Compression, Problem, moved, read_form, see_other};
use providers::mock::{Arrived, Conclusion, Decided, MockPage, arrive};
use providers::{MockConnector, Providers, can_pay};
use runtime::{Clock, Metric, Random, SettingError};
use store::{MockLedger, Sessions, Table};

use crate::card;
use crate::form::{DecisionForm, LinkForm};
use crate::handled::Handled;
use crate::house::page;
use crate::mandate::{self, MandateForm};
use crate::page::{ClosedPage, ConcludedPage, DecidePage};
use crate::plan::{PlanConcludedPage, PlanPage};
use crate::problem::{of_bank, problem_page};
use crate::route::{Route, bank_path, checkout_path, return_path};
use crate::transfer::{TransferForm, TransferPage, TransferredPage};
use crate::webhook::BankWebhook;

/// The mock banks.
#[derive(Debug)]
pub struct Mocks {
    sessions: Sessions,
    providers: Providers<MockLedger>,
    ledger: MockLedger,
    local_live: bool,
    clock: Clock,
    random: Random,
}

impl Mocks {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let mocks = Self::new(Table::from_env()?, runtime::local_live_connector(), Clock::System, Random::System);
        // While there is a whole core to do it with; see `api::Authenticator::start`.
        let _ = tokio::time::timeout(api::WARM_UP_TIMEOUT, mocks.sessions.warm_up()).await;
        Ok(mocks)
    }

    /// Over this table, by this clock and randomness; `local_live` is whether they stand in for live banks.
    pub fn new(table: Table, local_live: bool, clock: Clock, random: Random) -> Self {
        Self {
            sessions: Sessions::new(table.clone()),
            providers: Providers::new(MockLedger::new(table.clone()), local_live),
            ledger: MockLedger::new(table),
            local_live,
            clock,
            random,
        }
    }

    /// Answers a request before Lambda's time runs out, if need be with a page that says to try again. The bank's webhook is
    /// sent before the payer is sent back.
    pub async fn handle_in_time(&self, request: Request) -> Response<Body> {
        let (route, request_id, time_left) = (route_of(&request), api::request_id(&request), api::time_left(&request));
        let compression = Compression::accepted(request.headers());
        let answer = async {
            let Handled { response, webhook } = self.handle(request).await;
            if let Some(webhook) = webhook {
                webhook.send().await;
            }
            response
        };
        let answer = tokio::time::timeout(time_left, answer).await;
        answer.unwrap_or_else(|elapsed| {
            compression.of(sorry(&Problem::Unavailable(Box::new(elapsed)), route, &request_id))
        })
    }

    /// Answers a request; a problem with a page about it. What the bank sends besides is up to the caller.
    pub async fn handle(&self, request: Request) -> Handled {
        let (route, request_id) = (route_of(&request), api::request_id(&request));
        let handled = match (moved(&request), route) {
            (Some(moved), _) => moved.map(Handled::from),
            (None, Some(route)) => runtime::correlated(&request_id, self.answer(route, &request)).await,
            (None, None) => Err(Problem::unrouted(&request)),
        };
        let Handled { response, webhook } =
            handled.unwrap_or_else(|problem| sorry(&problem, route, &request_id).into());
        Handled { response: Compression::accepted(request.headers()).of(response), webhook }
    }

    async fn answer(&self, route: Route, request: &Request) -> Result<Handled, Problem> {
        let session = self.session(route).await?;
        let real_now = self.clock.now();
        let now = session.now(real_now);
        match route {
            Route::Show(_, number) => {
                let token = token_of(request.uri().query());
                Ok(self.show(&session, number, token, now).await?.into())
            }
            Route::ShowTransfer(_) => {
                let typed = TransferForm::of(&session, TransferId::new(self.random.uuid_v4()));
                Ok(TransferPage::new(&session, &typed, Vec::new()).answer()?.into())
            }
            Route::Transfer(_) => self.transfer(&session, &read_form(request)?, now).await,
            Route::Decide(_, number) => {
                let LinkForm { token } = read_form(request)?;
                let Some(bank) = self.bank(&session, number, &token, now)? else {
                    return Ok(see_other(&return_path(&session.id))?.into());
                };
                if let (MockConnector::MockConsent(provider), MockPage::Card) = (&bank, bank.mock().page) {
                    let payment = card::Payment { provider, session: &session, number, token: &token, real_now };
                    return payment.act(read_form(request)?).await;
                }
                if let (MockConnector::MockConsent(provider), MockPage::Mandate(scheme)) = (&bank, bank.mock().page) {
                    let form: MandateForm = read_form(request)?;
                    let token = &token;
                    let payment = mandate::Payment { provider, scheme, session: &session, number, token, real_now };
                    return payment.act(&form).await;
                }
                let decided = read_form::<DecisionForm>(request)?.check()?;
                self.decide(&bank, &session, number, &token, decided, now).await
            }
        }
    }

    /// The session that a route is about: a test session, unless the mock banks stand in for live ones.
    async fn session(&self, route: Route) -> Result<Session, Problem> {
        let session = self.sessions.get(&route.session_id()).await?;
        let served = |session: &Session| match route {
            Route::Show(..) | Route::Decide(..) => can_pay(session.mode, self.local_live),
            // No live session is offered a transfer.
            Route::ShowTransfer(_) | Route::Transfer(_) => session.mode == Mode::Test,
        };
        session.filter(served).ok_or(Problem::NotFound)
    }

    /// Somebody makes a transfer, to whatever reference.
    async fn transfer(&self, session: &Session, form: &TransferForm, now: Timestamp) -> Result<Handled, Problem> {
        let transfer = match form.check() {
            Ok(transfer) => transfer,
            Err(errors) => return Ok(TransferPage::new(session, form, errors).answer()?.into()),
        };
        let arrived = arrive(&self.ledger, &transfer, now, self.clock.now()).await.map_err(of_bank)?;
        let response = ok(&TransferredPage::new(session, &transfer, &arrived))?;
        let webhook = match arrived {
            Arrived::AtPayment { event, base_url } => Some(BankWebhook { base_url, event }),
            Arrived::Unmatched => {
                // Where there is a live provider of transfers, its webhook says so.
                tracing::error!(transfer_id = %transfer.id, "a transfer matches no payment");
                Metric::UnmatchedMoney.count();
                None
            }
        };
        Ok(Handled { response, webhook })
    }

    async fn show(&self, session: &Session, number: u8, token: &str, now: Timestamp) -> Answer {
        let real_now = self.clock.now();
        let Some(bank) = self.bank(session, number, token, now)? else { return ok(&ClosedPage::new(session, now)) };
        if let (MockConnector::MockConsent(provider), MockPage::Card) = (&bank, bank.mock().page) {
            return card::Payment { provider, session, number, token, real_now }.show().await;
        }
        if let (MockConnector::MockConsent(provider), MockPage::Mandate(scheme)) = (&bank, bank.mock().page) {
            return mandate::Payment { provider, scheme, session, number, token, real_now }.show().await;
        }
        let by_plan = bank.mock().page == MockPage::Plan;
        match bank.conclusion(session, number).await.map_err(of_bank)? {
            Some(conclusion) if by_plan => ok(&PlanConcludedPage::new(bank.mock(), session, conclusion)),
            Some(conclusion) => ok(&ConcludedPage::new(bank.mock(), session, conclusion)),
            None if by_plan => ok(&PlanPage::new(bank.mock(), session, number, token)),
            None => ok(&DecidePage::new(bank.mock(), session, number, token)),
        }
    }

    /// The payer decides, and goes back. The first decision holds: a payer who asks for another is shown the first, and nothing
    /// follows from it.
    async fn decide(
        &self,
        bank: &MockConnector<MockLedger>,
        session: &Session,
        number: u8,
        token: &str,
        decided: Decided,
        now: Timestamp,
    ) -> Result<Handled, Problem> {
        match bank.decide(session, number, decided, now).await.map_err(of_bank)? {
            Conclusion::Decided(holds) if holds.decision == decided.decision => {
                let response = see_other(&return_path(&session.id))?;
                Ok(Handled { response, webhook: BankWebhook::of(bank, session, number, self.clock.now()) })
            }
            Conclusion::Decided(_) | Conclusion::Cancelled => {
                Ok(see_other(&bank_path(&session.id, number, token))?.into())
            }
        }
    }

    /// The bank that knows attempt `number`; none if it is another's by now. Where money moves at consent, the bank knows an
    /// attempt by the link that it gave the payer, and goes by nothing else. Elsewhere it knows of none: the session has to
    /// await the payer's consent.
    ///
    /// # Errors
    /// 404 without the right link.
    fn bank(
        &self,
        session: &Session,
        number: u8,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<MockConnector<MockLedger>>, Problem> {
        let latest = session.attempt.as_ref().filter(|attempt| attempt.number == number);
        let Some(bank) = latest.and_then(|attempt| self.providers.find(&attempt.bank, session.mode)) else {
            return Ok(None);
        };
        match &bank {
            MockConnector::MockBank(_) => {
                Ok((session.state_at(now) == SessionState::AwaitingPaymentConsent).then_some(bank))
            }
            MockConnector::MockConsent(consent) if consent.is_link_token(session, number, token) => Ok(Some(bank)),
            // There is nothing to decide where the payer makes a transfer.
            MockConnector::MockConsent(_) | MockConnector::MockTransfer(_) => Err(Problem::NotFound),
        }
    }
}

/// The token in a link; empty if there is none.
fn token_of(query: Option<&str>) -> &str {
    query.unwrap_or_default().split('&').find_map(|parameter| parameter.strip_prefix("token=")).unwrap_or_default()
}

/// The page for what can't be read as a request.
pub fn refuse(_: &ApiError, _: ErrorShape) -> Response<Body> {
    problem_page(&Problem::Malformed, None)
}

fn route_of(request: &Request) -> Option<Route> {
    Route::of(request.method(), request.uri().path())
}

/// Logs a problem and makes the page about it.
fn sorry(problem: &Problem, route: Option<Route>, request_id: &str) -> Response<Body> {
    problem.log(request_id);
    problem_page(problem, route.map(|route| checkout_path(&route.session_id())))
}

/// A page with the status 200.
fn ok(template: &impl Template) -> Answer {
    page(StatusCode::OK, template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_a_token_or_none() {
        assert_eq!(token_of(Some("token=a1")), "a1");
        assert_eq!(token_of(Some("x=1&token=a1&token=b2")), "a1");
        for query in [None, Some(""), Some("token"), Some("xtoken=1"), Some("token=")] {
            assert_eq!(token_of(query), "", "{query:?}");
        }
    }
}
