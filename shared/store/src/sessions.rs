//! Payment sessions.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use models::{
    Attempt, ListShards, MerchantId, Mode, Money, Object, Payee, Payer, PaysRefund, RefundEvent, RefundState, Session,
    SessionEvent, SessionId, SessionState, SortableTimestamp, Submission, WriteId,
};
use serde::Deserialize;
use thiserror::Error;

use crate::error::StoreError;
use crate::events::{self, Events, StoredEvent};
use crate::keys;
use crate::list::{self, ListRange, Page};
use crate::refund_writes;
use crate::republish::entered_later;
use crate::table::{Item, Key, Put, Table, correlate_first, history_entry, keyed, ms, n, read, s};
use crate::transaction::{Transacted, Transaction, Verdict, get_settled};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// The most entries that a session's history has: created, identified, consented and ended, and each choice of a bank.
const MAX_ENTRIES: usize = 4 + models::MAX_ATTEMPTS as usize;

/// The whole table's sessions; each method is one or two calls of DynamoDB, some more where a refund changes too.
#[derive(Debug, Clone)]
pub struct Sessions {
    table: Table,
}

/// SHA-256 of a creating request in its canonical form (RFC 8785).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    pub(crate) fn as_attribute(self) -> AttributeValue {
        AttributeValue::B(self.0.to_vec().into())
    }

    /// An item's, if it has one.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let blob = item.get("fingerprint")?.as_b().ok()?;
        blob.as_ref().try_into().ok().map(Self)
    }
}

/// What became of creating a session.
#[derive(Debug)]
pub enum Created {
    /// It is there now.
    New(Box<Session>),
    /// One with this id was there, created by a request with this fingerprint.
    Existing(Box<Session>, Option<Fingerprint>),
    /// One with this id was there and has been deleted.
    Deleted,
}

/// Whose sessions a caller may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
}

impl Owner {
    /// Whether the session is this owner's.
    pub fn owns(&self, session: &Session) -> bool {
        self.is(&session.merchant_id, session.mode)
    }
}

/// What is to happen to a session.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which session.
    pub session_id: SessionId,
    /// What happens.
    pub event: SessionEvent,
    /// When: now.
    pub at: Timestamp,
    /// Marks the write.
    pub write_id: WriteId,
}

impl Change {
    /// `event` happens to the session now.
    pub fn now(session_id: SessionId, event: SessionEvent) -> Self {
        Self { session_id, event, at: runtime::now(), write_id: crate::new_write_id() }
    }
}

/// A session after a change.
#[derive(Debug)]
pub struct Changed {
    /// As it is now.
    pub session: Session,
    /// Whether this very change, by its write id, had been made before.
    pub repeated: bool,
}

/// Why a session was not changed.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// There is none with this id, or not this owner's, or it was deleted.
    #[error("no such session")]
    NotFound,
    /// It is as it is; the change can't happen to it.
    #[error("the change can't happen to the session as it is")]
    Refused(Box<Session>),
    /// The table failed us.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of deleting a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// Whether it had been deleted before by the very same write id.
    pub repeated: bool,
}

/// What is left of a deleted session, without anything personal.
#[derive(Debug, Deserialize)]
struct Tombstone {
    merchant_id: MerchantId,
    mode: Mode,
    #[serde(default)]
    deleted_by: Option<WriteId>,
}

/// What of a session that pays a refund is needed to change both.
#[derive(Debug, Deserialize)]
struct Payment {
    pays_refund: PaysRefund,
    amount: Money,
}

/// The attributes that deleting removes: all that a client or payer wrote, and the keys of the indexes that it is in.
pub(crate) const ERASED: [&str; 16] = [
    "payer",
    "payer_named_at_creation",
    "payee",
    "line_items",
    "reference",
    "success_url",
    "error_url",
    "metadata",
    "base_url",
    "attempt",
    "fingerprint",
    "email_receipt",
    "list_pk",
    "list_sk",
    "final_pk",
    "final_at",
];

/// How often a session that is to be deleted is read again because it has changed meanwhile. A payer makes a few changes a
/// minute.
const DELETION_TRIES: usize = 5;

pub(crate) fn is_tombstone(item: &Item) -> bool {
    item.contains_key("deleted_at")
}

impl Sessions {
    /// The sessions in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Creates a session: one conditional PutItem, history, list and due keys included.
    ///
    /// # Errors
    /// The table failed us; the session may have been created.
    pub async fn create(&self, session: Session, fingerprint: Option<Fingerprint>) -> Result<Created, StoreError> {
        let (key, mut item) = new_item(&session)?;
        if let Some(fingerprint) = fingerprint {
            item.insert("fingerprint".into(), fingerprint.as_attribute());
        }
        let existing = match self.table.put_new(WriteKind::SessionCreate, key, item).await? {
            Put::Done => return Ok(Created::New(Box::new(session))),
            Put::Exists(existing) => created_before(&session.id, existing)?,
        };
        match (&existing, session.history.first()) {
            // The SDK repeated a put whose answer was lost: what it met is our own.
            (Created::Existing(found, _), Some(entry)) if found.bears(&entry.write_id) => {
                Ok(Created::New(Box::new(session)))
            }
            (Created::New(_) | Created::Existing(..) | Created::Deleted, _) => Ok(existing),
        }
    }

    /// What a creation with this id would meet, without creating anything; none if the id is free.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn created(&self, id: &SessionId) -> Result<Option<Created>, StoreError> {
        self.table.get(keys::session(id)).await?.map(|item| created_before(id, item)).transpose()
    }

    /// Reads where no session is, by the same call that reads one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn warm_up(&self) -> Result<(), StoreError> {
        self.table.get(keys::no_session()).await.map(|_| ())
    }

    /// The session, unless there is none or it was deleted. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let key = keys::session(id);
        match self.table.get(key.clone()).await? {
            Some(item) if !is_tombstone(&item) => Ok(Some(read(key, item)?)),
            Some(_) | None => Ok(None),
        }
    }

    /// Sessions of `owner`, whose lists have so many shards, newest first; if there is a filter, those that it says yes to.
    /// Eventually consistent. Without a filter, one call for each shard.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn list(
        &self,
        owner: &Owner,
        shards: ListShards,
        range: ListRange,
        filter: Option<&(dyn Fn(&Session) -> bool + Sync)>,
    ) -> Result<Page<Session>, StoreError> {
        let list_pks = shards.all().map(|shard| keys::list_pk(&owner.merchant_id, owner.mode, shard));
        list::page(&self.table, list_pks, range, filter).await
    }

    /// The payer gave their details.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn identify_payer(&self, change: Change, payer: &Payer) -> Result<Changed, ChangeError> {
        let payer: AttributeValue = serde_dynamo::to_attribute_value(payer).map_err(StoreError::from)?;
        self.apply(change, None, |change| self.transition(change).set("payer", payer.clone())).await
    }

    /// The payer chose a bank. `attempt` follows the one before it by one.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn choose_bank(&self, change: Change, attempt: &Attempt) -> Result<Changed, ChangeError> {
        let (number, attempt): (_, AttributeValue) =
            (attempt.number, serde_dynamo::to_attribute_value(attempt).map_err(StoreError::from)?);
        let chosen = |change: &Change| {
            let update = self.transition(change).set("attempt", attempt.clone());
            match number.checked_sub(1) {
                None | Some(0) => update.when("attribute_not_exists(#attempt)", []),
                Some(previous) => update.when("#attempt.#number = :previous", [(":previous", n(previous))]),
            }
        };
        self.apply(change, None, chosen).await
    }

    /// The payer consented to attempt `number`, which must be the latest: the submission is recorded, before the bank
    /// is asked to move money. `ask_again_at` is when the bank is next asked what became of it.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn give_consent(
        &self,
        change: Change,
        number: u8,
        submission: &Submission,
        ask_again_at: Timestamp,
    ) -> Result<Changed, ChangeError> {
        let submission: AttributeValue = serde_dynamo::to_attribute_value(submission).map_err(StoreError::from)?;
        let consented = |change: &Change| {
            self.transition(change)
                .when("#attempt.#number = :number", [(":number", n(number))])
                .set("submission", submission.clone())
                .set("due_at", s(SortableTimestamp::from(ask_again_at).as_str()))
        };
        self.apply(change, None, consented).await
    }

    /// The payer or the bank refused attempt `number`, which must be the latest and not submitted: a refusal that comes
    /// late says nothing about the attempt that followed it.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn decline(&self, change: Change, number: u8) -> Result<Changed, ChangeError> {
        let declined = |change: &Change| {
            self.transition(change)
                .when("attribute_not_exists(#submission)", [])
                .when("#attempt.#number = :number", [(":number", n(number))])
        };
        self.apply(change, None, declined).await
    }

    /// The bank sent the money, and may have said from which account.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn settle(&self, change: Change, payer_account: Option<&Payee>) -> Result<Changed, ChangeError> {
        let account: Option<AttributeValue> =
            payer_account.map(serde_dynamo::to_attribute_value).transpose().map_err(StoreError::from)?;
        let settled = |change: &Change| match &account {
            Some(account) => self.transition(change).set("payer_account", account.clone()),
            None => self.transition(change),
        };
        self.apply(change, None, settled).await
    }

    /// Any event that brings nothing but itself: declined, cancelled, time passed. With an owner, only theirs.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn record(&self, change: Change, owner: Option<&Owner>) -> Result<Changed, ChangeError> {
        self.apply(change, owner, |change| self.transition(change)).await
    }

    /// When the bank is next asked about a pending session.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn ask_again_at(&self, id: &SessionId, at: Timestamp) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::SessionAskAgain, keys::session(id))
            .when_one_of("state", [SessionState::Pending.as_str()])
            // Later than it was: a first attempt that arrives late brings an earlier one.
            .when("attribute_not_exists(#due_at) OR #due_at < :set_due_at", [])
            .set("due_at", s(SortableTimestamp::from(at).as_str()));
        // Refused means that it is no longer pending, and so that nothing is due, or that it is due later than that.
        update.send(&self.table).await.map(|_| ())
    }

    /// Deletes a session for good: nothing a client or payer wrote stays, and its events show nothing personal any more. Only
    /// while nothing was ever submitted.
    ///
    /// # Errors
    /// [`ChangeError::Refused`] with the session once it was submitted.
    pub async fn delete(
        &self,
        id: SessionId,
        owner: &Owner,
        at: Timestamp,
        write_id: WriteId,
    ) -> Result<Deleted, ChangeError> {
        let key = keys::session(&id);
        let mut at = at;
        for _ in 0..DELETION_TRIES {
            let item = self.table.get(key.clone()).await?.ok_or(ChangeError::NotFound)?;
            let deleted = match self.already_deleted(item, owner, &write_id)? {
                Ok(deleted) => Some(deleted),
                Err(item) => self.bury(read(&key, item)?, owner, &mut at, &write_id).await?,
            };
            if let Some(deleted) = deleted {
                // What merchants' servers answered; and the events, if they were put before deletion did that itself.
                Events::new(self.table.clone()).erase_of(&id.into(), at).await?;
                return Ok(deleted);
            }
        }
        Err(StoreError::Conflict { operation: "TransactWriteItems" }.into())
    }

    /// Leaves a tombstone of a session, and puts its events without personal data, in one transaction; none if the session
    /// has changed since it was read. It happens at `at`, or as late as the latest of its history.
    /// `publish` puts no event over one that is there: those that it has yet to put, it finds. What it puts no more is not
    /// put here either: it has expired.
    async fn bury(
        &self,
        session: Session,
        owner: &Owner,
        at: &mut Timestamp,
        write_id: &WriteId,
    ) -> Result<Option<Deleted>, ChangeError> {
        if !owner.owns(&session) {
            return Err(ChangeError::NotFound);
        }
        *at = session.history.iter().fold(*at, |at, entry| at.max(entry.at));
        let state = session.state_at(*at);
        if session.submission.is_some() || !(state.is_awaiting() || state.is_final()) {
            return Err(ChangeError::Refused(Box::new(session)));
        }
        // An awaiting session ends by it, and one that has expired is written down as such; one that had ended is only buried.
        let event = if state.is_awaiting() { SessionEvent::DeletedByMerchant } else { SessionEvent::TimePassed };
        let change = Change { session_id: session.id, event, at: *at, write_id: write_id.clone() };
        let ending = (!session.state.is_final()).then_some(&change);
        let ended = SessionState::ALL.into_iter().filter(|state| state.is_final()).map(SessionState::as_str);
        let key = keys::session(&session.id);
        let update = match ending {
            Some(change) => self.transition(change),
            None => self.present(Update::new(WriteKind::SessionDelete, key.clone())).when_one_of("state", ended),
        };
        let update = self
            .owned(update, owner)
            .when("attribute_not_exists(#submission)", [])
            .when("size(#history) = :entries", [(":entries", n(session.history.len()))])
            .set("deleted_at", ms(*at))
            .set("deleted_by", s(write_id.as_str()))
            .remove(&ERASED);
        let mut all = Transaction::default().update(update);
        if let Some((change, pays_refund)) = ending.zip(session.pays_refund.as_ref()) {
            all = with_refund(all, pays_refund, session.amount, change);
        }
        let entries = session.history.len();
        let erased = Object::Session(Box::new(session.erased(*at)));
        for sequence in 1..=entries {
            let event = StoredEvent::new(erased.clone(), sequence);
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
                    (Verdict::Held, Verdict::Refused(Some(refund))) => entered_later(&refund, *at, write_id),
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
        if !owner.is(&tombstone.merchant_id, tombstone.mode) {
            return Err(ChangeError::NotFound);
        }
        Ok(Ok(Deleted { repeated: tombstone.deleted_by.as_ref() == Some(write_id) }))
    }

    fn present(&self, update: Update) -> Update {
        update.when("attribute_not_exists(#deleted_at)", [])
    }

    fn owned(&self, update: Update, owner: &Owner) -> Update {
        update.when(
            "#merchant_id = :owner AND #mode = :mode",
            [(":owner", s(owner.merchant_id.as_str())), (":mode", s(owner.mode.as_str()))],
        )
    }

    /// The state, the history entry and the due keys of a change; which states it can come from is the domain's word. Its
    /// entry is not earlier than the one before.
    fn change(&self, change: &Change) -> Update {
        // Only `Created` has no target, and no state has it as a way out: the update's condition can't hold.
        let target = change.event.target().unwrap_or(SessionState::AwaitingPayer);
        let entry = history_entry(target.as_str(), change.at, change.event.as_str(), &change.write_id);
        let update = self
            .present(Update::new(WriteKind::SessionChange, keys::session(&change.session_id)))
            .when_one_of("state", change.event.sources().map(SessionState::as_str))
            .not_before_history(MAX_ENTRIES, change.at)
            .set("state", s(target.as_str()))
            .append("history", entry);
        if target.is_final() { update.remove(&["due_pk", "due_at"]) } else { update }
    }

    /// As above, and the session's time has not passed, or, if that is the event, has.
    fn transition(&self, change: &Change) -> Update {
        let at = [(":at", ms(change.at))];
        let update = self.change(change);
        if change.event == SessionEvent::TimePassed {
            update.when("#expires_at <= :at", at)
        } else if change.event.sources().any(SessionState::is_awaiting) {
            let pending = (":pending", s(SessionState::Pending.as_str()));
            let [at] = at;
            update.when("#expires_at > :at OR #state = :pending", [at, pending])
        } else {
            update
        }
    }

    /// Writes a change. If only its timestamp stands in the way, since what happened last has a later one (by another clock, or
    /// because the write took its time), it happens at that time as well.
    async fn write(&self, change: &mut Change, update: impl Fn(&Change) -> Update) -> Result<Updated, StoreError> {
        loop {
            let (written, refused_by) = self.write_once(update(change), change).await?;
            match refused_by.and_then(|item| entered_later(&item, change.at, &change.write_id)) {
                Some(later) => change.at = later,
                None => return Ok(written),
            }
        }
    }

    /// Writes a change, of a session that pays a refund, if the change concerns the refund, together with the refund. An
    /// ordinary session is told apart by the write itself, which costs it nothing. Also the item that refused it, if one did.
    async fn write_once(&self, update: Update, change: &Change) -> Result<(Updated, Option<Item>), StoreError> {
        let concerns_refund =
            change.event == SessionEvent::ConsentGiven || RefundEvent::of_payment(change.event).is_some();
        let alone = if concerns_refund {
            update.clone().when("attribute_not_exists(#pays_refund)", [])
        } else {
            update.clone()
        };
        match alone.send(&self.table).await? {
            Updated::Refused(Some(item))
                if concerns_refund && item.contains_key("pays_refund") && !is_tombstone(&item) =>
            {
                self.write_both(update, change, read(keys::session(&change.session_id), item)?).await
            }
            Updated::Refused(item) => Ok((Updated::Refused(item.clone()), item)),
            written @ Updated::New(_) => Ok((written, None)),
        }
    }

    /// The change of a payment session and what it means for its refund, and, if that fails by it, for what is left of
    /// the refunded session: all of it or nothing.
    async fn write_both(
        &self,
        update: Update,
        change: &Change,
        payment: Payment,
    ) -> Result<(Updated, Option<Item>), StoreError> {
        let Payment { pays_refund, amount } = payment;
        let both = with_refund(Transaction::default().update(update), &pays_refund, amount, change);
        let key = keys::session(&change.session_id);
        match both.send(&self.table).await? {
            Transacted::Done => match get_settled(&self.table, key.clone()).await? {
                Some(item) => Ok((Updated::New(item), None)),
                None => Err(StoreError::Disagreement { key: key.to_string() }),
            },
            Transacted::Refused(verdicts) => match (verdicts.of(0), verdicts.of(1)) {
                (Verdict::Refused(session), _) => Ok((Updated::Refused(session.clone()), session)),
                // What happened last to the refund may have a later timestamp.
                (Verdict::Held, Verdict::Refused(Some(refund)))
                    if entered_later(&refund, change.at, &change.write_id).is_some() =>
                {
                    Ok((Updated::Refused(None), Some(refund)))
                }
                // The session would have changed, and what belongs to it would not.
                (Verdict::Held, _) => Err(StoreError::Disagreement { key: key.to_string() }),
            },
        }
    }

    async fn apply(
        &self,
        mut change: Change,
        owner: Option<&Owner>,
        update: impl Fn(&Change) -> Update,
    ) -> Result<Changed, ChangeError> {
        let update = |change: &Change| {
            let update = update(change);
            let update = match owner {
                Some(owner) => self.owned(update, owner),
                None => update,
            };
            if change.event.target().is_some_and(SessionState::is_final) {
                let [(pk, final_pk), (at, final_at)] = final_keys(&change.session_id, change.at);
                update.set(pk, final_pk).set(at, final_at)
            } else {
                update
            }
        };
        let key = keys::session(&change.session_id);
        match self.write(&mut change, update).await? {
            Updated::New(item) | Updated::Refused(Some(item)) if is_tombstone(&item) => Err(ChangeError::NotFound),
            Updated::New(item) => Ok(Changed { session: read(key, item)?, repeated: false }),
            Updated::Refused(None) => Err(ChangeError::NotFound),
            Updated::Refused(Some(item)) => {
                let session: Session = read(key, item)?;
                if owner.is_some_and(|owner| !owner.owns(&session)) {
                    Err(ChangeError::NotFound)
                } else if session.bears(&change.write_id) {
                    Ok(Changed { session, repeated: true })
                } else {
                    Err(ChangeError::Refused(Box::new(session)))
                }
            }
        }
    }
}

/// A transaction, with what a change of the payment session means for its refund.
fn with_refund(all: Transaction, pays_refund: &PaysRefund, amount: Money, change: &Change) -> Transaction {
    match RefundEvent::of_payment(change.event) {
        Some(event) => {
            let all = all.update(refund_writes::payment_ended(pays_refund, change, event));
            if event.target() == Some(RefundState::Failed) {
                all.update(refund_writes::give_back(&pays_refund.session_id, amount))
            } else {
                all
            }
        }
        None => all.update(refund_writes::payment_submitted(pays_refund, change)),
    }
}

/// From when on it is final, so that its personal data is removed when that is long enough ago.
fn final_keys(id: &SessionId, at: Timestamp) -> [(&'static str, AttributeValue); 2] {
    let final_pk = keys::final_pk(&keys::session(id));
    [("final_pk", s(final_pk)), ("final_at", s(SortableTimestamp::from(at).as_str()))]
}

/// An item that a creation met.
fn created_before(id: &SessionId, item: Item) -> Result<Created, StoreError> {
    if is_tombstone(&item) {
        return Ok(Created::Deleted);
    }
    let fingerprint = Fingerprint::of(&item);
    Ok(Created::Existing(Box::new(read(keys::session(id), item)?), fingerprint))
}

/// A session's item as it is first put, in both indexes.
pub(crate) fn new_item(session: &Session) -> Result<(Key, Item), StoreError> {
    let key = keys::session(&session.id);
    let mut item: Item = serde_dynamo::to_item(session)?;
    correlate_first(&mut item);
    item.insert("list_pk".into(), s(keys::list_pk(&session.merchant_id, session.mode, session.list_shard)));
    item.insert("list_sk".into(), s(keys::list_sk(session.created_at, session.id)));
    item.insert("due_pk".into(), s(keys::due_pk(&key)));
    item.insert("due_at".into(), s(SortableTimestamp::from(session.expires_at).as_str()));
    Ok((key, item))
}

/// The item that a session is kept as, keys included: what [`Sessions`] has written by the time that it is as it is. For
/// tools that fill a table faster than by one call for each change. Of a pending session, the bank has not been asked
/// again yet.
///
/// # Errors
/// The session can't be written as an item.
pub fn session_item(session: &Session) -> Result<Item, StoreError> {
    let (key, mut item) = new_item(session)?;
    if session.state.is_final() {
        item.remove("due_pk");
        item.remove("due_at");
        let final_at = session.history.last().map_or(session.created_at, |entry| entry.at);
        item.extend(final_keys(&session.id, final_at).map(|(name, value)| (name.to_owned(), value)));
    } else if let Some(Submission { submitted_at, .. }) = session.submission {
        let ask_again_at = banks::ask_again_at(submitted_at, submitted_at);
        item.insert("due_at".into(), s(SortableTimestamp::from(ask_again_at).as_str()));
    }
    Ok(keyed(key, item))
}

#[cfg(test)]
mod tests {
    use models::HistoryEntry;

    use super::*;

    #[tokio::test]
    async fn a_history_entry_reads_back_as_it_is_written() {
        let entry = HistoryEntry {
            state: SessionState::Sent,
            at: Timestamp::from_millisecond(1_572_623_306_123).unwrap(),
            cause: SessionEvent::Settled,
            write_id: crate::new_write_id(),
            correlation_id: Some("JKJaXmPLvHcESHA=".parse().unwrap()),
        };
        let write = async || history_entry(entry.state.as_str(), entry.at, entry.cause.as_str(), &entry.write_id);
        let written = runtime::correlated("JKJaXmPLvHcESHA=", write()).await;
        let read: HistoryEntry = serde_dynamo::from_attribute_value(written).unwrap();
        assert_eq!(read, entry);
    }
}
