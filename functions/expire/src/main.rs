//! Every minute: what has fallen due.

mod handler;

use handler::Expire;
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let expire = &Expire::from_env()?;
    lambda_runtime::run(service_fn(|event| expire.handle(event))).await
}
