//! `POST /oauth/token` and `POST /token`: an access token for an API key.

mod handler;

use api::banked::render_token_error;
use handler::Token;
use lambda_http::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let token = &Token::from_env().await?;
    api::serve(render_token_error, |request| token.handle(request)).await
}
