//! Providers that can't be asked: for now, for so long that nothing is sent to them again, or because they are not connected.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{AttemptEnd, PaidFrom, Refund, RefundId, Session, SessionEvent, SessionState};
use providers::mock::Decision;
use store::{Due, DueItem};

use super::world::{CONSENT, World, bank_id, causes};
use crate::{EventError, Made, PaymentError, RefundError, RefundWay};

const TRUELAYER: &str = "truelayer";
const DAY: SignedDuration = SignedDuration::from_hours(24);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A session that was paid into a merchant account at TrueLayer, before that fell silent.
async fn paid(world: &World) -> Session {
    let session = world.at(TRUELAYER).await;
    let sessions = &world.payments.sessions;
    let payment_id = "6a1f3c2e-50b1-4c4b-9f6e-0a1b2c3d4e5f".parse().unwrap();
    sessions.provider_answered(&session.id, 1, &bank_id(TRUELAYER), &payment_id, None).await.unwrap();
    let change = |event| world.payments.change(session.id, event);
    sessions.authorised(change(SessionEvent::ConsentGiven), 1, world.now()).await.unwrap();
    sessions.settle(change(SessionEvent::Settled), &PaidFrom::Undisclosed, None).await.unwrap().session
}

async fn refunded(world: &World, session: &Session) -> Refund {
    match world.ask(session, RefundId::new(samples::uuid()), 100).await.unwrap() {
        Made::New(refund) => refund,
        other @ Made::Existing(..) => panic!("{other:?}"),
    }
}

/// What is due so much later.
async fn due(world: &World, later: SignedDuration) -> Vec<DueItem> {
    Due::new(world.table.clone()).all(world.now() + later).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_was_never_answered_is_not_begun_once_its_key_may_have_expired() {
    let world = World::with_silent_truelayer();
    let session = world.at(TRUELAYER).await;
    world.advance(DAY - SECOND);
    world.schedule().await;
    assert_eq!(world.read(&session).await.unwrap(), session, "it is sent again");
    world.settle_down().await;
    let ended = world.read(&session).await.unwrap();
    assert_eq!(ended.attempt.as_ref().unwrap().ended, Some(AttemptEnd::NotBegun));
    assert_eq!(causes(&ended), ["created", "payer_identified", "bank_chosen", "attempt_ended", "time_passed"]);
    world.check(&session, "never begun").await;
}

#[tokio::test]
async fn a_refund_that_was_never_answered_is_not_asked_for_once_its_key_may_have_expired() {
    let world = World::with_silent_truelayer();
    let session = paid(&world).await;
    let refund = refunded(&world, &session).await;
    let session = world.read(&session).await.unwrap();
    world.advance(DAY - SECOND);
    let asked = world.payments.follow_up_refunds_of(&session).await;
    assert!(matches!(asked, Err(PaymentError::Provider(_))), "it is sent again: {asked:?}");
    world.advance(SECOND);
    world.payments.follow_up_refunds_of(&session).await.unwrap();
    let still = world.payments.refunds.find(&session.id, &refund.id).await.unwrap().unwrap();
    assert_eq!((still.state, still.at_provider), (refund.state, refund.at_provider));
    // An operator ends it, and is called each hour.
    assert_eq!(due(&world, SignedDuration::from_hours(1)).await, [DueItem::Refund(session.id, refund.id)]);
}

#[tokio::test]
async fn what_is_at_a_provider_that_is_not_connected_is_tried_each_minute() {
    let mut world = World::with_silent_truelayer();
    let open = world.at(TRUELAYER).await;
    let session = paid(&world).await;
    refunded(&world, &session).await;
    world.advance(DAY / 2);
    world.schedule().await;
    assert_eq!(due(&world, SignedDuration::from_mins(1)).await, [], "what is silent is asked again later");
    world.advance(SignedDuration::from_hours(2));
    world.disconnect();
    world.schedule().await;
    assert_eq!(due(&world, SignedDuration::from_mins(1)).await.len(), 2);
    assert_eq!(world.read(&open).await.unwrap(), open);
}

#[tokio::test]
async fn no_refund_goes_another_way_while_its_provider_is_not_connected() {
    let mut world = World::with_silent_truelayer();
    let session = paid(&world).await;
    let made = refunded(&world, &session).await;
    world.disconnect();
    let refused = world.ask(&session, RefundId::new(samples::uuid()), 100).await;
    assert!(matches!(refused, Err(RefundError::Provider(_))), "{refused:?}");
    assert_eq!(world.payments.refunds.of(&session.id).await.unwrap().refunds.len(), 1);
    assert_eq!(world.payments.refund_way(&session), RefundWay::ByProvider);
    // What was made before is answered again.
    let again = world.ask(&session, made.id, 100).await;
    assert!(matches!(&again, Ok(Made::Existing(refund, _)) if refund.id == made.id), "{again:?}");
}

#[tokio::test]
async fn a_webhook_whose_provider_can_not_be_asked_is_to_be_sent_again() {
    for trouble in [BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense] {
        let world = World::new();
        let session = world.at(CONSENT).await;
        world.decide(&session, 1, Decision::Approve).await;
        let webhook_in_trouble = async || {
            world.aws.trouble_banks(Some(trouble));
            let answer = world.webhook_to(CONSENT, &session, 1).await;
            let is_unasked = matches!(answer, Err(EventError::Payment(PaymentError::Provider(_))));
            assert!(is_unasked, "{trouble:?}: {answer:?}");
        };
        webhook_in_trouble().await;
        assert_eq!(world.read(&session).await.unwrap(), session);
        world.aws.trouble_banks(None);
        assert!(world.webhook(&session, 1).await);
        let paid = world.read(&session).await.unwrap();
        assert_eq!(paid.state, SessionState::Sent);
        // So with its refunds.
        world.aws.trouble_banks(Some(trouble));
        let refund = refunded(&world, &paid).await;
        webhook_in_trouble().await;
        world.aws.trouble_banks(None);
        assert!(world.webhook(&session, 1).await);
        let accepted = world.payments.refunds.find(&session.id, &refund.id).await.unwrap().unwrap();
        assert!(accepted.at_provider.unwrap().id.is_some(), "{trouble:?}");
        world.settle_down().await;
        world.check(&session, &format!("{trouble:?}")).await;
    }
}

#[tokio::test]
async fn who_never_takes_money_back_is_not_asked_about_what_is_sent() {
    let world = World::with_silent_truelayer();
    let session = paid(&world).await;
    let attempt = session.attempt.as_ref().unwrap();
    let payment_id = attempt.at_consent.as_ref().unwrap().payment_id.as_ref().unwrap();
    let connector = world.payments.connector(attempt, &session).unwrap();
    world.payments.note_what_came_after(&session, &connector, payment_id, world.now()).await.unwrap();
}
