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
    /// Against these merchants.
    pub fn new(merchants: Merchants) -> Self {
        Self { merchants, cache: Mutex::default() }
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// 401 without credentials that hold; 503 if they can't be checked.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let (scheme, credentials) = authorization(headers)?;
        if scheme.eq_ignore_ascii_case("basic") {
            self.by_key_and_secret(credentials).await
        } else if !scheme.eq_ignore_ascii_case("bearer") {
            Err(ApiError::Unauthorized)
        } else if let Ok(secret) = credentials.parse::<ApiSecret>() {
            let merchant = self.merchant(secret.merchant()).await?;
            let key = merchant.active_keys().find(|key| is_secret_of(key, &secret));
            caller(&merchant, key)
        } else {
            let id = token::claimed_key(credentials).ok_or(ApiError::Unauthorized)?;
            let merchant = self.merchant(id.merchant()).await?;
            let key = merchant.active_key(&id).ok_or(ApiError::Unauthorized)?;
            let scopes = token::verify(credentials, key).ok_or(ApiError::Unauthorized)?;
            Ok(Caller { merchant: Arc::clone(&merchant), key_id: id, scopes })
        }
    }

    /// Who sent the request, by Basic `key:secret` alone: a token is not made with a token.
    ///
    /// # Errors
    /// 401 without credentials that hold; 503 if they can't be checked.
    pub async fn authenticate_key(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let (scheme, credentials) = authorization(headers)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(ApiError::Unauthorized);
        }
        self.by_key_and_secret(credentials).await
    }

    async fn by_key_and_secret(&self, credentials: &str) -> Result<Caller, ApiError> {
        let (id, secret) = basic(credentials).ok_or(ApiError::Unauthorized)?;
        let merchant = self.merchant(id.merchant()).await?;
        let key = merchant.active_key(&id).filter(|key| is_secret_of(key, &secret));
        caller(&merchant, key)
    }

    async fn merchant(&self, id: &MerchantId) -> Result<Arc<Merchant>, ApiError> {
        // A panic elsewhere can't leave the map half written: it is only ever replaced entry by entry.
        let cached = self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some((read_at, merchant)) = cached
            && read_at.elapsed() < CACHED
        {
            return Ok(merchant);
        }
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

/// Scheme and credentials.
fn authorization(headers: &HeaderMap) -> Result<(&str, &str), ApiError> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, credentials) = value.and_then(|value| value.split_once(' ')).ok_or(ApiError::Unauthorized)?;
    Ok((scheme, credentials.trim()))
}

fn caller(merchant: &Arc<Merchant>, key: Option<&ApiKey>) -> Result<Caller, ApiError> {
    let key = key.ok_or(ApiError::Unauthorized)?;
    Ok(Caller { merchant: Arc::clone(merchant), key_id: key.id.clone(), scopes: key.scopes })
}

fn basic(credentials: &str) -> Option<(ApiKeyId, ApiSecret)> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.parse().ok()?, secret.parse().ok()?))
}

fn is_secret_of(key: &ApiKey, secret: &ApiSecret) -> bool {
    let given = sha256(secret.as_str().as_bytes());
    key.id.mode() == secret.mode() && constant_time::verify_slices_are_equal(&key.secret_sha256, &given).is_ok()
}
