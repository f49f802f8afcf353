//! Removing the personal data of payers and customers: on demand, or when it has been kept for long enough.
//!
//! What stays is what a merchant has to account for: ids, amounts, line items, references, states, history, fingerprints.

use jiff::Timestamp;
use models::{
    CustomerId, MailState, Object, ObjectId, OnClock, Refund, Session, SessionId, SessionState, SortableTimestamp,
};

use crate::customers::tombstoned;
use crate::error::StoreError;
use crate::events::Events;
use crate::keys;
use crate::mails::Mails;
use crate::object_path::ObjectPath;
use crate::pointers::{Pointers, without_pointers};
use crate::query::{Position, Query, QueryPage, Source};
use crate::refunds::{Refunds, WithRefunds};
use crate::table::{Item, Table, ms, n, read, s, sk};
use crate::tombstone::{Tombstone, is_tombstone};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// How long after its last change a session may wait for its last event, at the most, if nothing has gone wrong.
const PUBLISHED_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// How many sessions one page holds at the most.
const PAGE: usize = 250;

/// Removes personal data from the table.
#[derive(Debug, Clone)]
pub struct Erasures {
    table: Table,
}

/// What personal data is removed from by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Erasable {
    /// A session, with its refunds.
    Session(SessionId),
    /// A customer.
    Customer(CustomerId),
}

impl Erasable {
    /// What an item is by its key, if it is either.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let customer = || item.get("pk")?.as_s().ok()?.strip_prefix(keys::CUSTOMER_PK_PREFIX)?.parse().ok();
        ObjectPath::session_of(item).map(Self::Session).or_else(|| customer().map(Self::Customer))
    }
}

/// What became of removing the personal data of a session or customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// It is gone now.
    Done,
    /// It had gone before.
    AlreadyErased,
    /// The session or a refund of it goes on, or what happened last is still being published; or the customer was used: later.
    NotFinal,
    /// There is no such session or customer, or it was deleted, and its personal data with it.
    NotFound,
}

impl Erasures {
    /// Removes from this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// What in one shard (below [`FINAL_SHARDS`]) still has personal data and was done with by `before`, oldest first, from
    /// `start` on: sessions that were final by then, and customers that had neither changed nor had a session since. One page.
    /// Eventually consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn page(
        &self,
        shard: u32,
        before: Timestamp,
        start: Option<Position>,
    ) -> Result<QueryPage<Erasable>, StoreError> {
        let (pk, before) = (keys::final_shard_pk(shard), SortableTimestamp::from(before));
        let between = Some((keys::FIRST_TIMESTAMP, before.as_str()));
        let query = Query { source: Source::Final, pk: &pk, between, descending: false, limit: PAGE };
        Ok(self.table.page(&query, start).await?.filter_map(Erasable::of))
    }

    /// Removes the personal data of a session, of its refunds, and of the sessions that pay them; not while a mail to the
    /// payer is still to be sent.
    ///
    /// # Errors
    /// The table failed us; some of it may be gone, and the rest goes when this is done again.
    pub async fn erase(&self, id: &SessionId, now: Timestamp) -> Result<Erased, StoreError> {
        let found = self.find(id).await?;
        if found.goes_on() || self.mail_is_due(&found, now).await? {
            return Ok(Erased::NotFinal);
        }
        for payment in found.refunds.iter().filter_map(|refund| refund.payment_session_id) {
            if self.erase_alone(&payment, now).await? == Erased::NotFinal {
                return Ok(Erased::NotFinal);
            }
        }
        self.erase_found(found, now).await
    }

    /// What [`Erasures::erase`] would answer by now, and the session, if it is there. It removes nothing.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn check(&self, id: &SessionId, now: Timestamp) -> Result<(Erased, Option<Session>), StoreError> {
        let found = self.find(id).await?;
        if self.events(&found, now).await?.is_none() || self.mail_is_due(&found, now).await? {
            return Ok((Erased::NotFinal, found.session));
        }
        for payment in found.refunds.iter().filter_map(|refund| refund.payment_session_id) {
            let payment = self.find(&payment).await?;
            if self.events(&payment, now).await?.is_none() {
                return Ok((Erased::NotFinal, found.session));
            }
        }
        let would_be = match &found.session {
            None => Erased::NotFound,
            Some(session) if session.erased_at.is_some() => Erased::AlreadyErased,
            Some(_) => Erased::Done,
        };
        Ok((would_be, found.session))
    }

    /// Removes the personal data of a session and of its refunds. The sessions that pay them have an end of their own.
    ///
    /// # Errors
    /// The table failed us; some of it may be gone, and the rest goes when this is done again.
    pub async fn erase_alone(&self, id: &SessionId, now: Timestamp) -> Result<Erased, StoreError> {
        let found = self.find(id).await?;
        self.erase_found(found, now).await
    }

    /// Removes a customer: what is left is as of one that was deleted. If `unused_since` is given, only if it had neither changed
    /// nor had a session after that.
    ///
    /// # Errors
    /// The table failed us; it may be done.
    pub async fn erase_customer(
        &self,
        id: &CustomerId,
        unused_since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let mut update = tombstoned(WriteKind::CustomerErase, keys::customer(id), now);
        if let Some(before) = unused_since {
            update = update.when("#final_at <= :before", [(":before", s(SortableTimestamp::from(before).as_str()))]);
        }
        Ok(match update.send(&self.table).await? {
            Updated::New(_) => Erased::Done,
            Updated::Refused(Some(item)) if is_tombstone(&item) => Erased::AlreadyErased,
            Updated::Refused(Some(_)) => Erased::NotFinal,
            Updated::Refused(None) => Erased::NotFound,
        })
    }

    async fn find(&self, id: &SessionId) -> Result<Found, StoreError> {
        let WithRefunds { session, refunds } = Refunds::new(self.table.clone()).of(id).await?;
        let left = match &session {
            Some(_) => None,
            None => self.table.get(keys::session(id)).await?.map(|item| read(keys::session(id), item)).transpose()?,
        };
        Ok(Found { id: *id, session, refunds, left })
    }

    /// All of it each time: what was published late, or again, may have brought personal data back. The session last: while it
    /// isn't done, it stays in the index.
    async fn erase_found(&self, found: Found, now: Timestamp) -> Result<Erased, StoreError> {
        let Some(events) = self.events(&found, now).await? else { return Ok(Erased::NotFinal) };
        Events::new(self.table.clone()).erase(events, now).await?;
        for refund in found.refunds.iter().filter(|refund| !refund.is_erased()) {
            let update = Update::new(WriteKind::RefundErase, keys::refund(&found.id, &refund.id))
                .when("attribute_exists(#pk)", []);
            update.remove(&["success_url", "error_url", "extra"]).send(&self.table).await?;
        }
        match found.session {
            None => Ok(Erased::NotFound),
            Some(session) if session.erased_at.is_some() => Ok(Erased::AlreadyErased),
            Some(session) => self.erase_session(session, now).await,
        }
    }

    /// The events of a session and its refunds; none while one of them goes on, or its last event is still to come, for that
    /// would bring personal data with it.
    async fn events(&self, found: &Found, now: Timestamp) -> Result<Option<Vec<Item>>, StoreError> {
        if found.goes_on() {
            return Ok(None);
        }
        let mut all = Vec::new();
        for (object, length, published_by) in found.ends() {
            let events = self.table.query(&keys::events_pk(&object), None, usize::MAX).await?;
            let last = keys::event_sk(length);
            if !events.iter().any(|item| sk(item) == last) && now < published_by {
                return Ok(None);
            }
            all.extend(events);
        }
        Ok(Some(all))
    }

    /// With what points to it, in one transaction.
    async fn erase_session(&self, session: Session, now: Timestamp) -> Result<Erased, StoreError> {
        let ended = SessionState::ALL.into_iter().filter(|state| state.is_final()).map(SessionState::as_str);
        let refund_count = n(session.refund_count);
        let pointers = Pointers::new(self.table.clone()).keys_of(&session).await?;
        let mut update = Update::new(WriteKind::SessionErase, keys::session(&session.id))
            .when_one_of("state", ended)
            .when("attribute_not_exists(#deleted_at)", [])
            // A refund made meanwhile goes to an account that is to be erased with it.
            .when("attribute_not_exists(#refund_count) OR #refund_count = :refunds", [(":refunds", refund_count)])
            .set("erased_at", ms(now))
            .remove(&["payer", "payer_account", "attempt", "success_url", "error_url", "final_pk", "final_at"])
            .remove(&["cancel_url", "customer_id", "locale", "extra", "card", "offer_limits"]);
        let mut erased: Item = serde_dynamo::to_item(session.erased(now))?;
        for attribute in ["payee", "metadata", "submission"] {
            if let Some(value) = erased.remove(attribute) {
                update = update.set(attribute, value);
            }
        }
        let all = without_pointers(Transaction::default().update(update), pointers);
        Ok(match all.send(&self.table).await? {
            Transacted::Done => Erased::Done,
            Transacted::Refused(verdicts) => match verdicts.of(0) {
                Verdict::Refused(Some(item)) if is_tombstone(&item) => Erased::NotFound,
                Verdict::Refused(Some(_)) | Verdict::Held => Erased::NotFinal,
                Verdict::Refused(None) => Erased::NotFound,
            },
        })
    }

    /// Whether the mail that the end of any of them calls for is not sent or given up, or not even put yet.
    async fn mail_is_due(&self, found: &Found, now: Timestamp) -> Result<bool, StoreError> {
        let session = found.session.clone().map(|session| Object::Session(Box::new(session)));
        let refunds = found.refunds.iter().cloned().map(|refund| Object::Refund(Box::new(refund)));
        for object in session.into_iter().chain(refunds) {
            let last = object.history_len();
            let Some(mail) = object.mail_for(last) else { continue };
            let state = Mails::new(self.table.clone()).state(&mail).await?;
            let recent = now < published_by(object.entered_at(last), object.test_clock());
            if state == Some(MailState::Due) || (state.is_none() && recent) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A session, or what is left of one that was deleted, with its refunds.
struct Found {
    id: SessionId,
    session: Option<Session>,
    refunds: Vec<Refund>,
    left: Option<Tombstone>,
}

impl Found {
    /// Whether the session or a refund of it is not final.
    fn goes_on(&self) -> bool {
        let session = self.session.as_ref().is_some_and(|session| !session.state.is_final());
        session || self.refunds.iter().any(|refund| !refund.state.is_final())
    }

    /// Each of them with the length of its history, and until when the last event may still be published.
    fn ends(&self) -> Vec<(ObjectId, usize, Timestamp)> {
        let session = self.session.as_ref().map(|session| (&session.history, session.test_clock.as_ref()));
        let session = session.or(self.left.as_ref().map(|left| (&left.history, left.test_clock.as_ref())));
        let session = session.map(|(history, clock)| (self.id.into(), history.len(), history.last_at(), clock));
        let refunds = self.refunds.iter().map(|refund| {
            let (length, at) = (refund.history.len(), refund.history.last_at());
            (refund.id.into(), length, at, refund.test_clock.as_ref())
        });
        let ends = session.into_iter().chain(refunds);
        ends.map(|(id, length, at, clock)| (id, length, published_by(at.unwrap_or(Timestamp::MIN), clock))).collect()
    }
}

/// Until when what happened then may still be published. By a test clock it may have happened at any time of that clock's life,
/// in which its events are there.
fn published_by(at: Timestamp, test_clock: Option<&OnClock>) -> Timestamp {
    match test_clock {
        None => at.checked_add(PUBLISHED_WITHIN).unwrap_or(Timestamp::MAX),
        Some(clock) => clock.ends_at(),
    }
}
