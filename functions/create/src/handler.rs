//! Credentials, rules, one conditional write, the answer.

use api::{
    Answer, ApiError, Authenticator, Caller, Format, Formats, IdempotencyKey, Json, Refusal, Route, SessionRequest,
    Violation,
};
use lambda_http::Request;
use models::{AmountCaps, Creation, EndToEndId, Mode, NewSession, OnClock, Session, SessionId};
use providers::VirtualAccount;
use runtime::{Clock, Random, SettingError};
use store::{Created, Customers, Fingerprint, Merchants, Sessions, Table, TestClocks};

/// How often a session is given its test clock's time, if that is advanced meanwhile.
const READS_OF_A_CLOCK: usize = 4;

/// Creates payment sessions.
#[derive(Debug)]
pub struct Create {
    authenticator: Authenticator,
    sessions: Sessions,
    customers: Customers,
    test_clocks: TestClocks,
    clock: Clock,
    random: Random,
    settings: Settings,
}

/// What the operator decides.
#[derive(Debug)]
pub struct Settings {
    /// Where payers reach the checkout; the request's own domain if there is none.
    pub public_base_url: Option<String>,
    /// The most that a payment may be.
    pub caps: AmountCaps,
    /// The formats in which sessions may be created.
    pub formats: Formats,
    /// Whether anything moves the money of live sessions, or stands in for it.
    pub live_payments: bool,
    /// Whether the mock banks stand in for a live connector; only `local` says so.
    pub local_live: bool,
}

impl Create {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let settings = Settings {
            public_base_url: runtime::optional("PUBLIC_BASE_URL"),
            caps: api::amount_caps_from_env()?,
            formats: Formats::from_env()?,
            live_payments: runtime::live_payments(),
            local_live: runtime::local_live_connector(),
        };
        Ok(Self::new(Table::from_env()?, Clock::System, Random::System, settings).await)
    }

    /// Over this table, by this clock and randomness.
    pub async fn new(table: Table, clock: Clock, random: Random, settings: Settings) -> Self {
        Self {
            authenticator: Authenticator::start(Merchants::new(table.clone()), clock.clone()).await,
            sessions: Sessions::new(table.clone()),
            customers: Customers::new(table.clone()),
            test_clocks: TestClocks::new(table),
            clock,
            random,
            settings,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let Some(Route::CreateSession) = Route::of(&request) else { return Err(api::unrouted(&request).into()) };
        let format = Format::of(&request);
        self.settings.formats.check(format)?;
        let (mode, at) = (caller.mode(), self.clock.now());
        if !providers::can_pay(mode, self.settings.live_payments) {
            return Err(no_live_connector(mode).into());
        }
        let idempotency_key = IdempotencyKey::of(&request, format)?;
        let body = api::json_body(&request)?;
        let (id, fingerprint) = match &idempotency_key {
            Some(key) => (key.session_id(&caller.merchant, mode, format), Some(format.fingerprint(&request, &body)?)),
            None => (SessionId::new(self.random.uuid_v7(at)), None),
        };
        let (new, on_clock) = match self.read(&request, &body, id, &caller, format).await {
            Ok(read) => read,
            // What was created once is answered again, even if the rules, the linked accounts, the registered URLs or the customer
            // have changed since.
            Err(ApiError::Refused(
                refusal @ (Refusal::Invalid(_) | Refusal::Unknown(_) | Refusal::InvalidAppUrl(_)),
            )) if fingerprint.is_some() => {
                return match self.sessions.created(&id).await? {
                    Some(Created::Existing(session, first)) if first == fingerprint => replay(*session, format),
                    Some(_) | None => Err(refusal.into()),
                };
            }
            Err(error) => return Err(error),
        };
        let base_url = self.settings.public_base_url.clone().or_else(|| api::base_url(&request));
        let creation = Creation {
            id,
            end_to_end_id: EndToEndId::new(self.random.uuid_v4()),
            merchant_id: caller.merchant.id.clone(),
            mode,
            list_shard: caller.merchant.list_sharding.shard_of(&id, at),
            at,
            test_clock: None,
            base_url: base_url.ok_or_else(|| Refusal::BadRequest("the Host header is missing".to_owned()))?,
            write_id: self.random.write_id(),
        };
        let created = match on_clock {
            None => self.create(Session::create(new, creation), fingerprint, format).await?,
            Some(on_clock) => Box::pin(self.create_on_clock(on_clock, &new, &creation, fingerprint)).await?,
        };
        match created {
            Created::New(session) => {
                tracing::info!(request_id = api::request_id(&request), session_id = %session.id, key_id = %caller.key_id, "created");
                format.session_created(&session)
            }
            Created::Existing(session, first) if first == fingerprint => replay(*session, format),
            Created::Existing(..) | Created::Deleted => Err(Refusal::IdempotencyConflict.into()),
            Created::NotOnClock(clock) => Err(api::not_on_clock(clock.as_deref()).into()),
        }
    }

    /// Creates a session. Where the answer says to which account of its own money is to be transferred, its first attempt is begun
    /// with it: somebody may send money at once, and no page of ours has to be opened for it.
    async fn create(
        &self,
        session: Session,
        fingerprint: Option<Fingerprint>,
        format: Format,
    ) -> Result<Created, ApiError> {
        match providers::virtual_account(&session).filter(|_| format.begins_transfer(&session)) {
            None => Ok(self.sessions.create(session, fingerprint).await?),
            Some(account) => Box::pin(self.create_begun(session, account, fingerprint)).await,
        }
    }

    async fn create_begun(
        &self,
        session: Session,
        account: VirtualAccount,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Created, ApiError> {
        let begun = payments::begin_at_creation(session, account, self.random.write_id()).await;
        let (session, ledger) = begun.map_err(|error| ApiError::Internal(Box::new(error)))?;
        Ok(self.sessions.create_begun(session, fingerprint, ledger).await?)
    }

    /// Reads what the session is created of; one that names a customer has that one as its payer, and one that names a test
    /// clock is to follow that.
    async fn read(
        &self,
        request: &Request,
        body: &Json<'_>,
        id: SessionId,
        caller: &Caller,
        format: Format,
    ) -> Result<(NewSession, Option<OnClock>), ApiError> {
        let asked = SessionRequest {
            request,
            body,
            merchant: &caller.merchant,
            application: caller.application.as_deref(),
            mode: caller.mode(),
            at: self.clock.now(),
        };
        let new = format.read_session(&asked, id, &self.settings.caps)?;
        let new = match &new.customer_id {
            None => new,
            Some(customer_id) => {
                let customer = self.customers.get(customer_id, &caller.owner_in(format)).await?;
                format.paid_by(new, customer.as_ref())?
            }
        };
        if caller.mode() == Mode::Live && !self.settings.local_live {
            let (methods, limits) = (new.payment_methods.as_slice(), &new.offer_limits);
            let (currency, account) = (new.amount.currency(), &new.payee.account);
            let payable = providers::can_be_paid_live(methods, currency, account, limits, new.known_payer());
            payable.map_err(|why| format.not_payable_live(why))?;
        }
        let Some(clock_id) = new.test_clock else { return Ok((new, None)) };
        let clock = self.test_clocks.get(caller.owns_test_clocks()?, clock_id, self.clock.now()).await?;
        Ok((new, Some(clock.ok_or_else(|| api::not_on_clock(None))?.on_clock())))
    }

    /// Creates a session at the time that its test clock shows, which may be advanced meanwhile.
    async fn create_on_clock(
        &self,
        mut on_clock: OnClock,
        new: &NewSession,
        creation: &Creation,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Created, ApiError> {
        for _ in 0..READS_OF_A_CLOCK {
            let creation = Creation { at: on_clock.now, test_clock: Some(on_clock), ..creation.clone() };
            match self.sessions.create(Session::create(new.clone(), creation), fingerprint).await? {
                Created::NotOnClock(Some(clock)) if clock.target.is_none() && clock.now > on_clock.now => {
                    on_clock = clock.on_clock();
                }
                created @ (Created::New(_) | Created::Existing(..) | Created::Deleted | Created::NotOnClock(_)) => {
                    return Ok(created);
                }
            }
        }
        Err(ApiError::Unavailable("the test clock is advanced again and again".into()))
    }
}

/// The first answer again, whatever has happened to the session since.
fn replay(session: Session, format: Format) -> Answer {
    format.session_created(&session.as_created()).map(api::replayed)
}

fn no_live_connector(mode: Mode) -> Refusal {
    Refusal::Invalid(vec![Violation {
        code: None,
        parameter: None,
        title: format!("{} payments are switched off here; use a test key", mode.as_str()),
    }])
}
