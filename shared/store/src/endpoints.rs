//! Webhook endpoints, and how many deliveries to each are under way.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{
    DisabledBy, Endpoint, EndpointId, EndpointSecret, MAX_CONCURRENT_DELIVERIES, MAX_ENDPOINTS, MerchantId,
    MerchantUrl, Mode, Name, Pace, SortableTimestamp, Subscription,
};
use serde::Deserialize;
use thiserror::Error;

use crate::cursors::LEASE;
use crate::error::StoreError;
use crate::keys;
use crate::owner::Owner;
use crate::sessions::Fingerprint;
use crate::table::{Item, Key, Table, ms, n, read, s, sk};
use crate::transaction::{Transacted, Transaction};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// How long whoever looked at an endpoint may still act on what it saw: the function that delivers runs a minute at the most.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_secs(120);

/// The table's webhook endpoints.
#[derive(Debug, Clone)]
pub struct Endpoints {
    table: Table,
}

/// A registration with an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// What the key stands for. Endpoints of release 0.1 have it as their id.
    pub name: EndpointId,
    /// What is asked for.
    pub fingerprint: Fingerprint,
}

/// What became of registering an endpoint.
#[derive(Debug)]
pub enum EndpointCreated {
    /// It is there now, perhaps with another id than it was to have.
    New(Box<Endpoint>),
    /// One was registered by this name, by a request with this fingerprint, and has not been removed.
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
    /// The endpoint's when it was claimed: what a delivery showed is about the endpoint of this version alone.
    version: Version,
    /// Whether the last delivery in it was taken; giving it back says so of the endpoint.
    pub taken: bool,
    /// How soon the endpoint answers, as the deliveries in it showed; giving it back says so of the endpoint.
    pub pace: Pace,
}

impl Slot {
    /// What the slot holds after another write in it.
    fn next(&self) -> Timestamp {
        self.until.checked_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX)
    }

    /// What it holds once it is free: later than when it was claimed, so that a first attempt to claim it that arrives now is
    /// refused; and so much later that no next claim holds what this one did.
    fn freed_at(&self) -> Timestamp {
        self.next().checked_sub(LEASE).unwrap_or(Timestamp::MIN)
    }
}

impl Endpoints {
    /// The endpoints in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Registers an endpoint, unless the merchant has too many in this mode, or one was registered by the same key: one
    /// transaction with their count, whose version says that none was registered or removed since they were read.
    ///
    /// # Errors
    /// The table failed us; it may have been registered.
    pub async fn create(
        &self,
        endpoint: &Endpoint,
        registration: Option<Registration>,
    ) -> Result<EndpointCreated, StoreError> {
        let mut endpoint = endpoint.clone();
        loop {
            let Partition { endpoints, count } = self.partition(&endpoint.merchant_id, endpoint.mode).await?;
            for item in endpoints {
                let named = registration.is_some_and(|registration| is_named(&item, &registration));
                let first = Fingerprint::of(&item);
                let existing: Endpoint = read("of an endpoint", item)?;
                // The SDK repeated a transaction whose answer was lost: the random secret is our own.
                if existing.secret == endpoint.secret {
                    return Ok(EndpointCreated::New(Box::new(existing)));
                }
                if named && existing.mode == endpoint.mode {
                    return Ok(EndpointCreated::Existing(Box::new(existing), first));
                }
            }
            if count.count >= MAX_ENDPOINTS {
                return Ok(EndpointCreated::TooMany);
            }
            let (key, item) = new_item(&endpoint, registration)?;
            let transaction = Transaction::default()
                .put_new(WriteKind::EndpointRegister, key, item)
                .update(count.changed_to(&endpoint.merchant_id, endpoint.mode, count.count.saturating_add(1)));
            match transaction.send(&self.table).await? {
                Transacted::Done => return Ok(EndpointCreated::New(Box::new(endpoint))),
                // Others came or went since. No id is used twice, not even if ours was registered and has been removed.
                Transacted::Refused(_) => endpoint.id = EndpointId::new(self.table.random.uuid_v7(endpoint.created_at)),
            }
        }
    }

    /// A merchant's endpoints, of both modes, oldest first. Consistent.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of(&self, merchant: &MerchantId) -> Result<Vec<Endpoint>, StoreError> {
        let pk = keys::endpoints_pk(merchant);
        let items = self.table.query(&pk, None, usize::MAX).await?;
        let endpoints = items.into_iter().filter(is_endpoint);
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
        let events: Option<AttributeValue> =
            change.events.as_ref().map(serde_dynamo::to_attribute_value).transpose().map_err(StoreError::from)?;
        let changed = |mut update: Update| {
            if let Some(url) = &change.url {
                update = update.set("url", s(url.as_str()));
            }
            if change.url.is_some() || change.enabled == Some(true) {
                // How the endpoint did before says nothing any more.
                update = update.set("failures", n(0)).remove(&["parked_until", "pace"]);
            }
            update = match &change.description {
                Some(Some(description)) => update.set("description", s(description.as_str())),
                Some(None) => update.remove(&["description"]),
                None => update,
            };
            if let Some(events) = &events {
                update = update.set("events", events.clone());
            }
            if let Some(thin) = change.thin {
                update = update.set("thin", AttributeValue::Bool(thin));
            }
            match change.enabled {
                Some(true) => due(update.remove(&["disabled_by"]), &owner.merchant_id, id, now),
                Some(false) => disabled(update, DisabledBy::Merchant),
                None => update,
            }
        };
        let own = |endpoint: &Endpoint| endpoint.mode == owner.mode;
        let written = self.write(WriteKind::EndpointChange, &owner.merchant_id, id, own, |update, _| changed(update));
        written.await?.ok_or(NotChanged::NotFound)
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
        let replaced = |update: Update, endpoint: &Endpoint| {
            let update = update
                .set("secret", s(secret.as_str()))
                .set("previous_secret_until", ms(Endpoint::rotated_until(now)))
                .increment("rotations");
            if endpoint.previous_secret_until.is_none_or(|until| until <= now) {
                update.set_to("previous_secret", "#secret", [])
            } else {
                update
            }
        };
        let own = |endpoint: &Endpoint| endpoint.mode == owner.mode;
        let written = self.write(WriteKind::EndpointRotate, &owner.merchant_id, id, own, replaced);
        written.await?.ok_or(NotChanged::NotFound)
    }

    /// The secret before is no longer valid.
    ///
    /// # Errors
    /// See [`NotChanged`].
    pub async fn finish_rotation(&self, owner: &Owner, id: &EndpointId) -> Result<Endpoint, NotChanged> {
        let finished = |update: Update, _: &Endpoint| update.remove(&["previous_secret", "previous_secret_until"]);
        let own = |endpoint: &Endpoint| endpoint.mode == owner.mode;
        let written = self.write(WriteKind::EndpointFinishRotation, &owner.merchant_id, id, own, finished);
        written.await?.ok_or(NotChanged::NotFound)
    }

    /// Removes an endpoint; whether there was one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn delete(&self, owner: &Owner, id: &EndpointId) -> Result<bool, StoreError> {
        let mut was_there = false;
        loop {
            let Partition { endpoints, count } = self.partition(&owner.merchant_id, owner.mode).await?;
            let key = keys::endpoint(&owner.merchant_id, id);
            let Some(item) = endpoints.into_iter().find(|item| sk(item) == key.sk) else { return Ok(was_there) };
            let endpoint: Endpoint = read(&key, item)?;
            if !owner.is(&endpoint.merchant_id, endpoint.mode) {
                return Ok(false);
            }
            was_there = true;
            let transaction = Transaction::default().delete(WriteKind::EndpointRemove, key).update(count.changed_to(
                &owner.merchant_id,
                owner.mode,
                count.count.saturating_sub(1),
            ));
            match transaction.send(&self.table).await? {
                Transacted::Done => return Ok(true),
                // Others came or went since; or somebody else, or our own first try, has removed it.
                Transacted::Refused(_) => {}
            }
        }
    }

    /// The endpoint, as it was called in this slot, said that it is gone for good; false if it was changed since, and so stays
    /// as it is.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn gone(&self, endpoint: &Endpoint, slot: &Slot) -> Result<bool, StoreError> {
        let ours = s(self.table.random.write_id().as_str());
        let update = self.present(WriteKind::EndpointGone, &endpoint.merchant_id, &endpoint.id);
        let update = update.of_version(slot.version).set("changed_by", ours.clone());
        Ok(match disabled(update, DisabledBy::Gone).send(&self.table).await? {
            Updated::New(_) => true,
            // By our first try, if its answer was lost. It is not made again: what we saw is not of what is there now.
            Updated::Refused(item) => item.is_some_and(|item| item.get("changed_by") == Some(&ours)),
        })
    }

    /// Makes due again all that the endpoint was to be told and that was given up or held; false if there is no such
    /// endpoint, or it is disabled.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resume(&self, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Result<bool, StoreError> {
        let resumed = |update: Update, _: &Endpoint| {
            due(update.set("failures", n(0)).remove(&["parked_until", "pace"]), merchant, id, now)
        };
        let written = self.write(WriteKind::EndpointResume, merchant, id, Endpoint::is_enabled, resumed);
        Ok(written.await?.is_some())
    }

    /// Nothing is held any more, unless that was asked for only just now: whoever held something back then may not be done,
    /// and the index may be behind.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resumed(&self, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Result<(), StoreError> {
        let asked_before = now.checked_sub(SETTLES_WITHIN).unwrap_or(Timestamp::MIN);
        let update = self
            .present(WriteKind::EndpointResumed, merchant, id)
            .when("#due_at <= :before", [(":before", s(SortableTimestamp::from(asked_before).as_str()))]);
        update.remove(&["due_pk", "due_at"]).send(&self.table).await.map(|_| ())
    }

    /// A delivery that `began` then failed; after some in a row the endpoint is parked, and before that if it asked `not_before`
    /// when to be called. Those that were under way when it was parked are not counted, so that a moment of trouble is not
    /// counted ten times, but may ask for longer. Nothing is noted of an endpoint that was changed since it was called. `jitter`
    /// is random, from 0 to 1. It is counted while the slot is held, once.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn failed(
        &self,
        endpoint: &Endpoint,
        slot: &mut Slot,
        began: Timestamp,
        now: Timestamp,
        jitter: f64,
        not_before: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (mut known, mut parked_until) = (endpoint.failures, None);
        loop {
            let counted = slot.next();
            let update = self.in_slot(WriteKind::SlotFail, endpoint, slot).at_version(slot.version).set_element(
                "slots",
                slot.index,
                ms(counted),
            );
            let update = if let Some(parked_until) = parked_until.filter(|until| *until > began) {
                let Some(longer) = not_before.filter(|until| *until > parked_until) else { return Ok(()) };
                update.when("#parked_until < :longer", [(":longer", ms(longer))]).set("parked_until", ms(longer))
            } else {
                let failures = known.saturating_add(1);
                let update = update
                    .when("#failures = :known", [(":known", n(known))])
                    .when("attribute_not_exists(#parked_until) OR #parked_until <= :began", [(":began", ms(began))])
                    .set("failures", n(failures));
                match Endpoint::park_until(failures, now, jitter).max(not_before) {
                    Some(until) => update.set("parked_until", ms(until)),
                    None => update,
                }
            };
            match update.send(&self.table).await? {
                Updated::New(_) => {
                    slot.until = counted;
                    return Ok(());
                }
                Updated::Refused(None) => return Ok(()),
                Updated::Refused(Some(item)) => {
                    let held: Slots = read("of an endpoint", item.clone())?;
                    if held.until_ms(slot) == Some(counted.as_millisecond()) {
                        // Counted by our first try, whose answer was lost.
                        slot.until = counted;
                        return Ok(());
                    }
                    let is_held = held.until_ms(slot) == Some(slot.until.as_millisecond());
                    if !is_held || Version::of(Some(&item)) != slot.version {
                        return Ok(());
                    }
                    // Others have failed, or one has succeeded, since.
                    Endpoint { failures: known, parked_until, .. } = read("of an endpoint", item)?;
                }
            }
        }
    }

    /// Claims one of the endpoint's slots, if one is free; `slots` is what [`Endpoints::look_up`] saw of them. With it comes the
    /// endpoint as it is then, which may have been changed since: this one is to be called.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn take_slot(
        &self,
        endpoint: &Endpoint,
        mut slots: Slots,
        now: Timestamp,
    ) -> Result<Option<(Endpoint, Slot)>, StoreError> {
        let most = endpoint.max_concurrent_deliveries();
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        for _ in 0..most {
            let free: Vec<usize> = slots.free(most, now).collect();
            // Any of them, for those who come together not to ask for the same.
            let Some(&index) = self.table.random.choice(&free) else { return Ok(None) };
            let update = self
                .present(WriteKind::SlotClaim, &endpoint.merchant_id, &endpoint.id)
                .when(&format!("#slots[{index}] <= :now"), [(":now", ms(now))])
                .set_element("slots", index, ms(until));
            match update.send(&self.table).await? {
                Updated::New(item) => {
                    let version = Version::of(Some(&item));
                    let endpoint: Endpoint = read("of an endpoint", item)?;
                    let slot = Slot { index, until, version, taken: false, pace: endpoint.pace };
                    return Ok(Some((endpoint, slot)));
                }
                Updated::Refused(None) => return Ok(None),
                Updated::Refused(Some(item)) => slots = read("of an endpoint", item)?,
            }
        }
        Ok(None)
    }

    /// Gives a slot back. If what was delivered in it was taken, the endpoint's failures are over, also those that others
    /// have counted since it was read; but if the endpoint itself was changed since, nothing is noted of it.
    ///
    /// # Errors
    /// The table failed us; it is free again when its time is over.
    pub async fn free_slot(&self, endpoint: &Endpoint, slot: Slot) -> Result<(), StoreError> {
        let freed =
            self.in_slot(WriteKind::SlotFree, endpoint, &slot).set_element("slots", slot.index, ms(slot.freed_at()));
        if slot.taken || slot.pace != endpoint.pace {
            let mut update = freed.clone().at_version(slot.version);
            if slot.taken {
                update = update.set("failures", n(0)).remove(&["parked_until"]);
            }
            if slot.pace != endpoint.pace {
                update = update.set("pace", serde_dynamo::to_attribute_value(slot.pace)?);
            }
            if matches!(update.send(&self.table).await?, Updated::New(_)) {
                return Ok(());
            }
        }
        freed.send(&self.table).await.map(|_| ())
    }

    fn present(&self, kind: WriteKind, merchant: &MerchantId, id: &EndpointId) -> Update {
        Update::new(kind, keys::endpoint(merchant, id)).when("attribute_exists(#secret)", [])
    }

    fn in_slot(&self, kind: WriteKind, endpoint: &Endpoint, slot: &Slot) -> Update {
        let held = format!("#slots[{}] = :until", slot.index);
        self.present(kind, &endpoint.merchant_id, &endpoint.id).when(&held, [(":until", ms(slot.until))])
    }

    /// Changes an endpoint if `may` says so of it as it is, and expects that it is still so by its version: a first attempt
    /// that arrives after what others have changed since changes nothing. If others have changed it, it is changed as it is
    /// then: only for what was asked for, not for what rests on how the endpoint was before. None if there is no such endpoint.
    async fn write(
        &self,
        kind: WriteKind,
        merchant: &MerchantId,
        id: &EndpointId,
        may: impl Fn(&Endpoint) -> bool,
        change: impl Fn(Update, &Endpoint) -> Update,
    ) -> Result<Option<Endpoint>, StoreError> {
        let write_id = self.table.random.write_id();
        let mut found = self.table.get(keys::endpoint(merchant, id)).await?;
        while let Some(item) = found {
            let version = Version::of(Some(&item));
            let ours = item.get("changed_by") == Some(&s(write_id.as_str()));
            let endpoint: Endpoint = read("of an endpoint", item)?;
            if ours {
                // The SDK repeated an update whose answer was lost.
                return Ok(Some(endpoint));
            }
            if !may(&endpoint) {
                return Ok(None);
            }
            let update = self.present(kind, merchant, id).of_version(version).set("changed_by", s(write_id.as_str()));
            match change(update, &endpoint).send(&self.table).await? {
                Updated::New(item) => return Ok(Some(read("of an endpoint", item)?)),
                Updated::Refused(item) => found = item,
            }
        }
        Ok(None)
    }

    /// A merchant's endpoints, and how many of them there are in this mode. Consistent.
    async fn partition(&self, merchant: &MerchantId, mode: Mode) -> Result<Partition, StoreError> {
        let key = keys::endpoint_count(merchant, mode);
        let (endpoints, counts): (Vec<_>, Vec<_>) =
            self.table.query(&key.pk, None, usize::MAX).await?.into_iter().partition(is_endpoint);
        let count = counts.into_iter().find(|item| sk(item) == key.sk);
        let version = Version::of(count.as_ref());
        let count = count.map(|item| read::<CountItem>(&key, item)).transpose()?;
        Ok(Partition { endpoints, count: Count { count: count.map_or(0, |item| item.count), version } })
    }
}

/// A merchant's endpoints, as they are kept.
struct Partition {
    endpoints: Vec<Item>,
    count: Count,
}

/// How many endpoints a merchant has in one mode, and how often one came or went.
#[derive(Debug, Clone, Copy)]
struct Count {
    count: u32,
    version: Version,
}

#[derive(Debug, Deserialize)]
struct CountItem {
    count: u32,
}

impl Count {
    fn changed_to(self, merchant: &MerchantId, mode: Mode, count: u32) -> Update {
        let update = Update::new(WriteKind::EndpointCount, keys::endpoint_count(merchant, mode));
        // The count as well, for release 0.1 changes it without the version.
        let unchanged =
            if self.count == 0 { "attribute_not_exists(#count) OR #count = :counted" } else { "#count = :counted" };
        update.of_version(self.version).when(unchanged, [(":counted", n(self.count))]).set("count", n(count))
    }
}

fn is_endpoint(item: &Item) -> bool {
    !sk(item).starts_with(keys::COUNT_PREFIX)
}

/// Whether an endpoint's item was registered by this name.
fn is_named(item: &Item, registration: &Registration) -> bool {
    let name = registration.name.to_string();
    sk(item) == name || item.get("registration") == Some(&s(name))
}

fn new_item(endpoint: &Endpoint, registration: Option<Registration>) -> Result<(Key, Item), StoreError> {
    let mut item: Item = serde_dynamo::to_item(endpoint)?;
    item.insert("slots".into(), serde_dynamo::to_attribute_value([0_i64; MAX_CONCURRENT_DELIVERIES])?);
    if let Some(Registration { name, fingerprint }) = registration {
        item.insert("registration".into(), s(name.to_string()));
        item.insert("fingerprint".into(), fingerprint.as_attribute());
    }
    Ok((keys::endpoint(&endpoint.merchant_id, &endpoint.id), item))
}

fn due(update: Update, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Update {
    let due_pk = keys::due_pk(&keys::endpoint(merchant, id));
    update.set("due_pk", s(due_pk)).set("due_at", s(SortableTimestamp::from(now).as_str()))
}

fn disabled(update: Update, by: DisabledBy) -> Update {
    // What was to be resumed waits for the next time that it is enabled.
    update.set("disabled_by", s(by.as_str())).remove(&["due_pk", "due_at"])
}

/// Until when each of an endpoint's slots is taken, in milliseconds since 1970.
#[derive(Debug, Clone, Deserialize)]
pub struct Slots {
    slots: Vec<i64>,
}

impl Slots {
    fn until_ms(&self, slot: &Slot) -> Option<i64> {
        self.slots.get(slot.index).copied()
    }

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
