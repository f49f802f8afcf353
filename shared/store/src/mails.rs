//! Mails to send and sent. The table is the truth; the queue only signals.

use jiff::{SignedDuration, Timestamp};
use models::{MailFeedback, MailId, MailState, SortableTimestamp, WriteId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Table, ms, n, read, s};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// How long a claimed mail is nobody else's. Longer than the function that sends it may run.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// The table's mails.
#[derive(Debug, Clone)]
pub struct Mails {
    pub(crate) table: Table,
}

/// A mail as it is kept. `due_pk` and `due_at` put it in the due index until it is sent or given up; until `lease_until` it is
/// its claimant's.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    stored: StoredState,
    attempts: u32,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_id: Option<WriteId>,
}

/// A mail's state as it is kept. Earlier releases know no state but due, sent and failed: a mail that was not needed is kept
/// as one that failed, and says when that was seen in an attribute of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredState {
    state: MailState,
    /// When it was last given up.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub(crate) failed_at: Option<Timestamp>,
    /// When it was last seen not to be needed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub(crate) not_needed_at: Option<Timestamp>,
}

impl StoredState {
    const DUE: Self = Self { state: MailState::Due, failed_at: None, not_needed_at: None };

    pub(crate) fn state(&self) -> MailState {
        match self.state {
            // An earlier release may have made it due and given it up since.
            MailState::Failed if self.not_needed_at.is_some() && self.not_needed_at >= self.failed_at => {
                MailState::NotNeeded
            }
            state @ (MailState::Due | MailState::Sent | MailState::Failed | MailState::NotNeeded) => state,
        }
    }
}

/// A mail that is ours to send, for two minutes.
#[derive(Debug)]
pub struct Claim {
    /// Which mail.
    pub id: MailId,
    /// How often it has been claimed, this time included.
    pub attempts: u32,
    lease_id: WriteId,
}

impl Mails {
    /// The mails in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Puts a mail to be sent now, unless it is there. False if it was; also if the SDK repeated a put whose answer was lost.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn put(&self, id: &MailId, now: Timestamp) -> Result<bool, StoreError> {
        let key = keys::mail(id);
        let record = Record { stored: StoredState::DUE, attempts: 0, created_at: now, lease_id: None };
        let mut item: Item = serde_dynamo::to_item(record)?;
        item.insert("due_pk".into(), s(keys::due_pk(&key)));
        item.insert("due_at".into(), s(SortableTimestamp::from(now).as_str()));
        self.table.put_new(WriteKind::MailPut, key, item).await.map(|put| put.is_new())
    }

    /// Where a mail stands, if there is one. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn state(&self, id: &MailId) -> Result<Option<MailState>, StoreError> {
        let key = keys::mail(id);
        let record = self.table.get(key.clone()).await?.map(|item| read::<Record>(key, item)).transpose()?;
        Ok(record.map(|record| record.stored.state()))
    }

    /// Claims a mail that is due, for two minutes; none if it is sent, given up, not due yet, or someone else's.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn claim(&self, id: &MailId, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        let lease_id = self.table.random.write_id();
        let free_again = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let update = Update::new(WriteKind::MailClaim, keys::mail(id))
            .when_one_of("state", ["due"])
            .when("#due_at <= :now", [(":now", s(SortableTimestamp::from(now).as_str()))])
            .lease(&lease_id, now, free_again)
            .increment("attempts");
        let item = match update.send(&self.table).await? {
            Updated::New(item) => item,
            Updated::Refused(Some(item)) => item,
            Updated::Refused(None) => return Ok(None),
        };
        let record: Record = read(keys::mail(id), item)?;
        // A refused claim that bears our lease had succeeded; its answer was lost.
        Ok((record.lease_id.as_ref() == Some(&lease_id)).then_some(Claim {
            id: *id,
            attempts: record.attempts,
            lease_id,
        }))
    }

    /// The mail service accepted it.
    ///
    /// # Errors
    /// The table failed us; the mail may be sent once more.
    pub async fn sent(&self, claim: &Claim, message_id: &str, now: Timestamp) -> Result<(), StoreError> {
        let update = self
            .leased(WriteKind::MailSent, claim)
            .set("state", s("sent"))
            .set("sent_at", ms(now))
            .set("message_id", s(message_id));
        update.remove(&["due_pk", "due_at", "lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// It could not be sent; it is due again then.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn retry_at(&self, claim: &Claim, at: Timestamp) -> Result<(), StoreError> {
        let update = self.leased(WriteKind::MailRetry, claim).set("due_at", s(SortableTimestamp::from(at).as_str()));
        update.remove(&["lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// It was not tried after all: this claim is none of its attempts. It is due again then.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends, and the claim counts.
    pub async fn put_off(&self, claim: &Claim, at: Timestamp) -> Result<(), StoreError> {
        let update = self.leased(WriteKind::MailPutOff, claim).set("due_at", s(SortableTimestamp::from(at).as_str()));
        let update = update.set("attempts", n(claim.attempts.saturating_sub(1)));
        update.remove(&["lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// There is nothing to send any more; it is not tried again.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn not_needed(&self, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        let update =
            self.leased(WriteKind::MailNotNeeded, claim).set("state", s("failed")).set("not_needed_at", ms(now));
        update.remove(&["due_pk", "due_at", "lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// It can't be sent and is not tried again.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn failed(&self, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        let update = self.leased(WriteKind::MailFail, claim).set("state", s("failed")).set("failed_at", ms(now));
        update.remove(&["due_pk", "due_at", "lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// Notes what the mail service reported of a mail, and when; whether there is such a mail. Reported again, the first stays.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn note(&self, id: &MailId, feedback: MailFeedback, at: Timestamp) -> Result<bool, StoreError> {
        let attribute = format!("{}_at", feedback.as_str());
        let first = format!("if_not_exists(#{attribute}, :at)");
        let update = Update::new(WriteKind::MailNote, keys::mail(id)).when("attribute_exists(#pk)", []).set_to(
            &attribute,
            &first,
            [(":at", ms(at))],
        );
        Ok(matches!(update.send(&self.table).await?, Updated::New(_)))
    }

    fn leased(&self, kind: WriteKind, claim: &Claim) -> Update {
        Update::new(kind, keys::mail(&claim.id))
            .when_one_of("state", ["due"])
            .when("#lease_id = :lease", [(":lease", s(claim.lease_id.as_str()))])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mail_that_was_not_needed_differs_from_one_that_failed() {
        for (item, state) in [
            (json!({ "state": "due" }), MailState::Due),
            (json!({ "state": "sent", "not_needed_at": 1 }), MailState::Sent),
            // As releases before wrote it, of either.
            (json!({ "state": "failed", "failed_at": 1 }), MailState::Failed),
            (json!({ "state": "failed", "not_needed_at": 1 }), MailState::NotNeeded),
            // Made due again since.
            (json!({ "state": "failed", "not_needed_at": 2, "failed_at": 1 }), MailState::NotNeeded),
            (json!({ "state": "failed", "not_needed_at": 1, "failed_at": 2 }), MailState::Failed),
            (json!({ "state": "due", "not_needed_at": 2, "failed_at": 1 }), MailState::Due),
        ] {
            let stored: StoredState = serde_json::from_value(item.clone()).unwrap();
            assert_eq!(stored.state(), state, "{item}");
        }
    }

    /// What is written is read by the release before, which knows three states, and by this one.
    #[test]
    fn a_new_mail_is_written_as_before() {
        let at = Timestamp::from_millisecond(1_772_000_000_000).unwrap();
        let record = Record { stored: StoredState::DUE, attempts: 0, created_at: at, lease_id: None };
        let written = serde_json::to_value(record).unwrap();
        assert_eq!(written, json!({ "state": "due", "attempts": 0, "created_at": 1_772_000_000_000_i64 }));
    }
}
