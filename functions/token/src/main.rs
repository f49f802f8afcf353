//! The binary of the function: see the library.

use lambda_http::Error;
use token::Token;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let token = &Token::from_env().await?;
    api::serve(|request| token.handle(request)).await
}
