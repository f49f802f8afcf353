//! Signing in to the console with a company account, at a small issuer of OpenID Connect that each test has of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use models::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Browser, Page, Received, Receiver, Reply, World, console_on, loopback_webhooks, page};
use url::Url;
use url::form_urlencoded::parse;

use crate::console_refunds::acts;

const START: &str = "/console/oidc/start?back=%2Fconsole%2Flive%2Fwebhooks";
const WEBHOOKS: &str = "/console/live/webhooks";
const PEOPLE: &str = "/console/live/people";
const LIVE_KEYS: &str = "/console/live/keys";
const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-2:000000000000:secret:oidc-AbCdEf";

/// The issuer's site.
struct Issuer {
    receiver: Receiver,
    state: Arc<Mutex<State>>,
}

/// What it knows.
struct State {
    url: String,
    key: EcdsaKeyPair,
    key_id: String,
    /// Whose key signs in place of its own, if anybody's does.
    forger: Option<EcdsaKeyPair>,
    /// What its tokens say otherwise than usually; null leaves a claim out.
    says: Value,
    /// With what each code was asked for.
    codes: BTreeMap<String, BTreeMap<String, String>>,
}

/// A sign-in on its way: the cookie of the browser that began it, and the path by which it comes back.
struct Trip {
    cookie: String,
    way_back: String,
}

impl Issuer {
    async fn start() -> Self {
        let receiver = Receiver::start().await;
        let state = Arc::new(Mutex::new(State {
            url: receiver.url(""),
            key: new_key(),
            key_id: "k1".to_owned(),
            forger: None,
            says: json!({}),
            codes: BTreeMap::new(),
        }));
        let answering = Arc::clone(&state);
        receiver.plan(move |received| answering.lock().unwrap().answer(received));
        Self { receiver, state }
    }

    /// A machine whose console has this issuer, which lets admins and the payments team in.
    async fn world(&self) -> World {
        World::start_with(|config| {
            console_on(config);
            loopback_webhooks(config);
            for (name, value) in [
                ("OidcIssuer", self.receiver.url("").as_str()),
                ("OidcClientId", "console"),
                ("OidcClientSecretArn", SECRET_ARN),
                ("OidcGroups", "admins=demo:own,payments-team=demo:refund,ghosts=nowhere:own"),
                ("OidcGroupsClaim", "cognito:groups"),
            ] {
                config.parameters.insert(name.to_owned(), value.to_owned());
            }
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on its tokens say this.
    fn says(&self, says: Value) {
        self.state().says = says;
    }

    /// Somebody is led there from this path, and signs in.
    async fn sign_in(&self, browser: &Browser<'_>, path: &str) -> Trip {
        let led_on = browser.get(path).await;
        assert_eq!(led_on.status, StatusCode::SEE_OTHER, "{}", led_on.html);
        let set = set_cookie(&led_on, "__Host-counterfoil-oidc").unwrap();
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        let way_back = self.state().authorize(led_on.location.as_deref().unwrap());
        Trip { cookie, way_back }
    }

    /// The same, and comes back.
    async fn visit(&self, world: &World, browser: &mut Browser<'_>, path: &str) -> Page {
        let trip = self.sign_in(browser, path).await;
        let back = come_back(world, browser, Some(&trip.cookie), &trip.way_back).await;
        browser.keep(&back);
        back
    }
}

impl State {
    fn answer(&mut self, received: &Received) -> Reply {
        let url = &self.url;
        match received.line.as_str() {
            "GET /.well-known/openid-configuration" => {
                let says = json!({
                    "issuer": url,
                    "authorization_endpoint": format!("{url}/authorize?tenant=7"),
                    "token_endpoint": format!("{url}/token"),
                    "jwks_uri": format!("{url}/keys"),
                });
                Reply::Body(200, says.to_string())
            }
            "GET /keys" => {
                let public = self.key.public_key().as_ref();
                let (x, y) = (part(&public[1..33]), part(&public[33..]));
                let key = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.key_id, "alg": "ES256" });
                Reply::Body(200, json!({ "keys": [key] }).to_string())
            }
            "POST /token" => self.exchange(received),
            line => panic!("{line}"),
        }
    }

    /// Somebody signs in whose browser was led to this address: where it is led back to.
    fn authorize(&mut self, address: &str) -> String {
        let url: Url = address.parse().unwrap();
        assert!(address.starts_with(&format!("{}/authorize?tenant=7&", self.url)), "{address}");
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let expected = [
            ("response_type", "code"),
            ("client_id", "console"),
            ("scope", "openid email"),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in expected {
            assert_eq!(asked[name], value, "{name}");
        }
        let (code, back) = (format!("code{}", self.codes.len()), asked["redirect_uri"].parse::<Url>().unwrap());
        let way_back = format!("{}?code={code}&state={}&session_state=x", back.path(), asked["state"]);
        self.codes.insert(code, asked);
        way_back
    }

    fn exchange(&mut self, received: &Received) -> Reply {
        let form: BTreeMap<String, String> = parse(&received.body).into_owned().collect();
        assert_eq!(form["grant_type"], "authorization_code");
        let basic = received.headers["authorization"].strip_prefix("Basic ").unwrap();
        let basic = String::from_utf8(BASE64_STANDARD.decode(basic).unwrap()).unwrap();
        let basic: Vec<(String, String)> = parse(basic.replacen(':', "=", 1).as_bytes()).into_owned().collect();
        // CloudFormation would put the secret in the place of its reference.
        assert_eq!(basic, [("console".to_owned(), format!("{{{{resolve:secretsmanager:{SECRET_ARN}}}}}"))]);
        let Some(asked) = self.codes.get(&form["code"]) else {
            return Reply::Body(400, json!({ "error": "invalid_grant" }).to_string());
        };
        assert_eq!(part(digest(&SHA256, form["code_verifier"].as_bytes())), asked["code_challenge"]);
        assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
        let now_s = now_s();
        let mut claims = json!({
            "iss": self.url,
            "aud": "console",
            "sub": "7",
            "iat": now_s,
            "exp": now_s + 300,
            "auth_time": now_s,
            "nonce": asked["nonce"],
            "email": "Ada@demo.example",
            "email_verified": true,
            "cognito:groups": ["everybody", "payments-team"],
        });
        for (name, value) in self.says.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let header = json!({ "alg": "ES256", "kid": self.key_id });
        let signed = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let key = self.forger.as_ref().unwrap_or(&self.key);
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", part(signature));
        Reply::Body(200, json!({ "access_token": "x", "token_type": "Bearer", "id_token": token }).to_string())
    }
}

fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

/// A part of a token.
fn part(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn now_s() -> i64 {
    runtime::Clock::System.now().as_second()
}

fn set_cookie(answer: &Page, name: &str) -> Option<String> {
    let mut cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    cookies.find(|cookie| cookie.starts_with(&format!("{name}=")))
}

/// A browser comes back from the issuer, with the cookie of its visit and this one.
async fn come_back(world: &World, browser: &Browser<'_>, cookie: Option<&str>, path: &str) -> Page {
    let cookies: Vec<&str> = browser.cookie.as_deref().into_iter().chain(cookie).collect();
    page(world.request(Method::GET, path).header("cookie", cookies.join("; "))).await
}

/// Whether nobody is signed in by an answer, which says this.
fn is_refused(answer: &Page, status: StatusCode, heading: &str) -> bool {
    let says = answer.html.contains(&format!("<h1>{heading}</h1>"));
    answer.status == status && says && set_cookie(answer, "__Host-counterfoil").is_none()
}

#[tokio::test]
async fn a_company_account_signs_in_once_as_its_groups_say() {
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    let mut ada = world.stranger();
    let asks = ada.get("/console/sign-in?back=%2Fconsole%2Flive%2Fwebhooks").await.html;
    let (company, email) = (asks.find(&format!("href=\"{START}\"")).unwrap(), asks.find("name=\"email\"").unwrap());
    assert!(company < email && asks.contains("Sign in with your company account"), "{asks}");

    let trip = issuer.sign_in(&ada, START).await;
    let other = issuer.sign_in(&world.stranger(), START).await;
    let expired = |answer: &Page| is_refused(answer, StatusCode::GONE, "This sign-in has expired");
    // Another browser's, nobody's, and one that never was: they use nothing up.
    let state = trip.way_back.split_once("state=").unwrap().1;
    let unknown = trip.way_back.replace(state, &"A".repeat(43));
    for (cookie, way_back) in [
        (Some(other.cookie.as_str()), &trip.way_back),
        (Some("__Host-counterfoil-oidc=x"), &trip.way_back),
        (None, &trip.way_back),
        (Some(trip.cookie.as_str()), &other.way_back),
        (Some(trip.cookie.as_str()), &unknown),
        (Some(trip.cookie.as_str()), &"/console/oidc/callback".to_owned()),
    ] {
        let answer = come_back(&world, &ada, cookie, way_back).await;
        assert!(expired(&answer), "{cookie:?} {way_back}: {}", answer.html);
    }
    assert!(issuer.receiver.at("/token").is_empty());
    let back = come_back(&world, &ada, Some(&trip.cookie), &trip.way_back).await;
    assert_eq!((back.status, back.location.as_deref()), (StatusCode::SEE_OTHER, Some(WEBHOOKS)), "{}", back.html);
    assert!(set_cookie(&back, "__Host-counterfoil-oidc").unwrap().contains("Max-Age=0"));
    assert!(expired(&come_back(&world, &ada, Some(&trip.cookie), &trip.way_back).await), "used up");
    ada.keep(&back);
    assert_eq!(ada.get(WEBHOOKS).await.status, StatusCode::OK);
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::FORBIDDEN, "the payments team refunds");
    for (what, to) in [("person_added", "refund, by a group"), ("signed_in", "with a company account")] {
        let done = acts(&world, what).await;
        assert_eq!(done.len(), 1, "{what}");
        assert_eq!(done[0]["who"]["M"]["person"]["S"], "Ada@demo.example");
        assert_eq!(done[0]["change"]["M"]["to"]["S"], to);
    }
    // Nothing in the table opens anything.
    let items = world.dynamodb("Scan", &json!({ "TableName": world.machine.table_name() })).await.to_string();
    for secret in [state.split('&').next().unwrap(), trip.cookie.split_once('=').unwrap().1] {
        assert!(secret.len() == 43 && !items.contains(secret));
    }

    // Other groups, by another sign-in in the same browser.
    issuer.says(json!({ "cognito:groups": ["payments-team", "admins"], "email": "ada@demo.example" }));
    let before = ada.cookie.clone();
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::OK, "the first of the groups that are let in");
    assert_eq!(acts(&world, "role_changed").await.len(), 1);
    let mut earlier = world.stranger();
    earlier.cookie = before;
    assert_eq!(earlier.get(WEBHOOKS).await.status, StatusCode::SEE_OTHER, "the visit before has ended");
    // Somebody must own.
    issuer.says(json!({}));
    let last = issuer.visit(&world, &mut ada, START).await;
    assert!(is_refused(&last, StatusCode::CONFLICT, "Your role can’t be changed yet"), "{}", last.html);
    world.sign_in(Role::Own).await;
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(PEOPLE).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_the_issuer_does_not_say_of_somebody_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    let mut ada = world.stranger();
    let (unconfirmed, no_address) = ("You can’t be signed in", "Your e-mail address isn’t confirmed");
    for (says, heading) in [
        (json!({ "nonce": "another" }), unconfirmed),
        (json!({ "aud": "shop" }), unconfirmed),
        (json!({ "iss": "https://evil.example" }), unconfirmed),
        (json!({ "exp": now_s() - 3600 }), unconfirmed),
        (json!({ "email_verified": false }), no_address),
        (json!({ "email": null }), no_address),
        (json!({ "email": "ada" }), no_address),
        (json!({ "cognito:groups": ["everybody"] }), "You have no access yet"),
        (json!({ "cognito:groups": null }), "You have no access yet"),
        (json!({ "cognito:groups": ["ghosts"] }), "You have no access yet"),
    ] {
        issuer.says(says.clone());
        let answer = issuer.visit(&world, &mut ada, START).await;
        assert!(is_refused(&answer, StatusCode::FORBIDDEN, heading), "{says}: {}", answer.html);
    }
    // A code that the issuer doesn't know, who turned back, and an answer of another issuer.
    issuer.says(json!({}));
    for (from, to, status, heading) in [
        ("?code=code", "?code=x", StatusCode::GONE, "This sign-in has expired"),
        ("?code=code", "?error=access_denied&x=", StatusCode::FORBIDDEN, "You aren’t signed in"),
        ("&session_state=", "&iss=https%3A%2F%2Fevil.example&x=", StatusCode::FORBIDDEN, unconfirmed),
    ] {
        let trip = issuer.sign_in(&ada, START).await;
        let way_back = trip.way_back.replace(from, to);
        let answer = come_back(&world, &ada, Some(&trip.cookie), &way_back).await;
        assert!(is_refused(&answer, status, heading), "{way_back}: {}", answer.html);
    }
    assert!(acts(&world, "person_added").await.is_empty() && acts(&world, "signed_in").await.is_empty());

    // It signs by a key that it did not have before.
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(WEBHOOKS).await.status, StatusCode::OK);
    {
        let mut state = issuer.state();
        (state.key, state.key_id) = (new_key(), "k2".to_owned());
    }
    let mut bea = world.stranger();
    issuer.visit(&world, &mut bea, START).await;
    assert_eq!(bea.get(WEBHOOKS).await.status, StatusCode::OK);
    // Somebody else signs.
    issuer.state().forger = Some(new_key());
    let forged = issuer.visit(&world, &mut bea, START).await;
    assert!(is_refused(&forged, StatusCode::FORBIDDEN, unconfirmed), "{}", forged.html);
}

#[tokio::test]
async fn what_asks_for_a_fresh_sign_in_asks_the_issuer_for_one() {
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    let mut ada = world.stranger();
    let long_ago = json!({ "cognito:groups": ["admins"], "auth_time": now_s() - 3600 });
    let never_said = json!({ "cognito:groups": ["admins"], "auth_time": null });
    for says in [&long_ago, &never_said] {
        issuer.says(says.clone());
        issuer.visit(&world, &mut ada, START).await;
        let keys = ada.get(LIVE_KEYS).await;
        assert!(keys.status == StatusCode::OK && keys.html.contains("Sign in again"), "{says}: {}", keys.html);
    }
    let asks = ada.get("/console/sign-in?again=1&back=%2Fconsole%2Flive%2Fkeys").await.html;
    let start = "/console/oidc/start?again=1&back=%2Fconsole%2Flive%2Fkeys";
    assert!(asks.replace("&#38;", "&").contains(&format!("href=\"{start}\"")), "{asks}");
    let led_on = ada.get(start).await.location.unwrap();
    assert!(led_on.contains("&prompt=login&max_age=0") && !ada.get(START).await.location.unwrap().contains("prompt"));
    for says in [&long_ago, &never_said] {
        issuer.says(says.clone());
        let answer = issuer.visit(&world, &mut ada, start).await;
        assert!(is_refused(&answer, StatusCode::FORBIDDEN, "This needs a link by mail"), "{says}: {}", answer.html);
    }
    issuer.says(json!({ "cognito:groups": ["admins"] }));
    let back = issuer.visit(&world, &mut ada, start).await;
    assert_eq!(back.location.as_deref(), Some(LIVE_KEYS), "{}", back.html);
    let keys = ada.get(LIVE_KEYS).await;
    assert!(keys.status == StatusCode::OK && !keys.html.contains("Sign in again"), "{}", keys.html);
}

#[tokio::test]
async fn without_an_issuer_there_are_links_and_one_that_is_down_is_tried_again() {
    let world = World::with_console().await;
    let nobody = world.stranger();
    assert!(!nobody.get("/console/sign-in").await.html.contains("company account"));
    for path in [START, "/console/oidc/callback?code=x&state=y"] {
        assert_eq!(nobody.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let issuer = Issuer::start().await;
    let world = issuer.world().await;
    issuer.receiver.answer_all(Reply::Status(500));
    assert_eq!(world.stranger().get(START).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let answering = Arc::clone(&issuer.state);
    issuer.receiver.plan(move |received| answering.lock().unwrap().answer(received));
    let mut ada = world.stranger();
    issuer.visit(&world, &mut ada, START).await;
    assert_eq!(ada.get(WEBHOOKS).await.status, StatusCode::OK);
}
