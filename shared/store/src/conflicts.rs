//! What to do where other transactions are at the same items.

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::error::StoreError;

/// How long a write that meets other transactions on its items is repeated before it is given up.
const CONFLICTS_FOR: Duration = Duration::from_secs(4);

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
