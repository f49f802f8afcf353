//! The table's stream → events, mails to send, and a ring for each.

mod handler;
#[cfg(test)]
mod tests;

use handler::Publish;
use lambda_runtime::{Error, service_fn};
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let publish = &Publish::from_env()?;
    lambda_runtime::run(service_fn(|event| metrics.of(publish.handle(event)))).await
}
