//! TrueLayer's connector passes the suite that every connector passes, over HTTP against the simulator: where the money goes to
//! the payee, and where it goes into an account that the merchant has with TrueLayer.

use jiff::{SignedDuration, Timestamp};
use local::truelayer::{self as simulator, Fault, TrueLayerHandle};
use models::{RefundId, Session, SessionEvent, TransferInstructions};
use outbound::Policy;
use providers::Provider;
use providers::contract::{Payer, passes};
use providers::mock::Decision;
use runtime::Clock;
use samples::NOW;
use tests::World;
use truelayer::{AtBank, Credentials, Environment, Hosts, Settings, TrueLayer};

use crate::truelayer::{BANK, truelayer, with_merchant_account};

/// The simulator knows one secret, whatever it is called.
const SECRET: &str = "arn:aws:secretsmanager:eu-west-2:000000000000:secret:local/truelayer-AbCdEf";

/// What the simulator knows the machine's functions by.
pub(crate) async fn credentials(world: &World) -> Credentials {
    let aws = aws_credential_types::Credentials::new("test", "test", None, None, "test");
    let endpoint = Some(world.machine.aws_url().to_owned());
    let config = runtime::aws_config_for(aws, "eu-west-2".to_owned(), endpoint).unwrap();
    truelayer::credentials(&config, SECRET.to_owned()).await.unwrap()
}

/// The connector to the machine's simulator, at one of its banks.
async fn connector(world: &World, merchant_accounts: &str) -> AtBank {
    let settings = Settings {
        hosts: Hosts::at(&truelayer(world).url().parse().unwrap()),
        policy: Policy { loopback_allowed: true },
        merchant_accounts: merchant_accounts.parse().unwrap(),
        ..Settings::of(Environment::Sandbox)
    };
    let truelayer = TrueLayer::new(settings, credentials(world).await, Clock::System).unwrap();
    truelayer.at(&BANK.parse().unwrap()).unwrap()
}

/// Who pays at the simulator.
struct SimulatedPayer<'a> {
    connector: &'a AtBank,
    simulator: &'a TrueLayerHandle,
    pays_payee: bool,
    /// Whether requests and answers are lost.
    loses: bool,
}

impl SimulatedPayer<'_> {
    /// What is asked next is done and not answered, or not done, or there is no token to ask with.
    fn lose(&self) {
        if self.loses {
            self.simulator.expire_tokens();
            self.simulator.fail_next("/connect/token", Fault::LostAnswer);
            for fault in [Fault::LostAnswer, Fault::Status(503), Fault::Status(429)] {
                self.simulator.fail_next("/v3/payments", fault);
            }
        }
    }
}

impl Payer for SimulatedPayer<'_> {
    /// What is approved at once, and goes into an account with TrueLayer, settles two seconds later: too soon for a suite that asks
    /// everything twice.
    fn decisions(&self) -> Vec<Decision> {
        let at_once = self.pays_payee.then_some(Decision::Approve);
        let others = [Decision::ApproveThenSettle, Decision::Decline, Decision::InsufficientFunds, Decision::Refuse];
        at_once.into_iter().chain(others).collect()
    }

    fn session(&self) -> Session {
        self.lose();
        let mut session = samples::session_at(NOW);
        samples::happen(&mut session, SessionEvent::PayerIdentified, NOW);
        session
    }

    fn refund_id(&self) -> RefundId {
        RefundId::new(samples::uuid())
    }

    async fn decide(&self, session: &Session, attempt: u8, decision: Decision, _: Timestamp) {
        let decision = match decision {
            Decision::Approve => simulator::Decision::Approve,
            Decision::ApproveThenSettle => simulator::Decision::ApproveThenSettle,
            Decision::Decline => simulator::Decision::AuthorisationFailed,
            Decision::InsufficientFunds => simulator::Decision::InsufficientFunds,
            Decision::Refuse => simulator::Decision::ExecutionRejected,
            Decision::ApproveThenFail | Decision::ApproveThenLackFunds => panic!("nobody can decide so there"),
        };
        let key = self.connector.begin_request(session, attempt).idempotency_key;
        let mut payments = self.simulator.payments().into_iter();
        let payment = payments.find(|payment| payment.idempotency_key == key).expect("it is begun");
        assert!(self.simulator.decide(payment.id, decision));
        self.lose();
    }

    async fn transfer(&self, _: &Session, to: &TransferInstructions, _: i64, _: Timestamp) {
        panic!("nobody is asked for a transfer: {to:?}");
    }

    fn pays_payee(&self) -> bool {
        self.pays_payee
    }

    fn wait(&self, duration: SignedDuration) {
        self.simulator.advance(duration.unsigned_abs());
        self.lose();
    }
}

#[tokio::test]
async fn truelayer_keeps_to_the_port_whatever_answers_are_lost() {
    let world = with_merchant_account().await;
    // Nobody here knows what they are about.
    truelayer(&world).pause_webhooks(true);
    for (pays_payee, merchant_accounts) in [(true, ""), (false, "demo:GBP=5b1a2a0e-3c1f-4c62-9d0b-2f1a7e6c1d2e")] {
        for loses in [false, true] {
            let connector = connector(&world, merchant_accounts).await;
            let payer = SimulatedPayer { connector: &connector, simulator: truelayer(&world), pays_payee, loses };
            Box::pin(passes(&connector, &payer, NOW)).await;
        }
    }
}
