//! How a delivery is sent.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use models::{CorrelationId, EventEncoding, WireFormat};
use reqwest::{Client, Method, RequestBuilder, redirect, retry};
use runtime::Clock;
use thiserror::Error;
use url::Url;

use crate::decryptable::{DecryptableHeaders, DeliveryApplication};
use crate::endpoint::{RefusedUrl, check_parsed};
use crate::lookup::{AllowedOnly, Lookup, NoAddress};
use crate::policy::Policy;
use crate::retry_after::retry_after;
use crate::secret::WebhookSecret;
use crate::signature::{MessageId, banked_signature, standard_signature, yorlet_signature};

/// How much of an answer's body is read, so that an ordinary one can end in peace.
const MAX_READ_BYTES: usize = 16 * 1024;

/// How long an answer's body is read, once its status is there. It changes nothing about the delivery, and the sender
/// has others to send to.
const READ_MS: u64 = 200;

/// How much of an answer's body is kept, to show it to the merchant.
const MAX_KEPT_BYTES: usize = 1024;

/// How long an answer that is wanted whole may ordinarily be. What issuers of tokens publish of themselves is a few KiB.
pub const MAX_WHOLE_BYTES: usize = 256 * 1024;

/// How long a delivery may take. An answer's body is read for 200 ms more, and no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOuts {
    /// Until the connection stands: the look-up, TCP and TLS.
    pub connect_ms: u64,
    /// Until the answer's status and headers are there, from the look-up on.
    pub answer_ms: u64,
}

impl Default for TimeOuts {
    /// 5 s and 15 s; Standard Webhooks recommends 15 to 30 s.
    fn default() -> Self {
        Self { connect_ms: 5_000, answer_ms: 15_000 }
    }
}

/// One message for one endpoint.
pub struct Delivery {
    /// Where to.
    pub url: Url,
    /// Which message, for `webhook-id`.
    pub id: MessageId,
    /// In whose format its body is, and so whose own signature it bears.
    pub format: WireFormat,
    /// What it came of, so that it can be found in both sides' logs.
    pub correlation_id: Option<CorrelationId>,
    /// Whether it is about a payment that was never made, for `counterfoil-test`.
    pub is_test: bool,
    /// When it is sent, for both signatures. Receivers refuse what is more than some minutes old.
    pub timestamp_s: i64,
    /// What the body is encoded in.
    pub encoding: EventEncoding,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// For whose application it is, if the format has applications and the endpoint's has a public key.
    pub application: Option<DeliveryApplication>,
    /// The secret for the format's own signature, which can be one only, and the first for `webhook-signature`.
    pub secret: WebhookSecret,
    /// What else `webhook-signature` is made with, while secrets are being rotated.
    pub further_secrets: Vec<WebhookSecret>,
}

impl Delivery {
    /// The headers that it bears, signatures included.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let Self { id, format, correlation_id, is_test, timestamp_s, encoding, body, application, secret, .. } = self;
        let secrets = std::iter::once(secret).chain(&self.further_secrets);
        let mut headers = vec![
            ("content-type", media_type(*encoding).to_owned()),
            ("webhook-id", id.as_str().to_owned()),
            ("webhook-timestamp", timestamp_s.to_string()),
            ("webhook-signature", standard_signature(id, *timestamp_s, body, secrets)),
        ];
        match format {
            WireFormat::Banked => headers.push(("banked-signature", banked_signature(*timestamp_s, body, secret))),
            WireFormat::Yorlet => headers.push(("x-yorlet-signature", yorlet_signature(body, secret))),
            WireFormat::Fintecture => {
                let DecryptableHeaders { date, digest, request_id, signature } =
                    DecryptableHeaders::new(id, *timestamp_s, body, application.as_ref());
                headers.extend([("date", date), ("digest", digest), ("x-request-id", request_id)]);
                headers.extend(signature.map(|signature| ("signature", signature)));
            }
        }
        headers.extend(correlation_id.as_ref().map(|id| ("counterfoil-correlation-id", id.as_str().to_owned())));
        headers.extend(is_test.then(|| ("counterfoil-test", "true".to_owned())));
        headers
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryResult {
    /// How long it took until the answer's status came, or until it was clear that none would.
    pub latency_ms: u64,
    /// The headers that it bore: [`Delivery::headers`], of which some are others each time.
    pub headers: Vec<(&'static str, String)>,
    /// The answer, whatever the endpoint thinks of the message; or why there is none.
    pub response: Result<EndpointResponse, Failure>,
}

/// What an endpoint said. Its body is optional: whether it came whole is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointResponse {
    /// The HTTP status.
    pub status: u16,
    /// For how long the receiver asks not to be called (RFC 9110, 10.2.3).
    pub retry_after: Option<Duration>,
    /// The first 1 KiB of the body; what is no UTF-8 in it is replaced.
    pub body_start: String,
}

/// A whole answer, whatever its status. Debug output does not show its body, which may hold tokens or be about people.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// All of the body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no answer. The text is for the merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Failure {
    /// Too slow.
    #[error("there was no answer in time")]
    TimedOut,
    /// Too slow for [`Sender::send_quickly`].
    #[error("there was no answer at once; the event is sent again, and its answer waited for")]
    NotAtOnce,
    /// Refused, broken off, or something else than HTTP was spoken.
    #[error("the connection was refused or broke off before an answer")]
    ConnectionFailed,
    /// No addresses for the host name, or none to be had just now.
    #[error("the host name could not be resolved")]
    NameNotFound,
    /// Not on the public internet.
    #[error("the host is not on the public internet")]
    AddressNotAllowed,
    /// See [`RefusedUrl::BlockedPort`].
    #[error("the port is 0 or one that browsers block")]
    PortNotAllowed,
    /// Most often a certificate that has expired, is of another host, or that nobody known has signed.
    #[error("no secure connection could be made: the certificate must be valid for the host and lead to a known root")]
    TlsFailed,
}

/// There is no client to send with, most likely for want of the system's root certificates.
#[derive(Debug, Error)]
#[error("no HTTP client: {0}")]
pub struct NoSender(String);

/// Sends deliveries. Made once, it is used for all.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    policy: Policy,
    answer_ms: u64,
    clock: Clock,
}

impl Sender {
    /// A sender with the system's resolver and the default time-outs; see [`Self::with`].
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub fn new(policy: Policy, clock: Clock) -> Result<Self, NoSender> {
        Self::with(policy, Lookup::system(), TimeOuts::default(), clock)
    }

    /// A sender with this resolver and these time-outs, which measures by this clock how long an endpoint takes. Time-outs
    /// go by the system's.
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub fn with(policy: Policy, lookup: Lookup, time_outs: TimeOuts, clock: Clock) -> Result<Self, NoSender> {
        let client = Client::builder()
            .user_agent(concat!("Counterfoil/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(AllowedOnly { lookup, policy }))
            .connect_timeout(Duration::from_millis(time_outs.connect_ms))
            // A redirect could lead to where the URL may not.
            .redirect(redirect::Policy::none())
            // A proxy would resolve the name itself.
            .no_proxy()
            // Every delivery its own connection, to an address checked for it; and a function that is frozen between two
            // requests would find the old ones dead.
            .pool_max_idle_per_host(0)
            // The caller decides what is sent again.
            .retry(retry::never())
            .http1_only()
            // Off by default, unless some other crate of the build switches the features on.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build();
        let client = client.map_err(|error| NoSender(with_causes(&error)))?;
        Ok(Self { client, policy, answer_ms: time_outs.answer_ms, clock })
    }

    /// Sends once, and waits for the answer, for as long as it was made for. Nothing of it is logged.
    pub async fn send(&self, delivery: &Delivery) -> DeliveryResult {
        self.send_within(delivery, Duration::from_millis(self.answer_ms), Failure::TimedOut).await
    }

    /// The same, but waits only so long: what then happens to the delivery is up to the caller. Look-up, connection and TLS
    /// are part of that time.
    pub async fn send_quickly(&self, delivery: &Delivery, within: Duration) -> DeliveryResult {
        self.send_within(delivery, within, Failure::NotAtOnce).await
    }

    async fn send_within(&self, delivery: &Delivery, within: Duration, too_late: Failure) -> DeliveryResult {
        let headers = delivery.headers();
        let started = self.clock.instant();
        let response = tokio::time::timeout(within, self.request(delivery, &headers)).await.unwrap_or(Err(too_late));
        let latency_ms = u64::try_from(self.clock.elapsed(started).as_millis()).unwrap_or(u64::MAX);
        let response = match response {
            Ok(response) => Ok(read(response, self.clock.now().into()).await),
            Err(failure) => Err(failure),
        };
        DeliveryResult { latency_ms, headers, response }
    }

    /// Posts these bytes, which the caller has signed in a way of its own, and waits for the answer's status as [`Self::send`]
    /// does. Nothing of it is logged.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn post(&self, url: &Url, headers: &[(&'static str, String)], body: String) -> Result<u16, Failure> {
        let request = async {
            let request = self.request_to(Method::POST, url)?;
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
            request.body(body).send().await.map_err(|error| Failure::of(&error))
        };
        let response = tokio::time::timeout(Duration::from_millis(self.answer_ms), request).await;
        Ok(response.unwrap_or(Err(Failure::TimedOut))?.status().as_u16())
    }

    /// Sends one request, with these headers and this body, and waits for the status and all of the body of its answer, for both
    /// together as [`Self::send`] does for the status. Nothing of it is logged.
    ///
    /// # Errors
    /// Why there is no answer. One whose body is longer than `max_bytes` is broken off.
    pub async fn call(
        &self,
        method: Method,
        url: &Url,
        headers: &[(&str, String)],
        body: Option<String>,
        max_bytes: usize,
    ) -> Result<Response, Failure> {
        // The HTTP client says no length of a body that is empty, and a POST has to say one (RFC 9110, 8.6).
        let body = body.filter(|body| !body.is_empty());
        let says_none = body.is_none() && (method == Method::POST || method == Method::PUT);
        let request = self.request_to(method, url)?;
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        let request = if says_none { request.header("content-length", "0") } else { request };
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        let answer = async {
            let mut response = request.send().await.map_err(|error| Failure::of(&error))?;
            let (status, mut body) = (response.status().as_u16(), Vec::new());
            while let Some(chunk) = response.chunk().await.map_err(|error| Failure::of(&error))? {
                if body.len() + chunk.len() > max_bytes {
                    return Err(Failure::ConnectionFailed);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Response { status, body })
        };
        let answer = tokio::time::timeout(Duration::from_millis(self.answer_ms), answer).await;
        answer.unwrap_or(Err(Failure::TimedOut))
    }

    /// Gets what is at a URL: the status and all of the body, by [`Self::call`], up to [`MAX_WHOLE_BYTES`].
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn get_whole(&self, url: &Url) -> Result<(u16, Vec<u8>), Failure> {
        let Response { status, body } = self.call(Method::GET, url, &[], None, MAX_WHOLE_BYTES).await?;
        Ok((status, body))
    }

    /// The same of what is posted.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn post_whole(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let Response { status, body } = self.call(Method::POST, url, headers, Some(body), MAX_WHOLE_BYTES).await?;
        Ok((status, body))
    }

    /// A request to a URL that may be called. A host in figures is not looked up, so the client's resolver doesn't see it.
    fn request_to(&self, method: Method, url: &Url) -> Result<RequestBuilder, Failure> {
        check_parsed(url, false, self.policy).map_err(Failure::of_url)?;
        Ok(self.client.request(method, url.clone()))
    }

    async fn request(
        &self,
        delivery: &Delivery,
        headers: &[(&'static str, String)],
    ) -> Result<reqwest::Response, Failure> {
        let request = self.request_to(Method::POST, &delivery.url)?;
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.body(delivery.body.clone()).send().await.map_err(|error| Failure::of(&error))
    }
}

const fn media_type(encoding: EventEncoding) -> &'static str {
    match encoding {
        EventEncoding::Json => "application/json",
        EventEncoding::Form => "application/x-www-form-urlencoded",
    }
}

/// Reads as much of the answer as is wanted; dropping it then closes the connection.
#[expect(clippy::disallowed_methods, reason = "a connection is read by the system's clock, as it is timed out by it")]
async fn read(mut response: reqwest::Response, now: SystemTime) -> EndpointResponse {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), now);
    let (mut kept, mut read_bytes) = (Vec::with_capacity(MAX_KEPT_BYTES), 0);
    let until = tokio::time::Instant::now() + Duration::from_millis(READ_MS);
    while read_bytes < MAX_READ_BYTES {
        // A body that breaks off, or is too slow, takes nothing from the status.
        let Ok(Ok(Some(chunk))) = tokio::time::timeout_at(until, response.chunk()).await else { break };
        read_bytes += chunk.len();
        kept.extend(chunk.iter().take(MAX_KEPT_BYTES - kept.len()));
    }
    EndpointResponse { status, retry_after, body_start: text_of(&kept) }
}

/// Text, without half a character at the end.
fn text_of(bytes: &[u8]) -> String {
    let (mut text, mut chunks) = (String::new(), bytes.utf8_chunks().peekable());
    while let Some(chunk) = chunks.next() {
        text.push_str(chunk.valid());
        let cut_off = || std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none());
        if !chunk.invalid().is_empty() && (chunks.peek().is_some() || !cut_off()) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

impl Failure {
    /// What a URL is refused for that was accepted when it was registered.
    fn of_url(refused: RefusedUrl) -> Self {
        match refused {
            RefusedUrl::BlockedPort => Self::PortNotAllowed,
            RefusedUrl::NotHttp
            | RefusedUrl::NotHttps
            | RefusedUrl::TooLong
            | RefusedUrl::Credentials
            | RefusedUrl::Fragment
            | RefusedUrl::NotPublic
            | RefusedUrl::Unresolved => Self::AddressNotAllowed,
        }
    }

    fn of(error: &reqwest::Error) -> Self {
        for cause in causes(error) {
            match cause.downcast_ref() {
                Some(NoAddress::NotFound) => return Self::NameNotFound,
                Some(NoAddress::NotAllowed) => return Self::AddressNotAllowed,
                None if cause.is::<rustls::Error>() => return Self::TlsFailed,
                None => {}
            }
        }
        if error.is_timeout() { Self::TimedOut } else { Self::ConnectionFailed }
    }
}

/// An error and what is behind it. An I/O error passes over the error that it wraps, so that one is asked for.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
        None => error.source(),
    })
}

fn with_causes(error: &reqwest::Error) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl fmt::Debug for Delivery {
    /// Neither the body, which is about people, nor the URL, which may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("id", &self.id).field("timestamp_s", &self.timestamp_s).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_character_is_left_out_and_a_wrong_one_replaced() {
        assert_eq!(text_of("zoë".as_bytes()), "zoë");
        assert_eq!(text_of(&"zoë".as_bytes()[..3]), "zo");
        assert_eq!(text_of(b"a\xffb\xe2\x82"), "a\u{fffd}b");
        assert_eq!(text_of(b"\xe2\x82a"), "\u{fffd}a");
        assert_eq!(text_of(b""), "");
    }

    #[test]
    fn an_answers_body_is_not_debugged() {
        let response = Response { status: 200, body: b"quiet".to_vec() };
        assert_eq!(format!("{response:?}"), "Response { status: 200, .. }");
    }

    #[test]
    fn a_delivery_is_not_debugged() {
        let delivery = Delivery {
            url: "https://example.com/?token=quiet".parse().unwrap(),
            id: "msg_1".parse().unwrap(),
            format: WireFormat::Banked,
            correlation_id: None,
            is_test: false,
            timestamp_s: 1,
            encoding: EventEncoding::Json,
            application: None,
            body: b"quiet".to_vec(),
            secret: WebhookSecret::generate([1; 32]),
            further_secrets: vec![],
        };
        assert_eq!(format!("{delivery:?}"), r#"Delivery { id: MessageId("msg_1"), timestamp_s: 1, .. }"#);
    }
}
