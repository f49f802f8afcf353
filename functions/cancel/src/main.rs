//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use cancel::Cancel;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let cancel = &Cancel::from_env().await?;
    api::serve(|request| cancel.handle(request)).await
}
