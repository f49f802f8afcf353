//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use lambda_http::Error;
use provider_events::ProviderEvents;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let provider_events = &ProviderEvents::from_env().await?;
    api::serve(|request| provider_events.handle(request)).await
}
