//! A merchant's server that takes every webhook and remembers which came, in which order.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::flow::Paid;

/// What it asks to be told, in the order in which it happens.
pub(super) const WANTED: [&str; 2] = ["payment_session.pending", "payment_session.sent"];

/// Types of events by session, in the order in which they first came; a webhook may come twice.
type Told = BTreeMap<String, Vec<String>>;

/// The server; gone when it is dropped.
pub(super) struct Hooks {
    pub(super) url: String,
    told: Arc<Mutex<Told>>,
    _serving: JoinSet<()>,
}

impl Hooks {
    /// # Errors
    /// There is no port.
    pub(super) async fn start() -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/hooks", listener.local_addr()?);
        let told = Arc::new(Mutex::default());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&told)));
        Ok(Self { url, told, _serving: serving })
    }

    /// Payments of which not everything was told, or not in order.
    pub(super) fn wrong(&self, paid: &[Paid]) -> Vec<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |paid: &Paid| told.get(&paid.id).map(Vec::as_slice).unwrap_or_default();
        let wrong = paid.iter().filter(|paid| of(paid) != WANTED);
        wrong.map(|paid| format!("{}: its webhooks are {:?}", paid.id, of(paid))).collect()
    }
}

async fn serve(listener: TcpListener, told: Arc<Mutex<Told>>) {
    let mut connections = JoinSet::new();
    loop {
        // A connection that could not be taken is tried again by whoever wanted it.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer_all(stream, Arc::clone(&told)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn answer_all(stream: TcpStream, told: Arc<Mutex<Told>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let told = Arc::clone(&told);
        async move {
            // What breaks off comes again.
            if let Ok(body) = request.into_body().collect().await {
                note(&mut told.lock().unwrap_or_else(PoisonError::into_inner), &body.to_bytes());
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn note(told: &mut Told, body: &[u8]) {
    let event: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let events = told.entry(text("/data/id")).or_default();
    if !events.contains(&text("/type")) {
        events.push(text("/type"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_comes_is_compared_with_what_was_paid() {
        let hooks = Hooks::start().await.unwrap();
        let http = reqwest::Client::new();
        for (id, kind) in [("a", WANTED[0]), ("a", WANTED[0]), ("a", WANTED[1]), ("b", WANTED[1]), ("b", WANTED[0])] {
            let event = json!({ "type": kind, "data": { "id": id } });
            let answer = http.post(&hooks.url).json(&event).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        let paid = ["a", "b", "c"].map(|id| Paid { id: id.to_owned(), email: String::new() });
        let wrong = hooks.wrong(&paid);
        assert_eq!(wrong.len(), 2, "b in another order, c not at all: {wrong:?}");
        assert!(wrong[0].starts_with("b:") && wrong[1].starts_with("c:"));
    }
}
