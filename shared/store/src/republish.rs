//! Publishing again what history says: a mark on a session or refund, which the stream brings to what publishes.
//!
//! The mark changes nothing else and is no condition of any write. Publishing puts what is missing and nothing twice, so
//! that marks may be set at any time, and again.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::history::entered_at;
use crate::object_path::ObjectPath;
use crate::table::{Item, Table, TableItem, n, s};
use crate::tombstone::is_tombstone;
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// The attribute that the mark is.
pub(crate) const MARK: &str = "republish";

/// How far back anything is published again: as long as events are kept. Cursors are kept longer, so that what was delivered of
/// such an event is still known, and is not delivered again.
pub const REPUBLISHED_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A stream record that could not be read, as it is handed over to a person. It holds ids only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadRecord {
    /// The record's sequence number in the stream.
    pub sequence_number: String,
    /// What it is about, if its keys say.
    pub object: Option<ObjectPath>,
}

/// What is to be published again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// What happened then or later.
    pub since: Timestamp,
    /// Only what happened before this, if given; whatever follows it of the same object is published again, too.
    pub until: Option<Timestamp>,
}

impl Span {
    /// The first history entry, from 1, that is to be published again, if any is.
    fn first_of(&self, entered_at: impl Iterator<Item = Timestamp>) -> Option<usize> {
        let within = |at: &Timestamp| *at >= self.since && self.until.is_none_or(|until| *at < until);
        entered_at.zip(1..).find_map(|(at, sequence)| within(&at).then_some(sequence))
    }

    /// Whether any of an item's history is to be published again.
    pub fn includes(&self, item: &TableItem) -> bool {
        self.first_of(entered_at(&item.0)).is_some()
    }
}

/// What became of marking a session or refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// It is published again from this history entry on.
    From(usize),
    /// Nothing of it happened then.
    Nothing,
    /// There is none, or it was deleted: its data is gone, and there is nothing left to publish.
    Gone,
}

impl Table {
    /// Marks a session or refund, so that what happened to it then is published again.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn republish(&self, path: &ObjectPath, span: Span) -> Result<Marked, StoreError> {
        let mut found = self.get(path.key()).await?;
        // What distinguishes this mark from the one before.
        let id = s(self.random.write_id().as_str());
        while let Some(item) = found.filter(|item| !is_tombstone(item)) {
            let Some(first) = span.first_of(entered_at(&item)) else { return Ok(Marked::Nothing) };
            let before = item.get(MARK);
            if before.and_then(|mark| mark.as_m().ok()?.get("id")) == Some(&id) {
                // The SDK repeated an update whose answer was lost.
                return Ok(Marked::From(first));
            }
            let update = Update::new(WriteKind::Republish, path.key())
                .when("attribute_exists(#pk) AND attribute_not_exists(#deleted_at)", []);
            let update = match before {
                Some(mark) => update.when("#republish = :before", [(":before", mark.clone())]),
                None => update.when("attribute_not_exists(#republish)", []),
            };
            let mark = Item::from([("from".to_owned(), n(first)), ("id".to_owned(), id.clone())]);
            match update.set(MARK, AttributeValue::M(mark)).send(self).await? {
                Updated::New(_) => return Ok(Marked::From(first)),
                // Deleted or marked by somebody else meanwhile.
                Updated::Refused(item) => found = item,
            }
        }
        Ok(Marked::Gone)
    }
}

/// The history entry from which on a record's new image wants to be published again, if its old image doesn't say the same.
pub(crate) fn marked_from(old: &serde_dynamo::Item, new: &serde_dynamo::Item) -> Option<usize> {
    #[derive(Deserialize)]
    struct Mark {
        from: usize,
    }
    let mark = new.get(MARK).filter(|mark| old.get(MARK) != Some(mark))?;
    let Mark { from } = serde_dynamo::from_attribute_value(mark.clone()).ok()?;
    Some(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_begins_at_the_first_entry_inside_of_it() {
        let at = |second| Timestamp::constant(second, 0);
        let first = |since, until: Option<i64>| {
            let span = Span { since: at(since), until: until.map(at) };
            span.first_of([10, 20, 30].into_iter().map(at))
        };
        assert_eq!(
            [first(0, None), first(10, None), first(11, None), first(31, None)],
            [Some(1), Some(1), Some(2), None]
        );
        assert_eq!([first(0, Some(10)), first(11, Some(20)), first(11, Some(21))], [None, None, Some(2)]);
    }
}
