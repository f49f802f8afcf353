//! A provider's webhook: a hint to ask where a payment stands, never a fact.

use models::{BankId, Mode};
use providers::{NotGenuine, Provider, ProviderEvent, RawEvent};
use thiserror::Error;

use crate::Payments;
use crate::error::PaymentError;
use crate::follow_up::UnknownPayment;

/// Why a provider's webhook was not followed up.
#[derive(Debug, Error)]
pub enum EventError {
    /// The provider did not send it.
    #[error(transparent)]
    NotGenuine(#[from] NotGenuine),
    /// There is no such provider, or no payment of ours that it calls so.
    #[error("no such payment")]
    NotFound,
    /// The provider or the table stopped us.
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

impl From<UnknownPayment> for EventError {
    fn from(error: UnknownPayment) -> Self {
        match error {
            UnknownPayment::NotFound => Self::NotFound,
            UnknownPayment::Payment(error) => Self::Payment(error),
        }
    }
}

impl Payments {
    /// Follows up the payment that a webhook of this provider is about, if it is genuine. May come twice, late or never.
    ///
    /// # Errors
    /// See [`EventError`]; nothing is recorded then, or a part that a repeat goes on from.
    pub async fn follow_up_event(&self, provider: &BankId, event: &RawEvent<'_>) -> Result<(), EventError> {
        let connector = [Mode::Test, Mode::Live].into_iter().find_map(|mode| self.providers.find(provider, mode));
        let ProviderEvent { payment_id } = connector.ok_or(EventError::NotFound)?.read_event(event)?;
        Ok(self.follow_up_payment(provider, &payment_id).await?)
    }
}
