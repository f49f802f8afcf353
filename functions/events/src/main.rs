//! `/v2/events`: what happened, how often it was told, and telling it again.

mod handler;

use api::banked::render_error;
use handler::EventsFunction;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let events = &EventsFunction::from_env().await?;
    api::serve(render_error, |request| events.handle(request)).await
}
