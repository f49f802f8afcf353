//! Refunds: each stands beside the session that it refunds, and changes in one transaction with whatever it concerns.

use jiff::Timestamp;
use models::{
    OnClock, Refund, RefundEvent, RefundId, RefundState, Session, SessionEvent, SessionId, SortableTimestamp, WriteId,
};
use serde::Deserialize;
use thiserror::Error;

use crate::acts::ActWrite;
use crate::attempts::first_check_at;
use crate::change::{Change, ChangeError};
use crate::error::StoreError;
use crate::history::{TEST_CLOCK, correlate_new, entered_at_instead, on_clock_item};
use crate::keys;
use crate::refund_writes;
use crate::session_writes::new_item;
use crate::sessions::{Fingerprint, Sessions};
use crate::table::{Item, Table, read, s, sk};
use crate::tombstone::is_tombstone;
use crate::transaction::{Transacted, Transaction, Verdict, get_settled};
use crate::write::WriteKind;

/// The position of the write that takes the amount from what is left, among those that make a refund.
const RESERVES: usize = 2;

/// The table's refunds.
#[derive(Debug, Clone)]
pub struct Refunds {
    pub(crate) table: Table,
}

/// What became of making a refund.
#[derive(Debug)]
pub enum RefundCreated {
    /// It is there now.
    New,
    /// One with this id was there, made by a request with this fingerprint.
    Existing(Box<Refund>, Option<Fingerprint>),
    /// The session can't be refunded by so much, or has another number of refunds than was seen; as it is now.
    Refused(Option<Box<Session>>),
}

/// How a refund ends before its payment is submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundEnd {
    /// The merchant cancels it.
    CancelledByMerchant,
    /// `expires_at` passed.
    TimePassed,
}

impl RefundEnd {
    const fn refund_event(self) -> RefundEvent {
        match self {
            Self::CancelledByMerchant => RefundEvent::CancelledByMerchant,
            Self::TimePassed => RefundEvent::TimePassed,
        }
    }

    const fn session_event(self) -> SessionEvent {
        match self {
            Self::CancelledByMerchant => SessionEvent::CancelledByMerchant,
            Self::TimePassed => SessionEvent::TimePassed,
        }
    }
}

/// A refund after a change.
#[derive(Debug)]
pub struct RefundChanged {
    /// As it is now.
    pub refund: Refund,
    /// Whether this very change, by its write id, had been made before.
    pub repeated: bool,
}

/// Why a refund was not changed.
#[derive(Debug, Error)]
pub enum RefundChangeError {
    /// It is as it is; the change can't happen to it.
    #[error("the change can't happen to the refund as it is")]
    Refused(Box<Refund>),
    /// The table failed us.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How often a change is written that has to have another timestamp each time.
const MAX_WRITES: usize = 16;

/// A session and its refunds, oldest first.
#[derive(Debug)]
pub struct WithRefunds {
    /// The session; none if there is none or it was deleted.
    pub session: Option<Session>,
    /// Its refunds.
    pub refunds: Vec<Refund>,
}

/// Of which session a refund is.
#[derive(Debug, Deserialize)]
struct Pointer {
    session_id: SessionId,
}

impl Refunds {
    /// The refunds in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Makes a refund, with the session that pays it if there is one already: one transaction, which also takes the
    /// amount from what is left of the refunded session.
    ///
    /// One that a provider makes is recorded before the provider hears of it, and is due to be followed up
    /// [`crate::FIRST_CHECK_AT_CONSENT`] later, whatever becomes of the function that asks the provider.
    ///
    /// If its author has `seen` how many refunds the session has, only if it has as many still; if a person makes it, together
    /// with the `act` that it is.
    ///
    /// # Errors
    /// The table failed us; the refund may have been made.
    pub async fn create(
        &self,
        refund: &Refund,
        payment: Option<&Session>,
        fingerprint: Option<Fingerprint>,
        seen: Option<u32>,
        act: Option<&ActWrite>,
    ) -> Result<RefundCreated, StoreError> {
        let key = keys::refund(&refund.session_id, &refund.id);
        let mut item: Item = serde_dynamo::to_item(refund)?;
        correlate_new(&mut item);
        if let Some(due_at) = first_due_at(refund) {
            if refund.test_clock.is_none() {
                item.insert("due_pk".into(), s(keys::due_pk(&key)));
            }
            item.insert("due_at".into(), s(SortableTimestamp::from(due_at).as_str()));
        }
        if let Some(fingerprint) = fingerprint {
            item.insert("fingerprint".into(), fingerprint.as_attribute());
        }
        let pointer = Item::from([("session_id".to_owned(), s(refund.session_id.to_string()))]);
        let reserve = refund_writes::reserve(&refund.session_id, refund.amount, refund.test_clock.as_ref(), seen);
        let mut transaction = Transaction::default()
            .put_new(WriteKind::RefundPoint, keys::refund_pointer(&refund.id), pointer)
            .put_new(WriteKind::RefundCreate, key, item)
            .update(reserve);
        if let Some(payment) = payment {
            let (key, item) = new_item(payment)?;
            transaction = transaction.put_new(WriteKind::SessionCreate, key, item);
        }
        let verdicts = match transaction.act(act).send(&self.table).await? {
            Transacted::Done => return Ok(RefundCreated::New),
            Transacted::Refused(verdicts) => verdicts,
        };
        if let Verdict::Refused(_) = verdicts.of(0)
            && let Some((existing, first)) = self.created(&refund.id).await?
        {
            // The SDK repeated a transaction whose answer was lost: what it met is our own.
            let own = refund.history.first().is_some_and(|entry| existing.history.has_write(&entry.write_id));
            return Ok(if own { RefundCreated::New } else { RefundCreated::Existing(Box::new(existing), first) });
        }
        match verdicts.of(RESERVES) {
            Verdict::Refused(item) => {
                let session = item.map(|item| read(keys::session(&refund.session_id), item)).transpose()?;
                Ok(RefundCreated::Refused(session.map(Box::new)))
            }
            Verdict::Held => Err(disagreement(refund)),
        }
    }

    /// The refund with this id, and the fingerprint of the request that made it. If it is being made right now, that
    /// is waited for.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn created(&self, id: &RefundId) -> Result<Option<(Refund, Option<Fingerprint>)>, StoreError> {
        let pointer = get_settled(&self.table, keys::refund_pointer(id)).await?;
        self.pointed_at(id, pointer).await
    }

    /// The refund with this id. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, id: &RefundId) -> Result<Option<Refund>, StoreError> {
        let pointer = self.table.get(keys::refund_pointer(id)).await?;
        Ok(self.pointed_at(id, pointer).await?.map(|(refund, _)| refund))
    }

    async fn pointed_at(
        &self,
        id: &RefundId,
        pointer: Option<Item>,
    ) -> Result<Option<(Refund, Option<Fingerprint>)>, StoreError> {
        let Some(pointer) = pointer else { return Ok(None) };
        let Pointer { session_id } = read(keys::refund_pointer(id), pointer)?;
        let key = keys::refund(&session_id, id);
        // The transaction that put both may have become visible in part.
        let item = get_settled(&self.table, key.clone()).await?.ok_or(StoreError::Conflict { operation: "GetItem" })?;
        let fingerprint = Fingerprint::of(&item);
        Ok(Some((read(key, item)?, fingerprint)))
    }

    /// The refund of this session with this id. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn find(&self, session: &SessionId, id: &RefundId) -> Result<Option<Refund>, StoreError> {
        let key = keys::refund(session, id);
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }

    /// A session with all of its refunds: one consistent Query, or some where there are very many.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of(&self, session: &SessionId) -> Result<WithRefunds, StoreError> {
        let mut found = WithRefunds { session: None, refunds: Vec::new() };
        for item in self.table.query(&keys::session_pk(session), None, usize::MAX).await? {
            if sk(&item) != keys::SESSION_SK {
                found.refunds.push(read(keys::session_pk(session), item)?);
            } else if !is_tombstone(&item) {
                found.session = Some(read(keys::session(session), item)?);
            }
        }
        found.refunds.sort_by_key(|refund| (refund.created_at, refund.id));
        Ok(found)
    }

    /// The customer said where the money goes: `refund` is as it is then, and `payment` the session that pays it.
    ///
    /// # Errors
    /// See [`RefundChangeError`].
    pub async fn give_details(
        &self,
        refund: &Refund,
        payment: &Session,
        at: Timestamp,
        write_id: &WriteId,
    ) -> Result<RefundChanged, RefundChangeError> {
        let (key, item) = new_item(payment)?;
        let given = |at| {
            let mut item = item.clone();
            if let Some(on_clock) = payment.test_clock {
                // As the refund: its clock may have been moved since it was read.
                item.insert(TEST_CLOCK.to_owned(), on_clock_item(&OnClock { now: at, ..on_clock }));
            }
            Transaction::default().update(refund_writes::details_given(refund, &payment.id, at, write_id)).put_new(
                WriteKind::SessionCreate,
                key.clone(),
                item,
            )
        };
        self.change(refund, at, write_id, given).await
    }

    /// Ends a refund whose payment was not submitted, together with its payment session if it has one, and gives the
    /// amount back to the refunded session. With an attempt at that payment open whose money moves at consent, only after
    /// the provider has `cancelled` it. If a person does it, together with the `act` that it is.
    ///
    /// # Errors
    /// See [`RefundChangeError`].
    pub async fn end(
        &self,
        refund: &Refund,
        end: RefundEnd,
        at: Timestamp,
        write_id: &WriteId,
        cancelled: Option<u8>,
        act: Option<&ActWrite>,
    ) -> Result<RefundChanged, RefundChangeError> {
        let Some(payment) = refund.payment_session_id else {
            let ended = |at| {
                Transaction::default()
                    .update(refund_writes::details_ended(refund, end.refund_event(), at, write_id))
                    .update(refund_writes::give_back(&refund.session_id, refund.amount))
                    .act(act)
            };
            return self.change(refund, at, write_id, ended).await;
        };
        let change = Change { session_id: payment, event: end.session_event(), at, write_id: write_id.clone() };
        let changed = Sessions::new(self.table.clone()).record(change, None, cancelled, act).await;
        let refund = self.again(refund).await?;
        match changed {
            Ok(changed) => Ok(RefundChanged { refund, repeated: changed.repeated }),
            // The payment session was deleted right after.
            Err(ChangeError::NotFound) if refund.history.has_write(write_id) => {
                Ok(RefundChanged { refund, repeated: false })
            }
            Err(ChangeError::Refused(payment)) if payment.state.is_final() && !refund.state.is_final() => {
                // What ended the session has ended the refund, and that is not visible yet.
                Err(StoreError::Conflict { operation: "GetItem" }.into())
            }
            // A deleted payment session has ended its refund, and refuses to be ended again.
            Err(ChangeError::Refused(_) | ChangeError::NotFound) => Err(RefundChangeError::Refused(Box::new(refund))),
            Err(ChangeError::Store(error)) => Err(error.into()),
        }
    }

    /// Ends a refund that has failed by time, if that is not written down yet; whether it has ended.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn expire(&self, refund: &Refund, now: Timestamp) -> Result<bool, StoreError> {
        if !refund.has_expired_at(now) {
            return Ok(false);
        }
        match self.end(refund, RefundEnd::TimePassed, now, &self.table.random.write_id(), None, None).await {
            Ok(_) => Ok(true),
            // Somebody else was first, or its payment goes on.
            Err(RefundChangeError::Refused(refund)) => Ok(refund.state.is_final()),
            Err(RefundChangeError::Store(error)) => Err(error),
        }
    }

    /// Does a transaction that changes this refund first of all, at `at`; or later, if what happened last to it has a later
    /// timestamp.
    pub(crate) async fn change(
        &self,
        refund: &Refund,
        mut at: Timestamp,
        write_id: &WriteId,
        transaction: impl Fn(Timestamp) -> Transaction,
    ) -> Result<RefundChanged, RefundChangeError> {
        let key = keys::refund(&refund.session_id, &refund.id);
        for _ in 0..MAX_WRITES {
            let Transacted::Refused(verdicts) = transaction(at).send(&self.table).await? else {
                return Ok(RefundChanged { refund: self.again(refund).await?, repeated: false });
            };
            let Verdict::Refused(Some(item)) = verdicts.of(0) else { return Err(disagreement(refund).into()) };
            if let Some(later) = entered_at_instead(&item, at, write_id) {
                at = later;
                continue;
            }
            let refund: Refund = read(key, item)?;
            return if refund.history.has_write(write_id) {
                Ok(RefundChanged { refund, repeated: true })
            } else {
                Err(RefundChangeError::Refused(Box::new(refund)))
            };
        }
        Err(StoreError::Conflict { operation: "TransactWriteItems" }.into())
    }

    async fn again(&self, refund: &Refund) -> Result<Refund, StoreError> {
        let key = keys::refund(&refund.session_id, &refund.id);
        let item = get_settled(&self.table, key.clone()).await?.ok_or_else(|| disagreement(refund))?;
        read(key, item)
    }
}

/// When something is first to be done about a new refund: of one that a session pays, that session is due.
fn first_due_at(refund: &Refund) -> Option<Timestamp> {
    if refund.open_at_provider().is_some() {
        return Some(first_check_at(refund.created_at));
    }
    (refund.state == RefundState::AwaitingDetails).then_some(refund.expires_at)
}

fn disagreement(refund: &Refund) -> StoreError {
    StoreError::Disagreement { key: keys::refund(&refund.session_id, &refund.id).to_string() }
}
