//! The mock banks keep to the port on the ledger that the table keeps, and answers of the table may be lost.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use jiff::Timestamp;
use models::{MinorUnits, Mode, Money, Reference, RefundId, Session, SessionEvent, TransferId, TransferInstructions};
use providers::contract::{Fault, FlakyLedger, Payer, passes, send};
use providers::mock::{Decision, mocks};
use providers::{MockConnector, ProviderError, Providers};
use samples::NOW;
use store::MockLedger;
use support::World;

type Bank = MockConnector<FlakyLedger<MockLedger>>;

struct MockPayer<'a>(&'a Bank, FlakyLedger<MockLedger>);

impl Payer for MockPayer<'_> {
    fn decisions(&self) -> Vec<Decision> {
        match self.0 {
            MockConnector::MockTransfer(_) => vec![Decision::Approve],
            MockConnector::MockBank(_) | MockConnector::MockConsent(_) => self.0.mock().decisions.to_vec(),
        }
    }

    fn session(&self) -> Session {
        let mut session = samples::session_at(NOW);
        samples::happen(&mut session, SessionEvent::PayerIdentified, NOW);
        session
    }

    fn refund_id(&self) -> RefundId {
        RefundId::new(samples::uuid())
    }

    async fn decide(&self, session: &Session, attempt: u8, decision: Decision, now: Timestamp) {
        match self.0 {
            MockConnector::MockTransfer(_) => {
                let id = TransferId::from_hex(&session.end_to_end_id.to_hex()).unwrap();
                send(&self.1, id, &Reference::of_payment(&session.end_to_end_id), session.amount, now).await;
            }
            MockConnector::MockBank(_) | MockConnector::MockConsent(_) => {
                while let Err(error) = self.0.decide(session, attempt, decision.into(), now).await {
                    assert!(matches!(error, ProviderError::Unreachable(_)), "{error:?}");
                }
            }
        }
    }

    async fn transfer(&self, session: &Session, to: &TransferInstructions, minor: i64, now: Timestamp) {
        let amount = Money::new(MinorUnits::new(minor), session.amount.currency());
        send(&self.1, TransferId::new(samples::uuid()), &to.reference, amount, now).await;
    }
}

#[test]
fn every_mock_bank_keeps_to_the_port_in_the_table() {
    let world = World::get();
    for mock in mocks().filter(|mock| mock.down.is_none()) {
        let faults = [Fault::AnswerLost, Fault::None, Fault::RequestLost, Fault::None, Fault::None];
        let ledger = FlakyLedger::new(MockLedger::new(world.table.clone()), faults.into_iter().cycle().take(200));
        let bank = Providers::new(ledger.clone(), false).find(&mock.id.parse().unwrap(), Mode::Test).unwrap();
        world.runtime.block_on(passes(&bank, &MockPayer(&bank, ledger), NOW));
    }
}
