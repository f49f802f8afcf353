//! The mock providers there are, as one.

use jiff::Timestamp;
use models::Session;

use crate::delegate_provider;
use crate::mock::{Conclusion, Decided, Ledger, MockBank, MockConsent, MockTransfer, NamedMock, Refusal};
use crate::port::ProviderError;

/// The connector to one mock provider.
#[derive(Debug, Clone)]
pub enum MockConnector<L> {
    /// A mock bank whose money moves at submission.
    MockBank(MockBank<L>),
    /// A mock bank whose money moves at consent.
    MockConsent(MockConsent<L>),
    /// A mock provider whose payers make transfers.
    MockTransfer(MockTransfer<L>),
}

impl<L: Ledger> MockConnector<L> {
    /// Which mock bank it is.
    pub const fn mock(&self) -> &'static NamedMock {
        match self {
            Self::MockBank(bank) => bank.mock(),
            Self::MockConsent(bank) => bank.mock(),
            Self::MockTransfer(provider) => provider.mock(),
        }
    }

    /// The payer decides at a mock bank about an attempt that it knows. What ended the payer's choice is returned: the
    /// first decision, or our cancelling.
    ///
    /// # Errors
    /// The ledger could not be written, or the bank does not offer this decision.
    pub async fn decide(
        &self,
        session: &Session,
        attempt: u8,
        decided: Decided,
        now: Timestamp,
    ) -> Result<Conclusion, ProviderError> {
        match self {
            Self::MockBank(bank) => Ok(Conclusion::Decided(bank.decide(session, attempt, decided).await?)),
            Self::MockConsent(bank) => bank.decide(session, attempt, decided, now).await,
            Self::MockTransfer(_) => Err(ProviderError::refused(Refusal::NotOffered)),
        }
    }

    /// What ended the payer's choice about an attempt at a mock bank, if anything did.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn conclusion(&self, session: &Session, attempt: u8) -> Result<Option<Conclusion>, ProviderError> {
        match self {
            Self::MockBank(bank) => Ok(bank.decided(session, attempt).await?.map(Conclusion::Decided)),
            Self::MockConsent(bank) => bank.conclusion(session, attempt).await,
            Self::MockTransfer(_) => Ok(None),
        }
    }
}

delegate_provider!(MockConnector<L: Ledger>; MockBank, MockConsent, MockTransfer);
