//! Banks whose money moves when we submit.

use jiff::Timestamp;
use models::{
    DeclineReason, Money, MovesMoney, PaymentAttempt, ProviderPaymentId, ProviderRefundId, ProviderRequest, RefundId,
    Session, SessionEvent, Submission,
};
use providers::{
    Begun, Cancellation, EventRefusal, Provider, ProviderError, ProviderEvent, RawEvent, RefundAnswer, RefundStatus,
    Status,
};

use super::world::{MOCK_BANK, World, causes};
use crate::Payments;

/// What happens to a session while the bank is being asked.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    BankChosenAgain,
    ConsentGiven,
    CancelledByMerchant,
}

/// A bank during whose answer something else happens to the session.
struct MeanwhileBank<'a> {
    payments: &'a Payments,
    meanwhile: Meanwhile,
    says: Status,
}

impl Provider for MeanwhileBank<'_> {
    fn moves_money(&self) -> MovesMoney {
        MovesMoney::AtSubmission
    }

    fn begin_request(&self, _: &Session, _: u8) -> ProviderRequest {
        panic!("not asked")
    }

    async fn begin(&self, _: &Session, _: u8, _: &ProviderRequest) -> Result<Begun, ProviderError> {
        panic!("not asked")
    }

    async fn status(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        now: Timestamp,
    ) -> Result<Status, ProviderError> {
        let change = |event| self.payments.change(session.id, event);
        let attempt = attempt.clone();
        let changed = match self.meanwhile {
            Meanwhile::BankChosenAgain => {
                let next = PaymentAttempt { number: attempt.number + 1, ..attempt };
                self.payments.sessions.choose_bank(change(SessionEvent::BankChosen), &next, None).await
            }
            Meanwhile::ConsentGiven => {
                let (change, submission) =
                    (change(SessionEvent::ConsentGiven), self.prepare(session, &attempt, now).unwrap());
                self.payments.sessions.give_consent(change, attempt.number, &submission, now).await
            }
            Meanwhile::CancelledByMerchant => {
                self.payments.sessions.record(change(SessionEvent::CancelledByMerchant), None, None, None).await
            }
        };
        changed.unwrap();
        Ok(self.says.clone())
    }

    async fn status_by_id(&self, _: &ProviderPaymentId, _: Timestamp) -> Result<Status, ProviderError> {
        panic!("not asked")
    }

    fn prepare(&self, _: &Session, _: &PaymentAttempt, now: Timestamp) -> Option<Submission> {
        Some(Submission { idempotency_key: "key".to_owned(), body: "body".to_owned(), submitted_at: now })
    }

    async fn submit(
        &self,
        _: &Session,
        _: &PaymentAttempt,
        _: &Submission,
        _: Timestamp,
    ) -> Result<Status, ProviderError> {
        panic!("money was asked for")
    }

    async fn cancel(&self, _: &Session, _: &PaymentAttempt, _: Timestamp) -> Result<Cancellation, ProviderError> {
        panic!("not asked")
    }

    fn refund_request(&self, _: &Session, _: &PaymentAttempt, _: RefundId, _: Money) -> Option<ProviderRequest> {
        panic!("not asked")
    }

    async fn refund(
        &self,
        _: &ProviderPaymentId,
        _: &ProviderRequest,
        _: Timestamp,
    ) -> Result<RefundAnswer, ProviderError> {
        panic!("not asked")
    }

    async fn refund_status(
        &self,
        _: &ProviderPaymentId,
        _: &ProviderRefundId,
        _: Timestamp,
    ) -> Result<RefundStatus, ProviderError> {
        panic!("not asked")
    }

    async fn read_event(&self, _: &RawEvent<'_>) -> Result<ProviderEvent, EventRefusal> {
        panic!("not asked")
    }
}

#[tokio::test]
async fn an_answer_of_the_bank_that_comes_too_late_changes_nothing() {
    let world = World::new();
    let payments = &world.payments;
    for (meanwhile, last) in [
        (Meanwhile::BankChosenAgain, "bank_chosen"),
        (Meanwhile::ConsentGiven, "consent_given"),
        (Meanwhile::CancelledByMerchant, "cancelled_by_merchant"),
    ] {
        for says in [Status::Consented, Status::Refused(DeclineReason::ByPayer)] {
            let session = world.at(MOCK_BANK).await;
            let bank = MeanwhileBank { payments, meanwhile, says: says.clone() };
            let attempt = session.attempt.as_ref().unwrap();
            payments.before_submission(&bank, &session, attempt, world.now()).await.unwrap();
            assert_eq!(causes(&world.read(&session).await.unwrap()).last(), Some(&last), "{meanwhile:?} {says:?}");
        }
    }
}
