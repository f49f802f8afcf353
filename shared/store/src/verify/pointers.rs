//! Pointers, by which sessions are found.

use models::{Session, SessionId};

use super::{Check, Rule};
use crate::error::StoreError;
use crate::keys;
use crate::pointers::Pointers;
use crate::table::Key;
use crate::tombstone::is_tombstone;

impl Check<'_> {
    pub(super) async fn found_by(&mut self, key: &Key, session: Option<&SessionId>) -> Result<(), StoreError> {
        let Some(id) = session else {
            self.broken(Rule::Readable, "says not to which session it leads");
            return Ok(());
        };
        let Some(item) = self.get(keys::session(id)).await? else {
            self.broken(Rule::Orphan, "leads to a session that is not there");
            return Ok(());
        };
        if is_tombstone(&item) {
            self.broken(Rule::Pointer, "leads to a session that was deleted");
            return Ok(());
        }
        let Some(session) = self.read::<Session>(&item) else { return Ok(()) };
        if session.erased_at.is_some() {
            self.broken(Rule::Pointer, "leads to a session that was erased");
            return Ok(());
        }
        // The merchant's secret, if the payer's address is known.
        let pointers = Pointers::new(self.verify.table.clone()).keys_of(&session).await?;
        self.checked.units += 1.0;
        self.broken_unless(
            pointers.contains(key),
            Rule::Pointer,
            "leads to a session of which something else is known",
        );
        Ok(())
    }
}
