//! The payer's pages, the page of a refund, and the mock bank's.

mod answer;
mod callback;
mod flow;
mod form;
mod handler;
mod page;
mod refund;
mod route;
#[cfg(test)]
mod samples;

use api::Rendered;
use handler::Checkout;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let checkout = &Checkout::from_env().await?;
    lambda_http::run(service_fn(|request| async move { checkout.handle(request).await.map(Rendered) })).await
}
