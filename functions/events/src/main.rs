//! The binary of the function: see the library.

use api::banked::render_error;
use events::EventsFunction;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let events = &EventsFunction::from_env().await?;
    api::serve(render_error, |request| events.handle(request)).await
}
