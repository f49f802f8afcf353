//! The Lambda Runtime API, as one function process sees it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::sync::{Arc, Mutex};

use hyper::body::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::http::{self, Answer, Call};
use crate::names;
use crate::tasks::{Tasks, lock};

/// The largest output of a function: 6 MB and the envelope's allowance, as Lambda counts them.
const MAX_OUTPUT_BYTES: usize = 6_291_556;
/// Above every legal output, so that an illegal one is answered rather than truncated.
const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;

/// One event for the process.
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) event: Bytes,
    /// When the process will be killed, in milliseconds since 1970.
    pub(crate) deadline_ms: i64,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// What the process made of an event: its output, or the error document its runtime sent.
pub(crate) type Reply = Result<Bytes, Value>;

/// The machine's end of one process's Runtime API.
pub(crate) struct RuntimeApi {
    pub(crate) jobs: mpsc::Sender<Job>,
    /// Turns true once the process asks for its first event.
    pub(crate) initialised: watch::Receiver<bool>,
}

struct Shared {
    function: String,
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    initialised: watch::Sender<bool>,
    /// The event being worked on.
    current: Mutex<Option<(String, oneshot::Sender<Reply>)>>,
}

/// Serves one process until `tasks` is stopped.
pub(crate) fn serve(listener: TcpListener, function: &str, tasks: &Tasks) -> RuntimeApi {
    let (jobs, waiting) = mpsc::channel(1);
    let (initialised, is_initialised) = watch::channel(false);
    let shared = Arc::new(Shared {
        function: function.to_owned(),
        jobs: tokio::sync::Mutex::new(waiting),
        initialised,
        current: Mutex::new(None),
    });
    http::serve(listener, tasks, MAX_REQUEST_BYTES, http::plain_too_large, move |call| {
        let shared = Arc::clone(&shared);
        async move { Ok(shared.handle(call).await) }
    });
    RuntimeApi { jobs, initialised: is_initialised }
}

impl Shared {
    async fn handle(&self, call: Call) -> Answer {
        let segments = call.segments();
        let Some(("2018-06-01", path)) = segments.split_first().map(|(first, rest)| (*first, rest)) else {
            return error(StatusCode::NOT_FOUND, "NotFound", "no such path");
        };
        match (&call.method, path) {
            (&Method::GET, ["runtime", "invocation", "next"]) => self.next().await,
            (&Method::POST, ["runtime", "invocation", id, "response"]) => {
                if call.body.len() > MAX_OUTPUT_BYTES {
                    let too_large = json!({
                        "errorType": "Function.ResponseSizeTooLarge",
                        "errorMessage": format!("Response payload size exceeded maximum allowed payload size ({MAX_OUTPUT_BYTES} bytes)."),
                    });
                    self.reply(id, Err(too_large));
                    return error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "the output is too large");
                }
                self.reply(id, Ok(call.body.clone()))
            }
            (&Method::POST, ["runtime", "invocation", id, "error"]) => self.reply(id, Err(error_document(&call.body))),
            // The process exits by itself after this; its exit is what fails the invocation.
            (&Method::POST, ["runtime", "init", "error"]) => accepted(),
            _ => error(StatusCode::NOT_FOUND, "NotFound", "no such path"),
        }
    }

    async fn next(&self) -> Answer {
        self.initialised.send_replace(true);
        let Some(job) = self.jobs.lock().await.recv().await else {
            return error(StatusCode::INTERNAL_SERVER_ERROR, "Stopping", "the machine stops");
        };
        let mut answer = http::answer(StatusCode::OK, "application/json", job.event);
        let trace = names::trace_root(jiff::Timestamp::now());
        http::set_header(&mut answer, "lambda-runtime-aws-request-id", &job.id);
        http::set_header(&mut answer, "lambda-runtime-deadline-ms", &job.deadline_ms.to_string());
        http::set_header(&mut answer, "lambda-runtime-invoked-function-arn", &names::function_arn(&self.function));
        http::set_header(&mut answer, "lambda-runtime-trace-id", &format!("Root={trace};Sampled=0"));
        *lock(&self.current) = Some((job.id, job.reply));
        answer
    }

    fn reply(&self, id: &str, reply: Reply) -> Answer {
        let mut current = lock(&self.current);
        match current.take() {
            Some((expected, sender)) if expected == id => {
                // Nobody listens any more after a time-out.
                let _ = sender.send(reply);
                accepted()
            }
            other => {
                *current = other;
                error(StatusCode::BAD_REQUEST, "InvalidRequestID", "this invocation is not in progress")
            }
        }
    }
}

fn error_document(body: &[u8]) -> Value {
    serde_json::from_slice(body)
        .unwrap_or_else(|_| json!({ "errorType": "UnknownReason", "errorMessage": String::from_utf8_lossy(body) }))
}

fn accepted() -> Answer {
    http::json(StatusCode::ACCEPTED, "application/json", &json!({ "status": "OK" }))
}

fn error(status: StatusCode, kind: &str, text: &str) -> Answer {
    http::json(status, "application/json", &json!({ "errorType": kind, "errorMessage": text }))
}
