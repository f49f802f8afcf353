//! The mock banks keep to the port, and never move money twice.

use models::{
    AccountIdentifier, BankId, Currency, MinorUnits, Mode, Money, Reference, RefundId, Session, SessionEvent,
    TransferId, TransferInstructions,
};
use proptest::prelude::*;
use samples::NOW;

use super::*;
use crate::contract::{Fault, FlakyLedger, MemoryLedger, Payer, passes, send};
use crate::port::{Provider, ProviderError};
use crate::{MockConnector, Providers, virtual_account};

mod at_consent;
mod at_submission;
mod refunds;
mod transfers;
mod webhook;

type Flaky = FlakyLedger<MemoryLedger>;

/// Runs a test on one thread, without a clock.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

fn faults(longest: usize) -> impl Strategy<Value = Vec<Fault>> {
    prop::collection::vec(prop::sample::select(&Fault::ALL), 0..=longest)
}

/// A session of its own whose payer is known.
fn session() -> Session {
    let mut session = samples::session_at(NOW);
    samples::happen(&mut session, SessionEvent::PayerIdentified, NOW);
    session
}

fn connector<L: Ledger + Clone>(id: &str, ledger: L) -> MockConnector<L> {
    Providers::new(ledger, false).find(&id.parse::<BankId>().unwrap(), Mode::Test).unwrap()
}

/// The answer to a request that is repeated until it is answered.
async fn answered<T>(request: impl AsyncFn() -> Result<T, ProviderError>) -> T {
    loop {
        match request().await {
            Ok(answer) => return answer,
            Err(ProviderError::Unreachable(_)) => {}
            Err(ProviderError::Refused(refusal)) => panic!("{refusal}"),
        }
    }
}

/// Why a request was refused.
fn refusal<T: std::fmt::Debug>(answer: Result<T, ProviderError>) -> String {
    match answer.unwrap_err() {
        ProviderError::Refused(refusal) => refusal.to_string(),
        ProviderError::Unreachable(cause) => panic!("{cause}"),
    }
}

/// The same in euro, with an account of its own for its transfers.
fn with_account() -> Session {
    let amount = Money::new(MinorUnits::new(400), Currency::EUR);
    Session { virtual_iban: true, amount, ..session() }
}

fn own_iban(session: &Session) -> String {
    match virtual_account(session).unwrap().payee.account {
        AccountIdentifier::Iban { iban } => iban.as_str().to_owned(),
        AccountIdentifier::UkAccount { .. } => panic!("no IBAN"),
    }
}

/// One whose sessions have an account of their own, or not.
struct MockPayer<'a>(&'a MockConnector<Flaky>, Flaky, bool);

impl MockPayer<'_> {
    /// By the account alone, if the session has one of its own; else by the reference.
    async fn send(&self, session: &Session, id: TransferId, amount: Money, now: jiff::Timestamp) {
        if session.virtual_iban {
            let account = Some(own_iban(session));
            let transfer = Transfer { id, account, reference: String::new(), amount, sender: Sender::Payer };
            answered(async || arrive(&self.1, &transfer, now, now).await).await;
        } else {
            send(&self.1, id, &Reference::of_payment(&session.end_to_end_id), amount, now).await;
        }
    }
}

impl Payer for MockPayer<'_> {
    fn decisions(&self) -> Vec<Decision> {
        match self.0 {
            MockConnector::MockTransfer(_) => vec![Decision::Approve],
            MockConnector::MockBank(_) | MockConnector::MockConsent(_) => self.0.mock().decisions.to_vec(),
        }
    }

    fn session(&self) -> Session {
        if self.2 { with_account() } else { session() }
    }

    fn refund_id(&self) -> RefundId {
        RefundId::new(samples::uuid())
    }

    async fn decide(&self, session: &Session, attempt: u8, decision: Decision, now: jiff::Timestamp) {
        match self.0 {
            MockConnector::MockTransfer(_) => {
                let id = TransferId::from_hex(&session.end_to_end_id.to_hex()).unwrap();
                self.send(session, id, session.amount, now).await;
            }
            MockConnector::MockBank(_) | MockConnector::MockConsent(_) => {
                answered(async || self.0.decide(session, attempt, decision.into(), now).await).await;
            }
        }
    }

    async fn transfer(&self, session: &Session, _: &TransferInstructions, minor: i64, now: jiff::Timestamp) {
        let amount = Money::new(MinorUnits::new(minor), session.amount.currency());
        self.send(session, TransferId::new(samples::uuid()), amount, now).await;
    }
}

/// Every mock that is not down, and whether its sessions have accounts of their own: at one it is tried with both.
fn all() -> impl Iterator<Item = (&'static NamedMock, bool)> {
    let own = mocks().filter(|mock| mock.id == "mock-transfer").map(|mock| (mock, true));
    mocks().filter(|mock| mock.down.is_none()).map(|mock| (mock, false)).chain(own)
}

#[test]
fn every_mock_bank_keeps_to_the_port() {
    for (mock, has_account) in all() {
        let ledger = Flaky::new(MemoryLedger::default(), []);
        let connector = connector(mock.id, ledger.clone());
        run(passes(&connector, &MockPayer(&connector, ledger, has_account), NOW));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_mock_bank_keeps_to_the_port_whatever_answers_are_lost(faults in faults(400)) {
        for (mock, has_account) in all() {
            let ledger = Flaky::new(MemoryLedger::default(), faults.clone());
            let connector = connector(mock.id, ledger.clone());
            run(passes(&connector, &MockPayer(&connector, ledger, has_account), NOW));
        }
    }
}

#[test]
fn no_request_to_a_mock_names_the_payer() {
    let session = session();
    for mock in mocks() {
        let request = connector(mock.id, MemoryLedger::default()).begin_request(&session, 1);
        for personal in [samples::PAYER_NAME, samples::PAYER_EMAIL] {
            assert!(!request.body.contains(personal), "{}", mock.id);
        }
    }
}

#[test]
fn a_bank_that_is_down_begins_nothing_and_is_decided_nothing_at() {
    let (connector, session) = (connector("mock-down", MemoryLedger::default()), session());
    let request = connector.begin_request(&session, 1);
    assert_eq!(refusal(run(connector.begin(&session, 1, &request))), "the bank is down for maintenance");
    for decision in Decision::ALL {
        let decided = run(connector.decide(&session, 1, decision.into(), NOW));
        assert_eq!(refusal(decided), "this bank does not offer this decision");
    }
}

#[test]
fn decisions_are_spelled_as_the_ledger_has_them() {
    for decision in Decision::ALL {
        assert_eq!(serde_json::to_value(decision).unwrap(), decision.as_str());
        assert_eq!(decision.as_str().parse(), Ok(decision));
        let waits = decision.as_str().starts_with("approve_then_");
        assert_eq!(decision.delay().as_secs(), if waits { 10 } else { 0 });
    }
    assert_eq!("Approve".parse::<Decision>(), Err(()));
}

/// What this release and the ones before have written, in these very letters.
#[test]
fn entries_are_stored_as_they_have_been() {
    let decided: Decided = serde_json::from_str(r#"{"decision":"approve_then_fail"}"#).unwrap();
    assert_eq!(decided, Decided::from(Decision::ApproveThenFail));
    let order = r#"{"idempotency_key":"k","body":"b","decision":"approve","payer_account":"withheld","submitted_at":1772000000000}"#;
    let read: Order = serde_json::from_str(order).unwrap();
    assert_eq!((serde_json::to_string(&read).unwrap().as_str(), read.submitted_at), (order, NOW));
    let concluded = r#"{"conclusion":{"decided":{"decision":"approve","payer_account":"shared"}},"at":1772000000000}"#;
    let read: Concluded = serde_json::from_str(concluded).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), concluded);
    let payment = r#"{"idempotency_key":"k","body_sha256":"d","amount_minor":400,"currency":"GBP"}"#;
    let read: Payment = serde_json::from_str(payment).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), payment);
    let refund = r#"{"idempotency_key":"k","body":"b","amount_minor":100,"asked_at":1772000000000}"#;
    let read: RefundOrder = serde_json::from_str(refund).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), refund);
    let by_card = r#"{"conclusion":{"decided":{"decision":"approve","payer_account":"withheld","card":{"brand":"amex","last_four":"0005"}}},"at":1772000000000}"#;
    let read: Concluded = serde_json::from_str(by_card).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), by_card);
    let cancelled = Concluded { conclusion: Conclusion::Cancelled, at: NOW };
    assert_eq!(serde_json::to_string(&cancelled).unwrap(), r#"{"conclusion":"cancelled","at":1772000000000}"#);
}
