//! The mock banks' memory.

use std::sync::{Arc, Mutex, PoisonError};

use models::EndToEndId;
use providers::ProviderError;
use providers::mock::{Entry, Ledger, UnmatchedTransfer, unmatched_list};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Key, Put, Table, read};
use crate::write::WriteKind;

/// The mock banks' ledger, kept in the table.
#[derive(Debug, Clone)]
pub struct MockLedger {
    table: Table,
}

impl MockLedger {
    /// The ledger in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

fn key(payment: EndToEndId, entry: Entry) -> Key {
    match entry {
        Entry::Decision(attempt) => keys::mock_attempt(payment, attempt),
        Entry::Order(None) => keys::mock_order(payment),
        Entry::Order(Some(attempt)) => keys::mock_resubmission(payment, attempt),
        Entry::Begun(attempt) => keys::mock_begun(payment, attempt),
        Entry::Conclusion(attempt) => keys::mock_conclusion(payment, attempt),
        Entry::Challenge(attempt) => keys::mock_challenge(payment, attempt),
        Entry::TakenBack(attempt) => keys::mock_taken_back(payment, attempt),
        Entry::Refund { attempt, position } => keys::mock_refund(payment, attempt, position),
        Entry::Transfer(position) => keys::mock_transfer(payment, position),
        Entry::Reference => keys::mock_reference(payment),
        Entry::Unmatched(id) => keys::mock_unmatched(payment, id),
    }
}

impl Ledger for MockLedger {
    async fn get<T: DeserializeOwned>(&self, payment: EndToEndId, entry: Entry) -> Result<Option<T>, ProviderError> {
        let key = key(payment, entry);
        let found = self.table.get(key.clone()).await;
        found.and_then(|item| item.map(|item| read(key, item)).transpose()).map_err(ProviderError::unreachable)
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        payment: EndToEndId,
        entry: Entry,
        value: T,
    ) -> Result<T, ProviderError> {
        self.put_first(key(payment, entry), value).await.map_err(ProviderError::unreachable)
    }
}

/// What the mock banks write about a payment whose session is not there yet, shared by its clones:
/// [`crate::Sessions::create_begun`] puts it together with that.
#[derive(Debug, Clone, Default)]
pub struct NewMockEntries(Arc<Mutex<Vec<(Key, Item)>>>);

impl NewMockEntries {
    pub(crate) fn take(self) -> Vec<(Key, Item)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ledger for NewMockEntries {
    /// None: nothing has been written yet of a payment that is new.
    async fn get<T: DeserializeOwned>(&self, _: EndToEndId, _: Entry) -> Result<Option<T>, ProviderError> {
        Ok(None)
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        payment: EndToEndId,
        entry: Entry,
        value: T,
    ) -> Result<T, ProviderError> {
        let item = serde_dynamo::to_item(&value).map_err(ProviderError::unreachable)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((key(payment, entry), item));
        Ok(value)
    }
}

impl MockLedger {
    /// The transfers that match no payment, oldest first.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn unmatched(&self) -> Result<Vec<UnmatchedTransfer>, StoreError> {
        let Some(list) = unmatched_list() else { return Ok(Vec::new()) };
        let items = self.table.query(&keys::mock_pk(list), None, usize::MAX).await?;
        let of_item = |item: Item| {
            let key = Key::of(&item).map_or_else(|| keys::mock_pk(list), |key| key.to_string());
            read(key, item)
        };
        let mut found = items.into_iter().map(of_item).collect::<Result<Vec<UnmatchedTransfer>, _>>()?;
        found.sort_by_key(|transfer| transfer.at);
        Ok(found)
    }

    /// Writes `value` unless there is one, and returns the one that is there.
    async fn put_first<T: Serialize + DeserializeOwned>(&self, key: Key, value: T) -> Result<T, StoreError> {
        match self.table.put_new(WriteKind::MockLedger, key.clone(), serde_dynamo::to_item(&value)?).await? {
            Put::Done => Ok(value),
            Put::Exists(item) => read(key, item),
        }
    }
}
