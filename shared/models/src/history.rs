//! What happened to a session or refund, entry by entry.

use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{CorrelationId, WriteId};
use crate::transition::{SessionEvent, SessionState};

/// One entry of a session's or refund's history. Its sequence number is its position in the history, from 1, so that there
/// can be no gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry<State = SessionState, Event = SessionEvent> {
    /// The state from then on.
    pub state: State,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// Why.
    pub cause: Event,
    /// Which write appended it.
    pub write_id: WriteId,
    /// Which request, or run of the schedule, it happened in, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
}

/// Everything that happened to a session or refund, oldest first; never empty once it was created. Entries are only
/// appended. Stored as the plain list of its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History<State = SessionState, Event = SessionEvent>(Vec<HistoryEntry<State, Event>>);

impl<State: Copy + PartialEq, Event: Copy + PartialEq> History<State, Event> {
    /// A history of one entry.
    pub fn begin(state: State, at: Timestamp, cause: Event, write_id: WriteId) -> Self {
        Self(vec![HistoryEntry { state, at, cause, write_id, correlation_id: None }])
    }

    /// Appends an entry.
    pub fn append(&mut self, state: State, at: Timestamp, cause: Event, write_id: WriteId) {
        self.0.push(HistoryEntry { state, at, cause, write_id, correlation_id: None });
    }

    /// Removes all entries after `sequence` (from 1); the first one stays.
    pub fn truncate(&mut self, sequence: usize) {
        self.0.truncate(sequence.max(1));
    }

    /// The entry with this sequence number, from 1.
    pub fn entry(&self, sequence: usize) -> Option<&HistoryEntry<State, Event>> {
        self.0.get(sequence.checked_sub(1)?)
    }

    /// The state that it ends in.
    pub fn state(&self) -> Option<State> {
        self.0.last().map(|entry| entry.state)
    }

    /// When the state was `state` for the first time, if it ever was.
    pub fn first_at(&self, state: State) -> Option<Timestamp> {
        self.0.iter().find(|entry| entry.state == state).map(|entry| entry.at)
    }

    /// When the last entry was made.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.0.last().map(|entry| entry.at)
    }

    /// Whether `event` has happened.
    pub fn has(&self, event: Event) -> bool {
        self.0.iter().any(|entry| entry.cause == event)
    }

    /// How often `event` has happened.
    pub fn count(&self, event: Event) -> usize {
        self.0.iter().filter(|entry| entry.cause == event).count()
    }

    /// When `event` happened last, if it ever did.
    pub fn latest_at(&self, event: Event) -> Option<Timestamp> {
        self.0.iter().rev().find(|entry| entry.cause == event).map(|entry| entry.at)
    }

    /// Whether `write_id` marks a write that appended an entry.
    pub fn has_write(&self, write_id: &WriteId) -> bool {
        self.0.iter().any(|entry| entry.write_id == *write_id)
    }
}

impl<State, Event> Deref for History<State, Event> {
    type Target = [HistoryEntry<State, Event>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
