//! Acts: put once, never changed, found by merchant and by what was acted on; and there if and only if what was done is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use models::{
    Act, ActKey, ActKind, ActObject, ActOutcome, Endpoint, EndpointSecret, Mode, Payee, Refund, RefundId, RefundState,
    Session, SessionEvent, SessionState,
};
use store::{
    ActRange, Change, ChangeError, Created, EndpointChange, EndpointCreated, Endpoints, Fingerprint, RefundChangeError,
    RefundCreated, RefundEnd, Refunds, Sessions, Table,
};
use support::{Fault, World};

fn block_on<T>(test: impl Future<Output = T>) -> T {
    World::get().runtime.block_on(test)
}

/// A session of 30 pence that was paid, from an account or from one that is not known.
async fn paid(payer_account: Option<&Payee>) -> Session {
    support::paid_session(&support::new_owner(Mode::Test), samples::now(), payer_account, 30).await
}

fn refund_of(session: &Session, pence: i64) -> (Refund, Option<Session>) {
    let creation = support::refund_creation(RefundId::new(samples::uuid()), session.created_at);
    Refund::create(session, samples::new_refund(session, Some(pence)), creation).unwrap()
}

fn of_refund(session: &Session, refund: &Refund, what: ActKind) -> Act {
    support::act(session, what, ActObject::Refund { session_id: session.id, refund_id: refund.id })
}

async fn acts_of(session: &Session) -> Vec<Act> {
    World::get().acts().of_session(&session.id).await.unwrap()
}

/// Ways on which answers are lost, or other transactions meet ours, at each of the first requests.
fn ways() -> impl Iterator<Item = (String, Table)> {
    let single = (0..4).flat_map(|number| {
        [Fault::AnswerLost, Fault::Conflict].map(|fault| {
            let faults = std::iter::repeat_n(Fault::None, number).chain([fault]);
            (format!("{fault:?} at {number}"), World::get().through(faults))
        })
    });
    let all = [Fault::AnswerLost, Fault::Conflict, Fault::ConflictAndRefusal].into_iter();
    single.chain([("no fault".to_owned(), World::get().table.clone()), ("all".to_owned(), World::get().through(all))])
}

#[test]
fn an_act_is_put_once_and_read_by_its_key() {
    block_on(async {
        let (acts, session) = (World::get().acts(), paid(None).await);
        let act = support::act(&session, ActKind::PersonalDataShown, ActObject::Session(session.id));
        acts.put(&act).await.unwrap();
        // A second put with its id changes nothing.
        let other = Act { outcome: ActOutcome::Refused("no".to_owned()), ..act.clone() };
        acts.put(&other).await.unwrap();
        assert_eq!(acts.get(&act.merchant_id, &act.key()).await.unwrap(), Some(act.clone()));
        assert_eq!(acts.get(&act.merchant_id, &ActKey::of(act.id).unwrap()).await.unwrap(), Some(act.clone()));
        let strange = support::new_owner(Mode::Test).merchant_id;
        assert_eq!(acts.get(&strange, &act.key()).await.unwrap(), None);
        assert_eq!(acts_of(&session).await, [act]);
    });
}

#[test]
fn a_merchants_acts_are_read_page_by_page_newest_first() {
    block_on(async {
        let (acts, session) = (World::get().acts(), paid(None).await);
        let mut put: Vec<Act> = Vec::new();
        for number in 0..7 {
            let at = samples::now() + SignedDuration::from_millis(number);
            let id = samples::act_id(at);
            let object = if number % 2 == 0 { ActObject::Shop } else { ActObject::Session(session.id) };
            let act = Act { id, at, ..support::act(&session, ActKind::ShopChanged, object) };
            acts.put(&act).await.unwrap();
            put.push(act);
        }
        put.reverse();
        for limit in 1..=8 {
            let (mut read, mut before) = (Vec::new(), None);
            loop {
                let page = acts.page(&session.merchant_id, ActRange { before, limit }).await.unwrap();
                assert!(!page.acts.is_empty() && page.acts.len() <= limit, "of {limit}: {}", page.acts.len());
                read.extend(page.acts);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(read, put, "in pages of {limit}");
        }
        let of_session: Vec<Act> = put.into_iter().rev().filter(|act| act.object != ActObject::Shop).collect();
        assert_eq!(acts_of(&session).await, of_session);
        let strange = support::new_owner(Mode::Test).merchant_id;
        let page = acts.page(&strange, ActRange { before: None, limit: 10 }).await.unwrap();
        assert!(page.acts.is_empty() && page.next.is_none());
    });
}

#[test]
fn a_refund_is_there_if_and_only_if_its_act_is() {
    block_on(async {
        let acts = World::get().acts();
        for (way, table) in ways() {
            let session = paid(Some(&support::payee("11111111"))).await;
            let refunds = Refunds::new(table);
            let (refund, payment) = refund_of(&session, 20);
            let act = of_refund(&session, &refund, ActKind::RefundMade);
            let write = acts.write(&act).unwrap();
            let fingerprint = Some(Fingerprint([1; 32]));
            let made = refunds.create(&refund, payment.as_ref(), fingerprint, Some(0), Some(&write)).await;
            assert!(matches!(made.unwrap(), RefundCreated::New), "{way}");
            assert_eq!(acts_of(&session).await, std::slice::from_ref(&act), "{way}");

            // The same form once more: another write of the same refund, with an act of its own.
            let creation = support::refund_creation(refund.id, session.created_at);
            let (repeated, payment) =
                Refund::create(&session, samples::new_refund(&session, Some(20)), creation).unwrap();
            let write = acts.write(&of_refund(&session, &refund, ActKind::RefundMade)).unwrap();
            let made = refunds.create(&repeated, payment.as_ref(), fingerprint, Some(0), Some(&write)).await.unwrap();
            assert!(matches!(made, RefundCreated::Existing(_, Some(Fingerprint(first))) if first == [1; 32]), "{way}");
            assert_eq!(acts_of(&session).await, std::slice::from_ref(&act), "{way}");

            // More than is left, and what was seen before.
            for (pence, seen) in [(11, Some(1)), (11, None), (1, Some(0)), (1, Some(2))] {
                let (refused, payment) = refund_of(&session, pence);
                let write = acts.write(&of_refund(&session, &refused, ActKind::RefundMade)).unwrap();
                let made = refunds.create(&refused, payment.as_ref(), None, seen, Some(&write)).await.unwrap();
                let RefundCreated::Refused(Some(now)) = made else { panic!("{way}: {made:?}") };
                assert_eq!((now.refund_count, now.refundable.unwrap().get()), (1, 10), "{way}");
            }
            assert_eq!(acts_of(&session).await, [act], "{way}");
            assert_eq!(refunds.of(&session.id).await.unwrap().refunds, [refund], "{way}");
        }
    });
}

#[test]
fn ten_people_who_saw_the_same_make_one_refund() {
    block_on(async {
        let session = paid(None).await;
        for count in 0..2 {
            let callers = (0..10).map(|number| {
                let session = session.clone();
                tokio::spawn(async move {
                    let faults = [Fault::None, Fault::Conflict, Fault::AnswerLost].into_iter().cycle().take(number % 4);
                    let (refund, payment) = refund_of(&session, 1);
                    let act = of_refund(&session, &refund, ActKind::RefundMade);
                    let write = World::get().acts().write(&act).unwrap();
                    let refunds = Refunds::new(World::get().through(faults));
                    refunds.create(&refund, payment.as_ref(), None, Some(count), Some(&write)).await.unwrap()
                })
            });
            let mut made = 0;
            for caller in callers.collect::<Vec<_>>() {
                match caller.await.unwrap() {
                    RefundCreated::New => made += 1,
                    RefundCreated::Refused(Some(now)) => assert_eq!(now.refund_count, count + 1),
                    other @ (RefundCreated::Existing(..) | RefundCreated::Refused(None)) => panic!("{other:?}"),
                }
            }
            assert_eq!(made, 1);
        }
        let refunds = Refunds::new(World::get().table.clone()).of(&session.id).await.unwrap().refunds;
        let objects: BTreeSet<String> = acts_of(&session).await.iter().map(|act| format!("{:?}", act.object)).collect();
        let made = refunds.iter().map(|refund| ActObject::Refund { session_id: session.id, refund_id: refund.id });
        assert_eq!(objects, made.map(|object| format!("{object:?}")).collect());
        assert_eq!((refunds.len(), objects.len()), (2, 2));
    });
}

#[test]
fn a_person_creates_a_session_if_and_only_if_its_act_is_there() {
    block_on(async {
        let acts = World::get().acts();
        for (way, table) in ways() {
            let owner = support::new_owner(Mode::Test);
            let session = support::new_session(&owner, samples::now(), None, 30);
            let (sessions, fingerprint) = (Sessions::new(table), Fingerprint([1; 32]));
            let act = support::act(&session, ActKind::PaymentLinkMade, ActObject::Session(session.id));
            let write = acts.write(&act).unwrap();
            let made = sessions.create_by_person(session.clone(), fingerprint, &write).await.unwrap();
            assert!(matches!(made, Created::New(_)), "{way}");
            // The same form once more makes another session of its id, and another act.
            let again = support::act(&session, ActKind::PaymentLinkMade, ActObject::Session(session.id));
            let second = Session { id: session.id, ..support::new_session(&owner, samples::now(), None, 31) };
            let met = sessions.create_by_person(second, fingerprint, &acts.write(&again).unwrap()).await.unwrap();
            let Created::Existing(found, first) = met else { panic!("{way}") };
            assert_eq!((found.amount, first), (session.amount, Some(fingerprint)), "{way}");
            assert_eq!(acts_of(&session).await, [act], "{way}");
        }
    });
}

#[test]
fn a_session_is_cancelled_if_and_only_if_its_act_is_there() {
    block_on(async {
        let acts = World::get().acts();
        for (way, table) in ways() {
            let owner = support::new_owner(Mode::Test);
            let session = support::new_session(&owner, samples::now(), Some(support::payer()), 30);
            let sessions = Sessions::new(table);
            Sessions::new(World::get().table.clone()).create(session.clone(), None).await.unwrap();
            let change = || Change {
                session_id: session.id,
                event: SessionEvent::CancelledByMerchant,
                // Earlier than it was created: it happens at that time, by a second write.
                at: session.created_at - SignedDuration::from_secs(1),
                write_id: samples::write_id(),
            };
            let by = |change: Change, owner, act: &Act| {
                let (sessions, write) = (sessions.clone(), acts.write(act).unwrap());
                async move { sessions.record(change, Some(owner), None, Some(&write)).await }
            };
            let act = support::act(&session, ActKind::PaymentCancelled, ActObject::Session(session.id));
            let strange = support::new_owner(Mode::Test);
            assert!(matches!(by(change(), &strange, &act).await, Err(ChangeError::NotFound)), "{way}");
            assert_eq!(acts_of(&session).await, [], "{way}");

            let first = change();
            let changed = by(first.clone(), &owner, &act).await.unwrap();
            assert_eq!((changed.session.state, changed.session.history.len()), (SessionState::Cancelled, 2), "{way}");
            let repeated = by(first, &owner, &act).await.unwrap();
            assert!(repeated.repeated, "{way}");
            let other = support::act(&session, ActKind::PaymentCancelled, ActObject::Session(session.id));
            assert!(matches!(by(change(), &owner, &other).await, Err(ChangeError::Refused(_))), "{way}");
            assert_eq!(acts_of(&session).await, [act], "{way}");
        }
    });
}

#[test]
fn a_refund_is_cancelled_if_and_only_if_its_act_is_there() {
    block_on(async {
        let acts = World::get().acts();
        // Whether a session pays it already.
        for pays in [true, false] {
            for (way, table) in ways() {
                let way = format!("{way}, paid by a session: {pays}");
                let account = support::payee("11111111");
                let session = paid(pays.then_some(&account)).await;
                let refunds = Refunds::new(World::get().table.clone());
                let (refund, payment) = refund_of(&session, 20);
                assert_eq!(payment.is_some(), pays);
                refunds.create(&refund, payment.as_ref(), None, None, None).await.unwrap();

                let act = of_refund(&session, &refund, ActKind::RefundCancelled);
                let (end, at, write_id) = (RefundEnd::CancelledByMerchant, session.created_at, samples::write_id());
                let cancel = async |act: &Act, write_id| {
                    let write = acts.write(act).unwrap();
                    Refunds::new(table.clone()).end(&refund, end, at, write_id, None, Some(&write)).await
                };
                let ended = cancel(&act, &write_id).await.unwrap().refund;
                assert_eq!((ended.state, ended.history.len()), (RefundState::Failed, 2), "{way}");
                assert!(cancel(&act, &write_id).await.unwrap().repeated, "{way}");
                let other = of_refund(&session, &refund, ActKind::RefundCancelled);
                let refused = cancel(&other, &samples::write_id()).await;
                assert!(matches!(refused, Err(RefundChangeError::Refused(_))), "{way}: {refused:?}");
                assert_eq!(acts_of(&session).await, [act], "{way}");
                let found = refunds.of(&session.id).await.unwrap();
                assert_eq!(found.session.unwrap().refundable(at).unwrap().minor(), 30, "{way}");
                if let Some(payment) = payment {
                    let payment = Sessions::new(World::get().table.clone()).get(&payment.id).await.unwrap().unwrap();
                    assert_eq!(payment.state, SessionState::Cancelled, "{way}");
                }
            }
        }
    });
}

#[test]
fn an_endpoint_is_changed_if_and_only_if_its_act_is_there() {
    block_on(async {
        let acts = World::get().acts();
        for (way, table) in ways() {
            let (owner, now) = (support::new_owner(Mode::Test), samples::now());
            let (merchant_id, mode) = (owner.merchant_id.clone(), owner.mode);
            let new = Endpoint { merchant_id, mode, created_at: now, ..samples::endpoint() };
            let created = Endpoints::new(World::get().table.clone()).create(&new, None).await.unwrap();
            let EndpointCreated::New(endpoint) = created else { panic!("{way}: {created:?}") };
            let (endpoints, id) = (Endpoints::new(table), endpoint.id);
            let write = |what| {
                acts.write(&samples::act(&owner.merchant_id, owner.mode, what, ActObject::Endpoint(id))).unwrap()
            };
            let (rolled, changed, resumed) = (ActKind::SecretRolled, ActKind::WebhookChanged, ActKind::WebhookResumed);
            for (secret, done) in [("second", true), ("third", false)] {
                let secret = EndpointSecret::new(secret.to_owned());
                let replaced = endpoints.rotate_once(&owner, &id, &secret, now, 0, &write(rolled)).await.unwrap();
                assert_eq!(replaced.map(|found| found.secret), done.then_some(secret), "{way}");
            }
            for (enabled, may_resume) in [(false, false), (true, true)] {
                let change = EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
                let found = endpoints.change(&owner, &id, change, now, Some(&write(changed))).await.unwrap();
                assert_eq!(found.is_enabled(), enabled, "{way}");
                let done = endpoints.resume(&owner.merchant_id, &id, now, Some(&write(resumed))).await.unwrap();
                assert_eq!(done, may_resume, "{way}");
            }
            let found = endpoints.finish_rotation(&owner, &id, Some(&write(changed))).await.unwrap();
            assert_eq!((found.rotations, found.previous_secret), (1, None), "{way}");
            let found = acts.page(&owner.merchant_id, ActRange { before: None, limit: 100 }).await.unwrap().acts;
            let count = |what| found.iter().filter(|act| act.what == what).count();
            assert_eq!((count(rolled), count(changed), count(resumed)), (1, 3, 1), "{way}");
            assert_eq!(found.len(), 5, "{way}");
        }
    });
}
