//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use lambda_http::Error;
use test_clocks::TestClocksFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let test_clocks = &TestClocksFunction::from_env().await?;
    api::serve(|request| test_clocks.handle(request)).await
}
