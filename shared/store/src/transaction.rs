//! Several conditional writes that all happen, or none.

use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update as TransactUpdate,
};
use backon::{ExponentialBuilder, Retryable};

use crate::error::StoreError;
use crate::table::{IS_NEW, Item, Key, Table, keyed};
use crate::update::Update;

const OPERATION: &str = "TransactWriteItems";

/// How long a write that meets other transactions on its items is repeated before it is given up.
const CONFLICTS_FOR: Duration = Duration::from_secs(4);

/// Writes to different items, in one `TransactWriteItems`. The first is the one whose refusal tells that all of it was
/// done before.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    writes: Vec<Write>,
}

#[derive(Debug)]
enum Write {
    PutNew(Key, Item),
    Update(Update),
}

/// What became of a transaction.
pub(crate) enum Transacted {
    /// All of it is done.
    Done,
    /// Nothing is. For each write, whether its condition did not hold, and the item as it is, if there is one.
    Refused(Vec<Option<Option<Item>>>),
}

impl Transaction {
    /// With a put of an item that must not be there yet.
    pub(crate) fn put_new(mut self, key: Key, item: Item) -> Self {
        self.writes.push(Write::PutNew(key, item));
        self
    }

    /// With an update.
    pub(crate) fn update(mut self, update: Update) -> Self {
        self.writes.push(Write::Update(update));
        self
    }

    /// Does it, again and again while other transactions are at the same items, for some seconds.
    pub(crate) async fn send(self, table: &Table) -> Result<Transacted, StoreError> {
        let writes: Vec<TransactWriteItem> =
            self.writes.into_iter().map(|write| item(write, table)).collect::<Result<_, StoreError>>()?;
        past_conflicts(|| send_once(&writes, table)).await
    }
}

fn item(write: Write, table: &Table) -> Result<TransactWriteItem, StoreError> {
    let item = TransactWriteItem::builder();
    let built = match write {
        Write::PutNew(key, new) => Put::builder()
            .table_name(&table.name)
            .set_item(Some(keyed(key, new)))
            .condition_expression(IS_NEW)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map(|put| item.put(put)),
        Write::Update(update) => update.in_transaction(table).map(|update: TransactUpdate| item.update(update)),
    };
    let built = built.map_err(|error| StoreError::Unavailable { operation: OPERATION, cause: error.to_string() })?;
    Ok(built.build())
}

async fn send_once(writes: &[TransactWriteItem], table: &Table) -> Result<Transacted, StoreError> {
    let output = table.client.transact_write_items().set_transact_items(Some(writes.to_vec())).send().await;
    let Err(error) = output else { return Ok(Transacted::Done) };
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let reasons = cancelled.cancellation_reasons();
            let is = |reason: &CancellationReason, code: &str| reason.code() == Some(code);
            let refused = |reason: &CancellationReason| is(reason, "ConditionalCheckFailed");
            let done_before = reasons.first().is_some_and(refused);
            if !done_before && reasons.iter().any(|reason| is(reason, "TransactionConflict")) {
                // What the other transaction does may be this very write: only then is it known why ours is refused.
                Err(StoreError::Conflict { operation: OPERATION })
            } else if reasons.iter().any(refused) {
                let verdict = |reason: &CancellationReason| refused(reason).then(|| reason.item().cloned());
                Ok(Transacted::Refused(reasons.iter().map(verdict).collect()))
            } else {
                Err(StoreError::unavailable(OPERATION, error))
            }
        }
        // The SDK repeated a request that is still being done.
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            Err(StoreError::Conflict { operation: OPERATION })
        }
        Some(_) | None => Err(StoreError::unavailable(OPERATION, error)),
    }
}

/// Repeats a write while it meets other transactions on its items, with growing, random waits.
pub(crate) async fn past_conflicts<T, F: Future<Output = Result<T, StoreError>>>(
    write: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(10))
        .with_max_delay(Duration::from_millis(400))
        .with_total_delay(Some(CONFLICTS_FOR))
        .without_max_times()
        .with_jitter();
    write.retry(waits).when(|error| matches!(error, StoreError::Conflict { .. })).await
}
