//! What leads to a payment at a provider and back: the payer's link, which expires, and the provider's own id.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::{MAX_ATTEMPTS, OfferLimits, ProviderPaymentId, Session, SessionState};
use providers::mock::{Conclusion, Decision};
use providers::{PayerLink, Provider};

use super::world::{CONSENT, LINK_LASTS, MOCK_BANK, World, bank_id, causes};
use crate::Way;

impl World {
    /// Where the link to this attempt leads; none if to our own page.
    async fn press(&self, session: &Session, number: u8) -> Option<PayerLink> {
        match self.payments.way_to_provider(session, number).await.unwrap() {
            Way::Provider(link) => Some(link),
            Way::Page => None,
        }
    }
}

#[tokio::test]
async fn an_expired_link_leads_to_the_next_attempt_at_the_same_bank() {
    let world = World::new();
    assert_eq!(world.bank().link_lasts(), Some(LINK_LASTS));
    let session = world.at(CONSENT).await;
    let first = world.press(&session, 1).await.unwrap();
    world.advance(LINK_LASTS - SignedDuration::from_secs(1));
    assert_eq!(world.press(&session, 1).await.as_ref(), Some(&first));
    assert_eq!(world.read(&session).await.unwrap(), session, "nothing has changed");
    world.advance(SignedDuration::from_secs(1));
    let second = world.press(&session, 1).await.unwrap();
    assert_ne!(second, first);
    let renewed = world.read(&session).await.unwrap();
    assert_eq!(causes(&renewed), ["created", "payer_identified", "bank_chosen", "bank_chosen"]);
    assert_eq!((renewed.attempt_number(), renewed.attempt.as_ref().unwrap().bank.as_str()), (2, CONSENT));
    assert_eq!(world.bank().conclusion(&session, 1).await.unwrap(), Some(Conclusion::Cancelled));
    // The tab where the first link was, and a request that read the session before the second.
    assert_eq!(world.press(&renewed, 1).await, None);
    assert_eq!(world.press(&session, 1).await.as_ref(), Some(&second));
    assert_eq!(world.press(&renewed, 2).await.as_ref(), Some(&second));
    assert_eq!(world.read(&session).await.unwrap(), renewed);
    // The bank's page of the first can't be paid any more.
    assert_eq!(world.decide(&session, 1, Decision::Approve).await, Some(Conclusion::Cancelled));
    world.decide(&session, 2, Decision::Approve).await;
    world.settle_down().await;
    world.check(&session, "the second").await;
    assert_eq!(world.read(&session).await.unwrap().state, SessionState::Sent);
}

#[tokio::test]
async fn what_was_decided_before_its_link_expired_holds() {
    for decision in [Decision::Approve, Decision::ApproveThenSettle, Decision::ApproveThenFail, Decision::Decline] {
        let world = World::new();
        let session = world.at(CONSENT).await;
        world.decide(&session, 1, decision).await;
        world.advance(LINK_LASTS);
        assert_eq!(world.press(&session, 1).await, None, "{decision:?}");
        let now_as = world.read(&session).await.unwrap();
        assert_eq!(now_as.attempt_number(), 1);
        assert_ne!(now_as.state, SessionState::AwaitingPaymentConsent, "what the bank says is recorded: {decision:?}");
        world.settle_down().await;
        world.check(&session, decision.as_str()).await;
    }
}

#[tokio::test]
async fn an_expired_link_pressed_twice_at_once_leads_to_one_attempt() {
    let world = World::new();
    let session = world.at(CONSENT).await;
    world.advance(LINK_LASTS);
    let links = tokio::join!(world.press(&session, 1), world.press(&session, 1));
    assert!(links.0.is_some() && links.0 == links.1, "{links:?}");
    assert_eq!(world.read(&session).await.unwrap().attempt_number(), 2);
    world.decide(&session, 1, Decision::Approve).await;
    world.decide(&session, 2, Decision::Approve).await;
    world.settle_down().await;
    world.check(&session, "twice").await;
    assert_eq!(world.paid(&session).await, [2]);
}

#[tokio::test]
async fn an_expired_link_whose_bank_can_not_be_asked_begins_nothing() {
    for trouble in [BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense] {
        let world = World::new();
        let session = world.at(CONSENT).await;
        world.advance(LINK_LASTS);
        world.aws.trouble_banks(Some(trouble));
        assert!(world.payments.way_to_provider(&session, 1).await.is_err(), "{trouble:?}");
        assert_eq!(world.read(&session).await.unwrap(), session);
        world.aws.trouble_banks(None);
        assert!(world.press(&session, 1).await.is_some(), "{trouble:?}");
        world.decide(&session, 2, Decision::Approve).await;
        world.settle_down().await;
        world.check(&session, &format!("{trouble:?}")).await;
        assert_eq!(world.read(&session).await.unwrap().state, SessionState::Sent);
    }
}

#[tokio::test]
async fn a_link_that_has_expired_too_often_leads_to_the_page() {
    let world = World::new();
    let mut session = world.at(CONSENT).await;
    for number in 1..MAX_ATTEMPTS {
        world.advance(LINK_LASTS);
        assert!(world.press(&session, number).await.is_some(), "{number}");
        session = world.read(&session).await.unwrap();
        assert_eq!(session.attempt_number(), number + 1);
    }
    world.advance(LINK_LASTS);
    assert_eq!(world.press(&session, MAX_ATTEMPTS).await, None);
    assert_eq!(world.read(&session).await.unwrap(), session);
    world.settle_down().await;
    world.check(&session, "too often").await;
}

#[tokio::test]
async fn a_providers_own_id_leads_to_the_session() {
    let world = World::new();
    let first = world.at(CONSENT).await;
    let id_of = |session: &Session| session.attempt.as_ref()?.at_consent.as_ref()?.payment_id.clone();
    let second = world.payments.begin(&first, bank_id(CONSENT), 2).await.unwrap();
    let find = async |provider: &str, id: &ProviderPaymentId| {
        world.payments.session_of_provider(&bank_id(provider), id).await.unwrap()
    };
    for id in [id_of(&first).unwrap(), id_of(&second).unwrap()] {
        assert_eq!(find(CONSENT, &id).await, Some(first.id));
        assert_eq!(find(MOCK_BANK, &id).await, None);
    }
    assert_eq!(find(CONSENT, &"nobody-1".parse().unwrap()).await, None);
}

#[tokio::test]
async fn a_provider_is_offered_by_itself_exactly_where_it_is_among_all() {
    let world = World::new();
    let session = world.identified(|_| {}).await;
    let limits = OfferLimits { provider: Some(bank_id(CONSENT)), ..OfferLimits::default() };
    let limited = Session { offer_limits: limits, ..session.clone() };
    assert_eq!(world.payments.offers(&limited).await.len(), 1);
    for session in [session, limited] {
        let offers = world.payments.offers(&session).await;
        for bank in [MOCK_BANK, CONSENT, "mock-down", "mock-card", "truelayer", "truelayer.ob-monzo"].map(bank_id) {
            let among_all = offers.iter().find(|offer| offer.id == bank);
            assert_eq!(world.payments.offer(&session, &bank).await.as_ref(), among_all, "{bank}");
        }
    }
}
