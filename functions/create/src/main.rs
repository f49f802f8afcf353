//! `POST …/payment_sessions`: creates a payment session.

mod handler;

use api::banked::render_error;
use handler::Create;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let create = &Create::from_env().await?;
    api::serve(render_error, |request| create.handle(request)).await
}
