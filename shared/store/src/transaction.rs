//! Several conditional writes that all happen, or none.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Get, Put, ReturnValuesOnConditionCheckFailure, TransactGetItem,
    TransactWriteItem, Update as TransactUpdate,
};

use crate::acts::ActWrite;
use crate::conflicts::past_conflicts;
use crate::error::StoreError;
use crate::table::{IS_NEW, Item, Key, Table, keyed};
use crate::update::Update;
use crate::write::WriteKind;

const GET: &str = "TransactGetItems";

/// Writes to different items, in one `TransactWriteItems`. The first is the one whose refusal says that all of it was
/// done before.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    writes: Vec<Write>,
}

#[derive(Debug)]
enum Write {
    PutNew(WriteKind, Key, Item),
    PutAct(ActWrite),
    Put(WriteKind, Key, Item),
    Update(Update),
    Delete(WriteKind, Key),
    Remove(WriteKind, Key),
    Check(WriteKind, Key, &'static str),
}

impl Write {
    const fn kind(&self) -> WriteKind {
        match self {
            Self::PutNew(kind, ..)
            | Self::Put(kind, ..)
            | Self::Delete(kind, _)
            | Self::Remove(kind, _)
            | Self::Check(kind, ..) => *kind,
            Self::PutAct(_) => WriteKind::ActPut,
            Self::Update(update) => update.kind(),
        }
    }
}

/// What became of a transaction.
pub(crate) enum Transacted {
    /// All of it is done.
    Done,
    /// Nothing is; what became of each write's condition, in order.
    Refused(Verdicts),
}

/// What became of the conditions of a refused transaction's writes.
pub(crate) struct Verdicts(Vec<Verdict>);

/// What became of one write's condition.
#[derive(Clone)]
pub(crate) enum Verdict {
    /// It held, or was not checked.
    Held,
    /// It did not hold; the item as it is, if there is one.
    Refused(Option<Item>),
}

impl Verdicts {
    /// Of the write at this position, from 0.
    pub(crate) fn of(&self, position: usize) -> Verdict {
        self.0.get(position).cloned().unwrap_or(Verdict::Held)
    }
}

impl Transaction {
    /// With a put of an item that must not be there yet.
    pub(crate) fn put_new(mut self, kind: WriteKind, key: Key, item: Item) -> Self {
        self.writes.push(Write::PutNew(kind, key, item));
        self
    }

    /// With the act that it is, if a person acts. Last: something before it holds once.
    pub(crate) fn act(mut self, act: Option<&ActWrite>) -> Self {
        self.writes.extend(act.cloned().map(Write::PutAct));
        self
    }

    /// With a put of an item, in the place of whatever has its key.
    pub(crate) fn put(mut self, kind: WriteKind, key: Key, item: Item) -> Self {
        self.writes.push(Write::Put(kind, key, item));
        self
    }

    /// With an update.
    pub(crate) fn update(mut self, update: Update) -> Self {
        self.writes.push(Write::Update(update));
        self
    }

    /// With the deletion of an item that must be there. Something else of the transaction has to hold once.
    pub(crate) fn delete(mut self, kind: WriteKind, key: Key) -> Self {
        self.writes.push(Write::Delete(kind, key));
        self
    }

    /// With the deletion of an item that may be there.
    pub(crate) fn remove(mut self, kind: WriteKind, key: Key) -> Self {
        self.writes.push(Write::Remove(kind, key));
        self
    }

    /// With a condition on an item that this kind of write leaves as it is; without placeholders.
    pub(crate) fn check(mut self, kind: WriteKind, key: Key, condition: &'static str) -> Self {
        self.writes.push(Write::Check(kind, key, condition));
        self
    }

    /// Does it, again and again while other transactions are at the same items, for some seconds.
    pub(crate) async fn send(self, table: &Table) -> Result<Transacted, StoreError> {
        let operation = self.writes.first().map_or("", |write| write.kind().as_str());
        #[cfg(test)]
        let kinds: Vec<_> = self.writes.iter().map(Write::kind).collect();
        let writes: Vec<TransactWriteItem> =
            self.writes.into_iter().map(|write| item(write, table)).collect::<Result<_, StoreError>>()?;
        let sent = past_conflicts(|| send_once(operation, &writes, table));
        #[cfg(test)]
        let sent = crate::write::sending(kinds, sent);
        sent.await
    }
}

fn item(write: Write, table: &Table) -> Result<TransactWriteItem, StoreError> {
    let (operation, item) = (write.kind().as_str(), TransactWriteItem::builder());
    let built = match write {
        Write::PutNew(_, key, new) => put_new(&table.name, key, new).map(|put| item.put(put)),
        Write::PutAct(ActWrite { table_name, key, item: new }) => {
            put_new(&table_name, key, new).map(|put| item.put(put))
        }
        Write::Put(_, key, new) => {
            Put::builder().table_name(&table.name).set_item(Some(keyed(key, new))).build().map(|put| item.put(put))
        }
        Write::Delete(_, key) => Delete::builder()
            .table_name(&table.name)
            .set_key(Some(key.into_item()))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map(|delete| item.delete(delete)),
        Write::Remove(_, key) => Delete::builder()
            .table_name(&table.name)
            .set_key(Some(key.into_item()))
            .build()
            .map(|delete| item.delete(delete)),
        Write::Check(_, key, condition) => ConditionCheck::builder()
            .table_name(&table.name)
            .set_key(Some(key.into_item()))
            .condition_expression(condition)
            .build()
            .map(|check| item.condition_check(check)),
        Write::Update(update) => update.in_transaction(table).map(|update: TransactUpdate| item.update(update)),
    };
    let built = built.map_err(|error| StoreError::Unavailable { operation, cause: error.to_string() })?;
    Ok(built.build())
}

fn put_new(table_name: &str, key: Key, new: Item) -> Result<Put, BuildError> {
    Put::builder()
        .table_name(table_name)
        .set_item(Some(keyed(key, new)))
        .condition_expression(IS_NEW)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
}

async fn send_once(
    operation: &'static str,
    writes: &[TransactWriteItem],
    table: &Table,
) -> Result<Transacted, StoreError> {
    let output = table.client.transact_write_items().set_transact_items(Some(writes.to_vec())).send().await;
    let Err(error) = output else { return Ok(Transacted::Done) };
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let reasons = cancelled.cancellation_reasons();
            let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_owned();
            let refused = |reason: &CancellationReason| code(reason) == "ConditionalCheckFailed";
            let done_before = reasons.first().is_some_and(refused);
            let known = reasons.iter().all(|reason| refused(reason) || code(reason) == "None");
            if done_before || known {
                let verdict = |reason: &CancellationReason| {
                    if refused(reason) { Verdict::Refused(reason.item().cloned()) } else { Verdict::Held }
                };
                Ok(Transacted::Refused(Verdicts(reasons.iter().map(verdict).collect())))
            } else if reasons.iter().any(|reason| code(reason) == "TransactionConflict") {
                // What the other transaction does may be this very write: only then is it known why ours is refused.
                Err(StoreError::Conflict { operation })
            } else {
                // Throttled, most often. The error itself is not shown: it holds the items.
                let codes: Vec<_> = reasons.iter().map(code).collect();
                Err(StoreError::Unavailable { operation, cause: codes.join(", ") })
            }
        }
        // The SDK repeated a request that is still being done.
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Err(StoreError::Conflict { operation }),
        Some(_) | None => Err(StoreError::unavailable(operation, error)),
    }
}

/// Reads one item as it is between transactions: one that is at the item is waited for.
///
/// A plain read sees each item of a transaction by itself, and may see some of them before and some after it (Amazon
/// DynamoDB Transactions, "Isolation levels for transactions").
pub(crate) async fn get_settled(table: &Table, key: Key) -> Result<Option<Item>, StoreError> {
    past_conflicts(|| get_settled_once(table, key.clone())).await
}

async fn get_settled_once(table: &Table, key: Key) -> Result<Option<Item>, StoreError> {
    let get = Get::builder().table_name(&table.name).set_key(Some(key.into_item())).build();
    let get = get.map_err(|error| StoreError::Unavailable { operation: GET, cause: error.to_string() })?;
    let item = TransactGetItem::builder().get(get).build();
    match table.client.transact_get_items().transact_items(item).send().await {
        Ok(output) => Ok(output.responses.unwrap_or_default().into_iter().next().and_then(|response| response.item)),
        Err(error) => match error.as_service_error() {
            Some(TransactGetItemsError::TransactionCanceledException(_)) => {
                Err(StoreError::Conflict { operation: GET })
            }
            Some(_) | None => Err(StoreError::unavailable(GET, error)),
        },
    }
}
