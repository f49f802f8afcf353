//! Endpoints of merchants, good and bad.

use std::future::Future;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use outbound::{Delivery, DeliveryResult, EndpointResponse, Failure, Lookup, Policy, Sender, TimeOuts, WebhookSecret};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const LOCAL: Policy = Policy { loopback_allowed: true };
pub(crate) const USUAL: Policy = Policy { loopback_allowed: false };

/// A request as it came.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header's value, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Self {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the request breaks off");
        };
        let body = bytes.split_off(end);
        let mut request = Self { head: String::from_utf8(bytes).unwrap(), body };
        // None where nothing is sent but the head.
        let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        while request.body.len() < length {
            assert_ne!(stream.read_buf(&mut request.body).await.unwrap(), 0, "the request breaks off");
        }
        request
    }
}

/// Accepts one request and does with the connection as it is asked to. The address is that of the endpoint.
pub(crate) async fn endpoint<F, T>(
    answer: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<(Request, T)>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = Request::read(&mut stream).await;
        (request, answer(stream).await)
    });
    (address, task)
}

/// An endpoint that nothing may come to.
pub(crate) struct Untouched(std::net::TcpListener);

impl Untouched {
    pub(crate) fn new() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// A connection that was made, even if it is closed again, would be waiting to be accepted.
    #[track_caller]
    pub(crate) fn assert(&self) {
        match self.0.accept() {
            Ok((_, peer)) => panic!("{peer} has connected"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
}

pub(crate) fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::generate([byte; 32])
}

pub(crate) fn delivery(url: &str) -> Delivery {
    Delivery {
        correlation_id: None,
        is_test: false,
        url: url.parse().unwrap(),
        id: "msg_1".parse().unwrap(),
        timestamp_s: 1_700_000_000,
        encoding: models::EventEncoding::Json,
        body: br#"{"a":1}"#.to_vec(),
        application: None,
        secret: secret(1),
        format: models::WireFormat::Banked,
        further_secrets: vec![],
    }
}

/// A sender to this machine, with so much time that a test which waits for it to pass is noticed.
pub(crate) fn sender() -> Sender {
    Sender::new(LOCAL, runtime::Clock::System).unwrap()
}

/// A sender to this machine that is soon out of patience.
pub(crate) fn hasty_sender() -> Sender {
    Sender::with(LOCAL, Lookup::system(), TimeOuts { connect_ms: 5_000, answer_ms: 1_000 }, runtime::Clock::System)
        .unwrap()
}

#[track_caller]
pub(crate) fn answer(result: DeliveryResult) -> EndpointResponse {
    result.response.unwrap()
}

#[track_caller]
pub(crate) fn failure(result: DeliveryResult) -> Failure {
    result.response.unwrap_err()
}
