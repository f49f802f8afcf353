//! Test clocks.

use models::{MAX_SESSIONS_ON_A_CLOCK, TestClock, TestClockId};

use super::{Check, Rule};
use crate::error::StoreError;
use crate::keys;
use crate::table::Item;
use crate::tombstone::is_tombstone;

impl Check<'_> {
    pub(super) async fn test_clock(&mut self, id: &TestClockId, item: &Item) -> Result<(), StoreError> {
        if is_tombstone(item) {
            return Ok(());
        }
        let Some(clock) = self.read::<TestClock>(item) else { return Ok(()) };
        self.broken_unless(clock.id == *id, Rule::Readable, "holds another test clock's id");
        let moves_forward = clock.target.is_none_or(|target| clock.now <= target);
        self.broken_unless(moves_forward, Rule::Clock, "is being advanced to a time that is past by it");
        let fits = clock.sessions.len() <= MAX_SESSIONS_ON_A_CLOCK;
        self.broken_unless(fits, Rule::Clock, format!("is followed by {} sessions", clock.sessions.len()));
        for session_id in &clock.sessions {
            if self.get(keys::session(session_id)).await?.is_none() {
                self.broken(Rule::Orphan, format!("is followed by session {session_id}, which is not there"));
            }
        }
        Ok(())
    }
}
