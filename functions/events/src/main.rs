//! The binary of the function: see the library.

use events::EventsFunction;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let events = &EventsFunction::from_env().await?;
    api::serve(|request| events.handle(request)).await
}
