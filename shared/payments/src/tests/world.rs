//! A table, payments in it, and the mock bank whose money moves at consent.

use jiff::{SignedDuration, Timestamp};
use memory_aws::{Aws, TABLE};
use models::{BankId, Mode, Session, SessionEvent, SessionState, transition};
use providers::mock::{Conclusion, Decided, Decision, Ledger, MockConsent};
use providers::{MockConnector, RawEvent};
use runtime::{Clock, Random, VirtualClock};
use serde_json::json;
use store::{Due, DueItem, MockLedger, Owner, Parts, Rule, Table, Verify};
use truelayer::{Credentials, Environment, Hosts, Settings, TrueLayer};

use crate::{Connections, Connector, EventError, Payments};

/// The mock bank that offers every decision, whose money moves at submission.
pub(super) const MOCK_BANK: &str = "mock-bank";
/// The mock bank whose money moves at consent.
pub(super) const CONSENT: &str = "mock-consent";
/// For how long its link can be made again.
pub(super) const LINK_LASTS: SignedDuration = SignedDuration::from_mins(15);

pub(super) struct World {
    pub(super) aws: Aws,
    pub(super) payments: Payments,
    hands: VirtualClock,
    pub(super) table: Table,
}

impl World {
    pub(super) fn new() -> Self {
        Self::connected(|_| Connections::mocks(false))
    }

    /// With TrueLayer's sandbox, which can't be reached.
    pub(super) fn with_silent_truelayer() -> Self {
        Self::connected(|clock| {
            let key = include_str!("../../../truelayer/testdata/pkcs8.pem");
            let secret = json!({ "client_id": "demo", "client_secret": "quiet", "key_id": "k-1", "private_key": key });
            let credentials = Credentials::from_json(&secret.to_string()).unwrap();
            let settings = Settings {
                hosts: Hosts::at(&"http://127.0.0.1:1".parse().unwrap()),
                merchant_accounts: "demo:GBP=5b1a2a0e-3c1f-4c62-9d0b-2f1a7e6c1d2e".parse().unwrap(),
                ..Settings::of(Environment::Sandbox)
            };
            let truelayer = TrueLayer::new(settings, credentials, clock.clone()).unwrap();
            Connections { truelayer: Some(truelayer), ..Connections::default() }
        })
    }

    fn connected(connections: impl FnOnce(&Clock) -> Connections) -> Self {
        let hands = VirtualClock::at("2026-01-31T09:30:00Z".parse().unwrap());
        let aws = Aws::new(&hands);
        let random = Random::seeded(1);
        let table = Table::new(&aws.config(), TABLE.to_owned(), random.clone());
        let clock = Clock::Virtual(hands.clone());
        let payments = Payments::new(table.clone(), connections(&clock), clock, random);
        Self { aws, payments, hands, table }
    }

    /// From now on there are no providers but the mocks.
    pub(super) fn disconnect(&mut self) {
        let clock = self.payments.clock.clone();
        self.payments = Payments::new(self.table.clone(), Connections::mocks(false), clock, Random::seeded(2));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.payments.clock.now()
    }

    pub(super) fn advance(&self, by: SignedDuration) {
        self.hands.advance_ms(by.as_millis().try_into().unwrap());
    }

    /// A session whose payer has chosen this bank.
    pub(super) async fn at(&self, bank: &str) -> Session {
        let session = self.identified(|_| {}).await;
        self.payments.begin(&session, bank_id(bank), 1).await.unwrap()
    }

    /// A session whose payer is to choose a bank.
    pub(super) async fn identified(&self, change: impl FnOnce(&mut Session)) -> Session {
        let mut session = samples::session_at(self.now());
        change(&mut session);
        self.payments.sessions.create(session.clone(), None).await.unwrap();
        let payer = samples::payer(samples::PAYER_NAME, samples::PAYER_EMAIL);
        let change = self.payments.change(session.id, SessionEvent::PayerIdentified);
        self.payments.sessions.identify_payer(change, &payer).await.unwrap().session
    }

    /// The session as it is now; none if it was deleted.
    pub(super) async fn read(&self, session: &Session) -> Option<Session> {
        self.payments.sessions.get(&session.id).await.unwrap()
    }

    pub(super) fn ledger(&self) -> MockLedger {
        MockLedger::new(self.table.clone())
    }

    /// The bank itself.
    pub(super) fn bank(&self) -> MockConsent<MockLedger> {
        match self.payments.providers.find(&bank_id(CONSENT), Mode::Test) {
            Some(Connector::Mock(MockConnector::MockConsent(bank))) => bank,
            other => panic!("{other:?}"),
        }
    }

    /// The payer decides at the bank, if it knows of the attempt: what ended their choice, which may be our cancelling.
    pub(super) async fn decide(&self, session: &Session, number: u8, decision: Decision) -> Option<Conclusion> {
        let decided = Decided::from(decision);
        self.bank().decide(session, number, decided, self.now()).await.ok()
    }

    /// The bank's webhook about an attempt; whether it was followed up.
    pub(super) async fn webhook(&self, session: &Session, number: u8) -> bool {
        self.webhook_to(CONSENT, session, number).await.is_ok()
    }

    /// The same, sent to where this bank's webhooks go, and what we answer.
    pub(super) async fn webhook_to(&self, bank: &str, session: &Session, number: u8) -> Result<(), EventError> {
        let event = self.bank().event(session, number, self.now()).ok_or(EventError::NotFound)?;
        let headers: Vec<_> = event.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let raw = RawEvent {
            method: "POST",
            path: &event.path,
            headers: &headers,
            body: event.body.as_bytes(),
            now: self.now(),
        };
        self.payments.follow_up_event(&bank_id(bank), &raw).await
    }

    /// A run of the schedule, as the function `expire` makes it.
    pub(super) async fn schedule(&self) {
        let due = Due::new(self.table.clone()).all(self.now()).await.unwrap().unwrap();
        for item in due {
            if let DueItem::Refund(session_id, id) = item {
                let refund = self.payments.refunds.find(&session_id, &id).await.unwrap().unwrap();
                self.payments.follow_up_refund(&refund).await.unwrap();
                self.payments.expire_refund(&refund).await.unwrap();
            }
            let DueItem::Session(id) = item else { continue };
            let Some(session) = self.payments.sessions.get(&id).await.unwrap() else { continue };
            if session.open_at_consent().is_some() || session.state == SessionState::Pending {
                self.payments.follow_up(&session).await.unwrap();
            } else if session.state_at(self.now()) == SessionState::Expired {
                self.payments.end_by(id, SessionEvent::TimePassed).await.unwrap();
            }
        }
    }

    /// Nothing but the schedule, until nothing is due any more.
    pub(super) async fn settle_down(&self) {
        for _ in 0..10 {
            self.schedule().await;
            if Due::new(self.table.clone()).all(Timestamp::MAX).await.unwrap().unwrap().is_empty() {
                return;
            }
            self.advance(SignedDuration::from_hours(7));
        }
        panic!("something is due still");
    }

    /// The attempts whose money the banks moved.
    pub(super) async fn paid(&self, session: &Session) -> Vec<u8> {
        let mut paid = Vec::new();
        let attempts = self.read(session).await.map_or(3, |session| session.attempt_number());
        for number in 1..=attempts {
            let moves = |decided: Decided| matches!(decided.decision, Decision::Approve | Decision::ApproveThenSettle);
            match self.bank().conclusion(session, number).await.unwrap() {
                Some(Conclusion::Decided(decided)) if moves(decided) => paid.push(number),
                Some(Conclusion::Decided(_) | Conclusion::Cancelled) | None => {}
            }
        }
        if let Some(order) = self.ledger().order(session.end_to_end_id).await.unwrap()
            && matches!(order.decided.decision, Decision::Approve | Decision::ApproveThenSettle)
        {
            paid.push(0);
        }
        paid
    }

    /// Once all has settled down: what the session says is what the banks did, once at the most, and its history is legal.
    pub(super) async fn check(&self, session: &Session, what: &str) {
        let paid = self.paid(session).await;
        assert!(paid.len() <= 1, "paid twice: {paid:?} ({what})");
        let now_as = self.read(session).await;
        let state = now_as.as_ref().map(|session| session.state);
        assert_eq!(state == Some(SessionState::Sent), paid.len() == 1, "{state:?}, and {paid:?} was paid: {what}");
        if let Some(session) = now_as {
            assert!(session.state.is_final(), "{} in the end: {what}", session.state);
            assert_eq!(session.late_money, None, "{what}");
            let mut state = None;
            for entry in session.history.iter() {
                let next = state.map_or(Ok(SessionState::AwaitingPayer), |state| transition(state, entry.cause));
                state = Some(next.unwrap_or_else(|error| panic!("{error}: {:?} ({what})", causes(&session))));
            }
        }
        self.verify(what).await;
    }

    /// The operator's check of the whole table finds nothing.
    pub(super) async fn verify(&self, what: &str) {
        let verify = Verify::new(self.table.clone(), self.now(), SignedDuration::from_hours(1000));
        for mut walk in self.table.items(Parts(1)) {
            while let Some(page) = walk.next().await.unwrap() {
                for item in page.found {
                    let checked = verify.check(&item).await.unwrap();
                    // Nobody publishes here.
                    let wrong: Vec<_> = checked.violations.iter().filter(|wrong| wrong.rule != Rule::Event).collect();
                    assert!(wrong.is_empty(), "{wrong:?} ({what})");
                }
            }
        }
    }
}

pub(super) fn bank_id(id: &str) -> BankId {
    id.parse().unwrap()
}

pub(super) fn owner(session: &Session) -> Owner {
    Owner { merchant_id: session.merchant_id.clone(), mode: session.mode, format: None }
}

pub(super) fn causes(session: &Session) -> Vec<&'static str> {
    session.history.iter().map(|entry| entry.cause.as_str()).collect()
}
