//! A merchant's endpoints in one mode.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{Endpoint, EventType, Permission};
use pages::{Answer, Shell};

use super::form::{ALL, Typed, formats};
use super::status::Status;
use crate::curl::command;
use crate::frame::Frame;
use crate::select::{SelectOption, options};
use crate::services::Services;

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
    path: String,
    may_change: bool,
    typed: Typed,
    formats: Vec<SelectOption>,
    events: Vec<EventChoice>,
    same: Option<String>,
}

impl ListPage<'_> {
    fn error(&self, of: &str) -> Option<&str> {
        self.typed.errors.iter().find(|(field, _)| *field == of).map(|(_, text)| text.as_str())
    }
}

/// A type of events that can be chosen in the form, or all of them.
struct EventChoice {
    value: String,
    text: String,
    is_chosen: bool,
}

/// The page that lists them.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, base_url: &str) -> Answer {
    page(services, frame, StatusCode::OK, Typed::new(services), base_url).await
}

/// The same, with the form that registers one as it was typed.
pub(super) async fn page(
    services: &Services,
    frame: &Frame<'_>,
    status: StatusCode,
    typed: Typed,
    base_url: &str,
) -> Answer {
    let now = services.clock.now();
    let endpoints = services.endpoints.of(&frame.visitor.person.merchant_id).await?;
    let row = |endpoint: &Endpoint| Row {
        path: format!("{}/webhooks/{}", frame.root(), endpoint.id),
        url: endpoint.url.as_str().to_owned(),
        description: endpoint.description.as_ref().map(|text| text.as_str().to_owned()),
        format: endpoint.format.name(),
        status: Status::of(endpoint, frame.language, now),
    };
    let rows = endpoints.iter().filter(|endpoint| endpoint.mode == frame.mode).map(row).collect();
    let event = |value: String, text: String| {
        let is_chosen = typed.events.contains(&value);
        EventChoice { value, text, is_chosen }
    };
    let types = EventType::all().map(|event_type| event_type.to_string()).map(|name| event(name.clone(), name));
    let all = event(ALL.to_owned(), frame.texts().webhooks.all_to_come.to_owned());
    let events = std::iter::once(all).chain(types).collect();
    let page = ListPage {
        shell: &frame.shell(),
        frame,
        rows,
        path: format!("{}/webhooks", frame.root()),
        may_change: frame.visitor.may(Permission::ChangeWebhooks),
        formats: options(&typed.format, formats().map(|format| (format.as_str(), format.name()))),
        events,
        same: Some(command(base_url, &typed.request())),
        typed,
    };
    frame.page(status, &page)
}
