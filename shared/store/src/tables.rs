//! Which tables there are.

use aws_sdk_dynamodb::Client;
use aws_types::SdkConfig;

use crate::error::StoreError;

/// The names of all tables that begin like this, in alphabetical order.
///
/// # Errors
/// DynamoDB failed us.
pub async fn tables_named(config: &SdkConfig, prefix: &str) -> Result<Vec<String>, StoreError> {
    let client = Client::new(config);
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let output = client.list_tables().set_exclusive_start_table_name(after).send().await;
        let output = output.map_err(|error| StoreError::unavailable("ListTables", error))?;
        names.extend(output.table_names.unwrap_or_default().into_iter().filter(|name| name.starts_with(prefix)));
        after = output.last_evaluated_table_name;
        if after.is_none() {
            names.sort();
            return Ok(names);
        }
    }
}
