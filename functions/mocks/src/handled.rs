//! What comes of a request: an answer, and what the provider says of it to us.

use lambda_http::{Body, Response};

use crate::webhook::BankWebhook;

/// What comes of a request.
#[derive(Debug)]
pub struct Handled {
    /// The answer to the payer.
    pub response: Response<Body>,
    /// The webhook that the bank sends, if it sends one.
    pub webhook: Option<BankWebhook>,
}

impl From<Response<Body>> for Handled {
    fn from(response: Response<Body>) -> Self {
        Self { response, webhook: None }
    }
}
