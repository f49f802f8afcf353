//! What end-to-end tests share: a machine of their own, and callers that use it as clients and payers do.
//!
//! Nothing here knows how the service works inside: it starts `local` with the real binaries and speaks HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "only for tests")]

pub mod issuer;
mod receiver;
pub mod relay;

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_credential_types::Credentials;
use local::{Config, Machine, Mail};
use models::{
    AccountIdentifier, Creation, Currency, EmailAddress, LinkedAccount, MerchantId, Mode, NewSession, Payee,
    PaymentMethod, PaymentMethods, Person, Role, Scopes, Session,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use runtime::Random;
use serde_json::{Value, json};
use store::{Merchants, Table};
use tempfile::TempDir;

pub use receiver::{Received, Receiver, Reply, accepted, in_order};

/// How long anything that is awaited may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The demo merchant's key and secret.
pub const DEMO: (&str, &str) = ("pk_test_demo", "sk_test_demo");

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where cargo puts binaries: beside the folder of this test's own.
pub fn bin_dir() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path
}

/// Where `make test` has it written down which of their permissions functions make use of; none where only some tests run.
pub fn permissions_dir() -> Option<PathBuf> {
    std::env::var_os("PERMISSIONS_DIR").map(|folder| workspace().join(folder))
}

/// A machine with data and ports of its own, gone when it is dropped.
pub struct World {
    /// The machine.
    pub machine: Machine,
    http: Client,
    _data: TempDir,
}

impl World {
    /// A machine with the demo merchant. Schedules run only when a test says so.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, where webhooks may go to this machine, which tests' receivers are on.
    pub async fn with_webhooks() -> Self {
        Self::start_with(loopback_webhooks).await
    }

    /// The same, with the console.
    pub async fn with_console() -> Self {
        Self::start_with(console_on).await
    }

    /// The same, with TrueLayer's sandbox, which is simulated.
    pub async fn with_truelayer() -> Self {
        Self::start_with(truelayer_on).await
    }

    /// The same, with some of its configuration changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::for_tests(workspace().join("template.yaml"), bin_dir(), data.path());
        config.permissions_dir = permissions_dir();
        change(&mut config);
        let machine = Machine::start(config).await.unwrap_or_else(|error| panic!("{error}"));
        local::demo::seed(machine.aws_url(), machine.table_name(), false).await.unwrap();
        // As a browser without its own following of redirects, so that each step can be checked.
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { machine, http, _data: data }
    }

    /// The table itself, for what no API shows.
    pub fn table(&self) -> Table {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let endpoint = Some(self.machine.aws_url().to_owned());
        let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), endpoint).unwrap();
        Table::new(&config, self.machine.table_name().to_owned(), Random::System)
    }

    /// Makes a merchant with one linked account (document 1's) and an API key for `mode` with these scopes; returns the
    /// key and its secret.
    pub async fn merchant(&self, id: &str, mode: Mode, scopes: &str) -> (String, String) {
        let merchants = Merchants::new(self.table());
        let merchant: MerchantId = id.parse().unwrap();
        let name = |text: &str| models::Name::try_from(text.to_owned()).unwrap();
        merchants.create(&merchant, name(id), Random::System.bytes()).await.unwrap();
        let account = serde_json::from_value(json!({ "account_number": "12345678", "sort_code": "010203" })).unwrap();
        let account = LinkedAccount { name: name(id), account, default: false, linked_at: None };
        merchants.link_account(&merchant, &account, None).await.unwrap();
        let scopes: Scopes = if scopes == "all" { Scopes::ALL } else { scopes.parse().unwrap() };
        let issued = api::issue_key(&merchant, mode, scopes, samples::now(), &Random::System);
        merchants.add_key(&issued.key, None).await.unwrap();
        (issued.key.id.to_string(), issued.secret.as_str().to_owned())
    }

    /// A request to a path, without credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.machine.api_url()))
    }

    /// A request as the demo merchant.
    pub fn demo(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).basic_auth(DEMO.0, Some(DEMO.1))
    }

    /// Creates document 1's session as the demo merchant.
    pub async fn create(&self) -> Value {
        self.create_from(&document_1()).await
    }

    /// Creates a session from this request as the demo merchant.
    pub async fn create_from(&self, request: &Value) -> Value {
        let answer = answer(self.demo(Method::POST, "/v2/payment_sessions").json(request)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body
    }

    /// Puts a session of £4.00, or so much of another currency, that its payer, who is known, can pay by these methods. Banked's
    /// format has no field for them.
    pub async fn offering(&self, currency: Currency, methods: &[PaymentMethod]) -> Value {
        let amount = models::Money::new(models::MinorUnits::new(400), currency);
        let new = NewSession {
            amount,
            line_items: vec![],
            payee: payee_of(currency),
            payment_methods: PaymentMethods::new(methods.to_vec()).unwrap(),
            payer: Some(samples::payer("Ada Payer", "ada@example.com")),
            success_url: None,
            error_url: None,
            ..samples::new_session(vec![samples::item("Candles", 400, 1)])
        };
        let base_url = self.machine.api_url().to_owned();
        let session = Session::create(new, Creation { base_url, ..samples::creation(samples::now()) });
        let (id, url) = (session.id, session.checkout_url());
        store::Sessions::new(self.table()).create(session, None).await.unwrap();
        json!({ "id": id, "url": url })
    }

    /// The session as the demo merchant reads it.
    pub async fn get(&self, id: &str) -> Value {
        let answer = answer(self.demo(Method::GET, &format!("/v2/payment_sessions/{id}"))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    /// A browser in which somebody of the demo merchant is signed in to the console, in this role: `<role>@demo.example`.
    pub async fn sign_in(&self, role: Role) -> Browser<'_> {
        self.sign_in_as("demo", &format!("{}@demo.example", role.as_str()), role).await
    }

    /// The same for this person of this merchant, who is added if they are not there.
    pub async fn sign_in_as(&self, merchant: &str, email: &str, role: Role) -> Browser<'_> {
        let path = self.link(merchant, email, role).await;
        let mut browser = Browser { world: self, cookie: None, csrf: String::new() };
        let led_on = browser.send(&path, &[("back", "/console/test/webhooks")]).await;
        assert_eq!(
            (led_on.status, led_on.location.as_deref()),
            (StatusCode::SEE_OTHER, Some("/console/test/webhooks"))
        );
        browser.keep(&led_on);
        let html = browser.get("/console/test/webhooks").await.html;
        browser.csrf = hidden(&html, "csrf").unwrap_or_else(|| panic!("no csrf in {html}"));
        browser
    }

    /// The path of a fresh sign-in link of a person, who is added if they are not there.
    pub async fn link(&self, merchant: &str, email: &str, role: Role) -> String {
        let now = runtime::Clock::System.now();
        let (merchant_id, email): (MerchantId, EmailAddress) =
            (merchant.parse().unwrap(), email.to_owned().try_into().unwrap());
        let person = Person { merchant_id, email, role, added_at: now, visits_from: now };
        store::People::new(self.table()).add(&person, None).await.unwrap();
        let token = store::LinkToken::new(&Random::System);
        let visits = store::Visits::new(self.table());
        visits.make_link(&token, &person.merchant_id, &person.email, now).await.unwrap();
        format!("/console/sign-in/{}", token.as_str())
    }

    /// A browser in which nobody is signed in.
    pub fn stranger(&self) -> Browser<'_> {
        Browser { world: self, cookie: None, csrf: String::new() }
    }

    /// A payer at the session's checkout.
    pub fn payer<'a>(&'a self, session: &Value) -> Payer<'a> {
        Payer { world: self, id: text(&session["id"]) }
    }

    /// A session that has been paid, with a payer who gets a receipt.
    pub async fn paid(&self) -> Value {
        let session = self.create().await;
        let payer = self.payer(&session);
        payer.identify().await;
        payer.choose_bank(1).await;
        payer.decide(1, "approve").await;
        session
    }

    /// A session that has been paid from an account that the bank keeps to itself.
    pub async fn paid_from_withheld_account(&self) -> Value {
        let session = self.create().await;
        let payer = self.payer(&session);
        payer.identify().await;
        payer.choose_bank(1).await;
        payer.decide_with(1, &[("decision", "approve"), ("payer_account", "withheld")]).await;
        session
    }

    /// Asks for a refund of a session as the demo merchant.
    pub async fn ask_refund(&self, session: &Value, request: Value) -> Answer {
        let mut request = request;
        request["payment_session_id"] = session["id"].clone();
        answer(self.demo(Method::POST, "/v2/refunds").json(&request)).await
    }

    /// Refunds so much of a session as the demo merchant.
    pub async fn refund(&self, session: &Value, amount: i64) -> Value {
        let answer = self.ask_refund(session, json!({ "amount": amount })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body
    }

    /// The refund as the demo merchant reads it.
    pub async fn get_refund(&self, refund: &Value) -> Value {
        let answer = answer(self.demo(Method::GET, &format!("/v2/refunds/{}", text(&refund["id"])))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    /// The merchant at the checkout of a refund's payment session.
    pub fn refunder<'a>(&'a self, refund: &Value) -> Payer<'a> {
        Payer { world: self, id: text(&refund["refund_payment_session_id"]) }
    }

    /// Sends the form of a refund's page.
    pub async fn give_details(&self, refund: &Value, step: &str, account_number: &str) -> Page {
        let form =
            [("step", step), ("name", "Ada Payer"), ("sort_code", "04-00-04"), ("account_number", account_number)];
        page(self.request(Method::POST, &format!("/refunds/{}", text(&refund["id"]))).form(&form)).await
    }

    /// Does what only a person at the table could: calls DynamoDB itself; returns its answer.
    pub async fn dynamodb(&self, operation: &str, body: &Value) -> Value {
        let answer = self.try_dynamodb(operation, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.body
    }

    /// The same, where the answer may be a refusal.
    pub async fn try_dynamodb(&self, operation: &str, body: &Value) -> Answer {
        let signature = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-2/dynamodb/aws4_request, SignedHeaders=host, Signature=x";
        let request = self
            .http
            .post(self.machine.aws_url())
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signature)
            .body(body.to_string());
        answer(request).await
    }

    /// What is late arrives now: which function's operation it was, and how it ended.
    pub async fn late_arrivals(&self) -> Vec<Value> {
        let request = self.http.post(format!("{}/_local/late", self.machine.aws_url()));
        answer(request).await.body.as_array().unwrap().clone()
    }

    /// Calls SQS itself; returns its answer.
    pub async fn sqs(&self, operation: &str, body: &Value) -> Value {
        let signature =
            "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-2/sqs/aws4_request, SignedHeaders=host, Signature=x";
        let request = self
            .http
            .post(self.machine.aws_url())
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signature)
            .body(body.to_string());
        let answer = answer(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.body
    }

    /// An item as it is kept; null if there is none.
    pub async fn item(&self, pk: &str, sk: &str) -> Value {
        let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
        let body = json!({ "TableName": self.machine.table_name(), "Key": key, "ConsistentRead": true });
        self.dynamodb("GetItem", &body).await["Item"].clone()
    }

    /// Registers a webhook endpoint as the demo merchant, notified of everything unless `more` says otherwise.
    pub async fn register(&self, url: &str, more: Value) -> Value {
        let mut request = json!({ "url": url });
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let answer = answer(self.demo(Method::POST, "/v2/webhooks").json(&request)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body
    }

    /// The endpoint as the demo merchant reads it.
    pub async fn get_webhook(&self, webhook: &Value) -> Value {
        let answer = answer(self.demo(Method::GET, &format!("/v2/webhooks/{}", text(&webhook["id"])))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    /// Changes an endpoint as the demo merchant.
    pub async fn change_webhook(&self, webhook: &Value, change: Value) -> Value {
        let path = format!("/v2/webhooks/{}", text(&webhook["id"]));
        let answer = answer(self.demo(Method::PATCH, &path).json(&change)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    /// Cancels a session as the demo merchant.
    pub async fn cancel(&self, session: &Value) -> Value {
        let path = format!("/v2/payment_sessions/{}/cancel", text(&session["id"]));
        let answer = answer(self.demo(Method::POST, &path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    /// The cursors that something is due for or that are paused, as they are kept.
    pub async fn waiting_cursors(&self) -> Vec<Value> {
        let body = json!({
            "TableName": self.machine.table_name(),
            "FilterExpression": "begins_with(sk, :cursor) AND attribute_exists(due_at)",
            "ExpressionAttributeValues": { ":cursor": { "S": "CURSOR#" } },
        });
        self.dynamodb("Scan", &body).await["Items"].as_array().cloned().unwrap_or_default()
    }

    /// How many deliveries were given up because the answer did not come at once, and were sent again by the slow lane: on a
    /// busy machine, it may happen to any.
    pub async fn handed_over(&self) -> usize {
        let body = json!({
            "TableName": self.machine.table_name(),
            "FilterExpression": "begins_with(sk, :attempt) AND contains(#error, :at_once)",
            "ExpressionAttributeNames": { "#error": "error" },
            "ExpressionAttributeValues": { ":attempt": { "S": "ATTEMPT#" }, ":at_once": { "S": "no answer at once" } },
        });
        self.dynamodb("Scan", &body).await["Items"].as_array().map_or(0, Vec::len)
    }

    /// As if a long time had passed for every cursor that waits, and for every endpoint: claims and slots have expired,
    /// nothing is parked, and all that waits for its time is due and enqueued. What is paused stays so.
    pub async fn long_after(&self) {
        let table = self.machine.table_name();
        for cursor in self.waiting_cursors().await {
            if text(&cursor["due_at"]["S"]).starts_with('~') {
                continue;
            }
            let body = json!({
                "TableName": table,
                "Key": { "pk": cursor["pk"], "sk": cursor["sk"] },
                // What has been finished since stays so.
                "UpdateExpression": "SET due_at = :past REMOVE lease_until",
                "ConditionExpression": "attribute_exists(due_pk)",
                "ExpressionAttributeValues": { ":past": { "S": "2000-01-01T00:00:00.000Z" } },
            });
            self.try_dynamodb("UpdateItem", &body).await;
        }
        let body = json!({
            "TableName": table,
            "FilterExpression": "attribute_exists(slots)",
        });
        for endpoint in self.dynamodb("Scan", &body).await["Items"].as_array().unwrap() {
            let slots: Vec<Value> = (0..10).map(|_| json!({ "N": "0" })).collect();
            let body = json!({
                "TableName": table,
                "Key": { "pk": endpoint["pk"], "sk": endpoint["sk"] },
                "UpdateExpression": "SET slots = :slots REMOVE parked_until",
                "ExpressionAttributeValues": { ":slots": { "L": slots } },
            });
            self.dynamodb("UpdateItem", &body).await;
        }
        self.run_schedule().await;
    }

    /// Runs the schedule's function once.
    pub async fn run_schedule(&self) {
        assert!(self.try_schedule().await, "the schedule's function failed");
    }

    /// The same, where the function may die of it; whether it did not.
    pub async fn try_schedule(&self) -> bool {
        self.machine.invoke("ExpireFunction", &sample("expire.json")).await.is_ok()
    }

    /// Waits until stream and queues have nothing left to do.
    pub async fn settled(&self) {
        assert!(self.machine.settled(PATIENCE).await, "still busy after {PATIENCE:?}");
    }

    /// Waits for everything to be done and returns the mails sent.
    pub async fn mails(&self) -> Vec<Mail> {
        self.settled().await;
        self.machine.mails()
    }
}

/// Lets webhooks go to this machine.
pub fn loopback_webhooks(config: &mut Config) {
    config.environment.insert("LOCAL_LOOPBACK_WEBHOOKS".into(), "1".into());
}

/// Switches the console on.
pub fn console_on(config: &mut Config) {
    config.parameters.insert("Console".into(), "on".into());
}

/// Switches TrueLayer's sandbox on, by a simulator of it.
pub fn truelayer_on(config: &mut Config) {
    config.parameters.insert("TrueLayer".into(), "sandbox".into());
}

/// A browser in the console: it keeps the cookie of its visit, says its origin with every form, and knows what the forms of
/// its pages bear.
pub struct Browser<'a> {
    world: &'a World,
    /// `name=value`, if somebody is signed in.
    pub cookie: Option<String>,
    /// What the forms of its visit bear.
    pub csrf: String,
}

impl Browser<'_> {
    /// A request with the browser's cookie.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.world.request(method, path);
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    /// A page.
    pub async fn get(&self, path: &str) -> Page {
        page(self.request(Method::GET, path)).await
    }

    /// Sends a form as a page of the visit does.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let bears = [("csrf", self.csrf.as_str())];
        self.send(path, &[&bears, form].concat()).await
    }

    /// Sends a form from a page of ours, without what the forms of a visit bear.
    pub async fn send(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let request = self.request(Method::POST, path).header("origin", self.world.machine.api_url());
        page(request.form(form)).await
    }

    /// Keeps the cookie of a visit that an answer sets, or forgets it.
    pub fn keep(&mut self, answer: &Page) {
        let texts = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        for cookie in texts.filter(|cookie| cookie.starts_with("__Host-counterfoil=")) {
            let value = cookie.split(';').next().unwrap().to_owned();
            self.cookie = if cookie.contains("Max-Age=0") { None } else { Some(value) };
        }
    }
}

/// The value of a hidden field of a form, if there is one with this name.
pub fn hidden(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("name=\"{name}\" value=\""))?;
    Some(rest.split_once('"')?.0.to_owned())
}

/// Someone with a session's checkout open, who fills in its forms.
pub struct Payer<'a> {
    world: &'a World,
    id: String,
}

impl Payer<'_> {
    /// The checkout's page, whatever it shows now.
    pub async fn page(&self) -> Page {
        page(self.world.request(Method::GET, &format!("/checkout/{}", self.id))).await
    }

    /// Gives name and e-mail.
    pub async fn identify(&self) -> Page {
        self.post("payer", &[("name", "Ada Payer"), ("email", "ada@example.com")]).await
    }

    /// Chooses the mock bank, as this attempt.
    pub async fn choose_bank(&self, attempt: u8) -> Page {
        self.choose("mock-bank", attempt).await
    }

    /// Chooses a bank, as this attempt.
    pub async fn choose(&self, bank: &str, attempt: u8) -> Page {
        self.post("bank", &[("bank", bank), ("attempt", &attempt.to_string())]).await
    }

    /// The link to the bank of an attempt whose money moves at consent, from its path on; the checkout's page, if it is not open.
    pub async fn link(&self, attempt: u8) -> String {
        let path = format!("/checkout/{}/bank/{attempt}", self.id);
        let link = page(self.world.request(Method::GET, &path)).await.location.unwrap();
        link.strip_prefix(self.world.machine.api_url()).unwrap_or(&link).to_owned()
    }

    /// Decides at the bank that this is the link to, and stays there.
    pub async fn consent(&self, link: &str, decision: &str) -> Page {
        let (path, token) = link.split_once("?token=").unwrap();
        page(self.world.request(Method::POST, path).form(&[("decision", decision), ("token", token)])).await
    }

    /// Cancels.
    pub async fn cancel(&self) -> Page {
        self.post("cancel", &[]).await
    }

    /// Decides at the mock bank about this attempt, and comes back from it.
    pub async fn decide(&self, attempt: u8, decision: &str) -> Page {
        self.decide_with(attempt, &[("decision", decision)]).await
    }

    /// Decides, with all that the mock bank's form may hold, and comes back from it.
    pub async fn decide_with(&self, attempt: u8, form: &[(&str, &str)]) -> Page {
        let decided = self.press(attempt, form).await;
        let way_back = format!("/checkout/{}/return", self.id);
        if decided.location.as_ref() == Some(&way_back) { self.come_back().await } else { decided }
    }

    /// Decides at the mock bank, and stays there.
    pub async fn press(&self, attempt: u8, form: &[(&str, &str)]) -> Page {
        let path = format!("/mock-bank/{}/{attempt}", self.id);
        page(self.world.request(Method::POST, &path).form(form)).await
    }

    /// Comes back from a bank.
    pub async fn come_back(&self) -> Page {
        page(self.world.request(Method::GET, &format!("/checkout/{}/return", self.id))).await
    }

    /// Sends one of the checkout's forms.
    pub async fn post(&self, step: &str, form: &[(&str, &str)]) -> Page {
        page(self.world.request(Method::POST, &format!("/checkout/{}/{step}", self.id)).form(form)).await
    }
}

/// A page, or a redirect.
#[derive(Debug)]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Where it leads, for a redirect.
    pub location: Option<String>,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its HTML.
    pub html: String,
}

/// Sends a request for a page.
pub async fn page(request: RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    let location = headers.get("location").map(|value| value.to_str().unwrap().to_owned());
    Page { status: response.status(), location, headers, html: response.text().await.unwrap() }
}

/// An API answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its bytes.
    pub text: String,
    /// Its bytes as JSON; null where they are none.
    pub body: Value,
}

impl Answer {
    /// The first error's code; empty if there is none.
    pub fn code(&self) -> &str {
        self.body["errors"][0]["code"].as_str().unwrap_or("")
    }

    /// Whether it says that it repeats an earlier answer.
    pub fn is_replayed(&self) -> bool {
        self.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
    }
}

/// Sends an API request.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}

/// Document 1's own request ("Creating a payment session", section 2).
pub fn document_1() -> Value {
    json!({
        "reference": "Illuminate",
        "success_url": "http://example.com/success?id=__PAYMENT_ID__",
        "error_url": "http://example.com/error",
        "line_items": [{ "name": "Candles", "amount": 100, "currency": "GBP", "quantity": 4 }],
        "payee": { "name": "Gerald Wiley", "account_number": "12345678", "sort_code": "010203" },
        "email_receipt": true,
    })
}

/// An event of tests/events.
pub fn sample(name: &str) -> Value {
    let file = workspace().join("tests/events").join(name);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// A string out of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

/// The states of a session's history, in order.
pub fn states(session: &Value) -> Vec<String> {
    session["history"].as_array().unwrap().iter().map(|entry| text(&entry["state"])).collect()
}

/// Whose account is in this currency.
fn payee_of(currency: Currency) -> Payee {
    let ibans = [(Currency::EUR, "DE89370400440532013000"), (Currency::SEK, "SE4550000000058398257466")];
    let Some((_, iban)) = ibans.into_iter().find(|(of, _)| *of == currency) else {
        return samples::payee("Bright Candles Ltd", "010203", "12345678");
    };
    let account = AccountIdentifier::Iban { iban: iban.to_owned().try_into().unwrap() };
    Payee { name: samples::name("Bright Candles Ltd"), account }
}
