//! Time to live: which items have expired, found by an index of our own.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::schema::{Error, connect};
use crate::template::Table;

/// A table whose items expire.
pub(super) struct Expiry {
    pub(super) table: String,
    /// Holds the second since 1970 at which an item may go.
    pub(super) attribute: String,
    pub(super) keys: Vec<String>,
}

impl Expiry {
    pub(super) fn of(table: &Table) -> Option<Self> {
        let keys = table.creation.get("KeySchema")?.as_array()?.iter();
        let keys = keys.filter_map(|key| Some(key.get("AttributeName")?.as_str()?.to_owned())).collect();
        Some(Self { table: table.name.clone(), attribute: table.ttl_attribute.clone()?, keys })
    }

    /// The expiry in an item's JSON; nothing if it has none. As text it would be compared with nothing.
    fn expression(&self) -> String {
        format!("CAST(json_extract(item_json, {}) AS NUMERIC)", quoted(&format!("$.\"{}\".N", self.attribute), '\''))
    }

    /// An index over the items that expire: without it, every sweep reads all items.
    pub(super) fn make_index(&self, file: &Path) -> Result<(), Error> {
        let (index, table) = (quoted(&format!("local_expiry_of_{}", self.table), '"'), quoted(&self.table, '"'));
        let expiry = self.expression();
        connect(file)?.execute_batch(&format!(
            "CREATE INDEX IF NOT EXISTS {index} ON {table} ({expiry}) WHERE {expiry} IS NOT NULL"
        ))?;
        Ok(())
    }

    /// The statement for the next items that expired before `?1`, at most `?2`.
    pub(super) fn statement(&self) -> String {
        let (table, expiry) = (quoted(&self.table, '"'), self.expression());
        format!("SELECT item_json FROM {table} WHERE {expiry} < ?1 AND {expiry} IS NOT NULL ORDER BY {expiry} LIMIT ?2")
    }

    /// The keys of the next items that have expired, at most `most`.
    pub(super) fn expired(&self, file: &Path, now_s: i64, most: usize) -> Result<Vec<Value>, Error> {
        let file = connect(file)?;
        let mut statement = file.prepare(&self.statement())?;
        let items = statement.query_map(rusqlite::params![now_s, most], |row| row.get::<_, String>(0))?;
        let mut keys = Vec::new();
        for item in items {
            let mut item: Value = serde_json::from_str(&item?)?;
            let key = self.keys.iter().filter_map(|name| Some((name.clone(), item.get_mut(name)?.take()))).collect();
            keys.push(Value::Object(key));
        }
        Ok(keys)
    }

    /// The request that removes an item if it has still expired.
    pub(super) fn deletion(&self, key: &Value, now_s: i64) -> Value {
        json!({
            "TableName": self.table,
            "Key": key,
            "ConditionExpression": "#expiry < :now",
            "ExpressionAttributeNames": { "#expiry": self.attribute },
            "ExpressionAttributeValues": { ":now": { "N": now_s.to_string() } },
        })
    }

    /// Whether a record of this table's stream is of an item that had expired when it was removed.
    pub(super) fn removed(&self, record: &Map<String, Value>) -> bool {
        let change = record.get("dynamodb");
        let removed_s = change.and_then(|change| change.get("ApproximateCreationDateTime")?.as_f64());
        let expiry_s = change.and_then(|change| change.get("OldImage")?.get(&self.attribute)?.get("N")?.as_str());
        let expiry_s = expiry_s.and_then(|expiry| expiry.parse::<f64>().ok());
        record.get("eventName").is_some_and(|name| name == "REMOVE")
            && removed_s.zip(expiry_s).is_some_and(|(removed_s, expiry_s)| expiry_s < removed_s)
    }
}

/// As an SQL string or, with double quotes, a name.
fn quoted(text: &str, quote: char) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
}
