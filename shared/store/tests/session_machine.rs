//! A model of a session, and any sequence of what can be done to one: writes, the same writes again, writes whose answer
//! is lost, two writes at once, before and after its time. The table must hold what the model says.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::cell::Cell;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use models::{
    AttemptEnd, LateMoney, Payer, PaymentAttempt, Session, SessionEvent, SessionId, SessionState, SortableTimestamp,
    WriteId,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use store::{BankPayment, BankPayments, Change, ChangeError, Created, Owner, Sessions, StoreError, TableItem, Verify};
use support::World;

/// What is written to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Write {
    IdentifyPayer,
    ChooseBank {
        /// Of the attempt it would be.
        number: u8,
        at_consent: bool,
        cancelled: Option<u8>,
    },
    /// To this attempt, whose money moves at submission.
    GiveConsent(u8),
    /// To this attempt, whose money moves at consent.
    Authorise(u8),
    /// What its provider calls this attempt.
    Answer(u8),
    /// This attempt is refused, and the session with it.
    Decline(u8),
    /// This attempt is over, and the session goes on.
    EndAttempt(u8),
    /// Settled, declined, cancelled, time passed.
    Record(SessionEvent, Option<u8>),
    Delete(Option<u8>),
    /// Of this attempt.
    NoteLateMoney(u8),
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
    /// A refused attempt leads back to the choice.
    retry: bool,
    entries: usize,
    attempt: u8,
    at_consent: bool,
    ended: bool,
    /// The provider's id of the latest attempt is known.
    answered: bool,
    /// The attempts that are found by their provider's ids.
    payments: BTreeSet<u8>,
    /// How often the payer consented.
    consents: usize,
    /// Something of ours is submitted.
    submitted: bool,
    late_money: Option<u8>,
    deleted: bool,
    late: bool,
}

impl Model {
    /// Money may move at the payer's consent.
    fn is_open(&self) -> bool {
        self.at_consent && self.state == SessionState::AwaitingPaymentConsent
    }

    /// Does a write; false if it must be refused.
    fn write(&mut self, write: &Write) -> bool {
        use SessionState as S;
        let awaiting = matches!(self.state, S::AwaitingPayer | S::AwaitingProvider | S::AwaitingPaymentConsent);
        let choosing = matches!(self.state, S::AwaitingProvider | S::AwaitingPaymentConsent);
        let open = self.is_open();
        let ended = !awaiting && self.state != S::Pending;
        let stopped = |cancelled: &Option<u8>| !open || *cancelled == Some(self.attempt);
        let latest = |number: &u8| *number == self.attempt && self.attempt > 0;
        let in_time = !self.late || open;
        match write {
            Write::Answer(number) => {
                self.payments.insert(*number);
                let known = latest(number) && self.at_consent && !self.deleted;
                self.answered |= known;
                return known;
            }
            Write::NoteLateMoney(number) => {
                let over = ended || self.attempt > *number || (latest(number) && self.ended);
                if self.late_money.is_none() && over {
                    self.late_money = Some(*number);
                }
                return self.late_money == Some(*number);
            }
            Write::IdentifyPayer
            | Write::ChooseBank { .. }
            | Write::GiveConsent(_)
            | Write::Authorise(_)
            | Write::Decline(_)
            | Write::EndAttempt(_)
            | Write::Record(..)
            | Write::Delete(_) => {}
        }
        if self.deleted {
            return matches!(write, Write::Delete(_));
        }
        let next = match write {
            Write::IdentifyPayer if self.state == S::AwaitingPayer && !self.late => S::AwaitingProvider,
            Write::ChooseBank { number, at_consent, cancelled }
                if choosing && !self.late && *number == self.attempt + 1 && stopped(cancelled) =>
            {
                (self.attempt, self.at_consent) = (*number, *at_consent);
                (self.ended, self.answered) = (false, false);
                S::AwaitingPaymentConsent
            }
            Write::GiveConsent(number)
                if self.state == S::AwaitingPaymentConsent && !self.late && latest(number) && !self.at_consent =>
            {
                self.submitted = true;
                self.consents += 1;
                S::Pending
            }
            Write::Authorise(number) if open && latest(number) => {
                self.consents += 1;
                S::Pending
            }
            Write::Decline(number) if latest(number) && open => S::Failed,
            Write::Decline(number) if latest(number) && self.state == S::AwaitingPaymentConsent && !self.late => {
                S::Failed
            }
            // Submitted, it ends by the bank's word on the submission alone.
            Write::Decline(number) if latest(number) && self.state == S::Pending && self.at_consent => S::Failed,
            Write::EndAttempt(number)
                if latest(number)
                    && ((self.state == S::AwaitingPaymentConsent && in_time)
                        || (self.state == S::Pending && self.retry)) =>
            {
                (self.ended, self.submitted) = (true, false);
                S::AwaitingProvider
            }
            Write::Record(SessionEvent::Settled, _) if self.state == S::Pending => S::Sent,
            Write::Record(
                SessionEvent::DeclinedByPayer | SessionEvent::DeclinedByBank | SessionEvent::InsufficientFunds,
                _,
            ) if self.state == S::Pending || (awaiting && in_time) => S::Failed,
            Write::Record(SessionEvent::CancelledByMerchant | SessionEvent::CancelledByPayer, cancelled)
                if awaiting && in_time && stopped(cancelled) =>
            {
                S::Cancelled
            }
            Write::Record(SessionEvent::TimePassed, cancelled) if awaiting && self.late && stopped(cancelled) => {
                S::Expired
            }
            Write::Delete(cancelled) if awaiting && self.consents == 0 && stopped(cancelled) => {
                self.deleted = true;
                if in_time { S::Cancelled } else { S::Expired }
            }
            Write::Delete(_) if ended && self.consents == 0 => {
                self.deleted = true;
                return true;
            }
            Write::IdentifyPayer
            | Write::ChooseBank { .. }
            | Write::GiveConsent(_)
            | Write::Authorise(_)
            | Write::Answer(_)
            | Write::Decline(_)
            | Write::EndAttempt(_)
            | Write::Record(..)
            | Write::Delete(_)
            | Write::NoteLateMoney(_) => return false,
        };
        self.state = next;
        self.entries += 1;
        true
    }

    /// A provider answers only to what was begun with it. The other order of a race may have been expected.
    fn can_come(&self, write: &Write) -> bool {
        let begun = |number: &u8| *number < self.attempt || (*number == self.attempt && self.at_consent);
        !matches!(write, Write::Answer(number) if !begun(number))
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
        let begin = |(payer_known, named, retry)| Model {
            state: if payer_known { SessionState::AwaitingProvider } else { SessionState::AwaitingPayer },
            named: named && !payer_known,
            retry,
            entries: 1,
            attempt: 0,
            at_consent: false,
            ended: false,
            answered: false,
            payments: BTreeSet::new(),
            consents: 0,
            submitted: false,
            late_money: None,
            deleted: false,
            late: false,
        };
        any::<(bool, bool, bool)>().prop_map(begin).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Step> {
        // What leads on is likelier than what must be refused, so that runs get far.
        let on = match model.state {
            SessionState::AwaitingPayer => Write::IdentifyPayer,
            SessionState::AwaitingProvider => {
                let at_consent = !model.entries.is_multiple_of(3);
                Write::ChooseBank { number: model.attempt + 1, at_consent, cancelled: None }
            }
            SessionState::AwaitingPaymentConsent if model.at_consent => Write::Authorise(model.attempt),
            SessionState::AwaitingPaymentConsent => Write::GiveConsent(model.attempt),
            SessionState::Pending if model.retry => Write::EndAttempt(model.attempt),
            SessionState::Pending => Write::Record(SessionEvent::Settled, None),
            SessionState::Sent | SessionState::Failed | SessionState::Cancelled | SessionState::Expired => {
                Write::Delete(None)
            }
        };
        // Where an attempt goes on or has just ended, what must not pass by it.
        let attempt = model.attempt;
        let beside = if model.is_open() {
            Write::ChooseBank { number: attempt + 1, at_consent: false, cancelled: Some(attempt) }
        } else if model.ended {
            Write::Decline(attempt)
        } else {
            on.clone()
        };
        let write = prop_oneof![4 => Just(on), 2 => Just(beside), 9 => any_write(model.attempt, model.at_consent)];
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

fn any_write(attempt: u8, at_consent: bool) -> impl Strategy<Value = Write> + Clone {
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
    let number = move || 0..=attempt + 1;
    let cancelled = move || prop_oneof![Just(None), Just(Some(attempt)), Just(Some(attempt.saturating_sub(1)))];
    let next = (attempt.saturating_sub(1)..=attempt + 2).prop_filter("from 1", |n| *n > 0);
    // A provider answers to what was begun with it alone.
    let asked = if at_consent { attempt } else { attempt.saturating_sub(1) };
    prop_oneof![
        1 => Just(Write::IdentifyPayer),
        3 => (next, any::<bool>(), cancelled())
            .prop_map(|(number, at_consent, cancelled)| Write::ChooseBank { number, at_consent, cancelled }),
        1 => number().prop_map(Write::GiveConsent),
        1 => number().prop_map(Write::Authorise),
        1 => number().prop_map(Write::Decline),
        2 => number().prop_map(Write::EndAttempt),
        2 => (1..=asked.max(1)).prop_map(move |number| {
            if asked == 0 { Write::IdentifyPayer } else { Write::Answer(number) }
        }),
        2 => (prop::sample::select(events.to_vec()), cancelled())
            .prop_map(|(event, cancelled)| Write::Record(event, cancelled)),
        1 => cancelled().prop_map(Write::Delete),
        1 => (1..=attempt.max(1)).prop_map(Write::NoteLateMoney),
    ]
}

struct Table {
    world: &'static World,
    owner: Owner,
    id: SessionId,
    created: Session,
    /// After a race the model may have chosen the other order: this is what was seen.
    model: Model,
    /// How many writes there were.
    writes: Cell<usize>,
}

impl Table {
    /// By the writer's clock: clocks differ, and some writes take their time.
    fn now(&self) -> Timestamp {
        let hours = if self.model.late { 2 } else { 0 };
        let number = self.writes.get();
        self.writes.set(number + 1);
        let seconds = 1 - support::behind_s(number);
        self.created.created_at + SignedDuration::from_hours(hours) + SignedDuration::from_secs(seconds)
    }

    fn at_consent(&self, number: u8) -> PaymentAttempt {
        support::attempt_at_consent(number, self.created.created_at)
    }

    fn late_money(&self, attempt: u8) -> LateMoney {
        let payment_id = support::payment_id(&self.id, attempt);
        LateMoney {
            at: self.created.created_at,
            provider: self.at_consent(attempt).bank,
            payment_id,
            attempt,
            amount_minor: None,
        }
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
            Write::ChooseBank { number, at_consent, cancelled } => {
                let attempt = if *at_consent { self.at_consent(*number) } else { support::attempt(*number) };
                sessions.choose_bank(change(SessionEvent::BankChosen), &attempt, *cancelled).await.map(|_| ())
            }
            Write::GiveConsent(number) => {
                sessions.give_consent(change(SessionEvent::ConsentGiven), *number, &submission, at).await.map(|_| ())
            }
            Write::Authorise(number) => {
                sessions.authorised(change(SessionEvent::ConsentGiven), *number, at).await.map(|_| ())
            }
            Write::Answer(number) => {
                let payment_id = support::payment_id(&self.id, *number);
                let provider = self.at_consent(*number).bank;
                sessions.provider_answered(&self.id, *number, &provider, &payment_id, None).await.map(|_| ())
            }
            Write::Decline(number) => {
                sessions.decline(change(SessionEvent::DeclinedByPayer), *number).await.map(|_| ())
            }
            Write::EndAttempt(number) => {
                // As it was read then.
                let session = Session { attempt: Some(support::attempt(*number)), ..self.created.clone() };
                let end = AttemptEnd::DeclinedByBank;
                sessions.end_attempt(change(SessionEvent::AttemptEnded), &session, end).await.map(|_| ())
            }
            Write::Record(event, cancelled) => {
                sessions.record(change(*event), Some(&self.owner), *cancelled, None).await.map(|_| ())
            }
            Write::Delete(cancelled) => {
                sessions.delete(self.id, &self.owner, at, write_id.clone(), *cancelled).await.map(|_| ())
            }
            Write::NoteLateMoney(number) => match sessions.note_late_money(&self.id, &self.late_money(*number)).await {
                Ok(is_first) => return is_first,
                Err(StoreError::Disagreement { .. }) => return false,
                Err(error) => panic!("{error}"),
            },
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
        let payments = BankPayments::new(self.world.table.clone());
        let provider = self.at_consent(1).bank;
        for attempt in 1..=self.model.attempt {
            let found = payments.get(&provider, &support::payment_id(&self.id, attempt)).await.unwrap();
            let known = self.model.payments.contains(&attempt);
            assert_eq!(found, known.then_some(BankPayment { session_id: self.id, attempt }));
        }
        let late_money = self.model.late_money.map(|attempt| self.late_money(attempt));
        assert_eq!(sessions.late_money(&self.id).await.unwrap(), late_money, "deleted or not");
        let Some(session) = found else { return };
        assert_eq!(session.late_money, late_money);
        assert_eq!(session.state, self.model.state);
        assert_eq!(session.history.len(), self.model.entries);
        assert_eq!(session.history.last().unwrap().state, session.state);
        assert!(session.history.is_sorted_by_key(|entry| entry.at), "{:?}", session.history);
        assert_eq!(session.attempt_number(), self.model.attempt);
        let attempt = session.attempt.as_ref();
        let at_consent = attempt.and_then(|attempt| attempt.at_consent.as_ref());
        assert_eq!(at_consent.is_some(), self.model.at_consent);
        assert_eq!(at_consent.is_some_and(|at_consent| at_consent.payment_id.is_some()), self.model.answered);
        assert_eq!(attempt.is_some_and(|attempt| attempt.ended.is_some()), self.model.ended);
        assert_eq!(session.submission.is_some(), self.model.submitted);
        let consents = session.history.iter().filter(|entry| entry.cause == SessionEvent::ConsentGiven).count();
        assert_eq!(consents, self.model.consents);
        assert_eq!(session.was_submitted(), consents > 0);
        // The clock ends what awaits the payer, and no money moves of what it ends.
        let far = self.created.created_at + SignedDuration::from_hours(3);
        let waits_for_provider = self.model.is_open() || !session.state.is_awaiting();
        assert_eq!(session.state_at(far) == session.state, waits_for_provider || session.state.is_final());
        // Whatever has happened, a repeated creation is answered as the first was.
        assert_eq!(session.clone().as_created(), self.created);
        // Due exactly while something is to come.
        let due = support::due_items(&self.world.table).await;
        assert_eq!(due.contains(&store::DueItem::Session(session.id)), !session.state.is_final());
        // What the clock ends is due when it does.
        if session.state.is_awaiting() {
            let expires_at = SortableTimestamp::from(session.expires_at);
            let ends = self.due_at().await == expires_at.as_str();
            assert_eq!(ends, !self.model.is_open());
        }
    }

    async fn due_at(&self) -> String {
        let key = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
        let read = self.world.client().get_item().table_name(support::TABLE_NAME).consistent_read(true);
        let read = read.key("pk", key(format!("SESSION#{}", self.id))).key("sk", key("SESSION".to_owned()));
        read.send().await.unwrap().item.unwrap()["due_at"].as_s().unwrap().clone()
    }

    /// All that must be true of any table is, of what this session has left.
    async fn verify(&self) {
        let now = self.created.created_at + SignedDuration::from_hours(2);
        let verify = Verify::new(self.world.table.clone(), now, SignedDuration::from_hours(1000));
        for mut part in self.world.table.items(store::Parts(1)) {
            while let Some(page) = part.next().await.unwrap() {
                let own = |item: &TableItem| format!("{item:?}").contains(&self.id.to_string());
                for item in page.found.into_iter().filter(own) {
                    assert_eq!(verify.check(&item).await.unwrap().violations, []);
                }
            }
        }
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
        let created = Session { retry: model.retry, ..created };
        assert_eq!(created.state, model.state);
        let made = world.runtime.block_on(Sessions::new(world.losing(1)).create(created.clone(), None)).unwrap();
        assert!(matches!(made, Created::New(_)), "its own put, whose answer was lost, is recognised");
        Table { world, owner, id: created.id, created, model: model.clone(), writes: Cell::new(0) }
    }

    fn apply(mut table: Table, _: &Model, step: Step) -> Table {
        let world = table.world;
        world.runtime.block_on(async {
            let writes = match &step {
                Step::Write(write, _) => vec![write],
                Step::Race(a, b) => vec![a, b],
                Step::TimePasses => vec![],
            };
            if !writes.into_iter().all(|write| table.model.can_come(write)) {
                return;
            }
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

    fn teardown(table: Table, _: Model) {
        table.world.runtime.block_on(table.verify());
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
