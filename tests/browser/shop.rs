//! The merchant's site: a server that notes who comes by, and with what.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::{PATIENCE, document_1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

const PAGE: &str = "<!doctype html><html lang=en><title>Shop</title><link rel=icon href=data:,><h1>The shop</h1>";

/// The site, until it is dropped.
pub(crate) struct Shop {
    url: String,
    visits: mpsc::UnboundedReceiver<Visit>,
    server: JoinHandle<()>,
}

/// Someone came by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// Where from, if the browser said.
    pub(crate) referrer: Option<String>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, visits) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(stream, sender.clone()));
            }
        });
        Self { url, visits, server }
    }

    /// Document 1's request, with both of its URLs at this shop.
    pub(crate) fn order(&self) -> Value {
        let mut request = document_1();
        request["success_url"] = format!("{}/thanks?order=__PAYMENT_ID__", self.url).into();
        request["error_url"] = format!("{}/sorry?order=__PAYMENT_ID__", self.url).into();
        request
    }

    /// The next visit.
    pub(crate) async fn visit(&mut self) -> Visit {
        tokio::time::timeout(PATIENCE, self.visits.recv()).await.expect("nobody came to the shop").unwrap()
    }

    /// Whether anybody came whom [`Shop::visit`] has not reported.
    pub(crate) fn has_visitors(&mut self) -> bool {
        !self.visits.is_empty()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers one request; a connection that brings none is nobody's visit.
async fn answer(mut stream: TcpStream, visits: mpsc::UnboundedSender<Visit>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let (method, rest) = head.split_once(' ').unwrap();
    let (target, fields) = rest.split_once(' ').unwrap();
    assert_eq!(method, "GET", "{head}");
    let url = Url::parse(&format!("http://shop{target}")).unwrap();
    if url.path() != "/favicon.ico" {
        let referrer =
            fields.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("referer: ").map(str::to_owned));
        let _ = visits.send(Visit {
            path: url.path().to_owned(),
            query: url.query_pairs().into_owned().collect(),
            referrer,
        });
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{PAGE}",
        PAGE.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}
