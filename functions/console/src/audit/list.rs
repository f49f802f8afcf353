//! The page.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, CorrelationId};
use pages::{Answer, Shell, Zone};

use super::filter::{Typed, read};
use super::words;
use crate::days::Errors;
use crate::frame::Frame;
use crate::paths::root;
use crate::services::Services;

/// How many acts a page has.
const PAGE: usize = 50;

struct Row {
    at: String,
    who: String,
    what: String,
    object: String,
    path: Option<String>,
    reason: String,
    change: Option<ActChange>,
    refused: String,
    correlation_id: Option<CorrelationId>,
}

struct Choice {
    value: &'static str,
    text: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct ListPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    typed: Typed,
    errors: Errors,
    kinds: Vec<Choice>,
    rows: Vec<Row>,
    /// Older ones, if there may be any.
    older: Option<String>,
    export: String,
}

impl ListPage<'_> {
    fn is_wrong(&self, of: &str) -> bool {
        self.errors.iter().any(|(field, _)| *field == of)
    }
}

/// What was done, newest first.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, query: &str) -> Answer {
    let path = format!("{}/audit", frame.root());
    let (typed, filter) = read(query);
    let (status, errors, found) = match filter {
        Ok(filter) => (StatusCode::OK, Vec::new(), Some(filter.find(services, frame.visitor, frame.mode, PAGE).await?)),
        Err(errors) => (StatusCode::BAD_REQUEST, errors, None),
    };
    let older = found.as_ref().and_then(|found| found.next.as_ref());
    let choice = |kind: &ActKind| Choice {
        value: kind.as_str(),
        text: words::kind(*kind),
        is_chosen: typed.what == kind.as_str(),
    };
    let page = ListPage {
        shell: &frame.shell(),
        frame,
        older: older.map(|key| format!("{path}?{}", typed.query(Some(key)))),
        export: format!("{path}/export"),
        kinds: ActKind::ALL.iter().map(choice).collect(),
        rows: found.map(|found| found.acts.iter().map(|act| row(act, frame)).collect()).unwrap_or_default(),
        path,
        typed,
        errors,
    };
    frame.page(status, &page)
}

fn row(act: &Act, frame: &Frame<'_>) -> Row {
    let mode = act.mode.unwrap_or(frame.mode);
    Row {
        at: frame.language.date_and_time(act.at, Zone::London),
        who: crate::words::who(act).to_owned(),
        what: words::what(act),
        object: words::object(act),
        path: words::path(act).map(|path| format!("{}/{path}", root(mode))),
        reason: words::reason(act).to_owned(),
        change: act.change.clone(),
        refused: words::refused(act).to_owned(),
        correlation_id: act.correlation_id.clone(),
    }
}
