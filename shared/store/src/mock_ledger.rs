//! The mock bank's memory.

use models::EndToEndId;
use providers::ProviderError;
use providers::mock::{Decided, Ledger, Order};
use serde::Serialize;

use crate::error::StoreError;
use crate::keys;
use crate::table::{Key, Put, Table, read};
use crate::write::WriteKind;

/// The mock bank's ledger, kept in the table.
#[derive(Debug, Clone)]
pub struct MockLedger {
    table: Table,
}

impl MockLedger {
    /// The ledger in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, key: Key) -> Result<Option<T>, StoreError> {
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }

    /// Writes `entry` unless there is one, and returns the one that is there.
    async fn put<T: Serialize + serde::de::DeserializeOwned>(&self, key: Key, entry: T) -> Result<T, StoreError> {
        match self.table.put_new(WriteKind::MockLedger, key.clone(), serde_dynamo::to_item(&entry)?).await? {
            Put::Done => Ok(entry),
            Put::Exists(item) => read(key, item),
        }
    }
}

impl Ledger for MockLedger {
    async fn decided(&self, payment: EndToEndId, attempt: u8) -> Result<Option<Decided>, ProviderError> {
        self.get(keys::mock_attempt(payment, attempt)).await.map_err(ProviderError::new)
    }

    async fn decide(&self, payment: EndToEndId, attempt: u8, decided: Decided) -> Result<Decided, ProviderError> {
        self.put(keys::mock_attempt(payment, attempt), decided).await.map_err(ProviderError::new)
    }

    async fn order(&self, payment: EndToEndId) -> Result<Option<Order>, ProviderError> {
        self.get(keys::mock_order(payment)).await.map_err(ProviderError::new)
    }

    async fn put_order(&self, payment: EndToEndId, order: Order) -> Result<Order, ProviderError> {
        self.put(keys::mock_order(payment), order).await.map_err(ProviderError::new)
    }
}
