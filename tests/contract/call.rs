//! Calls of AWS's JSON protocols, signed, so that the same ones go to AWS and to whatever stands for it.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::{Client, StatusCode};
use serde_json::{Map, Value, json};

/// Longer than any call may take, long polls included.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The services that contracts are about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    DynamoDb,
    Streams,
    Sqs,
}

impl Service {
    /// What signatures call it; its host; what its targets begin with.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::DynamoDb => ("dynamodb", "dynamodb", "DynamoDB_20120810"),
            Self::Streams => ("dynamodb", "streams.dynamodb", "DynamoDBStreams_20120810"),
            Self::Sqs => ("sqs", "sqs", "AmazonSQS"),
        }
    }
}

/// An implementation of the services, as it is called.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    http: Client,
    /// Where all services are; none for AWS, where each has a host of its own.
    url: Option<String>,
    region: String,
    credentials: Credentials,
}

/// A call that was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// As SDKs report it.
    pub(crate) code: String,
    pub(crate) body: Value,
}

impl Refusal {
    /// The item that did not meet the condition, if it is returned.
    pub(crate) fn item(&self) -> Option<Value> {
        self.body.get("Item").filter(|item| item.as_object().is_some_and(|item| !item.is_empty())).map(plain_item)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.body)
    }
}

impl Endpoint {
    /// An implementation on this machine, which checks no credentials.
    pub(crate) fn at(url: &str) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "test");
        Self::new(Some(url.to_owned()), "eu-west-2".to_owned(), credentials)
    }

    /// AWS itself.
    pub(crate) fn aws(region: String, credentials: Credentials) -> Self {
        Self::new(None, region, credentials)
    }

    fn new(url: Option<String>, region: String, credentials: Credentials) -> Self {
        let http = Client::builder();
        let http = if url.is_some() { http.no_proxy() } else { http };
        Self { http: http.timeout(CALL_TIMEOUT).build().unwrap(), url, region, credentials }
    }

    /// Whether this is AWS.
    pub(crate) fn is_aws(&self) -> bool {
        self.url.is_none()
    }

    /// Makes a call; panics if there is no answer at all.
    pub(crate) async fn call(&self, service: Service, operation: &str, body: &Value) -> Result<Value, Refusal> {
        let (name, host, target) = service.names();
        let url = self.url.clone().unwrap_or_else(|| format!("https://{host}.{}.amazonaws.com", self.region));
        let (url, body) = (format!("{url}/"), body.to_string());
        let headers = [
            ("content-type", "application/x-amz-json-1.0".to_owned()),
            ("x-amz-target", format!("{target}.{operation}")),
        ];
        let identity = self.credentials.clone().into();
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let signed_headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable =
            SignableRequest::new("POST", &url, signed_headers, SignableBody::Bytes(body.as_bytes())).unwrap();
        let (signature, _) = sign(signable, &signing).unwrap().into_parts();
        let (signature, _) = signature.into_parts();

        let mut request = self.http.post(&url).body(body);
        for (name, value) in headers.iter().map(|(name, value)| (*name, value.as_str())) {
            request = request.header(name, value);
        }
        for header in signature {
            request = request.header(header.name(), header.value());
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{operation}: {error}"));
        let status = response.status();
        let query_code = response.headers().get("x-amzn-query-error").and_then(|code| code.to_str().ok());
        let query_code = query_code.and_then(|code| code.split(';').next()).map(str::to_owned);
        let text = response.text().await.unwrap_or_else(|error| panic!("{operation}: {error}"));
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() {
            return Ok(body);
        }
        let kind = || body["__type"].as_str().unwrap_or("").rsplit('#').next().unwrap_or("").to_owned();
        // SDKs know SQS's errors by the codes of its older protocol.
        let code = query_code.unwrap_or_else(kind);
        let code = code.trim_start_matches("AWS.SimpleQueueService.").to_owned();
        Err(Refusal { status, code, body })
    }
}

/// A value as DynamoDB's JSON has it: `{"S": …}` for text, and so on.
pub(crate) fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(bool) => json!({ "BOOL": bool }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::String(text) => json!({ "S": text }),
        Value::Array(values) => json!({ "L": values.iter().map(typed).collect::<Vec<_>>() }),
        Value::Object(_) => json!({ "M": typed_item(value) }),
    }
}

/// An item, or an expression's values, as DynamoDB's JSON has it.
pub(crate) fn typed_item(item: &Value) -> Value {
    let item = item.as_object().expect("an item is an object");
    Value::Object(item.iter().map(|(name, value)| (name.clone(), typed(value))).collect())
}

/// A value from DynamoDB's JSON; numbers have to be small.
pub(crate) fn plain(value: &Value) -> Value {
    let (kind, value) = value.as_object().and_then(|value| value.iter().next()).expect("a typed value");
    match kind.as_str() {
        "NULL" => Value::Null,
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "L" => value.as_array().unwrap().iter().map(plain).collect(),
        "M" => plain_item(value),
        _ => value.clone(),
    }
}

/// An item from DynamoDB's JSON.
pub(crate) fn plain_item(item: &Value) -> Value {
    let item = item.as_object().unwrap_or_else(|| panic!("no item: {item}"));
    Value::Object(item.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>())
}
