//! The port to whatever moves the money, shaped by real banks, and the mock bank behind it.
//!
//! A payment goes: [`Bank::begin`] when the payer chooses the bank; the payer consents on the bank's own page and comes
//! back, which is only a hint, so [`Bank::status`] is asked; our submission is recorded; then [`Bank::submit`] moves the
//! money. `begin` and `status` may be repeated freely; `submit` is repeated only with the same bytes under the same key.

mod directory;
pub mod mock;
mod schedule;

use std::error::Error as StdError;

use jiff::Timestamp;
use models::{Payee, Session, SessionEvent, Submission};
use thiserror::Error;

pub use directory::{Offer, Providers, can_pay};
pub use schedule::ask_again_at;

/// Where the payer goes to consent, and what the connector needs to find the payment again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The bank's page.
    pub redirect_url: String,
    /// Opaque to everyone but the connector.
    pub provider_state: String,
}

/// What a bank says of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The payer has not decided.
    AwaitingConsent,
    /// The payer consented; the bank has not been asked to move money.
    Consented,
    /// The payer or the bank refused; the event says who and why.
    Declined(SessionEvent),
    /// The bank took the order and has not sent the money yet.
    Accepted,
    /// The money is sent; from this account, if the bank shares it.
    Settled(Option<Payee>),
    /// The bank can't tell. Never a reason to fail a payment.
    Unknown,
}

/// The bank could not be asked. Says nothing about the payment.
#[derive(Debug, Error)]
#[error("the bank could not be reached")]
pub struct ProviderError(#[source] Box<dyn StdError + Send + Sync>);

impl ProviderError {
    /// Wraps the cause.
    pub fn new(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self(Box::new(cause))
    }
}

/// One bank, or one provider of many.
#[allow(async_fn_in_trait, reason = "used by our own functions alone, on one thread")]
pub trait Provider {
    /// Prepares attempt `number` of paying `session`. Moves no money; may be called again.
    ///
    /// # Errors
    /// The bank could not be asked.
    async fn begin(&self, session: &Session, number: u8) -> Result<Begun, ProviderError>;

    /// What the bank says of the session's latest attempt, and of its submission if there was one.
    ///
    /// # Errors
    /// The bank could not be asked.
    async fn status(&self, session: &Session, now: Timestamp) -> Result<Status, ProviderError>;

    /// The bytes that would move the money, and the key they go under. Sends nothing.
    fn prepare(&self, session: &Session, now: Timestamp) -> Submission;

    /// Asks the bank to move the money. Recorded before; repeated only with the same submission.
    ///
    /// # Errors
    /// The bank could not be asked, or its answer was lost: it may have acted.
    async fn submit(&self, session: &Session, submission: &Submission, now: Timestamp)
    -> Result<Status, ProviderError>;
}
