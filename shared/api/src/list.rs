//! What the query string of a list asks for.

use jiff::Timestamp;
use models::{CustomerId, RefundId, SessionId, whole_number};
use store::{ListCursor, ListRange, ListStart};

use crate::error::{Refusal, Violation};
use crate::rfc_3339::rfc_3339;

/// The most items in one page of a list, and as many as there are without a `limit` (Banked's own default).
pub(crate) const MAX_LIMIT: usize = 100;

/// The most complaints about one query string.
const MAX_VIOLATIONS: usize = 100;

/// Which sessions are asked for.
#[derive(Debug)]
pub struct ListRequest {
    /// How many, and created when.
    pub range: ListRange,
    /// Beside which of them the page begins, in place of the range's own start.
    pub beside: Option<Beside<SessionId>>,
    /// The page's number, from 1, if the format numbers pages.
    pub number: usize,
    /// How many of those that come first are passed over.
    pub skip: usize,
    /// States, as the format shows them; all if empty.
    pub states: Vec<&'static str>,
}

impl ListRequest {
    /// Of the newest.
    pub(crate) fn of(limit: usize) -> Self {
        Self {
            range: ListRange { limit, ..ListRange::default() },
            beside: None,
            number: 1,
            skip: 0,
            states: Vec::new(),
        }
    }
}

/// Where a page of a list is, for formats whose pages lead to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListLinks {
    /// The whole URL of the list.
    pub list: String,
    /// The page's own query string.
    pub query: String,
    /// Which page it is, from 1.
    pub number: usize,
    /// How many there are in a page.
    pub size: usize,
}

/// Which customers are asked for.
#[derive(Debug)]
pub struct CustomerListRequest {
    /// How many at the most.
    pub limit: usize,
    /// Beside which of them the page begins; with the newest, if there is none.
    pub beside: Option<Beside<CustomerId>>,
}

/// Of which session refunds are asked for, and which of them.
#[derive(Debug)]
pub struct RefundListRequest {
    /// The session.
    pub session_id: SessionId,
    /// How many at the most.
    pub(crate) limit: usize,
    /// Beside which of them the page begins; with the newest, if there is none.
    pub(crate) beside: Option<Beside<RefundId>>,
}

/// One of a list, beside which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside<Id> {
    /// The page has those that are older.
    After(Id),
    /// The page has those that are newer, of which it ends with the next.
    Before(Id),
}

impl<Id> Beside<Id> {
    /// Which one.
    pub const fn id(&self) -> &Id {
        match self {
            Self::After(id) | Self::Before(id) => id,
        }
    }

    /// Where the page begins, if that one is here.
    pub fn start(&self, cursor: ListCursor) -> ListStart {
        match self {
            Self::After(_) => ListStart::After(cursor),
            Self::Before(_) => ListStart::Before(cursor),
        }
    }
}

/// Which parameters a list has.
#[derive(Debug, Clone, Copy)]
pub struct ListParameters<'a> {
    /// Those that may be given once.
    pub once: &'a [&'a str],
    /// Those that may be given several times.
    pub repeated: &'a [&'a str],
}

impl ListParameters<'_> {
    /// Of a list that can't be asked for anything.
    pub const NONE: ListParameters<'static> = ListParameters { once: &[], repeated: &[] };
}

/// Reads the query string of any list. A parameter that the list doesn't have, or has once and is given again, is refused:
/// leaving out what a client filters by would answer another question than was asked.
///
/// The query string must be as the client sent it; API Gateway joins repeated parameters by commas in what it has decoded.
///
/// # Errors
/// 400 if the query string can't be read at all; else 422 with every parameter that is wrong.
pub fn read_query(
    query: &str,
    known: ListParameters<'_>,
    mut read: impl FnMut(&str, &str) -> Result<(), &'static str>,
) -> Result<(), Refusal> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| Refusal::BadRequest("the query string can't be read".to_owned()))?;
    let mut violations: Vec<Violation> = Vec::new();
    let mut given: Vec<&str> = Vec::new();
    for (name, value) in &pairs {
        if violations.len() >= MAX_VIOLATIONS {
            break;
        }
        let name = name.as_str();
        let again = given.contains(&name);
        given.push(name);
        let rule = if known.once.contains(&name) && again {
            "must be given once".to_owned()
        } else if known.once.contains(&name) || known.repeated.contains(&name) {
            match read(name, value) {
                Ok(()) => continue,
                Err(rule) => rule.to_owned(),
            }
        } else {
            not_known(known)
        };
        // One complaint about each parameter is enough.
        if !violations.iter().any(|violation| violation.parameter.as_deref() == Some(name)) {
            violations.push(Violation::new(None, name, rule));
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Refusal::Invalid(violations)) }
}

/// Whether a query string gives this parameter, as [`read_query`] reads it.
pub fn gives(query: &str, name: &str) -> bool {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    pairs.iter().any(|(given, _)| given == name)
}

fn not_known(known: ListParameters<'_>) -> String {
    let names = [known.once, known.repeated].concat().join(", ");
    if names.is_empty() {
        "is no parameter of this list, which has none".to_owned()
    } else {
        format!("is no parameter of this list, which has {names}")
    }
}

/// A list's `cursor`, as it was read.
///
/// # Errors
/// It was none.
pub fn list_cursor(read: Option<ListCursor>) -> Result<Option<ListCursor>, &'static str> {
    if read.is_some() { Ok(read) } else { Err("must be a next_cursor of an earlier answer") }
}

/// Reads `limit`, `created_from`, `created_before`, by `cursor` that, and by `other` what else is `known`.
///
/// # Errors
/// As [`read_query`]'s.
pub fn list_query(
    query: &str,
    known: ListParameters<'_>,
    cursor: impl Fn(&str) -> Result<Option<ListCursor>, &'static str>,
    mut other: impl FnMut(&str, &str) -> Result<(), &'static str>,
) -> Result<ListRange, Refusal> {
    let mut range = ListRange { limit: MAX_LIMIT, ..ListRange::default() };
    let once = [&["limit", "cursor", "created_from", "created_before"], known.once].concat();
    read_query(query, ListParameters { once: &once, ..known }, |name, value| {
        match name {
            "limit" => {
                let limit = whole_number(value).filter(|limit| (1..=MAX_LIMIT).contains(limit));
                range.limit = limit.ok_or("must be 1 to 100")?;
            }
            "cursor" => range.start = cursor(value)?.map_or(ListStart::Newest, ListStart::After),
            "created_from" => range.created_from = Some(timestamp(value)?),
            "created_before" => range.created_before = Some(timestamp(value)?),
            name => other(name, value)?,
        }
        Ok(())
    })?;
    Ok(range)
}

/// A timestamp as RFC 3339 writes it, or as our own answers do (`2026-01-31 09:30:00 UTC`), to the millisecond as everything
/// is stored: what lies within one counts as its end, which is right for both ends of a range. What lies after the latest
/// timestamp that there is, is that one.
fn timestamp(text: &str) -> Result<Timestamp, &'static str> {
    let own = text.strip_suffix(" UTC").map(|own| format!("{own}Z"));
    rfc_3339(own.as_deref().unwrap_or(text)).ok_or("must be a time such as 2026-01-31T09:30:00Z")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_are_read_as_they_are_shown_too() {
        let expected: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        for text in [
            "2026-01-31T09:30:00Z",
            "2026-01-31t09:30:00z",
            "2026-01-31 09:30:00 UTC",
            "2026-01-31T10:30:00+01:00",
            "2026-01-30T09:31:00-23:59",
            "2026-01-31T09:30:00-00:00",
            "2026-01-31T09:30:00.0000000000Z",
        ] {
            assert_eq!(timestamp(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-01-31",
            "2026-01-31 09:30:00",
            "UTC",
            " UTC",
            "2026-01-31T09:30Z",
            "20260131T093000Z",
            "2026-02-30T09:30:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T09:60:00Z",
            "2026-01-31T09:30:60Z",
            "2016-12-31T23:59:60+01:00",
            "2026-01-31T09:30:00,5Z",
            "2026-01-31T09:30:00.Z",
            "2026-01-31T09:30:00.5",
            "2026-01-31T09:30:00+24:00",
            "2026-01-31T09:30:00-24:00",
            "2026-01-31T09:30:00+25:59",
            "2026-01-31T09:30:00+01:60",
            "2026-01-31T09:30:00+0100",
            "2026-01-31T09:30:00+01",
            "2026-01-31T09:30:00+01:00:30",
            "2026-01-31T09:30:00 01:00",
            "2026-01-31T09:30:00Z[Europe/London]",
            "2026-01-31T09:30:00+00:00[UTC]",
            "-000001-01-31T09:30:00Z",
            "-2026-01-31T09:30:00Z",
            "+002026-01-31T09:30:00Z",
            "٢٠٢٦-01-31T09:30:00Z",
        ] {
            assert!(timestamp(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bound_is_the_end_of_its_millisecond_and_never_after_the_last_timestamp() {
        let at = |text: &str| timestamp(text).unwrap().to_string();
        assert_eq!(at("2026-01-31T09:30:00.5Z"), "2026-01-31T09:30:00.5Z");
        assert_eq!(at("2026-01-31T09:30:00.0010000000Z"), "2026-01-31T09:30:00.001Z");
        assert_eq!(at("2026-01-31T09:30:00.0010000001Z"), "2026-01-31T09:30:00.002Z");
        assert_eq!(at("2026-01-31T09:30:00.9999999999Z"), "2026-01-31T09:30:01Z");
        assert_eq!(at("2016-12-31T23:59:60Z"), "2016-12-31T23:59:59Z");
        assert_eq!(at("2017-01-01T00:59:60+01:00"), "2016-12-31T23:59:59Z");
        assert!(timestamp("9999-12-31T23:59:60Z").is_ok());
        assert_eq!(at("0000-01-01T00:00:00Z"), "0000-01-01T00:00:00Z");
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.9999999999-23:59", "9999-12-31 23:59:59 UTC"] {
            assert_eq!(timestamp(text), Ok(Timestamp::MAX), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_by_rfc_3339_is_read_back(ms in -62_167_219_200_000_i64..253_402_207_200_000, offset_min in -1439_i32..1440) {
            let at = Timestamp::from_millisecond(ms).unwrap();
            prop_assert_eq!(timestamp(&at.to_string()), Ok(at));
            let zoned = at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::Offset::from_seconds(offset_min * 60).unwrap()));
            if (0..10_000).contains(&zoned.year()) {
                prop_assert_eq!(timestamp(&zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()), Ok(at));
            }
        }

        #[test]
        fn no_text_panics(text in "[-+0-9TZz:. ]{0,40}|\\PC*") {
            let _ = timestamp(&text);
        }
    }

    fn refused(query: &str, known: ListParameters<'_>) -> Vec<(String, String)> {
        match read_query(query, known, |_, value| if value == "bad" { Err("is bad") } else { Ok(()) }) {
            Ok(()) => Vec::new(),
            Err(Refusal::Invalid(violations)) => {
                violations.into_iter().map(|violation| (violation.parameter.unwrap(), violation.title)).collect()
            }
            Err(other) => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn a_parameter_that_the_list_does_not_have_or_has_once_is_named() {
        let known = ListParameters { once: &["limit"], repeated: &["state"] };
        for query in ["", "&", "limit=1", "limit=1&state=a&state=b", "li%6dit=1"] {
            assert_eq!(refused(query, known), [], "{query}");
        }
        let unknown =
            |name: &str| (name.to_owned(), format!("{name} is no parameter of this list, which has limit, state"));
        for name in ["state[0]", "state[]", "created_after", "States", "", "limit ", "l%"] {
            let query = serde_urlencoded::to_string([(name, "x")]).unwrap();
            assert_eq!(refused(&query, known), [unknown(name)], "{query}");
        }
        let twice = ("limit".to_owned(), "limit must be given once".to_owned());
        assert_eq!(refused("limit=1&limit=1", known), std::slice::from_ref(&twice));
        assert_eq!(refused("limit=1&li%6Dit=2&x&x&limit=3", known), [twice, unknown("x")]);
        assert_eq!(refused("state=bad&limit=bad&state=bad", known).len(), 2);
        let none = ("limit".to_owned(), "limit is no parameter of this list, which has none".to_owned());
        assert_eq!(refused("limit=1", ListParameters::NONE), [none]);
        let endless: String = (0..1000).map(|n| format!("x{n}&")).collect();
        assert_eq!(refused(&endless, known).len(), MAX_VIOLATIONS);
    }
}
