//! Transfers in any order with anything else, functions dying meanwhile: what the session says is what the ledger has.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::SessionEvent;
use proptest::prelude::*;
use providers::mock::Arrived;

use super::transfers::{TRANSFER, transfer};
use super::world::{CONSENT, MOCK_BANK, World, bank_id, owner};

/// What a payer, a merchant, the provider or the clock does.
#[derive(Debug, Clone)]
enum Step {
    Choose(&'static str),
    /// It comes, and nobody says so yet.
    Send(i64),
    /// The provider says so of one that came.
    Webhook(usize),
    /// Two at once, each of whose webhooks is followed up.
    SendTwo(i64, i64),
    ComeBack,
    Schedule,
    Cancel,
    CancelByPayer,
    Delete,
    Advance(i64),
    Trouble(Option<BankTrouble>),
}

fn step() -> impl Strategy<Value = Step> {
    let bank = prop::sample::select(vec![TRANSFER, TRANSFER, TRANSFER, MOCK_BANK, CONSENT]);
    let amount = || prop::sample::select(vec![1_i64, 150, 250, 399, 400, 401, 900]);
    let trouble =
        prop::sample::select(vec![BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense]).prop_map(Some);
    prop_oneof![
        4 => bank.prop_map(Step::Choose),
        4 => amount().prop_map(Step::Send),
        2 => (amount(), amount()).prop_map(|(one, other)| Step::SendTwo(one, other)),
        3 => (0..6_usize).prop_map(Step::Webhook),
        2 => Just(Step::ComeBack),
        2 => Just(Step::Schedule),
        1 => Just(Step::Cancel),
        1 => Just(Step::CancelByPayer),
        1 => Just(Step::Delete),
        2 => prop::sample::select(vec![1, 61, 700, 7200, 90_000]).prop_map(Step::Advance),
        1 => trouble.prop_map(Step::Trouble),
        2 => Just(Step::Trouble(None)),
    ]
}

/// After how many calls the function that does a step dies, and whether the last is done.
type Crash = Option<(usize, bool)>;

fn steps() -> impl Strategy<Value = Vec<(Step, Crash)>> {
    let crash = prop::option::weighted(0.3, (0..8_usize, any::<bool>()));
    prop::collection::vec((step(), crash), 1..25)
}

async fn play(retry: bool, steps: Vec<(Step, Crash)>) {
    let world = World::new();
    let first = world.identified(|session| session.retry = retry).await;
    let mut sent = Vec::new();
    for (step, crash) in &steps {
        // A payer who has instructions can use them whenever they like.
        let new = match step {
            Step::Send(minor) => vec![transfer(&first, *minor)],
            Step::SendTwo(one, other) => vec![transfer(&first, *one), transfer(&first, *other)],
            Step::Choose(_)
            | Step::Webhook(_)
            | Step::ComeBack
            | Step::Schedule
            | Step::Cancel
            | Step::CancelByPayer
            | Step::Delete
            | Step::Advance(_)
            | Step::Trouble(_) => Vec::new(),
        };
        let session = world.read(&first).await;
        let payments = &world.payments;
        // On the heap, since there is a lot of it.
        let by_us = Box::pin(async {
            match (step, &session) {
                (Step::Choose(bank), Some(session)) => {
                    drop(payments.begin(session, bank_id(bank), session.attempt_number() + 1).await);
                }
                (Step::ComeBack, Some(session)) => drop(payments.follow_up(session).await),
                (Step::Webhook(index), _) => {
                    if let Some(transfer) = sent.get(*index) {
                        world.arrives_and_says_so(transfer).await;
                    }
                }
                (Step::SendTwo(..), _) => {
                    let says_so = |transfer| Box::pin(world.arrives_and_says_so(transfer));
                    tokio::join!(says_so(&new[0]), says_so(&new[1]));
                }
                (Step::Schedule, _) => world.schedule().await,
                (Step::Cancel, _) => drop(payments.end_by(first.id, SessionEvent::CancelledByMerchant).await),
                (Step::CancelByPayer, _) => drop(payments.end_by(first.id, SessionEvent::CancelledByPayer).await),
                (Step::Delete, _) => {
                    drop(payments.delete(first.id, &owner(&first), world.now(), samples::write_id()).await);
                }
                (Step::Choose(_) | Step::ComeBack | Step::Send(_) | Step::Advance(_) | Step::Trouble(_), _) => {}
            }
        });
        world.aws.process(*crash, by_us).await;
        match step {
            Step::Send(_) => drop(world.arrives(&new[0]).await),
            Step::Advance(seconds) => world.advance(SignedDuration::from_secs(*seconds)),
            Step::Trouble(trouble) => world.aws.trouble_banks(*trouble),
            Step::Choose(_)
            | Step::SendTwo(..)
            | Step::Webhook(_)
            | Step::ComeBack
            | Step::Schedule
            | Step::Cancel
            | Step::CancelByPayer
            | Step::Delete => {}
        }
        sent.extend(new);
    }
    world.aws.trouble_banks(None);
    // What was sent before anybody had instructions matches nothing.
    let mut known = Vec::new();
    for transfer in sent {
        if let Some(Arrived::AtPayment { .. }) = world.arrives(&transfer).await {
            known.push(transfer);
        }
    }
    world.settle_down().await;
    world.check_transfers(&first, &known, "in the end").await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_session_says_is_what_the_ledger_has(retry in any::<bool>(), steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Box::pin(play(retry, steps)));
    }
}
