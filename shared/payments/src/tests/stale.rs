//! Functions that act on what they read a while ago: another one was faster.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{AttemptEnd, DeclineReason, SessionEvent, SessionState};
use providers::mock::{Decided, Decision, Entry, Ledger};
use store::{Erased, Erasures};

use super::world::{CONSENT, MOCK_BANK, World, bank_id};
use crate::Way;

/// The schedule's begin was refused; meanwhile another's was accepted, recorded, and the payer consented.
#[tokio::test]
async fn not_begun_does_not_end_an_attempt_whose_id_is_known() {
    let world = World::new();
    let session = world.identified(|_| {}).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    let stale = world.payments.begin(&session, bank_id(CONSENT), 1).await.unwrap();
    world.aws.trouble_banks(None);
    assert!(stale.attempt.as_ref().unwrap().at_consent.as_ref().unwrap().payment_id.is_none());
    assert!(matches!(world.payments.way_to_provider(&stale, 1).await.unwrap(), Way::Provider(_)));
    world.decide(&stale, 1, Decision::Approve).await;
    // What ask_to_begin does where its own begin was refused.
    world.payments.end_attempt(&stale, AttemptEnd::NotBegun).await.unwrap();
    world.settle_down().await;
    world.check(&session, "the other begun").await;
}

/// The same, the other way round: ended as not begun, and the slow accepted one hands out the link.
#[tokio::test]
async fn nobody_gets_the_link_of_an_attempt_that_has_ended() {
    let world = World::new();
    let session = world.identified(|_| {}).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    let stale = world.payments.begin(&session, bank_id(CONSENT), 1).await.unwrap();
    world.aws.trouble_banks(None);
    world.payments.end_attempt(&stale, AttemptEnd::NotBegun).await.unwrap();
    let way = world.payments.way_to_provider(&stale, 1).await.unwrap();
    assert!(matches!(way, Way::Page), "{way:?}");
}

/// Cancelled for good meanwhile.
#[tokio::test]
async fn nobody_gets_the_link_of_a_session_that_was_cancelled() {
    let world = World::new();
    let session = world.identified(|_| {}).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    let stale = world.payments.begin(&session, bank_id(CONSENT), 1).await.unwrap();
    world.aws.trouble_banks(None);
    world.payments.end_by(session.id, SessionEvent::CancelledByMerchant).await.unwrap();
    let way = world.payments.way_to_provider(&stale, 1).await.unwrap();
    assert!(matches!(way, Way::Page), "{way:?}");
}

/// A webhook about the payment that paid an erased session.
#[tokio::test]
async fn the_money_of_a_sent_and_erased_session_is_not_late() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    world.decide(&session, 1, Decision::Approve).await;
    world.payments.follow_up(&session).await.unwrap();
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::Sent);
    world.advance(SignedDuration::from_hours(50));
    let erased = Erasures::new(world.table.clone()).erase_alone(&session.id, world.now()).await.unwrap();
    assert_eq!(erased, Erased::Done);
    world.webhook(&session, 1).await;
    assert_eq!(world.read(&session).await.unwrap().late_money, None);
}

/// Retry: pending_since is of the attempt before.
#[tokio::test]
async fn an_attempt_that_awaits_consent_is_not_pending_since_the_one_before() {
    let world = World::new();
    let session = world.identified(|session| session.retry = true).await;
    let session = world.payments.begin(&session, bank_id(CONSENT), 1).await.unwrap();
    world.decide(&session, 1, Decision::ApproveThenFail).await;
    world.payments.follow_up(&session).await.unwrap();
    world.advance(SignedDuration::from_secs(11));
    world.payments.follow_up(&world.read(&session).await.unwrap()).await.unwrap();
    let session = world.read(&session).await.unwrap();
    assert_eq!(session.state, SessionState::AwaitingProvider);
    let session = world.payments.begin(&session, bank_id(CONSENT), 2).await.unwrap();
    assert_eq!(session.state, SessionState::AwaitingPaymentConsent);
    assert_eq!(session.pending_since(), None);
}

/// Retry: a refusal of attempt 1 that is recorded late fails the session while attempt 2 is pending.
#[tokio::test]
async fn a_refusal_says_nothing_of_the_attempt_that_followed() {
    let world = World::new();
    let session = world.identified(|session| session.retry = true).await;
    let session = world.payments.begin(&session, bank_id(MOCK_BANK), 1).await.unwrap();
    let decide = async |number, decision| {
        let decided = Decided::from(decision);
        world.ledger().put(session.end_to_end_id, Entry::Decision(number), decided).await.unwrap();
    };
    decide(1, Decision::ApproveThenFail).await;
    world.payments.follow_up(&session).await.unwrap();
    let stale = world.read(&session).await.unwrap();
    assert_eq!(stale.state, SessionState::Pending);
    world.advance(SignedDuration::from_secs(11));
    world.payments.follow_up(&stale).await.unwrap();
    let now_as = world.read(&session).await.unwrap();
    let now_as = world.payments.begin(&now_as, bank_id(MOCK_BANK), 2).await.unwrap();
    decide(2, Decision::ApproveThenSettle).await;
    world.payments.follow_up(&now_as).await.unwrap();
    // Another function, whose clock says that the time has passed, or a release that knows no retry.
    let attempt = stale.attempt.clone().unwrap();
    world.payments.refuse(&stale, &attempt, DeclineReason::ByBank, stale.expires_at).await.unwrap();
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::Pending);
}
