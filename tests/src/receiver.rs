//! A merchant's server that webhooks are posted to: it writes down what it gets and answers as a test says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outbound::{MessageId, WebhookSecret, banked_signature, standard_signature};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::text;

/// What the server does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Answers with this status at once.
    Status(u16),
    /// Answers with this status after a while.
    After(Duration, u16),
    /// Leads elsewhere.
    Redirect(String),
    /// Never answers, and keeps the connection.
    Hang,
    /// Closes the connection without an answer.
    Close,
    /// Sends a byte of a status line now and then, without end.
    Drip,
    /// Answers with this status and this body.
    Body(u16, String),
    /// Answers with this status, and with a body that comes a byte now and then, without end.
    DripBody(u16),
    /// Answers with this status, and asks to be called again after so long, as `Retry-After` says it.
    RetryAfter(u16, String),
}

impl Reply {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status)
            | Self::After(_, status)
            | Self::Body(status, _)
            | Self::DripBody(status)
            | Self::RetryAfter(status, _) => Some(*status),
            Self::Redirect(_) => Some(302),
            Self::Hang | Self::Close | Self::Drip => None,
        }
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// The first line, without the version: `POST /a`.
    pub line: String,
    /// Its headers, their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its bytes as JSON; null where they are none.
    pub json: Value,
    /// How often this event had come to this path before.
    pub seen: usize,
    /// How many requests to this path were under way, this one among them.
    pub under_way: usize,
    /// What it is answered with.
    pub reply: Reply,
}

impl Received {
    /// Where it was posted.
    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or("")
    }

    /// The event's id.
    pub fn event_id(&self) -> String {
        text(&self.json["id"])
    }

    /// The id of the session or refund.
    pub fn object_id(&self) -> String {
        text(&self.json["data"]["id"])
    }

    /// Which entry of the history it is about.
    pub fn sequence(&self) -> u64 {
        self.json["sequence"].as_u64().unwrap()
    }

    /// The event's type.
    pub fn event_type(&self) -> String {
        text(&self.json["type"])
    }

    /// Whether it is answered with success.
    pub fn accepted(&self) -> bool {
        self.reply.status().is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether both signatures are right: Standard Webhooks' by exactly these secrets, Banked's by the first.
    pub fn is_signed_by(&self, secrets: &[&str]) -> bool {
        let secrets: Vec<WebhookSecret> = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
        let id: MessageId = self.headers["webhook-id"].parse().unwrap();
        let timestamp_s: i64 = self.headers["webhook-timestamp"].parse().unwrap();
        self.headers["webhook-signature"] == standard_signature(&id, timestamp_s, &self.body, &secrets)
            && self.headers["banked-signature"] == banked_signature(timestamp_s, &self.body, &secrets[0])
    }
}

type Plan = dyn Fn(&Received) -> Reply + Send + Sync;

struct State {
    plan: Mutex<Arc<Plan>>,
    received: Mutex<Vec<Received>>,
    under_way: Mutex<BTreeMap<String, Arc<AtomicUsize>>>,
    came: Notify,
}

/// The server; gone when it is dropped.
pub struct Receiver {
    url: String,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    /// A server that answers everything with 200.
    pub async fn start() -> Self {
        Self::planned(|_| Reply::Status(200)).await
    }

    /// A server that answers as `plan` says; the request's own reply is not set yet when it is asked.
    pub async fn planned(plan: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            plan: Mutex::new(Arc::new(plan)),
            received: Mutex::default(),
            under_way: Mutex::default(),
            came: Notify::new(),
        });
        let mut tasks = JoinSet::new();
        let serving = Arc::clone(&state);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let state = Arc::clone(&serving);
                connections.spawn(async move { state.serve(stream).await });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, state, _tasks: tasks }
    }

    /// The URL of one of its paths, which begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// From now on it answers so.
    pub fn plan(&self, plan: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        *self.state.plan.lock().unwrap() = Arc::new(plan);
    }

    /// From now on it answers everything with this.
    pub fn answer_all(&self, reply: Reply) {
        self.plan(move |_| reply.clone());
    }

    /// What came so far, in the order in which it came.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// What came to one path.
    pub fn at(&self, path: &str) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.path() == path).collect()
    }

    /// Forgets what came.
    pub fn forget(&self) {
        self.state.received.lock().unwrap().clear();
    }

    /// Waits until what came is as wanted; false if it is not within this time.
    pub async fn until(&self, within: Duration, mut wanted: impl FnMut(&[Received]) -> bool) -> bool {
        let deadline = Instant::now() + within;
        loop {
            let came = self.state.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            if wanted(&self.state.received.lock().unwrap()) {
                return true;
            }
            if tokio::time::timeout_at(deadline, came).await.is_err() {
                return wanted(&self.state.received.lock().unwrap());
            }
        }
    }

    /// Waits until this many requests have been answered with success.
    pub async fn accepted(&self, count: usize, within: Duration) {
        let enough = self.until(within, |all| all.iter().filter(|one| one.accepted()).count() >= count).await;
        assert!(enough, "{} of {count} were accepted: {:#?}", accepted(&self.received()).len(), self.summary());
    }

    /// One short line for each request, for a test that fails.
    pub fn summary(&self) -> Vec<String> {
        let line = |one: &Received| {
            format!("{} {} {} {:?}", one.line, one.json["id"], one.json["type"].as_str().unwrap_or(""), one.reply)
        };
        self.received().iter().map(line).collect()
    }
}

impl State {
    async fn serve(&self, mut stream: TcpStream) {
        let Some((line, headers, body)) = read(&mut stream).await else { return };
        let json: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let path = line.split(' ').nth(1).unwrap_or("").to_owned();
        let counter = Arc::clone(self.under_way.lock().unwrap().entry(path.clone()).or_default());
        let under_way = counter.fetch_add(1, Ordering::SeqCst) + 1;
        let _done = Done(counter);
        let plan = Arc::clone(&self.plan.lock().unwrap());
        let reply = {
            let mut all = self.received.lock().unwrap();
            let seen = all.iter().filter(|one| one.path() == path && one.json["id"] == json["id"]).count();
            let mut received =
                Received { at: Instant::now(), line, headers, body, json, seen, under_way, reply: Reply::Hang };
            received.reply = plan(&received);
            let reply = received.reply.clone();
            all.push(received);
            reply
        };
        self.came.notify_waiters();
        match &reply {
            Reply::Status(status) => answer(&mut stream, *status, "", "").await,
            Reply::After(delay, status) => {
                // A sender that waits no longer has closed the connection.
                if tokio::time::timeout(*delay, closed(&mut stream)).await.is_err() {
                    answer(&mut stream, *status, "", "").await;
                }
            }
            Reply::Redirect(location) => answer(&mut stream, 302, &format!("location: {location}\r\n"), "").await,
            Reply::Body(status, body) => answer(&mut stream, *status, "", body).await,
            Reply::Close => {}
            Reply::Hang => closed(&mut stream).await,
            Reply::RetryAfter(status, wait) => {
                answer(&mut stream, *status, &format!("retry-after: {wait}\r\n"), "").await;
            }
            Reply::Drip => drip(stream, b"HTTP/1.1 200 OK\r\nx: ").await,
            Reply::DripBody(status) => {
                let head = format!("HTTP/1.1 {status} Test\r\ncontent-length: 1000000\r\n\r\n");
                if stream.write_all(head.as_bytes()).await.is_ok() {
                    drip(stream, b"").await;
                }
            }
        }
    }
}

/// Counts a request as over, however it ends.
struct Done(Arc<AtomicUsize>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until the other side closes the connection.
async fn closed(stream: &mut TcpStream) {
    let mut buffer = [0; 64];
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

/// Sends this a byte now and then, and more without end.
async fn drip(mut stream: TcpStream, begin: &[u8]) {
    for byte in begin.iter().chain(std::iter::repeat(&b'x')) {
        let pause = tokio::time::timeout(Duration::from_millis(100), closed(&mut stream));
        if pause.await.is_ok() || stream.write_all(&[*byte]).await.is_err() {
            return;
        }
    }
}

pub(crate) async fn answer(stream: &mut TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status} Test\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // A sender that is no longer there is not answered.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

pub(crate) async fn read(stream: &mut TcpStream) -> Option<(String, BTreeMap<String, String>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.rsplit_once(' ')?.0.to_owned();
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(header).collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((line, headers, body))
}

/// Those that were answered with success.
pub fn accepted(received: &[Received]) -> Vec<&Received> {
    received.iter().filter(|one| one.accepted()).collect()
}

/// The sequences of each object's events, in the order in which they were first answered with success, after it has been
/// checked that none came before the one before it had been accepted.
pub fn in_order<'a>(received: impl IntoIterator<Item = &'a Received>) -> BTreeMap<String, Vec<u64>> {
    let mut accepted: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for one in received {
        let (object, sequence) = (one.object_id(), one.sequence());
        let sequences = accepted.entry(object.clone()).or_default();
        if sequences.contains(&sequence) {
            continue;
        }
        if let Some(last) = sequences.last() {
            assert_eq!(sequence, last + 1, "of {object} after {sequences:?}");
        }
        if one.accepted() {
            sequences.push(sequence);
        }
    }
    accepted
}
