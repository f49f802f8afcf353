//! What `make run` answers at `/`: what this is and where everything is, the newest sessions, the API's document as a page, and a
//! demo shop. None of it is there on AWS.

mod markdown;
mod reference;
mod shop;

use std::path::Path;

use askama::Template;
use hyper::StatusCode;
use jiff::Timestamp;
use models::Session;

use crate::config::Config;
use crate::http::{self, Answer, Call};
use crate::{demo, names};
use shop::Shop;

/// The variable by which functions may call webhook endpoints on this machine.
pub const LOOPBACK_WEBHOOKS: &str = "LOCAL_LOOPBACK_WEBHOOKS";

/// How many sessions are listed.
const MAX_LISTED: usize = 20;

/// Our own styles and an empty icon. What a form leads to may be anywhere, so it says nothing of forms.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";

/// This machine's own pages.
pub(crate) struct StartPage {
    places: Places,
    aws_url: String,
    shop: Shop,
}

/// Where everything is.
struct Places {
    api_url: String,
    mail_url: String,
    simulator_url: Option<String>,
    /// Whether there is a console.
    has_console: bool,
    /// The folder of the documents, on disk.
    docs: String,
}

#[derive(Template)]
#[template(path = "start_page.html")]
struct HomePage<'a> {
    places: &'a Places,
    key: &'static str,
    secret: &'static str,
    curl: String,
    /// Or why they can't be read.
    sessions: Result<Vec<Row>, String>,
}

/// A session in the list.
struct Row {
    created_at: String,
    reference: String,
    amount: String,
    state: String,
    checkout_url: String,
}

impl Row {
    fn new(session: &Session, now: Timestamp) -> Self {
        Self {
            created_at: session.created_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            reference: session.reference.as_str().to_owned(),
            amount: session.amount.to_string(),
            state: session.state_at(now).to_string(),
            checkout_url: session.checkout_url(),
        }
    }
}

impl StartPage {
    pub(crate) fn new(
        config: &Config,
        (api_url, aws_url, mail_url): (&str, &str, &str),
        simulator_url: Option<String>,
    ) -> Self {
        let template = std::fs::canonicalize(&config.template).unwrap_or_else(|_| config.template.clone());
        let places = Places {
            api_url: api_url.to_owned(),
            mail_url: mail_url.to_owned(),
            simulator_url,
            has_console: config.parameters.get("Console").is_some_and(|console| console == "on"),
            docs: template.parent().unwrap_or(Path::new("")).join("docs").display().to_string(),
        };
        let shop = Shop::new(api_url.to_owned(), config.environment.contains_key(LOOPBACK_WEBHOOKS));
        Self { places, aws_url: aws_url.to_owned(), shop }
    }

    /// The answer to a request for one of these pages; nothing if it is for none of them. `host` is what the request names.
    pub(crate) async fn answer(&self, call: &Call, host: &str) -> Option<Answer> {
        match (call.method.as_str(), call.uri.path()) {
            ("GET" | "HEAD", "/") => Some(self.home().await),
            ("GET" | "HEAD", "/docs") => Some(http::page(reference::page(), PAGE_POLICY)),
            ("GET" | "HEAD", "/openapi.yaml") => {
                Some(http::answer(StatusCode::OK, "application/yaml", reference::DOCUMENT))
            }
            ("GET" | "HEAD", shop::PATH) => Some(self.shop.page()),
            ("POST", shop::PATH) => self.shop.buy(call, host).await,
            ("GET" | "HEAD", shop::THANKS_PATH) => self.shop.thanks(call).await,
            ("POST", demo::WEBHOOK_PATH) => Some(self.shop.receive(call, Timestamp::now())),
            _ => None,
        }
    }

    async fn home(&self) -> Answer {
        let sessions = demo::newest_sessions(&self.aws_url, &names::resource("Table"), MAX_LISTED).await;
        let now = Timestamp::now();
        let rows = |sessions: Vec<Session>| sessions.iter().map(|session| Row::new(session, now)).collect::<Vec<_>>();
        http::page(&self.home_page(sessions.map(rows).map_err(|error| error.to_string())), PAGE_POLICY)
    }

    fn home_page(&self, sessions: Result<Vec<Row>, String>) -> HomePage<'_> {
        let (key, secret) = demo::API_KEY;
        HomePage { places: &self.places, key, secret, curl: demo::curl(&self.places.api_url), sessions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_page(change: impl FnOnce(&mut Config)) -> StartPage {
        let mut config = Config::new("template.yaml", "bin", "data");
        change(&mut config);
        let urls = ("http://127.0.0.1:3000", "http://127.0.0.1:4000", "http://127.0.0.1:8025");
        StartPage::new(&config, urls, None)
    }

    #[test]
    fn what_merchants_wrote_is_escaped() {
        let row = Row {
            created_at: "2026-01-31 09:30:00".to_owned(),
            reference: "<script>x</script>".to_owned(),
            amount: "£4.00".to_owned(),
            state: "sent".to_owned(),
            checkout_url: "http://127.0.0.1:3000/checkout/1?a=\"".to_owned(),
        };
        let html = start_page(|_| {}).home_page(Ok(vec![row])).render().unwrap();
        assert!(html.contains("script&#62;x") && html.contains("£4.00") && !html.contains("<script"), "{html}");
        assert!(!html.contains("?a=\"\""), "{html}");
    }

    #[test]
    fn it_shows_what_there_is_alone() {
        let console = "href=\"/console\"";
        let without = start_page(|_| {}).home_page(Ok(Vec::new())).render().unwrap();
        assert!(without.contains("No sessions yet") && !without.contains(console), "{without}");
        assert!(without.contains("sk_test_demo") && without.contains("http://127.0.0.1:8025"), "{without}");
        let switch_on = |config: &mut Config| drop(config.parameters.insert("Console".to_owned(), "on".to_owned()));
        let with = start_page(switch_on).home_page(Err("no table".to_owned())).render().unwrap();
        assert!(with.contains("no table") && with.contains(console), "{with}");
    }
}
