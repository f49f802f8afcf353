//! Merchants, and what is theirs.

use models::{ApiKey, ApiKeyId, Endpoint, EndpointId, LinkedAccount, MerchantId, Mode};
use serde::Deserialize;

use super::waiting::Waits;
use super::{Check, Rule, text};
use crate::applications::StoredApplication;
use crate::error::StoreError;
use crate::keys;
use crate::merchants::{KeyUse, Profile};
use crate::shops::StoredShop;
use crate::table::{Item, Key, sk};

#[derive(Debug, Deserialize)]
struct Count {
    count: usize,
}

impl Check<'_> {
    pub(super) fn merchant(&mut self, item: &Item) {
        self.read::<Profile>(item);
    }

    pub(super) async fn api_key(&mut self, merchant: &MerchantId, item: &Item) -> Result<(), StoreError> {
        if let Some(key) = self.read::<ApiKey>(item) {
            self.broken_unless(key.id.merchant() == merchant, Rule::Readable, "is kept with another merchant");
        }
        self.of_merchant(merchant).await
    }

    pub(super) async fn key_use(
        &mut self,
        merchant: &MerchantId,
        id: &ApiKeyId,
        item: &Item,
    ) -> Result<(), StoreError> {
        self.read::<KeyUse>(item);
        self.broken_unless(id.merchant() == merchant, Rule::Readable, "is kept with another merchant");
        let there = self.get(keys::api_key(id)).await?.is_some();
        self.broken_unless(there, Rule::Orphan, format!("is of key {id}, which is not there"));
        Ok(())
    }

    pub(super) async fn account(&mut self, merchant: &MerchantId, item: &Item) -> Result<(), StoreError> {
        self.read::<LinkedAccount>(item);
        self.of_merchant(merchant).await
    }

    pub(super) async fn shop(&mut self, merchant: &MerchantId, item: &Item) -> Result<(), StoreError> {
        self.read::<StoredShop>(item);
        self.of_merchant(merchant).await
    }

    pub(super) async fn application(&mut self, id: &ApiKeyId, item: &Item) -> Result<(), StoreError> {
        if let Some(StoredApplication { application: Some(application) }) = self.read(item) {
            self.broken_unless(application.key_id == *id, Rule::Readable, "is kept with another key");
        }
        self.of_merchant(id.merchant()).await
    }

    pub(super) async fn endpoint(
        &mut self,
        key: &Key,
        merchant: &MerchantId,
        id: &EndpointId,
        item: &Item,
    ) -> Result<(), StoreError> {
        if let Some(endpoint) = self.read::<Endpoint>(item) {
            let its_own = endpoint.id == *id && endpoint.merchant_id == *merchant;
            self.broken_unless(its_own, Rule::Readable, "holds another endpoint's id");
        }
        self.waits(key, item, Waits::Perhaps);
        self.of_merchant(merchant).await
    }

    pub(super) async fn endpoint_count(
        &mut self,
        merchant: &MerchantId,
        mode: Mode,
        item: &Item,
    ) -> Result<(), StoreError> {
        let Some(Count { count }) = self.read(item) else { return Ok(()) };
        let items = self.query(&keys::endpoints_pk(merchant), None).await?;
        let is_counted =
            |item: &&Item| !sk(item).starts_with(keys::COUNT_PREFIX) && text(item, "mode") == Some(mode.as_str());
        let there = items.iter().filter(is_counted).count();
        self.broken_unless(there == count, Rule::Endpoint, format!("says {count}, and there are {there}"));
        Ok(())
    }

    pub(super) async fn of_merchant(&mut self, merchant: &MerchantId) -> Result<(), StoreError> {
        let there = self.get(keys::profile(merchant)).await?.is_some();
        self.broken_unless(there, Rule::Orphan, format!("is of merchant {merchant}, who is not there"));
        Ok(())
    }
}
