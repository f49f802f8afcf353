//! OAuth 2.0 client credentials (RFC 6749, 4.4).

use api::{Answer, Authenticator, Format, Route};
use lambda_http::Request;
use runtime::{Clock, SettingError};
use store::{Merchants, Table};

/// Makes access tokens.
#[derive(Debug)]
pub struct Token {
    authenticator: Authenticator,
    clock: Clock,
}

impl Token {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        Ok(Self::new(Table::from_env()?, Clock::System).await)
    }

    /// Over this table, by this clock.
    pub async fn new(table: Table, clock: Clock) -> Self {
        Self { authenticator: Authenticator::start(Merchants::new(table), clock.clone()).await, clock }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let format = Format::of(&request);
        if Route::of(&request) == Some(Route::RefreshToken) {
            return Err(format.no_refresh_token().into());
        }
        let caller = self.authenticator.authenticate_key(&request).await?;
        let scopes = format.granted_scopes(&request, &caller.key_id, caller.scopes)?;
        let now = self.clock.now();
        format.token(caller.key(now)?, scopes, now)
    }
}
