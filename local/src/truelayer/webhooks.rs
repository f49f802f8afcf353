//! Sends what the simulator has to say of payments, signed, and again where it isn't accepted.
//! <https://docs.truelayer.com/docs/payments-api-webhooks>

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use jiff::Timestamp;
use truelayer::SigningKey;
use truelayer::signature::{self, TL_SIGNATURE};

use super::simulator::Event;
use crate::http::{self, Forwarder};
use crate::logs::Logs;
use crate::tasks::{Signal, lock};

/// The header that says when a webhook is sent; it is signed.
const TIMESTAMP: &str = "X-Tl-Webhook-Timestamp";
/// How long an answer may take.
const TIME_OUT: Duration = Duration::from_secs(10);
/// The pauses before each further try. TrueLayer itself goes on for days.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(2)];
/// How many that were accepted are kept, to be sent once more.
const MAX_SENT: usize = 1_000;

/// See the module.
pub(super) struct Webhooks {
    /// Where they are sent to.
    url: String,
    /// The path of the address that the client gave TrueLayer, which is signed.
    path: String,
    key: SigningKey,
    client: Forwarder,
    queue: Mutex<Queue>,
    logs: Arc<Logs>,
    happened: Signal,
}

#[derive(Default)]
struct Queue {
    /// In the order in which things happened.
    waiting: VecDeque<Event>,
    /// Nothing is sent until somebody says so.
    paused: bool,
    is_sending: bool,
    sent: VecDeque<Event>,
}

impl Queue {
    fn keep_sent(&mut self, event: Event) {
        if self.sent.len() >= MAX_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(event);
    }
}

impl Webhooks {
    pub(super) fn new(url: String, path: String, key: SigningKey, logs: Arc<Logs>, happened: Signal) -> Self {
        Self { url, path, key, client: http::forwarder(), queue: Mutex::default(), logs, happened }
    }

    /// Adds what has happened.
    pub(super) fn add(&self, events: Vec<Event>) {
        if !events.is_empty() {
            lock(&self.queue).waiting.extend(events);
            self.happened.signal();
        }
    }

    /// Whether nothing is to be sent now.
    pub(super) fn is_idle(&self) -> bool {
        let queue = lock(&self.queue);
        !queue.is_sending && (queue.paused || queue.waiting.is_empty())
    }

    /// Keeps all that happens until it is asked for, or lets it go again.
    pub(super) fn pause(&self, paused: bool) {
        lock(&self.queue).paused = paused;
        self.happened.signal();
    }

    /// Sends what is paused, once; how many were accepted. What was not is paused still.
    pub(super) async fn deliver(&self) -> usize {
        let waiting = std::mem::take(&mut lock(&self.queue).waiting);
        let mut accepted = 0;
        for event in waiting {
            let is_accepted = self.send(&event).await;
            let mut queue = lock(&self.queue);
            if is_accepted {
                accepted += 1;
                queue.keep_sent(event);
            } else {
                queue.waiting.push_back(event);
            }
        }
        accepted
    }

    /// Sends once more what was accepted before; how many were accepted again.
    pub(super) async fn repeat(&self) -> usize {
        let sent = lock(&self.queue).sent.clone();
        let mut accepted = 0;
        for event in sent {
            accepted += usize::from(self.send(&event).await);
        }
        accepted
    }

    /// Sends all that is not paused, one after the other.
    pub(super) async fn run(&self) {
        let mut happened = self.happened.listen();
        loop {
            let Some(event) = self.next() else {
                happened.signalled().await;
                continue;
            };
            let is_accepted = self.try_to_send(&event).await;
            if !is_accepted {
                self.logs.remark(&format!("TrueLayer's webhook {} was not accepted, and is given up", event.id));
            }
            {
                let mut queue = lock(&self.queue);
                queue.is_sending = false;
                if is_accepted {
                    queue.keep_sent(event);
                }
            }
            self.happened.signal();
        }
    }

    fn next(&self) -> Option<Event> {
        let mut queue = lock(&self.queue);
        let next = if queue.paused { None } else { queue.waiting.pop_front() };
        queue.is_sending = next.is_some();
        next
    }

    async fn try_to_send(&self, event: &Event) -> bool {
        for pause in PAUSES {
            if self.send(event).await {
                return true;
            }
            tokio::time::sleep(pause).await;
        }
        self.send(event).await
    }

    /// Whether it is accepted.
    async fn send(&self, event: &Event) -> bool {
        // The system's time, not the simulator's: the client judges by it how old this is.
        let timestamp = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let headers = [(TIMESTAMP, timestamp.as_str())];
        let signature = signature::sign(&self.key, "POST", &self.path, &headers, event.body.as_bytes());
        let request = Request::post(&self.url)
            .header("content-type", "application/json")
            .header(TIMESTAMP, &timestamp)
            .header(TL_SIGNATURE, signature)
            .body(Full::from(event.body.clone()));
        let Ok(request) = request else { return false };
        let answer = tokio::time::timeout(TIME_OUT, self.client.request(request)).await;
        matches!(answer, Ok(Ok(answer)) if answer.status().is_success())
    }
}
