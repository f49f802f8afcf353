//! Telling again what history says: a mark on a session or refund, which the stream brings to whoever publishes.
//!
//! The mark changes nothing else and is no condition of any write. Publishing puts what is missing and nothing twice, so
//! that marks may be set at any time, and again.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{ObjectId, RefundId, SessionId, WriteId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::sessions::is_tombstone;
use crate::table::{Item, Key, Table, n, s, sk};
use crate::update::{Update, Updated};
use crate::walk::TableItem;
use crate::write::WriteKind;

/// The attribute that the mark is.
pub(crate) const MARK: &str = "republish";

/// How far back anything is told again: as long as events are kept. Cursors are kept longer, so that whatever was told of
/// such an event is still known, and is not told again.
pub const REPUBLISHED_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A session, or a refund beside the session that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectPath {
    /// A session.
    Session(SessionId),
    /// Of this session, this refund.
    Refund(SessionId, RefundId),
}

impl ObjectPath {
    /// What an item is by its key, if it is either.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        Self::from_key(item.get("pk")?.as_s().ok()?, sk(item))
    }

    pub(crate) fn from_key(pk: &str, sk: &str) -> Option<Self> {
        let session_id = pk.strip_prefix(keys::SESSION_PK_PREFIX)?.parse().ok()?;
        match sk.strip_prefix(keys::REFUND_PREFIX) {
            Some(refund_id) => Some(Self::Refund(session_id, refund_id.parse().ok()?)),
            None => (sk == keys::SESSION_SK).then_some(Self::Session(session_id)),
        }
    }

    /// The session that an item is by its key, if it is one.
    pub(crate) fn session_of(item: &Item) -> Option<SessionId> {
        match Self::of(item)? {
            Self::Session(id) => Some(id),
            Self::Refund(..) => None,
        }
    }

    /// What a stream's record is about, by its keys, if it is either.
    pub fn of_record(keys: &serde_dynamo::Item) -> Option<Self> {
        let part = |name: &str| match keys.get(name) {
            Some(serde_dynamo::AttributeValue::S(text)) => Some(text),
            Some(_) | None => None,
        };
        Self::from_key(part("pk")?, part("sk")?)
    }

    /// Its id, as events know it.
    pub fn object_id(&self) -> ObjectId {
        match self {
            Self::Session(id) => (*id).into(),
            Self::Refund(_, id) => (*id).into(),
        }
    }

    fn key(&self) -> Key {
        match self {
            Self::Session(id) => keys::session(id),
            Self::Refund(session, id) => keys::refund(session, id),
        }
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "session {id}"),
            Self::Refund(_, id) => write!(f, "refund {id}"),
        }
    }
}

/// A stream record that could not be read, as it is handed over for a person to look at. It holds ids only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadRecord {
    /// The record's sequence number in the stream.
    pub sequence_number: String,
    /// What it is about, if its keys say.
    pub object: Option<ObjectPath>,
}

/// What is to be told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// What happened at this moment or later.
    pub since: Timestamp,
    /// Only what happened before this, if given; whatever follows it of the same object is looked at again, too.
    pub until: Option<Timestamp>,
}

impl Span {
    /// The first history entry, from 1, that is to be told again, if any is.
    fn first_of(&self, entered_at: impl Iterator<Item = Timestamp>) -> Option<usize> {
        let within = |at: &Timestamp| *at >= self.since && self.until.is_none_or(|until| *at < until);
        entered_at.zip(1..).find_map(|(at, sequence)| within(&at).then_some(sequence))
    }

    /// Whether any of an item's history is to be told again.
    pub fn includes(&self, item: &TableItem) -> bool {
        self.first_of(entered_at(&item.0)).is_some()
    }
}

/// What became of marking a session or refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// It is told again from this history entry on.
    From(usize),
    /// Nothing of it happened then.
    Nothing,
    /// There is none, or it was deleted: its data is gone, and there is nothing left to tell it from.
    Gone,
}

impl Table {
    /// Marks a session or refund, so that what happened to it then is published again.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn republish(&self, path: &ObjectPath, span: Span) -> Result<Marked, StoreError> {
        let mut found = self.get(path.key()).await?;
        // What tells this mark from the one before.
        let id = s(crate::new_write_id().as_str());
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

/// The latest timestamp of an item's history entries, if it is later than `at`, and none of them is of this write. The last
/// entry may have an earlier one: up to release 0.1, an entry was appended whatever the timestamps before it.
pub(crate) fn entered_later(item: &Item, at: Timestamp, write_id: &WriteId) -> Option<Timestamp> {
    let history = item.get("history")?.as_l().ok()?;
    let own = s(write_id.as_str());
    if history.iter().any(|entry| entry.as_m().is_ok_and(|entry| entry.get("write_id") == Some(&own))) {
        return None;
    }
    entered_at(item).max().filter(|latest| *latest > at)
}

/// When each history entry of an item was made. Nothing else of the item has to be readable.
fn entered_at(item: &Item) -> impl Iterator<Item = Timestamp> {
    let history = item.get("history").and_then(|history| history.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
    history.iter().map_while(|entry| {
        let at = entry.as_m().ok()?.get("at")?.as_n().ok()?;
        Timestamp::from_millisecond(at.parse().ok()?).ok()
    })
}

/// The history entry from which on a record's new image wants to be told again, if its old image doesn't say the same.
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

    const SESSION: &str = "1ae1ce03-dfa9-4593-b487-65c656991cb5";
    const REFUND: &str = "728d061b-8e47-4052-be4f-5f9bcdee39ff";

    #[test]
    fn a_path_is_read_from_a_key_and_nothing_else_is() {
        let paths = [
            ObjectPath::Session(SESSION.parse().unwrap()),
            ObjectPath::Refund(SESSION.parse().unwrap(), REFUND.parse().unwrap()),
        ];
        for path in paths {
            assert_eq!(ObjectPath::of(&path.key().into_item()), Some(path));
        }
        let refund = REFUND.parse().unwrap();
        for key in [keys::refund_pointer(&refund), Key::new(format!("SESSION#{SESSION}"), "OTHER"), keys::no_session()]
        {
            assert_eq!(ObjectPath::of(&key.into_item()), None);
        }
    }

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
