//! docs/errors.md: each code of an error, in each format. Codes and statuses are written from the code, by `make openapi`; why
//! an error comes and what to do stand beside them by hand, and stay.

use crate::error::{ApiError, Refusal};
use crate::error_shape::ErrorShape;
use crate::openapi::types::fintecture_codes;
use crate::wire_formats::{code, parted, refusals, signature_faults, table};
use crate::{banked, fintecture, yorlet};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");

/// A code, or a status, and what it comes with.
type Row = [String; 2];

#[test]
fn every_code_is_explained() {
    let document = std::fs::read_to_string(PATH).unwrap();
    let (mut should, mut unexplained) = (document.clone(), Vec::new());
    let tables = [
        ("banked", ["code", "status"], banked()),
        ("oauth", ["`error`", "status"], oauth()),
        ("yorlet", ["status", "`type`"], yorlet()),
        ("fintecture", ["entry's `code`", "status, `code`"], fintecture()),
    ];
    for (name, [first, second], codes) in tables {
        let [before, stands, after] = parted(&should, name);
        let rows: Vec<_> = grouped(codes).into_iter().map(|[key, value]| row(stands, key, value)).collect();
        unexplained.extend(rows.iter().filter(|[_, _, why, what]| why.is_empty() || what.is_empty()).cloned());
        should = format!("{before}{}{after}", table([first, second, "why", "what to do"], rows));
    }
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(PATH, &should).unwrap();
    } else {
        assert!(document == should, "docs/errors.md is out of date: run `make openapi`");
    }
    assert!(unexplained.is_empty(), "docs/errors.md does not explain {unexplained:?}");
}

/// A row with what stands there by hand.
fn row(stands: &str, key: String, value: String) -> [String; 4] {
    let begin = format!("| {key} | ");
    let line = stands.lines().find(|line| line.starts_with(&begin)).and_then(|line| line.strip_suffix(" |"));
    let mut by_hand = line.into_iter().flat_map(|line| line.split(" | ").skip(2)).map(str::to_owned);
    let [why, what] = [by_hand.next(), by_hand.next()].map(Option::unwrap_or_default);
    [key, value, why, what]
}

/// One row for each key, with all that comes with it.
fn grouped(pairs: Vec<Row>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for [key, value] in pairs {
        match rows.iter_mut().find(|[known, _]| *known == key) {
            Some([_, values]) if values.split(", ").any(|known| known == value) => {}
            Some([_, values]) => *values += &format!(", {value}"),
            None => rows.push([key, value]),
        }
    }
    rows
}

fn errors() -> Vec<ApiError> {
    let internal = ApiError::Internal(Box::new(std::io::Error::other("quiet")));
    refusals().into_iter().map(|(_, error)| error).chain([internal]).collect()
}

/// What errors come with, and after them the codes that only fields have, each with what that comes with.
fn with_fields(mut of_errors: Vec<Row>, all: impl IntoIterator<Item = &'static str>, field: &str) -> Vec<Row> {
    let of_fields = all.into_iter().map(code).filter(|name| of_errors.iter().all(|[known, _]| known != name));
    let of_fields: Vec<_> = of_fields.map(|name| [name, field.to_owned()]).collect();
    of_errors.extend(of_fields);
    of_errors
}

fn banked() -> Vec<Row> {
    let shown = |error: &ApiError| [code(banked::code(error)), error.status().as_u16().to_string()];
    with_fields(errors().iter().map(shown).collect(), banked::CODES, "422")
}

/// Of a token in Banked's format, beside the codes that all have.
fn oauth() -> Vec<Row> {
    let is_of_token = |error: &ApiError| match error {
        ApiError::Unavailable(_) | ApiError::Internal(_) => true,
        ApiError::Refused(refusal) => matches!(
            refusal,
            Refusal::BadRequest(_) | Refusal::Unauthorized | Refusal::TooLarge(_) | Refusal::UnsupportedMediaType(_)
        ),
    };
    let shown = |error: ApiError| {
        let answer = ErrorShape::of("POST", "/oauth/token", "").render(&error);
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        [code(body["error"].as_str().unwrap()), answer.status().as_u16().to_string()]
    };
    errors().into_iter().filter(is_of_token).map(shown).collect()
}

fn yorlet() -> Vec<Row> {
    let shown = |error: ApiError| {
        let body = serde_json::to_value(yorlet::ErrorView::new(&error)).unwrap();
        [yorlet::status(&error).as_u16().to_string(), code(body["error"]["type"].as_str().unwrap())]
    };
    errors().into_iter().map(shown).collect()
}

fn fintecture() -> Vec<Row> {
    let shown = |error: ApiError| {
        let status = fintecture::error_status(&error);
        let general = format!("{} {}", status.as_u16(), code(fintecture::error_code(status)));
        [code(fintecture::entry_code(&error)), general]
    };
    let signatures = signature_faults().map(|fault| ApiError::from(Refusal::Signature(fault)));
    let of_errors = errors().into_iter().chain(signatures).map(shown).collect();
    with_fields(of_errors, fintecture_codes(), "400 `bad_request`")
}
