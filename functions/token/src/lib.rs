//! `POST /oauth/token` and `POST /token`: an access token for an API key.

mod handler;

pub use handler::Token;
