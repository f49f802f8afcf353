//! The table's file: opened as the template says, with what dynoxide lacks; and requests to it.

use std::path::Path;
use std::time::Duration;

use dynoxide::Database;
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::template::Table;

/// How long a connection of ours waits for dynoxide's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What cannot be done with the table's file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Database(#[from] dynoxide::DynoxideError),
    #[error("{0}")]
    File(#[from] rusqlite::Error),
    #[error("{0}")]
    Request(#[from] serde_json::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the table `{table}` was made with another {what} than the template now says; remove the data folder")]
    Changed { table: String, what: &'static str },
}

/// Opens the file, makes what tables are missing, and checks those that are there.
pub(super) fn open(file: &Path, tables: &[Table]) -> Result<Database, Error> {
    let database = Database::new(&file.to_string_lossy())?;
    // dynoxide opens in WAL mode with a flush to disk at every commit. This, the only way it offers, sets
    // `synchronous` to NORMAL: still nothing is lost when the process is killed, only when the power is cut.
    database.disable_bulk_loading()?;
    for table in tables {
        create(&database, table)?;
    }
    mend_streams(file)?;
    Ok(database)
}

/// A connection beside dynoxide's.
pub(super) fn connect(file: &Path) -> Result<Connection, Error> {
    let file = Connection::open(file)?;
    file.busy_timeout(BUSY_TIMEOUT)?;
    Ok(file)
}

/// A request of dynoxide's by its JSON; what is null is left out.
pub(super) fn request<T: DeserializeOwned>(request: Value) -> Result<T, Error> {
    let Value::Object(mut object) = request else { return Ok(serde_json::from_value(request)?) };
    object.retain(|_, value| !value.is_null());
    Ok(serde_json::from_value(Value::Object(object))?)
}

fn create(database: &Database, table: &Table) -> Result<(), Error> {
    if database.get_table_metadata(&table.name)?.is_none() {
        database.create_table(request(table.creation.clone())?)?;
    }
    let described = database.describe_table(request(json!({ "TableName": table.name }))?)?;
    let described = serde_json::to_value(described)?;
    let existing = described.get("Table").unwrap_or(&Value::Null);
    for what in ["KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "StreamSpecification"] {
        let wanted = table.creation.get(what).unwrap_or(&Value::Null);
        if !agrees(wanted, existing.get(what).unwrap_or(&Value::Null)) {
            return Err(Error::Changed { table: table.name.clone(), what });
        }
    }
    if let Some(attribute) = &table.ttl_attribute {
        let description = database.describe_time_to_live(request(json!({ "TableName": table.name }))?)?;
        let description = serde_json::to_value(description)?;
        if description.pointer("/TimeToLiveDescription/AttributeName").and_then(Value::as_str) != Some(attribute) {
            database.update_time_to_live(request(json!({
                "TableName": table.name,
                "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
            }))?)?;
        }
    }
    Ok(())
}

/// Whether everything `wanted` says stands in `existing`, lists in any order but of the same length.
fn agrees(wanted: &Value, existing: &Value) -> bool {
    match (wanted, existing) {
        (Value::Object(wanted), Value::Object(existing)) => {
            wanted.iter().all(|(key, value)| existing.get(key).is_some_and(|existing| agrees(value, existing)))
        }
        (Value::Array(wanted), Value::Array(existing)) => {
            wanted.len() == existing.len()
                && wanted.iter().all(|value| existing.iter().any(|existing| agrees(value, existing)))
        }
        _ => wanted == existing,
    }
}

/// Gives the stream's records the index dynoxide lacks: without it, every write reads all of them. And keeps away records of
/// writes that change nothing, which DynamoDB does not make: both images have the same values at the same paths, in any order.
/// What differs in length, as most changes do, need not be compared so closely.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html>
fn mend_streams(file: &Path) -> Result<(), Error> {
    connect(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS local_stream_records_by_sequence
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
         CREATE TRIGGER IF NOT EXISTS local_no_stream_record_without_change
         BEFORE INSERT ON _stream_records
         WHEN NEW.event_name = 'MODIFY' AND length(NEW.old_image) = length(NEW.new_image)
          AND NOT EXISTS (SELECT fullkey, type, atom FROM json_tree(NEW.old_image)
                          EXCEPT SELECT fullkey, type, atom FROM json_tree(NEW.new_image))
          AND NOT EXISTS (SELECT fullkey, type, atom FROM json_tree(NEW.new_image)
                          EXCEPT SELECT fullkey, type, atom FROM json_tree(NEW.old_image))
         BEGIN SELECT RAISE(IGNORE); END",
    )?;
    Ok(())
}
