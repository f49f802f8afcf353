//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use lambda_http::Error;
use refund::RefundFunction;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let refund = &RefundFunction::from_env().await?;
    api::serve(|request| refund.handle(request)).await
}
