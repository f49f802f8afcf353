//! The receipts queue → SES.

mod handler;
mod postbox;
mod receipt;

use handler::EmailReceipt;
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let email_receipt = &EmailReceipt::from_env()?;
    lambda_runtime::run(service_fn(|event| email_receipt.handle(event))).await
}
