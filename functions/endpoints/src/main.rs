//! The binary of the function: see the library.

use endpoints::EndpointsFunction;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let endpoints = &EndpointsFunction::from_env().await?;
    api::serve(|request| endpoints.handle(request)).await
}
