//! The same as a file.

use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, ActObject, stamp};
use pages::{Answer, Language, Problem, ProblemTexts, read_form};

use super::filter::{Typed, read_fields};
use super::words;
use crate::acts;
use crate::csv::{file, line};
use crate::frame::Frame;
use crate::services::Services;
use crate::texts::texts;

/// How many acts a file has at the most; its last line says where it was cut off.
const ROWS: usize = 1_000;

const HEADER: [&str; 11] =
    ["at", "who", "what", "object", "mode", "reason", "from", "to", "refused", "correlation_id", "id"];

/// The file; that it was made is an act itself, which is put first.
pub(crate) async fn export(services: &Services, frame: &Frame<'_>, request: &Request) -> Answer {
    let mut fields: Vec<(String, String)> = read_form(request)?;
    // What every form bears, and has been checked.
    fields.retain(|(name, _)| name != "csrf");
    let (typed, filter) = read_fields(fields, frame.language);
    let filter = filter.map_err(|_| unreadable())?;
    let mut act = acts::on_page(services, frame, ActKind::Exported, ActObject::Shop);
    act.change = Some(ActChange { from: String::new(), to: exported(&typed) });
    services.acts.put(&act).await?;
    let found = filter.find(services, frame.visitor, frame.mode, ROWS).await?;
    let mut csv = line(HEADER);
    for act in &found.acts {
        csv.push_str(&row(act));
    }
    if let Some(next) = found.next {
        csv.push_str(&line([format!("More: open the audit with ?{}", typed.query(Some(&next)))]));
    }
    file("audit.csv", csv)
}

fn exported(typed: &Typed) -> String {
    let filters = typed.query(None);
    if filters.is_empty() { "audit".to_owned() } else { format!("audit?{filters}") }
}

fn row(act: &Act) -> String {
    let (from, to) = act.change.as_ref().map_or(("", ""), |change| (change.from.as_str(), change.to.as_str()));
    let correlation_id = act.correlation_id.as_ref().map(ToString::to_string).unwrap_or_default();
    line([
        stamp(act.at).as_str(),
        crate::words::who(act),
        words::what(act, Language::English),
        &words::object(act, Language::English),
        words::mode(act),
        words::reason(act, Language::English),
        from,
        to,
        words::refused(act),
        &correlation_id,
        &act.id.to_string(),
    ])
}

fn unreadable() -> Problem {
    Problem::Refused(StatusCode::BAD_REQUEST, |language| {
        let t = texts(language).audit;
        ProblemTexts { heading: t.export_wrong_heading, text: t.export_wrong_text }
    })
}
