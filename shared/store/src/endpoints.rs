//! Webhook endpoints, and how many deliveries to each are under way.

use jiff::{SignedDuration, Timestamp};
use models::{
    DisabledBy, Endpoint, EndpointId, EndpointSecret, MAX_CONCURRENT_DELIVERIES, MAX_ENDPOINTS, MerchantId,
    MerchantUrl, Name, SortableTimestamp, Subscription,
};
use thiserror::Error;

use crate::error::StoreError;
use crate::keys;
use crate::sessions::{Fingerprint, Owner};
use crate::table::{Item, Table, ms, n, read, s, sk};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::{Update, Updated};

/// How long a slot is taken. Longer than the function that delivers may run.
const SLOT_LEASE: SignedDuration = SignedDuration::from_secs(90);

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
        let mut update = self.owned(owner, id);
        if let Some(url) = change.url {
            update = update.set("url", s(url.as_str()));
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
            Some(true) => {
                let update = update.remove(&["disabled_by", "parked_until"]).set("failures", n(0));
                self.due(update, &owner.merchant_id, id, now)
            }
            Some(false) => {
                let by = serde_dynamo::to_attribute_value(DisabledBy::Merchant).map_err(StoreError::from)?;
                update.set("disabled_by", by)
            }
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
        let replaced = || self.owned(owner, id).set("secret", s(secret.as_str())).increment("rotations");
        let first = replaced()
            .when("attribute_not_exists(#previous_secret_until) OR #previous_secret_until <= :now", [(":now", ms(now))])
            .set_to("previous_secret", "#secret", [])
            .set("previous_secret_until", ms(Endpoint::rotated_until(now)));
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

    /// The endpoint said that it is gone for good.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn gone(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let by = serde_dynamo::to_attribute_value(DisabledBy::Gone)?;
        self.present(&endpoint.merchant_id, &endpoint.id).set("disabled_by", by).send(&self.table).await.map(|_| ())
    }

    /// Makes due again all that the endpoint was to be told and that was given up or held; whether there is one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resume(&self, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let update = self.present(merchant, id).set("failures", n(0)).remove(&["parked_until"]);
        let resumed = self.due(update, merchant, id, now).send(&self.table).await?;
        Ok(matches!(resumed, Updated::New(_)))
    }

    /// All that was held has been made due again.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resumed(&self, merchant: &MerchantId, id: &EndpointId) -> Result<(), StoreError> {
        self.present(merchant, id).remove(&["due_pk", "due_at"]).send(&self.table).await.map(|_| ())
    }

    /// A delivery failed; after some in a row the endpoint is parked. `jitter` is random, from 0 to 1.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn failed(&self, endpoint: &Endpoint, now: Timestamp, jitter: f64) -> Result<(), StoreError> {
        let present = || self.present(&endpoint.merchant_id, &endpoint.id);
        let counted = present().increment("failures").send(&self.table).await?;
        let Updated::New(item) = counted else { return Ok(()) };
        let Endpoint { failures, .. } = read("of an endpoint", item)?;
        if let Some(until) = Endpoint::park_until(failures, now, jitter) {
            // Unless others have failed, or one has succeeded, since: theirs is the later word.
            let park = present().when("#failures = :failures", [(":failures", n(failures))]);
            park.set("parked_until", ms(until)).send(&self.table).await?;
        }
        Ok(())
    }

    /// A delivery succeeded after others had failed.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn recovered(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let update = self.present(&endpoint.merchant_id, &endpoint.id).set("failures", n(0)).remove(&["parked_until"]);
        update.send(&self.table).await.map(|_| ())
    }

    /// Takes one of the endpoint's slots, if one is free; `first` is the one to look at first, for those who come together
    /// not to ask for the same.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn take_slot(
        &self,
        endpoint: &Endpoint,
        first: usize,
        now: Timestamp,
    ) -> Result<Option<Slot>, StoreError> {
        let most = endpoint.max_concurrent_deliveries();
        let until = now.checked_add(SLOT_LEASE).unwrap_or(Timestamp::MAX);
        let mut index = first % most;
        for _ in 0..most {
            let update = self
                .present(&endpoint.merchant_id, &endpoint.id)
                .when(&format!("#slots[{index}] <= :now"), [(":now", ms(now))])
                .set_element("slots", index, ms(until));
            let slots = match update.send(&self.table).await? {
                Updated::New(_) => return Ok(Some(Slot { index, until })),
                Updated::Refused(None) => return Ok(None),
                Updated::Refused(Some(item)) => {
                    let Slots { slots } = read("of an endpoint", item)?;
                    slots
                }
            };
            let free = |slot: &usize| slots.get(*slot).is_some_and(|until| *until <= now.as_millisecond());
            match (index + 1..most).chain(0..index).find(free) {
                Some(next) => index = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Gives a slot back.
    ///
    /// # Errors
    /// The table failed us; it is free again when its time is over.
    pub async fn free_slot(&self, endpoint: &Endpoint, slot: Slot) -> Result<(), StoreError> {
        let update = self
            .present(&endpoint.merchant_id, &endpoint.id)
            .when(&format!("#slots[{}] = :until", slot.index), [(":until", ms(slot.until))])
            .set_element("slots", slot.index, n(0));
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

/// Until when each slot is taken, in milliseconds since 1970.
#[derive(Debug, serde::Deserialize)]
struct Slots {
    slots: Vec<i64>,
}
