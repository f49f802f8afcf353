//! Who calls: Basic `key:secret`, a bearer secret key, or a bearer token.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use lambda_http::Request;
use lambda_http::http::{HeaderMap, header};
use models::{ApiKey, ApiKeyId, ApiSecret, Application, InvalidId, Merchant, MerchantId, Mode, Scopes};
use runtime::Clock;
use store::{Merchants, Owner};

use crate::error::{ApiError, Refusal};
use crate::format::Format;
use crate::route::scope_needed;
use crate::secrets::sha256;
use crate::token;

/// How long a warm function keeps a merchant, and so how long a revoked key may live on.
const CACHED: Duration = Duration::from_secs(30);

/// Credentials that a merchant read so lately doesn't know are wrong; nobody can make us read more often.
const READ_JUST_NOW: Duration = Duration::from_secs(1);

/// How long warming up may keep a starting function from its first request: as long as one attempt of a call, so that one that
/// would have been answered is not given up, and made once more; of the 10 s that Lambda gives a start
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
pub const WARM_UP_TIMEOUT: Duration = Duration::from_secs(3);

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
    /// The key's application, if it has one and the request's format has them; of other requests it is not read.
    pub application: Option<Arc<Application>>,
}

impl Caller {
    /// Test or live, by the key.
    pub fn mode(&self) -> Mode {
        self.key_id.mode()
    }

    /// Whose sessions the caller may touch, of whatever format: by our own API, which no format has.
    pub fn owner(&self) -> Owner {
        Owner { merchant_id: self.merchant.id.clone(), mode: self.mode(), format: None }
    }

    /// Whose sessions the caller may touch by the paths of a format: to those, another format's are not there.
    pub fn owner_in(&self, format: Format) -> Owner {
        Owner { format: Some(format.stored()), ..self.owner() }
    }

    /// The merchant, whose test clocks the caller may touch.
    ///
    /// # Errors
    /// 403 with a live key.
    pub fn owns_test_clocks(&self) -> Result<&MerchantId, Refusal> {
        match self.mode() {
            Mode::Test => Ok(&self.merchant.id),
            Mode::Live => Err(Refusal::ClockForLiveKey),
        }
    }

    /// The key itself.
    ///
    /// # Errors
    /// 401 if it is no longer there, or valid no more.
    pub fn key(&self, now: Timestamp) -> Result<&ApiKey, Refusal> {
        self.merchant.active_key(&self.key_id, now).ok_or(Refusal::Unauthorized)
    }
}

/// Checks credentials against the table, a merchant at most every 30 seconds.
///
/// Credentials of a merchant that there is take the same work to refuse as those of one that there isn't: how often the table
/// is read depends on what the same merchant's id was refused before, never on what is known of it, and what they prove is
/// checked against a key that nobody has.
#[derive(Debug)]
pub struct Authenticator {
    merchants: Merchants,
    clock: Clock,
    seen: Mutex<Seen>,
}

/// What a warm function remembers.
#[derive(Debug, Default)]
struct Seen {
    /// Merchants, and when they were read.
    merchants: HashMap<MerchantId, (Instant, Arc<Merchant>)>,
    /// Applications of keys, or that a key has none, and when they were read.
    applications: HashMap<ApiKeyId, (Instant, Option<Arc<Application>>)>,
    /// Ids, of merchants or not, and when the table was last read for credentials of theirs that did not hold.
    refused: HashMap<MerchantId, Instant>,
}

impl Seen {
    fn merchant(&self, id: &MerchantId, now: Instant) -> Option<Arc<Merchant>> {
        let (_, merchant) = self.merchants.get(id).filter(|(read_at, _)| now.duration_since(*read_at) < CACHED)?;
        Some(Arc::clone(merchant))
    }

    /// How long ago it was read, and what was found.
    fn application(&self, id: &ApiKeyId, now: Instant) -> Option<(Duration, Option<Arc<Application>>)> {
        let (read_at, application) = self.applications.get(id)?;
        let age = now.duration_since(*read_at);
        (age < CACHED).then(|| (age, application.clone()))
    }

    fn keep_application(&mut self, id: &ApiKeyId, read_at: Instant, application: Option<&Arc<Application>>) {
        if self.applications.len() >= MAX_CACHED {
            self.applications.clear();
        }
        self.applications.insert(id.clone(), (read_at, application.cloned()));
    }

    fn was_just_refused(&self, id: &MerchantId, now: Instant) -> bool {
        self.refused.get(id).is_some_and(|refused_at| now.duration_since(*refused_at) < READ_JUST_NOW)
    }

    fn keep(&mut self, id: &MerchantId, read_at: Instant, merchant: &Arc<Merchant>) {
        if self.merchants.len() >= MAX_CACHED {
            // With what was refused: a merchant that is not remembered any more is read again.
            *self = Self::default();
        }
        self.merchants.insert(id.clone(), (read_at, Arc::clone(merchant)));
    }

    fn refuse(&mut self, id: &MerchantId, now: Instant) {
        // Apart from the merchants, so that ids that nobody has don't push out those that somebody has.
        if self.refused.len() >= MAX_CACHED {
            self.refused.clear();
        }
        self.refused.insert(id.clone(), now);
    }
}

impl Authenticator {
    /// Against these merchants, who are asked for once without need: while a function starts, Lambda gives it a whole
    /// core, with which to connect and to load all that every request goes through
    /// (docs/decisions/0009-cold-starts.md). What fails here is met again, and reported, when it matters.
    pub async fn start(merchants: Merchants, clock: Clock) -> Self {
        let _ = tokio::time::timeout(WARM_UP_TIMEOUT, merchants.warm_up()).await;
        Self { merchants, clock, seen: Mutex::default() }
    }

    /// Who sent the request, and has the scope that its route needs.
    ///
    /// # Errors
    /// 404 or 405 if it has no route; 401 without credentials that hold; 403 if they lack the scope; 503 if they can't be
    /// checked.
    pub async fn authenticate(&self, request: &Request) -> Result<Caller, ApiError> {
        let scope = scope_needed(request)?;
        let (scheme, credentials) = authorization(request.headers())?;
        let credentials = if scheme.eq_ignore_ascii_case("basic") {
            basic(credentials)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            bearer(credentials)
        } else {
            None
        };
        let caller = self.check(&credentials.ok_or(Refusal::Unauthorized)?).await?;
        if let Some(scope) = scope.filter(|scope| !caller.scopes.allow(*scope)) {
            return Err(Refusal::Forbidden(scope).into());
        }
        let caller = self.with_application(request, caller).await?;
        runtime::act_with_key(&caller.key_id);
        Ok(caller)
    }

    /// Who sent the request, if it says who. That of nobody reads nothing.
    ///
    /// # Errors
    /// As of [`authenticate`](Self::authenticate), if it has credentials.
    pub async fn authenticate_if_given(&self, request: &Request) -> Result<Option<Caller>, ApiError> {
        if request.headers().contains_key(header::AUTHORIZATION) {
            self.authenticate(request).await.map(Some)
        } else {
            Ok(None)
        }
    }

    /// Who sent the request, by Basic `key:secret` alone: a token is not made with a token.
    ///
    /// # Errors
    /// 401 without credentials that hold; 503 if they can't be checked.
    pub async fn authenticate_key(&self, request: &Request) -> Result<Caller, ApiError> {
        let (scheme, credentials) = authorization(request.headers())?;
        let credentials = if scheme.eq_ignore_ascii_case("basic") { basic(credentials) } else { None };
        let caller = self.check(&credentials.ok_or(Refusal::Unauthorized)?).await?;
        self.with_application(request, caller).await
    }

    /// The caller with the application of its key, if the request's format has applications: which signed the request, if it
    /// has to or says that it did. If it is not signed by what is remembered of the application, that is read again, at most
    /// once a second: a public key is good at once.
    async fn with_application(&self, request: &Request, caller: Caller) -> Result<Caller, ApiError> {
        let format = Format::of(request);
        if !format.stored().has_applications() {
            return Ok(caller);
        }
        let (key_id, at) = (&caller.key_id, self.clock.instant());
        let mut remembered = self.seen().application(key_id, at);
        loop {
            let (age, application) = match remembered.take() {
                Some(remembered) => remembered,
                None => {
                    let application = self.merchants.application(key_id).await?.map(Arc::new);
                    self.seen().keep_application(key_id, at, application.as_ref());
                    (Duration::ZERO, application)
                }
            };
            match format.check_signature(request, key_id, application.as_deref(), self.clock.now()) {
                Err(Refusal::Signature(_)) if age >= READ_JUST_NOW => {}
                checked => {
                    checked?;
                    return Ok(Caller { application, ..caller });
                }
            }
        }
    }

    /// Reads the table again, once, if what is remembered of the merchant doesn't know the credentials: a key is good at once.
    async fn check(&self, credentials: &Credentials<'_>) -> Result<Caller, ApiError> {
        let (id, now, read_at) = (credentials.merchant(), self.clock.now(), self.clock.instant());
        let (remembered, just_refused) = {
            let seen = self.seen();
            (seen.merchant(id, read_at), seen.was_just_refused(id, read_at))
        };
        if let Some(caller) = credentials.holds(remembered.as_ref(), now) {
            return Ok(caller);
        }
        if just_refused {
            return Err(Refusal::Unauthorized.into());
        }
        let merchant = self.merchants.get(id).await?.map(Arc::new);
        let caller = credentials.holds(merchant.as_ref(), now);
        let mut seen = self.seen();
        if let Some(merchant) = &merchant {
            seen.keep(id, read_at, merchant);
        }
        if caller.is_none() {
            seen.refuse(id, self.clock.instant());
        }
        Ok(caller.ok_or(Refusal::Unauthorized)?)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A panic elsewhere can't leave the maps half written: they are only ever replaced entry by entry.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request shows for itself.
enum Credentials<'a> {
    KeyAndSecret(ApiKeyId, ShownSecret),
    Secret(ShownSecret),
    /// A token, and the key that it says it was made with.
    Token(&'a str, ApiKeyId),
}

/// A secret, whose hash is computed once.
struct ShownSecret {
    secret: ApiSecret,
    sha256: [u8; 32],
}

impl FromStr for ShownSecret {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let secret: ApiSecret = text.parse()?;
        let sha256 = sha256(secret.as_str().as_bytes());
        Ok(Self { secret, sha256 })
    }
}

/// What credentials are compared with where there is no key: no secret has this hash, or none that anybody finds.
const NO_SECRET: [u8; 32] = [0; 32];

impl Credentials<'_> {
    /// Whose they claim to be.
    fn merchant(&self) -> &MerchantId {
        match self {
            Self::KeyAndSecret(id, _) | Self::Token(_, id) => id.merchant(),
            Self::Secret(shown) => shown.secret.merchant(),
        }
    }

    /// Who calls, if one of the merchant's keys bears them out. Without a merchant or a key nobody does, after the same work.
    fn holds(&self, merchant: Option<&Arc<Merchant>>, now: Timestamp) -> Option<Caller> {
        let (key, scopes) = match self {
            Self::KeyAndSecret(id, shown) => {
                let key = merchant.and_then(|merchant| merchant.active_key(id, now));
                let holds = shown.is_secret_of(key);
                (key.filter(|_| holds)?, key?.scopes)
            }
            Self::Secret(shown) => {
                let mut keys = merchant.into_iter().flat_map(|merchant| merchant.active_keys(now)).peekable();
                if keys.peek().is_none() {
                    shown.is_secret_of(None);
                }
                let key = keys.find(|key| shown.is_secret_of(Some(key)));
                (key?, key?.scopes)
            }
            Self::Token(token, id) => {
                let key = merchant.and_then(|merchant| merchant.active_key(id, now));
                let scopes = token::verify(token, id, key, now);
                (key?, scopes?)
            }
        };
        Some(Caller { merchant: Arc::clone(merchant?), key_id: key.id.clone(), scopes, application: None })
    }
}

impl ShownSecret {
    /// In constant time, whether there is a key or not.
    fn is_secret_of(&self, key: Option<&ApiKey>) -> bool {
        #[cfg(test)]
        tests::count_work();
        let expected = key.map_or(&NO_SECRET, |key| &key.secret_sha256);
        let same = constant_time::verify_slices_are_equal(expected, &self.sha256).is_ok();
        same && key.is_some_and(|key| key.id.mode() == self.secret.mode())
    }
}

/// Scheme and credentials. Given twice they are joined by a comma, which no credentials hold.
fn authorization(headers: &HeaderMap) -> Result<(&str, &str), Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, credentials) = value.and_then(|value| value.split_once(' ')).ok_or(Refusal::Unauthorized)?;
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

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use models::Name;
    use runtime::Random;

    use super::*;
    use crate::secrets::known_key;

    /// When the credentials of these tests are shown.
    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

    thread_local! {
        static WORK: Cell<usize> = const { Cell::new(0) };
    }

    /// Notes that something was compared or verified.
    pub(crate) fn count_work() {
        WORK.set(WORK.get() + 1);
    }

    fn merchant(keys: &[&str]) -> Arc<Merchant> {
        let key = |name: &&str| {
            known_key(&format!("pk_test_{name}"), &format!("sk_test_{name}"), Scopes::ALL, NOW, &Random::System)
                .unwrap()
                .key
        };
        Arc::new(Merchant {
            id: "demo".parse().unwrap(),
            name: Name::try_from("Demo".to_owned()).unwrap(),
            idempotency_salt: [0; 32],
            list_sharding: models::ListSharding::default(),
            linked_accounts: vec![],
            keys: keys.iter().map(key).collect(),
        })
    }

    /// Whether it holds, and how much was compared or verified for that.
    fn work(credentials: &Credentials<'_>, merchant: Option<&Arc<Merchant>>) -> (bool, usize) {
        WORK.set(0);
        let holds = credentials.holds(merchant, NOW).is_some();
        (holds, WORK.get())
    }

    #[test]
    fn refusing_is_the_same_work_whether_there_is_such_a_merchant_or_key_or_none() {
        let demo = merchant(&["demo"]);
        let (mine, other) = (demo.active_keys(NOW).next().unwrap(), merchant(&["demo_other"]));
        let now = NOW.as_second();
        let good = token::mint(mine, Scopes::ALL, now, token::TOKEN_LIFETIME_S).unwrap();
        let forged =
            token::mint(other.active_keys(NOW).next().unwrap(), Scopes::ALL, now, token::TOKEN_LIFETIME_S).unwrap();
        let basic = |id: &str, secret: &str| Credentials::KeyAndSecret(id.parse().unwrap(), secret.parse().unwrap());
        let cases = [
            (basic("pk_test_demo", "sk_test_demo"), basic("pk_test_demo", "sk_test_demo_x")),
            (
                Credentials::Secret("sk_test_demo".parse().unwrap()),
                Credentials::Secret("sk_test_demo_x".parse().unwrap()),
            ),
            (Credentials::Token(&good, mine.id.clone()), Credentials::Token(&forged, mine.id.clone())),
        ];
        for (holds, fails) in &cases {
            assert_eq!(work(holds, Some(&demo)), (true, 1));
            for merchant in [Some(&demo), Some(&other), None, Some(&merchant(&[]))] {
                assert_eq!(work(fails, merchant), (false, 1));
            }
            assert_eq!(work(holds, None), (false, 1));
        }
    }

    /// A merchant who is remembered knows when the key ends: not 30 seconds later.
    #[test]
    fn a_key_that_was_rolled_ends_when_it_is_said_to() {
        let mut demo = Arc::unwrap_or_clone(merchant(&["demo"]));
        let until = Timestamp::constant(NOW.as_second() + 3600, 0);
        demo.keys[0].valid_until = Some(until);
        let demo = Arc::new(demo);
        let token = token::mint(&demo.keys[0], Scopes::ALL, until.as_second() - 60, token::TOKEN_LIFETIME_S).unwrap();
        for credentials in [
            Credentials::KeyAndSecret("pk_test_demo".parse().unwrap(), "sk_test_demo".parse().unwrap()),
            Credentials::Secret("sk_test_demo".parse().unwrap()),
            Credentials::Token(&token, "pk_test_demo".parse().unwrap()),
        ] {
            for (before_s, valid) in [(1, true), (0, false), (-1, false)] {
                let now = Timestamp::constant(until.as_second() - before_s, 0);
                assert_eq!(credentials.holds(Some(&demo), now).is_some(), valid, "{before_s}");
            }
        }
    }

    #[test]
    fn ids_that_nobody_has_do_not_push_out_merchants() {
        let (mut seen, demo, now) = (Seen::default(), merchant(&["demo"]), Clock::System.instant());
        seen.keep(&demo.id, now, &demo);
        for n in 0..=MAX_CACHED {
            seen.refuse(&format!("x{n}").parse().unwrap(), now);
        }
        assert!(seen.merchant(&demo.id, now).is_some() && seen.refused.len() <= MAX_CACHED);
        assert!(seen.was_just_refused(&format!("x{MAX_CACHED}").parse().unwrap(), now));
        for n in 0..MAX_CACHED {
            seen.keep(&format!("y{n}").parse().unwrap(), now, &demo);
        }
        assert!(seen.merchants.len() <= MAX_CACHED && seen.refused.is_empty(), "read again, not refused unread");
    }
}
