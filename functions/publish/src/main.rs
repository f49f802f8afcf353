//! The table's stream → events, mails to send, and a ring for each.

mod handler;

use handler::Publish;
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let publish = &Publish::from_env()?;
    lambda_runtime::run(service_fn(|event| publish.handle(event))).await
}
