//! A small issuer of OpenID Connect that a test has of its own, and browsers that sign in to the console at it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::parse;

use crate::{Browser, Page, Received, Receiver, Reply, World, console_on, loopback_webhooks, page};

const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-2:000000000000:secret:oidc-AbCdEf";

/// The issuer's site.
pub struct Issuer {
    /// The server, which writes down what it was asked.
    pub receiver: Receiver,
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

/// A sign-in on its way.
pub struct Trip {
    /// The cookie of the browser that began it.
    pub cookie: String,
    /// The path by which it comes back.
    pub way_back: String,
}

impl Issuer {
    /// One that answers.
    pub async fn start() -> Self {
        let receiver = Receiver::start().await;
        let state = Arc::new(Mutex::new(State {
            url: receiver.url(""),
            key: new_key(),
            key_id: "k1".to_owned(),
            forger: None,
            says: json!({}),
            codes: BTreeMap::new(),
        }));
        let issuer = Self { receiver, state };
        issuer.answers();
        issuer
    }

    /// From now on it answers as an issuer does.
    pub fn answers(&self) {
        let answering = Arc::clone(&self.state);
        self.receiver.plan(move |received| answering.lock().unwrap().answer(received));
    }

    /// A machine whose console has this issuer, which lets admins and the payments team in.
    pub async fn world(&self) -> World {
        self.world_of("admins=demo:own,payments-team=demo:refund,ghosts=nowhere:own").await
    }

    /// The same, which lets in as `OidcGroups` says.
    pub async fn world_of(&self, groups: &str) -> World {
        world_at(&self.receiver.url(""), groups).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on its tokens say this.
    pub fn says(&self, says: Value) {
        self.state().says = says;
    }

    /// From now on it signs by a key that it did not have before, of this id.
    pub fn signs_by_another_key(&self, key_id: &str) {
        let mut state = self.state();
        (state.key, state.key_id) = (new_key(), key_id.to_owned());
    }

    /// From now on somebody else signs in its place.
    pub fn signs_by_a_forgers_key(&self) {
        self.state().forger = Some(new_key());
    }

    /// Somebody is led there from this path, and signs in.
    pub async fn sign_in(&self, browser: &Browser<'_>, path: &str) -> Trip {
        let led_on = browser.get(path).await;
        assert_eq!(led_on.status, StatusCode::SEE_OTHER, "{}", led_on.html);
        let set = set_cookie(&led_on, "__Host-counterfoil-oidc").unwrap();
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{set}");
        let cookie = set.split(';').next().unwrap().to_owned();
        let back = self.state().authorize(led_on.location.as_deref().unwrap());
        Trip { cookie, way_back: format!("{}?{}", back.path(), back.query().unwrap()) }
    }

    /// The same, and comes back.
    pub async fn visit(&self, world: &World, browser: &mut Browser<'_>, path: &str) -> Page {
        let trip = self.sign_in(browser, path).await;
        let back = come_back(world, browser, Some(&trip.cookie), &trip.way_back).await;
        browser.keep(&back);
        back
    }
}

/// A machine whose console has the issuer at this address, and lets in as `OidcGroups` says.
pub async fn world_at(issuer: &str, groups: &str) -> World {
    World::start_with(|config| {
        console_on(config);
        loopback_webhooks(config);
        // The template's parameter has to be https.
        config.environment.insert("OIDC_ISSUER".to_owned(), issuer.to_owned());
        for (name, value) in [
            ("OidcClientId", "console"),
            ("OidcClientSecretArn", SECRET_ARN),
            ("OidcGroups", groups),
            ("OidcGroupsClaim", "cognito:groups"),
        ] {
            config.parameters.insert(name.to_owned(), value.to_owned());
        }
    })
    .await
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
            // A real browser: it is known there already, and so led back at once.
            line if line.starts_with("GET /authorize?") => {
                let address = format!("{url}{}", received.path());
                Reply::Redirect(self.authorize(&address).into())
            }
            line => panic!("{line}"),
        }
    }

    /// Somebody signs in whose browser was led to this address: where it is led back to.
    fn authorize(&mut self, address: &str) -> Url {
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
        let (code, mut back) = (format!("code{}", self.codes.len()), asked["redirect_uri"].parse::<Url>().unwrap());
        back.set_query(Some(&format!("code={code}&state={}&session_state=x", asked["state"])));
        self.codes.insert(code, asked);
        back
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

/// The time as tokens say it.
pub fn now_s() -> i64 {
    runtime::Clock::System.now().as_second()
}

/// The header by which an answer sets this cookie, if it does.
pub fn set_cookie(answer: &Page, name: &str) -> Option<String> {
    let mut cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    cookies.find(|cookie| cookie.starts_with(&format!("{name}=")))
}

/// A browser comes back from the issuer, with the cookie of its visit and this one.
pub async fn come_back(world: &World, browser: &Browser<'_>, cookie: Option<&str>, path: &str) -> Page {
    let cookies: Vec<&str> = browser.cookie.as_deref().into_iter().chain(cookie).collect();
    page(world.request(Method::GET, path).header("cookie", cookies.join("; "))).await
}
