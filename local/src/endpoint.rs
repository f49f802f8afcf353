//! The machine's one AWS endpoint: it routes calls to DynamoDB, SQS, SES and Secrets Manager, counts them and lets faults
//! happen.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::dynamodb::DynamoDb;
use crate::faults::{self, Effect, Faults, Late, Service};
use crate::feedback::Feedback;
use crate::functions::{Caller, Functions};
use crate::http::{self, Answer, Call, Hangup};
use crate::logs::Logs;
use crate::mails::Mails;
use crate::meter::Meter;
use crate::permissions::{self, Permissions};
use crate::queues::Queues;
use crate::ses::MailRate;
use crate::tasks::{Signal, Tasks};
use crate::{secrets, ses, sqs};

/// Above every service's own limit: SES takes 40 MB, in Base64.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// What the endpoint's requests reach.
pub(crate) struct Endpoint {
    pub(crate) dynamodb: Arc<DynamoDb>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) mails: Mails,
    pub(crate) feedback: Arc<Feedback>,
    pub(crate) mail_rate: MailRate,
    /// TrueLayer's credentials, where it is switched on.
    pub(crate) secret: Option<String>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) permissions: Permissions,
    pub(crate) logs: Arc<Logs>,
    pub(crate) aws_url: String,
    pub(crate) happened: Signal,
    pub(crate) tasks: Tasks,
}

/// The targets of DynamoDB, its streams, SQS and Secrets Manager: `<prefix><operation>`.
const TARGETS: [(&str, Service); 4] = [
    ("DynamoDB_20120810.", Service::DynamoDb),
    ("DynamoDBStreams_20120810.", Service::DynamoDb),
    ("AmazonSQS.", Service::Sqs),
    ("secretsmanager.", Service::SecretsManager),
];

/// Serves the endpoint until the machine stops.
pub(crate) fn serve(listener: TcpListener, endpoint: Endpoint, tasks: &Tasks) {
    let endpoint = Arc::new(endpoint);
    http::serve(listener, tasks, MAX_BODY_BYTES, http::plain_too_large, move |call| {
        let endpoint = Arc::clone(&endpoint);
        async move { endpoint.handle(call).await }
    });
}

impl Endpoint {
    async fn handle(&self, call: Call) -> Result<Answer, Hangup> {
        if call.uri.path() == "/_local/faults" {
            return Ok(self.faults.control(&call));
        }
        if call.uri.path() == "/_local/late" {
            return Ok(self.late().await);
        }
        let Some((service, operation)) = recognise(&call) else {
            let body = json!({
                "__type": "com.amazon.coral.service#UnknownOperationException",
                "message": "`local` hosts DynamoDB, SQS (JSON protocol), SES v2's SendEmail and GetSecretValue",
            });
            return Ok(http::json(StatusCode::BAD_REQUEST, "application/x-amz-json-1.0", &body));
        };
        let caller = call.header("authorization").and_then(Caller::from_authorization);
        let function = caller.as_ref().map_or("-", |caller| caller.function.as_str());
        self.meter.called(function, &operation);
        if caller.is_some()
            && let Err(problem) = self.permissions.check(function, service, &operation, &call.body)
        {
            self.logs.remark(&problem);
            return Ok(permissions::denied(service, &problem));
        }
        let effect = self.faults.take(&operation, function, &call);
        let answer = match effect {
            None => Ok(self.carry_out(service, function, &operation, &call).await),
            Some(Effect::DropAnswer) => {
                self.carry_out(service, function, &operation, &call).await;
                Err(Hangup)
            }
            Some(Effect::DropRequest) => Err(Hangup),
            Some(Effect::Late) => {
                let function = function.to_owned();
                self.faults.keep(Late { service, operation, function, call });
                // Until the client gives up.
                self.happened.signal();
                std::future::pending().await
            }
            Some(Effect::KillBefore) => {
                self.kill(caller.as_ref()).await;
                Err(Hangup)
            }
            Some(Effect::KillAfter) => {
                self.carry_out(service, function, &operation, &call).await;
                self.kill(caller.as_ref()).await;
                Err(Hangup)
            }
            Some(
                effect @ (Effect::TransactionConflict | Effect::Throttled | Effect::OverQuota | Effect::ServerError),
            ) => Ok(faults::refusal(service, effect, &operation, &call.body)),
        };
        self.happened.signal();
        answer
    }

    /// Carries out what is late, and answers which operations that were and with which statuses they ended.
    async fn late(&self) -> Answer {
        let mut done = Vec::new();
        for Late { service, operation, function, call } in self.faults.take_late() {
            let status = self.carry_out(service, &function, &operation, &without_token(call)).await.status();
            done.push(json!({ "function": function, "operation": operation, "status": status.as_u16() }));
        }
        self.happened.signal();
        http::json(StatusCode::OK, "application/json", &done)
    }

    async fn carry_out(&self, service: Service, function: &str, operation: &str, call: &Call) -> Answer {
        match service {
            Service::DynamoDb => self.dynamodb.handle(function, operation, call).await,
            Service::Sqs => sqs::handle(&self.queues, &self.aws_url, operation, &call.body).await,
            Service::Ses if !self.mail_rate.allows_one() => ses::rate_exceeded(),
            Service::Ses => {
                let (mails, feedback, body) = (self.mails.clone(), Arc::clone(&self.feedback), call.body.clone());
                self.tasks.blocking(move || ses::send_email(&mails, &feedback, &body)).await
            }
            Service::SecretsManager => secrets::handle(self.secret.as_deref(), operation, &call.body),
        }
    }

    async fn kill(&self, caller: Option<&Caller>) {
        if let Some(caller) = caller {
            self.functions.kill(caller).await;
        }
    }
}

/// The request as it is after ten minutes, when DynamoDB has forgotten a transaction's ClientRequestToken.
fn without_token(mut call: Call) -> Call {
    if let Ok(Value::Object(mut body)) = serde_json::from_slice(&call.body)
        && body.remove("ClientRequestToken").is_some()
    {
        call.body = Value::Object(body).to_string().into();
    }
    call
}

fn recognise(call: &Call) -> Option<(Service, String)> {
    if call.method != Method::POST {
        return None;
    }
    if call.uri.path() == ses::SEND_EMAIL_PATH {
        return Some((Service::Ses, "SendEmail".to_owned()));
    }
    let target = call.header("x-amz-target")?;
    TARGETS.iter().find_map(|(prefix, service)| Some((*service, target.strip_prefix(prefix)?.to_owned())))
}
