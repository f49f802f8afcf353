//! What is recorded of a provider's word, over a table in memory.

use jiff::Timestamp;
use models::{
    BankId, DeclineReason, Money, MovesMoney, PaymentAttempt, ProviderPaymentId, ProviderRequest, RefundId, Session,
    Submission,
};
use providers::{
    Begun, Cancellation, NotGenuine, Provider, ProviderError, ProviderEvent, ProviderRefundId, RawEvent, RefundAnswer,
    RefundStatus, Status,
};
use serde_json::json;

use super::*;

const MOCK_BANK: &str = "mock-bank";

/// Payments in a table of their own, served for as long as the test runs.
async fn payments() -> Payments {
    let database = dynoxide::Database::memory().unwrap();
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let request = json!({
        "TableName": "Table",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
    });
    database.create_table(serde_json::from_value(request).unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "test");
    let config = runtime::aws_config_for(credentials, "eu-west-2".to_owned(), Some(endpoint)).unwrap();
    Payments::new(Table::new(&config, "Table".to_owned(), Random::System), false, Clock::System, Random::System)
}

impl Payments {
    /// A session whose payer has chosen the mock bank.
    async fn at_the_bank(&self) -> Session {
        let session = samples::session_at(samples::now());
        self.sessions.create(session.clone(), None).await.unwrap();
        let payer = samples::payer(samples::PAYER_NAME, samples::PAYER_EMAIL);
        let change = self.change(session.id, SessionEvent::PayerIdentified);
        let session = self.sessions.identify_payer(change, &payer).await.unwrap().session;
        self.begin(&session, MOCK_BANK.parse::<BankId>().unwrap(), 1).await.unwrap()
    }

    async fn now(&self, session: &Session) -> Session {
        self.sessions.get(&session.id).await.unwrap().unwrap()
    }
}

fn causes(session: &Session) -> Vec<&'static str> {
    session.history.iter().map(|entry| entry.cause.as_str()).collect()
}

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
                self.payments.sessions.record(change(SessionEvent::CancelledByMerchant), None, None).await
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
        _: &PaymentAttempt,
        _: &ProviderRequest,
        _: Timestamp,
    ) -> Result<RefundAnswer, ProviderError> {
        panic!("not asked")
    }

    async fn refund_status(&self, _: &ProviderRefundId, _: Timestamp) -> Result<RefundStatus, ProviderError> {
        panic!("not asked")
    }

    fn read_event(&self, _: &RawEvent<'_>) -> Result<ProviderEvent, NotGenuine> {
        panic!("not asked")
    }
}

#[tokio::test]
async fn an_answer_of_the_bank_that_comes_too_late_changes_nothing() {
    let payments = payments().await;
    for (meanwhile, last) in [
        (Meanwhile::BankChosenAgain, "bank_chosen"),
        (Meanwhile::ConsentGiven, "consent_given"),
        (Meanwhile::CancelledByMerchant, "cancelled_by_merchant"),
    ] {
        for says in [Status::Consented, Status::Refused(DeclineReason::ByPayer)] {
            let session = payments.at_the_bank().await;
            let bank = MeanwhileBank { payments: &payments, meanwhile, says: says.clone() };
            let attempt = session.attempt.as_ref().unwrap();
            payments.before_submission(&bank, &session, attempt, samples::now()).await.unwrap();
            assert_eq!(causes(&payments.now(&session).await).last(), Some(&last), "{meanwhile:?} {says:?}");
        }
    }
}
