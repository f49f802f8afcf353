//! The binary of the function: see the library.

use email_receipt::EmailReceipt;
use lambda_runtime::{Error, service_fn};
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let email_receipt = &EmailReceipt::from_env()?;
    lambda_runtime::run(service_fn(|event| metrics.of(email_receipt.handle(event)))).await
}
