//! Payment sessions.

use aws_sdk_dynamodb::types::AttributeValue;
use models::{
    ListShards, Money, PaidFrom, Payer, PaysRefund, Session, SessionId, SessionState, TakenBack, TestClock, WireFormat,
};
use serde::{Deserialize, Serialize};

use crate::acts::ActWrite;
use crate::change::{Change, ChangeError, Changed};
use crate::error::StoreError;
use crate::history::{TEST_CLOCK, entered_at_instead};
use crate::keys;
use crate::list::{self, ListRange, Page, Partitions, Wanted};
use crate::owner::Owner;
use crate::session_writes::{ForRefund, final_keys, new_item, owned, transition};
use crate::table::{Item, Put, Table, read};
use crate::test_clocks;
use crate::tombstone::is_tombstone;
use crate::transaction::{Transacted, Transaction, Verdict, get_settled};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// How often a change is written that has to have another timestamp each time.
const MAX_WRITES: usize = 16;

/// The whole table's sessions; each method is one or two calls of DynamoDB, some more where a refund changes too.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub(crate) table: Table,
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
    /// The test clock that it was to follow is as it is now: it was advanced since, or is being, or is followed by too many; or
    /// it is gone.
    NotOnClock(Option<Box<TestClock>>),
}

/// What of a session that pays a refund is needed to change both.
#[derive(Debug, Deserialize)]
struct Payment {
    pays_refund: PaysRefund,
    amount: Money,
}

impl Sessions {
    /// The sessions in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Creates a session: one conditional PutItem, history, list and due keys included. One that follows a test clock joins it
    /// in the same transaction.
    ///
    /// # Errors
    /// The table failed us; the session may have been created.
    pub async fn create(&self, session: Session, fingerprint: Option<Fingerprint>) -> Result<Created, StoreError> {
        let (key, mut item) = new_item(&session)?;
        if let Some(fingerprint) = fingerprint {
            item.insert("fingerprint".into(), fingerprint.as_attribute());
        }
        let put = match &session.test_clock {
            None => self.table.put_new(WriteKind::SessionCreate, key, item).await?,
            Some(on_clock) => {
                let joined = test_clocks::joined(on_clock, &session);
                let both = Transaction::default().put_new(WriteKind::SessionCreate, key, item).update(joined);
                match both.send(&self.table).await? {
                    Transacted::Done => Put::Done,
                    Transacted::Refused(verdicts) => match (verdicts.of(0), verdicts.of(1)) {
                        (Verdict::Refused(existing), _) => Put::Exists(existing.unwrap_or_default()),
                        (Verdict::Held, Verdict::Refused(clock)) => {
                            return Ok(Created::NotOnClock(
                                test_clocks::read_present(on_clock.id, clock)?.map(Box::new),
                            ));
                        }
                        (Verdict::Held, Verdict::Held) => {
                            return Err(StoreError::Disagreement { key: keys::session(&session.id).to_string() });
                        }
                    },
                }
            }
        };
        created(session, put)
    }

    /// Creates a session that follows no test clock for a person, together with the `act` that it is.
    ///
    /// # Errors
    /// The table failed us; both may have been written.
    pub async fn create_by_person(
        &self,
        session: Session,
        fingerprint: Fingerprint,
        act: &ActWrite,
    ) -> Result<Created, StoreError> {
        let (key, mut item) = new_item(&session)?;
        item.insert("fingerprint".into(), fingerprint.as_attribute());
        let both = Transaction::default().put_new(WriteKind::SessionCreate, key.clone(), item).act(Some(act));
        match both.send(&self.table).await? {
            Transacted::Done => created(session, Put::Done),
            Transacted::Refused(verdicts) => match verdicts.of(0) {
                Verdict::Refused(existing) => created(session, Put::Exists(existing.unwrap_or_default())),
                Verdict::Held => Err(StoreError::Disagreement { key: key.to_string() }),
            },
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

    /// Sessions of `owner`, of the format through which they come (the default one if they don't say), whose lists have this number
    /// of shards, newest first; if there is a filter, those that it says yes to. Which they are is eventually consistent, each is
    /// as it is. Without a filter, one call for each shard and one more.
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
        let format = owner.format.unwrap_or_default();
        let list_pks = shards.all().map(|shard| keys::list_pk(&owner.merchant_id, owner.mode, format, shard));
        list::page(&self.table, Partitions { list_pks, lists: 1 }, range, Wanted { amount: None, filter }).await
    }

    /// Sessions of `owner`, of the format through which they come or, if they don't say, of every format, whose lists have this number
    /// of shards, newest first: of those whose amount `amount` says yes to, which takes no reading of them, the ones that the
    /// filter does. Otherwise as [`Sessions::list`].
    ///
    /// # Errors
    /// The table failed us.
    pub async fn search(
        &self,
        owner: &Owner,
        shards: ListShards,
        range: ListRange,
        amount: Option<&(dyn Fn(Money) -> bool + Sync)>,
        filter: Option<&(dyn Fn(&Session) -> bool + Sync)>,
    ) -> Result<Page<Session>, StoreError> {
        let formats: Vec<_> = WireFormat::ALL.into_iter().filter(|format| owner.reads(*format)).collect();
        let of = |format: WireFormat| {
            shards.all().map(move |shard| keys::list_pk(&owner.merchant_id, owner.mode, format, shard))
        };
        let partitions = Partitions { lists: formats.len(), list_pks: formats.into_iter().flat_map(of) };
        list::page(&self.table, partitions, range, Wanted { amount, filter }).await
    }

    /// The payer gave their details.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn identify_payer(&self, change: Change, payer: &Payer) -> Result<Changed, ChangeError> {
        let payer: AttributeValue = serde_dynamo::to_attribute_value(payer).map_err(StoreError::from)?;
        let identified = |change: &Change| transition(change, None).set("payer", payer.clone());
        self.apply(change, None, ForRefund::Nothing, identified).await
    }

    /// The provider sent the money, and may have said where from; and, if it has been `taken_back` since, that.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn settle(
        &self,
        change: Change,
        from: &PaidFrom,
        taken_back: Option<TakenBack>,
    ) -> Result<Changed, ChangeError> {
        let for_refund = ForRefund::of(change.event);
        let mut brings: Vec<(&'static str, AttributeValue)> = Vec::new();
        match from {
            PaidFrom::Undisclosed => {}
            PaidFrom::Account(account) => brings.push(("payer_account", attribute(account)?)),
            PaidFrom::Card(card) => brings.push(("card", attribute(card)?)),
        }
        if let Some(taken_back) = &taken_back {
            brings.push(("taken_back", attribute(taken_back)?));
        }
        let settled = |change: &Change| {
            brings.iter().cloned().fold(transition(change, None), |update, (name, value)| update.set(name, value))
        };
        self.apply(change, None, for_refund, settled).await
    }

    /// Any event that brings nothing but itself: declined, cancelled, time passed. With an owner, only theirs. With an attempt
    /// open whose money moves at consent, it is cancelled or expires only after the provider has `cancelled` that attempt. If a
    /// person does it, together with the `act` that it is.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn record(
        &self,
        change: Change,
        owner: Option<&Owner>,
        cancelled: Option<u8>,
        act: Option<&ActWrite>,
    ) -> Result<Changed, ChangeError> {
        let for_refund = ForRefund::of(change.event);
        self.apply_with(change, owner, for_refund, act, |change| transition(change, cancelled)).await
    }

    /// Writes a change. If only its timestamp stands in the way, since what happened last has a later one (by another clock, or
    /// because the write took its time), it happens at that time as well.
    async fn write(
        &self,
        change: &mut Change,
        for_refund: ForRefund,
        act: Option<&ActWrite>,
        update: impl Fn(&Change) -> Update,
    ) -> Result<Updated, StoreError> {
        // Whether the timestamp is a test clock's by now.
        let mut by_clock = false;
        for _ in 0..MAX_WRITES {
            let (written, refused_by) = self.write_once(update(change), change, for_refund, act).await?;
            let instead = refused_by.as_ref().and_then(|item| entered_at_instead(item, change.at, &change.write_id));
            match (instead, refused_by) {
                // The clock was moved in part: it moves only forward.
                (Some(earlier), Some(behind)) if earlier < change.at && by_clock => {
                    test_clocks::move_forward(&self.table, &behind, change.at).await?;
                }
                (Some(instead), refused_by) => {
                    by_clock |= refused_by.is_some_and(|item| item.contains_key(TEST_CLOCK));
                    change.at = instead;
                }
                (None, _) => return Ok(written),
            }
        }
        Err(StoreError::Conflict { operation: "UpdateItem" })
    }

    /// Writes a change, of a session that pays a refund, if the change concerns the refund, together with the refund. An
    /// ordinary session is recognised by the write itself, which costs it nothing. Also the item that refused it, if one did.
    async fn write_once(
        &self,
        update: Update,
        change: &Change,
        for_refund: ForRefund,
        act: Option<&ActWrite>,
    ) -> Result<(Updated, Option<Item>), StoreError> {
        let concerns_refund = !matches!(for_refund, ForRefund::Nothing);
        let alone = if concerns_refund {
            update.clone().when("attribute_not_exists(#pays_refund)", [])
        } else {
            update.clone()
        };
        let written = match act {
            None => alone.send(&self.table).await?,
            Some(_) => self.send_with(Transaction::default().update(alone).act(act), change).await?,
        };
        match written {
            Updated::Refused(Some(item))
                if concerns_refund && item.contains_key("pays_refund") && !is_tombstone(&item) =>
            {
                let payment = read(keys::session(&change.session_id), item)?;
                self.write_both(update, change, for_refund, payment, act).await
            }
            Updated::Refused(item) => Ok((Updated::Refused(item.clone()), item)),
            written @ Updated::New(_) => Ok((written, None)),
        }
    }

    /// Does a transaction whose first write changes the session, and whose others can't be refused.
    async fn send_with(&self, transaction: Transaction, change: &Change) -> Result<Updated, StoreError> {
        match transaction.send(&self.table).await? {
            Transacted::Done => self.settled(change).await.map(Updated::New),
            Transacted::Refused(verdicts) => match verdicts.of(0) {
                Verdict::Refused(item) => Ok(Updated::Refused(item)),
                Verdict::Held => Err(StoreError::Disagreement { key: keys::session(&change.session_id).to_string() }),
            },
        }
    }

    /// The session's item after a transaction that changed it.
    async fn settled(&self, change: &Change) -> Result<Item, StoreError> {
        let key = keys::session(&change.session_id);
        let item = get_settled(&self.table, key.clone()).await?;
        item.ok_or_else(|| StoreError::Disagreement { key: key.to_string() })
    }

    /// The change of a payment session and what it means for its refund, and, if that fails by it, for what is left of
    /// the refunded session: all of it or nothing.
    async fn write_both(
        &self,
        update: Update,
        change: &Change,
        for_refund: ForRefund,
        payment: Payment,
        act: Option<&ActWrite>,
    ) -> Result<(Updated, Option<Item>), StoreError> {
        let Payment { pays_refund, amount } = payment;
        let both = for_refund.add_to(Transaction::default().update(update), &pays_refund, amount, change).act(act);
        let key = keys::session(&change.session_id);
        match both.send(&self.table).await? {
            Transacted::Done => Ok((Updated::New(self.settled(change).await?), None)),
            Transacted::Refused(verdicts) => match (verdicts.of(0), verdicts.of(1)) {
                (Verdict::Refused(session), _) => Ok((Updated::Refused(session.clone()), session)),
                // What happened last to the refund may have a later timestamp.
                (Verdict::Held, Verdict::Refused(Some(refund)))
                    if entered_at_instead(&refund, change.at, &change.write_id).is_some() =>
                {
                    Ok((Updated::Refused(None), Some(refund)))
                }
                // The session would have changed, and what belongs to it would not.
                (Verdict::Held, _) => Err(StoreError::Disagreement { key: key.to_string() }),
            },
        }
    }

    pub(crate) async fn apply(
        &self,
        change: Change,
        owner: Option<&Owner>,
        for_refund: ForRefund,
        update: impl Fn(&Change) -> Update,
    ) -> Result<Changed, ChangeError> {
        self.apply_with(change, owner, for_refund, None, update).await
    }

    async fn apply_with(
        &self,
        mut change: Change,
        owner: Option<&Owner>,
        for_refund: ForRefund,
        act: Option<&ActWrite>,
        update: impl Fn(&Change) -> Update,
    ) -> Result<Changed, ChangeError> {
        // Personal data is kept by the real time, also where the session goes by a test clock.
        let real_at = change.at;
        let update = |change: &Change| {
            let update = update(change);
            let update = match owner {
                Some(owner) => owned(update, owner),
                None => update,
            };
            if change.event.target().is_some_and(SessionState::is_final) {
                let [(pk, final_pk), (at, final_at)] = final_keys(&change.session_id, real_at);
                update.set(pk, final_pk).set(at, final_at)
            } else {
                update
            }
        };
        let key = keys::session(&change.session_id);
        match self.write(&mut change, for_refund, act, update).await? {
            Updated::New(item) | Updated::Refused(Some(item)) if is_tombstone(&item) => Err(ChangeError::NotFound),
            Updated::New(item) => Ok(Changed { session: read(key, item)?, repeated: false }),
            Updated::Refused(None) => Err(ChangeError::NotFound),
            Updated::Refused(Some(item)) => {
                let session: Session = read(key, item)?;
                if owner.is_some_and(|owner| !owner.owns(&session)) {
                    Err(ChangeError::NotFound)
                } else if session.history.has_write(&change.write_id) {
                    Ok(Changed { session, repeated: true })
                } else {
                    Err(ChangeError::Refused(Box::new(session)))
                }
            }
        }
    }
}

/// What became of creating a session by a put that met this.
pub(crate) fn created(session: Session, put: Put) -> Result<Created, StoreError> {
    let existing = match put {
        Put::Done => return Ok(Created::New(Box::new(session))),
        Put::Exists(existing) => created_before(&session.id, existing)?,
    };
    match (&existing, session.history.first()) {
        // The SDK repeated a put whose answer was lost: what it met is our own.
        (Created::Existing(found, _), Some(entry)) if found.history.has_write(&entry.write_id) => {
            Ok(Created::New(Box::new(session)))
        }
        (Created::New(_) | Created::Existing(..) | Created::Deleted | Created::NotOnClock(_), _) => Ok(existing),
    }
}

/// An item that a creation met.
fn created_before(id: &SessionId, item: Item) -> Result<Created, StoreError> {
    if is_tombstone(&item) {
        return Ok(Created::Deleted);
    }
    let fingerprint = Fingerprint::of(&item);
    Ok(Created::Existing(Box::new(read(keys::session(id), item)?), fingerprint))
}

fn attribute(value: &impl Serialize) -> Result<AttributeValue, StoreError> {
    Ok(serde_dynamo::to_attribute_value(value)?)
}
