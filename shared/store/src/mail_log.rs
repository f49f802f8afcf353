//! What became of mails, for the operator; and sending one again.

use jiff::Timestamp;
use models::{MailFeedback, MailId, MailState, ObjectId, SortableTimestamp};
use serde::Deserialize;

use crate::error::StoreError;
use crate::keys;
use crate::mails::{Mails, StoredState};
use crate::table::{Item, n, read, s, sk};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// A mail, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLog {
    /// Which.
    pub id: MailId,
    /// Where it stands.
    pub state: MailState,
    /// How often it was tried since it was last made due.
    pub attempts: u32,
    /// When history called for it.
    pub created_at: Timestamp,
    /// When it is tried next, if it is due.
    pub due_at: Option<Timestamp>,
    /// When the mail service last accepted it.
    pub sent_at: Option<Timestamp>,
    /// When it was last given up.
    pub failed_at: Option<Timestamp>,
    /// When it was last seen not to be needed any more.
    pub not_needed_at: Option<Timestamp>,
    /// The mail service's own id of what it last accepted.
    pub message_id: Option<String>,
    /// What the mail service reported of it since, oldest first.
    pub feedback: Vec<(Timestamp, MailFeedback)>,
}

/// What became of making a mail due again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resent {
    /// It is due now.
    Due,
    /// It was due already.
    WasDue,
    /// There is no such mail.
    NotFound,
}

#[derive(Debug, Deserialize)]
struct Record {
    #[serde(flatten)]
    stored: StoredState,
    attempts: u32,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    created_at: Timestamp,
    #[serde(default)]
    due_at: Option<Timestamp>,
    #[serde(default, with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    sent_at: Option<Timestamp>,
    #[serde(default)]
    message_id: Option<String>,
}

impl Mails {
    /// The mails about a session or refund, oldest first. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of(&self, object: &ObjectId) -> Result<Vec<MailLog>, StoreError> {
        let pk = keys::object_mails_pk(object);
        let items = self.table.query(&pk, None, usize::MAX).await?;
        let mut mails: Vec<_> = items.into_iter().map(|item| log(object, item)).collect::<Result<_, StoreError>>()?;
        mails.sort_by_key(|mail| (mail.created_at, mail.id.sequence));
        Ok(mails)
    }

    /// Makes a mail that was sent, given up or not needed due now, as if it had never been tried.
    ///
    /// # Errors
    /// The table failed us; it may be due.
    pub async fn resend(&self, id: &MailId, now: Timestamp) -> Result<Resent, StoreError> {
        let key = keys::mail(id);
        let due_at = SortableTimestamp::from(now);
        let Some(found) = self.table.get(key.clone()).await? else { return Ok(Resent::NotFound) };
        // The claim that it was sent or given up by: a first attempt that arrives once it was sent again is refused.
        let claimed = found.get("lease_id").cloned().unwrap_or_else(|| s(""));
        let update = Update::new(WriteKind::MailResend, key.clone())
            .when_one_of("state", ["sent", "failed"])
            .when("#lease_id = :claimed", [(":claimed", claimed)])
            .set("state", s("due"))
            .set("attempts", n(0))
            .set("due_pk", s(keys::due_pk(&key)))
            .set("due_at", s(due_at.as_str()))
            .remove(&["lease_id", "lease_until"]);
        match update.send(&self.table).await? {
            Updated::New(_) => Ok(Resent::Due),
            Updated::Refused(None) => Ok(Resent::NotFound),
            // The SDK repeated an update whose answer was lost: what it met is our own.
            Updated::Refused(Some(item)) => {
                let due_then = item.get("due_at").and_then(|at| at.as_s().ok()).map(String::as_str);
                Ok(if due_then == Some(due_at.as_str()) { Resent::Due } else { Resent::WasDue })
            }
        }
    }
}

fn log(object: &ObjectId, item: Item) -> Result<MailLog, StoreError> {
    let name = format!("{object}/{}", sk(&item).replace('#', "/"));
    let mut feedback: Vec<_> = MailFeedback::ALL
        .into_iter()
        .filter_map(|feedback| {
            let at = item.get(&format!("{}_at", feedback.as_str()))?.as_n().ok()?;
            Some((Timestamp::from_millisecond(at.parse().ok()?).ok()?, feedback))
        })
        .collect();
    feedback.sort_by_key(|(at, _)| *at);
    let id = name.parse().map_err(|_| StoreError::Disagreement { key: format!("mail {name}") })?;
    let Record { stored, attempts, created_at, due_at, sent_at, message_id } = read(&name, item)?;
    let (state, StoredState { failed_at, not_needed_at, .. }) = (stored.state(), stored);
    Ok(MailLog { id, state, attempts, created_at, due_at, sent_at, failed_at, not_needed_at, message_id, feedback })
}
