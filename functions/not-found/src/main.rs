//! The `$default` route: what no other route took is 404, or 405 where the path takes other methods.

use api::banked::render_error;
use lambda_http::{Error, Request};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    api::serve(render_error, async |request: Request| Err(api::unrouted(&request))).await
}
