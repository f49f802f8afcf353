//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use lambda_runtime::{Error, service_fn};
use publish::Publish;
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let publish = &Publish::from_env()?;
    lambda_runtime::run(service_fn(|event| metrics.of(publish.handle(event)))).await
}
