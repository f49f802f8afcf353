//! Lists: `{meta, data, links}`, newest first, by number and by cursor.

use jiff::Timestamp;
use lambda_http::http::StatusCode;
use models::{Refund, Session, whole_number};
use serde::Serialize;
use store::{ListCursor, ListStart};

use super::session::ListedSessionView;
use crate::answer::{Answer, json};
use crate::error::{Refusal, Violation};
use crate::list::{ListLinks, ListRequest, MAX_LIMIT};

/// How far a page may be found by its number alone: all before it have to be read again.
const MAX_BY_NUMBER: usize = 1000;

const NUMBER: &str = "page[number]";
const SIZE: &str = "page[size]";
/// Ours, in the links: where the page before ended.
const AFTER: &str = "page[after]";

/// Reads which page of sessions is asked for. Other parameters are no part of it: which filters there are is not documented.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub(crate) fn read_sessions(query: &str) -> Result<ListRequest, Refusal> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| Refusal::BadRequest("the query string can't be read".to_owned()))?;
    let mut wrong = Vec::new();
    let mut once = |name: &'static str| {
        let mut values = pairs.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let (value, again) = (values.next(), values.next());
        if again.is_some() {
            wrong.push(Violation::new(None, &format!("query.{name}"), "must be given once"));
        }
        value
    };
    let [number, size, after] = [once(NUMBER), once(SIZE), once(AFTER)];
    let mut read = |name: &str, rule: &str, value: Option<&str>, valid: fn(&usize) -> bool, default: usize| {
        let Some(value) = value else { return default };
        whole_number(value).filter(valid).unwrap_or_else(|| {
            wrong.push(Violation::new(None, &format!("query.{name}"), rule));
            default
        })
    };
    let size = read(SIZE, "must be 1 to 100", size, |size| (1..=MAX_LIMIT).contains(size), MAX_LIMIT);
    let number = read(NUMBER, "must be 1 or more", number, |number| *number >= 1, 1);
    let after = after.map(ListCursor::of_sessions);
    if after == Some(None) {
        wrong.push(Violation::new(None, &format!("query.{AFTER}"), "must come from links.next of an earlier answer"));
    }
    let before = number.saturating_sub(1).saturating_mul(size);
    let (start, skip) = match after.flatten() {
        Some(cursor) => (ListStart::After(cursor), 0),
        None => (ListStart::Newest, before),
    };
    if skip.saturating_add(size) > MAX_BY_NUMBER {
        let rule = format!("must stay within the first {MAX_BY_NUMBER} payments; follow links.next for the rest");
        wrong.push(Violation::new(None, &format!("query.{NUMBER}"), rule));
    }
    if !wrong.is_empty() {
        return Err(Refusal::Invalid(wrong));
    }
    let mut asked = ListRequest { number, skip, ..ListRequest::of(size) };
    asked.range.start = start;
    Ok(asked)
}

/// A page of payment sessions.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintecturePaymentList"))]
#[derive(Debug, Serialize)]
pub(crate) struct SessionList<'a> {
    meta: ListMeta,
    /// The newest first.
    data: Vec<ListedSessionView<'a>>,
    links: LinksView,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    /// How many there are in all; it may lag some seconds behind.
    total_items: u64,
    total_pages: u64,
}

/// Whole URLs.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct LinksView {
    /// This page.
    #[serde(rename = "self")]
    this: String,
    /// The next page; null at the end of the list.
    next: Option<String>,
}

impl<'a> SessionList<'a> {
    /// A page of sessions as they are at `now`, of a list that has `count` in all.
    pub(crate) fn new(
        sessions: impl Iterator<Item = &'a Session>,
        now: Timestamp,
        count: u64,
        next: Option<&ListCursor>,
        links: &ListLinks,
    ) -> Self {
        let per_page = u64::try_from(links.size).unwrap_or(u64::MAX).max(1);
        let ListLinks { list, query, number, size } = links;
        let following = |cursor: &ListCursor| {
            let next = number.saturating_add(1).to_string();
            let pairs = [(NUMBER, next), (SIZE, size.to_string()), (AFTER, cursor.encode())];
            serde_urlencoded::to_string(pairs).ok().map(|query| format!("{list}?{query}"))
        };
        Self {
            meta: ListMeta { total_items: count, total_pages: count.div_ceil(per_page) },
            data: sessions.map(|session| ListedSessionView::new(session, now)).collect(),
            links: LinksView {
                this: if query.is_empty() { list.clone() } else { format!("{list}?{query}") },
                next: next.and_then(following),
            },
        }
    }
}

/// A page of sessions as they are at `now`, of a list that has `count` in all.
///
/// # Errors
/// 500 if it can't be written as JSON.
pub(crate) fn list(
    sessions: &[(Session, Vec<Refund>)],
    now: Timestamp,
    count: u64,
    next: Option<&ListCursor>,
    links: &ListLinks,
) -> Answer {
    let sessions = sessions.iter().map(|(session, _)| session);
    json(StatusCode::OK, &SessionList::new(sessions, now, count, next, links))
}

#[cfg(test)]
mod tests {
    use samples::NOW;
    use serde_json::{Value, json};

    use super::*;

    fn refused(query: &str) -> Vec<String> {
        match read_sessions(query) {
            Err(Refusal::Invalid(wrong)) => wrong.into_iter().filter_map(|one| one.parameter).collect(),
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn a_page_is_asked_for_by_its_number_or_after_a_position() {
        let read = |query: &str| {
            let ListRequest { range, beside, number, skip, states } = read_sessions(query).unwrap();
            assert!(beside.is_none() && states.is_empty());
            (number, range.limit, skip, range.start)
        };
        let newest = ListStart::Newest;
        assert_eq!(read(""), (1, 100, 0, newest.clone()));
        assert_eq!(read("page[number]=1&page[size]=20"), (1, 20, 0, newest.clone()));
        assert_eq!(read("page%5Bnumber%5D=3&page%5Bsize%5D=20"), (3, 20, 40, newest.clone()));
        assert_eq!(read("page[number]=10"), (10, 100, 900, newest.clone()));
        assert_eq!(read("page[number]=1000&page[size]=1"), (1000, 1, 999, newest.clone()));
        assert_eq!(read("filter[status]=x&sort=-created_at&state=1&state=2&page=2&"), (1, 100, 0, newest));
        let cursor = ListCursor::at(&samples::session());
        let after = |query: &str| read(&format!("{query}page[after]={}", cursor.encode()));
        assert_eq!(after("page[number]=5000&page[size]=20&"), (5000, 20, 0, ListStart::After(cursor.clone())));
        assert_eq!(after(""), (1, 100, 0, ListStart::After(cursor.clone())));
    }

    #[test]
    fn what_is_no_page_is_refused_by_name() {
        for value in ["0", "-1", "1.5", "x", "", "1e2", "99999999999999999999999"] {
            assert_eq!(refused(&format!("page[number]={value}")), ["query.page[number]"], "{value}");
            assert_eq!(refused(&format!("page[size]={value}")), ["query.page[size]"], "{value}");
        }
        assert_eq!(refused("page[size]=101"), ["query.page[size]"]);
        for beyond in ["page[number]=11", "page[number]=51&page[size]=20", "page[number]=18446744073709551615"] {
            assert_eq!(refused(beyond), ["query.page[number]"], "{beyond}");
        }
        assert_eq!(refused("page[after]=x"), ["query.page[after]"]);
        assert_eq!(refused("page[size]=1&page[size]=1"), ["query.page[size]"]);
        let all = "page[number]=x&page[size]=x&page[after]=x";
        assert_eq!(refused(all).len(), 3);
        assert_eq!(refused("page[number]=%FF"), ["query.page[number]"]);
    }

    #[test]
    fn a_page_says_how_many_there_are_and_where_the_next_is() {
        let session = samples::session();
        let cursor = ListCursor::at(&session);
        let shown = |count, next, query: &str, number| -> Value {
            let list = "https://pay.example/pis/v2/payments".to_owned();
            let links = ListLinks { list, query: query.to_owned(), number, size: 20 };
            serde_json::to_value(SessionList::new([&session].into_iter(), NOW, count, next, &links)).unwrap()
        };
        let first = shown(41, Some(&cursor), "", 1);
        assert_eq!(first["meta"], json!({ "totalItems": 41, "totalPages": 3 }));
        let url = "https://pay.example/pis/v2/payments";
        let next = format!("{url}?page%5Bnumber%5D=2&page%5Bsize%5D=20&page%5Bafter%5D={}", cursor.encode());
        assert_eq!(first["links"], json!({ "self": url, "next": next }));
        let read = read_sessions(next.split_once('?').unwrap().1).unwrap();
        assert_eq!((read.number, read.skip, read.range.start), (2, 0, ListStart::After(cursor.clone())));
        let last = shown(40, None, "page[number]=2&page[size]=20", 2);
        assert_eq!(last["meta"], json!({ "totalItems": 40, "totalPages": 2 }));
        let this = format!("{url}?page[number]=2&page[size]=20");
        assert_eq!(last["links"], json!({ "self": this, "next": null }));
        assert_eq!(shown(0, None, "", 1)["meta"], json!({ "totalItems": 0, "totalPages": 0 }));
        let listed = &last["data"][0];
        let id = "00000000000000000000000000000007";
        assert_eq!([&listed["id"], &listed["type"]], [id, "PayByBank"]);
        assert_eq!(listed["meta"], json!({ "session_id": id, "status": "provider_required" }));
        assert_eq!(listed["attributes"]["amount"], "4.00");
    }
}
