//! The memory of the mock banks: entries that are written once.

use jiff::Timestamp;
use models::{Card, EndToEndId, TakenBack, TransferId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::decision::Decided;
use crate::port::ProviderError;

/// Which entry about a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// The payer's decision on this attempt, where money moves at submission: [`Decided`].
    Decision(u8),
    /// The order to pay: [`Order`]. With the attempt's number if it comes after one that was submitted and failed.
    Order(Option<u8>),
    /// This attempt, where money moves at consent: [`Payment`].
    Begun(u8),
    /// The card whose holder is asked whether it is them, before this attempt is decided: [`Card`].
    Challenge(u8),
    /// How this attempt was concluded, where money moves at consent: [`Concluded`].
    Conclusion(u8),
    /// That the money of this attempt was taken back, where it moved at consent: [`TakenBack`].
    TakenBack(u8),
    /// The refund of this attempt at this position, from 1: [`RefundOrder`].
    Refund {
        /// The attempt.
        attempt: u8,
        /// From 1, without gaps.
        position: u8,
    },
    /// What happened to the transfers of a payment at this position, from 1 without gaps: [`super::LogEntry`].
    Transfer(u16),
    /// Which payment has a reference, or an account: [`super::Referenced`]. The payment is named by that here.
    Reference,
    /// A transfer that matches no payment: [`super::UnmatchedTransfer`]. All of them stand under one id.
    Unmatched(TransferId),
}

/// A payment that a mock bank was asked to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The key under which it was asked first.
    pub idempotency_key: String,
    /// What was asked.
    pub body: String,
    /// Which consent it rests on.
    #[serde(flatten)]
    pub decided: Decided,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub submitted_at: Timestamp,
}

/// A payment that the mock bank whose money moves at consent knows. It is kept for good, so nothing of the request is in it
/// that names anybody: who is paid may be a customer, where a refund is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The key under which it was begun.
    pub idempotency_key: String,
    /// SHA-256 of the bytes that began it, in hexadecimal digits: others under the same key are refused.
    pub body_sha256: String,
    /// How much.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: String,
}

/// What ended the payer's choice: their own decision, or our cancelling. Only one of them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The payer decided.
    Decided(Decided),
    /// We cancelled.
    Cancelled,
}

/// A conclusion, and when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concluded {
    /// Which.
    pub conclusion: Conclusion,
    /// When; the money moves then, if it does.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}

/// A refund that a mock bank was asked to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOrder {
    /// The key under which it was asked first.
    pub idempotency_key: String,
    /// What was asked.
    pub body: String,
    /// How much of it, in minor units.
    pub amount_minor: i64,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub asked_at: Timestamp,
}

/// The mock banks' memory. What is written first stays: that is how consent and cancelling, and two orders, race.
#[allow(async_fn_in_trait, reason = "used by our own functions alone, on one thread")]
pub trait Ledger {
    /// The entry, if there is one.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn get<T: DeserializeOwned>(&self, payment: EndToEndId, entry: Entry) -> Result<Option<T>, ProviderError>;

    /// Writes `value` unless there is such an entry, and returns the one that holds: the first.
    ///
    /// # Errors
    /// The ledger could not be written, or not be read.
    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        payment: EndToEndId,
        entry: Entry,
        value: T,
    ) -> Result<T, ProviderError>;

    /// The payer's decision on an attempt, if there is one.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn decided(&self, payment: EndToEndId, attempt: u8) -> Result<Option<Decided>, ProviderError> {
        self.get(payment, Entry::Decision(attempt)).await
    }

    /// The order to pay, if it came.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn order(&self, payment: EndToEndId) -> Result<Option<Order>, ProviderError> {
        self.get(payment, Entry::Order(None)).await
    }

    /// An attempt whose money moves at consent, if it was begun.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn begun(&self, payment: EndToEndId, attempt: u8) -> Result<Option<Payment>, ProviderError> {
        self.get(payment, Entry::Begun(attempt)).await
    }

    /// How an attempt was concluded, if it was.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn concluded(&self, payment: EndToEndId, attempt: u8) -> Result<Option<Concluded>, ProviderError> {
        self.get(payment, Entry::Conclusion(attempt)).await
    }

    /// The card whose holder is asked whether it is them, if one is.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn challenged(&self, payment: EndToEndId, attempt: u8) -> Result<Option<Card>, ProviderError> {
        self.get(payment, Entry::Challenge(attempt)).await
    }

    /// That the money of an attempt was taken back, if it was.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn taken_back(&self, payment: EndToEndId, attempt: u8) -> Result<Option<TakenBack>, ProviderError> {
        self.get(payment, Entry::TakenBack(attempt)).await
    }
}
