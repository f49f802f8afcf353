//! Pages of the list index: sessions, and events, of one merchant, newest first.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use models::{EventId, Session, SessionId, SortableTimestamp};
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Key, Table, read, s};

/// How many items one query of a filtered list looks at, and how many such queries one call may make, so that no call
/// works without bound.
const FILTERED_QUERY_LIMIT: usize = 100;
const MAX_QUERIES: usize = 5;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct ListRange {
    /// Created at or after.
    pub created_from: Option<Timestamp>,
    /// Created before.
    pub created_before: Option<Timestamp>,
    /// Go on after this one.
    pub after: Option<ListCursor>,
    /// How many at the most, 1 to 100.
    pub limit: usize,
}

/// A place in a list. Opaque to clients; it holds a creation time and an id and opens nobody else's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCursor {
    list_sk: String,
    key: Key,
}

impl ListCursor {
    /// As clients carry it.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.list_sk)
    }

    /// Reads what [`ListCursor::encode`] wrote of a place among sessions; nothing else.
    pub fn of_sessions(text: &str) -> Option<Self> {
        Self::decode(text, |id| Some(keys::session(&id.parse::<SessionId>().ok()?)))
    }

    /// Reads what [`ListCursor::encode`] wrote of a place among events; nothing else.
    pub fn of_events(text: &str) -> Option<Self> {
        Self::decode(text, |id| Some(keys::event(&id.parse::<EventId>().ok()?)))
    }

    /// The place of this session.
    pub fn at(session: &Session) -> Self {
        Self { list_sk: keys::list_sk(session.created_at, session.id), key: keys::session(&session.id) }
    }

    fn decode(text: &str, key: impl Fn(&str) -> Option<Key>) -> Option<Self> {
        let list_sk = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (created_at, id) = list_sk.split_once('#')?;
        let key = key(id)?;
        let again = keys::list_sk(created_at.parse::<Timestamp>().ok()?, id);
        (again == list_sk).then_some(Self { list_sk, key })
    }

    /// Where DynamoDB goes on.
    fn index_key(self, list_pk: &str) -> Item {
        let mut key = self.key.into_item();
        key.extend([("list_pk".to_owned(), s(list_pk)), ("list_sk".to_owned(), s(self.list_sk))]);
        key
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// Newest first. May be fewer than asked for, or none, though there are more.
    pub items: Vec<T>,
    /// Where to go on, unless this was all.
    pub next: Option<ListCursor>,
}

/// One page of a partition of the list index; if there is a filter, of what it says yes to. Eventually consistent.
pub(crate) async fn page<T: DeserializeOwned>(
    table: &Table,
    list_pk: &str,
    range: ListRange,
    filter: Option<&(dyn Fn(&T) -> bool + Sync)>,
) -> Result<Page<T>, StoreError> {
    // A sort key is a moment and more, so a moment alone lies before all that happened at it: `before` is exclusive.
    let bound = |at: Option<Timestamp>, open: &str| {
        at.map_or(open.to_owned(), |at| SortableTimestamp::from(at).as_str().to_owned())
    };
    let (from, before) = (bound(range.created_from, "0"), bound(range.created_before, "~"));
    // DynamoDB refuses a start outside of the bounds, which a cursor from another list can be.
    let after = range.after.filter(|cursor| cursor.list_sk < before);
    if before <= from || after.as_ref().is_some_and(|cursor| cursor.list_sk <= from) {
        return Ok(Page { items: Vec::new(), next: None });
    }
    // One more than asked for tells whether there are more; a filter needs many to find some.
    let query_limit = if filter.is_some() { FILTERED_QUERY_LIMIT } else { range.limit + 1 };
    let mut start = after.map(|cursor| cursor.index_key(list_pk));
    let (mut found, mut last): (Vec<T>, _) = (Vec::new(), None);
    for _ in 0..MAX_QUERIES {
        let output = table
            .client
            .query()
            .table_name(&table.name)
            .index_name("list")
            .key_condition_expression("list_pk = :list_pk AND list_sk BETWEEN :from AND :before")
            .expression_attribute_values(":list_pk", s(list_pk))
            .expression_attribute_values(":from", s(&from))
            .expression_attribute_values(":before", s(&before))
            .scan_index_forward(false)
            .limit(i32::try_from(query_limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| StoreError::unavailable("Query", error))?;
        for item in output.items.unwrap_or_default() {
            if found.len() == range.limit {
                return Ok(Page { items: found, next: last });
            }
            last = place(&item);
            let item = read("in the list index", item)?;
            if filter.is_none_or(|wanted| wanted(&item)) {
                found.push(item);
            }
        }
        start = output.last_evaluated_key;
        if start.is_none() {
            return Ok(Page { items: found, next: None });
        }
        // DynamoDB answers with 1 MB at the most, and Lambda with 6: what one query found is what one call answers.
        if !found.is_empty() {
            return Ok(Page { items: found, next: last });
        }
    }
    Ok(Page { items: found, next: last })
}

fn place(item: &Item) -> Option<ListCursor> {
    let text = |name: &str| item.get(name).and_then(|value: &AttributeValue| value.as_s().ok()).cloned();
    Some(ListCursor { list_sk: text("list_sk")?, key: Key::new(text("pk")?, text("sk")?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let at: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        let session = ListCursor { list_sk: keys::list_sk(at, id), key: keys::session(&id) };
        assert_eq!(ListCursor::of_sessions(&session.encode()), Some(session.clone()));
        let event_id = EventId { object_id: id.into(), sequence: 3 };
        let event = ListCursor { list_sk: keys::list_sk(at, event_id), key: keys::event(&event_id) };
        assert_eq!(ListCursor::of_events(&event.encode()), Some(event.clone()));
        assert_eq!(ListCursor::of_sessions(&event.encode()), None);
        for text in ["", "%", "AAAA", &BASE64_URL_SAFE_NO_PAD.encode("2026-01-31#x"), &session.encode()] {
            assert_eq!(ListCursor::of_events(text), None, "{text}");
        }
    }
}
