//! The binary of the function: see the library.

use get::Get;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let get = &Get::from_env().await?;
    api::serve(|request| get.handle(request)).await
}
