//! Pages of the list index: sessions, customers and events of one merchant, newest first.
//!
//! The index has keys and little more, which no update changes, so that it costs a write of an item nothing but its first. What
//! a page shows is read from the table.

mod entries;

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use models::{Customer, EventId, Session, SessionId};
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::keys;
use crate::size::size_bytes;
use crate::table::{MAX_BATCH, Table, read};
use crate::tombstone::is_tombstone;
use entries::{Direction, Entries, Entry};

/// How many items are read at a time, and how many a filtered list reads, so that no call works without bound.
const READ_AT_ONCE: usize = MAX_BATCH;
const MAX_READ: usize = 500;

/// How much one page holds at the most, but for its last item: what DynamoDB answers to one query. Lambda answers with 6 MB.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct ListRange {
    /// Created at or after.
    pub created_from: Option<Timestamp>,
    /// Created before.
    pub created_before: Option<Timestamp>,
    /// Where the page begins.
    pub start: ListStart,
    /// How many at the most, 1 to 100.
    pub limit: usize,
}

/// Where a page of a list begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListStart {
    /// With the newest.
    #[default]
    Newest,
    /// After this position: with the next older one.
    After(ListCursor),
    /// Before this position: the page has those that are newer, of which it ends with the next.
    Before(ListCursor),
}

/// A position in a list. Opaque to clients; it holds a creation time and an id and opens nobody else's list. It is the same
/// position in every shard, so that it stays good when there are more of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCursor(String);

impl ListCursor {
    /// As clients carry it.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads what [`ListCursor::encode`] wrote of a position among sessions; nothing else.
    pub fn of_sessions(text: &str) -> Option<Self> {
        Self::decode::<SessionId>(text)
    }

    /// Reads what [`ListCursor::encode`] wrote of a position among events; nothing else.
    pub fn of_events(text: &str) -> Option<Self> {
        Self::decode::<EventId>(text)
    }

    /// The position of this session.
    pub fn at(session: &Session) -> Self {
        Self(keys::list_sk(session.created_at, session.id))
    }

    /// The position of this customer.
    pub fn at_customer(customer: &Customer) -> Self {
        Self(keys::list_sk(customer.created_at, customer.id))
    }

    fn decode<Id: FromStr + Display>(text: &str) -> Option<Self> {
        let list_sk = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (created_at, id) = list_sk.split_once('#')?;
        // As it is stored: an id may be given in capitals.
        let stored = keys::list_sk(created_at.parse::<Timestamp>().ok()?, id.parse::<Id>().ok()?);
        stored.eq_ignore_ascii_case(&list_sk).then_some(Self(stored))
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// Newest first. May be fewer than asked for, or none, though there are more.
    pub items: Vec<T>,
    /// Where to go on in the direction that was asked for, unless this was all.
    pub next: Option<ListCursor>,
}

/// One page of a list that is in these partitions of the index; if there is a filter, of what it says yes to. The index says,
/// eventually consistently, which items they are and in which order; the items are read from the table, consistently: what is
/// deleted is left out, though the index has it still. Without a filter, each partition is queried once, and the page read at
/// once.
pub(crate) async fn page<T: DeserializeOwned>(
    table: &Table,
    list_pks: impl Iterator<Item = String>,
    range: ListRange,
    filter: Option<&(dyn Fn(&T) -> bool + Sync)>,
) -> Result<Page<T>, StoreError> {
    let (limit, direction) = (range.limit, Direction::of(&range.start));
    // One more than asked for shows whether there are more; a filter needs many to find some.
    let at_once = if filter.is_some() { READ_AT_ONCE } else { limit + 1 };
    let mut entries = Entries::new(table, list_pks, range, at_once);
    let mut last = entries.last().cloned();
    let (mut found, mut found_bytes, mut read_count): (Vec<T>, _, _) = (Vec::new(), 0, 0);
    loop {
        let wanted = if filter.is_some() { READ_AT_ONCE } else { READ_AT_ONCE.min(limit.saturating_sub(found.len())) };
        let mut some = Vec::new();
        while some.len() < wanted {
            if entries.is_to_be_asked() {
                // What one round of queries found is what one call answers.
                if !found.is_empty() || (filter.is_none() && !some.is_empty()) {
                    break;
                }
                entries.ask().await?;
                continue;
            }
            let Some(entry) = entries.pop() else { break };
            some.push(entry);
        }
        read_count += some.len();
        let mut items = table.get_all(some.iter().map(|entry| &entry.key)).await?;
        for Entry { key, list_sk } in some {
            if found.len() >= limit || found_bytes >= MAX_PAGE_BYTES {
                return Ok(direction.page(found, last));
            }
            last = Some(ListCursor(list_sk));
            let Some(item) = items.remove(&key).filter(|item| !is_tombstone(item)) else { continue };
            let size_bytes = size_bytes(&item);
            let item = read(key, item)?;
            if filter.is_none_or(|wanted| wanted(&item)) {
                found.push(item);
                found_bytes += size_bytes;
            }
        }
        if !entries.may_have_more() {
            return Ok(direction.page(found, None));
        }
        let is_full = found.len() >= limit || found_bytes >= MAX_PAGE_BYTES;
        if is_full || read_count >= MAX_READ || (!found.is_empty() && entries.is_to_be_asked()) {
            return Ok(direction.page(found, last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        let at: Timestamp = "2026-01-31T09:30:00Z".parse().unwrap();
        let session = ListCursor(keys::list_sk(at, id));
        assert_eq!(ListCursor::of_sessions(&session.encode()), Some(session.clone()));
        let capitals = BASE64_URL_SAFE_NO_PAD.encode(session.0.to_uppercase());
        assert_eq!(ListCursor::of_sessions(&capitals), Some(session.clone()));
        let event_id = EventId { object_id: id.into(), sequence: 3 };
        let event = ListCursor(keys::list_sk(at, event_id));
        assert_eq!(ListCursor::of_events(&event.encode()), Some(event.clone()));
        assert_eq!(ListCursor::of_sessions(&event.encode()), None);
        for text in ["", "%", "AAAA", &BASE64_URL_SAFE_NO_PAD.encode("2026-01-31#x"), &session.encode()] {
            assert_eq!(ListCursor::of_events(text), None, "{text}");
        }
    }
}
