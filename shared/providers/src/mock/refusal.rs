//! Why a mock bank won't do what it is asked.

use thiserror::Error;

/// What a mock bank won't do; but for [`Self::Down`], a bug of ours, which the mock banks are there to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The bank is down for maintenance.
    #[error("the bank is down for maintenance")]
    Down,
    /// The payer can't decide so at this bank.
    #[error("this bank does not offer this decision")]
    NotOffered,
    /// The payer has not consented to this attempt.
    #[error("the payer has not consented to this attempt")]
    NoConsent,
    /// The payment was ordered before, under another key or with other bytes, and may still be paid: paying again would pay
    /// twice.
    #[error("this payment was ordered before, otherwise")]
    DifferentOrder,
    /// The attempt was begun before, under another key or with other bytes.
    #[error("this attempt was begun before, otherwise")]
    DifferentRequest,
    /// There is no such payment.
    #[error("no such payment")]
    NotBegun,
    /// There is no money to take back, or it was before.
    #[error("there is nothing to take back")]
    NothingToTakeBack,
    /// The bytes can't be read.
    #[error("the request can't be read")]
    Unreadable,
    /// There is no more room for a transfer: too many have come.
    #[error("there have been too many transfers to this payment")]
    TooManyTransfers,
    /// This bank makes no refunds.
    #[error("this bank makes no refunds")]
    NoRefunds,
}
