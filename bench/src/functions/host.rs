//! The Lambda Runtime API for one process: hands it events, one after the other, and takes its answers.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::process::Process;
use crate::error::Error;

/// How long any answer may take; a function that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is checked whether a process that gives no answer still runs.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The host's end.
#[derive(Debug)]
pub(crate) struct Host {
    /// What `AWS_LAMBDA_RUNTIME_API` says to the process.
    pub(crate) address: String,
    events: mpsc::Sender<Bytes>,
    answers: mpsc::Receiver<Answer>,
    /// True once the process has asked for its first event: its init phase is over.
    asked: watch::Receiver<bool>,
    _server: JoinSet<()>,
}

/// What came back for an event.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) at: Instant,
    pub(crate) kind: AnswerKind,
    pub(crate) body: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    Response,
    Error,
}

impl Host {
    /// Begins to listen.
    pub(crate) async fn start() -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = mpsc::channel(1);
        let (sender, answers) = mpsc::channel(1);
        let (ask, asked) = watch::channel(false);
        let api = Arc::new(Api { waiting: Mutex::new(waiting), answers: sender, ask });
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&api)));
            }
        });
        Ok(Self { address, events, answers, asked, _server: server })
    }

    /// Has an event ready for when the process asks for one.
    pub(crate) async fn offer(&self, event: Bytes) -> Result<(), Error> {
        Ok(self.events.send(event).await?)
    }

    /// Waits until the process has asked for its first event.
    ///
    /// # Errors
    /// It ended, or hangs.
    pub(crate) async fn initialised(&mut self, process: &mut Process) -> Result<(), Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            if tokio::time::timeout(CHECK_INTERVAL, self.asked.wait_for(|asked| *asked)).await.is_ok() {
                return Ok(());
            }
            still_there(process, until)?;
        }
    }

    /// The answer to the event that was offered.
    ///
    /// # Errors
    /// The process ended, or hangs.
    pub(crate) async fn answer(&mut self, process: &mut Process) -> Result<Answer, Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Ok(answer) = tokio::time::timeout(CHECK_INTERVAL, self.answers.recv()).await {
                return Ok(answer.ok_or("the Runtime API has stopped")?);
            }
            still_there(process, until)?;
        }
    }
}

fn still_there(process: &mut Process, until: Instant) -> Result<(), Error> {
    if let Some(how) = process.ended() {
        return Err(format!("it ended without an answer: {how}").into());
    }
    if Instant::now() > until {
        return Err(format!("it gave no answer within {} s", PATIENCE.as_secs()).into());
    }
    Ok(())
}

struct Api {
    waiting: Mutex<mpsc::Receiver<Bytes>>,
    answers: mpsc::Sender<Answer>,
    ask: watch::Sender<bool>,
}

async fn serve(stream: TcpStream, api: Arc<Api>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| api.handle(request));
    // An error here is a process that was killed.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Api {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let kind = match (request.method(), request.uri().path()) {
            (&Method::GET, "/2018-06-01/runtime/invocation/next") => return Ok(self.next().await),
            (&Method::POST, path) if path.ends_with("/response") => AnswerKind::Response,
            (&Method::POST, path) if path.ends_with("/error") => AnswerKind::Error,
            _ => return Ok(empty(StatusCode::NOT_FOUND)),
        };
        let Ok(body) = request.into_body().collect().await else { return Ok(empty(StatusCode::BAD_REQUEST)) };
        let answer = Answer { at: Instant::now(), kind, body: body.to_bytes() };
        // Nobody waits for it any more if the measurement has failed.
        let _ = self.answers.send(answer).await;
        Ok(empty(StatusCode::ACCEPTED))
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        self.ask.send_replace(true);
        let Some(event) = self.waiting.lock().await.recv().await else { return empty(StatusCode::GONE) };
        let deadline = Timestamp::now().as_millisecond() + 60_000;
        let answer = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", Uuid::new_v4().to_string())
            .header("lambda-runtime-deadline-ms", deadline)
            .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-2:000000000000:function:bench")
            .header("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0");
        answer.body(Full::new(event)).unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer
}
