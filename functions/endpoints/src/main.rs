//! `/v2/webhooks`: where a merchant is told of events.

mod handler;

use api::banked::render_error;
use handler::EndpointsFunction;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let endpoints = &EndpointsFunction::from_env().await?;
    api::serve(render_error, |request| endpoints.handle(request)).await
}
