//! What the query string of a list asks for.

use jiff::Timestamp;
use store::{ListCursor, ListRange};

use crate::error::{ApiError, Violation};

/// The most items in one page of a list, and as many as there are without a `limit` (Banked's own default).
const MAX_LIMIT: usize = 100;

/// Reads `limit`, `cursor`, `created_from` and `created_before`; `other` reads the rest, and ignores what it doesn't know,
/// as unknown fields are.
///
/// # Errors
/// 400 if the query string can't be read at all; else 422 with every parameter that is wrong.
pub fn list_query(
    query: &str,
    cursor: impl Fn(&str) -> Option<ListCursor>,
    mut other: impl FnMut(&str, &str) -> Result<(), &'static str>,
) -> Result<ListRange, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| ApiError::BadRequest("the query string can't be read".to_owned()))?;
    let mut violations = Vec::new();
    let mut range = ListRange { limit: MAX_LIMIT, ..ListRange::default() };
    for (name, value) in pairs {
        let read = match name.as_str() {
            "limit" => match value.parse() {
                Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => {
                    range.limit = limit;
                    Ok(())
                }
                Ok(_) | Err(_) => Err("must be 1 to 100"),
            },
            "cursor" => {
                range.after = cursor(&value);
                range.after.as_ref().map(|_| ()).ok_or("must be a next_cursor of an earlier answer")
            }
            "created_from" => moment(&value).map(|at| range.created_from = Some(at)),
            "created_before" => moment(&value).map(|at| range.created_before = Some(at)),
            name => other(name, &value),
        };
        if let Err(rule) = read {
            let title = format!("{name} {rule}");
            violations.push(Violation { code: "invalid_request", parameter: Some(name), title });
        }
    }
    if violations.is_empty() { Ok(range) } else { Err(ApiError::Invalid(violations)) }
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "must be a moment such as 2026-01-31T09:30:00Z")
}
