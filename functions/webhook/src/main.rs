//! The binary of the function: see the library.

use lambda_runtime::{Error, service_fn};
use runtime::Metrics;
use webhook::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let webhook = &Webhook::from_env()?;
    lambda_runtime::run(service_fn(|event| metrics.of(webhook.handle(event)))).await
}
