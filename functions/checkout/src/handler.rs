//! The routes: each POST changes something or nothing and leads to a GET that shows the truth. Of those the ways to a bank and
//! back record what follows from the bank's word, and no other changes anything.

use api::{ApiError, ErrorShape};
use askama::Template;
use jiff::Timestamp;
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};
use models::{BankId, Locale, Payer, RefundId, Session, SessionEvent, SessionId, Shop};
use pages::{Answer, Compression, Language, Problem, Shell, moved, read_form, see_other};
use payments::{Connections, Payments, Way};
use providers::Availability;
use runtime::{Clock, Random, SettingError};
use store::{Change, ChangeError, Sessions, Shops, StoreError, Table};

use crate::flow::{self, Asks, Choice, Stage};
use crate::form::{BankForm, EmailFor, PayerErrors, PayerForm};
use crate::page::{
    BankPage, ConsentPage, MethodsPage, PayerPage, PendingPage, ProviderPage, ResultPage, Summary, TimeUpPage,
    TransferPage, face, instructions,
};
use crate::paths::{checkout_path, return_path};
use crate::problem::{bank_down, of_begin, of_payment, too_many_attempts, unknown_bank};
use crate::refund::{self, DetailsForm, RefundPages};
use crate::route::{Object, Route};
use crate::view::{Check, Choose, Returned, View};

/// The checkout, and the refunds' pages.
#[derive(Debug)]
pub struct Checkout {
    sessions: Sessions,
    shops: Shops,
    payments: Payments,
    refunds: RefundPages,
    clock: Clock,
    random: Random,
}

/// Who asks: what they read and can unpack.
#[derive(Debug, Clone)]
struct Client {
    accept_language: Option<String>,
    compression: Compression,
}

impl Client {
    fn of(headers: &HeaderMap) -> Self {
        let accept_language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self { accept_language: accept_language.map(str::to_owned), compression: Compression::accepted(headers) }
    }

    /// The session's language, or the client's.
    fn language(&self, session: Option<&Locale>) -> Language {
        Language::choose(session, self.accept_language.as_deref())
    }
}

impl Checkout {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let table = Table::from_env()?;
        let sessions = Sessions::new(table.clone());
        // While there is a whole core to do it with; see `api::Authenticator::start`. A secret is read meanwhile.
        let warm_up = tokio::time::timeout(api::WARM_UP_TIMEOUT, sessions.warm_up());
        let (connections, _) = tokio::join!(Connections::from_env(&Clock::System), warm_up);
        Ok(Self::new(table, connections?, Clock::System, Random::System))
    }

    /// Over this table, by this clock and randomness, at the providers of these connections.
    pub fn new(table: Table, connections: Connections, clock: Clock, random: Random) -> Self {
        Self {
            refunds: RefundPages::new(table.clone(), random.clone()),
            payments: Payments::new(table.clone(), connections, clock.clone(), random.clone()),
            shops: Shops::new(table.clone()),
            sessions: Sessions::new(table),
            clock,
            random,
        }
    }

    /// Answers a request before Lambda's time runs out, if need be with a page that says to try again.
    pub async fn handle_in_time(&self, request: Request) -> Response<Body> {
        let (route, request_id, client) =
            (route_of(&request), api::request_id(&request), Client::of(request.headers()));
        let answer = tokio::time::timeout(api::time_left(&request), self.handle(request)).await;
        answer.unwrap_or_else(|elapsed| {
            let problem = Problem::Unavailable(Box::new(elapsed));
            problem.log(&request_id);
            client.compression.of(problem_page(problem, route.as_ref(), &Shell::nobodys(client.language(None))))
        })
    }

    /// Answers a request; a problem with a page about it.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let (route, request_id, client) =
            (route_of(&request), api::request_id(&request), Client::of(request.headers()));
        let answer = match (moved(&request), &route) {
            (Some(moved), _) => moved,
            (None, Some(route)) => runtime::correlated(&request_id, self.answer(route, &request, &client)).await,
            (None, None) => Err(Problem::unrouted(&request)),
        };
        let response = match answer {
            Ok(response) => response,
            Err(problem) => {
                problem.log(&request_id);
                self.problem(problem, route.as_ref(), &client).await
            }
        };
        client.compression.of(response)
    }

    async fn answer(&self, route: &Route, request: &Request, client: &Client) -> Answer {
        let now = self.clock.now();
        match *route {
            Route::Page(id) => self.show(&self.session(id).await?, &View::of(request.uri().query()), client, now).await,
            Route::Step(id) => see_other(&checkout_path(&self.session(id).await?.id)),
            Route::Payer(id) => self.identify_payer(id, &read_form(request)?, client, now).await,
            Route::ChooseBank(id) => self.choose_bank(id, &read_form(request)?, now).await,
            Route::Cancel(id) => self.cancel(id).await,
            Route::ToBank(id, number) => self.lead_to_bank(&self.session(id).await?, number).await,
            Route::Return(id) => self.come_back(self.session(id).await?, &View::of(request.uri().query())).await,
            Route::ReturnFrom(ref provider) => self.find_way_back(provider, request.uri().query()).await,
            Route::Refund(id) => self.refund(id, None, client, now).await,
            Route::RefundDetails(id) => self.refund(id, Some(&read_form(request)?), client, now).await,
        }
    }

    /// A refund's page, and what its form says.
    async fn refund(&self, id: RefundId, form: Option<&DetailsForm>, client: &Client, now: Timestamp) -> Answer {
        let (refund, session) = self.refunds.find(id).await?;
        let shop = self.shop(&session).await?;
        let shell = &refund::shell_of(&refund, &session, shop.as_ref(), client.language(session.locale.as_ref()));
        match form {
            None => RefundPages::show(&refund, &session, shell, now),
            Some(form) => self.refunds.submit(refund, &session, form, shell, now).await,
        }
    }

    async fn session(&self, id: SessionId) -> Result<Session, Problem> {
        self.sessions.get(&id).await?.ok_or(Problem::NotFound)
    }

    /// The shop where it is paid, if its merchant said anything of it. One that can't be read keeps nobody from paying.
    async fn shop(&self, session: &Session) -> Result<Option<Shop>, Problem> {
        match self.shops.get(&session.merchant_id).await {
            Err(error @ StoreError::Unreadable { .. }) => {
                tracing::error!(session_id = %session.id, %error, "the page is shown without the shop");
                Ok(None)
            }
            found => Ok(found?),
        }
    }

    /// The page that fits the session's state.
    async fn show(&self, session: &Session, view: &View, client: &Client, now: Timestamp) -> Answer {
        let stage = flow::stage(session, now);
        let shop = self.shop(session).await?;
        let shell = &shell_of(session, shop.as_ref(), client);
        let summary = Summary::new(session, shell, stage);
        let mut response = match instructions(session, stage, view) {
            Some(to) => {
                ok(shell, &TransferPage::new(shell, summary, to, &self.payments.known_offers(session), view, now))
            }
            None => self.show_stage(session, stage, view, (shell, summary), now).await,
        }?;
        if view.check == Check::Auto
            && let Some(refresh) = flow::refresh(session, now)
        {
            let refresh = HeaderValue::try_from(refresh).map_err(|error| Problem::Internal(Box::new(error)))?;
            response.headers_mut().insert(header::REFRESH, refresh);
        }
        Ok(response)
    }

    /// The page of a stage, where the payer makes no transfer.
    async fn show_stage(
        &self,
        session: &Session,
        stage: Stage,
        view: &View,
        (shell, summary): (&Shell<'_>, Summary<'_>),
        now: Timestamp,
    ) -> Answer {
        match stage {
            Stage::Payer => {
                let (blank, email_for) = (PayerForm::default(), self.email_for(session));
                ok(shell, &PayerPage::new(shell, summary, email_for, &blank, PayerErrors::default()))
            }
            Stage::Consent if view.choose == Choose::No => {
                ok(shell, &ConsentPage::new(shell, summary, &self.payments.known_offers(session)))
            }
            Stage::Bank | Stage::Consent => {
                let offers = &self.payments.offers(session).await;
                match flow::asks(session, offers, view) {
                    Asks::Provider => ok(shell, &BankPage::new(shell, summary, offers, view)),
                    Asks::Method => ok(shell, &MethodsPage::new(shell, summary, offers)),
                    Asks::Nothing => ok(shell, &ProviderPage::new(shell, summary, offers)),
                }
            }
            Stage::TimeUp => {
                ok(shell, &TimeUpPage::new(shell, summary, &self.payments.known_offers(session), view, now))
            }
            Stage::Pending => {
                ok(shell, &PendingPage::new(shell, summary, &self.payments.known_offers(session), view, now))
            }
            Stage::Sent => ok(shell, &ResultPage::sent(shell, summary, &self.payments.known_offers(session), now)),
            Stage::NotSent(cause) => {
                ok(shell, &ResultPage::not_sent(shell, summary, cause, &self.payments.known_offers(session), now))
            }
        }
    }

    async fn identify_payer(&self, id: SessionId, form: &PayerForm, client: &Client, now: Timestamp) -> Answer {
        let session = self.session(id).await?;
        if flow::stage(&session, now) == Stage::Payer {
            let texts = &client.language(session.locale.as_ref()).texts().checkout;
            let email_for = self.email_for(&session);
            match form.check(session.payer.as_ref(), email_for, texts) {
                Ok(payer) => {
                    self.record_payer(id, &payer).await?;
                }
                Err(errors) => {
                    let shop = self.shop(&session).await?;
                    let shell = &shell_of(&session, shop.as_ref(), client);
                    let summary = Summary::new(&session, shell, Stage::Payer);
                    let asks_again = PayerPage::new(shell, summary, email_for, form, errors);
                    return shell.page(StatusCode::UNPROCESSABLE_ENTITY, &asks_again);
                }
            }
        }
        see_other(&checkout_path(&session.id))
    }

    fn email_for(&self, session: &Session) -> EmailFor {
        EmailFor::of(session, self.payments.needs_contact(session))
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
            Choice::TooMany => return Err(too_many_attempts()),
            Choice::Begin => {
                let bank: BankId = form.bank.parse().map_err(|_| unknown_bank())?;
                match self.payments.offer(&session, &bank).await.map(|offer| offer.availability) {
                    Some(Availability::Available) => {}
                    Some(Availability::Down(_)) => return Err(bank_down()),
                    None => return Err(unknown_bank()),
                }
                self.payments.begin(&session, bank, form.attempt).await.map_err(of_begin)?
            }
        };
        see_other(&flow::destination(&session, form.attempt, now))
    }

    async fn cancel(&self, id: SessionId) -> Answer {
        let session = self.payments.end_by(id, SessionEvent::CancelledByPayer).await.map_err(of_payment)?;
        let session = session.ok_or(Problem::NotFound)?;
        // Browsers hold the redirects of a form to our own pages, and the shop's page is another's: the next one leads there.
        let leads_on = if flow::way_on(&session, self.clock.now()).is_some() { "?check=auto" } else { "" };
        see_other(&format!("{}{leads_on}", checkout_path(&session.id)))
    }

    /// The payer goes to a bank whose link is for them alone, as often as they like.
    async fn lead_to_bank(&self, session: &Session, number: u8) -> Answer {
        match self.payments.way_to_provider(session, number).await.map_err(of_payment)? {
            Way::Provider(link) => see_other(link.reveal()),
            Way::Page => see_other(&checkout_path(&session.id)),
        }
    }

    /// The payer comes back from a provider, in whichever browser, or asks where it stands; that proves nothing, and the provider
    /// is asked. What is final leads on to the shop at once; opened again, the session's own page shows it. A page that checks by
    /// itself goes on doing so.
    async fn come_back(&self, session: Session, view: &View) -> Answer {
        if let Some(way_on) = flow::way_on(&session, self.clock.now()) {
            return see_other(&way_on);
        }
        self.payments.follow_up(&session).await.map_err(of_payment)?;
        let (session, now) = (self.session(session.id).await?, self.clock.now());
        see_other(&flow::way_on(&session, now).unwrap_or_else(|| match view.check {
            Check::Asked => checkout_path(&session.id),
            Check::Auto => format!("{}?check=auto", checkout_path(&session.id)),
        }))
    }

    /// The payer comes back from a provider that has one address for all of them, and says which payment is theirs. What else it
    /// sends along proves nothing.
    async fn find_way_back(&self, provider: &BankId, query: Option<&str>) -> Answer {
        let Returned { payment_id } = Returned::of(query).ok_or(Problem::NotFound)?;
        let session_id = self.payments.session_of_provider(provider, &payment_id).await.map_err(of_payment)?;
        see_other(&return_path(&session_id.ok_or(Problem::NotFound)?))
    }

    /// The page that says what could not be done: the shop's own, with where it answers questions, if whose page it is can be
    /// found out.
    async fn problem(&self, problem: Problem, route: Option<&Route>, client: &Client) -> Response<Body> {
        let asks_the_table = !matches!(problem, Problem::NotFound | Problem::Unavailable(_) | Problem::Internal(_));
        let found = match route.and_then(Route::object).filter(|_| asks_the_table) {
            Some(object) => self.owner(object).await.ok(),
            None => None,
        };
        match &found {
            Some((session, shop)) => problem_page(problem, route, &shell_of(session, shop.as_ref(), client)),
            None => problem_page(problem, route, &Shell::nobodys(client.language(None))),
        }
    }

    /// The session that something is about, and its shop.
    async fn owner(&self, object: Object) -> Result<(Session, Option<Shop>), Problem> {
        let session = match object {
            Object::Session(id) => self.session(id).await?,
            Object::Refund(id) => self.refunds.find(id).await?.1,
        };
        let shop = self.shop(&session).await?;
        Ok((session, shop))
    }
}

fn shell_of<'a>(session: &'a Session, shop: Option<&'a Shop>, client: &Client) -> Shell<'a> {
    Shell::of(face(session, shop), session.mode, client.language(session.locale.as_ref()))
}

/// The page for what can't be read as a request.
pub fn refuse(_: &ApiError, _: ErrorShape) -> Response<Body> {
    problem_page(Problem::Malformed, None, &Shell::nobodys(Language::English))
}

fn route_of(request: &Request) -> Option<Route> {
    Route::of(request.method(), request.uri().path())
}

fn problem_page(problem: Problem, route: Option<&Route>, shell: &Shell<'_>) -> Response<Body> {
    problem.into_page(shell, route.and_then(|route| route.back(&shell.texts().problems)))
}

/// A page with the status 200.
fn ok(shell: &Shell<'_>, template: &impl Template) -> Answer {
    shell.page(StatusCode::OK, template)
}

#[cfg(test)]
mod tests;
