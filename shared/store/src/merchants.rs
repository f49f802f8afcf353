//! Merchants, their keys and linked accounts: one partition each, read by one Query.

use std::collections::HashMap;

use models::{ApiKey, ApiKeyId, LinkedAccount, Merchant, MerchantId, Name};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::keys;
use crate::table::{Put, Table, ms, read, sk};
use crate::update::{Update, Updated};

/// The table's merchants.
#[derive(Debug, Clone)]
pub struct Merchants {
    table: Table,
}

#[derive(Debug, Serialize, Deserialize)]
struct Profile {
    name: Name,
    #[serde(with = "serde_bytes")]
    idempotency_salt: [u8; 32],
}

impl Merchants {
    /// The merchants in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The merchant with its keys and accounts, read consistently.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, id: &MerchantId) -> Result<Option<Merchant>, StoreError> {
        let mut profile = None;
        let (mut linked_accounts, mut api_keys) = (Vec::new(), Vec::new());
        for item in self.table.query(&keys::merchant_pk(id), None, usize::MAX).await? {
            let sk = sk(&item).to_owned();
            if sk == keys::PROFILE {
                profile = Some(read::<Profile>(&sk, item)?);
            } else if sk.starts_with(keys::KEY_PREFIX) {
                api_keys.push(read::<ApiKey>(&sk, item)?);
            } else if sk.starts_with(keys::ACCOUNT_PREFIX) {
                linked_accounts.push(read::<LinkedAccount>(&sk, item)?);
            }
        }
        Ok(profile.map(|Profile { name, idempotency_salt }| Merchant {
            id: id.clone(),
            name,
            idempotency_salt,
            linked_accounts,
            keys: api_keys,
        }))
    }

    /// Creates a merchant without keys or accounts; false if there is one with this id already.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn create(&self, id: &MerchantId, name: Name, idempotency_salt: [u8; 32]) -> Result<bool, StoreError> {
        let item = serde_dynamo::to_item(Profile { name, idempotency_salt })?;
        Ok(matches!(self.table.put_new(keys::profile(id), item).await?, Put::Done))
    }

    /// Adds an API key; false if there is one with this id already.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn add_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        Ok(matches!(self.table.put_new(keys::api_key(&key.id), serde_dynamo::to_item(key)?).await?, Put::Done))
    }

    /// Revokes an API key now; false if there is no such key. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn revoke_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        let update = Update::new(keys::api_key(id))
            .when("attribute_exists(#pk) AND attribute_not_exists(#revoked_at)", [])
            .set("revoked_at", ms(runtime::now()));
        match update.send(&self.table).await? {
            Updated::New(_) | Updated::Refused(Some(_)) => Ok(true),
            Updated::Refused(None) => Ok(false),
        }
    }

    /// Links an account; false if it was linked before.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn link_account(&self, merchant: &MerchantId, account: &LinkedAccount) -> Result<bool, StoreError> {
        let item: HashMap<_, _> = serde_dynamo::to_item(account)?;
        Ok(matches!(self.table.put_new(keys::linked_account(merchant, account), item).await?, Put::Done))
    }
}
