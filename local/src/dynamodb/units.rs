//! What DynamoDB charges for a call. dynoxide says it as DynamoDB does where it is asked to; what neither says, of writes
//! that were refused by a condition, is computed here.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>

use std::collections::BTreeMap;

use dynoxide::types::{Item, TRANSACTIONAL_CAPACITY_FACTOR, item_size, write_capacity_units};
use hyper::StatusCode;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::permissions::queried;

const ASKED: &str = "ReturnConsumedCapacity";
const ANSWERED: &str = "ConsumedCapacity";

/// The parts of what was consumed that are answered only to those who asked for each index.
const DETAILS: [&str; 3] = ["Table", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"];

/// A request on its way to dynoxide, which is asked what it consumes.
pub(crate) struct Metered {
    request: Value,
    asked: Option<String>,
}

/// What one call consumed of one table or index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Consumed {
    pub(crate) index: Option<String>,
    pub(crate) units: f64,
}

impl Metered {
    /// Nothing for what consumes no units, or can't be read; that is passed on as it is.
    pub(crate) fn new(operation: &str, body: &[u8]) -> Option<Self> {
        let consumes = matches!(
            operation,
            "PutItem"
                | "UpdateItem"
                | "DeleteItem"
                | "GetItem"
                | "Query"
                | "Scan"
                | "BatchGetItem"
                | "BatchWriteItem"
                | "TransactGetItems"
                | "TransactWriteItems"
        );
        let mut request: Value = serde_json::from_slice(body).ok().filter(|_| consumes)?;
        let given = request.as_object_mut()?.insert(ASKED.to_owned(), json!("INDEXES"));
        let asked = match given {
            None => None,
            Some(Value::String(mode)) if ["NONE", "TOTAL", "INDEXES"].contains(&mode.as_str()) => Some(mode),
            // For dynoxide to refuse.
            Some(_) => return None,
        };
        Some(Self { request, asked })
    }

    /// What is passed on.
    pub(crate) fn body(&self) -> Bytes {
        Bytes::from(self.request.to_string())
    }

    /// The kind of item that is asked for; see [`crate::Usage::item`]. `hash_keys` has the name of each table's
    /// partition key.
    pub(crate) fn item(&self, hash_keys: &BTreeMap<String, String>) -> &str {
        let request = &self.request;
        let hash_key = request.get("TableName").and_then(Value::as_str).and_then(|table| hash_keys.get(table));
        let of = |item: &str| request.get(item)?.get(hash_key?)?.get("S")?.as_str();
        let queried = || queried(request).filter(|_| request.get("IndexName").is_none());
        of("Key").or_else(|| of("Item")).or_else(queried).and_then(|key| key.split('#').next()).unwrap_or("")
    }

    /// What the call consumed, by dynoxide's answer; and the answer as the caller asked for it.
    pub(crate) fn consumed(&self, status: StatusCode, body: Bytes) -> (Vec<Consumed>, Bytes) {
        let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else { return (Vec::new(), body) };
        if !status.is_success() {
            let units = self.refused_units(&answer);
            return (units.map(|units| Consumed { index: None, units }).into_iter().collect(), body);
        }
        let Some(object) = answer.as_object_mut() else { return (Vec::new(), body) };
        let Some(mut answered) = object.remove(ANSWERED) else { return (Vec::new(), body) };
        // Operations that touch several tables answer for each.
        let tables =
            if let Value::Array(tables) = &mut answered { tables } else { std::slice::from_mut(&mut answered) };
        let consumed = tables.iter().flat_map(of_table).collect();
        match self.asked.as_deref() {
            Some("INDEXES") => {}
            Some("TOTAL") => tables.iter_mut().filter_map(|table| table.as_object_mut()).for_each(|table| {
                table.retain(|name, _| !DETAILS.contains(&name.as_str()));
            }),
            Some(_) | None => return (consumed, Bytes::from(answer.to_string())),
        }
        object.insert(ANSWERED.to_owned(), answered);
        (consumed, Bytes::from(answer.to_string()))
    }

    /// A write whose condition fails is charged as if it had been made, but for the indexes. What an update would have
    /// made of the item isn't known: the item as it is counts.
    fn refused_units(&self, answer: &Value) -> Option<f64> {
        let kind = answer.get("__type")?.as_str()?;
        if kind.ends_with("#ConditionalCheckFailedException") {
            return Some(units(&[answer.get("Item"), self.request.get("Item")]));
        }
        if !kind.ends_with("#TransactionCanceledException") {
            return None;
        }
        let reasons = answer.get("CancellationReasons")?.as_array()?;
        let parts = self.request.get("TransactItems")?.as_array()?;
        let each =
            parts.iter().zip(reasons).map(|(part, reason)| units(&[reason.get("Item"), part.pointer("/Put/Item")]));
        Some(each.sum::<f64>() * TRANSACTIONAL_CAPACITY_FACTOR)
    }
}

/// Of the larger of these items; an item that isn't there is written with one unit.
fn units(items: &[Option<&Value>]) -> f64 {
    let sizes = items.iter().flatten().filter_map(|item| Item::deserialize(*item).ok()).map(|item| item_size(&item));
    write_capacity_units(sizes.max().unwrap_or(0))
}

fn of_table(table: &Value) -> Vec<Consumed> {
    let units = |part: &Value| part.get("CapacityUnits").and_then(Value::as_f64).unwrap_or(0.0);
    let mut consumed = vec![Consumed { index: None, units: table.get("Table").map_or(0.0, units) }];
    for indexes in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        let indexes = table.get(indexes).and_then(Value::as_object).into_iter().flatten();
        consumed.extend(indexes.map(|(name, part)| Consumed { index: Some(name.clone()), units: units(part) }));
    }
    consumed.retain(|consumed| consumed.units > 0.0);
    consumed
}
