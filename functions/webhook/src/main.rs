//! The webhooks queue → merchants' endpoints.

mod handler;

use handler::Webhook;
use lambda_runtime::{Error, service_fn};
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let webhook = &Webhook::from_env()?;
    lambda_runtime::run(service_fn(|event| metrics.of(webhook.handle(event)))).await
}
