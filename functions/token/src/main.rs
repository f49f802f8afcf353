//! `POST /oauth/token` and `POST /token`: an access token for an API key.

mod handler;

use api::banked::render_token_error;
use handler::Token;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    runtime::init_logs();
    let token = &Token::from_env().await?;
    lambda_http::run(service_fn(|request| api::serve(request, render_token_error, |request| token.handle(request))))
        .await
}
