//! The binary of the function: see the library.

use lambda_http::Error;
use mocks::Mocks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let mocks = &Mocks::from_env().await?;
    api::run(mocks::refuse, |request| mocks.handle_in_time(request)).await
}
