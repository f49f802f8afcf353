//! A model of a session, and any sequence of what can be done to one: writes, the same writes again, writes whose answer
//! is lost, two writes at once, before and after its time. The table must hold what the model says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use models::{Payer, Session, SessionEvent, SessionId, SessionState, WriteId};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use store::{Change, ChangeError, Created, Owner, Sessions};
use support::World;

/// What is written to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Write {
    IdentifyPayer,
    /// With the number of the attempt it would be.
    ChooseBank(u8),
    /// To this attempt.
    GiveConsent(u8),
    /// Settled, declined, cancelled, time passed.
    Record(SessionEvent),
    Delete,
}

/// How a write goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Well,
    /// The first answer is lost and the SDK repeats it.
    AnswerLost,
    /// The caller sends the same write, with the same write id, a second time.
    Twice,
}

#[derive(Debug, Clone)]
enum Step {
    Write(Write, How),
    /// Both at once: one of the two orders must have happened.
    Race(Write, Write),
    /// The session's time passes.
    TimePasses,
}

/// What the session should be: written from the rules, without `models::transition`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    state: SessionState,
    /// The merchant gave the payer's name, but no address for the receipt.
    named: bool,
    entries: usize,
    attempt: u8,
    submitted: bool,
    deleted: bool,
    late: bool,
}

impl Model {
    /// Does a write; false if it must be refused.
    fn write(&mut self, write: &Write) -> bool {
        use SessionState as S;
        let awaiting = matches!(self.state, S::AwaitingPayer | S::AwaitingProvider | S::AwaitingPaymentConsent);
        if self.deleted {
            return *write == Write::Delete;
        }
        let next = match write {
            Write::IdentifyPayer if self.state == S::AwaitingPayer && !self.late => S::AwaitingProvider,
            Write::ChooseBank(number)
                if matches!(self.state, S::AwaitingProvider | S::AwaitingPaymentConsent)
                    && !self.late
                    && *number == self.attempt + 1 =>
            {
                self.attempt = *number;
                S::AwaitingPaymentConsent
            }
            Write::GiveConsent(number)
                if self.state == S::AwaitingPaymentConsent && !self.late && *number == self.attempt =>
            {
                self.submitted = true;
                S::Pending
            }
            Write::Record(SessionEvent::Settled) if self.state == S::Pending => S::Sent,
            Write::Record(
                SessionEvent::DeclinedByPayer | SessionEvent::DeclinedByBank | SessionEvent::InsufficientFunds,
            ) if self.state == S::Pending || (awaiting && !self.late) => S::Failed,
            Write::Record(SessionEvent::CancelledByMerchant | SessionEvent::CancelledByPayer)
                if awaiting && !self.late =>
            {
                S::Cancelled
            }
            Write::Record(SessionEvent::TimePassed) if awaiting && self.late => S::Expired,
            Write::Delete if awaiting => {
                self.deleted = true;
                if self.late { S::Expired } else { S::Cancelled }
            }
            Write::Delete if !self.submitted => {
                self.deleted = true;
                return true;
            }
            Write::IdentifyPayer | Write::ChooseBank(_) | Write::GiveConsent(_) | Write::Record(_) | Write::Delete => {
                return false;
            }
        };
        self.state = next;
        self.entries += 1;
        true
    }

    fn after(&self, writes: [&Write; 2]) -> (Self, [bool; 2]) {
        let mut model = self.clone();
        let done = writes.map(|write| model.write(write));
        (model, done)
    }
}

struct Rules;

impl ReferenceStateMachine for Rules {
    type State = Model;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Model> {
        let begin = |(payer_known, named)| Model {
            state: if payer_known { SessionState::AwaitingProvider } else { SessionState::AwaitingPayer },
            named: named && !payer_known,
            entries: 1,
            attempt: 0,
            submitted: false,
            deleted: false,
            late: false,
        };
        any::<(bool, bool)>().prop_map(begin).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        // What leads on is likelier than what must be refused, so that runs get far.
        let on = match model.state {
            SessionState::AwaitingPayer => Write::IdentifyPayer,
            SessionState::AwaitingProvider => Write::ChooseBank(model.attempt + 1),
            SessionState::AwaitingPaymentConsent => Write::GiveConsent(model.attempt),
            SessionState::Pending => Write::Record(SessionEvent::Settled),
            SessionState::Sent | SessionState::Failed | SessionState::Cancelled | SessionState::Expired => {
                Write::Delete
            }
        };
        let write = prop_oneof![4 => Just(on), 6 => any_write(model.attempt)];
        let how = prop_oneof![3 => Just(How::Well), 2 => Just(How::AnswerLost), 1 => Just(How::Twice)];
        prop_oneof![
            12 => (write.clone(), how).prop_map(|(write, how)| Step::Write(write, how)),
            4 => (write.clone(), write).prop_map(|(a, b)| Step::Race(a, b)),
            1 => Just(Step::TimePasses),
        ]
        .boxed()
    }

    fn apply(mut model: Model, step: &Step) -> Model {
        match step {
            Step::Write(write, _) => {
                model.write(write);
            }
            // Which order it was is seen in the table; for what comes next it only has to be one of them.
            Step::Race(a, b) => model = model.after([a, b]).0,
            Step::TimePasses => model.late = true,
        }
        model
    }
}

fn any_write(attempt: u8) -> impl Strategy<Value = Write> + Clone {
    use SessionEvent as E;
    let events = [
        E::Settled,
        E::DeclinedByPayer,
        E::DeclinedByBank,
        E::InsufficientFunds,
        E::CancelledByMerchant,
        E::CancelledByPayer,
        E::TimePassed,
    ];
    prop_oneof![
        Just(Write::IdentifyPayer),
        (attempt.saturating_sub(1)..=attempt + 2).prop_filter("from 1", |n| *n > 0).prop_map(Write::ChooseBank),
        (0..=attempt + 1).prop_map(Write::GiveConsent),
        prop::sample::select(events.to_vec()).prop_map(Write::Record),
        Just(Write::Delete),
    ]
}

struct Table {
    world: &'static World,
    owner: Owner,
    id: SessionId,
    created: Session,
    /// After a race the model may have taken the other order: this is what was seen.
    model: Model,
    /// How many writes there were.
    writes: Cell<usize>,
}

impl Table {
    /// By the clock of whoever writes: clocks differ, and some writes take their time.
    fn now(&self) -> Timestamp {
        let hours = if self.model.late { 2 } else { 0 };
        let number = self.writes.get();
        self.writes.set(number + 1);
        let seconds = 1 - support::behind_s(number);
        self.created.created_at + SignedDuration::from_hours(hours) + SignedDuration::from_secs(seconds)
    }

    /// Does a write; false if it was refused.
    async fn write(&self, table: store::Table, write: &Write, write_id: WriteId) -> bool {
        let sessions = Sessions::new(table);
        let at = self.now();
        let change = |event| Change { session_id: self.id, event, at, write_id: write_id.clone() };
        let submission = samples::submission(at);
        let done = match write {
            Write::IdentifyPayer => {
                sessions.identify_payer(change(SessionEvent::PayerIdentified), &support::payer()).await.map(|_| ())
            }
            Write::ChooseBank(number) => {
                let attempt = support::attempt(*number);
                sessions.choose_bank(change(SessionEvent::BankChosen), &attempt, None).await.map(|_| ())
            }
            Write::GiveConsent(number) => {
                sessions.give_consent(change(SessionEvent::ConsentGiven), *number, &submission, at).await.map(|_| ())
            }
            Write::Record(event) => sessions.record(change(*event), Some(&self.owner), None).await.map(|_| ()),
            Write::Delete => sessions.delete(self.id, &self.owner, at, write_id.clone(), None).await.map(|_| ()),
        };
        match done {
            Ok(()) => true,
            Err(ChangeError::Refused(_) | ChangeError::NotFound) => false,
            Err(ChangeError::Store(error)) => panic!("{error}"),
        }
    }

    async fn check(&self) {
        let sessions = Sessions::new(self.world.table.clone());
        let found = sessions.get(&self.id).await.unwrap();
        assert_eq!(found.is_none(), self.model.deleted);
        let listed = sessions
            .list(
                &self.owner,
                models::ListShards::default(),
                store::ListRange { limit: 10, ..Default::default() },
                None,
            )
            .await;
        assert_eq!(listed.unwrap().items, found.clone().into_iter().collect::<Vec<_>>());
        let Some(session) = found else { return };
        assert_eq!(session.state, self.model.state);
        assert_eq!(session.history.len(), self.model.entries);
        assert_eq!(session.history.last().unwrap().state, session.state);
        assert!(session.history.is_sorted_by_key(|entry| entry.at), "{:?}", session.history);
        assert_eq!(session.attempt_number(), self.model.attempt);
        assert_eq!(session.submission.is_some(), self.model.submitted);
        let submissions = session.history.iter().filter(|entry| entry.cause == SessionEvent::ConsentGiven).count();
        assert_eq!(submissions, usize::from(self.model.submitted));
        // Whatever has happened, a repeated creation is answered as the first was.
        assert_eq!(session.clone().as_created(), self.created);
        // Due exactly while something is to come.
        let due = support::due_items(&self.world.table).await;
        assert_eq!(due.contains(&store::DueItem::Session(session.id)), !session.state.is_final());
    }
}

impl StateMachineTest for Table {
    type SystemUnderTest = Table;
    type Reference = Rules;

    fn init_test(model: &Model) -> Table {
        let world = World::get();
        let owner = support::new_owner(models::Mode::Test);
        let email = support::payer().email.filter(|_| !model.named);
        let payer = (model.named || model.state == SessionState::AwaitingProvider).then(support::payer);
        let payer = payer.map(|payer| Payer { email, ..payer });
        let created = support::new_session(&owner, samples::now(), payer, 400);
        assert_eq!(created.state, model.state);
        let made = world.runtime.block_on(Sessions::new(world.losing(1)).create(created.clone(), None)).unwrap();
        assert!(matches!(made, Created::New(_)), "its own put, whose answer was lost, is recognised");
        Table { world, owner, id: created.id, created, model: model.clone(), writes: Cell::new(0) }
    }

    fn apply(mut table: Table, _: &Model, step: Step) -> Table {
        let world = table.world;
        world.runtime.block_on(async {
            match step {
                Step::TimePasses => table.model.late = true,
                Step::Write(write, how) => {
                    let expected = table.model.write(&write);
                    let write_id = samples::write_id();
                    let lossy = match how {
                        How::Well | How::Twice => world.table.clone(),
                        How::AnswerLost => world.losing(1),
                    };
                    assert_eq!(table.write(lossy, &write, write_id.clone()).await, expected, "{write:?} {how:?}");
                    if how == How::Twice && expected {
                        let again = table.write(world.table.clone(), &write, write_id).await;
                        assert!(again, "{write:?} again, by the same write id");
                    }
                }
                Step::Race(a, b) => {
                    let one = table.write(world.losing(1), &a, samples::write_id());
                    let other = table.write(world.table.clone(), &b, samples::write_id());
                    let done: (bool, bool) = tokio::join!(one, other);
                    let (first, a_b) = table.model.after([&a, &b]);
                    let (second, b_a) = table.model.after([&b, &a]);
                    let session = Sessions::new(world.table.clone()).get(&table.id).await.unwrap();
                    let fits = |model: &Model| match &session {
                        Some(session) => {
                            session.state == model.state && session.history.len() == model.entries && !model.deleted
                        }
                        None => model.deleted,
                    };
                    if (done.0, done.1) == (a_b[0], a_b[1]) && fits(&first) {
                        table.model = first;
                    } else {
                        assert_eq!((done.1, done.0), (b_a[0], b_a[1]), "{a:?} and {b:?} at once");
                        assert!(fits(&second), "{a:?} and {b:?} at once: {second:?} {session:?}");
                        table.model = second;
                    }
                }
            }
        });
        table
    }

    fn check_invariants(table: &Table, _: &Model) {
        table.world.runtime.block_on(table.check());
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]
    #[test]
    fn a_session_is_what_the_model_says(sequential 1..24 => Table);
}
