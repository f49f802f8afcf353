//! Customers.
//!
//! One that is deleted or erased leaves a tombstone, so that its id is never used again.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use models::{Customer, CustomerId, ListShards, MerchantId, Mode, SortableTimestamp, WriteId};

use crate::error::StoreError;
use crate::history::{correlate_new, with_key};
use crate::keys;
use crate::list::{self, ListRange, Page, Partitions, Wanted};
use crate::owner::{Owner, Whose};
use crate::session_writes::{owned, present};
use crate::sessions::Fingerprint;
use crate::table::{Item, Key, Put, Table, ms, read, s};
use crate::tombstone::is_tombstone;
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// The table's customers.
#[derive(Debug, Clone)]
pub struct Customers {
    pub(crate) table: Table,
}

/// What became of creating a customer.
#[derive(Debug)]
pub enum CustomerCreated {
    /// It is there now.
    New(Box<Customer>),
    /// One with this id was there, created by a request with this fingerprint.
    Existing(Box<Customer>, Option<Fingerprint>),
    /// One with this id was there and has been deleted or erased.
    Deleted,
}

/// What there is of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerRecord {
    /// All of it.
    Present(Box<Customer>),
    /// It was deleted or erased.
    Deleted,
}

/// The request that a change is made by, if it has an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// What the key stands for.
    pub write_id: WriteId,
    /// What is asked for.
    pub fingerprint: Fingerprint,
}

/// What became of changing a customer.
#[derive(Debug)]
pub enum CustomerChanged {
    /// It is changed.
    Done {
        /// As it is now.
        customer: Box<Customer>,
        /// Whether a request with this key had changed it before.
        repeated: bool,
    },
    /// The key was used for another change.
    KeyUsed,
    /// There is none with this id, or not this owner's, or it was deleted or erased.
    NotFound,
}

/// How many requests a customer remembers by their keys: the latest.
const MAX_KEYED: usize = 16;

/// The attributes that a change sets or removes.
const CHANGED: [&str; 5] = ["email", "name", "phone", "metadata", "extra"];

/// What else a tombstone has none of: what a person could be known by, and the keys of the indexes.
const OF_PRESENT: [&str; 9] =
    ["changed_at", "changed_by", "created_by", "fingerprint", "keyed", "list_pk", "list_sk", "final_pk", "final_at"];

impl Customers {
    /// The customers in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Creates a customer: one conditional PutItem, list and final keys included.
    ///
    /// # Errors
    /// The table failed us; the customer may have been created.
    pub async fn create(
        &self,
        customer: Customer,
        fingerprint: Option<Fingerprint>,
    ) -> Result<CustomerCreated, StoreError> {
        let (key, mut item) = new_item(&customer)?;
        correlate_new(&mut item);
        if let Some(fingerprint) = fingerprint {
            item.insert("fingerprint".into(), fingerprint.as_attribute());
        }
        let ours = s(self.table.random.write_id().as_str());
        item.insert("created_by".into(), ours.clone());
        let existing = match self.table.put_new(WriteKind::CustomerCreate, key.clone(), item).await? {
            Put::Done => return Ok(CustomerCreated::New(Box::new(customer))),
            Put::Exists(existing) => existing,
        };
        if is_tombstone(&existing) {
            return Ok(CustomerCreated::Deleted);
        }
        // The SDK repeated a put whose answer was lost: what it met is our own.
        if existing.get("created_by") == Some(&ours) {
            return Ok(CustomerCreated::New(Box::new(customer)));
        }
        let first = Fingerprint::of(&existing);
        Ok(CustomerCreated::Existing(Box::new(read(key, existing)?), first))
    }

    /// What there is of a customer of `owner`'s. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn find(&self, id: &CustomerId, owner: &Owner) -> Result<Option<CustomerRecord>, StoreError> {
        let key = keys::customer(id);
        let Some(item) = self.table.get(key.clone()).await? else { return Ok(None) };
        record(key, item, owner)
    }

    /// The customer, unless there is none, or not of this owner's, or it was deleted or erased. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, id: &CustomerId, owner: &Owner) -> Result<Option<Customer>, StoreError> {
        Ok(match self.find(id, owner).await? {
            Some(CustomerRecord::Present(customer)) => Some(*customer),
            Some(CustomerRecord::Deleted) | None => None,
        })
    }

    /// Whose customer it is, in which mode, and whether it is there still: not if it was deleted or erased. None if there never
    /// was one.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn whose(&self, id: &CustomerId) -> Result<Option<(MerchantId, Mode, bool)>, StoreError> {
        let Some(item) = self.table.get(keys::customer(id)).await? else { return Ok(None) };
        let is_there = !is_tombstone(&item);
        let Whose { merchant_id, mode, .. } = read(keys::customer(id), item)?;
        Ok(Some((merchant_id, mode, is_there)))
    }

    /// Makes a customer what `change` makes of it. Done again upon what others have changed meanwhile, and not done again if a
    /// request with the same key did it before; the latest [`MAX_KEYED`] are remembered.
    ///
    /// # Errors
    /// `change` refuses, so that nothing is written; or the table failed us, and it may have been changed.
    pub async fn change<E: From<StoreError>>(
        &self,
        id: &CustomerId,
        owner: &Owner,
        at: Timestamp,
        request: Option<&KeyedRequest>,
        change: impl Fn(Customer) -> Result<Customer, E>,
    ) -> Result<CustomerChanged, E> {
        let key = keys::customer(id);
        let ours = s(self.table.random.write_id().as_str());
        let mut item = self.table.get(key.clone()).await?;
        loop {
            let Some(found) = item else { return Ok(CustomerChanged::NotFound) };
            let Some(CustomerRecord::Present(customer)) = record(key.clone(), found.clone(), owner)? else {
                return Ok(CustomerChanged::NotFound);
            };
            // The SDK repeated an update whose answer was lost.
            if found.get("changed_by") == Some(&ours) {
                return Ok(CustomerChanged::Done { customer, repeated: false });
            }
            let mut keyed = keyed(&found);
            if let Some(request) = request
                && let Some(before) = keyed.iter().find(|before| before.write_id == request.write_id)
            {
                let same = before.fingerprint == request.fingerprint;
                return Ok(if same {
                    CustomerChanged::Done { customer, repeated: true }
                } else {
                    CustomerChanged::KeyUsed
                });
            }
            let changed = change((*customer).clone())?;
            if changed == *customer {
                return Ok(CustomerChanged::Done { customer, repeated: false });
            }
            keyed.extend(request.cloned());
            let update =
                changing(&found, Customer { changed_at: at, ..changed }, &keyed)?.set("changed_by", ours.clone());
            item = match update.send(&self.table).await? {
                Updated::New(item) => {
                    let customer = Box::new(read(key, item)?);
                    return Ok(CustomerChanged::Done { customer, repeated: false });
                }
                Updated::Refused(item) => item,
            };
        }
    }

    /// Deletes a customer: a tombstone without personal data stays. False if there is none, or not this owner's; a repetition
    /// changes nothing, and is true.
    ///
    /// # Errors
    /// The table failed us; it may have been deleted.
    pub async fn delete(&self, id: &CustomerId, owner: &Owner, at: Timestamp) -> Result<bool, StoreError> {
        let key = keys::customer(id);
        let update = owned(tombstoned(WriteKind::CustomerDelete, key.clone(), at), owner);
        Ok(match update.send(&self.table).await? {
            Updated::New(_) => true,
            Updated::Refused(Some(item)) => record(key, item, owner)?.is_some(),
            Updated::Refused(None) => false,
        })
    }

    /// Customers of `owner`, of the format through which they come, whose lists have this number of shards, newest first.
    /// Which they are is eventually consistent, each is as it is; one call for each shard and one more.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn list(
        &self,
        owner: &Owner,
        shards: ListShards,
        range: ListRange,
    ) -> Result<Page<Customer>, StoreError> {
        let format = owner.format.unwrap_or_default();
        let list_pks = shards.all().map(|shard| keys::customers_list_pk(&owner.merchant_id, owner.mode, format, shard));
        list::page(&self.table, Partitions { list_pks, lists: 1 }, range, Wanted { amount: None, filter: None }).await
    }

    /// A session of theirs began or ended at that time: their personal data is kept for as long after it as after their last
    /// change.
    ///
    /// # Errors
    /// The table failed us; it may be noted.
    pub async fn note_session(&self, id: &CustomerId, at: Timestamp) -> Result<(), StoreError> {
        let at = s(SortableTimestamp::from(at).as_str());
        let update = Update::new(WriteKind::CustomerSession, keys::customer(id))
            // A comparison with what is not there does not hold: not of a tombstone.
            .when("#final_at < :at", [(":at", at.clone())])
            .set("final_at", at);
        update.send(&self.table).await.map(|_| ())
    }
}

/// A customer's item as it is first put, in both indexes.
pub(crate) fn new_item(customer: &Customer) -> Result<(Key, Item), StoreError> {
    let Customer { id, merchant_id, mode, format, list_shard, created_at, changed_at, .. } = customer;
    let key = keys::customer(id);
    let mut item: Item = serde_dynamo::to_item(customer)?;
    item.insert("list_pk".into(), s(keys::customers_list_pk(merchant_id, *mode, *format, *list_shard)));
    item.insert("list_sk".into(), s(keys::list_sk(*created_at, id)));
    item.insert("final_pk".into(), s(keys::final_pk(&key)));
    item.insert("final_at".into(), s(SortableTimestamp::from(*changed_at).as_str()));
    Ok((key, item))
}

/// Makes a tombstone of a customer that is there.
pub(crate) fn tombstoned(kind: WriteKind, key: Key, at: Timestamp) -> Update {
    let update = with_key(present(Update::new(kind, key))).when("attribute_exists(#pk)", []);
    update.set("deleted_at", ms(at)).remove(&CHANGED).remove(&OF_PRESENT)
}

/// What must not be left of a deleted or erased one.
pub(crate) fn left_of_deleted(item: &Item) -> impl Iterator<Item = &'static str> {
    CHANGED.into_iter().chain(OF_PRESENT).filter(|attribute| item.contains_key(*attribute))
}

/// What an item is to this owner.
fn record(key: Key, item: Item, owner: &Owner) -> Result<Option<CustomerRecord>, StoreError> {
    if is_tombstone(&item) {
        let whose: Whose = read(key, item)?;
        return Ok(owner.owns_what_is_left(&whose).then_some(CustomerRecord::Deleted));
    }
    let customer: Customer = read(key, item)?;
    Ok(owner.owns_customer(&customer).then(|| CustomerRecord::Present(Box::new(customer))))
}

/// The requests with keys that have changed a customer, oldest first.
fn keyed(item: &Item) -> Vec<KeyedRequest> {
    let requests = item.get("keyed").and_then(|keyed| keyed.as_l().ok()).map_or(&[][..], Vec::as_slice);
    let request = |request: &AttributeValue| {
        let request = request.as_m().ok()?;
        let write_id = request.get("write_id")?.as_s().ok()?.parse().ok()?;
        Some(KeyedRequest { write_id, fingerprint: Fingerprint::of(request)? })
    };
    requests.iter().filter_map(request).collect()
}

/// The update of a customer as it was `found`, which holds once by its version. A session that is noted meanwhile is not lost.
fn changing(found: &Item, changed: Customer, keyed: &[KeyedRequest]) -> Result<Update, StoreError> {
    let changed_at = SortableTimestamp::from(changed.changed_at);
    let final_at = found.get("final_at").and_then(|at| at.as_s().ok()).map_or("", String::as_str);
    let mut update = with_key(present(Update::new(WriteKind::CustomerChange, keys::customer(&changed.id))))
        .of_version(Version::of(Some(found)))
        .when("#final_at = :final_at", [(":final_at", s(final_at))])
        .set("final_at", s(final_at.max(changed_at.as_str())));
    let mut attributes: Item = serde_dynamo::to_item(changed)?;
    for attribute in CHANGED.into_iter().chain(["changed_at"]) {
        update = match attributes.remove(attribute) {
            Some(value) => update.set(attribute, value),
            None => update.remove(&[attribute]),
        };
    }
    let remembered = keyed.iter().skip(keyed.len().saturating_sub(MAX_KEYED)).map(|request| {
        let write_id = ("write_id".to_owned(), s(request.write_id.as_str()));
        let fingerprint = ("fingerprint".to_owned(), request.fingerprint.as_attribute());
        AttributeValue::M([write_id, fingerprint].into())
    });
    Ok(update.set("keyed", AttributeValue::L(remembered.collect())))
}
