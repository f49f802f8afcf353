//! What the list index has of a list: its entries, merged over the shards.
//!
//! A merchant's lists have one shard or more. Each is asked for the next that it has, and what they answer is merged.

use std::cmp::Ordering;
use std::collections::VecDeque;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use models::{Money, SortableTimestamp};

use super::range::{ListCursor, ListRange, ListStart, Page};
use crate::error::StoreError;
use crate::keys;
use crate::query::{Query, Source};
use crate::table::{Item, Key, Table};

/// How many shards are asked at a time: each has a connection of its own.
const SHARDS_AT_ONCE: usize = 16;

/// What the index has of one item.
pub(super) struct Entry {
    /// The item's.
    pub(super) key: Key,
    pub(super) list_sk: String,
    /// For how much it is, where the index says so.
    pub(super) amount: Option<Money>,
}

impl Entry {
    fn of(item: &Item, sort_key: &str) -> Option<Self> {
        let amount = item.get("amount").and_then(|amount| serde_dynamo::from_attribute_value(amount.clone()).ok());
        Some(Self { key: Key::of(item)?, list_sk: item.get(sort_key)?.as_s().ok()?.clone(), amount })
    }
}

/// Which way a list is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    /// From the newest on.
    Older,
    /// From an older one back to the newest.
    Newer,
}

impl Direction {
    pub(super) const fn of(start: &ListStart) -> Self {
        match start {
            ListStart::Newest | ListStart::After(_) => Self::Older,
            ListStart::Before(_) => Self::Newer,
        }
    }

    /// How two positions come after one another when the list is read so.
    fn order(self, a: Option<&str>, b: Option<&str>) -> Ordering {
        match self {
            Self::Older => b.cmp(&a),
            Self::Newer => a.cmp(&b),
        }
    }

    /// A page of what was read so.
    pub(super) fn page<T>(self, mut read: Vec<T>, next: Option<ListCursor>) -> Page<T> {
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
    at_hand: VecDeque<Entry>,
    /// Whether there may be more than what is at hand.
    has_more: bool,
}

impl Shard {
    /// Whether it has to be asked before it is known what comes next.
    fn is_to_be_asked(&self) -> bool {
        self.at_hand.is_empty() && self.has_more
    }

    /// Where what comes next of it is.
    fn next(&self) -> Option<&str> {
        self.at_hand.front().map(|entry| entry.list_sk.as_str())
    }
}

/// The entries of a list, one after the other in the direction in which it is read.
pub(super) struct Entries<'a> {
    table: &'a Table,
    source: Source,
    shards: Vec<Shard>,
    bounds: Bounds,
    direction: Direction,
    /// The one that came last.
    last: Option<ListCursor>,
    /// How many each shard is asked for.
    count: usize,
}

impl<'a> Entries<'a> {
    /// Of this many lists that are in these partitions of the source, each in as many. Nothing is asked yet; all shards of each list
    /// together are then asked for `at_once`.
    pub(super) fn new(
        table: &'a Table,
        source: Source,
        list_pks: impl Iterator<Item = String>,
        lists: usize,
        range: ListRange,
        at_once: usize,
    ) -> Self {
        let shards: Vec<_> =
            list_pks.map(|list_pk| Shard { list_pk, at_hand: VecDeque::new(), has_more: true }).collect();
        let sort_key = |at: Timestamp| SortableTimestamp::from(at).as_str().to_owned();
        let bounds = Bounds {
            from: range.created_from.map_or(keys::FIRST_TIMESTAMP.to_owned(), sort_key),
            before: range.created_before.map_or("~".to_owned(), sort_key),
        };
        let direction = Direction::of(&range.start);
        let last = match range.start {
            ListStart::Newest => None,
            ListStart::After(cursor) => Some(cursor).filter(|cursor| cursor.0 < bounds.before),
            ListStart::Before(cursor) => Some(cursor).filter(|cursor| cursor.0 >= bounds.from),
        };
        // Nothing is distributed among lists: one of them may have all.
        let count = share(at_once, shards.len() / lists.max(1));
        Self { table, source, shards, bounds, direction, last, count }
    }

    /// The one that came last, or beside which the list begins.
    pub(super) const fn last(&self) -> Option<&ListCursor> {
        self.last.as_ref()
    }

    /// Whether a shard has to be asked before it is known what comes next.
    pub(super) fn is_to_be_asked(&self) -> bool {
        self.shards.iter().any(Shard::is_to_be_asked)
    }

    /// False if it is known that all have come.
    pub(super) fn may_have_more(&self) -> bool {
        self.shards.iter().any(|shard| !shard.at_hand.is_empty() || shard.has_more)
    }

    /// Asks the shards that have to be asked.
    pub(super) async fn ask(&mut self) -> Result<(), StoreError> {
        let mut unknown = self.shards.iter_mut().filter(|shard| shard.is_to_be_asked());
        loop {
            let some = unknown.by_ref().take(SHARDS_AT_ONCE);
            let from = (self.table, self.source);
            let asked =
                some.map(|shard| ask(from, shard, &self.bounds, self.direction, self.last.as_ref(), self.count));
            if try_join_all(asked).await?.is_empty() {
                return Ok(());
            }
        }
    }

    /// The next, where no shard has to be asked for it.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let not_empty = self.shards.iter_mut().filter(|shard| !shard.at_hand.is_empty());
        let next = not_empty.min_by(|a, b| self.direction.order(a.next(), b.next()));
        let entry = next?.at_hand.pop_front()?;
        self.last = Some(ListCursor(entry.list_sk.clone()));
        Some(entry)
    }
}

/// How many entries each shard is asked for, so that all together give `count`. One that has more than its share
/// is not asked again: the page ends there. With 6 more than twice the share that hardly ever happens (at the worst once in
/// 20,000 pages, of 100 from 64 shards), for sessions are distributed by a hash.
fn share(count: usize, shards: usize) -> usize {
    count.min(2 * count.div_ceil(shards.max(1)) + 6)
}

/// Asks a shard for what comes after `last` in this direction.
async fn ask(
    (table, source): (&Table, Source),
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
    let query = Query { source, pk: &shard.list_pk, between: Some((from, to)), descending, limit };
    let page = table.page(&query, None).await?;
    shard.at_hand = page.items.iter().filter_map(|item| Entry::of(item, source.sort_key())).collect();
    shard.has_more = page.next.is_some();
    if last.is_some_and(|ListCursor(last)| shard.next() == Some(last.as_str())) {
        shard.at_hand.pop_front();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
