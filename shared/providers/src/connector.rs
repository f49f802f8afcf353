//! The providers there are, as one.

use jiff::Timestamp;
use models::{
    Money, MovesMoney, PaymentAttempt, ProviderPaymentId, ProviderRefundId, ProviderRequest, RefundId, Session,
    Submission,
};

use crate::event::{NotGenuine, ProviderEvent, RawEvent};
use crate::mock::{Conclusion, Decided, Ledger, MockBank, MockConsent, MockTransfer, NamedMock, Refusal};
use crate::port::{Begun, Cancellation, Provider, ProviderError, RefundAnswer, RefundStatus, Status};

/// The connector to one provider.
#[derive(Debug, Clone)]
pub enum Connector<L> {
    /// A mock bank whose money moves at submission.
    MockBank(MockBank<L>),
    /// A mock bank whose money moves at consent.
    MockConsent(MockConsent<L>),
    /// A mock provider whose payers make transfers.
    MockTransfer(MockTransfer<L>),
}

/// Whichever it is.
macro_rules! each {
    ($connector:expr, $provider:ident => $answer:expr) => {
        match $connector {
            Connector::MockBank($provider) => $answer,
            Connector::MockConsent($provider) => $answer,
            Connector::MockTransfer($provider) => $answer,
        }
    };
}

impl<L: Ledger> Connector<L> {
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

impl<L: Ledger> Provider for Connector<L> {
    fn moves_money(&self) -> MovesMoney {
        each!(self, provider => provider.moves_money())
    }

    fn begin_request(&self, session: &Session, number: u8) -> ProviderRequest {
        each!(self, provider => provider.begin_request(session, number))
    }

    async fn begin(&self, session: &Session, number: u8, request: &ProviderRequest) -> Result<Begun, ProviderError> {
        each!(self, provider => provider.begin(session, number, request).await)
    }

    async fn status(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        each!(self, provider => provider.status(session, attempt, now).await)
    }

    async fn status_by_id(&self, id: &ProviderPaymentId, now: Timestamp) -> Result<Status, ProviderError> {
        each!(self, provider => provider.status_by_id(id, now).await)
    }

    fn prepare(&self, session: &Session, attempt: &PaymentAttempt, now: Timestamp) -> Option<Submission> {
        each!(self, provider => provider.prepare(session, attempt, now))
    }

    async fn submit(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        submission: &Submission,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        each!(self, provider => provider.submit(session, attempt, submission, now).await)
    }

    async fn cancel(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Cancellation, ProviderError> {
        each!(self, provider => provider.cancel(session, attempt, now).await)
    }

    async fn give_up(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        each!(self, provider => provider.give_up(session, attempt, now).await)
    }

    fn refund_request(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        refund_id: RefundId,
        amount: Money,
    ) -> Option<ProviderRequest> {
        each!(self, provider => provider.refund_request(session, attempt, refund_id, amount))
    }

    async fn refund(
        &self,
        payment_id: &ProviderPaymentId,
        request: &ProviderRequest,
        now: Timestamp,
    ) -> Result<RefundAnswer, ProviderError> {
        each!(self, provider => provider.refund(payment_id, request, now).await)
    }

    async fn refund_status(
        &self,
        payment_id: &ProviderPaymentId,
        id: &ProviderRefundId,
        now: Timestamp,
    ) -> Result<RefundStatus, ProviderError> {
        each!(self, provider => provider.refund_status(payment_id, id, now).await)
    }

    fn read_event(&self, event: &RawEvent<'_>) -> Result<ProviderEvent, NotGenuine> {
        each!(self, provider => provider.read_event(event))
    }
}
