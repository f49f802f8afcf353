//! The binary of the function: see the library.

use create::Create;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let create = &Create::from_env().await?;
    api::serve(|request| create.handle(request)).await
}
