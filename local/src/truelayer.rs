//! What this product uses of TrueLayer's Payments API v3, simulated: tokens, payments, refunds, banks, the page on which payers
//! pay, and webhooks. It verifies what is signed, and signs what it sends. Its payments are in memory alone.
//! <https://docs.truelayer.com/>

mod accounts;
mod create;
mod directory;
mod kept;
mod keys;
mod page;
mod payment;
mod problem;
mod reply;
mod simulator;
#[cfg(test)]
mod tests;
mod webhooks;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use jiff::Timestamp;
use runtime::Random;
use serde_json::json;
use tokio::net::TcpListener;
use truelayer::{Credentials, CredentialsError, InvalidKey, MerchantAccounts};
use url::Url;
use uuid::Uuid;

pub use payment::Decision;
pub use simulator::PaymentView;

use crate::http::{self, Answer, Call, Hangup};
use crate::logs::Logs;
use crate::tasks::{Signal, Tasks, lock};
use problem::Problem;
use reply::Reply;
use simulator::{Event, Simulator};
use webhooks::Webhooks;

/// The longest request.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// How often it is checked what is due.
const TICK: Duration = Duration::from_millis(100);
/// Where the API receives TrueLayer's webhooks.
const WEBHOOK_PATH: &str = "/providers/truelayer/webhook";

/// What happens to a request, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not carried out, and answered with this status.
    Status(u16),
    /// It is carried out, and the connection is closed without an answer.
    LostAnswer,
    /// It is not carried out, and never answered. Until its client gives up, it is under way.
    Hang,
}

/// A client's credentials with the simulator can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SetUpError {
    #[error("the secret {0}")]
    Credentials(#[from] CredentialsError),
    #[error("no key can be made: {0}")]
    Key(#[from] InvalidKey),
}

struct Shared {
    url: String,
    simulator: Mutex<Simulator>,
    webhooks: Webhooks,
    /// What waits for a request to a path.
    faults: Mutex<Vec<(String, Fault)>>,
    /// How far its clock is ahead of the system's.
    ahead: Mutex<Duration>,
}

/// What tests do to the simulator. Its clones are the same simulator's.
#[derive(Clone)]
pub struct TrueLayerHandle(Arc<Shared>);

impl fmt::Debug for TrueLayerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrueLayerHandle({})", self.0.url)
    }
}

/// The secret of a new client with the simulator.
pub(crate) fn new_client() -> Result<String, InvalidKey> {
    keys::new_client()
}

/// Serves the simulator until the machine stops, to the client of this secret, who has these merchant accounts. Its webhooks go to
/// the API at `api_url`, which is known to payers by `public_url`.
pub(crate) fn serve(
    (listener, url): (TcpListener, String),
    (secret, accounts): (&str, MerchantAccounts),
    (api_url, public_url): (&str, Option<&str>),
    logs: Arc<Logs>,
    happened: Signal,
    tasks: &Tasks,
) -> Result<TrueLayerHandle, SetUpError> {
    let key = keys::webhook_key(&format!("{url}/.well-known/jwks"))?;
    let key_set = json!({ "keys": [key.public_jwk()] });
    let simulator = Simulator::new(Credentials::from_json(secret)?, accounts, key_set, Random::System);
    let public_path = public_url.and_then(|url| url.parse::<Url>().ok()).map(|url| url.path().to_owned());
    let path = format!("{}{WEBHOOK_PATH}", public_path.as_deref().unwrap_or_default().trim_end_matches('/'));
    let shared = Arc::new(Shared {
        url,
        simulator: Mutex::new(simulator),
        webhooks: Webhooks::new(format!("{api_url}{WEBHOOK_PATH}"), path, key, logs, happened),
        faults: Mutex::default(),
        ahead: Mutex::default(),
    });
    let handle = TrueLayerHandle(shared);

    let serving = handle.clone();
    http::serve(listener, tasks, MAX_BODY_BYTES, http::plain_too_large, move |call| {
        let handle = serving.clone();
        async move { handle.answer(call).await }
    });
    let sending = handle.clone();
    tasks.spawn(async move { sending.0.webhooks.run().await });
    let ticking = handle.clone();
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(TICK).await;
            ticking.pass();
        }
    });
    Ok(handle)
}

impl TrueLayerHandle {
    /// Where it is: `http://127.0.0.1:9400`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The next request to a path that is this one, or begins with this one and a slash, meets this fault. Several wait in the
    /// order in which they were added.
    pub fn fail_next(&self, path_prefix: &str, fault: Fault) {
        lock(&self.0.faults).push((path_prefix.to_owned(), fault));
    }

    /// Keeps webhooks until they are asked for, or sends them by itself again.
    pub fn pause_webhooks(&self, paused: bool) {
        self.0.webhooks.pause(paused);
    }

    /// Sends the webhooks that are paused, once; how many were accepted. What was not is paused still.
    pub async fn deliver_webhooks(&self) -> usize {
        self.0.webhooks.deliver().await
    }

    /// Sends once more each webhook that was accepted; how many were accepted again.
    pub async fn repeat_webhooks(&self) -> usize {
        self.0.webhooks.repeat().await
    }

    /// All payments, in no order.
    #[must_use]
    pub fn payments(&self) -> Vec<PaymentView> {
        lock(&self.0.simulator).payments()
    }

    /// Decides as the payer on the page; false if there is no such payment. A payment that is decided stays as it is.
    pub fn decide(&self, payment_id: Uuid, decision: Decision) -> bool {
        let now = self.now();
        self.act(|simulator| simulator.decide(payment_id, decision, now))
    }

    /// Lets this much time pass at TrueLayer: what is due by then has happened.
    pub fn advance(&self, duration: Duration) {
        {
            let mut ahead = lock(&self.0.ahead);
            *ahead = ahead.saturating_add(duration);
        }
        self.pass();
    }

    /// Ends the time of every access token: each request is refused until a new one is asked for.
    pub fn expire_tokens(&self) {
        lock(&self.0.simulator).expire_tokens();
    }

    /// Refunds that are asked for from now on fail, as the bank of the payer may refuse them.
    pub fn fail_refunds(&self) {
        lock(&self.0.simulator).let_refunds_fail();
    }

    /// Whether no webhook is to be sent now.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.webhooks.is_idle()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now().checked_add(*lock(&self.0.ahead)).unwrap_or(Timestamp::MAX)
    }

    fn pass(&self) {
        let now = self.now();
        self.act(|simulator| ((), simulator.pass(now)));
    }

    /// What follows from an act is waiting to be sent before another can be seen.
    fn act<T>(&self, act: impl FnOnce(&mut Simulator) -> (T, Vec<Event>)) -> T {
        let mut simulator = lock(&self.0.simulator);
        let (result, events) = act(&mut simulator);
        self.0.webhooks.add(events);
        result
    }

    /// The fault that is to happen to a request, which is then removed.
    fn fault(&self, path: &str) -> Option<Fault> {
        let mut faults = lock(&self.0.faults);
        let rest = |prefix: &str| path.strip_prefix(prefix).map(|rest| rest.is_empty() || rest.starts_with('/'));
        let index = faults.iter().position(|(prefix, _)| rest(prefix) == Some(true))?;
        Some(faults.remove(index).1)
    }

    async fn answer(&self, call: Call) -> Result<Answer, Hangup> {
        let fault = self.fault(call.uri.path());
        match fault {
            Some(Fault::Hang) => {
                let _under_way = UnderWay::new(self, call.header("idempotency-key").unwrap_or_default());
                std::future::pending().await
            }
            Some(Fault::Status(status)) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Ok(written(lock(&self.0.simulator).refuse(&Problem::on_purpose(status))))
            }
            Some(Fault::LostAnswer) | None => {
                let now = self.now();
                let reply = self.act(|simulator| simulator.handle(&call, now));
                if fault.is_some() { Err(Hangup) } else { Ok(written(reply)) }
            }
        }
    }
}

/// A request with this idempotency key is under way, until its client gives up.
struct UnderWay(TrueLayerHandle, String);

impl UnderWay {
    fn new(handle: &TrueLayerHandle, key: &str) -> Self {
        lock(&handle.0.simulator).set_in_flight(key, true);
        Self(handle.clone(), key.to_owned())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.0.0.simulator).set_in_flight(&self.1, false);
    }
}

/// A reply as HTTP has it.
fn written(reply: Reply) -> Answer {
    let mut answer = match reply {
        Reply::Json(status, body) => http::json(status, "application/json", &body),
        Reply::Problem(status, body) => http::json(status, "application/problem+json", &body),
        Reply::NoContent => http::answer(StatusCode::NO_CONTENT, "application/json", ""),
        Reply::Page(status, page) => match page.render() {
            Ok(html) => {
                let mut answer = http::answer(status, "text/html; charset=utf-8", html);
                http::set_header(&mut answer, "content-security-policy", page::PAGE_POLICY);
                http::set_header(&mut answer, "referrer-policy", "no-referrer");
                answer
            }
            Err(error) => http::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        },
        Reply::Script(script) => http::answer(StatusCode::OK, "text/javascript; charset=utf-8", script),
        Reply::SeeOther(url) => {
            let mut answer = http::text(StatusCode::SEE_OTHER, "");
            http::set_header(&mut answer, "location", &url);
            answer
        }
    };
    http::set_header(&mut answer, "cache-control", "no-store");
    answer
}
