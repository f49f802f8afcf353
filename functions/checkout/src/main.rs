//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use checkout::Checkout;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let checkout = &Checkout::from_env().await?;
    api::run(checkout::refuse, |request| checkout.handle_in_time(request)).await
}
