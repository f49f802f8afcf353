//! Signing in to the console at npm's oidc-provider, as a browser does it. `make test-oidc` runs it beside one.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tests::issuer::{come_back, set_cookie, world_at};
use tests::{hidden, page};
use url::Url;

const WEBHOOKS: &str = "/console/live/webhooks";
const LIVE_KEYS: &str = "/console/live/keys";

/// A form to sign in and one to consent, each with what it leads through; some more, so that a loop ends.
const MOST_STEPS: usize = 16;

/// A browser at the issuer: it keeps cookies, follows where it is led, and sends each form.
struct AtIssuer {
    http: Client,
    cookies: BTreeMap<String, String>,
}

impl AtIssuer {
    fn new() -> Self {
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, cookies: BTreeMap::new() }
    }

    /// Signs in, led there by this address: the address by which it comes back to one that begins so.
    async fn sign_in(&mut self, address: &str, back: &str) -> Url {
        let (mut url, mut form) = (address.parse::<Url>().unwrap(), None);
        for _ in 0..MOST_STEPS {
            if url.as_str().starts_with(back) {
                return url;
            }
            let request = match form.take() {
                Some(prompt) => {
                    let fields = [("prompt", prompt), ("login", "ada".to_owned()), ("password", "any".to_owned())];
                    self.http.post(url.clone()).form(&fields)
                }
                None => self.http.get(url.clone()),
            };
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = page(request.header("cookie", cookies.join("; "))).await;
            for set in answer.headers.get_all("set-cookie") {
                let set = set.to_str().unwrap();
                let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
                if set.contains("01 Jan 1970") {
                    self.cookies.remove(name);
                }
            }
            if let Some(location) = &answer.location {
                url = url.join(location).unwrap();
                continue;
            }
            assert_eq!(answer.status, StatusCode::OK, "{url}: {}", answer.html);
            let (_, action) = answer.html.split_once("action=\"").unwrap_or_else(|| panic!("{url}: {}", answer.html));
            url = url.join(action.split_once('"').unwrap().0).unwrap();
            form = hidden(&answer.html, "prompt");
        }
        panic!("after {MOST_STEPS} steps still at {url}")
    }
}

#[tokio::test]
#[ignore = "`make test-oidc` starts the issuer"]
async fn a_browser_signs_in_at_oidc_provider() {
    let issuer = std::env::var("OIDC_ISSUER_URL").expect("OIDC_ISSUER_URL is set by `make test-oidc`");
    let world = world_at(&issuer, "admins=demo:own").await;
    let callback = format!("{}/console/oidc/callback?", world.machine.api_url());
    let (mut ada, mut at_issuer) = (world.stranger(), AtIssuer::new());
    for (start, leads_to) in [
        ("/console/oidc/start?back=%2Fconsole%2Flive%2Fwebhooks", WEBHOOKS),
        ("/console/oidc/start?again=1&back=%2Fconsole%2Flive%2Fkeys", LIVE_KEYS),
    ] {
        let led_on = ada.get(start).await;
        let cookie = set_cookie(&led_on, "__Host-counterfoil-oidc").unwrap_or_else(|| panic!("{}", led_on.html));
        let back = at_issuer.sign_in(led_on.location.as_deref().unwrap(), &callback).await;
        let way_back = format!("{}?{}", back.path(), back.query().unwrap());
        let signed_in = come_back(&world, &ada, cookie.split(';').next(), &way_back).await;
        assert_eq!(
            (signed_in.status, signed_in.location.as_deref()),
            (StatusCode::SEE_OTHER, Some(leads_to)),
            "{}",
            signed_in.html
        );
        ada.keep(&signed_in);
    }
    let keys = ada.get(LIVE_KEYS).await;
    assert!(keys.status == StatusCode::OK && !keys.html.contains("Sign in again"), "{}", keys.html);
}
