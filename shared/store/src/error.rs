//! What can go wrong between us and the table.

use std::error::Error as StdError;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use thiserror::Error;

/// The table could not be read or written, or holds what we can't read. Never shown to clients.
#[derive(Debug, Error)]
pub enum StoreError {
    /// DynamoDB did not do it, or its answer was lost: repeat later.
    #[error("DynamoDB, {operation}: {cause}")]
    Unavailable {
        /// The operation.
        operation: &'static str,
        /// What the service or the SDK says of it ([`runtime::sdk_cause`]). Holds no item.
        cause: String,
    },
    /// Other transactions kept changing the same items for as long as we tried: repeat later.
    #[error("DynamoDB, {operation}: in conflict with other transactions")]
    Conflict {
        /// The operation.
        operation: &'static str,
    },
    /// Two items that always change together don't fit; a bug of ours, or a hand in the table.
    #[error("{key} doesn't fit the items that change with it")]
    Disagreement {
        /// The key of the one that would not change.
        key: String,
    },
    /// An item can't be read as what its key says it is.
    #[error("the item {key} can't be read: {}", without_values(cause))]
    Unreadable {
        /// Its key.
        key: String,
        /// Why.
        cause: serde_dynamo::Error,
    },
    /// A value can't be written as an item.
    #[error("can't be written as an item: {0}")]
    Unwritable(#[from] serde_dynamo::Error),
}

/// What is wrong with an item that can't be read. But for a missing field, serde's message may show a value, which may be
/// personal.
pub(crate) fn without_values(cause: &serde_dynamo::Error) -> String {
    let cause = cause.to_string();
    if cause.contains("missing field") { cause } else { "a value is not what it should be".to_owned() }
}

impl StoreError {
    /// Wraps an SDK error.
    pub(crate) fn unavailable(operation: &'static str, error: impl StdError + ProvideErrorMetadata) -> Self {
        Self::Unavailable { operation, cause: runtime::sdk_cause(&error) }
    }
}
