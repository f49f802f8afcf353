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

use answer::Problem;
use handler::Checkout;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let checkout = &Checkout::from_env().await?;
    api::run(|_| Problem::Malformed.into_page(None), |request| checkout.handle(request)).await
}
