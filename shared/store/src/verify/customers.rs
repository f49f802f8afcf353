//! Customers, and the counts of what is in lists.

use jiff::Timestamp;
use models::{Customer, CustomerId, SortableTimestamp};
use serde::Deserialize;

use super::{Check, Rule, text};
use crate::customers::left_of_deleted;
use crate::error::StoreError;
use crate::keys;
use crate::table::Item;
use crate::tombstone::is_tombstone;

#[derive(Debug, Deserialize)]
struct Count {
    count: i64,
}

#[derive(Debug, Deserialize)]
struct Mark {
    #[serde(rename = "ttl")]
    _ttl: i64,
}

/// What is left of a deleted customer.
#[derive(Debug, Deserialize)]
struct Tombstone {
    id: CustomerId,
    #[serde(rename = "deleted_at", with = "jiff::fmt::serde::timestamp::millisecond::required")]
    _deleted_at: Timestamp,
}

impl Check<'_> {
    pub(super) async fn customer(&mut self, id: &CustomerId, item: &Item) -> Result<(), StoreError> {
        if is_tombstone(item) {
            for attribute in left_of_deleted(item) {
                self.broken(Rule::Erased, format!("was deleted, and has still its {attribute}"));
            }
            if let Some(tombstone) = self.read::<Tombstone>(item) {
                self.broken_unless(tombstone.id == *id, Rule::Readable, "holds another customer's id");
            }
            return Ok(());
        }
        let Some(customer) = self.read::<Customer>(item) else { return Ok(()) };
        self.broken_unless(customer.id == *id, Rule::Readable, "holds another customer's id");
        let Customer { merchant_id, mode, format, list_shard, created_at, changed_at, .. } = &customer;
        let list_pk = keys::customers_list_pk(merchant_id, *mode, *format, *list_shard);
        self.listed(item, &list_pk, &keys::list_sk(*created_at, id));
        let final_pk = keys::final_pk(&keys::customer(id));
        let final_at = text(item, "final_at").unwrap_or_default();
        let found =
            text(item, "final_pk") == Some(&final_pk) && final_at >= SortableTimestamp::from(*changed_at).as_str();
        let problem = "is not among those whose personal data will be removed, or would be too early";
        self.broken_unless(found, Rule::Final, problem);
        self.of_merchant(merchant_id).await
    }

    pub(super) fn count(&mut self, item: &Item) {
        if let Some(Count { count }) = self.read(item) {
            self.broken_unless(count >= 0, Rule::Count, format!("says {count}"));
        }
    }

    /// Without a time to live it would stay for good.
    pub(super) fn count_mark(&mut self, item: &Item) {
        self.read::<Mark>(item);
    }
}
