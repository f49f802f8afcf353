//! The receipts queue → SES.

mod handler;
mod mail;
mod payment;
mod postbox;
mod receipt;
mod refund_details;
mod refund_sent;
#[cfg(test)]
mod samples;

use handler::EmailReceipt;
use lambda_runtime::{Error, service_fn};
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let email_receipt = &EmailReceipt::from_env()?;
    lambda_runtime::run(service_fn(|event| metrics.of(email_receipt.handle(event)))).await
}
