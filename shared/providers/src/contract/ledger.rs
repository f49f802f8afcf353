//! A mock banks' ledger in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use models::EndToEndId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::mock::{Entry, Ledger};
use crate::port::ProviderError;

/// A ledger in memory, shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger(Arc<Mutex<BTreeMap<(EndToEndId, Entry), Value>>>);

impl MemoryLedger {
    /// Which entries there are.
    pub fn entries(&self) -> Vec<(EndToEndId, Entry)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// The texts of all entries, to search for what must not be in them.
    pub fn texts(&self) -> String {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.values().map(Value::to_string).collect::<Vec<_>>().join("\n")
    }
}

impl Ledger for MemoryLedger {
    async fn get<T: DeserializeOwned>(&self, payment: EndToEndId, entry: Entry) -> Result<Option<T>, ProviderError> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(payment, entry)).cloned();
        found.map(serde_json::from_value).transpose().map_err(ProviderError::unreachable)
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        payment: EndToEndId,
        entry: Entry,
        value: T,
    ) -> Result<T, ProviderError> {
        let value = serde_json::to_value(value).map_err(ProviderError::unreachable)?;
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = entries.entry((payment, entry)).or_insert(value).clone();
        serde_json::from_value(holds).map_err(ProviderError::unreachable)
    }
}
