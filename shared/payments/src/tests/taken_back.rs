//! Money that is taken back after a payment by card: noted once, no matter which function finds out, and nothing of it is refunded afterwards.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{Card, CardBrand, Session, SessionState, TakenBack, TakenBackReason};
use providers::mock::{Decided, Decision, MockConsent};
use providers::{MockConnector, RawEvent};
use store::MockLedger;

use super::world::{World, bank_id};
use crate::{Connector, RefundError};

const CARD: &str = "mock-card";

fn provider(world: &World) -> MockConsent<MockLedger> {
    match world.payments.providers.find(&bank_id(CARD), models::Mode::Test) {
        Some(Connector::Mock(MockConnector::MockConsent(provider))) => provider,
        other => panic!("{other:?}"),
    }
}

fn visa() -> Card {
    Card { brand: CardBrand::Visa, last_four: "4242".parse().unwrap() }
}

/// The holder pays; nobody has asked the provider yet.
async fn approved(world: &World) -> Session {
    let session = world.at(CARD).await;
    let decided = Decided { card: Some(visa()), ..Decided::from(Decision::Approve) };
    provider(world).decide(&session, 1, decided, world.now()).await.unwrap();
    session
}

async fn paid(world: &World) -> Session {
    let session = approved(world).await;
    world.payments.follow_up(&session).await.unwrap();
    let paid = world.read(&session).await.unwrap();
    assert_eq!((paid.state, paid.card), (SessionState::Sent, Some(visa())));
    paid
}

async fn dispute(world: &World, session: &Session) {
    provider(world).take_back(session, 1, TakenBackReason::Chargeback, world.now()).await.unwrap();
}

async fn webhook(world: &World, session: &Session) {
    let event = provider(world).event(session, 1, world.now()).unwrap();
    let headers: Vec<_> = event.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (path, body, now) = (event.path.as_str(), event.body.as_bytes(), world.now());
    let raw = RawEvent { method: "POST", path, headers: &headers, body, now };
    world.payments.follow_up_event(&bank_id(CARD), &raw).await.unwrap();
}

#[tokio::test]
async fn the_webhook_notes_it_once_and_the_state_stays() {
    let world = World::new();
    let session = paid(&world).await;
    webhook(&world, &session).await;
    assert_eq!(world.read(&session).await.unwrap(), session, "nothing was taken back");
    dispute(&world, &session).await;
    webhook(&world, &session).await;
    let noted = TakenBack { reason: TakenBackReason::Chargeback, at: world.now() };
    let expected = Session { taken_back: Some(noted), ..session };
    assert_eq!(world.read(&expected).await.unwrap(), expected);
    world.advance(SignedDuration::from_secs(60));
    webhook(&world, &expected).await;
    world.payments.follow_up(&expected).await.unwrap();
    assert_eq!(world.read(&expected).await.unwrap(), expected, "the first stays");
    world.verify("taken back").await;
}

#[tokio::test]
async fn a_webhook_that_is_lost_is_made_up_for_by_the_next_follow_up() {
    let world = World::new();
    let session = paid(&world).await;
    dispute(&world, &session).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    world.payments.follow_up(&session).await.unwrap();
    assert_eq!(world.read(&session).await.unwrap().taken_back, None);
    world.aws.trouble_banks(None);
    world.payments.follow_up(&session).await.unwrap();
    assert!(world.read(&session).await.unwrap().taken_back.is_some());
}

#[tokio::test]
async fn what_was_taken_back_before_anybody_asked_was_sent_first() {
    let world = World::new();
    let session = approved(&world).await;
    dispute(&world, &session).await;
    webhook(&world, &session).await;
    let pending = world.read(&session).await.unwrap();
    assert_eq!((pending.state, pending.taken_back), (SessionState::Pending, None));
    world.settle_down().await;
    let sent = world.read(&session).await.unwrap();
    assert_eq!((sent.state, sent.taken_back.unwrap().reason), (SessionState::Sent, TakenBackReason::Chargeback));
    world.verify("taken back at once").await;
}

#[tokio::test]
async fn nothing_of_it_is_refunded_any_more_whichever_is_first() {
    // Before it is noted, the provider refuses; afterwards we do.
    let world = World::new();
    let session = paid(&world).await;
    let early = world.ask(&session, models::RefundId::new(samples::uuid()), 100).await;
    assert!(early.is_ok());
    dispute(&world, &session).await;
    world.ask(&session, models::RefundId::new(samples::uuid()), 100).await.unwrap();
    let refunds = world.payments.refunds.of(&session.id).await.unwrap().refunds;
    let mut states: Vec<_> = refunds.iter().map(|refund| refund.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["awaiting_payment", "failed"], "{refunds:?}");
    webhook(&world, &session).await;
    let refused = world.ask(&session, models::RefundId::new(samples::uuid()), 100).await;
    assert!(matches!(refused, Err(RefundError::NotRefundable(models::NotRefundable::TakenBack))), "{refused:?}");
    world.settle_down().await;
    world.verify("refunded and taken back").await;
}

/// The note comes between reading the session and the refund's transaction.
#[tokio::test]
async fn a_refund_that_is_made_while_it_is_noted_is_refused() {
    let world = World::new();
    let session = paid(&world).await;
    let noted = TakenBack { reason: TakenBackReason::Chargeback, at: world.now() };
    assert!(world.payments.sessions.note_taken_back(&session.id, &noted).await.unwrap());
    // As it was read before.
    let creation = samples::refund_creation(world.now());
    let (refund, payment) =
        models::Refund::create(&session, samples::new_refund(&session, Some(100)), creation).unwrap();
    let created = world.payments.refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
    assert!(matches!(created, store::RefundCreated::Refused(_)), "{created:?}");
    assert_eq!(world.read(&session).await.unwrap().refund_count, 0);
}

#[tokio::test]
async fn only_what_was_sent_can_be_taken_back() {
    let world = World::new();
    let session = world.at(CARD).await;
    let noted = TakenBack { reason: TakenBackReason::Returned, at: world.now() };
    assert!(!world.payments.sessions.note_taken_back(&session.id, &noted).await.unwrap());
    let early = provider(&world).take_back(&session, 1, TakenBackReason::Chargeback, world.now()).await;
    assert!(early.is_err(), "nothing is paid");
    let consent = world.at(super::world::CONSENT).await;
    world.decide(&consent, 1, Decision::Approve).await;
    let refused = world.bank().take_back(&consent, 1, TakenBackReason::Chargeback, world.now()).await;
    assert!(refused.is_err(), "nobody disputes what they sent themselves");
    assert_eq!(world.read(&session).await.unwrap().taken_back, None);
}

/// Whatever is lost on the way, it is noted or still to be noted, and the session is as it was else.
#[tokio::test]
async fn crashes_at_each_call_of_the_note() {
    for calls in 0..5 {
        for done in [false, true] {
            let world = World::new();
            let session = paid(&world).await;
            dispute(&world, &session).await;
            world.aws.process(Some((calls, done)), async { drop(world.payments.follow_up(&session).await) }).await;
            world.payments.follow_up(&world.read(&session).await.unwrap()).await.unwrap();
            let now = world.read(&session).await.unwrap();
            let expected = Session { taken_back: now.taken_back, ..session };
            assert!(now.taken_back.is_some() && now == expected, "{calls} {done}: {now:?}");
        }
    }
}
