//! What is written of an endpoint by those who read it earlier, and changes that are acknowledged meanwhile: those stay.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use models::{
    CursorId, DisabledBy, Endpoint, EndpointId, EndpointSecret, EventId, Mode, Object, Pace, Session, WireFormat,
};
use store::{
    Cursors, EndpointChange, EndpointCreated, Endpoints, Fingerprint, Finished, Merchants, Owner, Registration, Slot,
};
use support::World;
use uuid::Uuid;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn endpoints() -> Endpoints {
    Endpoints::new(World::get().table.clone())
}

fn new_endpoint(owner: &Owner) -> Endpoint {
    Endpoint {
        merchant_id: owner.merchant_id.clone(),
        mode: owner.mode,
        created_at: samples::now(),
        ..samples::endpoint()
    }
}

async fn register(owner: &Owner) -> EndpointId {
    match endpoints().create(&new_endpoint(owner), None).await.unwrap() {
        EndpointCreated::New(endpoint) => endpoint.id,
        other @ (EndpointCreated::Existing(..) | EndpointCreated::TooMany) => panic!("{other:?}"),
    }
}

async fn get(owner: &Owner, id: EndpointId) -> Endpoint {
    endpoints().get(&owner.merchant_id, &id).await.unwrap().unwrap()
}

async fn claim_slot(owner: &Owner, id: EndpointId) -> (Endpoint, Slot) {
    let (found, slots) = endpoints().look_up(&owner.merchant_id, &id).await.unwrap().unwrap();
    endpoints().claim_slot(&found, slots, samples::now()).await.unwrap().unwrap()
}

async fn change(owner: Owner, id: EndpointId, change: EndpointChange) {
    endpoints().change(&owner, &id, change, samples::now(), None).await.unwrap();
}

fn enabled() -> EndpointChange {
    EndpointChange { enabled: Some(true), ..EndpointChange::default() }
}

fn moved() -> EndpointChange {
    EndpointChange { url: Some("https://example.com/b".to_owned().try_into().unwrap()), ..EndpointChange::default() }
}

/// All slots can be claimed.
async fn all_are_free(owner: &Owner, id: EndpointId) {
    let most = get(owner, id).await.max_concurrent_deliveries();
    for _ in 0..most {
        claim_slot(owner, id).await;
    }
}

#[test]
fn an_endpoint_that_was_enabled_since_it_was_gone_stays_enabled() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        let id = register(&owner).await;
        let (called, slot) = claim_slot(&owner, id).await;
        let table = World::get().losing(1);
        assert!(Endpoints::new(table).gone(&called, &slot).await.unwrap(), "its own write, whose answer was lost");
        assert_eq!(get(&owner, id).await.disabled_by, Some(DisabledBy::Gone));
        endpoints().free_slot(&called, slot).await.unwrap();

        change(owner.clone(), id, enabled()).await;
        let (called, slot) = claim_slot(&owner, id).await;
        let table = World::get().losing_one(0, change(owner.clone(), id, enabled()));
        assert!(!Endpoints::new(table).gone(&called, &slot).await.unwrap());
        assert_eq!(get(&owner, id).await.disabled_by, None);
        endpoints().free_slot(&called, slot).await.unwrap();

        for changed in [moved(), enabled()] {
            let (called, slot) = claim_slot(&owner, id).await;
            change(owner.clone(), id, changed).await;
            assert!(!endpoints().gone(&called, &slot).await.unwrap());
            assert_eq!(get(&owner, id).await.disabled_by, None);
            endpoints().free_slot(&called, slot).await.unwrap();
        }
    });
}

#[test]
fn what_a_call_showed_is_not_noted_of_an_endpoint_that_was_changed_since() {
    World::get().runtime.block_on(async {
        for changed in [moved(), enabled()] {
            let owner = support::new_owner(Mode::Test);
            let id = register(&owner).await;
            let now = samples::now();
            let asked = Some(now + HOUR * 6);

            // A failure that asks for a long wait, and silence.
            let (called, mut slot) = claim_slot(&owner, id).await;
            change(owner.clone(), id, changed.clone()).await;
            endpoints().failed(&called, &mut slot, now, now, 0.5, asked).await.unwrap();
            slot.pace = slot.pace.after(None);
            endpoints().free_slot(&called, slot).await.unwrap();
            let found = get(&owner, id).await;
            assert_eq!((found.failures, found.parked_until, found.pace), (0, None, Pace::default()));

            // A success.
            let (called, mut slot) = claim_slot(&owner, id).await;
            change(owner.clone(), id, changed).await;
            let (new, mut failing) = claim_slot(&owner, id).await;
            endpoints().failed(&new, &mut failing, now, now, 0.5, asked).await.unwrap();
            slot.accepted = true;
            slot.pace = slot.pace.after(Some(Duration::from_millis(1)));
            endpoints().free_slot(&called, slot).await.unwrap();
            endpoints().free_slot(&new, failing).await.unwrap();
            let found = get(&owner, id).await;
            assert_eq!((found.failures, found.pace), (1, Pace::default()));
            assert_eq!(found.parked_until.map(Timestamp::as_millisecond), asked.map(Timestamp::as_millisecond));
            all_are_free(&owner, id).await;
        }
    });
}

#[test]
fn who_claims_a_slot_gets_the_endpoint_as_it_is_then() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        let id = register(&owner).await;
        let (read, slots) = endpoints().look_up(&owner.merchant_id, &id).await.unwrap().unwrap();
        let secret = EndpointSecret::new("another".to_owned());
        endpoints().rotate(&owner, &id, &secret, samples::now()).await.unwrap();
        endpoints().finish_rotation(&owner, &id, None).await.unwrap();
        let disabled = EndpointChange { enabled: Some(false), ..moved() };
        change(owner.clone(), id, disabled).await;
        let now = samples::now();
        let (claimed, mut slot) = endpoints().claim_slot(&read, slots, now).await.unwrap().unwrap();
        assert_eq!(claimed, get(&owner, id).await);
        assert_eq!((claimed.secret.as_str(), claimed.previous_secret.clone()), ("another", None));
        assert!(!claimed.is_enabled() && claimed.url != read.url);
        // What it shows is of the endpoint as it was claimed.
        endpoints().failed(&claimed, &mut slot, now, now, 0.5, None).await.unwrap();
        assert_eq!(get(&owner, id).await.failures, 1);
    });
}

#[test]
fn of_two_waits_that_are_asked_for_at_once_the_longer_holds() {
    World::get().runtime.block_on(async {
        for waits in [[HOUR, HOUR * 6], [HOUR * 6, HOUR]] {
            let owner = support::new_owner(Mode::Test);
            let id = register(&owner).await;
            let now = samples::now();
            let (first, mut first_slot) = claim_slot(&owner, id).await;
            let (second, mut second_slot) = claim_slot(&owner, id).await;
            let [first_wait, second_wait] = waits.map(|wait| Some(now + wait));
            endpoints().failed(&first, &mut first_slot, now, now, 0.5, first_wait).await.unwrap();
            // Its own write is recognised.
            let losing = Endpoints::new(World::get().losing(1));
            losing.failed(&second, &mut second_slot, now, now, 0.5, second_wait).await.unwrap();
            let found = get(&owner, id).await;
            assert_eq!(found.parked_until.unwrap().as_millisecond(), (now + HOUR * 6).as_millisecond());
            assert_eq!(found.failures, 1, "those that were under way are not counted");
            endpoints().free_slot(&first, first_slot).await.unwrap();
            endpoints().free_slot(&second, second_slot).await.unwrap();
            all_are_free(&owner, id).await;
        }
    });
}

#[test]
fn a_change_whose_answer_was_lost_is_made_upon_what_others_changed_meanwhile() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        let id = register(&owner).await;
        let describe = EndpointChange { description: Some(Some(samples::name("till"))), ..EndpointChange::default() };
        let losing = Endpoints::new(World::get().losing_one(1, change(owner.clone(), id, moved())));
        losing.change(&owner, &id, describe, samples::now(), None).await.unwrap();
        let found = get(&owner, id).await;
        assert_eq!((found.url, found.description), (moved().url.unwrap(), Some(samples::name("till"))));
    });
}

#[test]
fn a_registration_whose_answer_was_lost_is_made_once() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        let other = {
            let owner = owner.clone();
            async move {
                register(&owner).await;
            }
        };
        let losing = Endpoints::new(World::get().losing_one(1, other));
        let registration = Registration { name: EndpointId::new(samples::uuid()), fingerprint: Fingerprint([6; 32]) };
        let created = losing.create(&new_endpoint(&owner), Some(registration)).await.unwrap();
        assert!(matches!(created, EndpointCreated::New(_)));
        assert_eq!(endpoints().of(&owner.merchant_id).await.unwrap().len(), 2);
    });
}

#[test]
fn a_removal_whose_answer_was_lost_removes_one() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        let id = register(&owner).await;
        let other = {
            let owner = owner.clone();
            async move {
                register(&owner).await;
            }
        };
        let losing = Endpoints::new(World::get().losing_one(1, other));
        assert!(losing.delete(&owner, &id).await.unwrap());
        let left = endpoints().of(&owner.merchant_id).await.unwrap();
        assert!(left.len() == 1 && left.iter().all(|left| left.id != id));
    });
}

#[test]
fn an_account_that_was_unlinked_while_the_answer_to_linking_it_was_lost_stays_unlinked() {
    World::get().runtime.block_on(async {
        let merchant = support::new_owner(Mode::Test).merchant_id;
        let merchants = Merchants::new(World::get().table.clone());
        assert!(merchants.create(&merchant, samples::name("Acme"), [1; 32]).await.unwrap());
        let account = samples::merchant().linked_accounts.remove(0);
        let unlink = {
            let (merchants, merchant, account) = (merchants.clone(), merchant.clone(), account.account.clone());
            async move { assert!(merchants.unlink_account(&merchant, &account, None).await.unwrap()) }
        };
        let losing = Merchants::new(World::get().losing_one(2, unlink));
        assert!(losing.link_account(&merchant, &account, None).await.unwrap());
        assert!(merchants.get(&merchant).await.unwrap().unwrap().linked_accounts.is_empty());
    });
}

#[test]
fn a_replay_whose_answer_was_lost_and_that_was_done_meanwhile_is_not_done_again() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        let session = support::new_session(&owner, samples::now(), None, 400);
        let id = CursorId {
            object_id: session.id.into(),
            merchant_id: owner.merchant_id.clone(),
            endpoint_id: EndpointId::new(Uuid::nil()),
            replay_of: Some(1),
        };
        let event = EventId { object_id: session.id.into(), sequence: 1 };
        let (cursors, now) = (Cursors::new(World::get().table.clone()), samples::now());
        let delivered = {
            let (cursors, id) = (cursors.clone(), id.clone());
            async move {
                let mut claim = cursors.claim(&id, now).await.unwrap().unwrap();
                assert_eq!(cursors.finish(&mut claim, 1).await.unwrap(), Finished::Done);
            }
        };
        Cursors::new(World::get().losing_one(0, delivered)).replay(&id, &event, now).await.unwrap();
        assert!(cursors.claim(&id, now + HOUR).await.unwrap().is_none());

        // Another replay is one more.
        let another = {
            let (cursors, id) = (cursors.clone(), id.clone());
            async move { cursors.replay(&id, &event, now + HOUR).await.unwrap() }
        };
        let later = now + SignedDuration::from_secs(1);
        Cursors::new(World::get().losing_one(0, another)).replay(&id, &event, later).await.unwrap();
        assert!(cursors.claim(&id, now + HOUR * 2).await.unwrap().is_some());
    });
}

#[test]
fn an_endpoint_is_notified_of_its_own_formats_objects_alone() {
    World::get().runtime.block_on(async {
        let owner = support::new_owner(Mode::Test);
        for format in WireFormat::ALL {
            let endpoint = Endpoint { format, ..new_endpoint(&owner) };
            assert!(matches!(endpoints().create(&endpoint, None).await.unwrap(), EndpointCreated::New(_)));
        }
        let stored = endpoints().of(&owner.merchant_id).await.unwrap();
        let session = support::new_session(&owner, samples::now(), None, 400);
        for format in WireFormat::ALL {
            let object = Object::Session(Box::new(Session { format, ..session.clone() }));
            let wanting: Vec<_> = stored.iter().filter(|endpoint| endpoint.wants(&object)).collect();
            assert_eq!(wanting.iter().map(|endpoint| endpoint.format).collect::<Vec<_>>(), [format]);
        }
    });
}
