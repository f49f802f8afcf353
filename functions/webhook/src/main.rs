//! The webhooks queue → merchants' endpoints.

mod handler;

use handler::Webhook;
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let webhook = &Webhook::from_env()?;
    lambda_runtime::run(service_fn(|event| webhook.handle(event))).await
}
