//! `POST /oauth/token` and others: an access token for an API key.

mod handler;

pub use handler::Token;
