//! The issuer: where its endpoints are and by which keys it signs, as it says itself (OpenID Connect Discovery 1.0).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use outbound::{Failure, Lookup, Policy, Sender, TimeOuts, check_url};
use runtime::Clock;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// For how long it is believed that an issuer is as it was. Keys that it signs by since are asked for once they are met.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Three calls one after the other, which is the most, are within the time that the function has.
const TIME_OUTS: TimeOuts = TimeOuts { connect_ms: 3_000, answer_ms: 5_000 };

/// Why the issuer could not be asked. No answer is shown: it may hold tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum IssuerError {
    #[error("the issuer could not be asked")]
    Unreached(#[from] Failure),
    #[error("the issuer answered with status {0}")]
    Status(u16),
    /// The code was used, has expired, or is not for us.
    #[error("the issuer refused the code")]
    Code,
    #[error("the issuer's answer can't be read")]
    Unreadable,
    #[error("the issuer calls itself otherwise than OIDC_ISSUER does")]
    Another,
    #[error("the issuer names an endpoint that can't be called")]
    Address,
}

/// How the issuer knows us.
pub(super) struct Client {
    pub(super) id: String,
    /// None if PKCE alone shows that the code is for us.
    pub(super) secret: Option<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The issuer.
#[derive(Debug)]
pub(super) struct Issuer {
    url: String,
    policy: Policy,
    sender: Sender,
    known: Mutex<Option<Arc<Known>>>,
}

/// What is known of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) authorization_endpoint: Url,
    token_endpoint: Url,
    pub(super) keys: JwkSet,
    pub(super) read_at: Timestamp,
}

/// What it says of itself (Discovery, 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// What a code is exchanged for (Core, 3.1.3.3). The access token is not asked for anything.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// What is said instead (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Refused {
    error: String,
}

impl Issuer {
    /// The issuer with this URL, `https` unless the policy allows this very machine. Nothing is asked of it yet.
    ///
    /// # Errors
    /// What is wrong; it reads on after the setting's name.
    pub(super) fn new(url: String, policy: Policy, clock: Clock) -> Result<Self, &'static str> {
        check_url(&url, !policy.loopback_allowed, policy).map_err(|_| "must be an https URL on the public internet")?;
        let sender = Sender::with(policy, Lookup::system(), TIME_OUTS, clock);
        let sender = sender.map_err(|_| "can't be asked: there are no root certificates")?;
        Ok(Self { url, policy, sender, known: Mutex::default() })
    }

    /// Its URL, by which tokens name it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What is known of it, as it was an hour ago at the most.
    pub(super) async fn known(&self, now: Timestamp) -> Result<Arc<Known>, IssuerError> {
        let kept = self.kept().clone();
        match kept.filter(|known| now.duration_since(known.read_at) < KNOWN_FOR) {
            Some(known) => Ok(known),
            None => self.read(now).await,
        }
    }

    /// The same as it is now.
    pub(super) async fn read(&self, now: Timestamp) -> Result<Arc<Known>, IssuerError> {
        let discovery = format!("{}/.well-known/openid-configuration", self.url.trim_end_matches('/'));
        let Discovery { issuer, authorization_endpoint, token_endpoint, jwks_uri } =
            self.get(&self.address(&discovery)?).await?;
        if issuer != self.url {
            return Err(IssuerError::Another);
        }
        let known = Arc::new(Known {
            authorization_endpoint: self.address(&authorization_endpoint)?,
            token_endpoint: self.address(&token_endpoint)?,
            keys: self.get(&self.address(&jwks_uri)?).await?,
            read_at: now,
        });
        *self.kept() = Some(Arc::clone(&known));
        Ok(known)
    }

    /// The ID token that a code is exchanged for. Nothing of it has been checked.
    pub(super) async fn exchange(
        &self,
        known: &Known,
        client: &Client,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<String, IssuerError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("accept", "application/json".to_owned()),
        ];
        match &client.secret {
            Some(secret) => headers.push(("authorization", basic(&client.id, secret))),
            None => form.push(("client_id", &client.id)),
        }
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        let (status, body) = self.sender.post_whole(&known.token_endpoint, &headers, form).await?;
        match status {
            200 => serde_json::from_slice::<Tokens>(&body).map(|tokens| tokens.id_token).map_err(unreadable),
            400 if serde_json::from_slice::<Refused>(&body).is_ok_and(|refused| refused.error == "invalid_grant") => {
                Err(IssuerError::Code)
            }
            status => Err(IssuerError::Status(status)),
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, IssuerError> {
        let (status, body) = self.sender.get_whole(url).await?;
        if status != 200 {
            return Err(IssuerError::Status(status));
        }
        serde_json::from_slice(&body).map_err(unreadable)
    }

    fn address(&self, text: &str) -> Result<Url, IssuerError> {
        check_url(text, !self.policy.loopback_allowed, self.policy).map_err(|_| IssuerError::Address)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `client_secret_basic`, which every issuer knows that gives secrets; each part encoded first (RFC 6749, 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

/// The cause may quote the answer.
fn unreadable(_: serde_json::Error) -> IssuerError {
    IssuerError::Unreadable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_issuers_are_asked_but_on_ones_own_machine() {
        let new = |url: &str, loopback_allowed| {
            Issuer::new(url.to_owned(), Policy { loopback_allowed }, Clock::System).map(|issuer| issuer.url)
        };
        assert_eq!(new("https://id.example.com/", false), Ok("https://id.example.com/".to_owned()), "as it is written");
        for url in ["", "id.example.com", "http://id.example.com", "https://localhost", "https://10.0.0.1/x"] {
            assert!(new(url, false).is_err(), "{url}");
        }
        assert!(new("http://127.0.0.1:8080", true).is_ok() && new("http://127.0.0.1:8080", false).is_err());
    }

    #[test]
    fn a_secret_is_encoded_and_not_debugged() {
        // “a%3Ab” and “c+d%2B”.
        assert_eq!(basic("a:b", "c d+"), format!("Basic {}", BASE64_STANDARD.encode("a%3Ab:c+d%2B")));
        let client = Client { id: "console".to_owned(), secret: Some("quiet".to_owned()) };
        assert_eq!(format!("{client:?}"), r#"Client { id: "console", .. }"#);
    }
}
