//! Who calls: Basic `key:secret`, a bearer secret key, or a bearer token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::{HeaderMap, header};
use models::{ApiKey, ApiKeyId, ApiSecret, Merchant, MerchantId, Mode, Scope, Scopes};
use store::{Merchants, Owner};

use crate::error::ApiError;
use crate::secrets::sha256;
use crate::token;

/// How long a warm function keeps a merchant, and so how long a revoked key may live on.
const CACHED: Duration = Duration::from_secs(30);

/// Credentials that a merchant read so lately doesn't know are wrong; nobody can make us read more often.
const LOOKED_JUST_NOW: Duration = Duration::from_secs(1);

/// How long warming up may keep a starting function from its first request.
pub const WARM_UP_TIMEOUT: Duration = Duration::from_secs(1);

/// How many merchants a warm function keeps.
const MAX_CACHED: usize = 1000;

/// Who calls, and what they may do.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The merchant.
    pub merchant: Arc<Merchant>,
    /// The key, by which the call is logged.
    pub key_id: ApiKeyId,
    /// What the credentials allow.
    pub scopes: Scopes,
}

impl Caller {
    /// Test or live, by the key.
    pub fn mode(&self) -> Mode {
        self.key_id.mode()
    }

    /// Whose sessions the caller may touch.
    pub fn owner(&self) -> Owner {
        Owner { merchant_id: self.merchant.id.clone(), mode: self.mode() }
    }

    /// # Errors
    /// 403 if the credentials lack the scope.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scopes.allow(scope) { Ok(()) } else { Err(ApiError::Forbidden(scope)) }
    }

    /// The key itself.
    ///
    /// # Errors
    /// 401 if it is no longer there.
    pub fn key(&self) -> Result<&ApiKey, ApiError> {
        self.merchant.active_key(&self.key_id).ok_or(ApiError::Unauthorized)
    }
}

/// Checks credentials against the table, a merchant at most every 30 seconds.
#[derive(Debug)]
pub struct Authenticator {
    merchants: Merchants,
    cache: Mutex<HashMap<MerchantId, (Instant, Arc<Merchant>)>>,
}

impl Authenticator {
    /// Against these merchants, who are asked for once without need: while a function starts, Lambda gives it a whole
    /// core, with which to connect and to load all that every request goes through
    /// (docs/decisions/0009-cold-starts.md). What fails here is met again, and told of, when it matters.
    pub async fn start(merchants: Merchants) -> Self {
        let _ = tokio::time::timeout(WARM_UP_TIMEOUT, merchants.warm_up()).await;
        Self { merchants, cache: Mutex::default() }
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// 401 without credentials that hold; 503 if they can't be checked.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let (scheme, credentials) = authorization(headers)?;
        let credentials = if scheme.eq_ignore_ascii_case("basic") {
            basic(credentials)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            bearer(credentials)
        } else {
            None
        };
        self.check(&credentials.ok_or(ApiError::Unauthorized)?).await
    }

    /// Who sent the request, by Basic `key:secret` alone: a token is not made with a token.
    ///
    /// # Errors
    /// 401 without credentials that hold; 503 if they can't be checked.
    pub async fn authenticate_key(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let (scheme, credentials) = authorization(headers)?;
        let credentials = if scheme.eq_ignore_ascii_case("basic") { basic(credentials) } else { None };
        self.check(&credentials.ok_or(ApiError::Unauthorized)?).await
    }

    /// Looks again, once, if what is remembered of the merchant doesn't know the credentials: a key is good at once.
    async fn check(&self, credentials: &Credentials<'_>) -> Result<Caller, ApiError> {
        let id = credentials.merchant();
        if let Some((read_at, merchant)) = self.remembered(id) {
            match credentials.holds(&merchant) {
                Some(caller) => return Ok(caller),
                None if read_at.elapsed() < LOOKED_JUST_NOW => return Err(ApiError::Unauthorized),
                None => {}
            }
        }
        let merchant = self.look_up(id).await?;
        credentials.holds(&merchant).ok_or(ApiError::Unauthorized)
    }

    fn remembered(&self, id: &MerchantId) -> Option<(Instant, Arc<Merchant>)> {
        // A panic elsewhere can't leave the map half written: it is only ever replaced entry by entry.
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(id).filter(|(read_at, _)| read_at.elapsed() < CACHED).cloned()
    }

    async fn look_up(&self, id: &MerchantId) -> Result<Arc<Merchant>, ApiError> {
        let read_at = Instant::now();
        let merchant = Arc::new(self.merchants.get(id).await?.ok_or(ApiError::Unauthorized)?);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(id.clone(), (read_at, Arc::clone(&merchant)));
        Ok(merchant)
    }
}

/// What a request shows for itself.
enum Credentials<'a> {
    KeyAndSecret(ApiKeyId, ApiSecret),
    Secret(ApiSecret),
    /// A token, and the key that it says it was made with.
    Token(&'a str, ApiKeyId),
}

impl Credentials<'_> {
    /// Whose they claim to be.
    fn merchant(&self) -> &MerchantId {
        match self {
            Self::KeyAndSecret(id, _) | Self::Token(_, id) => id.merchant(),
            Self::Secret(secret) => secret.merchant(),
        }
    }

    /// Who calls, if one of the merchant's keys bears them out.
    fn holds(&self, merchant: &Arc<Merchant>) -> Option<Caller> {
        let (key, scopes) = match self {
            Self::KeyAndSecret(id, secret) => {
                let key = merchant.active_key(id).filter(|key| is_secret_of(key, secret))?;
                (key, key.scopes)
            }
            Self::Secret(secret) => {
                let key = merchant.active_keys().find(|key| is_secret_of(key, secret))?;
                (key, key.scopes)
            }
            Self::Token(token, id) => {
                let key = merchant.active_key(id)?;
                (key, token::verify(token, key)?)
            }
        };
        Some(Caller { merchant: Arc::clone(merchant), key_id: key.id.clone(), scopes })
    }
}

/// Scheme and credentials.
fn authorization(headers: &HeaderMap) -> Result<(&str, &str), ApiError> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, credentials) = value.and_then(|value| value.split_once(' ')).ok_or(ApiError::Unauthorized)?;
    Ok((scheme, credentials.trim()))
}

fn basic(credentials: &str) -> Option<Credentials<'_>> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(Credentials::KeyAndSecret(id.parse().ok()?, secret.parse().ok()?))
}

fn bearer(credentials: &str) -> Option<Credentials<'_>> {
    match credentials.parse() {
        Ok(secret) => Some(Credentials::Secret(secret)),
        Err(_) => Some(Credentials::Token(credentials, token::claimed_key(credentials)?)),
    }
}

fn is_secret_of(key: &ApiKey, secret: &ApiSecret) -> bool {
    let given = sha256(secret.as_str().as_bytes());
    key.id.mode() == secret.mode() && constant_time::verify_slices_are_equal(&key.secret_sha256, &given).is_ok()
}
