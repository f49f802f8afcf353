//! A machine of one's own for each test, and clients to talk to it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use local::{Config, Machine};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Longer than anything takes that works, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn template() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/template.yaml")
}

/// Where `cargo test` puts examples, the fixture among them.
pub(crate) fn bin_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_local")).parent().unwrap().join("examples")
}

pub(crate) fn config(folder: &TempDir) -> Config {
    Config::for_tests(template(), bin_dir(), folder.path().join("data"))
}

pub(crate) async fn machine() -> (Machine, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::start(config(&folder)).await.unwrap();
    (machine, folder)
}

pub(crate) fn aws(aws_url: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(aws_url.to_owned())).unwrap()
}

pub(crate) fn dynamodb(machine: &Machine) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&aws(machine.aws_url()))
}

pub(crate) fn sqs(machine: &Machine) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&aws(machine.aws_url()))
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Puts an item `pk`/`SESSION` with a wish for the stream's function.
pub(crate) async fn put(client: &aws_sdk_dynamodb::Client, pk: &str, wish: &str) {
    let put = client.put_item().table_name("local-Table");
    put.item("pk", s(pk)).item("sk", s("SESSION")).item("wish", s(wish)).send().await.unwrap();
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

pub(crate) async fn http(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    Answer { status: head.status.as_u16(), headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}

pub(crate) async fn get(url: &str) -> Answer {
    http("GET", url, &[], "").await
}

/// The names of the records (`INSERT a`) or messages a function has been given, in order.
pub(crate) fn records(machine: &Machine, function: &str) -> Vec<String> {
    lines(machine, function).iter().filter_map(|line| line.strip_prefix("record ").map(str::to_owned)).collect()
}

pub(crate) fn lines(machine: &Machine, source: &str) -> Vec<String> {
    machine.logs().into_iter().filter(|line| line.source == source).map(|line| line.text).collect()
}

/// A server that passes each request on as it is, and remembers it.
pub(crate) struct Proxy {
    pub(crate) url: String,
    passed: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Passes on to whatever address `to` holds by then.
    pub(crate) async fn start(to: Arc<Mutex<String>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let passed = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&passed);
        tokio::spawn(async move {
            let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build_http();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (client, to, notes) = (client.clone(), Arc::clone(&to), Arc::clone(&notes));
                let pass_on = service_fn(move |mut request: Request<Incoming>| {
                    let operation = match request.headers().get("x-amz-target") {
                        Some(target) => target.to_str().unwrap().rsplit('.').next().unwrap_or_default(),
                        None => request.uri().path(),
                    };
                    notes.lock().unwrap().push(operation.to_owned());
                    *request.uri_mut() = format!("{}{}", to.lock().unwrap(), request.uri()).parse().unwrap();
                    client.request(request)
                });
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), pass_on));
            }
        });
        Self { url, passed }
    }

    /// The operations passed on since this was last asked, in order; SES's by their paths.
    pub(crate) fn passed(&self) -> Vec<String> {
        std::mem::take(&mut self.passed.lock().unwrap())
    }
}
