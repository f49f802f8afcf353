//! The binary of the function: see the library.

use customers::CustomersFunction;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let customers = &CustomersFunction::from_env().await?;
    api::serve(|request| customers.handle(request)).await
}
