//! A request to create a session, as the formats read it.

use jiff::Timestamp;
use lambda_http::Request;
use models::{Application, Merchant, Mode, PayableAccounts};

use crate::json::Json;

/// All that a session may be created of.
#[derive(Debug, Clone, Copy)]
pub struct SessionRequest<'a> {
    /// The request as a whole, for its path, query and headers.
    pub request: &'a Request,
    /// Its body.
    pub body: &'a Json<'a>,
    /// Whose session it will be.
    pub merchant: &'a Merchant,
    /// The application that asks for it, if the format has applications and the key is one.
    pub application: Option<&'a Application>,
    /// Test or live, by the key.
    pub mode: Mode,
    /// When it is asked for.
    pub at: Timestamp,
}

impl<'a> SessionRequest<'a> {
    /// The accounts that the session may be paid into.
    pub(crate) fn accounts(&self) -> PayableAccounts<'a> {
        self.merchant.payable_accounts(self.mode, self.at)
    }
}
