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

/// As RFC 3339 writes a moment, or as our own answers do (`2026-01-31 09:30:00 UTC`).
fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let own = text.strip_suffix(" UTC").map(|own| format!("{own}Z"));
    own.as_deref().unwrap_or(text).parse().map_err(|_| "must be a moment such as 2026-01-31T09:30:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_shown_too() {
        let expected: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        for text in ["2026-01-31T09:30:00Z", "2026-01-31 09:30:00 UTC", "2026-01-31T10:30:00+01:00"] {
            assert_eq!(moment(text), Ok(expected), "{text}");
        }
        for text in ["", "yesterday", "2026-01-31", "2026-01-31 09:30:00", "UTC", " UTC"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
