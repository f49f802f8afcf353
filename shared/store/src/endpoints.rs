//! Webhook endpoints, and how many deliveries to each are under way.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{
    DisabledBy, Endpoint, EndpointFaults, EndpointId, EndpointSecret, EventEncoding, MAX_CONCURRENT_DELIVERIES,
    MAX_ENDPOINTS, MerchantId, MerchantUrl, Mode, Name, SortableTimestamp, Subscription,
};
use serde::Deserialize;
use thiserror::Error;

use crate::acts::ActWrite;
use crate::error::StoreError;
use crate::keys;
use crate::owner::Owner;
use crate::sessions::Fingerprint;
use crate::table::{Item, Key, Table, ms, n, read, s, sk};
use crate::transaction::{Transacted, Transaction, Verdict, get_settled};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// How long a function that read an endpoint may still act on what it saw: the function that delivers runs a minute at the most.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_secs(120);

/// The table's webhook endpoints.
#[derive(Debug, Clone)]
pub struct Endpoints {
    pub(crate) table: Table,
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
    /// Which events it gets.
    pub events: Option<Subscription>,
    /// Whether its events hold ids only.
    pub thin: Option<bool>,
    /// How its events are encoded.
    pub encoding: Option<EventEncoding>,
    /// Whether it gets events at all.
    pub enabled: Option<bool>,
    /// What goes wrong on purpose, for test endpoints; none removes it.
    pub faults: Option<Option<EndpointFaults>>,
}

impl EndpointChange {
    /// The attributes that are set or, where there is no value, removed; without those that follow from `enabled`.
    fn attributes(&self) -> Result<Vec<(&'static str, Option<AttributeValue>)>, StoreError> {
        let Self { url, description, events, thin, encoding, enabled: _, faults } = self;
        let mut all = Vec::new();
        all.extend(url.as_ref().map(|url| ("url", Some(s(url.as_str())))));
        all.extend(description.as_ref().map(|name| ("description", name.as_ref().map(|name| s(name.as_str())))));
        if let Some(events) = events {
            all.push(("events", Some(serde_dynamo::to_attribute_value(events)?)));
        }
        all.extend(thin.map(|thin| ("thin", Some(AttributeValue::Bool(thin)))));
        all.extend(encoding.map(|encoding| ("encoding", Some(s(encoding.as_str())))));
        if let Some(faults) = faults {
            all.push(("faults", faults.map(serde_dynamo::to_attribute_value).transpose()?));
        }
        Ok(all)
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
        self.register(endpoint, registration, None).await
    }

    /// The same by a person, together with the act that it is: `act` makes one of the endpoint with this id.
    ///
    /// # Errors
    /// The table failed us; it may have been registered.
    pub async fn create_by(
        &self,
        endpoint: &Endpoint,
        registration: Registration,
        act: &(dyn Fn(EndpointId) -> Result<ActWrite, StoreError> + Sync),
    ) -> Result<EndpointCreated, StoreError> {
        self.register(endpoint, Some(registration), Some(act)).await
    }

    async fn register(
        &self,
        endpoint: &Endpoint,
        registration: Option<Registration>,
        act: Option<&(dyn Fn(EndpointId) -> Result<ActWrite, StoreError> + Sync)>,
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
            let act = act.map(|act| act(endpoint.id)).transpose()?;
            let transaction = Transaction::default()
                .put_new(WriteKind::EndpointRegister, key, item)
                .update(count.changed_to(&endpoint.merchant_id, endpoint.mode, count.count.saturating_add(1)))
                .act(act.as_ref());
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

    /// Changes an endpoint. Enabling one makes due again what was to be delivered to it, as [`Endpoints::resume`] does. If a person
    /// does it, together with the `act` that it is.
    ///
    /// # Errors
    /// See [`NotChanged`].
    pub async fn change(
        &self,
        owner: &Owner,
        id: &EndpointId,
        change: EndpointChange,
        now: Timestamp,
        act: Option<&ActWrite>,
    ) -> Result<Endpoint, NotChanged> {
        let attributes = change.attributes()?;
        if attributes.is_empty() && change.enabled.is_none() {
            let own = self.get(&owner.merchant_id, id).await?.filter(|endpoint| endpoint.mode == owner.mode);
            return own.ok_or(NotChanged::NotFound);
        }
        let changed = |update: Update| {
            let update = attributes.iter().fold(update, |update, (name, value)| match value {
                Some(value) => update.set(name, value.clone()),
                None => update.remove(&[name]),
            });
            let update = if change.url.is_some() || change.enabled == Some(true) {
                // How the endpoint did before says nothing any more.
                update.set("failures", n(0)).remove(&["parked_until", "pace"])
            } else {
                update
            };
            match change.enabled {
                Some(true) => due(update.remove(&["disabled_by"]), &owner.merchant_id, id, now),
                Some(false) => disabled(update, DisabledBy::Merchant),
                None => update,
            }
        };
        let own = |endpoint: &Endpoint| endpoint.mode == owner.mode;
        let changed = |update: Update, _: &Endpoint| changed(update);
        let written = self.write(WriteKind::EndpointChange, &owner.merchant_id, id, own, changed, act);
        written.await?.ok_or(NotChanged::NotFound)
    }

    /// Replaces an endpoint's secret; the one before stays valid for a day, or until [`Endpoints::finish_rotation`]. Done
    /// again meanwhile, it replaces the new one: a merchant who never got to see that can go on with the one before.
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
        self.replace_secret(owner, id, secret, now, None, None).await?.ok_or(NotChanged::NotFound)
    }

    /// The same for a person who saw that it had been replaced `seen` times, together with the `act` that it is; none if there is
    /// no such endpoint, or its secret has been replaced since: a form that is sent twice replaces it once.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn rotate_once(
        &self,
        owner: &Owner,
        id: &EndpointId,
        secret: &EndpointSecret,
        now: Timestamp,
        seen: u32,
        act: &ActWrite,
    ) -> Result<Option<Endpoint>, StoreError> {
        self.replace_secret(owner, id, secret, now, Some(seen), Some(act)).await
    }

    /// None if there is no such endpoint, or its secret has been replaced another number of times than `seen`.
    async fn replace_secret(
        &self,
        owner: &Owner,
        id: &EndpointId,
        secret: &EndpointSecret,
        now: Timestamp,
        seen: Option<u32>,
        act: Option<&ActWrite>,
    ) -> Result<Option<Endpoint>, StoreError> {
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
        // The version makes a condition of the write of it.
        let may =
            |endpoint: &Endpoint| endpoint.mode == owner.mode && seen.is_none_or(|seen| endpoint.rotations == seen);
        self.write(WriteKind::EndpointRotate, &owner.merchant_id, id, may, replaced, act).await
    }

    /// The secret before is no longer valid. If a person says so, together with the `act` that it is.
    ///
    /// # Errors
    /// See [`NotChanged`].
    pub async fn finish_rotation(
        &self,
        owner: &Owner,
        id: &EndpointId,
        act: Option<&ActWrite>,
    ) -> Result<Endpoint, NotChanged> {
        let finished = |update: Update, _: &Endpoint| update.remove(&["previous_secret", "previous_secret_until"]);
        let own = |endpoint: &Endpoint| endpoint.mode == owner.mode;
        let written = self.write(WriteKind::EndpointFinishRotation, &owner.merchant_id, id, own, finished, act);
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

    /// Makes due again all that was to be delivered to the endpoint and was given up, paused, or waits for its next try: `expire`
    /// does that in the next minutes. False if there is no such endpoint, or it is disabled. If a person does it, together with
    /// the `act` that it is.
    ///
    /// # Errors
    /// The table failed us; the endpoint may be resumed.
    pub async fn resume(
        &self,
        merchant: &MerchantId,
        id: &EndpointId,
        now: Timestamp,
        act: Option<&ActWrite>,
    ) -> Result<bool, StoreError> {
        let resumed = |update: Update, _: &Endpoint| {
            due(update.set("failures", n(0)).remove(&["parked_until", "pace"]), merchant, id, now)
        };
        let written = self.write(WriteKind::EndpointResume, merchant, id, Endpoint::is_enabled, resumed, act);
        Ok(written.await?.is_some())
    }

    /// Nothing is paused or backs off any more, unless that was asked for only just now: a function that paused a cursor or put it
    /// off then may not be done, and the index may be behind.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn resumed(&self, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Result<(), StoreError> {
        let asked_before = now.checked_sub(SETTLES_WITHIN).unwrap_or(Timestamp::MIN);
        let update = present(WriteKind::EndpointResumed, merchant, id)
            .when("#due_at <= :before", [(":before", s(SortableTimestamp::from(asked_before).as_str()))]);
        update.remove(&["due_pk", "due_at"]).send(&self.table).await.map(|_| ())
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
        act: Option<&ActWrite>,
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
            let update = present(kind, merchant, id).of_version(version).set("changed_by", s(write_id.as_str()));
            let update = change(update, &endpoint);
            let written = match act {
                None => update.send(&self.table).await?,
                Some(_) => self.send_with(update, act, merchant, id).await?,
            };
            match written {
                Updated::New(item) => return Ok(Some(read("of an endpoint", item)?)),
                Updated::Refused(item) => found = item,
            }
        }
        Ok(None)
    }

    /// Changes an endpoint together with an act.
    async fn send_with(
        &self,
        update: Update,
        act: Option<&ActWrite>,
        merchant: &MerchantId,
        id: &EndpointId,
    ) -> Result<Updated, StoreError> {
        if let Transacted::Refused(verdicts) = Transaction::default().update(update).act(act).send(&self.table).await?
            && let Verdict::Refused(item) = verdicts.of(0)
        {
            return Ok(Updated::Refused(item));
        }
        // It is done: now, or, as its act is there, by an attempt whose answer was lost, and others have changed it since.
        let item = get_settled(&self.table, keys::endpoint(merchant, id)).await?;
        Ok(item.map_or(Updated::Refused(None), Updated::New))
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

/// Of an endpoint that is there.
pub(crate) fn present(kind: WriteKind, merchant: &MerchantId, id: &EndpointId) -> Update {
    Update::new(kind, keys::endpoint(merchant, id)).when("attribute_exists(#secret)", [])
}

fn due(update: Update, merchant: &MerchantId, id: &EndpointId, now: Timestamp) -> Update {
    let due_pk = keys::due_pk(&keys::endpoint(merchant, id));
    update.set("due_pk", s(due_pk)).set("due_at", s(SortableTimestamp::from(now).as_str()))
}

pub(crate) fn disabled(update: Update, by: DisabledBy) -> Update {
    // What was to be resumed waits for the next time that it is enabled.
    update.set("disabled_by", s(by.as_str())).remove(&["due_pk", "due_at"])
}
