//! Test clocks: what follows one bears its time, in every write, and is seen by nobody who looks for what is due.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use jiff::{SignedDuration, Timestamp};
use models::{
    CursorId, EndpointId, MAX_SESSIONS_ON_A_CLOCK, Mode, ObjectId, OnClock, Session, SessionEvent, SessionId,
    SessionState, TestClock, TestClockId,
};
use store::{
    Change, ChangeError, ClockAdvanced, ClockDeleted, Created, Cursors, Due, DueItem, Erased, Erasures, Events, Owner,
    RefundCreated, Refunds, Sessions, StoredEvent, Table, TestClocks,
};
use support::World;
use uuid::Uuid;

/// The real time of these tests.
fn real_now() -> Timestamp {
    samples::now()
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

/// A clock of an owner's, and what is needed to do something with it.
struct Stage {
    owner: Owner,
    table: Table,
    clocks: TestClocks,
    sessions: Sessions,
    clock: TestClock,
}

impl Stage {
    async fn at(now: Timestamp) -> Self {
        let (owner, table) = (support::new_owner(Mode::Test), World::get().table.clone());
        let (clocks, sessions) = (TestClocks::new(table.clone()), Sessions::new(table.clone()));
        let clock = support::test_clock(&owner, now);
        clocks.create(&clock).await.unwrap();
        Self { owner, table, clocks, sessions, clock }
    }

    async fn created(&self) -> Session {
        let session = support::on_clock(&self.read().await, &self.owner, Some(support::payer()));
        assert!(matches!(self.sessions.create(session.clone(), None).await.unwrap(), Created::New(_)));
        session
    }

    /// What is delivered of a session, to an endpoint of its own.
    fn cursor_of(&self, session: &Session) -> CursorId {
        CursorId {
            object_id: session.id.into(),
            merchant_id: self.owner.merchant_id.clone(),
            endpoint_id: EndpointId::new(samples::uuid()),
            replay_of: None,
        }
    }

    async fn read(&self) -> TestClock {
        self.clocks.get(&self.owner.merchant_id, self.clock.id, real_now()).await.unwrap().unwrap()
    }

    /// Moves the clock and all that follows it.
    async fn moved_to(&self, to: Timestamp) {
        let from = self.read().await.now;
        let merchant = &self.owner.merchant_id;
        assert!(matches!(self.clocks.advance(merchant, self.clock.id, from, to).await.unwrap(), ClockAdvanced::Going));
        self.clocks.step(self.clock.id, from, to).await.unwrap();
        for follower in self.clocks.followers_of(self.read().await.sessions).await.unwrap() {
            self.clocks.copy(&follower, to).await.unwrap();
        }
        self.clocks.arrive(self.clock.id, to).await.unwrap();
    }

    /// `event` happens to a session, by somebody who knows the real time alone.
    fn change(session_id: SessionId, event: SessionEvent) -> Change {
        Change { session_id, event, at: real_now(), write_id: samples::write_id() }
    }
}

#[test]
fn a_history_bears_the_clocks_time_in_every_write() {
    World::get().runtime.block_on(async {
        for begins in [days(-300), days(40)] {
            let stage = Stage::at(real_now() + begins).await;
            let session = stage.created().await;
            let first = stage.clock.now;
            let (second, third) = (first + SignedDuration::from_mins(5), first + days(1));
            let attempt = support::attempt(1);
            let chosen = Stage::change(session.id, SessionEvent::BankChosen);
            let chosen = stage.sessions.choose_bank(chosen, &attempt, None).await.unwrap().session;
            assert_eq!(chosen.history.last().unwrap().at, first);
            stage.moved_to(second).await;
            let cancelled = Stage::change(session.id, SessionEvent::CancelledByMerchant);
            let repeated = cancelled.clone();
            let ended = stage.sessions.record(cancelled, Some(&stage.owner), None, None).await.unwrap();
            assert_eq!(ended.session.history.last().unwrap().at, second);
            assert!(stage.sessions.record(repeated, Some(&stage.owner), None, None).await.unwrap().repeated);
            // Its time is the clock's, not the real one.
            let other = stage.created().await;
            assert_eq!(other.created_at, second);
            stage.moved_to(third).await;
            let late = stage.sessions.get(&other.id).await.unwrap().unwrap();
            assert_eq!(late.state_at(real_now()), SessionState::Expired);
            let declined = Stage::change(other.id, SessionEvent::CancelledByMerchant);
            let refused = stage.sessions.record(declined, Some(&stage.owner), None, None).await;
            assert!(matches!(refused, Err(ChangeError::Refused(_))), "its time has passed by the clock: {refused:?}");
            let expired = Stage::change(other.id, SessionEvent::TimePassed);
            let expired = stage.sessions.record(expired, None, None, None).await.unwrap().session;
            assert_eq!((expired.state, expired.history.last().unwrap().at), (SessionState::Expired, third));
        }
    });
}

#[test]
fn what_follows_a_clock_is_in_no_index_of_what_is_due() {
    World::get().runtime.block_on(async {
        let stage = Stage::at(real_now() - days(300)).await;
        let session = stage.created().await;
        let paid = stage.created().await;
        let paid = support::pay(paid.id, real_now(), None).await;
        let (refund, payment) = {
            let creation = support::refund_creation(models::RefundId::new(samples::uuid()), real_now());
            models::Refund::create(&paid, samples::new_refund(&paid, Some(10)), creation).unwrap()
        };
        assert_eq!((refund.test_clock, refund.created_at), (paid.test_clock, stage.clock.now));
        let refunds = Refunds::new(stage.table.clone());
        let created = refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
        assert!(matches!(created, RefundCreated::New));
        let cursor = stage.cursor_of(&session);
        let cursors = Cursors::new(stage.table.clone());
        cursors.advance(&cursor, 1, real_now(), session.test_clock.as_ref()).await.unwrap();
        let long_after = real_now() + days(4000);
        let due = Due::new(stage.table.clone()).all(long_after).await.unwrap().unwrap();
        let ours = [Some(session.id), Some(paid.id), payment.as_ref().map(|payment| payment.id)];
        for item in due {
            match item {
                DueItem::Session(id) => assert!(!ours.contains(&Some(id)), "{id}"),
                DueItem::Refund(id, _) => assert_ne!(id, paid.id),
                DueItem::Cursor(id) => assert_ne!(id, cursor),
                DueItem::Mail(_) | DueItem::LinkMail(_) | DueItem::Endpoint(..) => {}
            }
        }
        // Who advances the clock finds all of it.
        let followers = stage.clocks.followers_of(stage.read().await.sessions).await.unwrap();
        let mut found: Vec<_> = followers.iter().map(|follower| follower.id.to_string()).collect();
        let mut expected = vec![session.id.to_string(), paid.id.to_string(), refund.id.to_string()];
        expected.extend(payment.as_ref().map(|payment| payment.id.to_string()));
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let due_at =
            |id: SessionId| followers.iter().find(|follower| follower.id == ObjectId::from(id)).unwrap().due_at;
        assert_eq!((due_at(session.id), due_at(paid.id)), (Some(session.expires_at), None));
        let waiting = stage.clocks.cursors_of(&session.id.into()).await.unwrap();
        assert_eq!(
            waiting.iter().map(|waiting| (&waiting.id, waiting.due_at)).collect::<Vec<_>>(),
            [(&cursor, stage.clock.now)]
        );
    });
}

#[test]
fn a_cursor_is_claimed_by_the_clock() {
    World::get().runtime.block_on(async {
        let stage = Stage::at(real_now() + days(100)).await;
        let session = stage.created().await;
        let cursor = stage.cursor_of(&session);
        let cursors = Cursors::new(stage.table.clone());
        cursors.advance(&cursor, 1, real_now(), session.test_clock.as_ref()).await.unwrap();
        let second = |n: i64| real_now() + SignedDuration::from_secs(n);
        let claim = cursors.claim(&cursor, second(1)).await.unwrap().unwrap();
        assert_eq!(claim.now(second(1)), stage.clock.now);
        assert!(cursors.claim(&cursor, second(2)).await.unwrap().is_none(), "it is somebody else's");
        let next = stage.clock.now + SignedDuration::from_secs(5);
        cursors.retry_at(&claim, next, 1, stage.clock.now).await.unwrap();
        // However late it is in real time.
        assert!(cursors.claim(&cursor, real_now() + days(200)).await.unwrap().is_none());
        stage.moved_to(next).await;
        let claim = cursors.claim(&cursor, second(3)).await.unwrap().unwrap();
        assert_eq!((claim.attempts, claim.test_clock), (1, Some(OnClock { id: stage.clock.id, now: next })));
        cursors.retry_at(&claim, next + days(1), 2, stage.clock.now).await.unwrap();
        // A clock that is gone holds up nothing: from then on it goes by the real time, in the index.
        let deleted = stage.clocks.delete(&stage.owner.merchant_id, stage.clock.id, real_now()).await.unwrap();
        assert_eq!(deleted, ClockDeleted::Now(vec![session.id]));
        let claim = cursors.claim(&cursor, second(4)).await.unwrap().unwrap();
        assert_eq!((claim.now(second(4)), claim.waiting_since), (second(4), None));
        cursors.retry_at(&claim, second(9), 3, second(4)).await.unwrap();
        assert!(cursors.claim(&cursor, second(8)).await.unwrap().is_none());
        let due = Due::new(stage.table.clone()).all(second(9)).await.unwrap().unwrap();
        assert!(due.contains(&DueItem::Cursor(cursor.clone())));
        assert!(cursors.claim(&cursor, second(9)).await.unwrap().is_some());
    });
}

#[test]
fn a_clock_takes_a_session_of_its_time_while_it_stands_still() {
    World::get().runtime.block_on(async {
        let stage = Stage::at(real_now()).await;
        let merchant = &stage.owner.merchant_id;
        let early = support::on_clock(&stage.clock, &stage.owner, None);
        let to = real_now() + days(1);
        assert!(matches!(
            stage.clocks.advance(merchant, stage.clock.id, stage.clock.now, to).await.unwrap(),
            ClockAdvanced::Going
        ));
        let refused = |created: Created| match created {
            Created::NotOnClock(clock) => clock.map(|clock| *clock),
            created @ (Created::New(_) | Created::Existing(..) | Created::Deleted) => panic!("{created:?}"),
        };
        let clock = refused(stage.sessions.create(early.clone(), None).await.unwrap()).unwrap();
        assert_eq!(clock.target, Some(to), "it is being advanced");
        assert!(stage.sessions.get(&early.id).await.unwrap().is_none());
        let elsewhere = stage.clocks.advance(merchant, stage.clock.id, stage.clock.now, to + days(1)).await.unwrap();
        assert!(matches!(elsewhere, ClockAdvanced::Elsewhere(_)), "{elsewhere:?}");
        let again = stage.clocks.advance(merchant, stage.clock.id, stage.clock.now, to).await.unwrap();
        assert!(matches!(again, ClockAdvanced::Going), "{again:?}");
        stage.moved_to(to).await;
        let clock = refused(stage.sessions.create(early, None).await.unwrap()).unwrap();
        assert_eq!((clock.target, clock.now), (None, to), "it has moved since");
        let first = stage.created().await;
        // Its own write is recognised, and joins once.
        assert!(matches!(stage.sessions.create(first.clone(), None).await.unwrap(), Created::New(_)));
        assert_eq!(stage.read().await.sessions, [first.id]);
    });
}

#[test]
fn a_clock_is_followed_by_a_hundred_sessions_at_most() {
    World::get().runtime.block_on(async {
        let stage = Stage::at(real_now()).await;
        for _ in 0..MAX_SESSIONS_ON_A_CLOCK {
            stage.created().await;
        }
        assert_eq!(stage.read().await.sessions.len(), MAX_SESSIONS_ON_A_CLOCK);
        let more = support::on_clock(&stage.clock, &stage.owner, None);
        let refused = stage.sessions.create(more.clone(), None).await.unwrap();
        assert!(matches!(&refused, Created::NotOnClock(Some(clock)) if clock.sessions.len() == 100), "{refused:?}");
        assert!(stage.sessions.get(&more.id).await.unwrap().is_none());
    });
}

#[test]
fn another_merchants_clock_is_none() {
    World::get().runtime.block_on(async {
        let stage = Stage::at(real_now()).await;
        let other = support::new_owner(Mode::Test).merchant_id;
        let id = stage.clock.id;
        assert_eq!(stage.clocks.get(&other, id, real_now()).await.unwrap(), None);
        let advanced = stage.clocks.advance(&other, id, stage.clock.now, real_now() + days(1)).await.unwrap();
        assert!(matches!(advanced, ClockAdvanced::NotFound), "{advanced:?}");
        assert_eq!(stage.clocks.delete(&other, id, real_now()).await.unwrap(), ClockDeleted::NotFound);
        assert_eq!(stage.read().await, stage.clock);
        for gone in [ClockDeleted::Now(vec![]), ClockDeleted::Before(vec![])] {
            assert_eq!(stage.clocks.delete(&stage.owner.merchant_id, id, real_now()).await.unwrap(), gone);
        }
        assert_eq!(stage.clocks.delete(&other, id, real_now()).await.unwrap(), ClockDeleted::NotFound);
        let session = support::on_clock(&stage.clock, &stage.owner, None);
        assert!(matches!(stage.sessions.create(session, None).await.unwrap(), Created::NotOnClock(None)));
    });
}

#[test]
fn a_session_on_a_clock_is_deleted_and_what_is_delivered_of_it_goes_on() {
    World::get().runtime.block_on(async {
        for begins in [days(-300), days(0), days(40)] {
            let stage = Stage::at(real_now() + begins).await;
            let session = stage.created().await;
            let to = stage.clock.now + SignedDuration::from_mins(5);
            stage.moved_to(to).await;
            let deleted =
                stage.sessions.delete(session.id, &stage.owner, real_now(), samples::write_id(), None).await.unwrap();
            assert!(!deleted.repeated);
            let followers = stage.clocks.followers_of(stage.read().await.sessions).await.unwrap();
            let [follower] = followers.as_slice() else { panic!("{followers:?}") };
            assert_eq!((follower.id, follower.history_len), (session.id.into(), 2));
            assert!(follower.object.is_none() && follower.on_clock.now == to);
            let events = Events::new(stage.table.clone()).after(&session.id.into(), 0, 10).await.unwrap();
            assert_eq!(events.iter().map(StoredEvent::created_at).collect::<Vec<_>>(), [stage.clock.now]);
        }
    });
}

/// The clock was moved in part, and who moved it died: what is behind is moved with what is written.
#[test]
fn a_payment_and_its_refund_change_together_though_one_is_behind() {
    World::get().runtime.block_on(async {
        for behind in [true, false] {
            let stage = Stage::at(real_now() - days(3)).await;
            let paid = support::pay(stage.created().await.id, real_now(), Some(&support::payee("11111111"))).await;
            let creation = support::refund_creation(models::RefundId::new(samples::uuid()), real_now());
            let (refund, payment) =
                models::Refund::create(&paid, samples::new_refund(&paid, Some(10)), creation).unwrap();
            let (payment, refunds) = (payment.unwrap(), Refunds::new(stage.table.clone()));
            refunds.create(&refund, Some(&payment), None, None, None).await.unwrap();
            let to = stage.clock.now + SignedDuration::from_mins(5);
            for follower in stage.clocks.followers_of(stage.read().await.sessions).await.unwrap() {
                let is_payment = follower.id == ObjectId::from(payment.id);
                if is_payment != behind {
                    stage.clocks.copy(&follower, to).await.unwrap();
                }
            }
            let cancelled = Stage::change(payment.id, SessionEvent::CancelledByMerchant);
            let ended = stage.sessions.record(cancelled, None, None, None).await.unwrap().session;
            let refund = refunds.get(&refund.id).await.unwrap().unwrap();
            assert_eq!(ended.history.last().unwrap().at, to);
            assert_eq!((refund.history.last().unwrap().at, refund.state), (to, models::RefundState::Failed));
        }
    });
}

#[test]
fn a_refund_is_made_at_the_time_that_the_session_has_by_then() {
    World::get().runtime.block_on(async {
        let stage = Stage::at(real_now() - days(3)).await;
        let paid = support::pay(stage.created().await.id, real_now(), None).await;
        let made = |paid: &Session| {
            let creation = support::refund_creation(models::RefundId::new(samples::uuid()), real_now());
            models::Refund::create(paid, samples::new_refund(paid, Some(10)), creation).unwrap().0
        };
        let (early, refunds) = (made(&paid), Refunds::new(stage.table.clone()));
        stage.moved_to(stage.clock.now + days(1)).await;
        let RefundCreated::Refused(Some(now_as)) = refunds.create(&early, None, None, None, None).await.unwrap() else {
            panic!()
        };
        let refund = made(&now_as);
        assert!(matches!(refunds.create(&refund, None, None, None, None).await.unwrap(), RefundCreated::New));
        assert_eq!(refund.created_at, stage.clock.now + days(1));
    });
}

/// However far ahead it was by its clock.
#[test]
fn personal_data_goes_by_the_real_time() {
    World::get().runtime.block_on(async {
        for (made_days_ago, expected) in [(0, Erased::NotFinal), (27, Erased::NotFinal), (29, Erased::Done)] {
            let stage = Stage::at(real_now() + days(1000)).await;
            let made_at = u64::try_from((real_now() - days(made_days_ago)).as_second()).unwrap();
            let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, made_at, 0));
            let clock = TestClock { id: TestClockId::new(id), ..stage.clock.clone() };
            stage.clocks.create(&clock).await.unwrap();
            let session = support::on_clock(&clock, &stage.owner, Some(support::payer()));
            stage.sessions.create(session.clone(), None).await.unwrap();
            let cancelled = Stage::change(session.id, SessionEvent::CancelledByMerchant);
            stage.sessions.record(cancelled, None, None, None).await.unwrap();
            // Its event is not there: still to come, while the clock is.
            let erased = Erasures::new(stage.table.clone()).erase(&session.id, real_now()).await.unwrap();
            assert_eq!(erased, expected, "{made_days_ago}");
        }
    });
}
