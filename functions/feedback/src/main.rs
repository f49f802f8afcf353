//! The binary of the function: see the library.

use feedback::Feedback;
use lambda_runtime::{Error, service_fn};
use runtime::Metrics;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let metrics = &Metrics::start()?;
    let feedback = &Feedback::from_env()?;
    lambda_runtime::run(service_fn(|event| metrics.of(feedback.handle(event)))).await
}
