//! Reading the table's stream: which history entries a record brings.

use jiff::Timestamp;
use models::{HistoryEntry, Metadata, Session, SessionState};
use serde::Deserialize;

use crate::error::StoreError;

/// What one stream record brings to a session's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryChange {
    /// The session as of the record.
    pub session: Session,
    /// The sequence number of the first new entry, from 1; none is new if it is past the history's end.
    pub first_new: usize,
}

impl HistoryChange {
    /// The sequence numbers of the new entries, in order.
    pub fn new_sequences(&self) -> impl Iterator<Item = usize> + use<> {
        self.first_new..=self.session.history.len()
    }

    /// When entry `sequence` was made.
    pub fn at(&self, sequence: usize) -> Timestamp {
        let entry = sequence.checked_sub(1).and_then(|index| self.session.history.get(index));
        entry.map_or(self.session.created_at, |entry| entry.at)
    }
}

/// What a tombstone keeps that can be told.
#[derive(Debug, Deserialize)]
struct Buried {
    state: SessionState,
    history: Vec<HistoryEntry>,
}

/// The history entries that are in `new` and not in `old`; images as the stream has them, empty where there is none. None for a record that is
/// about something else than a session, or that only removes one.
///
/// # Errors
/// An image of a session can't be read.
pub fn history_change(old: serde_dynamo::Item, new: serde_dynamo::Item) -> Result<Option<HistoryChange>, StoreError> {
    if new.is_empty() {
        return Ok(None);
    }
    let unreadable = |cause| StoreError::Unreadable { key: "in the stream".to_owned(), cause };
    if old.contains_key("deleted_at") {
        return Ok(None);
    }
    let old: Option<Session> =
        if old.is_empty() { None } else { Some(serde_dynamo::from_item(old).map_err(unreadable)?) };
    let first_new = old.as_ref().map_or(0, |old| old.history.len()) + 1;
    let session = if new.contains_key("deleted_at") {
        // What was deleted is told from what it was before.
        let Buried { state, history } = serde_dynamo::from_item(new).map_err(unreadable)?;
        match old {
            // That it ended is told; who was to pay is not written anew.
            Some(old) => Session { state, history, payer: None, metadata: Metadata::default(), ..old },
            None => return Ok(None),
        }
    } else {
        serde_dynamo::from_item(new).map_err(unreadable)?
    };
    Ok(Some(HistoryChange { session, first_new }))
}
