//! The binary of the function: see the library.

use api::banked::render_error;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    api::serve(render_error, not_found::handle).await
}
