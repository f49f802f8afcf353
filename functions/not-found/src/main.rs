//! The `$default` route: what no other route took is 404, or 405 where the path takes other methods.

mod handler;

use api::banked::render_error;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    lambda_http::run(service_fn(|request| api::serve(request, render_error, handler::handle))).await
}
