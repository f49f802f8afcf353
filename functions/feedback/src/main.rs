//! What SES tells of mails after it took them → the mail.

mod handler;

use handler::Feedback;
use lambda_runtime::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let feedback = &Feedback::from_env()?;
    lambda_runtime::run(service_fn(|event| feedback.handle(event))).await
}
