//! Every minute: what has fallen due.

mod handler;

use handler::Expire;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let expire = &Expire::from_env()?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| async move {
        let run_id = event.context.request_id.clone();
        runtime::correlated(&run_id, expire.handle(event)).await
    }))
    .await
}
