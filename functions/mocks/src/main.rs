//! The binary of the function: see the library.

use lambda_http::Error;
use mocks::Mocks;
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let mocks = &Mocks::from_env().await?;
    api::run(mocks::refuse, |request| metrics.of(mocks.handle_in_time(request))).await
}
