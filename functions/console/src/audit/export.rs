//! The same as a file: RFC 4180, with what a spreadsheet would compute defused.

use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Request, Response};
use models::{Act, ActChange, ActKind, ActObject};
use pages::{Answer, Problem, ProblemTexts, read_form};

use super::filter::{Typed, read_fields};
use super::words;
use crate::acts;
use crate::frame::Frame;
use crate::services::Services;

/// How many acts a file has at the most; its last line says where it was cut off.
const ROWS: usize = 1_000;

const HEADER: [&str; 11] =
    ["at", "who", "what", "object", "mode", "reason", "from", "to", "refused", "correlation_id", "id"];

/// The file; that it was made is an act itself, which is put first.
pub(crate) async fn export(services: &Services, frame: &Frame<'_>, request: &Request) -> Answer {
    let mut fields: Vec<(String, String)> = read_form(request)?;
    // What every form bears, and has been checked.
    fields.retain(|(name, _)| name != "csrf");
    let (typed, filter) = read_fields(fields);
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
    Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")
        .header(header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\"")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::Text(csv))
        .map_err(|error| Problem::Internal(Box::new(error)))
}

fn exported(typed: &Typed) -> String {
    let filters = typed.query(None);
    if filters.is_empty() { "audit".to_owned() } else { format!("audit?{filters}") }
}

fn row(act: &Act) -> String {
    let (from, to) = act.change.as_ref().map_or(("", ""), |change| (change.from.as_str(), change.to.as_str()));
    let correlation_id = act.correlation_id.as_ref().map(ToString::to_string).unwrap_or_default();
    line([
        act.at.to_string().as_str(),
        crate::words::who(act),
        &words::what(act),
        &words::object(act),
        words::mode(act),
        words::reason(act),
        from,
        to,
        words::refused(act),
        &correlation_id,
        &act.id.to_string(),
    ])
}

fn line<const N: usize>(cells: [impl AsRef<str>; N]) -> String {
    let cells: Vec<_> = cells.iter().map(|text| cell(text.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell, quoted (RFC 4180, 2, 5): in some languages a spreadsheet splits at semicolons what is not.
fn cell(text: &str) -> String {
    format!("\"{}\"", defused(text).replace('"', "\"\""))
}

/// The same text with an apostrophe before what a spreadsheet would compute (OWASP, "CSV injection"): what begins like a formula,
/// the text or what may come to stand in a cell of its own.
fn defused(text: &str) -> String {
    let (mut defused, mut begins) = (String::with_capacity(text.len()), true);
    for letter in text.chars() {
        let is_formula = matches!(letter, '=' | '+' | '-' | '@' | '\t');
        let is_line = matches!(letter, '\r' | '\n');
        if begins && (is_formula || (is_line && defused.is_empty())) {
            defused.push('\'');
        }
        defused.push(letter);
        begins = is_line || matches!(letter, ';' | '\t');
    }
    defused
}

fn unreadable() -> Problem {
    Problem::Refused(StatusCode::BAD_REQUEST, |_| ProblemTexts {
        heading: "These filters can’t be read",
        text: "Go back to the audit, filter there, and export what it shows.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        for (text, expected) in [
            ("", r#""""#),
            ("Ada", r#""Ada""#),
            ("a,b", r#""a,b""#),
            ("say \"no\"", r#""say ""no""""#),
            ("a\nb", "\"a\nb\""),
            ("=1+1", r#""'=1+1""#),
            ("+44", r#""'+44""#),
            ("-1", r#""'-1""#),
            ("@SUM(A1)", r#""'@SUM(A1)""#),
            ("\t=1", "\"'\t'=1\""),
            ("\r=1", "\"'\r'=1\""),
            ("\n=1", "\"'\n'=1\""),
            ("a\n=1", "\"a\n'=1\""),
            ("a;=1;b", r#""a;'=1;b""#),
            ("=HYPERLINK(\"x\",\"y\")", r#""'=HYPERLINK(""x"",""y"")""#),
            ("1=1", r#""1=1""#),
        ] {
            assert_eq!(cell(text), expected);
        }
        assert_eq!(line(["a", "b,"]), "\"a\",\"b,\"\r\n");
    }
}
