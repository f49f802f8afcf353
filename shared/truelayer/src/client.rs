//! Calls of TrueLayer's API.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use models::ProviderRequest;
use outbound::{Failure, Lookup, MAX_WHOLE_BYTES, Method, NoSender, Policy, Response, Sender, TimeOuts};
use providers::ProviderError;
use runtime::Clock;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use thiserror::Error;
use url::form_urlencoded;

use crate::credentials::Credentials;
use crate::hosts::{Hosts, at_path};
use crate::signature::{TL_SIGNATURE, sign};

/// The header under which TrueLayer does something once.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// How often a request is sent again while the same one is under way (409).
const UNDER_WAY_REPEATS: u8 = 3;

/// How long before each time.
const UNDER_WAY_PAUSE: Duration = Duration::from_millis(300);

/// How long before its end a token is no longer used: what is sent with it takes its time.
const TOKEN_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// The longest that a token is used, in seconds, whatever TrueLayer says. It says an hour.
const MAX_TOKEN_S: u32 = 24 * 60 * 60;

/// The most that a log says of each text of a refusal.
const MAX_LOGGED_CHARS: usize = 100;

/// The most fields of a refused request that a log names.
const MAX_LOGGED_FIELDS: usize = 8;

/// How long a call may take: a token and a call together are within what the schedule has for one payment, 9 s, so that a TrueLayer
/// that hangs takes no time from the others.
const TIME_OUTS: TimeOuts = TimeOuts { connect_ms: 2_000, answer_ms: 4_000 };

/// How long a list may be: of some hundreds of banks, each described in some KiB.
const MAX_LIST_BYTES: usize = 4 * 1024 * 1024;

/// A sender to TrueLayer's hosts.
pub(crate) fn sender(policy: Policy, clock: Clock) -> Result<Sender, NoSender> {
    Sender::with(policy, Lookup::system(), TIME_OUTS, clock)
}

/// Why TrueLayer did not do what it was asked. Its text is for logs: it quotes nothing of the request.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// There was no answer.
    #[error("TrueLayer gave no answer: {0}")]
    NoAnswer(#[from] Failure),
    /// There are no credentials to ask with. Nothing was sent.
    #[error("there are no credentials to ask TrueLayer with")]
    NoCredentials,
    /// There was no token to ask with. Says nothing about what would have been asked.
    #[error("TrueLayer gave no access token, with status {0}: the client's id and secret may be wrong")]
    NoToken(u16),
    /// It answered this instead.
    #[error("TrueLayer answered {status}: {problem}")]
    Answered { status: u16, problem: Problem },
    /// It did it, and what it says of that can't be read.
    #[error("TrueLayer's answer can't be read")]
    Unreadable,
}

impl CallError {
    /// The status, if TrueLayer answered the request itself.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::NoAnswer(_) | Self::NoCredentials | Self::NoToken(_) | Self::Unreadable => None,
        }
    }
}

impl From<CallError> for ProviderError {
    /// What may be asked again, and what is final (<https://docs.truelayer.com/docs/error-types>): only a status of its own
    /// says that TrueLayer won't, and neither one that asks for patience (429), nor one of a request with the same key that is
    /// under way (409) or was too slow (408), nor one of a token or a signature of ours (401): that is about us, and is asked again
    /// once our key is right.
    fn from(error: CallError) -> Self {
        match error.status() {
            Some(401 | 408 | 409 | 429) | None => Self::unreachable(error),
            Some(400..=499) => Self::refused(error),
            Some(_) => Self::unreachable(error),
        }
    }
}

/// What TrueLayer says of a refusal (RFC 9457): its title, by what its support finds it, and which fields it is about. What it
/// says in more words may quote the request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    title: Option<String>,
    trace_id: Option<String>,
    errors: Option<BTreeMap<String, IgnoredAny>>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| text.chars().take(MAX_LOGGED_CHARS).collect::<String>();
        f.write_str(&short(self.title.as_deref().unwrap_or("no reason given")))?;
        for field in self.errors.iter().flat_map(|errors| errors.keys()).take(MAX_LOGGED_FIELDS) {
            write!(f, ", {}", short(field))?;
        }
        match &self.trace_id {
            Some(id) => write!(f, " (trace {})", short(id)),
            None => Ok(()),
        }
    }
}

/// An access token. It is not shown.
#[derive(Clone)]
struct Token {
    text: String,
    until: Timestamp,
}

/// What TrueLayer answers who asks for a token.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: u32,
}

/// A request to TrueLayer.
struct Call<'a> {
    method: Method,
    path: &'a str,
    /// Under which key, if it is one that does something.
    idempotency_key: Option<&'a str>,
    body: Option<&'a str>,
    /// How long the answer may be.
    max_bytes: usize,
}

impl<'a> Call<'a> {
    /// What is at a path.
    const fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, idempotency_key: None, body: None, max_bytes: MAX_WHOLE_BYTES }
    }

    /// Does something, once under this key.
    const fn act(path: &'a str, idempotency_key: &'a str, body: Option<&'a str>) -> Self {
        let idempotency_key = Some(idempotency_key);
        Self { method: Method::POST, path, idempotency_key, body, max_bytes: MAX_WHOLE_BYTES }
    }
}

/// Asks TrueLayer's API, with an access token that it keeps; without credentials it asks nothing.
pub(crate) struct Client {
    sender: Sender,
    hosts: Hosts,
    credentials: Option<Credentials>,
    clock: Clock,
    token: Mutex<Option<Token>>,
}

impl Client {
    /// Over this sender, by this clock.
    pub(crate) const fn new(sender: Sender, hosts: Hosts, credentials: Option<Credentials>, clock: Clock) -> Self {
        Self { sender, hosts, credentials, clock, token: Mutex::new(None) }
    }

    /// What is at a path.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        read(&self.call(Call::get(path)).await?)
    }

    /// Asks for the list of what a body describes. It changes nothing.
    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str, body: &str) -> Result<T, CallError> {
        let (method, body) = (Method::POST, Some(body));
        read(&self.call(Call { method, path, idempotency_key: None, body, max_bytes: MAX_LIST_BYTES }).await?)
    }

    /// Asks for what a recorded request says; signed.
    pub(crate) async fn order<T: DeserializeOwned>(
        &self,
        path: &str,
        request: &ProviderRequest,
    ) -> Result<T, CallError> {
        read(&self.call(Call::act(path, &request.idempotency_key, Some(&request.body))).await?)
    }

    /// Asks for what needs no words but its path; signed. What is answered says no more than that it was accepted.
    pub(crate) async fn act(&self, path: &str, idempotency_key: &str) -> Result<(), CallError> {
        self.call(Call::act(path, idempotency_key, None)).await.map(drop)
    }

    /// Whether there is a token to be had.
    pub(crate) async fn sign_in(&self) -> Result<(), CallError> {
        self.token().await.map(drop)
    }

    /// Has TrueLayer verify a signature over a body; nothing else comes of it. It answers without words.
    pub(crate) async fn test_signature(&self, request: &ProviderRequest) -> Result<(), CallError> {
        let call = Call::act("/test-signature", &request.idempotency_key, Some(&request.body));
        self.call(call).await.map(drop)
    }

    /// Calls once; again only if the token is no good any more, which may be before its time, or while the same request is under
    /// way, as it is where a payer presses twice.
    async fn call(&self, call: Call<'_>) -> Result<Vec<u8>, CallError> {
        let mut answer = self.call_once(&call).await?;
        for _ in 0..UNDER_WAY_REPEATS {
            if answer.status != 409 || call.idempotency_key.is_none() {
                break;
            }
            tokio::time::sleep(UNDER_WAY_PAUSE).await;
            answer = self.call_once(&call).await?;
        }
        outcome(answer)
    }

    async fn call_once(&self, call: &Call<'_>) -> Result<Response, CallError> {
        let token = self.token().await?;
        let answer = self.send(call, &token).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.drop_token(&token);
        let token = self.token().await?;
        self.send(call, &token).await
    }

    async fn send(&self, call: &Call<'_>, token: &Token) -> Result<Response, CallError> {
        let &Call { ref method, path, idempotency_key, body, max_bytes } = call;
        let mut headers =
            vec![("Accept", "application/json".to_owned()), ("Authorization", format!("Bearer {}", token.text))];
        if body.is_some() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        if let Some(key) = idempotency_key {
            let signed = [(IDEMPOTENCY_KEY, key)];
            let bytes = body.unwrap_or_default().as_bytes();
            headers.push((TL_SIGNATURE, sign(&self.credentials()?.key, method.as_str(), path, &signed, bytes)));
            headers.push((IDEMPOTENCY_KEY, key.to_owned()));
        }
        let url = at_path(&self.hosts.api, path);
        Ok(self.sender.call(method.clone(), &url, &headers, body.map(str::to_owned), max_bytes).await?)
    }

    /// The token that is kept, or another where that is none or ends soon.
    async fn token(&self) -> Result<Token, CallError> {
        let now = self.clock.now();
        if let Some(token) = self.kept_token().filter(|token| now < token.until) {
            return Ok(token);
        }
        let credentials = self.credentials()?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &credentials.client_id)
            .append_pair("client_secret", &credentials.client_secret)
            .append_pair("scope", "payments")
            .finish();
        let url = at_path(&self.hosts.auth, "/connect/token");
        let headers = [("Content-Type", "application/x-www-form-urlencoded".to_owned())];
        let Response { status, body } =
            self.sender.call(Method::POST, &url, &headers, Some(body), MAX_WHOLE_BYTES).await?;
        if status != 200 {
            return Err(CallError::NoToken(status));
        }
        let TokenAnswer { access_token, expires_in } = read(&body)?;
        // What is no text of a header could not be sent.
        if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CallError::Unreadable);
        }
        let lasts = SignedDuration::from_secs(i64::from(expires_in.min(MAX_TOKEN_S))) - TOKEN_MARGIN;
        let token = Token { text: access_token, until: now.checked_add(lasts).unwrap_or(now) };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    fn credentials(&self) -> Result<&Credentials, CallError> {
        self.credentials.as_ref().ok_or(CallError::NoCredentials)
    }

    fn kept_token(&self) -> Option<Token> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a token no longer, unless there is another by now.
    fn drop_token(&self, token: &Token) {
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|kept| kept.text == token.text) {
            *kept = None;
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// The body of an answer that says yes.
fn outcome(answer: Response) -> Result<Vec<u8>, CallError> {
    let Response { status, body } = answer;
    if (200..300).contains(&status) {
        return Ok(body);
    }
    Err(CallError::Answered { status, problem: serde_json::from_slice(&body).unwrap_or_default() })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).map_err(|_| CallError::Unreadable)
}

#[cfg(test)]
pub(crate) mod tests;
