//! Whether a history is one that the domain knows.

use std::collections::HashSet;
use std::fmt::Display;

use models::{HistoryEntry, RefundEvent, RefundState, SessionEvent, SessionState, refund_transition, transition};

use super::{Check, Rule};
use crate::write::{CLOCKS_DIFFER_BY, WRITE_LANDS_WITHIN};

/// A kind of history, as the domain describes it.
pub(super) trait Domain: Copy + Eq + Display {
    type Event: Copy + Eq + Display;
    const CREATED: Self::Event;

    fn may_be_first(self) -> bool;
    fn after(self, event: Self::Event) -> Option<Self>;
}

impl Domain for SessionState {
    type Event = SessionEvent;
    const CREATED: SessionEvent = SessionEvent::Created;

    fn may_be_first(self) -> bool {
        matches!(self, Self::AwaitingPayer | Self::AwaitingProvider)
    }

    fn after(self, event: SessionEvent) -> Option<Self> {
        transition(self, event).ok()
    }
}

impl Domain for RefundState {
    type Event = RefundEvent;
    const CREATED: RefundEvent = RefundEvent::Created;

    fn may_be_first(self) -> bool {
        matches!(self, Self::AwaitingDetails | Self::AwaitingPayment)
    }

    fn after(self, event: RefundEvent) -> Option<Self> {
        refund_transition(self, event).ok()
    }
}

impl Check<'_> {
    /// A sequence number is a position in the list, so there can be no gap in it; one that was removed shows as a way that
    /// doesn't exist.
    pub(super) fn history<S: Domain>(&mut self, history: &[HistoryEntry<S, S::Event>], state: S) {
        for problem in problems(history, state) {
            self.broken(Rule::History, problem);
        }
        for remark in remarks(history) {
            self.warn(Rule::History, remark);
        }
    }
}

fn problems<S: Domain>(history: &[HistoryEntry<S, S::Event>], state: S) -> Vec<String> {
    let mut found = Vec::new();
    match (history.first(), history.last()) {
        (Some(first), Some(last)) => {
            if first.cause != S::CREATED || !first.state.may_be_first() {
                found.push(format!("its history begins with {} by {}", first.state, first.cause));
            }
            if last.state != state {
                found.push(format!("it is {state}, and its history ends with {}", last.state));
            }
        }
        (None, _) | (_, None) => found.push("its history is empty".to_owned()),
    }
    let mut write_ids = HashSet::new();
    for (entry, sequence) in history.iter().zip(1..) {
        if !write_ids.insert(&entry.write_id) {
            found.push(format!("entry {sequence} bears the write id of one before"));
        }
    }
    for (pair, sequence) in history.windows(2).zip(2..) {
        let [before, entry] = pair else { continue };
        if before.state.after(entry.cause) != Some(entry.state) {
            found.push(format!("entry {sequence} goes from {} to {} by {}", before.state, entry.state, entry.cause));
        }
        if before.at.duration_since(entry.at) > WRITE_LANDS_WITHIN {
            found.push(format!("entry {sequence} is earlier than the one before"));
        }
    }
    found
}

/// What is not as it would be written now, and is sound all the same: release 0.1 kept the timestamp of a write that others
/// overtook.
fn remarks<S: Domain>(history: &[HistoryEntry<S, S::Event>]) -> Vec<String> {
    let mut found = Vec::new();
    for (pair, sequence) in history.windows(2).zip(2..) {
        let [before, entry] = pair else { continue };
        let earlier_by = before.at.duration_since(entry.at);
        if earlier_by > CLOCKS_DIFFER_BY && earlier_by <= WRITE_LANDS_WITHIN {
            let by_ms = earlier_by.as_millis();
            found.push(format!("entry {sequence} is {by_ms} ms earlier than the one before: its write took that long"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn entry(state: SessionState, cause: SessionEvent, at: i64) -> HistoryEntry {
        let at = Timestamp::constant(at, 0);
        HistoryEntry { state, at, cause, write_id: cause.as_str().parse().unwrap(), correlation_id: None }
    }

    fn sent() -> Vec<HistoryEntry> {
        vec![
            entry(SessionState::AwaitingProvider, SessionEvent::Created, 1),
            entry(SessionState::AwaitingPaymentConsent, SessionEvent::BankChosen, 2),
            entry(SessionState::Pending, SessionEvent::ConsentGiven, 2),
            entry(SessionState::Sent, SessionEvent::Settled, 9),
        ]
    }

    #[test]
    fn what_a_write_may_take_is_a_remark_alone() {
        let mut history = sent();
        let at = |history: &mut Vec<HistoryEntry>, second| history[3].at = Timestamp::constant(second, 0);
        for (second, remarked) in [(1, false), (0, true), (-28, true), (-29, false)] {
            at(&mut history, second);
            let found = remarks(&history);
            assert_eq!(!found.is_empty(), remarked, "{second}: {found:?}");
            assert_eq!(problems(&history, SessionState::Sent).is_empty(), second > -29, "{second}");
        }
    }

    #[test]
    fn a_history_holds_or_it_is_said_what_does_not() {
        assert_eq!(problems(&sent(), SessionState::Sent), Vec::<String>::new());
        let one = |change: fn(&mut Vec<HistoryEntry>), state| {
            let mut history = sent();
            change(&mut history);
            let mut problems = problems(&history, state);
            assert_eq!(problems.len(), 1, "{problems:?}");
            problems.remove(0)
        };
        let sent = SessionState::Sent;
        assert!(one(|_| {}, SessionState::Pending).contains("ends with sent"));
        assert!(one(Vec::clear, sent).contains("empty"));
        assert!(one(|history| drop(history.remove(0)), sent).contains("begins with"));
        assert!(
            one(|history| drop(history.remove(2)), sent).contains("entry 3 goes from awaiting_payment_consent to sent")
        );
        assert!(one(|history| history[3].at = Timestamp::constant(-29, 0), sent).contains("entry 4 is earlier"));
        assert!(one(|history| history[3].write_id = history[1].write_id.clone(), sent).contains("entry 4 bears"));
    }
}
