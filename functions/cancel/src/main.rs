//! `POST …/{id}/cancel` keeps the session and ends it; `DELETE …/{id}` removes it for good.

mod handler;

use api::banked::render_error;
use handler::Cancel;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let cancel = &Cancel::from_env().await?;
    lambda_http::run(service_fn(|request| api::serve(request, render_error, |request| cancel.handle(request)))).await
}
