//! Pages of the list index: sessions, customers and events of one merchant, newest first.
//!
//! The index has keys and little more, which no update changes, so that it costs a write of an item nothing but its first. What
//! a page shows is read from the table.

mod entries;
mod range;

use models::Money;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::query::Source;
use crate::size::size_bytes;
use crate::table::{Key, MAX_BATCH, Table, read};
use crate::tombstone::is_tombstone;
use entries::{Direction, Entries, Entry};
pub use range::{ListCursor, ListRange, ListStart, Page};

/// How many items are read at a time, and how many a filtered list reads, so that no call works without bound.
const READ_AT_ONCE: usize = MAX_BATCH;
const MAX_READ: usize = 500;

/// How many entries of the index are asked for at a time where it says by itself which are wanted, and how many such a list
/// passes at the most: some hundred bytes each.
const PASS_AT_ONCE: usize = 1000;
const MAX_PASSED: usize = 5000;

/// How much one page holds at the most, but for its last item: what DynamoDB answers to one query. Lambda answers with 6 MB.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// Which of a list are wanted.
pub(crate) struct Wanted<'a, T> {
    /// Those whose amount it says yes to, which the index says.
    pub(crate) amount: Option<&'a (dyn Fn(Money) -> bool + Sync)>,
    /// Those that it says yes to.
    pub(crate) filter: Option<&'a (dyn Fn(&T) -> bool + Sync)>,
}

impl<T> Wanted<'_, T> {
    const fn is_all(&self) -> bool {
        self.amount.is_none() && self.filter.is_none()
    }
}

/// Where lists are: this many of them, in these partitions of the index, each in as many.
pub(crate) struct Partitions<P> {
    pub(crate) list_pks: P,
    pub(crate) lists: usize,
}

/// One page of lists that are in these partitions of the index, merged; if not all are wanted, of those that are. The index says,
/// eventually consistently, which items they are and in which order; the items are read from the table, consistently: what is
/// deleted is left out, though the index has it still. If all are wanted, each partition is queried once, and the page read at
/// once.
pub(crate) async fn page<T: DeserializeOwned>(
    table: &Table,
    Partitions { list_pks, lists }: Partitions<impl Iterator<Item = String>>,
    range: ListRange,
    wanted: Wanted<'_, T>,
) -> Result<Page<T>, StoreError> {
    let (limit, direction) = (range.limit, Direction::of(&range.start));
    // One more than asked for shows whether there are more; a filter needs many to find some.
    let at_once = match &wanted {
        Wanted { amount: Some(_), .. } => PASS_AT_ONCE,
        Wanted { filter: Some(_), .. } => READ_AT_ONCE,
        Wanted { amount: None, filter: None } => limit + 1,
    };
    let mut entries = Entries::new(table, Source::Lists, list_pks, lists, range, at_once);
    let mut last = entries.last().cloned();
    let (mut found, mut found_bytes, mut read_count): (Vec<T>, _, _) = (Vec::new(), 0, 0);
    let mut passed_count = 0;
    loop {
        let count = if wanted.is_all() { READ_AT_ONCE.min(limit.saturating_sub(found.len())) } else { READ_AT_ONCE };
        let mut some = Vec::new();
        while some.len() < count && passed_count < MAX_PASSED {
            if entries.is_to_be_asked() {
                // What one round of queries found is what one call answers.
                if !found.is_empty() || (wanted.is_all() && !some.is_empty()) {
                    break;
                }
                entries.ask().await?;
                continue;
            }
            let Some(entry) = entries.pop() else { break };
            match wanted.amount {
                Some(wanted) if !entry.amount.is_some_and(wanted) => passed_count += 1,
                Some(_) | None => some.push(entry),
            }
        }
        read_count += some.len();
        let mut items = table.get_all(some.iter().map(|entry| &entry.key)).await?;
        for Entry { key, list_sk, .. } in some {
            if found.len() >= limit || found_bytes >= MAX_PAGE_BYTES {
                return Ok(direction.page(found, last));
            }
            last = Some(ListCursor(list_sk));
            let Some(item) = items.remove(&key).filter(|item| !is_tombstone(item)) else { continue };
            let size_bytes = size_bytes(&item);
            let item = read(key, item)?;
            if wanted.filter.is_none_or(|wanted| wanted(&item)) {
                found.push(item);
                found_bytes += size_bytes;
            }
        }
        // Those after it whose amount is another were passed.
        last = entries.last().cloned().or(last);
        if !entries.may_have_more() {
            return Ok(direction.page(found, None));
        }
        let is_full = found.len() >= limit || found_bytes >= MAX_PAGE_BYTES;
        let is_enough = read_count >= MAX_READ || passed_count >= MAX_PASSED;
        if is_full || is_enough || (!found.is_empty() && entries.is_to_be_asked()) {
            return Ok(direction.page(found, last));
        }
    }
}

/// One page of what is in a partition of the table, whose sort keys are as the list index has them.
pub(crate) async fn keys_in(table: &Table, pk: String, range: ListRange) -> Result<Page<Key>, StoreError> {
    let (limit, direction) = (range.limit, Direction::of(&range.start));
    let mut entries = Entries::new(table, Source::Table, std::iter::once(pk), 1, range, limit + 1);
    let mut found = Vec::new();
    while found.len() < limit {
        if entries.is_to_be_asked() {
            entries.ask().await?;
            continue;
        }
        let Some(entry) = entries.pop() else { break };
        found.push(entry.key);
    }
    let next = if entries.may_have_more() { entries.last().cloned() } else { None };
    Ok(direction.page(found, next))
}
