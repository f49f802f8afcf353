//! The routes: each POST changes something or nothing and leads to a GET that shows the truth; no GET changes anything.

use api::{ApiError, ErrorShape};
use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use models::{BankId, Payer, Session, SessionEvent, SessionId};
use payments::{Payments, Way};
use providers::Availability;
use runtime::{Clock, Random, SettingError};
use store::{Change, ChangeError, Sessions, Table};

use crate::answer::{Answer, Problem, page, permanently_at, see_other};
use crate::flow::{self, Choice, Stage};
use crate::form::{self, BankForm, PayerErrors, PayerForm};
use crate::page::{BankPage, ConsentPage, PayerPage, PendingPage, ResultPage, TimeUpPage};
use crate::paths::checkout_path;
use crate::refund::RefundPages;
use crate::route::Route;

/// The checkout, and the refunds' pages.
#[derive(Debug)]
pub struct Checkout {
    sessions: Sessions,
    payments: Payments,
    refunds: RefundPages,
    clock: Clock,
    random: Random,
}

impl Checkout {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let checkout = Self::new(Table::from_env()?, runtime::local_live_connector(), Clock::System, Random::System);
        // While there is a whole core to do it with; see `api::Authenticator::start`.
        let _ = tokio::time::timeout(api::WARM_UP_TIMEOUT, checkout.sessions.warm_up()).await;
        Ok(checkout)
    }

    /// Over this table, by this clock and randomness; `local_live` is whether the mock bank stands in for a live one.
    pub fn new(table: Table, local_live: bool, clock: Clock, random: Random) -> Self {
        Self {
            refunds: RefundPages::new(table.clone(), random.clone()),
            payments: Payments::new(table.clone(), local_live, clock.clone(), random.clone()),
            sessions: Sessions::new(table),
            clock,
            random,
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
            Route::Page(id) => self.show(&self.session(id).await?, now),
            Route::Step(id) => see_other(&checkout_path(&self.session(id).await?.id)),
            Route::Payer(id) => self.identify_payer(id, &form::read(request)?, now).await,
            Route::ChooseBank(id) => self.choose_bank(id, &form::read(request)?, now).await,
            Route::Cancel(id) => self.cancel(id).await,
            Route::ToBank(id, number) => self.lead_to_bank(&self.session(id).await?, number).await,
            Route::Return(id) => self.come_back(&self.session(id).await?).await,
            Route::Refund(id) => self.refunds.show(id, now).await,
            Route::RefundDetails(id) => self.refunds.submit(id, &form::read(request)?, now).await,
        }
    }

    async fn session(&self, id: SessionId) -> Result<Session, Problem> {
        self.sessions.get(&id).await?.ok_or(Problem::NotFound)
    }

    /// The page that fits the session's state.
    fn show(&self, session: &Session, now: Timestamp) -> Answer {
        match flow::stage(session, now) {
            Stage::Payer => ok(&PayerPage::new(session, &PayerForm::default(), PayerErrors::default())),
            Stage::Bank => ok(&BankPage::new(session, &self.payments.offers(session))),
            Stage::Consent => ok(&ConsentPage::new(session, &self.payments.offers(session))),
            Stage::TimeUp => ok(&TimeUpPage::new(session, &self.payments.offers(session), now)),
            Stage::Pending => ok(&PendingPage::new(session, now)),
            Stage::Sent => ok(&ResultPage::sent(session, now)),
            Stage::NotSent(cause) => ok(&ResultPage::not_sent(session, cause, now)),
        }
    }

    async fn identify_payer(&self, id: SessionId, form: &PayerForm, now: Timestamp) -> Answer {
        let session = self.session(id).await?;
        if flow::stage(&session, now) == Stage::Payer {
            match form.check(session.payer.as_ref(), session.email_receipt) {
                Ok(payer) => {
                    self.record_payer(id, &payer).await?;
                }
                Err(errors) => {
                    return page(StatusCode::UNPROCESSABLE_ENTITY, &PayerPage::new(&session, form, errors));
                }
            }
        }
        see_other(&checkout_path(&session.id))
    }

    /// If another request was first, its payer holds.
    async fn record_payer(&self, id: SessionId, payer: &Payer) -> Result<(), Problem> {
        let (event, at, write_id) = (SessionEvent::PayerIdentified, self.clock.now(), self.random.write_id());
        match self.sessions.identify_payer(Change { session_id: id, event, at, write_id }, payer).await {
            Ok(_) => tracing::info!(session_id = %id, event = event.as_str(), "recorded"),
            Err(ChangeError::Refused(_)) => {}
            Err(ChangeError::NotFound) => return Err(Problem::NotFound),
            Err(ChangeError::Store(error)) => return Err(error.into()),
        }
        Ok(())
    }

    async fn choose_bank(&self, id: SessionId, form: &BankForm, now: Timestamp) -> Answer {
        let session = self.session(id).await?;
        let session = match flow::choice(&session, form.attempt, now) {
            Choice::Past => session,
            Choice::TooMany => return Err(Problem::TooManyAttempts),
            Choice::Begin => {
                let bank: BankId = form.bank.parse().map_err(|_| Problem::UnknownBank)?;
                let offers = self.payments.offers(&session);
                match offers.iter().find(|offer| offer.id == bank).map(|offer| offer.availability) {
                    Some(Availability::Available) => {}
                    Some(Availability::Down(_)) => return Err(Problem::BankDown),
                    None => return Err(Problem::UnknownBank),
                }
                self.payments.begin(&session, bank, form.attempt).await?
            }
        };
        see_other(&flow::destination(&session, form.attempt, now))
    }

    async fn cancel(&self, id: SessionId) -> Answer {
        let session = self.payments.end_by(id, SessionEvent::CancelledByPayer).await?.ok_or(Problem::NotFound)?;
        see_other(&checkout_path(&session.id))
    }

    /// The payer goes to a bank whose link is for them alone, as often as they like.
    async fn lead_to_bank(&self, session: &Session, number: u8) -> Answer {
        match self.payments.way_to_provider(session, number).await? {
            Way::Provider(link) => see_other(link.reveal()),
            Way::Page => see_other(&checkout_path(&session.id)),
        }
    }

    /// The payer comes back from a provider, in whichever browser; that proves nothing, and the provider is asked.
    async fn come_back(&self, session: &Session) -> Answer {
        self.payments.follow_up(session).await?;
        see_other(&checkout_path(&session.id))
    }
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
    problem.into_page(route.map(Route::back))
}

/// What has no route: the way to it without the slash at its end, if that has one; else what is wrong with it.
fn unrouted(request: &Request) -> Answer {
    let uri = request.uri();
    if let Some(path) = uri.path().strip_suffix('/')
        && Route::of(request.method(), path).is_some()
    {
        return match uri.query().filter(|query| query.is_ascii()) {
            Some(query) => permanently_at(&format!("{path}?{query}")),
            None => permanently_at(path),
        };
    }
    Err(api::other_methods(request).map_or(Problem::NotFound, Problem::MethodNotAllowed))
}

/// A page with the status 200.
fn ok(template: &impl Template) -> Answer {
    page(StatusCode::OK, template)
}

#[cfg(test)]
mod tests;
