//! All functions in one process, on one table, by one clock and from one seed.

use std::fmt::Write;
use std::task::Poll;
use std::time::Duration;

use aws_types::SdkConfig;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cancel::Cancel;
use checkout::Checkout;
use console::Console;
use create::{Create, Settings};
use customers::CustomersFunction;
use email_receipt::{EmailReceipt, Postbox};
use endpoints::EndpointsFunction;
use events::EventsFunction;
use expire::Expire;
use fastrand::Rng;
use feedback::Feedback;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use get::Get;
use lambda_http::http::{Method, header};
use lambda_http::{Body, Request, RequestExt};
use lambda_runtime::{Context, LambdaEvent};
use mocks::{BankWebhook, Handled, Mocks};
use models::{AccountIdentifier, AmountCaps, LinkedAccount, Mode, Person, Role, Scopes};
use outbound::{Lookup, Policy, Sender};
use payments::Connections;
use provider_events::ProviderEvents;
use publish::Publish;
use queue::Queue;
use refund::RefundFunction;
use runtime::{Clock, Random, VirtualClock};
use serde_json::{Value, json};
use store::{AuditTable, Merchants, People, Table, VisitToken, Visits};
use test_clocks::TestClocksFunction;
use token::Token;
use webhook::Webhook;

use memory_aws::{AUDIT_TABLE, Aws, Message, TABLE};

const BASE_URL: &str = "http://pay.example";
const RECEIPTS: &str = "receipts";
const WEBHOOKS: &str = "webhooks";
const SLOW_WEBHOOKS: &str = "slow-webhooks";
const LOOPBACK: Policy = Policy { loopback_allowed: true };
/// How much time passes in each pause of a request that advances a test clock.
const PAUSE_MS: u64 = 10_000;
/// How long such a request may take, in real time.
const ADVANCES_WITHIN: Duration = Duration::from_secs(60);

/// The functions, as they stand in their processes; `not-found` has nothing of its own.
struct Functions {
    token: Token,
    create: Create,
    get: Get,
    cancel: Cancel,
    refund: RefundFunction,
    endpoints: EndpointsFunction,
    events: EventsFunction,
    customers: CustomersFunction,
    test_clocks: TestClocksFunction,
    console: Console,
    checkout: Checkout,
    mocks: Mocks,
    provider_events: ProviderEvents,
    publish: Publish,
    receipts: EmailReceipt,
    feedback: Feedback,
    webhook: Webhook,
    expire: Expire,
}

pub(crate) struct World {
    seed: u64,
    pub(crate) aws: Aws,
    pub(crate) table: Table,
    pub(crate) clock: Clock,
    /// What happens; what the functions draw is apart from it.
    pub(crate) rng: Rng,
    hands: VirtualClock,
    random: Random,
    clients: Clients,
    functions: Functions,
    merchant: Credentials,
    /// Who may sign in to the console.
    person: Person,
    /// The last record of the stream that was published.
    published: Option<String>,
    invocations: u64,
    /// Whether processes end and messages are lost.
    pub(crate) hurts: bool,
    /// What was done, and what came of it.
    pub(crate) history: String,
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        let hands = VirtualClock::at("2026-01-31T09:30:00Z".parse().unwrap());
        let (clock, random, aws) = (Clock::Virtual(hands.clone()), Random::seeded(seed), Aws::new(&hands));
        let clients = Clients::new(&aws, &clock, &random);
        let table = clients.table.clone();
        let merchant = merchant(&table, &clock, &random).await;
        let person = person(&table, &clock).await;
        let functions = Functions::start(&clients, &clock, &random).await;
        let (rng, history) = (Rng::with_seed(seed), String::new());
        Self {
            seed,
            aws,
            table,
            clock,
            rng,
            hands,
            random,
            clients,
            functions,
            merchant,
            person,
            published: None,
            invocations: 0,
            hurts: true,
            history,
        }
    }

    pub(crate) fn note(&mut self, what: &str) {
        writeln!(self.history, "{} {what}", self.clock.now()).unwrap();
    }

    /// What was done last, and what came of it.
    pub(crate) fn last(&self) -> &str {
        self.history.lines().next_back().unwrap_or_default()
    }

    pub(crate) fn advance_ms(&self, ms: u64) {
        self.hands.advance_ms(ms);
    }

    /// After how many calls of AWS the next process ends, and whether the last of them is done.
    fn crash(&mut self) -> Option<(usize, bool)> {
        (self.hurts && self.rng.u8(0..4) == 0).then(|| (self.rng.usize(0..6), self.rng.bool()))
    }

    async fn restart(&mut self) {
        self.functions = Functions::start(&self.clients, &self.clock, &self.random).await;
    }

    fn context(&mut self) -> (Context, String) {
        self.invocations += 1;
        let mut context = Context::default();
        context.deadline = (self.clock.now().as_millisecond() + 60_000).try_into().unwrap();
        (context, format!("request-{}", self.invocations))
    }

    /// Calls the API by the merchant's key.
    pub(crate) async fn api(&mut self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        let (authorization, body) = (self.merchant.bearer.clone(), body.map(|body| body.to_string()));
        self.call(method, path, &authorization, ("application/json", body)).await
    }

    /// Calls the API by the merchant's key, for what it has to do; what it answered with.
    pub(crate) async fn done(&mut self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.api(method, path, body).await;
        answer.unwrap_or_else(|| panic!("{}", self.last()))
    }

    /// Calls the API by a new access token.
    pub(crate) async fn api_by_token(&mut self, method: Method, path: &str, body: Option<Value>) -> Option<Value> {
        let (basic, form) = (self.merchant.basic.clone(), "grant_type=client_credentials".to_owned());
        let form = ("application/x-www-form-urlencoded", Some(form));
        let token = self.call(Method::POST, "/oauth/token", &basic, form).await.unwrap();
        let authorization = format!("Bearer {}", token["access_token"].as_str().unwrap());
        self.call(method, path, &authorization, ("application/json", body.map(|body| body.to_string()))).await
    }

    /// Calls the API, and again if a process ended meanwhile; what it answered with, if it did what was asked.
    async fn call(
        &mut self,
        method: Method,
        path: &str,
        authorization: &str,
        (content_type, body): (&str, Option<String>),
    ) -> Option<Value> {
        let key = format!("key {}", self.rng.u64(..));
        loop {
            let request = lambda_http::http::Request::builder()
                .method(&method)
                .uri(path)
                .header(header::AUTHORIZATION, authorization)
                .header(header::CONTENT_TYPE, content_type)
                .header("idempotency-key", &key);
            let body = body.clone().map_or(Body::Empty, Body::Text);
            let request = request.body(body).unwrap().with_raw_http_path(path.split('?').next().unwrap());
            let (crash, (_, request_id), functions) = (self.crash(), self.context(), &self.functions);
            let (hands, seed) = (&self.hands, self.seed);
            let answer = async {
                match (method.as_str(), path) {
                    ("POST", "/oauth/token") => functions.token.handle(request).await,
                    ("POST", "/v1/payment_sessions" | "/v2/payment_sessions") => functions.create.handle(request).await,
                    (_, path) if path.starts_with("/v1/customers") => functions.customers.handle(request).await,
                    (_, path) if path.starts_with("/v2/test_clocks") => {
                        // It waits for nothing but what is published and delivered, which nobody does meanwhile: each
                        // time that it pauses, time passes. The end of its pause alone wakes it, and so both again.
                        let time_passes = std::future::poll_fn(|_| {
                            hands.advance_ms(PAUSE_MS);
                            Poll::<api::Answer>::Pending
                        });
                        let answer = functions.test_clocks.handle(request);
                        let answer = async {
                            tokio::select! { biased; answer = answer => answer, answer = time_passes => answer }
                        };
                        // Within this it has a waker of its own: no time passes by what else wakes this thread.
                        let mut answers = FuturesUnordered::from_iter([answer]);
                        let answer = tokio::time::timeout(ADVANCES_WITHIN, answers.next());
                        let answer = tokio::task::coop::unconstrained(answer).await;
                        answer.unwrap_or_else(|_| panic!("{path}, seed {seed}: no answer")).unwrap()
                    }
                    (_, path) if path.starts_with("/v2/refunds") => functions.refund.handle(request).await,
                    (_, path) if path.starts_with("/v2/webhooks") => functions.endpoints.handle(request).await,
                    (_, path) if path.starts_with("/v2/events") => functions.events.handle(request).await,
                    ("GET", path) if path.ends_with("/events") => functions.events.handle(request).await,
                    ("GET", path) if path.starts_with("/v2/payment_sessions") => functions.get.handle(request).await,
                    (_, path) if path.starts_with("/v2/payment_sessions") => functions.cancel.handle(request).await,
                    _ => not_found::handle(request).await,
                }
            };
            let answer = self.aws.process(crash, runtime::correlated(&request_id, answer)).await;
            let (outcome, body) = match answer {
                Some(Ok(answer)) => (answer.status().to_string(), serde_json::from_slice(answer.body()).ok()),
                Some(Err(api::ApiError::Refused(refusal))) => (refusal.to_string(), None),
                Some(Err(failure)) => panic!("{method} {path}: {failure:?}"),
                None => {
                    self.note(&format!("{method} {path}: crashed"));
                    self.restart().await;
                    continue;
                }
            };
            self.note(&format!("{method} {path}: {outcome}"));
            return body;
        }
    }

    /// Somebody of the merchant signs in to the console.
    pub(crate) async fn sign_in(&self) -> VisitToken {
        let (visits, token, now) = (Visits::new(self.table.clone()), VisitToken::new(&self.random), self.clock.now());
        visits.begin_vouched(&self.person, now, false, &token, now, None).await.unwrap().unwrap();
        token
    }

    /// Opens a page of the console, and again if a process ended meanwhile; its status, and what it says.
    pub(crate) async fn console(&mut self, visit: &VisitToken, path: &str) -> (u16, String) {
        loop {
            let request = lambda_http::http::Request::builder()
                .uri(path)
                .header(header::COOKIE, format!("__Host-counterfoil={}", visit.as_str()))
                .body(Body::Empty)
                .unwrap();
            let crash = self.crash();
            let page = self.aws.process(crash, self.functions.console.handle(request)).await;
            let status = page.as_ref().map(|page| page.status().as_u16());
            self.note(&format!("{path}: {status:?}"));
            match page.zip(status) {
                Some((page, status)) => return (status, String::from_utf8(page.body().to_vec()).unwrap()),
                None => self.restart().await,
            }
        }
    }

    /// The payer decides about an attempt at the bank whose money moves at consent, by its link on our page.
    pub(crate) async fn consent(&mut self, session: &str, attempt: u32, decision: &str) {
        let Some(link) = self.page(Method::GET, &format!("/checkout/{session}/bank/{attempt}"), "").await else {
            return;
        };
        let Some((page, token)) = link.strip_prefix(BASE_URL).and_then(|link| link.split_once("?token=")) else {
            return;
        };
        self.post(page, &format!("decision={decision}&token={token}")).await;
    }

    /// Posts a form of the checkout, the mock bank or a refund; a payer whom the bank sends back comes back, most often.
    pub(crate) async fn post(&mut self, path: &str, form: &str) {
        let leads_to = self.page(Method::POST, path, form).await;
        let way_back = leads_to.filter(|path| path.ends_with("/return"));
        if let Some(way_back) = way_back
            && self.rng.u8(0..8) > 0
        {
            self.page(Method::GET, &way_back, "").await;
        }
    }

    /// A bank says that something happened to a payment.
    async fn provider_event(&mut self, webhook: &BankWebhook) {
        let event = &webhook.event;
        let mut request = lambda_http::http::Request::builder().method(Method::POST).uri(&event.path);
        for (name, value) in &event.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::Text(event.body.clone())).unwrap().with_raw_http_path(&event.path);
        let crash = self.crash();
        let answer = self.aws.process(crash, self.functions.provider_events.handle(request)).await;
        self.note(&format!("{}: {:?}", event.path, answer.as_ref().map(Result::is_ok)));
        match answer {
            Some(answer) => assert!(answer.is_ok(), "{answer:?}"),
            None => self.restart().await,
        }
    }

    /// Asks for a page or posts a form; where that leads to.
    async fn page(&mut self, method: Method, path: &str, form: &str) -> Option<String> {
        let request: Request = lambda_http::http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::Text(form.to_owned()))
            .unwrap();
        let (crash, functions) = (self.crash(), &self.functions);
        let answer = async {
            if path.starts_with("/mock-bank/") {
                functions.mocks.handle(request).await
            } else {
                functions.checkout.handle(request).await.into()
            }
        };
        let handled: Option<Handled> = self.aws.process(crash, answer).await;
        let status = handled.as_ref().map(|handled| handled.response.status().as_u16());
        self.note(&format!("{path} {form}: {status:?}"));
        let Some(Handled { response: answer, webhook }) = handled else {
            self.restart().await;
            return None;
        };
        // A bank's webhook is lost, comes once, or twice.
        if let Some(webhook) = webhook {
            for _ in 0..self.rng.u8(0..3) {
                self.provider_event(&webhook).await;
            }
        }
        assert!(answer.status().as_u16() < 500, "{path} {form}: {answer:?}");
        answer.headers().get(header::LOCATION).map(|location| location.to_str().unwrap().to_owned())
    }

    /// Hands the next records of the stream on; those that were not published, and what follows, come again.
    pub(crate) async fn publish(&mut self) -> usize {
        let most = self.rng.usize(1..=20);
        let records = self.aws.records(self.published.as_deref(), most);
        let Some(last) = records.last() else { return 0 };
        let (count, last) = (records.len(), last["dynamodb"]["SequenceNumber"].as_str().unwrap().to_owned());
        // As template.yaml filters them.
        let is_published = |record: &Value| {
            let sk = record["dynamodb"]["Keys"]["sk"]["S"].as_str().unwrap();
            matches!(sk, "SESSION" | "CUSTOMER") || sk.starts_with("REFUND#")
        };
        let records: Vec<_> = records.into_iter().filter(is_published).collect();
        if records.is_empty() {
            self.published = Some(last);
            return count;
        }
        let (crash, (context, _)) = (self.crash(), self.context());
        let event = serde_json::from_value(json!({ "Records": records })).unwrap();
        let done = self.aws.process(crash, self.functions.publish.handle(LambdaEvent::new(event, context))).await;
        self.note(&format!("published {count} records: {}", done.is_some()));
        match done {
            Some(failures) => {
                assert_eq!(failures.unwrap().batch_item_failures.len(), 0);
                self.published = Some(last);
            }
            None => self.restart().await,
        }
        count
    }

    /// Delivers a message, unless it is lost; one may come twice. Whether there was one.
    pub(crate) async fn deliver(&mut self) -> bool {
        let skipped = if self.hurts { self.rng.usize(0..4) } else { 0 };
        let Some(message) = self.aws.receive(skipped) else { return false };
        let fate = if self.hurts { self.rng.u8(0..12) } else { u8::MAX };
        if fate == 0 {
            self.note(&format!("lost: {message:?}"));
            return true;
        }
        let Message { queue, body, .. } = &message;
        let event = json!({ "Records": [{
            "messageId": "1", "body": body, "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:eu-west-2:000000000000:{queue}"),
        }] });
        let (crash, (context, _)) = (self.crash(), self.context());
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), context);
        let functions = &self.functions;
        let done = async {
            match queue.as_str() {
                RECEIPTS => functions.receipts.handle(event).await,
                _ => functions.webhook.handle(event).await,
            }
        };
        let done = self.aws.process(crash, done).await;
        self.note(&format!("delivered {queue} {body}: {}", done.is_some()));
        let comes_again = done.is_none() || fate == 1;
        match done {
            Some(failures) => assert_eq!(failures.unwrap().batch_item_failures.len(), 0),
            None => self.restart().await,
        }
        if comes_again {
            let visible_ms = self.clock.now().as_millisecond() + 90_000;
            self.aws.enqueue(Message { visible_ms, ..message });
        }
        true
    }

    /// Reports, as SES does, that a mail which it accepted bounced; it may come twice.
    pub(crate) async fn bounce(&mut self) {
        let Some((message_id, tags)) = self.rng.choice(self.aws.mails()) else { return };
        let tags: serde_json::Map<_, _> = tags.as_array().unwrap().iter().map(tag_of_event).collect();
        let event = json!({ "detail-type": "Email Bounced", "source": "aws.ses", "detail": {
            "eventType": "Bounce",
            "mail": { "messageId": message_id, "tags": tags },
            "bounce": { "bounceType": "Permanent", "bounceSubType": "General", "timestamp": self.clock.now() },
        } });
        let (crash, (context, _)) = (self.crash(), self.context());
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), context);
        let done = self.aws.process(crash, self.functions.feedback.handle(event)).await;
        self.note(&format!("bounced {message_id}: {}", done.is_some()));
        match done {
            Some(done) => done.unwrap(),
            None => self.restart().await,
        }
    }

    /// A run of the schedule.
    pub(crate) async fn expire(&mut self) {
        let (crash, (context, _)) = (self.crash(), self.context());
        let time = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({ "detail-type": "Scheduled Event", "source": "aws.events", "time": time, "detail": {} });
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), context);
        let done = self.aws.process(crash, self.functions.expire.handle(event)).await;
        self.note(&format!("expired: {}", done.is_some()));
        match done {
            Some(done) => done.unwrap(),
            None => self.restart().await,
        }
    }
}

/// What functions reach others by, which takes long to make.
struct Clients {
    config: SdkConfig,
    table: Table,
    audit_table: AuditTable,
    receipts: Queue,
    lanes: [Queue; 2],
    failures: Queue,
    sender: Sender,
}

impl Clients {
    fn new(aws: &Aws, clock: &Clock, random: &Random) -> Self {
        let config = aws.config();
        let queue = |name: &str| Queue::new(&config, format!("http://aws/{name}"));
        Self {
            table: Table::new(&config, TABLE.to_owned(), random.clone()),
            audit_table: AuditTable::new(&config, AUDIT_TABLE.to_owned()),
            receipts: queue(RECEIPTS),
            lanes: [queue(WEBHOOKS), queue(SLOW_WEBHOOKS)],
            failures: queue("failures"),
            sender: Sender::new(LOOPBACK, clock.clone()).unwrap(),
            config,
        }
    }
}

impl Functions {
    async fn start(clients: &Clients, clock: &Clock, random: &Random) -> Self {
        let Clients { config, table, audit_table, receipts, lanes, failures, sender } = clients;
        let (table, receipts, lanes) = (|| table.clone(), || receipts.clone(), || lanes.clone());
        let (clock, random) = (|| clock.clone(), || random.clone());
        // Receivers are addressed by number.
        let lookup = Lookup::by(async |name| panic!("{name} is looked up"));
        let (base_url, mocks) = (|| Some(BASE_URL.to_owned()), || Connections::mocks(false));
        let caps: AmountCaps = "GBP:1000000".parse().unwrap();
        // Customers are in one of them alone.
        let formats: api::Formats = "banked,yorlet".parse().unwrap();
        let settings = Settings {
            public_base_url: base_url(),
            caps: caps.clone(),
            formats: formats.clone(),
            live_payments: false,
            local_live: false,
        };
        let of_console = console::Settings {
            caps,
            formats: formats.clone(),
            connections: mocks(),
            policy: LOOPBACK,
            logs: None,
            oidc: None,
        };
        let postbox = Postbox::new(config, "shop@example.com".to_owned(), "set".to_owned());
        let [webhooks, slow_webhooks] = lanes();
        let queues = [receipts(), webhooks.clone(), slow_webhooks, failures.clone()];
        let for_console = [webhooks.clone(), receipts()];
        Self {
            token: Token::new(table(), clock()).await,
            create: Create::new(table(), clock(), random(), settings).await,
            get: Get::new(table(), false, clock()).await,
            cancel: Cancel::new(table(), mocks(), clock(), random()).await,
            refund: RefundFunction::new(table(), mocks(), clock(), random(), base_url()).await,
            endpoints: EndpointsFunction::new(table(), LOOPBACK, lookup, clock(), random()).await,
            events: EventsFunction::new(table(), webhooks.clone(), clock()).await,
            customers: CustomersFunction::new(table(), formats, clock(), random()).await,
            test_clocks: TestClocksFunction::new(table(), webhooks.clone(), mocks(), clock(), random()).await,
            console: Console::new(table(), audit_table.clone(), for_console, of_console, base_url(), clock(), random()),
            checkout: Checkout::new(table(), mocks(), clock(), random()),
            mocks: Mocks::new(table(), false, clock(), random()),
            provider_events: ProviderEvents::new(table(), mocks(), clock(), random()),
            publish: Publish::new(table(), queues, clock(), true),
            receipts: EmailReceipt::new(table(), postbox, receipts(), clock(), random()),
            feedback: Feedback::new(table(), clock(), true),
            webhook: Webhook::new(table(), lanes(), SLOW_WEBHOOKS, sender.clone(), clock(), random()),
            expire: Expire::new(table(), [receipts(), webhooks], 1, mocks(), clock(), random()),
        }
    }
}

/// A tag as it is sent with a mail, as SES's events have it.
fn tag_of_event(tag: &Value) -> (String, Value) {
    (tag["Name"].as_str().unwrap().to_owned(), json!([tag["Value"]]))
}

/// How the merchant identifies itself, in the header `Authorization`.
struct Credentials {
    /// By the key's secret.
    bearer: String,
    /// By the key's id and its secret, for a token.
    basic: String,
}

/// Makes a merchant.
async fn merchant(table: &Table, clock: &Clock, random: &Random) -> Credentials {
    let (merchants, id) = (Merchants::new(table.clone()), "demo".parse().unwrap());
    let name = || models::Name::try_from("Bright Candles Ltd".to_owned()).unwrap();
    merchants.create(&id, name(), random.bytes()).await.unwrap();
    let account: AccountIdentifier =
        serde_json::from_value(json!({ "account_number": "12345678", "sort_code": "010203" })).unwrap();
    let account = LinkedAccount { name: name(), account, default: false, linked_at: None };
    merchants.link_account(&id, &account, None).await.unwrap();
    let issued = api::issue_key(&id, Mode::Test, Scopes::ALL, clock.now(), random);
    merchants.add_key(&issued.key, None).await.unwrap();
    let secret = issued.secret.as_str();
    let basic = BASE64_STANDARD.encode(format!("{}:{secret}", issued.key.id));
    Credentials { bearer: format!("Bearer {secret}"), basic: format!("Basic {basic}") }
}

/// Lets somebody into the merchant's console, who only looks.
async fn person(table: &Table, clock: &Clock) -> Person {
    let (merchant_id, now) = ("demo".parse().unwrap(), clock.now());
    let email = "bea@shop.example".to_owned().try_into().unwrap();
    let person = Person { merchant_id, email, role: Role::Look, added_at: now, visits_from: now };
    People::new(table.clone()).add(&person, None).await.unwrap();
    person
}
