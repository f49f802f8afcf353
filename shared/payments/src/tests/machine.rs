//! Anything in any order, as long as it can happen.

use jiff::SignedDuration;
use memory_aws::BankTrouble;
use models::SessionEvent;
use proptest::prelude::*;
use providers::mock::{Decided, Decision, Entry, Ledger};

use super::world::{CONSENT, MOCK_BANK, World, bank_id, owner};

/// What a payer, a merchant, a bank or the clock does.
#[derive(Debug, Clone)]
enum Step {
    Choose(&'static str),
    /// At an attempt that may be an older one: tabs stay open.
    Decide(u8, Decision),
    DecideAtMockBank(u8, Decision),
    ComeBack,
    PressTheLink(u8),
    Webhook(u8),
    Schedule,
    Cancel,
    CancelByPayer,
    Delete,
    Advance(i64),
    Trouble(Option<BankTrouble>),
}

fn step() -> impl Strategy<Value = Step> {
    let decision = || prop::sample::select(Decision::ALL.to_vec());
    let bank = prop::sample::select(vec![CONSENT, CONSENT, MOCK_BANK]);
    let trouble =
        prop::sample::select(vec![BankTrouble::Down, BankTrouble::AnswersLost, BankTrouble::Nonsense]).prop_map(Some);
    prop_oneof![
        4 => bank.prop_map(Step::Choose),
        4 => (1..4_u8, decision()).prop_map(|(number, decision)| Step::Decide(number, decision)),
        2 => (1..4_u8, decision()).prop_map(|(number, decision)| Step::DecideAtMockBank(number, decision)),
        3 => Just(Step::ComeBack),
        2 => (1..4_u8).prop_map(Step::PressTheLink),
        2 => (1..4_u8).prop_map(Step::Webhook),
        2 => Just(Step::Schedule),
        1 => Just(Step::Cancel),
        1 => Just(Step::CancelByPayer),
        1 => Just(Step::Delete),
        2 => prop::sample::select(vec![1, 61, 700, 900, 7200, 90_000]).prop_map(Step::Advance),
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
    for (step, crash) in &steps {
        let Some(session) = world.read(&first).await else { break };
        let payments = &world.payments;
        // What a bank's page does is the bank's: it does not die with us, and payers see it in trouble as well.
        let by_us = async {
            match step {
                Step::Choose(bank) => {
                    drop(payments.begin(&session, bank_id(bank), session.attempt_number() + 1).await);
                }
                Step::ComeBack => drop(payments.follow_up(&session).await),
                Step::PressTheLink(number) => drop(payments.way_to_provider(&session, *number).await),
                Step::Webhook(number) => drop(world.webhook(&session, *number).await),
                Step::Schedule => world.schedule().await,
                Step::Cancel => drop(payments.end_by(session.id, SessionEvent::CancelledByMerchant).await),
                Step::CancelByPayer => drop(payments.end_by(session.id, SessionEvent::CancelledByPayer).await),
                Step::Delete => {
                    drop(payments.delete(session.id, &owner(&session), world.now(), samples::write_id()).await);
                }
                Step::Decide(..) | Step::DecideAtMockBank(..) | Step::Advance(_) | Step::Trouble(_) => {}
            }
        };
        world.aws.process(*crash, by_us).await;
        match step {
            Step::Decide(number, decision) => drop(world.decide(&session, *number, *decision).await),
            Step::DecideAtMockBank(number, decision) => {
                let decided = Decided::from(*decision);
                drop(world.ledger().put(session.end_to_end_id, Entry::Decision(*number), decided).await);
            }
            Step::Advance(seconds) => world.advance(SignedDuration::from_secs(*seconds)),
            Step::Trouble(trouble) => world.aws.trouble_banks(*trouble),
            Step::Choose(_)
            | Step::ComeBack
            | Step::PressTheLink(_)
            | Step::Webhook(_)
            | Step::Schedule
            | Step::Cancel
            | Step::CancelByPayer
            | Step::Delete => {}
        }
    }
    world.aws.trouble_banks(None);
    world.settle_down().await;
    world.check(&first, "in the end").await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn paid_once_or_never_and_the_session_says_which(retry in any::<bool>(), steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(retry, steps));
    }
}
