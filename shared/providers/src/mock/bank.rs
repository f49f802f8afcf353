//! A mock bank whose money moves when we submit.

use jiff::Timestamp;
use models::{
    BankId, EndToEndId, Money, MovesMoney, PaymentAttempt, ProviderPaymentId, ProviderRefundId, ProviderRequest,
    RefundId, Session, Submission,
};
use serde::{Deserialize, Serialize};

use super::decision::Decided;
use super::ledger::{Entry, Ledger, Order};
use super::named::{MOCK_BANK, NamedMock};
use super::refusal::Refusal;
use super::status::{after_order, before_order};
use crate::event::{NotGenuine, ProviderEvent, RawEvent};
use crate::port::{
    Begun, Cancellation, EventRefusal, Next, PayerLink, Provider, ProviderError, RefundAnswer, RefundStatus, Status,
};

/// What a mock bank is sent to move money.
#[derive(Debug, Serialize, Deserialize)]
struct OrderBody {
    end_to_end_id: EndToEndId,
    attempt: u8,
    amount_minor: i64,
    currency: String,
}

/// The connector to a mock bank whose money moves at submission.
#[derive(Debug, Clone)]
pub struct MockBank<L> {
    ledger: L,
    named: &'static NamedMock,
}

impl<L: Ledger> MockBank<L> {
    /// The one that is called so, with this memory.
    pub fn new(ledger: L) -> Self {
        Self::named(&MOCK_BANK, ledger)
    }

    /// A named one.
    pub(crate) const fn named(named: &'static NamedMock, ledger: L) -> Self {
        Self { ledger, named }
    }

    /// Which mock bank it is.
    pub const fn mock(&self) -> &'static NamedMock {
        self.named
    }

    /// `mock-bank`.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a constant that a test parses")]
    pub fn id() -> BankId {
        MOCK_BANK.id.parse().expect("a valid bank id")
    }

    /// The payer decides about an attempt. The first decision holds, and is returned.
    ///
    /// # Errors
    /// The ledger could not be written, or the bank does not offer this decision.
    pub async fn decide(&self, session: &Session, attempt: u8, decided: Decided) -> Result<Decided, ProviderError> {
        let decided = self.named.offered(decided).map_err(ProviderError::refused)?;
        self.ledger.put(session.end_to_end_id, Entry::Decision(attempt), decided).await
    }

    /// The payer's decision on an attempt, if there is one.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub async fn decided(&self, session: &Session, attempt: u8) -> Result<Option<Decided>, ProviderError> {
        self.ledger.decided(session.end_to_end_id, attempt).await
    }

    /// Whether an order of an attempt before `number` was placed that may still be paid, or has been.
    async fn ordered_before(&self, session: &Session, number: u8, now: Timestamp) -> Result<bool, ProviderError> {
        for earlier in std::iter::once(None).chain((1..number).map(Some)) {
            let order: Option<Order> = self.ledger.get(session.end_to_end_id, Entry::Order(earlier)).await?;
            if let Some(order) = order {
                match after_order(order.decided, None, order.submitted_at, now) {
                    Status::Refused(_) | Status::Cancelled => {}
                    Status::AwaitingConsent
                    | Status::Consented
                    | Status::Accepted
                    | Status::Settled(_)
                    | Status::TakenBack(_)
                    | Status::Arrived(_)
                    | Status::Unknown => return Ok(true),
                }
            }
        }
        Ok(false)
    }
}

/// The key of a session's first submission.
fn first_key(session: &Session) -> String {
    format!("submit-{}", session.end_to_end_id)
}

/// The number of the attempt that a submission is of, if its key says so: because one before it was submitted and failed.
fn resubmission(session: &Session, submission: &Submission) -> Option<u8> {
    models::whole_number(submission.idempotency_key.strip_prefix(&first_key(session))?.strip_prefix('-')?)
}

/// Whether an attempt before the latest was submitted.
fn was_submitted_before(session: &Session) -> bool {
    use models::SessionEvent::{BankChosen, ConsentGiven};
    let mut causes = session.history.iter().rev().map(|entry| entry.cause).skip_while(|cause| *cause != BankChosen);
    causes.any(|cause| cause == ConsentGiven)
}

impl<L: Ledger> Provider for MockBank<L> {
    fn moves_money(&self) -> MovesMoney {
        MovesMoney::AtSubmission
    }

    fn begin_request(&self, session: &Session, number: u8) -> ProviderRequest {
        // Nobody is asked: the payer's way to the bank begins the attempt.
        ProviderRequest { idempotency_key: format!("begin-{}-{number}", session.end_to_end_id), body: String::new() }
    }

    async fn begin(&self, session: &Session, number: u8, _: &ProviderRequest) -> Result<Begun, ProviderError> {
        if self.named.down.is_some() {
            return Err(ProviderError::refused(Refusal::Down));
        }
        let link = PayerLink::new(super::page_url(session, number));
        Ok(Begun { payment_id: None, provider_state: number.to_string(), next: Next::Redirect(link) })
    }

    async fn status(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        // A submission came, if it came, after the payer's decision; so the order is read first.
        if let Some(submission) = &session.submission {
            let entry = Entry::Order(resubmission(session, submission));
            let order: Option<Order> = self.ledger.get(session.end_to_end_id, entry).await?;
            if let Some(order) = order {
                return Ok(after_order(order.decided, Some(session), order.submitted_at, now));
            }
        }
        let decided = self.ledger.decided(session.end_to_end_id, attempt.number).await?;
        Ok(decided.map_or(Status::AwaitingConsent, |decided| before_order(decided.decision)))
    }

    async fn status_by_id(&self, _: &ProviderPaymentId, _: Timestamp) -> Result<Status, ProviderError> {
        Ok(Status::Unknown)
    }

    fn prepare(&self, session: &Session, attempt: &PaymentAttempt, now: Timestamp) -> Option<Submission> {
        let body = OrderBody {
            end_to_end_id: session.end_to_end_id,
            attempt: attempt.number,
            amount_minor: session.amount.minor(),
            currency: session.amount.currency().code().to_owned(),
        };
        let first = first_key(session);
        let idempotency_key = if was_submitted_before(session) { format!("{first}-{}", attempt.number) } else { first };
        Some(Submission { idempotency_key, body: serde_json::json!(body).to_string(), submitted_at: now })
    }

    async fn submit(
        &self,
        session: &Session,
        _: &PaymentAttempt,
        submission: &Submission,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        let body: OrderBody =
            serde_json::from_str(&submission.body).map_err(|_| ProviderError::refused(Refusal::Unreadable))?;
        let decided = match self.ledger.decided(session.end_to_end_id, body.attempt).await? {
            Some(decided) if before_order(decided.decision) == Status::Consented => decided,
            Some(_) | None => return Err(ProviderError::refused(Refusal::NoConsent)),
        };
        let resubmission = resubmission(session, submission);
        if let Some(number) = resubmission
            && self.ordered_before(session, number, now).await?
        {
            return Err(ProviderError::refused(Refusal::DifferentOrder));
        }
        let order = Order {
            idempotency_key: submission.idempotency_key.clone(),
            body: submission.body.clone(),
            decided,
            submitted_at: now,
        };
        let holds = self.ledger.put(session.end_to_end_id, Entry::Order(resubmission), order).await?;
        if holds.idempotency_key != submission.idempotency_key || holds.body != submission.body {
            return Err(ProviderError::refused(Refusal::DifferentOrder));
        }
        Ok(after_order(holds.decided, Some(session), holds.submitted_at, now))
    }

    async fn cancel(&self, _: &Session, _: &PaymentAttempt, _: Timestamp) -> Result<Cancellation, ProviderError> {
        Ok(Cancellation::Unsupported)
    }

    fn refund_request(&self, _: &Session, _: &PaymentAttempt, _: RefundId, _: Money) -> Option<ProviderRequest> {
        None
    }

    async fn refund(
        &self,
        _: &ProviderPaymentId,
        _: &ProviderRequest,
        _: Timestamp,
    ) -> Result<RefundAnswer, ProviderError> {
        Err(ProviderError::refused(Refusal::NoRefunds))
    }

    async fn refund_status(
        &self,
        _: &ProviderPaymentId,
        _: &ProviderRefundId,
        _: Timestamp,
    ) -> Result<RefundStatus, ProviderError> {
        Ok(RefundStatus::Unknown)
    }

    async fn read_event(&self, _: &RawEvent<'_>) -> Result<ProviderEvent, EventRefusal> {
        Err(NotGenuine.into())
    }
}
