//! What a provider says is a hint: the payment is followed up, and the provider asked where it stands.

use api::{Answer, ApiError, Refusal, Route};
use lambda_http::{Request, RequestExt};
use models::BankId;
use payments::{Connections, EventError, PaymentError, Payments};
use providers::RawEvent;
use runtime::{Clock, Random, SettingError};
use store::{Sessions, Table};

/// Follows up providers' webhooks.
#[derive(Debug)]
pub struct ProviderEvents {
    payments: Payments,
    clock: Clock,
}

impl ProviderEvents {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let table = Table::from_env()?;
        let sessions = Sessions::new(table.clone());
        // While there is a whole core to do it with; see `api::Authenticator::start`. A secret is read meanwhile.
        let warm_up = tokio::time::timeout(api::WARM_UP_TIMEOUT, sessions.warm_up());
        let (connections, _) = tokio::join!(Connections::from_env(&Clock::System), warm_up);
        Ok(Self::new(table, connections?, Clock::System, Random::System))
    }

    /// Over this table, by this clock and randomness, at the providers of these connections.
    pub fn new(table: Table, connections: Connections, clock: Clock, random: Random) -> Self {
        Self { payments: Payments::new(table, connections, clock.clone(), random), clock }
    }

    /// Answers a request; an error is what the provider is shown instead, which sends it again then.
    pub async fn handle(&self, request: Request) -> Answer {
        let Some(Route::ProviderEvent(provider)) = Route::of(&request) else {
            return Err(api::unrouted(&request).into());
        };
        let provider: BankId = api::path_id(provider)?;
        let headers: Vec<_> = request
            .headers()
            .iter()
            // A signature is text.
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let event = RawEvent {
            method: request.method().as_str(),
            path: request.raw_http_path(),
            headers: &headers,
            body: api::body(&request)?,
            now: self.clock.now(),
        };
        self.payments.follow_up_event(&provider, &event).await.map_err(refused)?;
        tracing::info!(%provider, "a provider's webhook was followed up");
        Ok(api::no_content())
    }
}

fn refused(error: EventError) -> ApiError {
    match error {
        EventError::NotGenuine(_) => Refusal::NotGenuine.into(),
        EventError::NotFound => Refusal::NotFound.into(),
        EventError::Payment(PaymentError::Store(error)) => error.into(),
        EventError::Payment(PaymentError::Provider(error)) => ApiError::Unavailable(Box::new(error)),
        EventError::Payment(error @ PaymentError::Inconsistent(_)) => ApiError::Internal(Box::new(error)),
    }
}
