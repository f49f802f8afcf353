//! A relay between functions and TrueLayer's sandbox. It writes down what both say, without what is secret or about a person.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::receiver::{answer, read};

/// Where the sandbox's hosts are.
const DOMAIN: &str = "truelayer-sandbox.com";

/// Headers that belong to one connection.
const OF_THE_CONNECTION: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];

/// Fields whose texts are not written down.
const HIDDEN: [&str; 9] = [
    "access_token",
    "resource_token",
    "client_id",
    "client_secret",
    "email",
    "phone",
    "name",
    "account_holder_name",
    "trace_id",
];

/// The relay; gone when it is dropped.
pub struct Relay {
    url: String,
    _tasks: JoinSet<()>,
}

struct State {
    client: Client,
    folder: PathBuf,
    /// What was written down: method, path, status, and the status that the answer says.
    seen: Mutex<BTreeSet<(String, String, u16, String)>>,
}

impl Relay {
    /// A relay that writes into this folder what is new, an exchange to a file.
    pub async fn start(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let state = Arc::new(State { client, folder, seen: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let state = Arc::clone(&state);
                connections.spawn(async move { state.serve(stream).await });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, _tasks: tasks }
    }

    /// In place of all of TrueLayer's hosts.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl State {
    async fn serve(&self, mut stream: TcpStream) {
        let Some((line, headers, body)) = read(&mut stream).await else { return };
        let (method, path) = line.split_once(' ').unwrap();
        if (method, path) == ("GET", "/payments") {
            // The payer's browser brings what is after the `#` along by itself.
            let location = format!("location: https://payment.{DOMAIN}/payments\r\n");
            return answer(&mut stream, 302, &location, "").await;
        }
        let host = match path {
            path if path.starts_with("/connect/") => "auth",
            path if path.starts_with("/.well-known/") => "webhooks",
            _ => "api",
        };
        let request = self.client.request(method.parse::<Method>().unwrap(), format!("https://{host}.{DOMAIN}{path}"));
        let own = headers.iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str()));
        let request = own.fold(request, |request, (name, value)| request.header(name, value)).body(body.clone());
        // Without an answer the connection is closed without one, as functions know it.
        let Ok(response) = request.send().await else { return };
        let status = response.status().as_u16();
        let Ok(text) = response.text().await else { return };
        self.record(method, path, &body, status, &text);
        answer(&mut stream, status, "", &text).await;
    }

    fn record(&self, method: &str, path: &str, request: &[u8], status: u16, response: &str) {
        let request = without_secrets(serde_json::from_slice(request).unwrap_or_default());
        let response = without_secrets(serde_json::from_str(response).unwrap_or_default());
        let mut seen = self.seen.lock().unwrap();
        if seen.insert((method.to_owned(), path.to_owned(), status, response["status"].to_string())) {
            let exchange = json!({
                "request": { "method": method, "path": path, "body": request },
                "response": { "status": status, "body": response },
            });
            let text = serde_json::to_string_pretty(&exchange).unwrap() + "\n";
            fs::write(self.folder.join(format!("{:03}.json", seen.len())), text).unwrap();
        }
    }
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| match HIDDEN.contains(&name.as_str()) {
                true => (name, "…".into()),
                false => (name, without_secrets(value)),
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_left_out_wherever_it_stands() {
        let said = json!({ "id": "1", "resource_token": "quiet", "user": { "email": "quiet", "id": "2" }, "items": [
            { "name": "quiet", "amount_in_minor": 1 },
        ] });
        let written = without_secrets(said).to_string();
        assert!(!written.contains("quiet") && written.contains(r#""id":"2""#), "{written}");
    }
}
