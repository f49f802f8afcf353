//! The events that candidates are given, with what has to be in the table for them, and what they must answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use models::{
    MailId, MailTopic, Merchant, MerchantId, PaidFrom, PaymentAttempt, Person, Role, Session, SessionEvent, SessionId,
    Submission,
};
use serde_json::{Value, json};
use store::{Change, Mails, Merchants, People, Sessions, Table, VisitToken, Visits};
use uuid::Uuid;

use super::host::{Answer, AnswerKind};
use super::world::World;
use crate::error::Error;
use crate::orders::{self, document_1};

/// What is asked of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Any answer will do; the event is that of `Create`.
    Nothing,
    Create,
    Get,
    Cancel,
    Refund,
    /// One record of the table's stream: a session was created.
    Publish,
    /// One message: a receipt is due.
    EmailReceipt,
    /// The checkout's list of banks, compressed.
    Page,
    /// The console's list of payments, for somebody who is signed in.
    Payments,
}

/// Where sessions are as payers and merchants see them.
const DOMAIN: &str = "pay.example.com";
const DEMO: &str = "pk_test_demo:sk_test_demo";

/// As many payments as one page of the console shows.
const ON_A_PAGE: usize = 25;

/// Prepares work.
pub(crate) struct Preparer {
    merchant: Merchant,
    sessions: Sessions,
    mails: Mails,
    visit: VisitToken,
    http: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
    table_name: String,
}

impl Preparer {
    pub(crate) async fn new(world: &World) -> Result<Self, Error> {
        let credentials = aws_credential_types::Credentials::new("bench", "bench", None, None, "bench");
        let endpoint = Some(world.machine.aws_url().to_owned());
        let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), endpoint)?;
        let table_name = world.machine.table_name().to_owned();
        let table = Table::new(&config, table_name.clone(), runtime::Random::System);
        let demo: MerchantId = "demo".parse()?;
        let merchant = Merchants::new(table.clone()).get(&demo).await?.ok_or("there is no demo merchant")?;
        let visit = visit(&table, &merchant.id).await?;
        let preparer = Self {
            merchant,
            visit,
            sessions: Sessions::new(table.clone()),
            mails: Mails::new(table),
            http: Client::builder(TokioExecutor::new()).build_http(),
            endpoint: world.machine.aws_url().to_owned(),
            table_name,
        };
        for _ in 0..ON_A_PAGE {
            preparer.awaiting().await?;
        }
        Ok(preparer)
    }

    /// An event that nobody has worked on.
    pub(crate) async fn event(&self, work: Work) -> Result<Bytes, Error> {
        let event = match work {
            Work::Nothing | Work::Create => http_event("POST", "/v2/payment_sessions", Some(&document_1())),
            Work::Get => {
                let id = self.awaiting().await?.id;
                http_event("GET", &format!("/v2/payment_sessions/{id}"), None)
            }
            Work::Cancel => {
                let id = self.awaiting().await?.id;
                http_event("POST", &format!("/v2/payment_sessions/{id}/cancel"), None)
            }
            Work::Refund => {
                let refund = json!({ "payment_session_id": self.paid().await?.id, "amount": 150 });
                http_event("POST", "/v2/refunds", Some(&refund))
            }
            Work::Publish => self.record(&self.awaiting().await?.id).await?,
            Work::EmailReceipt => {
                let id = self.paid().await?.id;
                let mail = MailId { topic: MailTopic::Receipt(id), sequence: 4 };
                self.mails.put(&mail, samples::now()).await?;
                message(&mail.to_string())
            }
            Work::Page => {
                let mut event = http_event("GET", &format!("/checkout/{}", self.awaiting().await?.id), None);
                // As every browser does.
                add_header(&mut event, "accept-encoding", "gzip".to_owned());
                event
            }
            Work::Payments => {
                let mut event = http_event("GET", "/console/test/payments", None);
                add_header(&mut event, "cookie", format!("__Host-counterfoil={}", self.visit.as_str()));
                event
            }
        };
        Ok(Bytes::from(event.to_string()))
    }

    async fn awaiting(&self) -> Result<Session, Error> {
        let mut order = document_1();
        if let Value::Object(order) = &mut order {
            order.insert("payer".to_owned(), json!({ "name": "Ada Payer", "email": "ada@example.com" }));
        }
        let (id, base_url) = (SessionId::new(Uuid::now_v7()), format!("https://{DOMAIN}"));
        let session = orders::session(&order, &self.merchant, id, samples::now(), &base_url)?;
        self.sessions.create(session.clone(), None).await?;
        Ok(session)
    }

    async fn paid(&self) -> Result<Session, Error> {
        let session = self.awaiting().await?;
        let change =
            |event| Change { session_id: session.id, event, at: samples::now(), write_id: samples::write_id() };
        let attempt = PaymentAttempt {
            number: 1,
            bank: "mock-bank".parse()?,
            redirect_url: format!("https://{DOMAIN}/mock-bank/{}/1", session.id),
            provider_state: "1".to_owned(),
            at_consent: None,
            ended: None,
        };
        self.sessions.choose_bank(change(SessionEvent::BankChosen), &attempt, None).await?;
        let now = samples::now();
        let submission = Submission { idempotency_key: "1".to_owned(), body: "{}".to_owned(), submitted_at: now };
        self.sessions.give_consent(change(SessionEvent::ConsentGiven), 1, &submission, now).await?;
        // The account is shared, so that a refund's payment is made with the refund.
        let payer_account = session.payee.clone();
        Ok(self.sessions.settle(change(SessionEvent::Settled), &PaidFrom::Account(payer_account), None).await?.session)
    }

    /// The stream's record of a session's creation.
    async fn record(&self, id: &SessionId) -> Result<Value, Error> {
        let keys = json!({ "pk": { "S": format!("SESSION#{id}") }, "sk": { "S": "SESSION" } });
        let body = json!({ "TableName": self.table_name, "Key": keys, "ConsistentRead": true });
        // Not by the SDK: DynamoDB's own JSON is what the stream has, too.
        let request = Request::post(&self.endpoint)
            .header("x-amz-target", "DynamoDB_20120810.GetItem")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=bench/20260101/eu-west-2/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
            .body(Full::new(Bytes::from(body.to_string())))?;
        let answer = self.http.request(request).await?.into_body().collect().await?.to_bytes();
        let answer: Value = serde_json::from_slice(&answer)?;
        let image = answer.get("Item").ok_or_else(|| format!("the session can't be read back: {answer}"))?;
        Ok(json!({ "Records": [{
            "eventID": "1",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-2",
            "eventSourceARN": "arn:aws:dynamodb:eu-west-2:000000000000:table/bench/stream/1",
            "dynamodb": {
                "ApproximateCreationDateTime": Timestamp::now().as_second(),
                "Keys": keys,
                "NewImage": image,
                "SequenceNumber": "1",
                "SizeBytes": 1,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }] }))
    }
}

impl Work {
    /// Whether the answer is the success that it should be.
    pub(crate) fn check(self, answer: &Answer) -> Result<(), Error> {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let status = body.get("statusCode").and_then(Value::as_u64);
        let is_expected = answer.kind == AnswerKind::Response
            && match self {
                Self::Nothing => true,
                Self::Create | Self::Refund => status == Some(201),
                Self::Get | Self::Cancel | Self::Page | Self::Payments => status == Some(200),
                Self::Publish | Self::EmailReceipt => {
                    body.get("batchItemFailures").and_then(Value::as_array).is_some_and(Vec::is_empty)
                }
            };
        if is_expected {
            return Ok(());
        }
        Err(format!("an answer that is no success: {}", String::from_utf8_lossy(&answer.body)).into())
    }
}

/// A visit of somebody of this merchant to the console.
async fn visit(table: &Table, merchant_id: &MerchantId) -> Result<VisitToken, Error> {
    let (now, token) = (Timestamp::now(), VisitToken::new(&runtime::Random::System));
    let email = "ada@example.com".to_owned().try_into()?;
    let person = Person { merchant_id: merchant_id.clone(), email, role: Role::Look, added_at: now, visits_from: now };
    People::new(table.clone()).add(&person, None).await?;
    Visits::new(table.clone()).begin_vouched(&person, now, false, &token, now, None).await?;
    Ok(token)
}

fn add_header(event: &mut Value, name: &str, value: String) {
    if let Some(headers) = event.get_mut("headers").and_then(Value::as_object_mut) {
        headers.insert(name.to_owned(), value.into());
    }
}

/// API Gateway's payload 2.0.
fn http_event(method: &str, path: &str, body: Option<&Value>) -> Value {
    let request_id = Uuid::new_v4();
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "authorization": format!("Basic {}", STANDARD.encode(DEMO)),
            "content-type": "application/json",
            "host": DOMAIN,
            "idempotency-key": request_id.to_string(),
            "user-agent": "curl/8.10.1",
            "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "domainName": DOMAIN,
            "domainPrefix": "pay",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.10.1",
            },
            "requestId": request_id.to_string(),
            "routeKey": format!("{method} {path}"),
            "stage": "$default",
            "time": "21/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_262_400_000_u64,
        },
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}

/// An event of one SQS message.
fn message(body: &str) -> Value {
    json!({ "Records": [{
        "messageId": Uuid::new_v4().to_string(),
        "receiptHandle": "1",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795262400000",
            "SenderId": "000000000000",
            "ApproximateFirstReceiveTimestamp": "1795262400000",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-2:000000000000:bench",
        "awsRegion": "eu-west-2",
    }] })
}
