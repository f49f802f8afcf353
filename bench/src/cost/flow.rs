//! One whole payment on the local machine, one step at a time, and what each step made AWS do.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use local::{Config, Counts, Machine};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::error::Error;
use crate::workspace::workspace;

/// The demo merchant's key and secret.
const DEMO: (&str, &str) = ("pk_test_demo", "sk_test_demo");
/// How many endpoints are notified of the payment, each of its end alone.
pub(crate) const ENDPOINTS: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(60);
/// The mock banks, which live banks' own sites stand in for.
const BANK: &str = "MocksFunction";

/// What one payment made AWS do.
#[derive(Debug, Default)]
pub(crate) struct Payment {
    /// What the machine counted.
    pub(crate) counts: Counts,
    /// Requests to the HTTP API.
    pub(crate) requests: u64,
    /// The bodies of their answers, and of what was posted to the endpoints.
    pub(crate) bytes_out: u64,
    /// What the functions wrote to their logs.
    pub(crate) log_lines: u64,
    pub(crate) log_bytes: u64,
    /// Mails sent.
    pub(crate) mails: u64,
    /// Webhooks that were accepted.
    pub(crate) deliveries: u64,
    /// What the table keeps of it, in bytes, indexes included: for good, and for 30 or 40 days.
    pub(crate) stored: Stored,
    /// What one run of the schedule makes AWS do while nothing is due.
    pub(crate) idle_schedule: Counts,
}

/// What a table keeps, in bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) for_good: u64,
    pub(crate) for_a_while: u64,
}

/// Runs one payment, after another that starts every process and shows it the merchant, with everything done before the
/// next step: each stream record and each message comes alone.
pub(crate) async fn pay(bin_dir: &Path) -> Result<Payment, Error> {
    let folder = tempfile::tempdir()?;
    let template = folder.path().join("template.yaml");
    tokio::fs::write(&template, one_by_one(&tokio::fs::read_to_string(workspace().join("template.yaml")).await?))
        .await?;
    let mut config = Config::for_tests(template, bin_dir, folder.path().join("data"));
    config.environment.insert("LOCAL_LOOPBACK_WEBHOOKS".to_owned(), "1".to_owned());
    // It costs more with it.
    config.parameters.insert("Console".to_owned(), "on".to_owned());
    let machine = Machine::start(config).await?;
    local::demo::seed(machine.aws_url(), machine.table_name(), false).await?;

    let endpoint = Endpoint::start().await?;
    let payer = Shop { machine: &machine, http: Client::builder().redirect(Policy::none()).no_proxy().build()? };
    for number in 0..ENDPOINTS {
        let hook = json!({ "url": endpoint.url(number), "events": ["payment_session.sent"] });
        payer.send(payer.api(Method::POST, "/v2/webhooks").json(&hook)).await?;
    }
    payer.pay("order-1").await?;
    machine.meter().take();
    let before = Seen::of(&machine, &endpoint).await?;
    let (requests, bytes) = payer.pay("order-2").await?;
    let mut counts = machine.meter().take();
    forget_the_bank(&mut counts);
    let after = Seen::of(&machine, &endpoint).await?;
    machine.meter().take();
    machine.invoke("ExpireFunction", &scheduled()).await?;
    let idle_schedule = machine.meter().take();
    machine.stop().await;
    Ok(Payment {
        counts,
        requests,
        bytes_out: bytes + after.posted_bytes - before.posted_bytes,
        log_lines: after.log_lines - before.log_lines,
        log_bytes: after.log_bytes - before.log_bytes,
        mails: after.mails - before.mails,
        deliveries: after.deliveries - before.deliveries,
        stored: Stored {
            for_good: after.stored.for_good - before.stored.for_good,
            for_a_while: after.stored.for_a_while - before.stored.for_a_while,
        },
        idle_schedule,
    })
}

/// A live bank serves its pages itself.
fn forget_the_bank(counts: &mut Counts) {
    counts.calls.retain(|(function, _), _| function != BANK);
    counts.invocations.retain(|function, _| function != BANK);
    counts.units.retain(|usage, _| usage.function != BANK);
}

/// As EventBridge calls it every minute.
fn scheduled() -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "0",
        "time": "2026-01-01T00:00:00Z", "region": "eu-west-2", "resources": [], "detail": {},
    })
}

/// The template, but every record and every message is a batch of its own, as they are while there is little to do. How many
/// come together otherwise is chance, and makes it cheaper.
fn one_by_one(template: &str) -> String {
    template.replace("BatchSize: 100", "BatchSize: 1").replace("BatchSize: 10", "BatchSize: 1")
}

/// How much there was at some time.
struct Seen {
    log_lines: u64,
    log_bytes: u64,
    mails: u64,
    deliveries: u64,
    posted_bytes: u64,
    stored: Stored,
}

impl Seen {
    async fn of(machine: &Machine, endpoint: &Endpoint) -> Result<Self, Error> {
        let lines: Vec<_> =
            machine.logs().into_iter().filter(|line| line.source != "local" && line.source != BANK).collect();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Self {
            log_lines: count(lines.len()),
            log_bytes: lines.iter().map(|line| count(line.text.len())).sum(),
            mails: count(machine.mails().len()),
            deliveries: endpoint.accepted.load(Ordering::SeqCst),
            posted_bytes: endpoint.bytes.load(Ordering::SeqCst),
            stored: stored(machine).await?,
        })
    }
}

/// What the index `lists` has of an item.
const LISTED: [&str; 6] = ["pk", "sk", "list_pk", "list_sk", "amount", "format"];

/// What the table keeps, as DynamoDB counts it: names and values, and 100 bytes more for each item and each index entry.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
async fn stored(machine: &Machine) -> Result<Stored, Error> {
    let mut stored = Stored::default();
    for mut item in super::table::items(machine).await? {
        let kept = if item.contains_key("ttl") { &mut stored.for_a_while } else { &mut stored.for_good };
        *kept += u64::try_from(dynoxide::types::item_size(&item))? + 100;
        if item.contains_key("list_pk") {
            item.retain(|name, _| LISTED.contains(&name.as_str()));
            *kept += u64::try_from(dynoxide::types::item_size(&item))? + 100;
        }
    }
    Ok(stored)
}

/// The merchant and the payer.
struct Shop<'a> {
    machine: &'a Machine,
    http: Client,
}

impl Shop<'_> {
    /// A payment from its creation to the second webhook; how many requests it was, and how long their answers were.
    async fn pay(&self, key: &str) -> Result<(u64, u64), Error> {
        let (mut requests, mut bytes) = (0, 0);
        let mut add = |body: &[u8]| {
            requests += 1;
            bytes += u64::try_from(body.len()).unwrap_or(u64::MAX);
        };
        let created = self
            .send(self.api(Method::POST, "/v2/payment_sessions").header("idempotency-key", key).json(&order()))
            .await?;
        add(&created);
        let session: Value = serde_json::from_slice(&created)?;
        let id = session.get("id").and_then(Value::as_str).ok_or("a session without an id")?;
        let read = || self.api(Method::GET, &format!("/v2/payment_sessions/{id}"));
        let page = || self.page(Method::GET, &format!("/checkout/{id}"));
        let form =
            |step: &str, form: &[(&str, &str)]| self.page(Method::POST, &format!("/checkout/{id}/{step}")).form(form);
        for request in [
            page(),
            form("payer", &[("name", "Ada Payer"), ("email", "ada@example.com")]),
            page(),
            read(),
            form("bank", &[("bank", "mock-bank"), ("attempt", "1")]),
            page(),
        ] {
            add(&self.send(request).await?);
        }
        // At a bank's own site, which then sends the payer back; from there they are led on to the shop.
        let bank = self.page(Method::POST, &format!("/mock-bank/{id}/1"));
        self.send(bank.form(&[("decision", "approve")])).await?;
        let come_back = self.page(Method::GET, &format!("/checkout/{id}/return"));
        for request in [come_back, read(), read()] {
            add(&self.send(request).await?);
        }
        Ok((requests, bytes))
    }

    fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).basic_auth(DEMO.0, Some(DEMO.1))
    }

    /// As a browser asks for it.
    fn page(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("accept-encoding", "gzip")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.machine.api_url()))
    }

    /// Sends a request, which must succeed, and waits for everything that follows from it.
    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, Error> {
        let response = request.send().await?;
        let (status, url) = (response.status(), response.url().clone());
        let body = response.bytes().await?.to_vec();
        if !(status.is_success() || status.is_redirection()) {
            return Err(format!("{url} answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        if !self.machine.settled(PATIENCE).await {
            return Err(format!("still busy {PATIENCE:?} after {url}").into());
        }
        Ok(body)
    }
}

/// An order of two things, as a shop would send it.
fn order() -> Value {
    json!({
        "reference": "Order 1000423",
        "success_url": "https://shop.example.com/orders/1000423/thanks?payment=__PAYMENT_ID__",
        "error_url": "https://shop.example.com/orders/1000423/basket",
        "line_items": [
            { "name": "Beeswax candles, six", "amount": 1800, "currency": "GBP", "quantity": 2 },
            { "name": "Delivery", "amount": 395, "currency": "GBP", "quantity": 1 },
        ],
        "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203" },
        "email_receipt": true,
        "metadata": { "order_id": "1000423" },
    })
}

/// A merchant's server that takes every webhook.
struct Endpoint {
    address: SocketAddr,
    accepted: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Endpoint {
    async fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let endpoint = Self { address: listener.local_addr()?, accepted: Arc::default(), bytes: Arc::default() };
        let (accepted, bytes) = (Arc::clone(&endpoint.accepted), Arc::clone(&endpoint.bytes));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (accepted, bytes) = (Arc::clone(&accepted), Arc::clone(&bytes));
                tokio::spawn(async move {
                    let Some(length) = read_request(&mut stream).await else { return };
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    if stream.write_all(answer).await.is_ok() {
                        accepted.fetch_add(1, Ordering::SeqCst);
                        bytes.fetch_add(length, Ordering::SeqCst);
                    }
                });
            }
        });
        Ok(endpoint)
    }

    fn url(&self, number: u64) -> String {
        format!("http://{}/hooks/{number}", self.address)
    }
}

/// Reads one request to its end; how long it was.
async fn read_request(stream: &mut tokio::net::TcpStream) -> Option<u64> {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if body.len() >= length.unwrap_or(0) {
            return request.len().try_into().ok();
        }
    }
}
