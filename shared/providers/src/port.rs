//! The port: what a connector to a provider can be asked, and what it answers.

use std::error::Error as StdError;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use models::{
    DeclineReason, MinorUnits, Money, MovesMoney, PaidFrom, Payee, PaymentAttempt, ProviderPaymentId, ProviderRefundId,
    ProviderRequest, RefundId, Session, Submission, TakenBackReason, TransferInstructions,
};
use thiserror::Error;

use crate::event::{NotGenuine, ProviderEvent, RawEvent};

/// The provider did not do what it was asked.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// It could not be asked, or its answer was lost: it may have acted. Says nothing about the payment.
    #[error("the provider could not be reached")]
    Unreachable(#[source] Box<dyn StdError + Send + Sync>),
    /// It was asked and won't. Of [`Provider::begin`]: there is no such payment, and the attempt is over. Of any other
    /// request: that request did nothing, which says nothing about the payment.
    #[error("the provider refused the request")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
}

impl ProviderError {
    /// [`Self::Unreachable`], because of this.
    pub fn unreachable(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unreachable(Box::new(cause))
    }

    /// [`Self::Refused`], because of this.
    pub fn refused(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::Refused(Box::new(cause))
    }
}

/// Consent moves the money here.
#[derive(Debug, Error)]
#[error("consent moves the money here: there is nothing to submit")]
struct NothingToSubmit;

/// Why a provider's webhook says nothing of a payment.
#[derive(Debug, Error)]
pub enum EventRefusal {
    /// The provider did not send it.
    #[error(transparent)]
    NotGenuine(#[from] NotGenuine),
    /// The provider sent it, and it is about no payment.
    #[error("the webhook is about no payment")]
    NothingOfOurs,
    /// Whether the provider sent it could not be found out: it is to be sent again.
    #[error("whether the provider sent the webhook could not be found out")]
    Unreachable(#[source] ProviderError),
}

/// A link to the provider that is for the payer alone: it may hold a token. It is never stored or logged, so it can't be
/// serialized and debug output does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PayerLink(String);

impl PayerLink {
    /// Wraps a link.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The link, for the payer's browser.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PayerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PayerLink(…)")
    }
}

/// What the payer does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Consents on the provider's page.
    Redirect(PayerLink),
    /// Makes a transfer of their own.
    Transfer(TransferInstructions),
}

/// An attempt that the provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What the provider calls the payment; none of a provider whose money moves at submission.
    pub payment_id: Option<ProviderPaymentId>,
    /// What the connector needs to find the payment again where there is no `payment_id`; opaque to everyone else.
    pub provider_state: String,
    /// What the payer does next.
    pub next: Next,
}

/// What a provider says of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The payer has not decided.
    AwaitingConsent,
    /// The payer consented, and the provider has not been asked to move money. At submission alone.
    Consented,
    /// Money will move, or has moved, and the provider has not said how it ended.
    Accepted,
    /// The money is sent; from there, if the provider says that.
    Settled(PaidFrom),
    /// The money was sent, and taken back afterwards: it is the payer's again.
    TakenBack(TakenBackReason),
    /// The payer or the bank finally refused: the money of this attempt never moves.
    Refused(DeclineReason),
    /// We cancelled it: the money of this attempt never moves. At consent alone.
    Cancelled,
    /// Some of it has come by the payer's own transfers. Where the payer gets instructions, this stands for every status from
    /// the first money on.
    Arrived(Arrivals),
    /// The provider doesn't know. Never a reason to fail a payment.
    Unknown,
}

/// What has come of a payment by transfers, in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrivals {
    /// While the payment was open. It may be less or more than its amount.
    pub received: MinorUnits,
    /// After it was closed: nobody expects it, and a person returns it.
    pub late: MinorUnits,
    /// Whether it is closed, because it was cancelled or given up. What was received by then is returned.
    pub closed: bool,
    /// The account that all of what was received came from, if the provider shares it and it is one.
    pub payer_account: Option<Payee>,
}

/// What became of cancelling an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancellation {
    /// Its money never moves.
    Yes,
    /// It was decided before; this is how it stands.
    TooLate(Status),
    /// The provider can't cancel. At submission nothing has to be cancelled, as nothing moves before it.
    Unsupported,
}

/// What became of asking for a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundAnswer {
    /// It is under way; [`Provider::refund_status`] says how it ends.
    Accepted(ProviderRefundId),
    /// The provider finally won't.
    Refused(RefundRefusal),
}

/// Why a provider won't refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RefundRefusal {
    /// The payment has not settled.
    #[error("the payment has not settled")]
    NotSettled,
    /// It is more than what is left of the payment.
    #[error("more than what is left of the payment")]
    TooMuch,
    /// A reason of the provider's own.
    #[error("the provider won't refund it")]
    ByProvider,
}

/// What a provider says of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    /// It is under way.
    Accepted,
    /// The money is back.
    Settled,
    /// It failed: the money stays with the merchant.
    Refused,
    /// The provider doesn't know. Never a reason to fail a refund.
    Unknown,
}

/// A connector to one provider.
///
/// Where money moves at submission, a payment goes: [`Provider::begin`] when the payer chooses; the payer consents on the
/// provider's page and comes back, which is only a hint, so [`Provider::status`] is asked; our submission is recorded; then
/// [`Provider::submit`] moves the money. Where it moves at consent, the request of [`Provider::begin_request`] is recorded
/// before it is sent, and the payer's consent moves the money: until the provider says that an attempt is over, it may.
///
/// Every request may be repeated as it was recorded, and does nothing twice then, within [`Provider::repeats_within`].
#[allow(async_fn_in_trait, reason = "used by our own functions alone, on one thread")]
pub trait Provider {
    /// When an attempt's money moves.
    fn moves_money(&self) -> MovesMoney;

    /// For how long after an attempt was begun its request may be repeated to make the payer's link again; none for as long as the
    /// attempt is open. Later the attempt is cancelled, and the next begins.
    fn link_lasts(&self) -> Option<SignedDuration> {
        None
    }

    /// For how long after a request was recorded it may be repeated and does nothing twice; none for ever. What was recorded longer
    /// ago is never sent again: its key may have expired, and it would be done once more.
    fn repeats_within(&self) -> Option<SignedDuration> {
        None
    }

    /// Whether its word on a payment that is sent may change: its money may be taken back, or come again by transfer. Where it
    /// can't, nobody asks.
    fn takes_back(&self) -> bool {
        true
    }

    /// The request that begins attempt `number` of paying `session`: the same bytes under the same key for the same
    /// session and number. Sends nothing. It may name the payer, and is erased with what is about them.
    fn begin_request(&self, session: &Session, number: u8) -> ProviderRequest;

    /// Sends the request that begins attempt `number`. Moves no money by itself. Repeated with the same request, it answers
    /// the same, whatever has become of the payment.
    ///
    /// # Errors
    /// The provider could not be asked; or it refuses, and there is no payment.
    async fn begin(&self, session: &Session, number: u8, request: &ProviderRequest) -> Result<Begun, ProviderError>;

    /// What the provider says of an attempt of the session's, and of its submission if there was one.
    ///
    /// Where money moves at consent and the payment's id is not recorded, as the answer of `begin` was lost, the recorded
    /// request is repeated first; so the errors of `begin` are possible too.
    ///
    /// # Errors
    /// The provider could not be asked.
    async fn status(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError>;

    /// What the provider says of a payment known by its id alone: an older attempt's, or a deleted session's. Unknown where
    /// there are no ids, or none such. The payer's account is not said.
    ///
    /// # Errors
    /// The provider could not be asked.
    async fn status_by_id(&self, id: &ProviderPaymentId, now: Timestamp) -> Result<Status, ProviderError>;

    /// The bytes that would move the money of an attempt, and the key they go under; none where consent moves it. Sends
    /// nothing.
    fn prepare(&self, _session: &Session, _attempt: &PaymentAttempt, _now: Timestamp) -> Option<Submission> {
        None
    }

    /// Asks the provider to move the money. Recorded before; repeated only with the same submission.
    ///
    /// # Errors
    /// The provider could not be asked, or its answer was lost: it may have acted. It refuses what it was not asked in this
    /// way before, or ever where consent moves the money: that, too, says nothing about the payment.
    async fn submit(
        &self,
        _session: &Session,
        _attempt: &PaymentAttempt,
        _submission: &Submission,
        _now: Timestamp,
    ) -> Result<Status, ProviderError> {
        Err(ProviderError::refused(NothingToSubmit))
    }

    /// Asks the provider to let the money of an attempt never move. After its yes it does not, whatever the payer does; may
    /// be repeated, and answers the same then. Begins an attempt whose id is not recorded as [`Provider::status`] does.
    ///
    /// # Errors
    /// The provider could not be asked, or its answer was lost.
    async fn cancel(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Cancellation, ProviderError>;

    /// Asks the provider to close a payment of which a part has come, and to return that part: the payer's time has run out.
    /// How it stands then; if the rest has come before that, as it is. Where payments don't come in parts, nothing is asked.
    ///
    /// # Errors
    /// The provider could not be asked, or its answer was lost.
    async fn give_up(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        self.status(session, attempt, now).await
    }

    /// The request that pays `amount` of an attempt back, under a key of the refund's own; none if the provider can't.
    /// Sends nothing. Names nobody: it is kept for good.
    fn refund_request(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        refund_id: RefundId,
        amount: Money,
    ) -> Option<ProviderRequest>;

    /// Sends the request that pays a part of a payment back. Recorded before; repeated only with the same request.
    ///
    /// # Errors
    /// The provider could not be asked, or its answer was lost: it may have acted.
    async fn refund(
        &self,
        payment_id: &ProviderPaymentId,
        request: &ProviderRequest,
        now: Timestamp,
    ) -> Result<RefundAnswer, ProviderError>;

    /// What the provider says of a refund of this payment.
    ///
    /// # Errors
    /// The provider could not be asked.
    async fn refund_status(
        &self,
        payment_id: &ProviderPaymentId,
        id: &ProviderRefundId,
        now: Timestamp,
    ) -> Result<RefundStatus, ProviderError>;

    /// Which payment a provider's webhook is about. It is a hint to ask for the status, never a fact.
    ///
    /// # Errors
    /// See [`EventRefusal`].
    async fn read_event(&self, event: &RawEvent<'_>) -> Result<ProviderEvent, EventRefusal>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_says_that_there_is_a_link_and_not_which() {
        let link = PayerLink::new("https://bank.example/pay?token=secret");
        assert_eq!(format!("{link:?}"), "PayerLink(…)");
        assert_eq!(link.reveal(), "https://bank.example/pay?token=secret");
    }
}
