//! Refunds at the bank whose money moves at consent: wherever a function dies or the bank's answer is lost, each is made once or
//! not at all, together they never exceed what was paid, and what was finally refused can be refunded again.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{MinorUnits, NewRefund, Refund, RefundId, RefundState, Session, SessionState};
use providers::mock::{Decision, Entry, Ledger, RefundOrder};
use providers::{Provider, RefundStatus};
use store::{Fingerprint, RefundChangeError};

use super::world::{CONSENT, MOCK_BANK, World, owner};
use crate::{Made, RefundEndError, RefundError, RefundRequest};

/// The last two digits of an amount say what the mock bank does with a refund.
const SETTLED: i64 = 100;
const REFUSED_AT_ONCE: i64 = 91;
const REFUSED_LATER: i64 = 92;
const SETTLED_LATER: i64 = 93;

const TROUBLES: [BankTrouble; 3] = [BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense];

impl World {
    /// A session of £4.00 that was paid at this bank.
    async fn paid_at(&self, bank: &str) -> Session {
        let session = self.at(bank).await;
        if bank == CONSENT {
            self.decide(&session, 1, Decision::Approve).await;
        } else {
            let decided = providers::mock::Decided::from(Decision::Approve);
            self.ledger().put(session.end_to_end_id, Entry::Decision(1), decided).await.unwrap();
        }
        self.payments.follow_up(&session).await.unwrap();
        let session = self.read(&session).await.unwrap();
        assert_eq!(session.state, SessionState::Sent);
        session
    }

    /// Asks for a refund, as a client does who repeats the request under its key.
    pub(super) async fn ask(&self, session: &Session, id: RefundId, minor: i64) -> Result<Made, RefundError> {
        self.payments.refund(request(session, id, minor), &owner(session), |session| session, None).await
    }

    async fn make(&self, session: &Session, minor: i64) -> Refund {
        match self.ask(session, new_id(), minor).await.unwrap() {
            Made::New(refund) => refund,
            other @ Made::Existing(..) => panic!("{other:?}"),
        }
    }

    async fn refund(&self, session: &Session, id: RefundId) -> Option<Refund> {
        self.payments.refunds.find(&session.id, &id).await.unwrap()
    }

    /// How much the bank has been asked to pay back, or has paid, and does not refuse.
    async fn paid_back(&self, session: &Session) -> Vec<(String, i64)> {
        let payment_id = session.attempt.as_ref().unwrap().at_consent.as_ref().unwrap().payment_id.clone().unwrap();
        let mut found = Vec::new();
        for position in 1.. {
            let entry = Entry::Refund { attempt: 1, position };
            let order: Option<RefundOrder> = self.ledger().get(session.end_to_end_id, entry).await.unwrap();
            let Some(order) = order else { break };
            let id = format!("{payment_id}.{position}").parse().unwrap();
            match self.bank().refund_status(&payment_id, &id, self.now()).await.unwrap() {
                RefundStatus::Accepted | RefundStatus::Settled => {
                    found.push((order.idempotency_key, order.amount_minor));
                }
                RefundStatus::Refused => {}
                RefundStatus::Unknown => panic!("{id} is not known"),
            }
        }
        found
    }

    /// Once all has settled down: what the refunds say is what the bank did.
    async fn check_refunds(&self, session: &Session, what: &str) {
        let found = self.payments.refunds.of(&session.id).await.unwrap();
        let mut sent: Vec<(String, i64)> = Vec::new();
        for refund in &found.refunds {
            assert!(refund.state.is_final(), "{} in the end: {what}", refund.state);
            if refund.state == RefundState::Sent {
                sent.push((format!("refund-{}", refund.id), refund.amount.minor()));
            }
        }
        let mut paid_back = self.paid_back(session).await;
        let total: i64 = paid_back.iter().map(|(_, minor)| minor).sum();
        assert!(total <= session.amount.minor(), "{total} was paid back: {what}");
        sent.sort();
        paid_back.sort();
        assert_eq!(sent, paid_back, "what is sent, and what the bank has paid back: {what}");
        let left = found.session.unwrap().refundable(self.now()).unwrap().minor();
        assert_eq!(left, session.amount.minor() - total, "what is left: {what}");
        self.verify(what).await;
    }
}

fn request(session: &Session, id: RefundId, minor: i64) -> RefundRequest {
    let new = NewRefund { amount: Some(MinorUnits::new(minor)), ..samples::new_refund(session, None) };
    let fingerprint = Some(Fingerprint([1; 32]));
    RefundRequest { id, fingerprint, new, base_url: samples::BASE_URL.to_owned(), seen: None }
}

fn new_id() -> RefundId {
    RefundId::new(samples::uuid())
}

#[tokio::test]
async fn the_providers_word_ends_a_refund() {
    for (minor, first, last) in [
        (SETTLED, RefundState::AwaitingPayment, RefundState::Sent),
        (SETTLED_LATER, RefundState::AwaitingPayment, RefundState::Sent),
        (REFUSED_LATER, RefundState::AwaitingPayment, RefundState::Failed),
        (REFUSED_AT_ONCE, RefundState::Failed, RefundState::Failed),
    ] {
        let world = World::new();
        let session = world.paid_at(CONSENT).await;
        let made = world.make(&session, minor).await;
        assert_eq!((made.state, made.payment_session_id, made.submitted), (RefundState::AwaitingPayment, None, true));
        let refund = world.refund(&session, made.id).await.unwrap();
        assert_eq!(refund.state, first, "{minor}");
        // What was answered first is answered again, whatever the provider has said since.
        assert_eq!(refund.clone().as_created(), made);
        let known = refund.at_provider.unwrap().id.is_some();
        assert_eq!(known, minor != REFUSED_AT_ONCE, "{minor}");
        world.settle_down().await;
        let refund = world.refund(&session, made.id).await.unwrap();
        assert_eq!(refund.state, last, "{minor}");
        let causes: Vec<_> = refund.history.iter().map(|entry| entry.cause.as_str()).collect();
        let cause = if last == RefundState::Sent { "settled" } else { "declined_by_bank" };
        assert_eq!(causes, ["created", cause], "{minor}");
        world.check_refunds(&session, &minor.to_string()).await;
        // All that is not paid back can be refunded again, and no more.
        let left = if last == RefundState::Sent { 400 - minor } else { 400 };
        assert!(matches!(world.ask(&session, new_id(), left + 1).await, Err(RefundError::NotRefundable(_))));
        world.make(&session, left).await;
        world.settle_down().await;
        world.check_refunds(&session, &minor.to_string()).await;
    }
}

/// What only records a refund asks nobody for it: the schedule does, a minute later.
#[tokio::test]
async fn a_refund_that_is_only_recorded_is_asked_for_by_the_schedule() {
    for (minor, last) in [(SETTLED, RefundState::Sent), (REFUSED_AT_ONCE, RefundState::Failed)] {
        let world = World::new();
        let session = world.paid_at(CONSENT).await;
        let asked_for = request(&session, new_id(), minor);
        let made = world.payments.record_refund(asked_for, &owner(&session), |session| session, None).await;
        let Ok(Made::New(made)) = made else { panic!("{made:?}") };
        world.schedule().await;
        let refund = world.refund(&session, made.id).await.unwrap();
        assert!(refund.open_at_provider().is_some_and(|at_provider| at_provider.id.is_none()), "{refund:?}");
        assert_eq!(world.paid_back(&session).await, []);
        world.advance(store::FIRST_CHECK_AT_CONSENT);
        world.schedule().await;
        let refund = world.refund(&session, made.id).await.unwrap();
        let is_known = refund.at_provider.is_some_and(|at_provider| at_provider.id.is_some());
        assert!(is_known || refund.state == last, "{:?}", refund.state);
        world.settle_down().await;
        assert_eq!(world.refund(&session, made.id).await.unwrap().state, last);
        world.check_refunds(&session, &minor.to_string()).await;
    }
}

/// The function that makes a refund dies after each of its calls, done or not, and the client asks again under its key or gives
/// up; and each call of the bank fails in each way.
#[tokio::test]
async fn making_a_refund_dies_or_is_not_answered_at_every_point() {
    for minor in [SETTLED, REFUSED_LATER, REFUSED_AT_ONCE] {
        for asks_again in [false, true] {
            for done in [false, true] {
                for calls in 0.. {
                    let world = World::new();
                    let session = world.paid_at(CONSENT).await;
                    let id = new_id();
                    let finished =
                        world.aws.process(Some((calls, done)), world.ask(&session, id, minor)).await.is_some();
                    if asks_again {
                        world.ask(&session, id, minor).await.unwrap();
                    }
                    world.settle_down().await;
                    let what = format!("{minor} dies after {calls} calls, {done}, asked again: {asks_again}");
                    world.check_refunds(&session, &what).await;
                    if finished {
                        break;
                    }
                }
            }
            for trouble in TROUBLES {
                let world = World::new();
                let session = world.paid_at(CONSENT).await;
                let id = new_id();
                world.aws.trouble_banks(Some(trouble));
                assert!(matches!(world.ask(&session, id, minor).await, Ok(Made::New(_))), "it is recorded");
                let refund = world.refund(&session, id).await.unwrap();
                assert!(refund.open_at_provider().is_some_and(|known| known.id.is_none()), "{trouble:?}");
                // However often it is followed up meanwhile.
                for _ in 0..3 {
                    world.advance(SignedDuration::from_mins(10));
                    world.schedule().await;
                    assert!(world.refund(&session, id).await.unwrap().open_at_provider().is_some(), "{trouble:?}");
                }
                world.aws.trouble_banks(None);
                if asks_again {
                    assert!(matches!(world.ask(&session, id, minor).await, Ok(Made::Existing(..))));
                }
                world.settle_down().await;
                world.check_refunds(&session, &format!("{minor} {trouble:?}")).await;
            }
        }
    }
}

/// The schedule's run dies after each of its calls, or the bank is in trouble while it runs.
#[tokio::test]
async fn following_a_refund_up_dies_or_is_not_answered_at_every_point() {
    for minor in [SETTLED, REFUSED_LATER, REFUSED_AT_ONCE] {
        // The answer to the first request was recorded, or lost.
        for first_lost in [false, true] {
            let begin = async || {
                let world = World::new();
                let session = world.paid_at(CONSENT).await;
                world.aws.trouble_banks(first_lost.then_some(BankTrouble::AnswersLost));
                let refund = world.make(&session, minor).await;
                world.aws.trouble_banks(None);
                world.advance(SignedDuration::from_secs(61));
                (world, session, refund)
            };
            for done in [false, true] {
                for calls in 0.. {
                    let (world, session, _) = begin().await;
                    let finished = world.aws.process(Some((calls, done)), world.schedule()).await.is_some();
                    world.settle_down().await;
                    let what = format!("{minor} {first_lost}, dies after {calls} calls, {done}");
                    world.check_refunds(&session, &what).await;
                    if finished {
                        break;
                    }
                }
            }
            for trouble in TROUBLES {
                let (world, session, refund) = begin().await;
                let before = world.refund(&session, refund.id).await.unwrap().state;
                world.aws.trouble_banks(Some(trouble));
                for _ in 0..10 {
                    world.schedule().await;
                    world.advance(SignedDuration::from_hours(24));
                }
                let state = world.refund(&session, refund.id).await.unwrap().state;
                assert_eq!(state, before, "nothing is ended by a bank that can't be asked: {trouble:?}");
                world.aws.trouble_banks(None);
                world.settle_down().await;
                world.check_refunds(&session, &format!("{minor} {first_lost} {trouble:?}")).await;
            }
        }
    }
}

/// The bank was reached, the function died, and the schedule runs twice at once over what was read before.
#[tokio::test]
async fn a_stale_view_changes_nothing() {
    for minor in [SETTLED, REFUSED_LATER] {
        let world = World::new();
        let session = world.paid_at(CONSENT).await;
        let stale = world.make(&session, minor).await;
        assert!(stale.at_provider.as_ref().unwrap().id.is_none());
        world.advance(SignedDuration::from_secs(61));
        world.payments.follow_up_refund(&stale).await.unwrap();
        world.schedule().await;
        world.payments.follow_up_refund(&stale).await.unwrap();
        world.settle_down().await;
        let ended = world.refund(&session, stale.id).await.unwrap();
        world.payments.follow_up_refund(&stale).await.unwrap();
        assert_eq!(world.refund(&session, stale.id).await.unwrap(), ended);
        world.check_refunds(&session, &minor.to_string()).await;
    }
}

#[tokio::test]
async fn only_the_provider_ends_it() {
    let world = World::new();
    let session = world.paid_at(CONSENT).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    let refund = world.make(&session, SETTLED).await;
    world.advance(SignedDuration::from_hours(24 * 30));
    let cancelled = world.payments.cancel_refund(&refund, &samples::write_id(), None).await;
    assert!(matches!(cancelled, Err(RefundEndError::Change(RefundChangeError::Refused(_)))));
    assert!(!world.payments.expire_refund(&refund).await.unwrap());
    // Asking for more than is left expires what has failed by time, and this has not.
    assert!(matches!(world.ask(&session, new_id(), 301).await, Err(RefundError::NotRefundable(_))));
    assert!(world.refund(&session, refund.id).await.unwrap().open_at_provider().is_some());
    world.aws.trouble_banks(None);
    world.settle_down().await;
    world.check_refunds(&session, "a month later").await;
}

/// What the provider doesn't know is neither sent nor failed, and is not asked for by another key or id.
#[tokio::test]
async fn what_the_provider_does_not_know_ends_nothing() {
    let world = World::new();
    let session = world.paid_at(CONSENT).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    let made = world.make(&session, REFUSED_AT_ONCE).await;
    world.aws.trouble_banks(None);
    world.payments.refunds.provider_accepted(&made, &samples::text("stranger")).await.unwrap();
    for _ in 0..10 {
        world.advance(SignedDuration::from_hours(24));
        world.schedule().await;
        let refund = world.refund(&session, made.id).await.unwrap();
        assert!(
            refund.open_at_provider().is_some_and(|known| known.request == made.at_provider.clone().unwrap().request)
        );
        // One that was read before it had an id: whatever the provider says of it is not about this one.
        world.payments.follow_up_refund(&made).await.unwrap();
        assert_eq!(world.refund(&session, made.id).await.unwrap(), refund);
    }
    assert_eq!(world.paid_back(&session).await, []);
    // It calls a refund by another id than before.
    world.aws.trouble_banks(Some(BankTrouble::Down));
    let made = world.make(&session, SETTLED).await;
    world.aws.trouble_banks(None);
    world.payments.refunds.provider_accepted(&made, &samples::text("stranger")).await.unwrap();
    world.payments.follow_up_refund(&made).await.unwrap();
    let refund = world.refund(&session, made.id).await.unwrap();
    assert_eq!(refund.open_at_provider().unwrap().id, Some(samples::text("stranger")), "the first stays");
}

#[tokio::test]
async fn a_webhook_about_the_payment_follows_its_refunds_up() {
    let world = World::new();
    let session = world.paid_at(CONSENT).await;
    let [sent, refused] = [world.make(&session, SETTLED).await, world.make(&session, REFUSED_LATER).await];
    world.advance(SignedDuration::from_secs(10));
    assert!(world.webhook(&session, 1).await);
    for (refund, state) in [(sent, RefundState::Sent), (refused, RefundState::Failed)] {
        assert_eq!(world.refund(&session, refund.id).await.unwrap().state, state);
    }
    world.check_refunds(&session, "by webhook").await;
}

/// Its answer is waited for; the schedule follows the others up.
#[tokio::test]
async fn a_webhook_follows_the_first_twenty_refunds_up() {
    let world = World::new();
    let session = world.paid_at(CONSENT).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    for _ in 0..25 {
        world.make(&session, 1).await;
    }
    world.aws.trouble_banks(None);
    assert!(world.webhook(&session, 1).await);
    let refunds = world.payments.refunds.of(&session.id).await.unwrap().refunds;
    let is_accepted = |refund: &&Refund| refund.at_provider.as_ref().is_some_and(|known| known.id.is_some());
    assert_eq!((refunds.len(), refunds.iter().filter(is_accepted).count()), (25, 20));
    world.settle_down().await;
    world.check_refunds(&session, "25").await;
}

/// Of a payment at submission, and of one whose attempt is erased, a session pays the refund, as ever.
#[tokio::test]
async fn other_sessions_are_refunded_by_a_session() {
    let world = World::new();
    let at_submission = world.paid_at(MOCK_BANK).await;
    let erased = world.paid_at(CONSENT).await;
    world.advance(SignedDuration::from_hours(48));
    let erasures = store::Erasures::new(world.table.clone());
    assert_eq!(erasures.erase(&erased.id, world.now()).await.unwrap(), store::Erased::Done);
    for session in [at_submission, erased] {
        let refund = world.make(&session, SETTLED).await;
        assert_eq!((&refund.at_provider, refund.submitted), (&None, false));
        let stored = world.refund(&session, refund.id).await.unwrap();
        assert_eq!(stored, refund);
        // Nothing is asked of anybody about it.
        world.payments.follow_up_refund(&refund).await.unwrap();
        assert_eq!(world.refund(&session, refund.id).await.unwrap(), refund);
    }
}
