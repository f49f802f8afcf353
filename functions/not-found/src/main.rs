//! The binary of the function: see the library.

use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    api::serve(not_found::handle).await
}
