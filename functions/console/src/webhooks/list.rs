//! A merchant's endpoints in one mode.

use askama::Template;
use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{DisabledBy, Endpoint};
use pages::{Answer, Language, Shell, Zone};

use crate::frame::Frame;
use crate::services::Services;

/// How an endpoint does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    /// In words.
    pub(super) text: String,
    /// How it is shown: `good`, `wait` or `bad`.
    pub(super) class: &'static str,
}

impl Status {
    pub(super) fn of(endpoint: &Endpoint, language: Language, now: Timestamp) -> Self {
        let parked_until = endpoint.parked_until.filter(|until| *until > now);
        let status = |text: String, class| Self { text, class };
        match (endpoint.disabled_by, parked_until, endpoint.failures) {
            (Some(DisabledBy::Merchant), ..) => status("Disabled".to_owned(), "wait"),
            (Some(DisabledBy::Gone), ..) => status("Disabled: it answered 410 Gone".to_owned(), "bad"),
            (None, Some(until), _) => {
                let until = language.date_and_time(until, Zone::London);
                status(format!("Failing. Next try after {until}"), "bad")
            }
            (None, None, 0) => status("Delivering".to_owned(), "good"),
            (None, None, 1) => status("The last delivery failed".to_owned(), "wait"),
            (None, None, failures) => status(format!("The last {failures} deliveries failed"), "bad"),
        }
    }
}

struct Row {
    path: String,
    url: String,
    description: Option<String>,
    format: &'static str,
    status: Status,
}

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct ListPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    rows: Vec<Row>,
}

/// The page that lists them.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>) -> Answer {
    let now = services.clock.now();
    let endpoints = services.endpoints.of(&frame.visitor.person.merchant_id).await?;
    let row = |endpoint: &Endpoint| Row {
        path: format!("{}/webhooks/{}", frame.root(), endpoint.id),
        url: endpoint.url.as_str().to_owned(),
        description: endpoint.description.as_ref().map(|text| text.as_str().to_owned()),
        format: endpoint.format.as_str(),
        status: Status::of(endpoint, frame.language, now),
    };
    let rows = endpoints.iter().filter(|endpoint| endpoint.mode == frame.mode).map(row).collect();
    frame.page(StatusCode::OK, &ListPage { shell: &frame.shell(), frame, rows })
}
