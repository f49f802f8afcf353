//! What is recorded, compared with the provider's word.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{Mode, Session, SessionEvent, SessionState};
use providers::mock::Decision;
use store::{KnownPayment, Parts};

use super::world::{CONSENT, World};
use crate::{Compared, Differs, Fit, PaymentError};

async fn known(world: &World) -> Vec<KnownPayment> {
    let mut known = Vec::new();
    for mut part in world.table.bank_payments(Parts(2)) {
        while let Some(page) = part.next().await.unwrap() {
            known.extend(page.found);
        }
    }
    known
}

/// The comparison of the one payment there is.
async fn compared(world: &World) -> Compared {
    let known = known(world).await;
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].provider.as_str(), CONSENT);
    world.payments.compare(&known[0], Mode::Test, world.now() - SignedDuration::from_hours(24)).await.unwrap().unwrap()
}

async fn fit(world: &World) -> Fit {
    compared(world).await.fit
}

async fn follow_up(world: &World, session: &Session) {
    let session = world.read(session).await.unwrap();
    world.payments.follow_up(&session).await.unwrap();
}

#[tokio::test]
async fn what_is_recorded_lags_behind_the_provider_until_it_is_followed_up() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    let expected = Compared { state: SessionState::AwaitingPaymentConsent, says: "awaiting_consent", fit: Fit::Same };
    assert_eq!(compared(&world).await, expected);
    world.decide(&session, 1, Decision::Approve).await;
    assert_eq!(fit(&world).await, Fit::Lags);
    world.advance(SignedDuration::from_hours(1));
    assert_eq!(fit(&world).await, Fit::Differs(Differs::Behind));
    follow_up(&world, &session).await;
    assert_eq!(compared(&world).await, Compared { state: SessionState::Sent, says: "settled", fit: Fit::Same });
}

#[tokio::test]
async fn a_payment_that_is_refused_or_cancelled_is_so_on_both_sides() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    world.decide(&session, 1, Decision::Decline).await;
    follow_up(&world, &session).await;
    assert_eq!(compared(&world).await, Compared { state: SessionState::Failed, says: "refused", fit: Fit::Same });
    let world = World::new();
    let session = world.at(CONSENT).await;
    world.payments.end_by(session.id, SessionEvent::CancelledByMerchant).await.unwrap();
    assert_eq!(compared(&world).await, Compared { state: SessionState::Cancelled, says: "cancelled", fit: Fit::Same });
}

/// As if the provider had said yes to cancelling, and sent the money all the same.
#[tokio::test]
async fn money_of_an_attempt_that_is_over_is_late() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    world.decide(&session, 1, Decision::Approve).await;
    let mut known = known(&world).await.remove(0);
    let paid = world.payments.bank_payments.session(&known.pays).await.unwrap().unwrap();
    assert_eq!(paid.state, SessionState::AwaitingPaymentConsent);
    // The payment of a choice that was not the latest.
    known.pays.attempt = 0;
    let since = world.now() - SignedDuration::from_hours(1);
    let late = world.payments.compare(&known, Mode::Test, since).await.unwrap().unwrap();
    assert_eq!((late.says, late.fit), ("settled", Fit::Differs(Differs::Late)));
}

/// As if the provider had said yes to cancelling, and not cancelled.
#[tokio::test]
async fn an_attempt_that_is_over_and_open_at_the_provider_is_so_for_an_hour_at_most() {
    let world = World::new();
    world.at(CONSENT).await;
    let mut known = known(&world).await.remove(0);
    // The payment of a choice that was not the latest.
    known.pays.attempt = 0;
    let since = world.now();
    for (after, fit) in [(0, Fit::Lags), (1, Fit::Differs(Differs::Open))] {
        world.advance(SignedDuration::from_hours(after));
        let open = world.payments.compare(&known, Mode::Test, since).await.unwrap().unwrap();
        assert_eq!((open.says, open.fit), ("awaiting_consent", fit));
    }
}

#[tokio::test]
async fn other_modes_and_earlier_payments_are_left_out_and_a_silent_provider_is_an_error() {
    let world = World::new();
    world.at(CONSENT).await;
    let known = known(&world).await.remove(0);
    let now = world.now();
    let compare = async |mode, since| world.payments.compare(&known, mode, since).await;
    assert_eq!(compare(Mode::Live, now).await.unwrap(), None);
    assert_eq!(compare(Mode::Test, now + SignedDuration::from_secs(1)).await.unwrap(), None);
    assert!(compare(Mode::Test, now).await.unwrap().is_some());
    world.aws.trouble_banks(Some(BankTrouble::Down));
    assert!(matches!(compare(Mode::Test, now).await, Err(PaymentError::Provider(_))));
}
