//! Who calls in a format whose requests are signed: applications over a table in memory, as their keys come and go.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use api::{ApiError, Authenticator, Caller, Refusal, SignatureFault, known_key};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use lambda_http::http::header::AUTHORIZATION;
use lambda_http::{Body, Request, RequestExt};
use memory_aws::{Aws, TABLE};
use models::{Application, Mode, PublicKey, Scopes};
use runtime::{Clock, Random, VirtualClock};
use store::{Merchants, StoreError, Table};

const BEGIN: Timestamp = Timestamp::constant(1_772_000_000, 0);

struct World {
    clock: VirtualClock,
    merchants: Merchants,
    authenticator: Authenticator,
}

impl World {
    /// With a merchant that has a test key and a live one.
    async fn start() -> Self {
        let clock = VirtualClock::at(BEGIN);
        let table = Table::new(&Aws::new(&clock).config(), TABLE.to_owned(), Random::System);
        let merchants = Merchants::new(table);
        assert!(merchants.create(&"demo".parse().unwrap(), samples::name("Demo"), [1; 32]).await.unwrap());
        for mode in [Mode::Test, Mode::Live] {
            let (id, secret) = (format!("pk_{}_demo", mode.as_str()), format!("sk_{}_demo", mode.as_str()));
            let key = known_key(&id, &secret, Scopes::ALL, BEGIN, &Random::System).unwrap().key;
            assert!(merchants.add_key(&key, None).await.unwrap());
        }
        let authenticator = Authenticator::start(merchants.clone(), Clock::Virtual(clock.clone())).await;
        Self { clock, merchants, authenticator }
    }

    /// Gives a mode's key an application with these public keys.
    async fn has(&self, mode: Mode, signed: bool, keys: &[&KeyPair]) {
        let id = format!("pk_{}_demo", mode.as_str()).parse().unwrap();
        let public_keys = keys.iter().map(|key| public(key)).collect::<Vec<_>>();
        let application = Application { public_keys, signed, ..samples::application(&id) };
        let put = self.merchants.change_application(&id, |_| Ok::<_, StoreError>(application.clone())).await;
        assert_eq!(put.unwrap(), application);
    }

    /// A request to read payments, signed by this key, if by any.
    fn request(&self, mode: Mode, key: Option<&KeyPair>) -> Request {
        let (mode, path) = (mode.as_str(), "/pis/v2/payments");
        let date = Clock::Virtual(self.clock.clone()).now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let id = "f55c6714-c7d4-439d-bc24-94883fd14068";
        let credentials = BASE64_STANDARD.encode(format!("pk_{mode}_demo:sk_{mode}_demo"));
        let mut request = lambda_http::http::Request::get(path)
            .header(AUTHORIZATION, format!("Basic {credentials}"))
            .header("date", &date)
            .header("x-request-id", id);
        if let Some(key) = key {
            let text = format!("(request-target): get {path}\ndate: {date}\nx-request-id: {id}");
            let mut value = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut value).unwrap();
            let (names, value) = ("(request-target) date x-request-id", BASE64_STANDARD.encode(value));
            let signature =
                format!(r#"keyId="pk_{mode}_demo",algorithm="rsa-sha256",headers="{names}",signature="{value}""#);
            request = request.header("signature", signature);
        }
        request.body(Body::Empty).unwrap().with_raw_http_path(path)
    }

    async fn call(&self, mode: Mode, key: Option<&KeyPair>) -> Result<Caller, Refusal> {
        self.authenticator.authenticate(&self.request(mode, key)).await.map_err(|error| match error {
            ApiError::Refused(refusal) => refusal,
            other @ (ApiError::Unavailable(_) | ApiError::Internal(_)) => panic!("{other:?}"),
        })
    }

    /// What the signature of a test request is refused for, if it is.
    async fn fault(&self, key: Option<&KeyPair>) -> Option<SignatureFault> {
        match self.call(Mode::Test, key).await {
            Ok(_) => None,
            Err(Refusal::Signature(fault)) => Some(fault),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate(KeySize::Rsa2048).unwrap()
}

fn public(key: &KeyPair) -> PublicKey {
    let spki: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    PublicKey { id: "0123456789abcdef".parse().unwrap(), spki: spki.as_ref().to_vec(), added_at: BEGIN }
}

#[tokio::test]
async fn a_key_is_good_at_once_and_one_that_was_removed_within_half_a_minute_no_more() {
    let (world, old, new) = (World::start().await, new_key(), new_key());
    assert_eq!(world.fault(Some(&old)).await, Some(SignatureFault::NoKeys));
    world.has(Mode::Test, false, &[&old]).await;
    world.clock.advance_ms(1_000);
    assert_eq!((world.fault(Some(&old)).await, world.fault(None).await), (None, None));
    world.clock.advance_ms(1_000);
    assert_eq!(world.fault(Some(&new)).await, Some(SignatureFault::Wrong));
    world.has(Mode::Test, false, &[&old, &new]).await;
    // What was read within this second is not read again.
    assert_eq!(world.fault(Some(&new)).await, Some(SignatureFault::Wrong));
    world.clock.advance_ms(1_000);
    assert_eq!((world.fault(Some(&new)).await, world.fault(Some(&old)).await), (None, None));
    world.has(Mode::Test, false, &[&new]).await;
    world.clock.advance_ms(29_999);
    assert_eq!(world.fault(Some(&old)).await, None, "as it is remembered");
    world.clock.advance_ms(1);
    assert_eq!((world.fault(Some(&old)).await, world.fault(Some(&new)).await), (Some(SignatureFault::Wrong), None));
}

#[tokio::test]
async fn live_requests_have_to_be_signed_and_those_of_test_mode_if_their_application_says_so() {
    let (world, key) = (World::start().await, new_key());
    let missing = Some(Refusal::Signature(SignatureFault::Missing));
    assert_eq!(world.call(Mode::Live, None).await.err(), missing);
    assert_eq!(world.call(Mode::Test, None).await.unwrap().application, None);
    world.has(Mode::Live, false, &[&key]).await;
    world.has(Mode::Test, true, &[&key]).await;
    world.clock.advance_ms(30_000);
    for mode in [Mode::Live, Mode::Test] {
        assert_eq!(world.call(mode, None).await.err(), missing);
        let application = world.call(mode, Some(&key)).await.unwrap().application.unwrap();
        assert_eq!((application.key_id.mode(), application.public_keys.len()), (mode, 1));
    }
}

#[tokio::test]
async fn credentials_and_scope_come_before_the_signature() {
    let (world, key) = (World::start().await, new_key());
    let mut request = world.request(Mode::Live, None);
    let wrong = format!("Basic {}", BASE64_STANDARD.encode("pk_live_demo:sk_live_demo_x"));
    request.headers_mut().insert(AUTHORIZATION, wrong.parse().unwrap());
    let refused = world.authenticator.authenticate(&request).await;
    assert!(matches!(refused, Err(ApiError::Refused(Refusal::Unauthorized))));
    // Another format's requests know nothing of it.
    world.has(Mode::Test, true, &[&key]).await;
    let banked = world.request(Mode::Test, None).with_raw_http_path("/v2/payment_sessions");
    assert_eq!(world.authenticator.authenticate(&banked).await.unwrap().application, None);
}
