//! The binary of the function: see the library.

#![recursion_limit = "256"] // its future is deep

use console::Console;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let console = &Console::from_env().await?;
    api::run(console::refuse, |request| console.handle_in_time(request)).await
}
