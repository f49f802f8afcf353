//! Pages of the list index: sessions, customers and events of one merchant, newest first.
//!
//! A merchant's lists have one shard or more. Each is asked for the next that it has, and what they answer is merged.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt::Display;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use models::{Customer, EventId, Session, SessionId, SortableTimestamp};
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::keys;
use crate::query::{Query, Source};
use crate::size::size_bytes;
use crate::table::{Item, Table, read};

/// How many items a filtered list asks for at a time, and how many it reads, so that no call works without bound.
const FILTERED_AT_ONCE: usize = 100;
const MAX_READ: usize = 500;

/// How much one page holds at the most, but for its last item: what DynamoDB answers to one query. Lambda answers with 6 MB.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// How many shards are asked at a time: each has a connection of its own.
const SHARDS_AT_ONCE: usize = 16;

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

/// Which way a list is read.
#[derive(Debug, Clone, Copy)]
enum Direction {
    /// From the newest on.
    Older,
    /// From an older one back to the newest.
    Newer,
}

impl Direction {
    /// How two positions come after one another when the list is read so.
    fn order(self, a: Option<&str>, b: Option<&str>) -> Ordering {
        match self {
            Self::Older => b.cmp(&a),
            Self::Newer => a.cmp(&b),
        }
    }

    /// A page of what was read so.
    fn page<T>(self, mut read: Vec<T>, next: Option<ListCursor>) -> Page<T> {
        match self {
            Self::Older => {}
            Self::Newer => read.reverse(),
        }
        Page { items: read, next }
    }
}

/// The sort keys within which a list is read.
struct Bounds {
    from: String,
    /// Exclusive: a sort key is a timestamp and more, so a timestamp alone lies before all that happened at it.
    before: String,
}

/// One shard of a list, and what is known of it.
struct Shard {
    list_pk: String,
    /// What is at hand of it, in the direction in which the list is read.
    at_hand: VecDeque<Item>,
    /// Whether there is more than what is at hand.
    has_more: bool,
}

impl Shard {
    /// Whether it has to be asked before it is known what comes next.
    fn is_to_be_asked(&self) -> bool {
        self.at_hand.is_empty() && self.has_more
    }

    /// Where what comes next of it is.
    fn next(&self) -> Option<&str> {
        self.at_hand.front().map(list_sk)
    }
}

/// One page of a list that is in these partitions of the index; if there is a filter, of what it says yes to. Eventually
/// consistent. Without a filter, each partition is asked once.
pub(crate) async fn page<T: DeserializeOwned>(
    table: &Table,
    list_pks: impl Iterator<Item = String>,
    range: ListRange,
    filter: Option<&(dyn Fn(&T) -> bool + Sync)>,
) -> Result<Page<T>, StoreError> {
    let mut shards: Vec<_> =
        list_pks.map(|list_pk| Shard { list_pk, at_hand: VecDeque::new(), has_more: true }).collect();
    let sort_key = |at: Timestamp| SortableTimestamp::from(at).as_str().to_owned();
    let bounds = Bounds {
        from: range.created_from.map_or(keys::FIRST_TIMESTAMP.to_owned(), sort_key),
        before: range.created_before.map_or("~".to_owned(), sort_key),
    };
    let (direction, mut last) = match range.start {
        ListStart::Newest => (Direction::Older, None),
        ListStart::After(cursor) => (Direction::Older, Some(cursor).filter(|cursor| cursor.0 < bounds.before)),
        ListStart::Before(cursor) => (Direction::Newer, Some(cursor).filter(|cursor| cursor.0 >= bounds.from)),
    };
    // One more than asked for shows whether there are more; a filter needs many to find some.
    let at_once = if filter.is_some() { FILTERED_AT_ONCE } else { range.limit + 1 };
    let at_once = share(at_once, shards.len());
    let (mut found, mut found_bytes, mut read_count): (Vec<T>, _, _) = (Vec::new(), 0, 0);
    loop {
        let unknown: Vec<_> = shards.iter_mut().filter(|shard| shard.is_to_be_asked()).collect();
        if !unknown.is_empty() {
            // What one round of queries found is what one call answers.
            if !found.is_empty() || read_count >= MAX_READ {
                return Ok(direction.page(found, last));
            }
            let mut unknown = unknown.into_iter();
            loop {
                let some = unknown.by_ref().take(SHARDS_AT_ONCE);
                let asked = some.map(|shard| ask(table, shard, &bounds, direction, last.as_ref(), at_once));
                if try_join_all(asked).await?.is_empty() {
                    break;
                }
            }
            continue;
        }
        let not_empty = shards.iter_mut().filter(|shard| !shard.at_hand.is_empty());
        let next = not_empty.min_by(|a, b| direction.order(a.next(), b.next()));
        let Some(item) = next.and_then(|shard| shard.at_hand.pop_front()) else {
            return Ok(direction.page(found, None));
        };
        if found.len() >= range.limit || found_bytes >= MAX_PAGE_BYTES {
            return Ok(direction.page(found, last));
        }
        last = Some(ListCursor(list_sk(&item).to_owned()));
        read_count += 1;
        let size_bytes = size_bytes(&item);
        let item = read("in the list index", item)?;
        if filter.is_none_or(|wanted| wanted(&item)) {
            found.push(item);
            found_bytes += size_bytes;
        }
    }
}

/// How many items each shard is asked for, so that all together give `count`. One that has more than its share
/// is not asked again: the page ends there. With 6 more than twice the share that hardly ever happens (at the worst once in
/// 20,000 pages, of 100 from 64 shards), for sessions are distributed by a hash.
fn share(count: usize, shards: usize) -> usize {
    count.min(2 * count.div_ceil(shards.max(1)) + 6)
}

/// Asks a shard for what comes after `last` in this direction.
async fn ask(
    table: &Table,
    shard: &mut Shard,
    bounds: &Bounds,
    direction: Direction,
    last: Option<&ListCursor>,
    count: usize,
) -> Result<(), StoreError> {
    // The one at `last` itself, if it is in this shard, is answered again. A start key would leave it out, but can't be made
    // for a shard that it is not in.
    let (mut from, mut to, mut limit) = (bounds.from.as_str(), bounds.before.as_str(), count);
    if let Some(ListCursor(last)) = last {
        limit += 1;
        match direction {
            Direction::Older => to = last,
            Direction::Newer => from = last,
        }
    }
    if to < from {
        shard.has_more = false;
        return Ok(());
    }
    let descending = match direction {
        Direction::Older => true,
        Direction::Newer => false,
    };
    let query = Query { source: Source::List, pk: &shard.list_pk, between: Some((from, to)), descending, limit };
    let page = table.page(&query, None).await?;
    shard.at_hand = page.items.into();
    shard.has_more = page.next.is_some();
    if last.is_some_and(|ListCursor(last)| shard.next() == Some(last)) {
        shard.at_hand.pop_front();
    }
    Ok(())
}

fn list_sk(item: &Item) -> &str {
    item.get("list_sk").and_then(|list_sk| list_sk.as_s().ok()).map_or("", String::as_str)
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

    #[test]
    fn shards_are_asked_for_no_more_than_all_and_for_enough() {
        assert_eq!([share(21, 1), share(101, 1), share(100, 1)], [21, 101, 100]);
        for shards in 1..=256 {
            for count in [2, 21, 101] {
                assert!(share(count, shards) <= count);
                assert!(share(count, shards) * shards >= count, "{count} of {shards}");
            }
        }
        assert_eq!(share(21, 256), 8);
    }
}
