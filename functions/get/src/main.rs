//! `GET …/payment_sessions`: one, or a list.

mod handler;

use api::banked::render_error;
use handler::Get;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let get = &Get::from_env().await?;
    lambda_http::run(service_fn(|request| api::serve(request, render_error, |request| get.handle(request)))).await
}
