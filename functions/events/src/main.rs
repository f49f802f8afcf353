//! `/v2/events`: what happened, how often it was told, and telling it again.

mod handler;

use api::banked::render_error;
use handler::EventsFunction;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let events = &EventsFunction::from_env().await?;
    lambda_http::run(service_fn(|request| api::serve(request, render_error, |request| events.handle(request)))).await
}
