//! Webhook endpoints, and how many deliveries to each are under way.

use jiff::{SignedDuration, Timestamp};
use models::{
    DisabledBy, Endpoint, EndpointId, EndpointSecret, MAX_CONCURRENT_DELIVERIES, MAX_ENDPOINTS, MerchantId,
    MerchantUrl, Name, SortableTimestamp, Subscription,
};
use serde::Deserialize;
use thiserror::Error;

use crate::cursors::LEASE;
use crate::error::StoreError;
use crate::keys;
use crate::sessions::{Fingerprint, Owner};
use crate::table::{Item, Table, ms, n, read, s, sk};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::{Update, Updated};

/// How long whoever looked at an endpoint may still act on what it saw: the function that delivers runs a minute at the most.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_secs(120);

/// The table's webhook endpoints.
#[derive(Debug, Clone)]
pub struct Endpoints {
    table: Table,
}

/// What became of registering an endpoint.
#[derive(Debug)]
pub enum EndpointCreated {
    /// It is there now.
    New,
    /// One with this id was there, registered by a request with this fingerprint.
    Existing(Box<Endpoint>, Option<Fingerprint>),
    /// The merchant has [`MAX_ENDPOINTS`].
    TooMany,
}

/// What is to be changed of an endpoint; nothing else is.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Where events are posted.
    pub url: Option<MerchantUrl>,
    /// The note; none removes it.
    pub description: Option<Option<Name>>,
    /// What it is told of.
    pub events: Option<Subscription>,
    /// Whether it is told ids only.
    pub thin: Option<bool>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

impl EndpointChange {
    fn is_nothing(&self) -> bool {
        let Self { url, description, events, thin, enabled } = self;
        url.is_none() && description.is_none() && events.is_none() && thin.is_none() && enabled.is_none()
    }
}

/// Why an endpoint was not changed.
#[derive(Debug, Error)]
pub enum NotChanged {
    /// There is none with this id, or not this owner's.
    #[error("no such endpoint")]
    NotFound,
    /// The table failed us.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The right to deliver to an endpoint, for a while.
#[derive(Debug)]
pub struct Slot {
    index: usize,
    until: Timestamp,
    /// Whether the last delivery in it was taken; giving it back says so of the endpoint.
    pub taken: bool,
}

impl Endpoints {
    /// The endpoints in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Registers an endpoint, unless the merchant has too many in this mode: one transaction with their count.
    ///
    /// # Errors
    /// The table failed us; it may have been registered.
    pub async fn create(
        &self,
        endpoint: &Endpoint,
        fingerprint: Option<Fingerprint>,
    ) -> Result<EndpointCreated, StoreError> {
        let mut item: Item = serde_dynamo::to_item(endpoint)?;
        item.insert("slots".into(), serde_dynamo::to_attribute_value([0_i64; MAX_CONCURRENT_DELIVERIES])?);
        if let Some(fingerprint) = fingerprint {
            item.insert("fingerprint".into(), fingerprint.as_attribute());
        }
        let key = keys::endpoint(&endpoint.merchant_id, &endpoint.id);
        if endpoint.is_enabled() {
            // Its id may have been another's, removed since, for which something was held.
            item.insert("due_pk".into(), s(keys::due_pk(&key)));
            item.insert("due_at".into(), s(SortableTimestamp::from(endpoint.created_at).as_str()));
        }
        let count = Update::new(keys::endpoint_count(&endpoint.merchant_id, endpoint.mode))
            .when("attribute_not_exists(#count) OR #count < :most", [(":most", n(MAX_ENDPOINTS))])
            .set_to("count", "if_not_exists(#count, :none) + :one", [(":none", n(0)), (":one", n(1))]);
        let transaction = Transaction::default().put_new(key.clone(), item).update(count);
        match transaction.send(&self.table).await? {
            Transacted::Done => Ok(EndpointCreated::New),
            Transacted::Refused(verdicts) => match verdicts.of(0) {
                Verdict::Refused(Some(item)) => {
                    let first = Fingerprint::of(&item);
                    let existing: Endpoint = read(key, item)?;
                    // The SDK repeated a transaction whose answer was lost: the random secret is our own.
                    if existing.secret == endpoint.secret {
                        return Ok(EndpointCreated::New);
                    }
                    Ok(EndpointCreated::Existing(Box::new(existing), first))
                }
                Verdict::Refused(None) | Verdict::Held => Ok(EndpointCreated::TooMany),
            },
        }
    }

    /// A merchant's endpoints, of both modes, oldest first. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of(&self, merchant: &MerchantId) -> Result<Vec<Endpoint>, StoreError> {
        let pk = keys::endpoints_pk(merchant);
        let items = self.table.query(&pk, None, usize::MAX).await?;
        let endpoints = items.into_iter().filter(|item| !sk(item).starts_with(keys::COUNT_PREFIX));
        let mut endpoints: Vec<Endpoint> = endpoints.map(|item| read(&pk, item)).collect::<Result<_, StoreError>>()?;
        endpoints.sort_by_key(|endpoint| (endpoint.created_at, endpoint.id));
        Ok(endpoints)
    }

    /// The endpoint with this id.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, merchant: &MerchantId, id: &EndpointId) -> Result<Option<Endpoint>, StoreError> {
        let key = keys::endpoint(merchant, id);
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }

    /// The endpoint with this id, and how many deliveries to it are under way.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn look_up(
        &self,
        merchant: &MerchantId,
        id: &EndpointId,
    ) -> Result<Option<(Endpoint, Slots)>, StoreError> {
        let key = keys::endpoint(merchant, id);
        let Some(item) = self.table.get(key.clone()).await? else { return Ok(None) };
        Ok(Some((read(&key, item.clone())?, read(&key, item)?)))
    }

    /// Changes an endpoint. Enabling one makes due again what it was to be told.
    ///
    /// # Errors
    /// See [`NotChanged`].
    pub async fn change(
        &self,
        owner: &Owner,
        id: &EndpointId,
        change: EndpointChange,
        now: Timestamp,
    ) -> Result<Endpoint, NotChanged> {
        if change.is_nothing() {
            let own = self.get(&owner.merchant_id, id).await?.filter(|endpoint| endpoint.mode == owner.mode);
            return own.ok_or(NotChanged::NotFound);
        }
        let mut update = self.owned(owner, id);
        if let Some(url) = &change.url {
            update = update.set("url", s(url.as_str()));
        }
        if change.url.is_some() || change.enabled == Some(true) {
            // How the endpoint did before says nothing any more.
            update = update.set("failures", n(0)).remove(&["parked_until"]);
        }
        update = match change.description {
            Some(Some(description)) => update.set("description", s(description.as_str())),
            Some(None) => update.remove(&["description"]),
            None => update,
        };
        if let Some(events) = change.events {
            update = update.set("events", serde_dynamo::to_attribute_value(events).map_err(StoreError::from)?);
        }
        if let Some(thin) = change.thin {
            update = update.set("thin", aws_sdk_dynamodb::types::AttributeValue::Bool(thin));
        }
        update = match change.enabled {
            Some(true) => self.due(update.remove(&["disabled_by"]), &owner.merchant_id, id, now),
            Some(false) => disabled(update, DisabledBy::Merchant)?,
            None => update,
        };
        self.apply(update).await
    }

    /// Replaces an endpoint's secret; the one before stays valid for a day, or until [`Endpoints::finish_rotation`]. Done
    /// again meanwhile, it replaces the new one: whoever never got to see that can go on with the one before.
    ///
    /// # Errors
    /// See [`NotChanged`].
    pub async fn rotate(
        &self,
        owner: &Owner,
        id: &EndpointId,
        secret: &EndpointSecret,
        now: Timestamp,
    ) -> Result<Endpoint, NotChanged> {
        let replaced = || {
            self.owned(owner, id)
                .set("secret", s(secret.as_str()))
                .set("previous_secret_until", ms(Endpoint::rotated_until(now)))
                .increment("rotations")
        };
        let first = replaced()
            .when("attribute_not_exists(#previous_secret_until) OR #previous_secret_until <= :now", [(":now", ms(now))])
            .set_to("previous_secret", "#secret", []);
        let item = match first.send(&self.table).await? {
            Updated::New(item) => item,
            Updated::Refused(None) => return Err(NotChanged::NotFound),
            Updated::Refused(Some(item)) => item,
        };
        let endpoint: Endpoint = read("of an endpoint", item)?;
        if endpoint.secret == *secret {
            // Also if the SDK repeated the update because its answer was lost.
            return Ok(endpoint);
        }
        self.apply(replaced()).await
    }

    /// The secret before is no longer valid.
    ///
    /// # Errors
    /// See [`NotChanged`].
    pub async fn finish_rotation(&self, owner: &Owner, id: &EndpointId) -> Result<Endpoint, NotChanged> {
        self.apply(self.owned(owner, id).remove(&["previous_secret", "previous_secret_until"])).await
    }

    /// Removes an endpoint; whether there was one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn delete(&self, owner: &Owner, id: &EndpointId) -> Result<bool, StoreError> {
        let found = self.get(&owner.merchant_id, id).await?;
        if !found.is_some_and(|endpoint| owner.is(&endpoint.merchant_id, endpoint.mode)) {
            return Ok(false);
        }
        let count = Update::new(keys::endpoint_count(&owner.merchant_id, owner.mode))
            .when("#count > :none", [(":none", n(0))])
            .set_to("count", "#count - :one", [(":one", n(1))]);
        let transaction = Transaction::default().delete(keys::endpoint(&owner.merchant_id, id)).update(count);
        // Refused: somebody else, or our own first try, was first, and it is gone.
        transaction.send(&self.table).await.map(|_| true)
    }

    /// The endpoint, as it was called, said that it is gone for good; whether that is still where it is.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn gone(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let update = self
            .present(&endpoint.merchant_id, &endpoint.id)
            .when("attribute_not_exists(#disabled_by)", [])
            .when("#url = :url", [(":url", s(endpoint.url.as_str()))]);
        let gone = disabled(update, DisabledBy::Gone)?.send(&self.table).await?;
        Ok(matches!(gone, Updated::New(_)))
    }

    /// Makes due again all that the endpoint was to be told and that was given up or held; false if there is no such
    /// endpoint, or it is disabled.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resume(&self, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let update = self.present(merchant, id).when("attribute_not_exists(#disabled_by)", []);
        let update = self.due(update.set("failures", n(0)).remove(&["parked_until"]), merchant, id, now);
        Ok(matches!(update.send(&self.table).await?, Updated::New(_)))
    }

    /// Nothing is held any more, unless that was asked for only just now: whoever held something back then may not be done,
    /// and the index may be behind.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resumed(&self, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Result<(), StoreError> {
        let asked_before = now.checked_sub(SETTLES_WITHIN).unwrap_or(Timestamp::MIN);
        let update = self
            .present(merchant, id)
            .when("#due_at <= :before", [(":before", s(SortableTimestamp::from(asked_before).as_str()))]);
        update.remove(&["due_pk", "due_at"]).send(&self.table).await.map(|_| ())
    }

    /// A delivery that `began` then failed; after some in a row the endpoint is parked. Those that were under way when it
    /// was parked tell nothing new: a moment of trouble is not counted ten times. `jitter` is random, from 0 to 1.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn failed(
        &self,
        endpoint: &Endpoint,
        began: Timestamp,
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        let (mut known, mut parked_until) = (endpoint.failures, None);
        while parked_until.is_none_or(|until| until <= began) {
            let failures = known.saturating_add(1);
            let mut update = self
                .present(&endpoint.merchant_id, &endpoint.id)
                .when("#failures = :known", [(":known", n(known))])
                .set("failures", n(failures));
            if let Some(until) = Endpoint::park_until(failures, now, jitter) {
                update = update.set("parked_until", ms(until));
            }
            match update.send(&self.table).await? {
                Updated::New(_) | Updated::Refused(None) => return Ok(()),
                // Others have failed, or one has succeeded, since.
                Updated::Refused(Some(item)) => {
                    Endpoint { failures: known, parked_until, .. } = read("of an endpoint", item)?;
                }
            }
        }
        Ok(())
    }

    /// Takes one of the endpoint's slots, if one is free; `slots` is what [`Endpoints::look_up`] saw of them.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn take_slot(
        &self,
        endpoint: &Endpoint,
        mut slots: Slots,
        now: Timestamp,
    ) -> Result<Option<Slot>, StoreError> {
        let most = endpoint.max_concurrent_deliveries();
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        for _ in 0..most {
            let free: Vec<usize> = slots.free(most, now).collect();
            // Any of them, for those who come together not to ask for the same.
            let Some(index) = fastrand::choice(free) else { return Ok(None) };
            let update = self
                .present(&endpoint.merchant_id, &endpoint.id)
                .when(&format!("#slots[{index}] <= :now"), [(":now", ms(now))])
                .set_element("slots", index, ms(until));
            match update.send(&self.table).await? {
                Updated::New(_) => return Ok(Some(Slot { index, until, taken: false })),
                Updated::Refused(None) => return Ok(None),
                Updated::Refused(Some(item)) => slots = read("of an endpoint", item)?,
            }
        }
        Ok(None)
    }

    /// Gives a slot back. If what was delivered in it was taken, the endpoint's failures are over, also those that others
    /// have counted since it was looked at.
    ///
    /// # Errors
    /// The table failed us; it is free again when its time is over.
    pub async fn free_slot(&self, endpoint: &Endpoint, slot: Slot) -> Result<(), StoreError> {
        let mut update = self
            .present(&endpoint.merchant_id, &endpoint.id)
            .when(&format!("#slots[{}] = :until", slot.index), [(":until", ms(slot.until))])
            .set_element("slots", slot.index, n(0));
        if slot.taken {
            update = update.set("failures", n(0)).remove(&["parked_until"]);
        }
        update.send(&self.table).await.map(|_| ())
    }

    fn present(&self, merchant: &MerchantId, id: &EndpointId) -> Update {
        Update::new(keys::endpoint(merchant, id)).when("attribute_exists(#secret)", [])
    }

    fn owned(&self, owner: &Owner, id: &EndpointId) -> Update {
        self.present(&owner.merchant_id, id).when("#mode = :mode", [(":mode", s(owner.mode.as_str()))])
    }

    fn due(&self, update: Update, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Update {
        let due_pk = keys::due_pk(&keys::endpoint(merchant, id));
        update.set("due_pk", s(due_pk)).set("due_at", s(SortableTimestamp::from(now).as_str()))
    }

    async fn apply(&self, update: Update) -> Result<Endpoint, NotChanged> {
        match update.send(&self.table).await? {
            Updated::New(item) => Ok(read("of an endpoint", item)?),
            Updated::Refused(_) => Err(NotChanged::NotFound),
        }
    }
}

fn disabled(update: Update, by: DisabledBy) -> Result<Update, StoreError> {
    // What was to be resumed waits for the next time that it is enabled.
    Ok(update.set("disabled_by", serde_dynamo::to_attribute_value(by)?).remove(&["due_pk", "due_at"]))
}

/// Until when each of an endpoint's slots is taken, in milliseconds since 1970.
#[derive(Debug, Clone, Deserialize)]
pub struct Slots {
    slots: Vec<i64>,
}

impl Slots {
    fn free(&self, most: usize, now: Timestamp) -> impl Iterator<Item = usize> {
        let now_ms = now.as_millisecond();
        self.slots
            .iter()
            .take(most)
            .enumerate()
            .filter(move |(_, until_ms)| **until_ms <= now_ms)
            .map(|(index, _)| index)
    }
}
