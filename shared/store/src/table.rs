//! The table itself: its client, its name, and reading and writing single items.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use backon::{BackoffBuilder, DefaultSleeper, ExponentialBuilder, Sleeper};
use runtime::{Random, SettingError};
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::write::WriteKind;

/// The version of the items' shape that this code writes; every item bears the one it was written with.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// How many items one BatchGetItem reads at the most.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
pub(crate) const MAX_BATCH: usize = 100;

/// How often the keys are asked for again that DynamoDB left unread: it is short of capacity, or they are more than 16 MB.
const ASKED_AGAIN: usize = 2;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// An item's primary key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// An item's, if it has one.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let part = |name: &str| item.get(name)?.as_s().ok();
        Some(Self::new(part("pk")?, part("sk")?))
    }

    pub(crate) fn into_item(self) -> Item {
        HashMap::from([("pk".to_owned(), AttributeValue::S(self.pk)), ("sk".to_owned(), AttributeValue::S(self.sk))])
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pk, self.sk)
    }
}

/// The one table.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    /// Makes what marks writes.
    pub(crate) random: Random,
}

/// The condition that there is no such item yet.
pub(crate) const IS_NEW: &str = "attribute_not_exists(pk)";

/// What became of putting an item that must not be there yet.
pub(crate) enum Put {
    Done,
    /// It was there; this is it.
    Exists(Item),
}

impl Put {
    pub(crate) const fn is_new(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Exists(_) => false,
        }
    }
}

impl Table {
    /// The table named by `TABLE_NAME`, with Lambda's credentials.
    ///
    /// # Errors
    /// A variable is missing.
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self::new(&runtime::aws_config()?, runtime::required("TABLE_NAME")?, Random::System))
    }

    /// The table with this name; writes are marked by this randomness.
    pub fn new(config: &aws_types::SdkConfig, name: String, random: Random) -> Self {
        Self { client: Client::new(config), name, random }
    }

    /// Reads one item, consistently.
    pub(crate) async fn get(&self, key: Key) -> Result<Option<Item>, StoreError> {
        self.get_item(key, true).await
    }

    /// Reads one item as it was a second ago or is now, for half the price.
    pub(crate) async fn get_eventually(&self, key: Key) -> Result<Option<Item>, StoreError> {
        self.get_item(key, false).await
    }

    async fn get_item(&self, key: Key, consistent: bool) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(consistent);
        let output = request.set_key(Some(key.into_item())).send().await;
        Ok(output.map_err(|error| StoreError::unavailable("GetItem", error))?.item)
    }

    /// Reads at most [`MAX_BATCH`] items, each key once, consistently, and says which are there.
    pub(crate) async fn get_all(&self, keys: impl Iterator<Item = &Key>) -> Result<HashMap<Key, Item>, StoreError> {
        const OPERATION: &str = "BatchGetItem";
        let failed = |cause: String| StoreError::Unavailable { operation: OPERATION, cause };
        let mut unread: Vec<_> = keys.cloned().map(Key::into_item).collect();
        let waits = ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).with_jitter();
        let mut waits = waits.with_max_times(ASKED_AGAIN).build();
        let mut items = HashMap::new();
        while !unread.is_empty() {
            let keys = KeysAndAttributes::builder().set_keys(Some(unread)).consistent_read(true).build();
            let keys = keys.map_err(|error| failed(error.to_string()))?;
            let output = self.client.batch_get_item().request_items(&self.name, keys).send().await;
            let output = output.map_err(|error| StoreError::unavailable(OPERATION, error))?;
            let read = output.responses.unwrap_or_default().remove(&self.name).unwrap_or_default();
            items.extend(read.into_iter().filter_map(|item| Some((Key::of(&item)?, item))));
            let left = output.unprocessed_keys.unwrap_or_default().remove(&self.name);
            unread = left.map(|left| left.keys).unwrap_or_default();
            if !unread.is_empty() {
                let wait = waits.next().ok_or_else(|| failed(format!("{} keys are left unread", unread.len())))?;
                DefaultSleeper::default().sleep(wait).await;
            }
        }
        Ok(items)
    }

    /// Puts `item` unless there is one with its key.
    pub(crate) async fn put_new(&self, kind: WriteKind, key: Key, item: Item) -> Result<Put, StoreError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(keyed(key, item)))
            .condition_expression(IS_NEW)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send();
        #[cfg(test)]
        let request = crate::write::sending(vec![kind], request);
        let Err(error) = request.await else { return Ok(Put::Done) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Put::Exists(failed.item().cloned().unwrap_or_default()))
            }
            Some(PutItemError::TransactionConflictException(_)) => {
                Err(StoreError::Conflict { operation: kind.as_str() })
            }
            Some(_) | None => Err(StoreError::unavailable(kind.as_str(), error)),
        }
    }
}

/// An item with its key and the version of its shape.
pub(crate) fn keyed(key: Key, mut item: Item) -> Item {
    item.extend(key.into_item());
    item.insert("schema_version".to_owned(), AttributeValue::N(SCHEMA_VERSION.to_string()));
    item
}

/// Reads an item as what it should be.
pub(crate) fn read<T: DeserializeOwned>(key: impl fmt::Display, item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|cause| StoreError::Unreadable { key: key.to_string(), cause })
}

/// Some item of the table.
#[derive(Debug, Clone)]
pub struct TableItem(pub(crate) Item);

impl TableItem {
    pub(crate) fn key(&self) -> Key {
        let pk = self.0.get("pk").and_then(|pk| pk.as_s().ok()).map_or("", String::as_str);
        Key::new(pk, sk(&self.0))
    }
}

/// An item's sort key.
pub(crate) fn sk(item: &Item) -> &str {
    item.get("sk").and_then(|sk| sk.as_s().ok()).map_or("", String::as_str)
}

/// A timestamp as a number of milliseconds, so that it can be compared in a condition.
pub(crate) fn ms(at: jiff::Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}

/// A number attribute.
pub(crate) fn n(number: impl fmt::Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A string attribute.
pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}
