//! What callers do: one payment from its creation to its result, step by step.

use std::time::Duration;

use fastrand::Rng;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::orders;

/// The demo merchant's key and secret.
const DEMO: (&str, &str) = ("pk_test_demo", "sk_test_demo");

/// One request of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Create,
    Get,
    Open,
    Identify,
    ChooseBank,
    OpenBank,
    Decide,
    Return,
    Result,
    GetPaid,
    List,
}

impl Step {
    /// In the order in which a payer and a merchant go through them.
    pub(super) const ALL: [Self; 11] = [
        Self::Create,
        Self::Get,
        Self::Open,
        Self::Identify,
        Self::ChooseBank,
        Self::OpenBank,
        Self::Decide,
        Self::Return,
        Self::Result,
        Self::GetPaid,
        Self::List,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::Open => "checkout: open",
            Self::Identify => "checkout: payer",
            Self::ChooseBank => "checkout: bank",
            Self::OpenBank => "bank: open",
            Self::Decide => "bank: approve",
            Self::Return => "checkout: return",
            Self::Result => "checkout: result",
            Self::GetPaid => "get, paid",
            Self::List => "list",
        }
    }

    const fn expected(self) -> StatusCode {
        match self {
            Self::Create => StatusCode::CREATED,
            Self::Get | Self::Open | Self::OpenBank | Self::Result | Self::GetPaid | Self::List => StatusCode::OK,
            Self::Identify | Self::ChooseBank | Self::Decide | Self::Return => StatusCode::SEE_OTHER,
        }
    }
}

/// One flow under way.
pub(super) struct Flow {
    http: Client,
    base_url: String,
    number: usize,
    rng: Rng,
    /// The session's id, once created.
    id: String,
    email: String,
}

/// What a payment left behind that must be found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) id: String,
    pub(super) email: String,
}

impl Flow {
    /// `number` is its own in the whole run.
    pub(super) fn new(http: Client, base_url: String, number: usize) -> Self {
        let rng = Rng::with_seed(u64::try_from(number).unwrap_or_default());
        Self { http, base_url, number, rng, id: String::new(), email: String::new() }
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// What came instead of the expected answer.
    pub(super) async fn send(&mut self, step: Step) -> Result<(), String> {
        let request = self.request(step);
        let failed = |what: String| format!("{}: {what}", step.name());
        let response = request.send().await.map_err(|error| failed(with_causes(&error)))?;
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).map(str::to_owned);
        let body = response.text().await.map_err(|error| failed(with_causes(&error)))?;
        if status != step.expected() {
            return Err(failed(format!("{status}: {}", body.chars().take(300).collect::<String>())));
        }
        self.check(step, location.as_deref(), &body).map_err(|what| failed(what.to_owned()))
    }

    /// The payment, if the last step saw it paid.
    pub(super) fn paid(self) -> Paid {
        Paid { id: self.id, email: self.email }
    }

    fn request(&mut self, step: Step) -> RequestBuilder {
        let id = &self.id;
        match step {
            Step::Create => {
                let body = orders::order(&mut self.rng, self.number).to_string();
                let key = format!("order-{}", self.number);
                self.api(Method::POST, "/v2/payment_sessions")
                    .header("idempotency-key", key)
                    .header(CONTENT_TYPE, "application/json")
                    .body(body)
            }
            Step::Get | Step::GetPaid => self.api(Method::GET, &format!("/v2/payment_sessions/{id}")),
            Step::List => self.api(Method::GET, "/v2/payment_sessions?limit=20"),
            Step::Open | Step::Result => self.page(Method::GET, &format!("/checkout/{id}")),
            Step::Identify => {
                let (name, email) = orders::payer(&mut self.rng, self.number);
                let request = self.page(Method::POST, &format!("/checkout/{}/payer", self.id));
                let request = request.form(&[("name", name.as_str()), ("email", email.as_str())]);
                self.email = email;
                request
            }
            Step::ChooseBank => self
                .page(Method::POST, &format!("/checkout/{id}/bank"))
                .form(&[("bank", "mock-bank"), ("attempt", "1")]),
            Step::OpenBank => self.page(Method::GET, &format!("/mock-bank/{id}/1")),
            Step::Decide => self.page(Method::POST, &format!("/mock-bank/{id}/1")).form(&[("decision", "approve")]),
            Step::Return => self.page(Method::GET, &format!("/checkout/{id}/return")),
        }
    }

    fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.page(method, path).basic_auth(DEMO.0, Some(DEMO.1))
    }

    fn page(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url))
    }

    /// What the status alone does not say.
    fn check(&mut self, step: Step, location: Option<&str>, body: &str) -> Result<(), &'static str> {
        let session = || serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
        let leads_to = |path: &str| location.is_some_and(|location| location.ends_with(path));
        let checkout = format!("/checkout/{}", self.id);
        let right = match step {
            Step::Create => {
                session().get("id").and_then(Value::as_str).unwrap_or_default().clone_into(&mut self.id);
                !self.id.is_empty()
            }
            Step::Get => session().get("state") == Some(&json!("awaiting_payer")),
            Step::GetPaid => session().get("state") == Some(&json!("sent")),
            Step::Identify | Step::Return => leads_to(&checkout),
            Step::Decide => leads_to(&format!("{checkout}/return")),
            Step::ChooseBank => leads_to(&format!("/mock-bank/{}/1", self.id)),
            Step::List => session().pointer("/data/0/id").is_some(),
            Step::Open | Step::OpenBank | Step::Result => true,
        };
        if right { Ok(()) } else { Err("another answer than expected") }
    }
}

/// Reads the events of a session.
///
/// # Errors
/// What came instead of an answer.
pub(super) async fn events(http: &Client, base_url: &str, id: &str) -> Result<Value, String> {
    let url = format!("{base_url}/v2/payment_sessions/{id}/events");
    let response = http.get(url).basic_auth(DEMO.0, Some(DEMO.1)).send().await.map_err(|error| with_causes(&error))?;
    response.json().await.map_err(|error| with_causes(&error))
}

/// A client that follows nothing, so that each step is seen; it gives a request up after `timeout`.
pub(super) fn client(timeout: Duration) -> reqwest::Result<Client> {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(timeout).build()
}

/// An error with what it came from, which reqwest's own text leaves out.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
