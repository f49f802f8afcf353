//! Paths that there aren't: a browser gets a page, a client of the API gets JSON, and who means a page is led to it.

use local::Machine;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};
use tests::{Page, World, page, sample, text};

use crate::template::all_routes;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
const NOT_FOUND: &str =
    r#"{"errors":[{"code":"not_found","title":"there is no such thing here","source":{"parameter":null}}]}"#;
const ID: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";

/// Who asks for paths.
struct Visitor<'a> {
    machine: &'a Machine,
    http: Client,
    headers: HeaderMap,
}

impl<'a> Visitor<'a> {
    fn new(world: &'a World, headers: &[(&'static str, &str)]) -> Self {
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        let header = |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        Self { machine: &world.machine, http, headers: headers.iter().map(header).collect() }
    }

    /// One who reads German pages.
    fn browser(world: &'a World) -> Self {
        Self::new(world, &[("accept", BROWSER), ("accept-language", "de-AT,de;q=0.9,en;q=0.5")])
    }

    /// One who reads JSON.
    fn client(world: &'a World) -> Self {
        Self::new(world, &[("accept", "*/*"), ("accept-language", "de")])
    }

    async fn send(&self, method: &Method, path: &str) -> Page {
        let url = format!("{}{path}", self.machine.api_url());
        page(self.http.request(method.clone(), url).headers(self.headers.clone())).await
    }

    async fn get(&self, path: &str) -> Page {
        self.send(&Method::GET, path).await
    }
}

fn is_html(page: &Page) -> bool {
    page.headers.get("content-type").is_some_and(|kind| kind == "text/html; charset=utf-8")
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_client_of_the_api_gets_json() {
    let world = World::start().await;
    let (browser, client) = (Visitor::browser(&world), Visitor::client(&world));
    for (path, status, allow) in [
        ("/", 404, None),
        ("/nowhere", 404, None),
        ("//", 404, None),
        ("//evil.example", 404, None),
        ("//evil.example/checkout", 404, None),
        ("/checkout", 404, None),
        ("/checkout/", 404, None),
        ("/Checkout/x", 404, None),
        ("/refunds", 404, None),
        ("/mock-bank", 404, None),
        ("/oauth/token/", 405, Some("POST")),
        ("/token", 405, Some("POST")),
        ("/providers/x/webhook", 405, Some("POST")),
    ] {
        let shown = browser.get(path).await;
        assert_eq!((shown.status.as_u16(), shown.location.as_deref()), (status, None), "{path}");
        assert!(is_html(&shown) && shown.html.matches("<h1").count() == 1, "{path}: {}", shown.html);
        assert!(shown.html.contains("<html lang=\"de\">") && !shown.html.contains("evil"), "{path}: {}", shown.html);
        let header = |name: &str| shown.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("allow"), allow, "{path}");
        assert_eq!(header("content-language"), Some("de"), "{path}");
        assert_eq!(header("vary"), Some("Accept, Accept-Encoding, Accept-Language"), "{path}");
        assert_eq!((header("cache-control"), header("content-encoding")), (Some("no-store"), None), "{path}");
        assert!(header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{path}");
        assert_eq!(header("strict-transport-security"), None, "not over plain HTTP");

        let refused = client.get(path).await;
        let header = |name: &str| refused.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!((refused.status.as_u16(), refused.location.as_deref()), (status, None), "{path}");
        assert_eq!((header("content-type"), header("allow")), (Some("application/json"), allow), "{path}");
        assert_eq!((header("content-language"), header("vary")), (None, None), "{path}");
        let body: Value = serde_json::from_str(&refused.html).unwrap();
        let code = if status == 404 { "not_found" } else { "method_not_allowed" };
        assert_eq!(body["errors"][0]["code"], code, "{path}");
        if status == 404 {
            assert_eq!(refused.html, NOT_FOUND, "{path}");
        }
    }
    // A picture is no page.
    let icon = Visitor::new(&world, &[("accept", "image/avif,image/webp,image/*,*/*;q=0.8")]).get("/favicon.ico").await;
    assert_eq!((icon.status.as_u16(), icon.html.as_str()), (404, NOT_FOUND));
}

#[tokio::test]
async fn a_page_at_a_wrong_path_is_compressed_and_headed() {
    let world = World::start().await;
    let packing = Visitor::new(&world, &[("accept", BROWSER), ("accept-encoding", "gzip, deflate, br, zstd")]);
    for path in ["/", "/token", "/checkout/x", "/refunds/x", "/mock-bank/x/1"] {
        let (got, head) = (packing.get(path).await, packing.send(&Method::HEAD, path).await);
        assert_eq!(got.headers["content-encoding"], "gzip", "{path}");
        assert_eq!((head.status, head.html.as_str()), (got.status, ""), "{path}");
        for name in ["content-type", "content-encoding", "content-language", "content-length", "vary"] {
            assert_eq!(head.headers[name], got.headers[name], "{path} {name}");
        }
        assert_eq!(head.headers.get("allow"), got.headers.get("allow"), "{path}");
    }
    let mut event = sample("not-found.json");
    event["headers"] = json!({ "accept": BROWSER, "x-forwarded-proto": "https" });
    let output = world.machine.invoke("NotFoundFunction", &event).await.unwrap();
    assert_eq!((&output["statusCode"], output["headers"].get("content-encoding")), (&json!(404), None), "{output}");
    assert_eq!(output["headers"]["strict-transport-security"], "max-age=31536000");
}

#[tokio::test]
async fn slashes_too_many_and_capitals_lead_to_the_page() {
    let world = World::start().await;
    let session = world.paid().await;
    let refund = world.refund(&session, 1).await;
    let (id, refund) = (text(&session["id"]), text(&refund["id"]));
    let (capitals, refund_capitals) = (id.to_uppercase(), refund.to_uppercase());
    let visitors = [Visitor::browser(&world), Visitor::client(&world)];
    for (path, to) in [
        (format!("/checkout/{id}/"), format!("/checkout/{id}")),
        (format!("/checkout/{id}//?v3=1"), format!("/checkout/{id}?v3=1")),
        (format!("/checkout//{id}"), format!("/checkout/{id}")),
        (format!("//checkout/{id}"), format!("/checkout/{id}")),
        (format!("///checkout///{capitals}///"), format!("/checkout/{id}")),
        (format!("/checkout/{capitals}"), format!("/checkout/{id}")),
        (format!("/checkout/{capitals}?a=1&b=%2F%2Fx"), format!("/checkout/{id}?a=1&b=%2F%2Fx")),
        (format!("/checkout/{capitals}/return"), format!("/checkout/{id}/return")),
        (format!("/checkout//{id}/bank//1/"), format!("/checkout/{id}/bank/1")),
        (format!("/refunds/{refund_capitals}"), format!("/refunds/{refund}")),
        (format!("//refunds/{refund}/"), format!("/refunds/{refund}")),
        (format!("/mock-bank/{capitals}/1?token=aB"), format!("/mock-bank/{id}/1?token=aB")),
        (format!("//mock-bank//{id}//1"), format!("/mock-bank/{id}/1")),
    ] {
        for visitor in &visitors {
            for method in [Method::GET, Method::HEAD] {
                let led = visitor.send(&method, &path).await;
                assert_eq!((led.status.as_u16(), led.location.as_deref()), (308, Some(to.as_str())), "{path}");
            }
            let there = visitor.get(&to).await;
            assert!([200, 303].contains(&there.status.as_u16()), "{to}: {}", there.status);
        }
    }
    // A form goes where it means to, as the browser sends it again.
    let again = visitors[0].send(&Method::POST, &format!("/checkout/{capitals}/cancel/")).await;
    assert_eq!((again.status.as_u16(), again.location), (308, Some(format!("/checkout/{id}/cancel"))));
}

/// Addresses that look almost like this one's.
fn near_misses(path: &str) -> Vec<String> {
    let (word, rest) = path.split_at(path[1..].find('/').map_or(path.len(), |end| end + 1));
    vec![
        format!("{path}/"),
        format!("{path}//"),
        format!("/{path}"),
        format!("{word}/{rest}"),
        format!("{}{rest}", word.to_uppercase()),
        format!("{path}/nothing"),
        format!("{path}x"),
        path[..path.len() - 1].to_owned(),
        path.replace(ID, &ID.to_uppercase()),
        path.replace(ID, &ID.replace('-', "")),
        path.replace(ID, "x"),
        path.replace(ID, ""),
        format!("//evil.example{path}"),
        format!("/%5Cevil.example{path}"),
    ]
}

#[tokio::test]
async fn no_near_miss_of_a_route_fails_or_leads_away_or_in_a_circle() {
    let world = World::start().await;
    let (browser, client) = (Visitor::browser(&world), Visitor::client(&world));
    let paths = all_routes().into_iter().map(|(_, path)| path).filter(|path| !path.contains('+'));
    let paths: std::collections::BTreeSet<String> =
        paths.map(|path| path.replace("{id}", ID).replace("{attempt}", "1").replace("{step}", "payer")).collect();
    let (mut led, mut shown) = (0, 0);
    for path in paths.iter().flat_map(|path| near_misses(path)) {
        for method in [Method::GET, Method::POST] {
            let (page, answer) = (browser.send(&method, &path).await, client.send(&method, &path).await);
            // What needs no credentials may be what is meant: another of these, or with a slash at its end.
            let is_open = path.contains("/res/v1/") && page.status == StatusCode::OK;
            assert!(is_open || (300..500).contains(&page.status.as_u16()), "{method} {path}: {}", page.status);
            assert_eq!((page.status, &page.location), (answer.status, &answer.location), "{method} {path}");
            assert_eq!(page.headers.get("allow"), answer.headers.get("allow"), "{method} {path}");
            if is_html(&page) {
                shown += 1;
                assert!(page.html.contains("<h1"), "{method} {path}");
                // The mock bank speaks English alone.
                let language = if path.starts_with("/mock-bank/") { "en-GB" } else { "de" };
                assert_eq!(page.headers["content-language"], language, "{method} {path}");
            }
            if page.status == 308 {
                led += 1;
                let to = page.location.unwrap();
                let ours = ["/checkout/", "/refunds/", "/mock-bank/"].iter().any(|word| to.starts_with(word));
                assert!(ours && !to.contains("//"), "{method} {path}: {to}");
                assert_ne!(browser.send(&method, &to).await.status, 308, "{method} {path}: {to}");
            } else {
                assert!(page.location.is_none_or(|to| to == format!("/checkout/{ID}")), "{method} {path}");
            }
        }
    }
    assert!(led > 50 && shown > 200, "{led} {shown}");
}
