//! Merchants' shops, as payers see them: one item each, in a partition of its own, for who shows them may read nothing else of
//! a merchant.

use models::{MerchantId, Shop};
use serde::{Deserialize, Serialize};

use crate::acts::ActWrite;
use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Key, SCHEMA_VERSION, Table, n, read};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;

/// The table's shops.
#[derive(Debug, Clone)]
pub struct Shops {
    table: Table,
}

/// A shop is one attribute, so that all of it is put and nothing of the one before is left.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredShop {
    shop: Shop,
}

impl Shops {
    /// The shops in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// A merchant's shop, if it has one; eventually consistent, for half the price: pages show a change a second later.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, merchant: &MerchantId) -> Result<Option<Shop>, StoreError> {
        let key = keys::shop(merchant);
        shop_in(&key, self.table.get_eventually(key.clone()).await?)
    }

    /// The same, read consistently: for who changes it.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get_as_it_is(&self, merchant: &MerchantId) -> Result<Option<Shop>, StoreError> {
        let key = keys::shop(merchant);
        shop_in(&key, self.table.get(key.clone()).await?)
    }

    /// Puts a merchant's shop in the place of the one before.
    ///
    /// # Errors
    /// The table failed us; it may have been put.
    pub async fn put(&self, merchant: &MerchantId, shop: &Shop) -> Result<(), StoreError> {
        self.change(merchant, |_| Ok::<_, StoreError>(shop.clone()), None).await.map(|_| ())
    }

    /// Makes a merchant's shop what `change` makes of it, and returns that. Done again upon what others have put meanwhile. If a
    /// person does it, together with the `act` that it is; there is none if nothing changes.
    ///
    /// # Errors
    /// `change` refuses, so that nothing is put; or the table failed us, and it may have been put.
    pub async fn change<E: From<StoreError>>(
        &self,
        merchant: &MerchantId,
        change: impl Fn(Option<Shop>) -> Result<Shop, E>,
        act: Option<&ActWrite>,
    ) -> Result<Shop, E> {
        let key = keys::shop(merchant);
        let mut item = self.table.get(key.clone()).await?;
        loop {
            let version = Version::of(item.as_ref());
            let before = shop_in(&key, item)?;
            let shop = change(before.clone())?;
            // The same, or our own: the SDK repeated an update whose answer was lost.
            if before.as_ref() == Some(&shop) {
                return Ok(shop);
            }
            let update = Update::new(WriteKind::ShopPut, key.clone())
                .of_version(version)
                .set("schema_version", n(SCHEMA_VERSION))
                .set("shop", serde_dynamo::to_attribute_value(&shop).map_err(StoreError::from)?);
            item = match act {
                None => match update.send(&self.table).await? {
                    Updated::New(_) => return Ok(shop),
                    Updated::Refused(item) => item,
                },
                Some(_) => match Transaction::default().update(update).act(act).send(&self.table).await? {
                    Transacted::Done => return Ok(shop),
                    Transacted::Refused(verdicts) => match verdicts.of(0) {
                        Verdict::Refused(item) => item,
                        // As its act is there, it was done, by an attempt whose answer was lost, and others have changed it since.
                        Verdict::Held => return Ok(shop),
                    },
                },
            };
        }
    }
}

fn shop_in(key: &Key, item: Option<Item>) -> Result<Option<Shop>, StoreError> {
    Ok(item.map(|item| read::<StoredShop>(key, item)).transpose()?.map(|StoredShop { shop }| shop))
}
