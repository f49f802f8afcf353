//! Refunds by example: many at once, the limits, what races with what, and conflicts that never end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use models::{
    History, MAX_REFUNDS, NotRefundable, PaidFrom, Payee, Refund, RefundId, RefundState, Session, SessionEvent,
    SessionId, SessionState, Submission,
};
use store::{
    Change, ChangeError, Events, RefundChangeError, RefundCreated, RefundEnd, Refunds, Sessions, StoreError, Table,
    WithRefunds,
};
use support::{Fault, TABLE_NAME, World};

fn block_on<T>(test: impl Future<Output = T>) -> T {
    World::get().runtime.block_on(test)
}

async fn paid(pence: i64, payer_account: Option<&Payee>) -> Session {
    support::paid_session(&support::new_owner(models::Mode::Test), samples::now(), payer_account, pence).await
}

fn refund_of(session: &Session, pence: i64) -> Result<(Refund, Option<Session>), NotRefundable> {
    let creation = support::refund_creation(RefundId::new(samples::uuid()), session.created_at);
    Refund::create(session, samples::new_refund(session, Some(pence)), creation)
}

async fn session_now(id: &SessionId) -> Session {
    Sessions::new(World::get().table.clone()).get(id).await.unwrap().unwrap()
}

async fn refunds_now(id: &SessionId) -> Vec<Refund> {
    Refunds::new(World::get().table.clone()).of(id).await.unwrap().refunds
}

/// A refund that waits for its payment session, and that session's id.
async fn awaiting_payment(session: &Session) -> (Refund, SessionId) {
    let (refund, payment) = refund_of(session, 1).unwrap();
    let made =
        Refunds::new(World::get().table.clone()).create(&refund, payment.as_ref(), None, None, None).await.unwrap();
    assert!(matches!(made, RefundCreated::New));
    (refund, payment.unwrap().id)
}

fn left(session: &Session) -> i64 {
    session.refundable(session.created_at).unwrap().minor()
}

/// Changes an item that stands with a session past all rules.
async fn set(session: &SessionId, sk: &str, expression: &str, values: &[(&str, AttributeValue)]) {
    let mut update = World::get()
        .client()
        .update_item()
        .table_name(TABLE_NAME)
        .key("pk", AttributeValue::S(format!("SESSION#{session}")))
        .key("sk", AttributeValue::S(sk.to_owned()))
        .update_expression(expression);
    for (name, value) in values {
        update = update.expression_attribute_values(*name, value.clone());
    }
    update.send().await.unwrap();
}

/// As a caller does it: reads what is left, and begins again if that was no longer so. False if nothing is left.
async fn refund_one(table: Table, id: SessionId) -> bool {
    let mut session = Sessions::new(table.clone()).get(&id).await.unwrap().unwrap();
    loop {
        let (refund, payment) = match refund_of(&session, 1) {
            Ok(made) => made,
            Err(NotRefundable::NothingLeft { .. }) => return false,
            Err(error) => panic!("{error}"),
        };
        match Refunds::new(table.clone()).create(&refund, payment.as_ref(), None, None, None).await.unwrap() {
            RefundCreated::New => return true,
            RefundCreated::Refused(now) => session = *now.unwrap(),
            RefundCreated::Existing(..) => panic!("its id is its own"),
        }
    }
}

#[test]
fn many_at_once_take_what_there_is_and_no_more() {
    block_on(async {
        let world = World::get();
        let id = paid(30, None).await.id;
        let faults = [Fault::None, Fault::Conflict, Fault::AnswerLost];
        let tables: Vec<Table> = (0..4).map(|number| world.through(faults.into_iter().cycle().take(number))).collect();
        let callers: Vec<_> =
            (0..60).map(|number| tokio::spawn(refund_one(tables[number % tables.len()].clone(), id))).collect();
        let mut made = 0;
        for caller in callers {
            made += usize::from(caller.await.unwrap());
        }
        let (session, refunds) = (session_now(&id).await, refunds_now(&id).await);
        assert_eq!((made, refunds.len(), session.refund_count), (30, 30, 30));
        assert_eq!(left(&session), 0);
        assert!(refunds.iter().all(|refund| refund.amount.minor() == 1 && refund.history.len() == 1));
    });
}

#[test]
fn the_number_of_refunds_is_limited_by_the_write_itself() {
    block_on(async {
        let refunds = Refunds::new(World::get().table.clone());
        let session = paid(30, None).await;
        let count = AttributeValue::N((MAX_REFUNDS - 1).to_string());
        set(&session.id, "SESSION", "SET refund_count = :count", &[(":count", count)]).await;
        // Both from what was read before.
        let [(one, _), (other, _)] = [refund_of(&session, 1).unwrap(), refund_of(&session, 1).unwrap()];
        assert!(matches!(refunds.create(&one, None, None, None, None).await.unwrap(), RefundCreated::New));
        let RefundCreated::Refused(Some(full)) = refunds.create(&other, None, None, None, None).await.unwrap() else {
            panic!("one too many")
        };
        assert_eq!((full.refund_count, left(&full)), (MAX_REFUNDS, 29));
        assert_eq!(refund_of(&full, 1), Err(NotRefundable::TooMany));
        assert_eq!(refunds_now(&session.id).await, [one]);
    });
}

#[test]
fn a_session_from_before_there_were_refunds_can_be_refunded() {
    block_on(async {
        let refunds = Refunds::new(World::get().table.clone());
        let session = paid(30, None).await;
        set(&session.id, "SESSION", "REMOVE refundable, refund_count", &[]).await;
        let old = session_now(&session.id).await;
        assert_eq!((left(&old), old.refund_count), (30, 0));
        let [(all, _), (one, _)] = [refund_of(&old, 30).unwrap(), refund_of(&old, 1).unwrap()];
        assert!(matches!(refunds.create(&all, None, None, None, None).await.unwrap(), RefundCreated::New));
        let refused = refunds.create(&one, None, None, None, None).await.unwrap();
        assert!(matches!(refused, RefundCreated::Refused(Some(session)) if left(&session) == 0));
        let end = RefundEnd::CancelledByMerchant;
        refunds.end(&all, end, old.created_at, &samples::write_id(), None, None).await.unwrap();
        let after = session_now(&session.id).await;
        assert_eq!((left(&after), after.refund_count), (30, 1));
    });
}

#[test]
fn only_a_session_that_was_sent_and_pays_no_refund_is_refunded_whatever_the_caller_read() {
    block_on(async {
        let world = World::get();
        let refunds = Refunds::new(world.table.clone());
        let session = paid(30, Some(&support::payee("11111111"))).await;
        let (_, payment) = awaiting_payment(&session).await;
        let unpaid = support::new_session(&support::new_owner(models::Mode::Test), session.created_at, None, 30);
        Sessions::new(world.table.clone()).create(unpaid.clone(), None).await.unwrap();
        // A payment session that was sent itself.
        support::pay(payment, session.created_at, None).await;
        for id in [unpaid.id, payment] {
            let (refund, payment) = refund_of(&Session { id, ..session.clone() }, 1).unwrap();
            let refused = refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
            assert!(matches!(refused, RefundCreated::Refused(Some(session)) if session.id == id));
            assert_eq!(refunds.of(&id).await.unwrap().refunds, []);
        }
        let nowhere = SessionId::new(samples::uuid());
        let (refund, payment) = refund_of(&Session { id: nowhere, ..session }, 1).unwrap();
        let refused = refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();
        assert!(matches!(refused, RefundCreated::Refused(None)));
    });
}

#[test]
fn details_count_until_they_expire_and_time_passes_from_then_on() {
    block_on(async {
        let refunds = Refunds::new(World::get().table.clone());
        let session = paid(30, None).await;
        let (refund, _) = refund_of(&session, 1).unwrap();
        refunds.create(&refund, None, None, None, None).await.unwrap();
        let (late, write_id) = (refund.expires_at, samples::write_id());
        let just = late - SignedDuration::from_millis(1);
        let given = |at| {
            let mut given = refund.clone();
            let made = support::refund_creation(refund.id, at);
            let (id, end_to_end_id) = (made.payment_session_id, made.end_to_end_id);
            let payment = given
                .give_details(&session, support::payee("22222222"), id, end_to_end_id, at, write_id.clone())
                .unwrap();
            (given, payment)
        };
        let refused = |changed| matches!(changed, Err(RefundChangeError::Refused(_)));
        let (too_late, payment) = given(late);
        assert!(refused(refunds.give_details(&too_late, &payment, late, &write_id).await));
        assert!(refused(refunds.end(&refund, RefundEnd::CancelledByMerchant, late, &write_id, None, None).await));
        assert!(refused(refunds.end(&refund, RefundEnd::TimePassed, just, &write_id, None, None).await));
        assert_eq!(refunds.get(&refund.id).await.unwrap(), Some(refund.clone()));
        let (in_time, payment) = given(just);
        let changed = refunds.give_details(&in_time, &payment, just, &write_id).await.unwrap();
        assert_eq!(changed.refund, in_time);
    });
}

#[test]
fn conflicts_that_never_end_are_given_up_and_change_nothing() {
    block_on(async {
        let world = World::get();
        let endless = || world.through(std::iter::repeat(Fault::Conflict));
        let session = paid(30, Some(&support::payee("11111111"))).await;
        let (refund, payment) = awaiting_payment(&session).await;
        let before = (session_now(&session.id).await, refunds_now(&session.id).await, session_now(&payment).await);
        let (new, new_payment) = refund_of(&session, 1).unwrap();
        let (creating, ending, writing) = (Refunds::new(endless()), Refunds::new(endless()), Sessions::new(endless()));
        let at = session.created_at;
        let write_id = samples::write_id();
        let change = Change { session_id: payment, event: SessionEvent::BankChosen, at, write_id: samples::write_id() };
        let attempt = support::attempt(1);
        let begun = runtime::Clock::System.instant();
        let (created, ended, chosen) = tokio::join!(
            creating.create(&new, new_payment.as_ref(), None, None, None),
            ending.end(&refund, RefundEnd::CancelledByMerchant, at, &write_id, None, None),
            writing.choose_bank(change, &attempt, None),
        );
        let seconds = runtime::Clock::System.elapsed(begun).as_secs_f32();
        assert!((3.0..8.0).contains(&seconds), "{seconds} s");
        let conflict = |error: &StoreError| matches!(error, StoreError::Conflict { .. });
        assert!(created.is_err_and(|error| conflict(&error)));
        assert!(matches!(ended, Err(RefundChangeError::Store(error)) if conflict(&error)));
        assert!(matches!(chosen, Err(ChangeError::Store(error)) if conflict(&error)));
        let after = (session_now(&session.id).await, refunds_now(&session.id).await, session_now(&payment).await);
        assert_eq!(after, before);
    });
}

#[test]
fn many_refunds_are_read_in_the_order_they_were_made_in() {
    block_on(async {
        let refunds = Refunds::new(World::get().table.clone());
        let session = paid(1000, None).await;
        // Ids that say nothing of when they were made, and times of which each is two refunds'.
        let ids: Vec<RefundId> = (0..120).map(|_| RefundId::new(samples::uuid())).collect();
        let mut expected = Vec::new();
        for (number, id) in (0_i64..).zip(ids) {
            let at = session.created_at + SignedDuration::from_millis(500 - number / 2);
            let new = samples::new_refund(&session, Some(1));
            let (refund, _) = Refund::create(&session, new, support::refund_creation(id, at)).unwrap();
            assert!(matches!(refunds.create(&refund, None, None, None, None).await.unwrap(), RefundCreated::New));
            // More than one page holds.
            let padding = AttributeValue::S("x".repeat(10_000));
            set(&session.id, &format!("REFUND#{id}"), "SET padding = :padding", &[(":padding", padding)]).await;
            expected.push(refund);
        }
        expected.sort_by_key(|refund| (refund.created_at, refund.id));
        let WithRefunds { session: found, refunds: listed } = refunds.of(&session.id).await.unwrap();
        assert_eq!(found, Some(session_now(&session.id).await));
        assert_eq!(listed, expected);
    });
}

#[test]
fn a_payment_session_that_is_deleted_right_after_it_was_cancelled_was_cancelled() {
    block_on(async {
        let world = World::get();
        let owner = support::new_owner(models::Mode::Test);
        let account = support::payee("11111111");
        // The session alone, both, and the read of what became of it: somebody deletes it before each.
        for request in 0..4 {
            let session = support::paid_session(&owner, samples::now(), Some(&account), 30).await;
            let (refund, payment) = awaiting_payment(&session).await;
            let (at, theirs) = (session.created_at, owner.clone());
            let delete = async move {
                let sessions = Sessions::new(World::get().table.clone());
                sessions.delete(payment, &theirs, at, samples::write_id(), None).await.unwrap();
            };
            let refunds = Refunds::new(world.while_on_the_way(request, delete));
            let write_id = samples::write_id();
            let ended = refunds.end(&refund, RefundEnd::CancelledByMerchant, at, &write_id, None, None).await;
            let now = refunds.get(&refund.id).await.unwrap().unwrap();
            assert_eq!(now.state, RefundState::Failed);
            match ended {
                Ok(ended) => {
                    assert!(ended.refund.history.has_write(&write_id) && now.history.has_write(&write_id), "{request}")
                }
                Err(RefundChangeError::Refused(_)) => assert!(!now.history.has_write(&write_id), "{request}"),
                Err(RefundChangeError::Store(error)) => panic!("{request}: {error}"),
            }
        }
    });
}

#[test]
fn a_refund_whose_payment_is_sent_while_it_is_cancelled_is_not_cancelled() {
    block_on(async {
        let world = World::get();
        let owner = support::new_owner(models::Mode::Test);
        let account = support::payee("11111111");
        // The bank sends the money before each request of the cancellation: once it is asked, nothing can be cancelled.
        for request in 0..4 {
            let session = support::paid_session(&owner, samples::now(), Some(&account), 30).await;
            let (refund, payment) = awaiting_payment(&session).await;
            let at = session.created_at;
            let sessions = Sessions::new(world.table.clone());
            let change = move |event| Change { session_id: payment, event, at, write_id: samples::write_id() };
            sessions.choose_bank(change(SessionEvent::BankChosen), &support::attempt(1), None).await.unwrap();
            let submission = Submission { idempotency_key: "key".into(), body: "body".into(), submitted_at: at };
            sessions.give_consent(change(SessionEvent::ConsentGiven), 1, &submission, at).await.unwrap();
            let settle = async move {
                let sessions = Sessions::new(World::get().table.clone());
                sessions.settle(change(SessionEvent::Settled), &PaidFrom::Undisclosed, None).await.unwrap();
            };
            let refunds = Refunds::new(world.while_on_the_way(request, settle));
            let ended =
                refunds.end(&refund, RefundEnd::CancelledByMerchant, at, &samples::write_id(), None, None).await;
            assert!(matches!(ended, Err(RefundChangeError::Refused(_))), "{request}: {ended:?}");
        }
    });
}

#[test]
fn a_session_that_expires_while_it_is_deleted_is_deleted() {
    block_on(async {
        let world = World::get();
        let owner = support::new_owner(models::Mode::Test);
        for request in 0..3 {
            let session = support::new_session(&owner, samples::now(), None, 30);
            Sessions::new(world.table.clone()).create(session.clone(), None).await.unwrap();
            let (id, at) = (session.id, session.expires_at);
            let expire = async move {
                let change =
                    Change { session_id: id, event: SessionEvent::TimePassed, at, write_id: samples::write_id() };
                // Deleted already, perhaps.
                let _ = Sessions::new(World::get().table.clone()).record(change, None, None, None).await;
            };
            let sessions = Sessions::new(world.while_on_the_way(request, expire));
            let deleted = sessions.delete(id, &owner, at, samples::write_id(), None).await;
            assert!(deleted.is_ok(), "{request}: {deleted:?}");
            assert_eq!(sessions.get(&id).await.unwrap(), None);
        }
    });
}

/// Up to release 0.1, an entry was appended whatever the timestamps of those before it.
#[test]
fn a_change_is_made_though_an_entry_before_the_last_has_a_later_timestamp() {
    block_on(async {
        let (world, owner) = (World::get(), support::new_owner(models::Mode::Test));
        let sessions = Sessions::new(world.table.clone());
        for deletes in [false, true] {
            let now = samples::now();
            let at = |seconds| now + SignedDuration::from_secs(seconds);
            let mut session = support::new_session(&owner, now, None, 30);
            session.history = History::begin(session.state, at(5), SessionEvent::Created, samples::write_id());
            session.history.append(
                SessionState::AwaitingProvider,
                at(2),
                SessionEvent::PayerIdentified,
                samples::write_id(),
            );
            session.state = SessionState::AwaitingProvider;
            let id = session.id;
            sessions.create(session, None).await.unwrap();
            if deletes {
                sessions.delete(id, &owner, at(3), samples::write_id(), None).await.unwrap();
                assert_eq!(sessions.get(&id).await.unwrap(), None);
            } else {
                let event = SessionEvent::CancelledByMerchant;
                let cancel = Change { session_id: id, event, at: at(3), write_id: samples::write_id() };
                let cancelled = sessions.record(cancel, Some(&owner), None, None).await.unwrap().session;
                let last = cancelled.history.last().unwrap();
                assert_eq!(
                    (cancelled.state, last.at.as_millisecond()),
                    (SessionState::Cancelled, at(5).as_millisecond())
                );
            }
        }
    });
}

#[test]
fn deleting_a_session_puts_no_events_that_have_expired() {
    block_on(async {
        let (world, owner, now) = (World::get(), support::new_owner(models::Mode::Test), samples::now());
        let sessions = Sessions::new(world.table.clone());
        // What is published again may be in the stream for a day after its events expire.
        for (days, events) in [(1, 1), (29, 1), (31, 1), (33, 0), (400, 0)] {
            let session = support::new_session(&owner, now - SignedDuration::from_hours(24 * days), None, 30);
            let id = session.id;
            sessions.create(session, None).await.unwrap();
            sessions.delete(id, &owner, now, samples::write_id(), None).await.unwrap();
            let put = Events::new(world.table.clone()).after(&id.into(), 0, 10).await.unwrap();
            assert_eq!(put.len(), events, "{days} days");
        }
    });
}
