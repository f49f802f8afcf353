//! Test clocks: the request that advances one does itself what is due by then.

use std::time::Duration;

use api::{Answer, ApiError, Authenticator, Caller, Refusal, Route, TestClockView, parse_advance, parse_test_clock};
use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{MerchantId, TestClock, TestClockId, stamp};
use payments::{Connections, Payments};
use queue::Queue;
use runtime::{Clock, Random, SettingError};
use store::{ClockAdvanced, ClockDeleted, Merchants, Table, TestClocks};

use crate::advance::Advance;

/// How long a request that advances a clock works on it: API Gateway waits for 30 seconds, and what was begun is finished.
const WORKS_FOR: Duration = Duration::from_secs(20);

/// Creates, shows, advances and removes test clocks.
#[derive(Debug)]
pub struct TestClocksFunction {
    authenticator: Authenticator,
    clocks: TestClocks,
    advance: Advance,
    clock: Clock,
    random: Random,
}

impl TestClocksFunction {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let config = runtime::aws_config()?;
        let table = Table::new(&config, runtime::required("TABLE_NAME")?, Random::System);
        let webhooks = Queue::new(&config, runtime::required("WEBHOOKS_QUEUE_URL")?);
        // What follows a test clock is at mocks alone.
        let connections = Connections::mocks(runtime::local_live_connector());
        Ok(Self::new(table, webhooks, connections, Clock::System, Random::System).await)
    }

    /// Over this table and the queue of webhooks, by this clock and randomness; `local_live` is whether the mock bank stands in
    /// for a live one.
    pub async fn new(table: Table, webhooks: Queue, connections: Connections, clock: Clock, random: Random) -> Self {
        let clocks = TestClocks::new(table.clone());
        let payments = Payments::new(table.clone(), connections, clock.clone(), random.clone());
        Self {
            authenticator: Authenticator::start(Merchants::new(table), clock.clone()).await,
            advance: Advance::new(clocks.clone(), payments, webhooks, clock.clone()),
            clocks,
            clock,
            random,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let route = Route::of(&request);
        let owner = caller.owns_test_clocks()?;
        match route {
            Some(Route::CreateTestClock) => self.create(&request, &caller, owner).await,
            Some(Route::TestClock(id)) => show(StatusCode::OK, &self.get(owner, api::path_id(id)?).await?),
            Some(Route::DeleteTestClock(id)) => self.delete(owner, api::path_id(id)?).await,
            Some(Route::AdvanceTestClock(id)) => self.advance(&request, &caller, owner, api::path_id(id)?).await,
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    async fn get(&self, owner: &MerchantId, id: TestClockId) -> Result<TestClock, ApiError> {
        Ok(self.clocks.get(owner, id, self.clock.now()).await?.ok_or(Refusal::NotFound)?)
    }

    /// What is still to be delivered of what followed it goes by the real time from then on.
    async fn delete(&self, owner: &MerchantId, id: TestClockId) -> Answer {
        match self.clocks.delete(owner, id, self.clock.now()).await? {
            ClockDeleted::Now(sessions) => {
                self.advance.queue_all(sessions).await?;
                Ok(api::no_content())
            }
            // The request before this one may have died.
            ClockDeleted::Before(sessions) => {
                self.advance.queue_all(sessions).await?;
                Err(Refusal::NotFound.into())
            }
            ClockDeleted::NotFound => Err(Refusal::NotFound.into()),
        }
    }

    async fn create(&self, request: &Request, caller: &Caller, owner: &MerchantId) -> Answer {
        let real_now = self.clock.now();
        let parts = parse_test_clock(&api::json_body(request)?, real_now)?;
        let clock = TestClock {
            id: TestClockId::new(self.random.uuid_v7(real_now)),
            merchant_id: owner.clone(),
            name: parts.name,
            created_at: real_now,
            now: parts.now,
            target: None,
            sessions: Vec::new(),
        };
        self.clocks.create(&clock).await?;
        tracing::info!(request_id = api::request_id(request), test_clock_id = %clock.id, key_id = %caller.key_id, "test clock created");
        show(StatusCode::CREATED, &clock)
    }

    async fn advance(&self, request: &Request, caller: &Caller, owner: &MerchantId, id: TestClockId) -> Answer {
        let stop_at = self.clock.instant() + WORKS_FOR;
        let to = parse_advance(&api::json_body(request)?)?;
        let clock = self.get(owner, id).await?;
        // The same request again goes on, and waits once more for what is not delivered yet.
        if clock.target.unwrap_or(clock.now) != to {
            if clock.target.is_some() {
                return Err(elsewhere(clock.target, clock.now).into());
            }
            clock.advances_to(to, self.clock.now()).map_err(|rule| Refusal::invalid("to", rule))?;
            match self.clocks.advance(owner, id, clock.now, to).await? {
                ClockAdvanced::Going => {}
                ClockAdvanced::Elsewhere(clock) => return Err(elsewhere(clock.target, clock.now).into()),
                ClockAdvanced::NotFound => return Err(Refusal::NotFound.into()),
            }
        }
        tracing::info!(request_id = api::request_id(request), test_clock_id = %id, key_id = %caller.key_id, "test clock is being advanced");
        self.advance.work(owner, id, stop_at).await?;
        show(StatusCode::ACCEPTED, &self.get(owner, id).await?)
    }
}

fn show(status: StatusCode, clock: &TestClock) -> Answer {
    api::json(status, &TestClockView::new(clock))
}

/// The clock is being advanced to another time, or was since it was read.
fn elsewhere(target: Option<Timestamp>, now: Timestamp) -> Refusal {
    let title = match target {
        Some(target) => format!("the test clock is being advanced to {}", stamp(target)),
        None => format!("the test clock was advanced to {} meanwhile", stamp(now)),
    };
    Refusal::InvalidAction { title, parameter: None }
}
