//! Mails to send and sent. The table is the truth; the queue only rings.

use jiff::{SignedDuration, Timestamp};
use models::{MailFeedback, MailId, MailState, SortableTimestamp, WriteId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Table, ms, read, s};
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
    state: MailState,
    attempts: u32,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_id: Option<WriteId>,
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

    /// Puts a mail to be sent now, unless it is there.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn put(&self, id: &MailId, now: Timestamp) -> Result<(), StoreError> {
        let key = keys::mail(id);
        let record = Record { state: MailState::Due, attempts: 0, created_at: now, lease_id: None };
        let mut item: Item = serde_dynamo::to_item(record)?;
        item.insert("due_pk".into(), s(keys::due_pk(&key)));
        item.insert("due_at".into(), s(SortableTimestamp::from(now).as_str()));
        self.table.put_new(WriteKind::MailPut, key, item).await.map(|_| ())
    }

    /// Where a mail stands, if there is one. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn state(&self, id: &MailId) -> Result<Option<MailState>, StoreError> {
        let key = keys::mail(id);
        let record = self.table.get(key.clone()).await?.map(|item| read::<Record>(key, item)).transpose()?;
        Ok(record.map(|record| record.state))
    }

    /// Claims a mail that is due, for two minutes; none if it is sent, given up, not due yet, or someone else's.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn claim(&self, id: &MailId, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        let lease_id = crate::new_write_id();
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

    /// The mail service took it.
    ///
    /// # Errors
    /// The table failed us; the mail may be sent once more.
    pub async fn sent(&self, claim: &Claim, message_id: &str, now: Timestamp) -> Result<(), StoreError> {
        let update = self
            .held(WriteKind::MailSent, claim)
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
        let update = self.held(WriteKind::MailRetry, claim).set("due_at", s(SortableTimestamp::from(at).as_str()));
        update.remove(&["lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// It can't be sent and is not tried again.
    ///
    /// # Errors
    /// The table failed us; it is due again when the claim ends.
    pub async fn failed(&self, claim: &Claim, now: Timestamp) -> Result<(), StoreError> {
        let update = self.held(WriteKind::MailFail, claim).set("state", s("failed")).set("failed_at", ms(now));
        update.remove(&["due_pk", "due_at", "lease_until"]).send(&self.table).await.map(|_| ())
    }

    /// Notes what the mail service told of a mail, and of when; whether there is such a mail. Told again, the first stays.
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

    fn held(&self, kind: WriteKind, claim: &Claim) -> Update {
        Update::new(kind, keys::mail(&claim.id))
            .when_one_of("state", ["due"])
            .when("#lease_id = :lease", [(":lease", s(claim.lease_id.as_str()))])
    }
}
