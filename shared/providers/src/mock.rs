//! The mock bank: a bank with a memory and no money. Its ledger is kept by whoever implements [`Ledger`].

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use models::{AccountIdentifier, BankId, EndToEndId, Payee, Session, SessionEvent, Submission};
use serde::{Deserialize, Serialize};

use crate::{Begun, Provider, ProviderError, Status};

/// What the payer decides on the mock bank's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Consent; the money is sent at once.
    Approve,
    /// Consent; the money is sent after [`Decision::delay`].
    ApproveThenSettle,
    /// Consent; the bank refuses after [`Decision::delay`].
    ApproveThenFail,
    /// No consent.
    Decline,
    /// No consent: the account doesn't hold enough.
    InsufficientFunds,
}

impl Decision {
    /// Every decision, in the order in which the page offers them.
    pub const ALL: [Self; 5] =
        [Self::Approve, Self::ApproveThenSettle, Self::ApproveThenFail, Self::Decline, Self::InsufficientFunds];

    /// As the page's form and the ledger spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::ApproveThenSettle => "approve_then_settle",
            Self::ApproveThenFail => "approve_then_fail",
            Self::Decline => "decline",
            Self::InsufficientFunds => "insufficient_funds",
        }
    }

    /// How long the payment stays pending after submission.
    pub const fn delay(self) -> SignedDuration {
        match self {
            Self::Approve | Self::Decline | Self::InsufficientFunds => SignedDuration::ZERO,
            Self::ApproveThenSettle | Self::ApproveThenFail => SignedDuration::from_secs(10),
        }
    }

    /// What the bank says between the decision and the submission.
    const fn before_submission(self) -> Status {
        match self {
            Self::Approve | Self::ApproveThenSettle | Self::ApproveThenFail => Status::Consented,
            Self::Decline => Status::Declined(SessionEvent::DeclinedByPayer),
            Self::InsufficientFunds => Status::Declined(SessionEvent::InsufficientFunds),
        }
    }
}

/// Whether the bank tells the merchant which account the money came from. Real banks do or don't; this one asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayerAccount {
    /// It does.
    #[default]
    Shared,
    /// It doesn't: before a refund the payer has to be asked.
    Withheld,
}

/// All that the payer decides about one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Whether to pay.
    pub decision: Decision,
    /// Whether the merchant learns from which account.
    #[serde(default)]
    pub payer_account: PayerAccount,
}

impl Decided {
    /// What the bank says of `session`'s payment once the money was asked for.
    fn after_submission(self, session: &Session, submitted_at: Timestamp, now: Timestamp) -> Status {
        let waiting = now.duration_since(submitted_at) < self.decision.delay();
        match self.decision {
            Decision::Approve | Decision::ApproveThenSettle | Decision::ApproveThenFail if waiting => Status::Accepted,
            Decision::Approve | Decision::ApproveThenSettle => Status::Settled(match self.payer_account {
                PayerAccount::Shared => payer_account(session),
                PayerAccount::Withheld => None,
            }),
            Decision::ApproveThenFail => Status::Declined(SessionEvent::DeclinedByBank),
            Decision::Decline | Decision::InsufficientFunds => self.decision.before_submission(),
        }
    }
}

/// Where every payer of the mock bank has their account.
fn payer_account(session: &Session) -> Option<Payee> {
    let account = AccountIdentifier::uk("040004", "87654321").ok()?;
    Some(Payee { name: session.payer.as_ref()?.name.clone(), account })
}

impl FromStr for Decision {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == text).ok_or(())
    }
}

/// A payment that the mock bank was asked to make.
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

/// The mock bank's memory. What is written first stays.
#[allow(async_fn_in_trait, reason = "used by our own functions alone, on one thread")]
pub trait Ledger {
    /// The payer's decision on an attempt, if there is one.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn decided(&self, payment: EndToEndId, attempt: u8) -> Result<Option<Decided>, ProviderError>;

    /// Writes the payer's decision on an attempt down and returns the one that holds: the first.
    ///
    /// # Errors
    /// The ledger could not be written.
    async fn decide(&self, payment: EndToEndId, attempt: u8, decided: Decided) -> Result<Decided, ProviderError>;

    /// The order to pay, if it came.
    ///
    /// # Errors
    /// The ledger could not be read.
    async fn order(&self, payment: EndToEndId) -> Result<Option<Order>, ProviderError>;

    /// Writes an order down and returns the one that holds: the first.
    ///
    /// # Errors
    /// The ledger could not be written.
    async fn put_order(&self, payment: EndToEndId, order: Order) -> Result<Order, ProviderError>;
}

/// An order that the mock bank won't take; a bug of ours, which the mock bank is there to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The payer has not consented to this attempt.
    #[error("the payer has not consented to this attempt")]
    NoConsent,
    /// The payment was ordered before, under another key or with other bytes: paying again would pay twice.
    #[error("this payment was ordered before, otherwise")]
    DifferentOrder,
    /// The bytes can't be read.
    #[error("the order can't be read")]
    Unreadable,
}

/// What the mock bank is sent to move money.
#[derive(Debug, Serialize, Deserialize)]
struct OrderBody {
    end_to_end_id: EndToEndId,
    attempt: u8,
    amount_minor: i64,
    currency: String,
}

/// The connector to the mock bank.
#[derive(Debug, Clone)]
pub struct MockBank<L> {
    ledger: L,
}

impl<L: Ledger> MockBank<L> {
    /// A mock bank with this memory.
    pub fn new(ledger: L) -> Self {
        Self { ledger }
    }

    /// `mock-bank`.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a constant that a test parses")]
    pub fn id() -> BankId {
        "mock-bank".parse().expect("a valid bank id")
    }

    /// The payer decides about an attempt. The first decision holds.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub async fn decide(&self, session: &Session, attempt: u8, decided: Decided) -> Result<Decided, ProviderError> {
        self.ledger.decide(session.end_to_end_id, attempt, decided).await
    }
}

impl<L: Ledger> Provider for MockBank<L> {
    async fn begin(&self, session: &Session, number: u8) -> Result<Begun, ProviderError> {
        let redirect_url = format!("{}/mock-bank/{}/{number}", session.base_url, session.id);
        Ok(Begun { redirect_url, provider_state: number.to_string() })
    }

    async fn status(&self, session: &Session, now: Timestamp) -> Result<Status, ProviderError> {
        // A submission came, if it came, after the payer's decision; so the order is looked at first.
        if session.submission.is_some()
            && let Some(order) = self.ledger.order(session.end_to_end_id).await?
        {
            return Ok(order.decided.after_submission(session, order.submitted_at, now));
        }
        let Some(attempt) = session.attempt.as_ref().and_then(|attempt| attempt.provider_state.parse().ok()) else {
            return Ok(Status::Unknown);
        };
        let decided = self.ledger.decided(session.end_to_end_id, attempt).await?;
        Ok(decided.map_or(Status::AwaitingConsent, |decided| decided.decision.before_submission()))
    }

    fn prepare(&self, session: &Session, now: Timestamp) -> Submission {
        let body = OrderBody {
            end_to_end_id: session.end_to_end_id,
            attempt: session.attempt_number(),
            amount_minor: session.amount.minor(),
            currency: session.amount.currency().code().to_owned(),
        };
        Submission {
            idempotency_key: format!("submit-{}", session.end_to_end_id),
            body: serde_json::json!(body).to_string(),
            submitted_at: now,
        }
    }

    async fn submit(
        &self,
        session: &Session,
        submission: &Submission,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        let body: OrderBody =
            serde_json::from_str(&submission.body).map_err(|_| ProviderError::new(Refusal::Unreadable))?;
        let decided = self.ledger.decided(session.end_to_end_id, body.attempt).await?;
        let decided = match decided {
            Some(decided) if decided.decision.before_submission() == Status::Consented => decided,
            Some(_) | None => return Err(ProviderError::new(Refusal::NoConsent)),
        };
        let order = Order {
            idempotency_key: submission.idempotency_key.clone(),
            body: submission.body.clone(),
            decided,
            submitted_at: now,
        };
        let holds = self.ledger.put_order(session.end_to_end_id, order).await?;
        if holds.idempotency_key != submission.idempotency_key || holds.body != submission.body {
            return Err(ProviderError::new(Refusal::DifferentOrder));
        }
        Ok(holds.decided.after_submission(session, holds.submitted_at, now))
    }
}
