//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use expire::Expire;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let expire = &Expire::from_env().await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| async move {
        let run_id = event.context.request_id.clone();
        runtime::correlated(&run_id, metrics.of(expire.handle(event))).await
    }))
    .await
}
