//! The routes. A page changes nothing; a form writes to the bank's ledger alone, never to a session.

use api::{ApiError, ErrorShape};
use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use models::{Mode, PaymentAttempt, Session, SessionState};
use providers::mock::MockBank;
use providers::{Connector, Providers};
use runtime::{Clock, SettingError};
use store::{MockLedger, Sessions, Table};

use crate::answer::{Answer, Problem, page, permanently_at, see_other};
use crate::form::DecisionForm;
use crate::page::{ClosedPage, DecidePage, DecidedPage};
use crate::route::{Route, bank_path, checkout_path, return_path};

/// The mock banks.
#[derive(Debug)]
pub struct Mocks {
    sessions: Sessions,
    providers: Providers<MockLedger>,
    local_live: bool,
    clock: Clock,
}

impl Mocks {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let mocks = Self::new(Table::from_env()?, runtime::local_live_connector(), Clock::System);
        // While there is a whole core to do it with; see `api::Authenticator::start`.
        let _ = tokio::time::timeout(api::WARM_UP_TIMEOUT, mocks.sessions.warm_up()).await;
        Ok(mocks)
    }

    /// Over this table, by this clock; `local_live` is whether they stand in for live banks.
    pub fn new(table: Table, local_live: bool, clock: Clock) -> Self {
        Self {
            sessions: Sessions::new(table.clone()),
            providers: Providers::new(MockLedger::new(table), local_live),
            local_live,
            clock,
        }
    }

    /// Answers a request before Lambda's time runs out, if need be with a page that says to try again.
    pub async fn handle_in_time(&self, request: Request) -> Response<Body> {
        let (route, request_id) = (route_of(&request), api::request_id(&request));
        let answer = tokio::time::timeout(api::time_left(&request), self.handle(request)).await;
        answer.unwrap_or_else(|elapsed| problem_page(Problem::Unavailable(Box::new(elapsed)), route, &request_id))
    }

    /// Answers a request; a problem with a page about it.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let (route, request_id) = (route_of(&request), api::request_id(&request));
        let answer = match route {
            Some(route) => runtime::correlated(&request_id, self.answer(route, &request)).await,
            None => unrouted(&request),
        };
        answer.unwrap_or_else(|problem| problem_page(problem, route, &request_id))
    }

    async fn answer(&self, route: Route, request: &Request) -> Answer {
        let now = self.clock.now();
        match route {
            Route::Show(_, number) => self.show(&self.session(route).await?, number, now).await,
            Route::Decide(_, number) => {
                let form = DecisionForm::read(request)?;
                self.decide(route, number, &form, now).await
            }
        }
    }

    /// The session that a route is about: a test session, unless the mock banks stand in for live ones.
    async fn session(&self, route: Route) -> Result<Session, Problem> {
        let session = self.sessions.get(&route.session_id()).await?;
        session.filter(|session| session.mode == Mode::Test || self.local_live).ok_or(Problem::NotFound)
    }

    async fn show(&self, session: &Session, number: u8, now: Timestamp) -> Answer {
        let Some(bank) = self.open_at(session, number, now) else { return ok(&ClosedPage::new(session, now)) };
        match bank.decided(session, number).await? {
            Some(decided) => ok(&DecidedPage::new(session, decided.decision)),
            None => ok(&DecidePage::new(session, number)),
        }
    }

    /// The payer decides, and goes back. The first decision holds: whoever asks for another is shown what holds, and nothing
    /// follows from it.
    async fn decide(&self, route: Route, number: u8, form: &DecisionForm, now: Timestamp) -> Answer {
        let decided = form.check()?;
        let session = self.session(route).await?;
        if let Some(bank) = self.open_at(&session, number, now) {
            let holds = bank.decide(&session, number, decided).await?;
            if holds.decision != decided.decision {
                return see_other(&bank_path(&session.id, number));
            }
        }
        see_other(&return_path(&session.id))
    }

    /// The bank of attempt `number`, if that is open.
    fn open_at(&self, session: &Session, number: u8, now: Timestamp) -> Option<MockBank<MockLedger>> {
        let attempt = open_attempt(session, number, now)?;
        let Connector::MockBank(bank) = self.providers.find(&attempt.bank, session.mode)? else { return None };
        Some(bank)
    }
}

/// Attempt `number`, if it is the session's latest, and the session awaits the payer's consent to it.
fn open_attempt(session: &Session, number: u8, now: Timestamp) -> Option<&PaymentAttempt> {
    let latest = session.attempt.as_ref().filter(|attempt| attempt.number == number)?;
    (session.state_at(now) == SessionState::AwaitingPaymentConsent).then_some(latest)
}

/// The page for what can't be read as a request.
pub fn refuse(_: &ApiError, _: ErrorShape) -> Response<Body> {
    Problem::Malformed.into_page(None)
}

fn route_of(request: &Request) -> Option<Route> {
    Route::of(request.method(), request.uri().path())
}

fn problem_page(problem: Problem, route: Option<Route>, request_id: &str) -> Response<Body> {
    problem.log(request_id);
    problem.into_page(route.map(|route| checkout_path(&route.session_id())))
}

/// What has no route: the way to it without the slash at its end, if that has one; else what is wrong with it.
fn unrouted(request: &Request) -> Answer {
    let path = request.uri().path();
    match path.strip_suffix('/').filter(|path| Route::of(request.method(), path).is_some()) {
        Some(path) => permanently_at(path),
        None => Err(api::other_methods(request).map_or(Problem::NotFound, Problem::MethodNotAllowed)),
    }
}

/// A page with the status 200.
fn ok(template: &impl Template) -> Answer {
    page(StatusCode::OK, template)
}

#[cfg(test)]
mod tests {
    use models::SessionEvent as E;
    use samples::{NOW, later};

    use super::*;

    #[test]
    fn the_latest_attempt_alone_is_open_and_while_consent_is_awaited() {
        let chosen = [E::PayerIdentified, E::BankChosen];
        for (more, open) in [
            (&[][..], true),
            (&[E::CancelledByPayer], false),
            (&[E::DeclinedByPayer], false),
            (&[E::ConsentGiven], false),
            (&[E::ConsentGiven, E::Settled], false),
        ] {
            let session = samples::session_after(&[&chosen, more].concat());
            assert_eq!(open_attempt(&session, 1, NOW).is_some(), open, "{more:?}");
            assert!(open_attempt(&session, 0, NOW).is_none() && open_attempt(&session, 2, NOW).is_none(), "{more:?}");
            assert!(open_attempt(&session, 1, later(86_400)).is_none(), "{more:?}");
        }
        assert!(open_attempt(&samples::session_after(&[E::PayerIdentified]), 0, NOW).is_none());
    }
}
