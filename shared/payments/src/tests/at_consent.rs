//! A bank whose money moves when the payer consents: whatever else happens at the same time, and wherever a function dies or a
//! bank's answer is lost, it is paid once or not at all, and the session says which.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{AttemptEnd, LateMoney, Session, SessionEvent, SessionState};
use providers::mock::{Conclusion, Decision};
use store::ChangeError;

use super::world::{CONSENT, LINK_LASTS, MOCK_BANK, World, bank_id, causes, owner};
use crate::{EndError, EventError, Way};

/// What else is done to a session while its payer is at the bank.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Cancelled,
    CancelledByPayer,
    Deleted,
    Expired,
    AnotherBankChosen,
    TheSameBankChosen,
    ExpiredLinkPressed,
}

impl Meanwhile {
    /// Does it. What becomes of it is another matter.
    async fn happen(self, world: &World, session: &Session) {
        let payments = &world.payments;
        let (id, number) = (session.id, session.attempt_number() + 1);
        match self {
            Self::Cancelled => drop(payments.end_by(id, SessionEvent::CancelledByMerchant).await),
            Self::CancelledByPayer => drop(payments.end_by(id, SessionEvent::CancelledByPayer).await),
            Self::Deleted => {
                drop(payments.delete(id, &owner(session), world.now(), samples::write_id()).await);
            }
            Self::Expired => {
                world.advance(session.expires_at.duration_since(world.now()));
                world.schedule().await;
            }
            Self::AnotherBankChosen => drop(payments.begin(session, bank_id(MOCK_BANK), number).await),
            Self::TheSameBankChosen => drop(payments.begin(session, bank_id(CONSENT), number).await),
            Self::ExpiredLinkPressed => {
                world.advance(LINK_LASTS);
                drop(payments.way_to_provider(session, session.attempt_number()).await);
            }
        }
    }
}

/// When the payer consents: before that, before that and we know it, or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consents {
    Before,
    AndWeKnow,
    After,
}

const DECISIONS: [Decision; 4] =
    [Decision::Approve, Decision::ApproveThenSettle, Decision::ApproveThenFail, Decision::Decline];

/// The payer consents before and after; the function that does it dies after each of its calls; each call of the bank fails in
/// each way.
async fn at_every_point(meanwhile: Meanwhile) {
    for consents in [Consents::Before, Consents::AndWeKnow, Consents::After] {
        for decision in DECISIONS {
            for done in [false, true] {
                for calls in 0.. {
                    let what = format!("{meanwhile:?} {consents:?} {decision:?}, dies after {calls} calls, {done}");
                    if one_point(meanwhile, consents, decision, Some((calls, done)), None, &what).await {
                        break;
                    }
                }
            }
            for trouble in [BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense] {
                let what = format!("{meanwhile:?} {consents:?} {decision:?}, the bank: {trouble:?}");
                one_point(meanwhile, consents, decision, None, Some(trouble), &what).await;
            }
        }
    }
}

/// Whether it was done without dying.
async fn one_point(
    meanwhile: Meanwhile,
    consents: Consents,
    decision: Decision,
    crash: Option<(usize, bool)>,
    trouble: Option<BankTrouble>,
    what: &str,
) -> bool {
    let world = World::new();
    let session = world.at(CONSENT).await;
    if consents != Consents::After {
        world.decide(&session, 1, decision).await;
    }
    if consents == Consents::AndWeKnow {
        assert!(world.webhook(&session, 1).await);
    }
    let before = world.read(&session).await.unwrap();
    world.aws.trouble_banks(trouble);
    let done = world.aws.process(crash, meanwhile.happen(&world, &before)).await.is_some();
    world.aws.trouble_banks(None);
    // The link works as long as the bank says; the payer may not know.
    world.decide(&session, 1, decision).await;
    if let Some(now_as) = world.read(&session).await
        && now_as.attempt_number() == 2
    {
        world.decide(&session, 2, decision).await;
    }
    world.settle_down().await;
    world.check(&session, what).await;
    done
}

#[tokio::test]
async fn cancelled_while_the_payer_consents() {
    at_every_point(Meanwhile::Cancelled).await;
}

#[tokio::test]
async fn cancelled_by_the_payer_in_another_tab() {
    at_every_point(Meanwhile::CancelledByPayer).await;
}

#[tokio::test]
async fn deleted_while_the_payer_consents() {
    at_every_point(Meanwhile::Deleted).await;
}

#[tokio::test]
async fn expired_while_the_payer_consents() {
    at_every_point(Meanwhile::Expired).await;
}

#[tokio::test]
async fn another_bank_chosen_while_the_payer_consents() {
    at_every_point(Meanwhile::AnotherBankChosen).await;
}

#[tokio::test]
async fn the_same_bank_chosen_again_while_the_payer_consents() {
    at_every_point(Meanwhile::TheSameBankChosen).await;
}

#[tokio::test]
async fn an_expired_link_pressed_while_the_payer_consents() {
    at_every_point(Meanwhile::ExpiredLinkPressed).await;
}

/// Nothing but the schedule is left to find out.
#[tokio::test]
async fn the_payer_consents_and_closes_the_tab() {
    for (decision, state) in [
        (Decision::Approve, SessionState::Sent),
        (Decision::ApproveThenSettle, SessionState::Sent),
        (Decision::ApproveThenFail, SessionState::Failed),
        (Decision::ApproveThenLackFunds, SessionState::Failed),
        (Decision::Decline, SessionState::Failed),
        (Decision::InsufficientFunds, SessionState::Failed),
        (Decision::Refuse, SessionState::Failed),
    ] {
        let world = World::new();
        let session = world.at(CONSENT).await;
        world.decide(&session, 1, decision).await;
        world.settle_down().await;
        world.check(&session, decision.as_str()).await;
        assert_eq!(world.read(&session).await.unwrap().state, state, "{decision:?}");
    }
}

#[tokio::test]
async fn the_payer_closes_the_tab_and_never_consents() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    world.settle_down().await;
    world.check(&session, "never").await;
    let session = world.read(&session).await.unwrap();
    assert_eq!(causes(&session), ["created", "payer_identified", "bank_chosen", "time_passed"]);
    assert_eq!(world.bank().conclusion(&session, 1).await.unwrap(), Some(Conclusion::Cancelled), "and none can later");
}

#[tokio::test]
async fn choosing_the_bank_dies_or_is_not_answered_at_every_point() {
    for consents in [false, true] {
        for done in [false, true] {
            for calls in 0.. {
                let world = World::new();
                let session = world.identified(|_| {}).await;
                let begun = world.payments.begin(&session, bank_id(CONSENT), 1);
                let finished = world.aws.process(Some((calls, done)), begun).await.is_some();
                if consents {
                    world.decide(&session, 1, Decision::Approve).await;
                }
                world.settle_down().await;
                world.check(&session, &format!("dies after {calls} calls, {done}")).await;
                if finished {
                    break;
                }
            }
        }
    }
    for trouble in [BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense] {
        let world = World::new();
        let session = world.identified(|_| {}).await;
        world.aws.trouble_banks(Some(trouble));
        let begun = world.payments.begin(&session, bank_id(CONSENT), 1).await.unwrap();
        assert_eq!(begun.state, SessionState::AwaitingPaymentConsent, "recorded, and to be followed up: {trouble:?}");
        assert!(world.payments.way_to_provider(&begun, 1).await.is_err());
        world.aws.trouble_banks(None);
        // The link sends the recorded request again.
        let way = world.payments.way_to_provider(&world.read(&session).await.unwrap(), 1).await.unwrap();
        assert!(matches!(way, Way::Provider(_)), "{way:?}");
        world.decide(&session, 1, Decision::Approve).await;
        world.settle_down().await;
        world.check(&session, &format!("{trouble:?}")).await;
        assert_eq!(world.read(&session).await.unwrap().state, SessionState::Sent);
    }
}

#[tokio::test]
async fn the_link_can_be_pressed_as_often_as_the_payer_likes_until_it_is_over() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    let mut links = Vec::new();
    for _ in 0..3 {
        let Way::Provider(link) = world.payments.way_to_provider(&session, 1).await.unwrap() else { panic!("no link") };
        assert!(!format!("{link:?}").contains("token"), "it is for the payer alone");
        links.push(link.reveal().to_owned());
    }
    links.dedup();
    assert_eq!(links.len(), 1);
    assert!(!serde_json::to_string(&world.read(&session).await).unwrap().contains(&links[0]), "it is never stored");
    assert_eq!(world.read(&session).await.unwrap(), session, "and changes nothing");
    for number in [0, 2] {
        assert!(matches!(world.payments.way_to_provider(&session, number).await, Ok(Way::Page)));
    }
    // Past its time nobody is led there any more: the session ends then.
    world.advance(SignedDuration::from_hours(1000));
    assert!(matches!(world.payments.way_to_provider(&session, 1).await, Ok(Way::Page)));
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::Expired);
}

#[tokio::test]
async fn the_banks_webhook_before_the_payers_return_after_it_and_twice() {
    for order in ["webhook return", "return webhook", "webhook webhook return webhook", "return return"] {
        for decision in DECISIONS {
            let world = World::new();
            let session = world.at(CONSENT).await;
            world.decide(&session, 1, decision).await;
            for step in order.split(' ') {
                match step {
                    "webhook" => assert!(world.webhook(&session, 1).await),
                    _ => world.payments.follow_up(&world.read(&session).await.unwrap()).await.unwrap(),
                }
            }
            let once = causes(&world.read(&session).await.unwrap());
            world.settle_down().await;
            world.check(&session, &format!("{order} {decision:?}")).await;
            let causes = causes(&world.read(&session).await.unwrap());
            assert!(causes.starts_with(&once) && causes.len() <= 5, "{causes:?}");
        }
    }
}

#[tokio::test]
async fn a_webhook_of_an_unknown_payment_changes_nothing() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    // Of a session that is not in this table.
    let stranger = samples::session_at(world.now());
    for (bank, session) in [(CONSENT, &stranger), ("no-bank", &session)] {
        let answer = world.webhook_to(bank, session, 1).await;
        assert!(matches!(answer, Err(EventError::NotFound)), "{answer:?}");
    }
    let answer = world.webhook_to(MOCK_BANK, &session, 1).await;
    assert!(matches!(answer, Err(EventError::NotGenuine(_))), "{answer:?}");
    assert_eq!(world.read(&session).await.unwrap(), session);
}

/// The webhook comes after the schedule has found out all by itself.
#[tokio::test]
async fn a_webhook_delayed_past_the_end() {
    for decision in DECISIONS {
        let world = World::new();
        let session = world.at(CONSENT).await;
        world.decide(&session, 1, decision).await;
        world.settle_down().await;
        let before = world.read(&session).await.unwrap();
        assert!(world.webhook(&session, 1).await);
        assert_eq!(world.read(&session).await.unwrap(), before, "{decision:?}");
    }
    // Of an attempt that was given up for another, which was paid.
    let world = World::new();
    let session = world.at(CONSENT).await;
    let session = world.payments.begin(&session, bank_id(CONSENT), 2).await.unwrap();
    world.decide(&session, 2, Decision::Approve).await;
    assert!(world.webhook(&session, 1).await);
    assert_eq!(world.read(&session).await.unwrap(), session, "the bank cancelled the first");
    assert!(world.webhook(&session, 2).await && world.webhook(&session, 1).await);
    world.check(&session, "the second").await;
}

/// A bank that breaks its word: it moves the money of what this test lets us end without asking it.
#[tokio::test]
async fn money_that_comes_after_the_end_is_noted_and_the_state_stays() {
    for deleted in [false, true] {
        let world = World::new();
        let session = world.at(CONSENT).await;
        let payment_id = session.attempt.as_ref().unwrap().at_consent.as_ref().unwrap().payment_id.clone().unwrap();
        let event = SessionEvent::CancelledByMerchant;
        if deleted {
            let owner = owner(&session);
            let write_id = samples::write_id();
            world.payments.sessions.delete(session.id, &owner, world.now(), write_id, Some(1)).await.unwrap();
        } else {
            let change = world.payments.change(session.id, event);
            world.payments.sessions.record(change, None, Some(1), None).await.unwrap();
        }
        world.decide(&session, 1, Decision::Approve).await;
        world.advance(SignedDuration::from_secs(5));
        assert!(world.webhook(&session, 1).await);
        let noted = world.payments.sessions.late_money(&session.id).await.unwrap().unwrap();
        let expected =
            LateMoney { at: world.now(), provider: bank_id(CONSENT), payment_id, attempt: 1, amount_minor: None };
        assert_eq!(noted, expected);
        world.advance(SignedDuration::from_secs(5));
        assert!(world.webhook(&session, 1).await, "again");
        assert_eq!(world.payments.sessions.late_money(&session.id).await.unwrap(), Some(expected), "the first stays");
        if let Some(session) = world.read(&session).await {
            assert_eq!((session.state, *causes(&session).last().unwrap()), (SessionState::Cancelled, event.as_str()));
        }
        assert_eq!(world.read(&session).await.is_none(), deleted);
    }
}

#[tokio::test]
async fn what_the_bank_can_not_stop_is_not_cancelled() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    world.decide(&session, 1, Decision::Approve).await;
    let change = world.payments.change(session.id, SessionEvent::CancelledByMerchant);
    let Err(EndError::Change(ChangeError::Refused(now_as))) =
        world.payments.end(change, Some(&owner(&session)), None).await
    else {
        panic!("cancelled");
    };
    assert_eq!(now_as.state, SessionState::Sent, "the truth");
    // While it can't be asked, neither.
    let session = world.at(CONSENT).await;
    world.aws.trouble_banks(Some(BankTrouble::Down));
    let change = world.payments.change(session.id, SessionEvent::CancelledByMerchant);
    assert!(matches!(world.payments.end(change.clone(), None, None).await, Err(EndError::Payment(_))));
    assert_eq!(world.read(&session).await.unwrap(), session);
    world.aws.trouble_banks(None);
    assert_eq!(world.payments.end(change, None, None).await.unwrap().session.state, SessionState::Cancelled);
}

#[tokio::test]
async fn another_merchants_session_is_not_touched() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    let mut other = owner(&session);
    other.merchant_id = "other".parse().unwrap();
    let change = world.payments.change(session.id, SessionEvent::CancelledByMerchant);
    let refused = world.payments.end(change, Some(&other), None).await;
    assert!(matches!(refused, Err(EndError::Change(ChangeError::NotFound))), "{refused:?}");
    let refused = world.payments.delete(session.id, &other, world.now(), samples::write_id()).await;
    assert!(matches!(refused, Err(EndError::Change(ChangeError::NotFound))), "{refused:?}");
    assert_eq!(world.bank().conclusion(&session, 1).await.unwrap(), None, "nor is its bank asked");
}

#[tokio::test]
async fn the_bank_in_trouble_at_each_call_of_a_follow_up() {
    for trouble in [BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense] {
        for decision in DECISIONS {
            let world = World::new();
            let session = world.at(CONSENT).await;
            world.decide(&session, 1, decision).await;
            world.aws.trouble_banks(Some(trouble));
            for _ in 0..30 {
                world.schedule().await;
                world.advance(SignedDuration::from_hours(2));
            }
            let state = world.read(&session).await.unwrap().state;
            assert_eq!(state, SessionState::AwaitingPaymentConsent, "the clock ends nothing: {trouble:?}");
            world.aws.trouble_banks(None);
            world.settle_down().await;
            world.check(&session, &format!("{trouble:?} {decision:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_refusal_leads_back_to_the_choice_if_the_merchant_wants_it() {
    for (first, ended) in [
        (Decision::Decline, AttemptEnd::DeclinedByPayer),
        (Decision::InsufficientFunds, AttemptEnd::InsufficientFunds),
        (Decision::ApproveThenFail, AttemptEnd::DeclinedByBank),
    ] {
        for then in [CONSENT, MOCK_BANK] {
            let world = World::new();
            let session = world.identified(|session| session.retry = true).await;
            let session = world.payments.begin(&session, bank_id(CONSENT), 1).await.unwrap();
            world.decide(&session, 1, first).await;
            world.webhook(&session, 1).await;
            world.advance(SignedDuration::from_secs(30));
            world.schedule().await;
            let again = world.read(&session).await.unwrap();
            assert_eq!(again.state, SessionState::AwaitingProvider, "{first:?}");
            assert_eq!(again.attempt.as_ref().unwrap().ended, Some(ended));
            let session = world.payments.begin(&again, bank_id(then), 2).await.unwrap();
            assert_eq!(session.state, SessionState::AwaitingPaymentConsent);
            if then == CONSENT {
                world.decide(&session, 2, Decision::Approve).await;
            }
            world.settle_down().await;
            world.check(&session, &format!("{first:?} then {then}")).await;
        }
    }
}
