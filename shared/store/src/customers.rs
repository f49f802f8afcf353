//! Customers.

use models::{Customer, CustomerId, SortableTimestamp};

use crate::error::StoreError;
use crate::keys;
use crate::owner::Owner;
use crate::sessions::Fingerprint;
use crate::table::{Item, Key, Put, Table, read, s};
use crate::tombstone::is_tombstone;
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

    /// The customer, unless there is none, or not of this owner's, or it was deleted or erased. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, id: &CustomerId, owner: &Owner) -> Result<Option<Customer>, StoreError> {
        let key = keys::customer(id);
        match self.table.get(key.clone()).await? {
            Some(item) if !is_tombstone(&item) => Ok(Some(read(key, item)?).filter(|found| owner.owns_customer(found))),
            Some(_) | None => Ok(None),
        }
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
