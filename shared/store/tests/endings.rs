//! What ended is counted once, whatever is repeated, late or at once; and a day is added up without what was missed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use models::{
    Currency, ListShards, Mode, Object, PaysRefund, Refund, RefundEvent, RefundId, RefundState, Session, SessionEvent,
};
use store::{ByMethod, Endings, Owner, Parts, Pointers, Rule, Sessions, Table, Tally, Verify, Wait};
use support::{TABLE_NAME, World};

fn block_on<T>(test: impl Future<Output = T>) -> T {
    World::get().runtime.block_on(test)
}

fn endings() -> Endings {
    Endings::new(World::get().table.clone())
}

/// Noon of the day three days before, which is added up already.
fn noon(now: Timestamp) -> Timestamp {
    let day = Offset::UTC.to_datetime(now - SignedDuration::from_hours(72)).date();
    Offset::UTC.to_timestamp(day.at(12, 0, 0, 0)).unwrap()
}

/// A session of 400 pence that ended so, this long after its payer's consent if it was sent.
fn ended(owner: &Owner, end: SessionEvent, at: Timestamp, after_s: i64) -> Session {
    let before = at - SignedDuration::from_secs(after_s);
    let mut session = support::new_session(owner, before, None, 400);
    let sent = [SessionEvent::PayerIdentified, SessionEvent::BankChosen, SessionEvent::ConsentGiven];
    for event in sent.into_iter().filter(|_| end == SessionEvent::Settled) {
        samples::happen(&mut session, event, before);
    }
    samples::happen(&mut session, end, at);
    session
}

fn object(session: Session) -> Object {
    Object::Session(Box::new(session))
}

/// A refund of 100 pence that ended so.
fn refunded(owner: &Owner, state: RefundState, cause: RefundEvent, at: Timestamp) -> Object {
    let session = ended(owner, SessionEvent::Settled, at, 5);
    let creation = support::refund_creation(RefundId::new(samples::uuid()), at);
    let (mut refund, _) = Refund::create(&session, samples::new_refund(&session, Some(100)), creation).unwrap();
    refund.state = state;
    refund.history.append(state, at, cause, samples::write_id());
    Object::Refund(Box::new(refund))
}

/// What ended three days before, by whatever way to the table.
async fn that_day(table: &Table, owner: &Owner, now: Timestamp) -> Tally {
    let found = Endings::new(table.clone()).last_days(owner, ListShards::default(), 4, now, &|| true).await.unwrap();
    assert_eq!(found.days.len(), 4);
    found.days.into_iter().next().unwrap().1.unwrap()
}

async fn count_of(owner: &Owner, now: Timestamp) -> u64 {
    that_day(&World::get().table, owner, now).await.payments().ended
}

fn key(pk: String, sk: String) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))])
}

fn day_key(owner: &Owner, now: Timestamp) -> HashMap<String, AttributeValue> {
    let day = Offset::UTC.to_datetime(noon(now)).date();
    key(format!("DAYS#{}#test", owner.merchant_id), day.to_string())
}

/// Whether it is kept what that day adds up to.
async fn is_kept(owner: &Owner, now: Timestamp) -> bool {
    let request = World::get().client().get_item().table_name(TABLE_NAME).consistent_read(true);
    let item = request.set_key(Some(day_key(owner, now))).send().await.unwrap().item;
    item.is_some_and(|item| item.contains_key("tally"))
}

#[test]
fn ten_batches_of_one_shard_at_once_in_any_order_with_repeats_count_each_once() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        let at = noon(now);
        let mut all: Vec<Object> = Vec::new();
        for number in 0..8 {
            all.push(object(ended(&owner, SessionEvent::Settled, at, 5 + 40 * i64::from(number % 2))));
            all.push(object(ended(&owner, SessionEvent::CancelledByPayer, at, 5)));
            all.push(refunded(&owner, RefundState::Sent, RefundEvent::Settled, at));
        }
        all.push(object(ended(&owner, SessionEvent::TimePassed, at, 5)));
        all.push(object(ended(&owner, SessionEvent::DeclinedByBank, at, 5)));
        all.push(refunded(&owner, RefundState::Failed, RefundEvent::TimePassed, at));
        let batches = (0..10).map(|batch| {
            let random = runtime::Random::seeded(batch);
            // Each of them twice, in an order of the batch's own.
            let mut objects: Vec<Object> = all.iter().chain(&all).cloned().collect();
            objects.sort_by_cached_key(|_| random.uuid_v4());
            World::get().runtime.spawn(async move {
                for object in objects {
                    endings().note(&object, now).await.unwrap();
                }
            })
        });
        for batch in batches.collect::<Vec<_>>() {
            batch.await.unwrap();
        }
        let tally = that_day(&World::get().table, &owner, now).await;
        assert_eq!(tally.payments(), ByMethod { ended: 18, sent: 8 });
        let sums = tally.in_currency(Currency::GBP);
        assert_eq!((sums.sent, sums.failed, sums.cancelled, sums.expired), (8, 1, 8, 1));
        assert_eq!((sums.volume_minor, sums.refunded_minor), (3_200, 800));
        assert_eq!((sums.refunds_sent, sums.refunds_failed), (8, 1));
        assert_eq!(tally.by_reason()[0], (SessionEvent::CancelledByPayer, 8));
        assert_eq!(tally.by_reason().len(), 3);
        assert_eq!(tally.wait(50), Some(Wait::Within(Duration::from_secs(10))));
        assert_eq!(tally.wait(95), Some(Wait::Within(Duration::from_secs(45))));
        assert_eq!(that_day(&World::get().table, &owner, now).await, tally, "kept as it was counted");
    });
}

#[test]
fn what_comes_late_has_its_day_counted_again() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        let at = noon(now);
        for number in 1..=3 {
            endings().note(&object(ended(&owner, SessionEvent::Settled, at, 5)), now).await.unwrap();
            assert!(!is_kept(&owner, now).await, "it may lack what came");
            assert_eq!(count_of(&owner, now).await, number);
            assert!(is_kept(&owner, now).await);
        }
        // What comes in time leaves others' days alone, and today is not added up.
        endings().note(&object(ended(&owner, SessionEvent::Settled, now, 5)), now).await.unwrap();
        assert!(is_kept(&owner, now).await);
        let days = endings().last_days(&owner, ListShards::default(), 2, now, &|| true).await.unwrap().days;
        let counts: Vec<_> = days.iter().map(|(_, tally)| tally.as_ref().unwrap().payments().ended).collect();
        assert_eq!(counts.last(), Some(&1));
        let days = World::get().client().query().table_name(TABLE_NAME).key_condition_expression("pk = :pk");
        let pk = AttributeValue::S(format!("DAYS#{}#test", owner.merchant_id));
        assert_eq!(days.expression_attribute_values(":pk", pk).send().await.unwrap().count, 1);
    });
}

#[test]
fn a_day_is_not_kept_without_what_came_while_it_was_added_up() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        let at = noon(now);
        endings().note(&object(ended(&owner, SessionEvent::Settled, at, 5)), now).await.unwrap();
        let late = object(ended(&owner, SessionEvent::Settled, at, 5));
        // What is kept, and the endings of the day that can be; then it is to be kept.
        let meanwhile = async move { endings().note(&late, now).await.unwrap() };
        let slow = World::get().while_on_the_way(2, meanwhile);
        assert_eq!(that_day(&slow, &owner, now).await.payments().ended, 1, "as it was");
        assert!(!is_kept(&owner, now).await);
        assert_eq!(count_of(&owner, now).await, 2);
        assert!(is_kept(&owner, now).await);
    });
}

#[test]
fn what_there_is_no_time_to_count_is_not_nothing() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        endings().note(&object(ended(&owner, SessionEvent::Settled, noon(now), 5)), now).await.unwrap();
        let shards = ListShards::default();
        let found = endings().last_days(&owner, shards, 7, now, &|| false).await.unwrap();
        assert!(found.days.len() == 7 && found.days.iter().all(|(_, tally)| tally.is_none()) && !found.has_kept);
        assert!(endings().last_day(&owner, shards, now, &|| false).await.unwrap().is_none());
        assert!(!is_kept(&owner, now).await);
        assert_eq!(count_of(&owner, now).await, 1);
        // What is kept takes no time.
        let days = endings().last_days(&owner, shards, 4, now, &|| false).await.unwrap().days;
        assert_eq!(days[0].1.as_ref().map(|tally| tally.payments().ended), Some(1));
    });
}

#[test]
fn what_can_be_kept_is_counted_first_and_each_time_goes_further() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        let shards = ListShards::default();
        // Of seven days, four can be kept. Each time there is time for one of them.
        for counted in 1..=4 {
            let left = AtomicUsize::new(1);
            let take = |left: usize| left.checked_sub(1);
            let may_go_on = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
            let found = endings().last_days(&owner, shards, 7, now, &may_go_on).await.unwrap();
            assert!(found.has_kept, "{counted}");
            let is_there: Vec<_> = found.days.iter().map(|(_, tally)| tally.is_some()).collect();
            assert_eq!(is_there, (0..7).map(|day| day < counted).collect::<Vec<_>>());
        }
        let found = endings().last_days(&owner, shards, 7, now, &|| false).await.unwrap();
        assert!(found.days[3].1.is_some() && found.days[4].1.is_none() && !found.has_kept);
    });
}

#[test]
fn the_last_day_is_shown_by_the_hour() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        for hours_ago in [0, 0, 1, 23, 24, 30] {
            let at = now - SignedDuration::from_hours(hours_ago);
            endings().note(&object(ended(&owner, SessionEvent::Settled, at, 5)), now).await.unwrap();
        }
        let hours = endings().last_day(&owner, ListShards::default(), now, &|| true).await.unwrap().unwrap();
        let counts: Vec<_> = hours.iter().map(|(_, tally)| tally.payments().ended).collect();
        let mut expected = vec![0; 24];
        (expected[0], expected[22], expected[23]) = (1, 1, 2);
        assert_eq!(counts, expected);
        let (first, last) = (hours[0].0, hours[23].0);
        assert_eq!(last.duration_since(first), SignedDuration::from_hours(23));
        assert!(last <= now && now.duration_since(last) < SignedDuration::from_hours(1));
    });
}

#[test]
fn what_goes_on_or_is_no_payment_of_these_days_is_not_counted() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        let at = noon(now);
        let mut pays_refund = ended(&owner, SessionEvent::Settled, at, 5);
        pays_refund.pays_refund =
            Some(PaysRefund { refund_id: RefundId::new(samples::uuid()), session_id: pays_refund.id });
        let mut on_clock = ended(&owner, SessionEvent::Settled, at, 5);
        on_clock.test_clock = Some(models::OnClock { id: models::TestClockId::new(samples::uuid()), now: at });
        let pending = {
            let mut session = support::new_session(&owner, at, None, 400);
            for event in [SessionEvent::PayerIdentified, SessionEvent::BankChosen, SessionEvent::ConsentGiven] {
                samples::happen(&mut session, event, at);
            }
            session
        };
        let old = ended(&owner, SessionEvent::Settled, now - SignedDuration::from_hours(101 * 24), 5);
        for session in [pays_refund, on_clock, pending, old] {
            endings().note(&object(session), now).await.unwrap();
        }
        assert_eq!(count_of(&owner, now).await, 0);
    });
}

/// What is broken of how things ended, of those whose names hold this.
async fn broken(of: &str, now: Timestamp) -> Vec<String> {
    let table = &World::get().table;
    let verify = Verify::new(table.clone(), now, SignedDuration::from_hours(1));
    let mut broken = Vec::new();
    for mut part in table.items(Parts(1)) {
        while let Some(page) = part.next().await.unwrap() {
            for item in page.found {
                let found = verify.check(&item).await.unwrap().violations.into_iter();
                let found = found.filter(|violation| violation.rule == Rule::Ended && violation.item.contains(of));
                broken.extend(found.map(|violation| violation.problem));
            }
        }
    }
    broken
}

async fn set(key: HashMap<String, AttributeValue>, path: [&str; 4], number: &str) {
    let mut update = World::get().client().update_item().table_name(TABLE_NAME).set_key(Some(key));
    let names = ["#a", "#b", "#c", "#d"];
    let used: Vec<_> = names.into_iter().zip(path).filter(|(_, part)| !part.is_empty()).collect();
    for (name, part) in &used {
        update = update.expression_attribute_names(*name, *part);
    }
    let path: Vec<_> = used.into_iter().map(|(name, _)| name).collect();
    let update = update.update_expression(format!("SET {} = :n", path.join(".")));
    update.expression_attribute_values(":n", AttributeValue::N(number.to_owned())).send().await.unwrap();
}

#[test]
fn a_wrong_count_is_found() {
    block_on(async {
        let (owner, now) = (support::new_owner(Mode::Test), samples::now());
        let table = &World::get().table;
        let merchants = store::Merchants::new(table.clone());
        assert!(merchants.create(&owner.merchant_id, samples::name("Acme"), [1; 32]).await.unwrap());
        let session = ended(&owner, SessionEvent::Settled, noon(now), 5);
        Sessions::new(table.clone()).create(session.clone(), None).await.unwrap();
        let (id, merchant) = (session.id.to_string(), owner.merchant_id.to_string());
        assert!(broken(&id, now).await.is_empty(), "it may be from before the console");
        assert!(Pointers::new(table.clone()).put_for(&session).await.unwrap());
        assert_eq!(broken(&id, now).await, ["has ended, and is not counted"]);
        endings().note(&object(session.clone()), now).await.unwrap();
        assert_eq!(count_of(&owner, now).await, 1);
        assert!(broken(&id, now).await.is_empty() && broken(&merchant, now).await.is_empty());

        let day = Offset::UTC.to_datetime(noon(now)).date();
        let ended_key = |day| key(format!("ENDED#{merchant}#test#{day}#0"), format!("SESSION#{id}"));
        set(ended_key(day), ["amount", "minor", "", ""], "401").await;
        assert_eq!(broken(&id, now).await, ["is counted otherwise than it ended"]);
        assert_eq!(broken(&merchant, now).await, ["is not what ended on it adds up to"]);
        set(ended_key(day), ["amount", "minor", "", ""], "400").await;
        set(day_key(&owner, now), ["tally", "methods", "pay_by_bank", "sent"], "2").await;
        assert!(broken(&id, now).await.is_empty());
        assert_eq!(broken(&merchant, now).await, ["is not what ended on it adds up to"]);
        set(day_key(&owner, now), ["tally", "methods", "pay_by_bank", "sent"], "1").await;
        assert!(broken(&merchant, now).await.is_empty());

        // Counted on another day as well.
        let client = World::get().client();
        let item = client.get_item().table_name(TABLE_NAME).set_key(Some(ended_key(day))).send().await.unwrap();
        let mut twice = item.item.unwrap();
        twice.extend(ended_key(day.yesterday().unwrap()));
        client.put_item().table_name(TABLE_NAME).set_item(Some(twice)).send().await.unwrap();
        assert_eq!(broken(&id, now).await, ["counts what has not ended, or not on that day"]);
    });
}
