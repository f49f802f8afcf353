//! Deleting a session: a tombstone stays.

use jiff::Timestamp;
use models::{Object, Session, SessionEvent, SessionId, SessionState, WriteId};

use crate::change::{Change, ChangeError};
use crate::error::StoreError;
use crate::events::{self, Events, StoredEvent};
use crate::history::{entered_at_instead, with_key};
use crate::keys;
use crate::owner::Owner;
use crate::pointers::{Pointers, without_pointers};
use crate::session_writes::{ForRefund, owned, present, transition};
use crate::sessions::Sessions;
use crate::table::{Item, ms, n, read, s};
use crate::tombstone::{ERASED, Tombstone, is_tombstone};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::Update;
use crate::write::WriteKind;

/// How often a session that is to be deleted is read again because it has changed meanwhile. A payer makes a few changes a
/// minute.
const DELETION_TRIES: usize = 5;

/// What became of deleting a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// Whether it had been deleted before by the very same write id.
    pub repeated: bool,
}

impl Sessions {
    /// Deletes a session for good: nothing a client or payer wrote stays, and its events show nothing personal any more. Only
    /// while nothing was ever submitted; with an attempt open whose money moves at consent, only after the provider has
    /// `cancelled` it.
    ///
    /// # Errors
    /// [`ChangeError::Refused`] with the session once it was submitted, or while an attempt's money may move.
    pub async fn delete(
        &self,
        id: SessionId,
        owner: &Owner,
        at: Timestamp,
        write_id: WriteId,
        cancelled: Option<u8>,
    ) -> Result<Deleted, ChangeError> {
        let key = keys::session(&id);
        let (mut at, real_at) = (at, at);
        for _ in 0..DELETION_TRIES {
            let item = self.table.get(key.clone()).await?.ok_or(ChangeError::NotFound)?;
            let deleted = match self.already_deleted(item, owner, &write_id)? {
                Ok(deleted) => Some(deleted),
                Err(item) => {
                    self.leave_tombstone(read(&key, item)?, owner, (&mut at, real_at), &write_id, cancelled).await?
                }
            };
            if let Some(deleted) = deleted {
                // What merchants' servers answered; and the events, if they were put before deletion did that itself.
                Events::new(self.table.clone()).erase_of(&id.into(), at).await?;
                return Ok(deleted);
            }
        }
        Err(StoreError::Conflict { operation: "TransactWriteItems" }.into())
    }

    /// Leaves a tombstone of a session, removes what points to it, and puts its events without personal data, in one
    /// transaction; none if the session has changed since it was read. It happens at `at`, or as late as the latest of its history, and really at
    /// `real_at`.
    /// `publish` puts no event over one that is there: those that it has yet to put, it finds. What it puts no more is not
    /// put here either: it has expired.
    async fn leave_tombstone(
        &self,
        session: Session,
        owner: &Owner,
        (at, real_at): (&mut Timestamp, Timestamp),
        write_id: &WriteId,
        cancelled: Option<u8>,
    ) -> Result<Option<Deleted>, ChangeError> {
        if !owner.owns(&session) {
            return Err(ChangeError::NotFound);
        }
        *at = session.history.iter().fold(session.now(*at), |at, entry| at.max(entry.at));
        let state = session.state_at(*at);
        let may_be_paid = session.open_at_consent().is_some_and(|open| cancelled != Some(open.number));
        if session.was_submitted() || may_be_paid || !(state.is_awaiting() || state.is_final()) {
            return Err(ChangeError::Refused(Box::new(session)));
        }
        // An awaiting session ends by it, and one that has expired is written down as such; one that had ended only gets its tombstone.
        let event = if state.is_awaiting() { SessionEvent::DeletedByMerchant } else { SessionEvent::TimePassed };
        let change = Change { session_id: session.id, event, at: *at, write_id: write_id.clone() };
        let ending = (!session.state.is_final()).then_some(&change);
        let ended = SessionState::ALL.into_iter().filter(|state| state.is_final()).map(SessionState::as_str);
        let key = keys::session(&session.id);
        let update = match ending {
            Some(change) => transition(change, cancelled),
            None => with_key(present(Update::new(WriteKind::SessionDelete, key.clone()))).when_one_of("state", ended),
        };
        let update = owned(update, owner)
            .when("attribute_not_exists(#submission)", [])
            .when("size(#history) = :entries", [(":entries", n(session.history.len()))])
            .set("deleted_at", ms(*at))
            .set("deleted_by", s(write_id.as_str()))
            .remove(&ERASED);
        let mut all = Transaction::default().update(update);
        if let Some((change, pays_refund)) = ending.zip(session.pays_refund.as_ref()) {
            all = ForRefund::of(change.event).add_to(all, pays_refund, session.amount, change);
        }
        all = without_pointers(all, Pointers::new(self.table.clone()).keys_of(&session).await?);
        let entries = session.history.len();
        let erased = Object::Session(Box::new(session.erased(*at)));
        for sequence in 1..=entries {
            let event = StoredEvent::new(erased.clone(), sequence).kept_from(real_at);
            if event.may_be_put(*at) {
                let (key, event) = events::new_item(&event)?;
                all = all.put(WriteKind::EventForget, key, event);
            }
        }
        match all.send(&self.table).await? {
            Transacted::Done => Ok(Some(Deleted { repeated: false })),
            Transacted::Refused(verdicts) => {
                let later = match (verdicts.of(0), verdicts.of(1)) {
                    (Verdict::Refused(_), _) => return Ok(None),
                    // What happened last to the refund may have a later timestamp.
                    (Verdict::Held, Verdict::Refused(Some(refund))) => entered_at_instead(&refund, *at, write_id),
                    (Verdict::Held, Verdict::Held | Verdict::Refused(None)) => None,
                };
                // Otherwise the session would have ended, and its refund would not.
                *at = later.ok_or_else(|| StoreError::Disagreement { key: key.to_string() })?;
                Ok(None)
            }
        }
    }

    /// If the item is a tombstone of this owner's, how it was deleted; otherwise the item again.
    fn already_deleted(
        &self,
        item: Item,
        owner: &Owner,
        write_id: &WriteId,
    ) -> Result<Result<Deleted, Item>, ChangeError> {
        if !is_tombstone(&item) {
            return Ok(Err(item));
        }
        let tombstone: Tombstone = read("of a deleted session", item)?;
        if !owner.is(&tombstone.merchant_id, tombstone.mode) || !owner.reads(tombstone.format) {
            return Err(ChangeError::NotFound);
        }
        Ok(Ok(Deleted { repeated: tombstone.deleted_by.as_ref() == Some(write_id) }))
    }
}
