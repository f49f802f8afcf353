//! Customers, by any sequence of what can be done to one: lost answers, two changes at once, sessions that are noted meanwhile.
//! No acknowledged change is lost, and of a deleted one nothing personal is left.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{Customer, CustomerId, ListShards, Mode, SortableTimestamp, WireFormat};
use proptest::prelude::*;
use store::{
    CountChange, Counted, Counts, CustomerChanged, CustomerCreated, CustomerRecord, Customers, Erased, Erasures,
    Fingerprint, Item, KeyedRequest, ListCursor, ListRange, ListStart, Merchants, Owner, Parts, StoreError, Table,
    TableItem, Verify,
};
use support::{Fault, TABLE_NAME, World};

/// What is done to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    /// Adds a note, and gives a name.
    Note(u8),
    /// A session of theirs that begins or ends that many seconds later.
    Session(u8),
    Delete,
    /// If unused since that many seconds; whatever it was used for if none.
    Erase(Option<u8>),
}

/// How it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Well,
    /// The answers to its first requests are lost.
    AnswersLost(usize),
    /// Before its request of this number, another write is done.
    Meanwhile(usize, Write),
    /// The answer to its request of this number is lost; before it is repeated, another write is done.
    LostAndMeanwhile(usize, Write),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    notes: BTreeMap<String, String>,
    used_at: Timestamp,
    gone: bool,
}

fn second(count: u8) -> Timestamp {
    samples::later(i64::from(count))
}

fn note(number: u8) -> (String, String) {
    (format!("note{number}"), "x".to_owned())
}

fn noted(customer: Customer, number: u8) -> Customer {
    let mut notes = customer.metadata.as_map().clone();
    notes.extend([note(number)]);
    Customer { name: Some(samples::name(&number.to_string())), metadata: notes.try_into().unwrap(), ..customer }
}

/// Does it; whether it was done.
async fn write(table: Table, owner: &Owner, id: CustomerId, write: Write) -> bool {
    let customers = Customers::new(table.clone());
    match write {
        Write::Note(number) => {
            let change = |customer| Ok::<_, StoreError>(noted(customer, number));
            match customers.change(&id, owner, second(number), None, change).await.unwrap() {
                CustomerChanged::Done { customer, .. } => {
                    assert!(customer.metadata.as_map().contains_key(&note(number).0));
                    true
                }
                CustomerChanged::NotFound => false,
                CustomerChanged::KeyUsed => panic!("there was no key"),
            }
        }
        Write::Session(at) => {
            customers.note_session(&id, second(at)).await.unwrap();
            true
        }
        Write::Delete => customers.delete(&id, owner, second(250)).await.unwrap(),
        Write::Erase(since) => {
            let erased = Erasures::new(table).erase_customer(&id, since.map(second), second(250)).await.unwrap();
            erased != Erased::NotFinal
        }
    }
}

impl Model {
    /// A write that was done, or refused.
    fn write(&mut self, write: Write, done: bool) {
        match write {
            Write::Note(number) if done => {
                let name = note(number).0;
                // What changes nothing is no change.
                if self.notes.insert(name, "x".to_owned()).is_none() {
                    self.used_at = self.used_at.max(second(number));
                }
            }
            Write::Note(_) => assert!(self.gone, "a change is refused for nothing"),
            Write::Session(at) => self.used_at = self.used_at.max(second(at)),
            Write::Delete => self.gone = true,
            Write::Erase(_) => self.gone |= done,
        }
    }
}

async fn item(id: CustomerId) -> Item {
    let client = World::get().client();
    let key = |name: &str| AttributeValue::S(name.to_owned());
    let found =
        client.get_item().table_name(TABLE_NAME).key("pk", key(&format!("CUSTOMER#{id}"))).key("sk", key("CUSTOMER"));
    found.send().await.unwrap().item.unwrap()
}

fn owner() -> Owner {
    Owner { format: Some(WireFormat::Yorlet), ..support::new_owner(Mode::Test) }
}

async fn create(owner: &Owner) -> Customer {
    let customer = samples::customer(&owner.merchant_id, owner.mode, samples::NOW);
    let created = Customers::new(World::get().table.clone()).create(customer.clone(), None).await.unwrap();
    assert!(matches!(created, CustomerCreated::New(_)));
    customer
}

async fn follow(steps: Vec<(Write, How)>) {
    let (world, owner) = (World::get(), owner());
    Merchants::new(world.table.clone()).create(&owner.merchant_id, samples::name("Acme"), [1; 32]).await.unwrap();
    let customer = create(&owner).await;
    let id = customer.id;
    let mut model = Model { notes: BTreeMap::new(), used_at: samples::NOW, gone: false };
    for (step, how) in steps {
        let (sender, receiver) = std::sync::mpsc::channel();
        let meanwhile = |other: Write| {
            let owner = owner.clone();
            async move { sender.send(write(World::get().table.clone(), &owner, id, other).await).unwrap() }
        };
        let (table, other) = match how {
            How::Well => (world.table.clone(), None),
            How::AnswersLost(count) => (world.losing(count), None),
            How::Meanwhile(number, other) => (world.while_on_the_way(number, meanwhile(other)), Some(other)),
            How::LostAndMeanwhile(number, other) => (world.losing_one(number, meanwhile(other)), Some(other)),
        };
        let done = write(table, &owner, id, step).await;
        match other.zip(receiver.try_recv().ok()) {
            // Of two at once, that which ends it may be done before or after the other.
            Some((other, other_done)) => {
                for (write, done) in [(other, other_done), (step, done)] {
                    model.gone |= matches!(write, Write::Delete) || (matches!(write, Write::Erase(_)) && done);
                }
                model.write(other, other_done);
                model.write(step, done);
            }
            None => model.write(step, done),
        }
        agrees(&owner, &customer, &model).await;
        if model.gone {
            break;
        }
    }
    is_sound(id).await;
}

/// The table holds what the model says.
async fn agrees(owner: &Owner, created: &Customer, model: &Model) {
    let customers = Customers::new(World::get().table.clone());
    let found = customers.find(&created.id, owner).await.unwrap().unwrap();
    let item = item(created.id).await;
    match &found {
        CustomerRecord::Present(customer) => {
            assert!(!model.gone, "it was deleted");
            assert_eq!(customer.metadata.as_map(), &model.notes);
            assert_eq!((&customer.email, &customer.extra), (&created.email, &created.extra));
            let used_at = SortableTimestamp::from(model.used_at);
            assert_eq!(item["final_at"].as_s().unwrap(), used_at.as_str());
        }
        CustomerRecord::Deleted => {
            assert!(model.gone, "it was not deleted");
            let mut left: Vec<_> = item.keys().map(String::as_str).filter(|name| *name != "version").collect();
            left.sort_unstable();
            assert_eq!(
                left,
                ["created_at", "deleted_at", "format", "id", "merchant_id", "mode", "pk", "schema_version", "sk"]
            );
        }
    }
    let listed = customers.list(owner, ListShards::default(), ListRange { limit: 10, ..ListRange::default() });
    assert_eq!(listed.await.unwrap().items.len(), usize::from(!model.gone));
}

/// Nothing that must stay true of a customer is broken.
async fn is_sound(id: CustomerId) {
    let table = &World::get().table;
    let verify = Verify::new(table.clone(), samples::later(300), SignedDuration::from_mins(30));
    for mut walk in table.items(Parts(1)) {
        while let Some(page) = walk.next().await.unwrap() {
            let own = |item: &&TableItem| format!("{item:?}").contains(&format!("CUSTOMER#{id}"));
            for item in page.found.iter().filter(own) {
                assert_eq!(verify.check(item).await.unwrap().violations, []);
            }
        }
    }
}

fn a_write() -> impl Strategy<Value = Write> {
    prop_oneof![
        6 => (1..200_u8).prop_map(Write::Note),
        3 => (1..200_u8).prop_map(Write::Session),
        1 => Just(Write::Delete),
        2 => proptest::option::weighted(0.9, 0..200_u8).prop_map(Write::Erase),
    ]
}

fn a_way() -> impl Strategy<Value = How> {
    prop_oneof![
        Just(How::Well),
        (1..3_usize).prop_map(How::AnswersLost),
        (0..3_usize, a_write()).prop_map(|(number, other)| How::Meanwhile(number, other)),
        (0..3_usize, a_write()).prop_map(|(number, other)| How::LostAndMeanwhile(number, other)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_a_customer_no_acknowledged_change_is_lost(
        steps in proptest::collection::vec((a_write(), a_way()), 1..12)
    ) {
        World::get().runtime.block_on(follow(steps));
    }
}

#[test]
fn a_customer_is_created_once_whatever_becomes_of_the_answer() {
    World::get().runtime.block_on(async {
        let owner = owner();
        let customer = samples::customer(&owner.merchant_id, owner.mode, samples::NOW);
        let create = async |table: Table, customer: &Customer| {
            Customers::new(table).create(customer.clone(), Some(Fingerprint([1; 32]))).await.unwrap()
        };
        let created = create(World::get().losing(2), &customer).await;
        assert!(matches!(created, CustomerCreated::New(_)), "its own, whose answer was lost");
        let again = Customer { email: samples::text("other@example.com"), ..customer.clone() };
        let CustomerCreated::Existing(found, Some(Fingerprint(first))) =
            create(World::get().table.clone(), &again).await
        else {
            panic!("it is there")
        };
        assert_eq!((*found, first), (customer.clone(), [1; 32]));
        let customers = Customers::new(World::get().table.clone());
        assert!(customers.delete(&customer.id, &owner, samples::later(1)).await.unwrap());
        assert!(matches!(create(World::get().table.clone(), &customer).await, CustomerCreated::Deleted));
    });
}

#[test]
fn a_change_with_a_key_is_done_once_and_no_other_change_is_done_by_its_key() {
    World::get().runtime.block_on(async {
        let owner = owner();
        let id = create(&owner).await.id;
        let request = |key: u8, body: u8| KeyedRequest {
            write_id: format!("write{key}").parse().unwrap(),
            fingerprint: Fingerprint([body; 32]),
        };
        let rename = async |table: Table, request: KeyedRequest, name: &str| {
            let change = |customer| Ok::<_, StoreError>(Customer { name: Some(samples::name(name)), ..customer });
            let changed = Customers::new(table).change(&id, &owner, samples::later(1), Some(&request), change).await;
            match changed.unwrap() {
                CustomerChanged::Done { customer, .. } => Some(String::from(customer.name.unwrap())),
                CustomerChanged::KeyUsed => None,
                CustomerChanged::NotFound => panic!("it is there"),
            }
        };
        let table = || World::get().table.clone();
        assert_eq!(rename(World::get().losing(2), request(1, 1), "Ada").await.as_deref(), Some("Ada"));
        assert_eq!(rename(table(), request(2, 2), "Bea").await.as_deref(), Some("Bea"));
        // The repetition of the first comes late: it answers with what is there, and undoes nothing.
        assert_eq!(rename(table(), request(1, 1), "Ada").await.as_deref(), Some("Bea"));
        assert_eq!(rename(table(), request(1, 3), "Cleo").await, None);
        for key in 3..40 {
            rename(table(), request(key, key), &format!("Name {key}")).await;
        }
        assert_eq!(item(id).await["keyed"].as_l().unwrap().len(), 16);
        assert_eq!(rename(table(), request(39, 39), "Dora").await.as_deref(), Some("Name 39"));
    });
}

#[test]
fn a_session_that_is_noted_while_a_customer_is_changed_keeps_it() {
    World::get().runtime.block_on(async {
        let owner = owner();
        let id = create(&owner).await.id;
        let noted = async move {
            Customers::new(World::get().table.clone()).note_session(&id, second(100)).await.unwrap();
        };
        // Between the read and the write.
        let table = World::get().while_on_the_way(1, noted);
        assert!(write(table, &owner, id, Write::Note(50)).await);
        assert_eq!(item(id).await["final_at"].as_s().unwrap(), SortableTimestamp::from(second(100)).as_str());
    });
}

#[test]
fn to_others_there_is_no_such_customer() {
    World::get().runtime.block_on(async {
        let (own, customers) = (owner(), Customers::new(World::get().table.clone()));
        let customer = create(&own).await;
        let deleted = create(&own).await;
        assert!(customers.delete(&deleted.id, &own, samples::later(1)).await.unwrap());
        let others = [
            Owner { mode: Mode::Live, ..own.clone() },
            Owner { merchant_id: owner().merchant_id, ..own.clone() },
            Owner { format: Some(WireFormat::Banked), ..own.clone() },
        ];
        for other in others {
            for id in [customer.id, deleted.id] {
                assert_eq!(customers.find(&id, &other).await.unwrap(), None);
                assert!(!customers.delete(&id, &other, samples::later(1)).await.unwrap());
                let change = |customer| Ok::<_, StoreError>(noted(customer, 1));
                let changed = customers.change(&id, &other, samples::later(1), None, change).await.unwrap();
                assert!(matches!(changed, CustomerChanged::NotFound));
            }
            let listed = customers.list(&other, ListShards::default(), ListRange { limit: 10, ..ListRange::default() });
            assert!(listed.await.unwrap().items.is_empty());
        }
        assert_eq!(customers.get(&customer.id, &own).await.unwrap(), Some(customer));
        assert_eq!(customers.find(&deleted.id, &own).await.unwrap(), Some(CustomerRecord::Deleted));
    });
}

#[test]
fn a_list_is_read_both_ways() {
    World::get().runtime.block_on(async {
        let (owner, customers) = (owner(), Customers::new(World::get().table.clone()));
        let shards: ListShards = 7.try_into().unwrap();
        let mut created = Vec::new();
        for at in (0..60).rev() {
            let mut customer = samples::customer(&owner.merchant_id, owner.mode, second(at));
            customer.list_shard = shards.shard_of(&customer.id);
            created.push(customer.clone());
            customers.create(customer, None).await.unwrap();
        }
        let page = async |start: ListStart, limit: usize| {
            let range = ListRange { start, limit, ..ListRange::default() };
            let page = customers.list(&owner, shards, range).await.unwrap();
            let ids: Vec<_> = page.items.iter().map(|customer| customer.id).collect();
            (ids, page.next.is_some())
        };
        let ids = |range: std::ops::Range<usize>| created[range].iter().map(|customer| customer.id).collect::<Vec<_>>();
        let at = |position: usize| ListCursor::at_customer(&created[position]);
        assert_eq!(page(ListStart::Newest, 7).await, (ids(0..7), true));
        assert_eq!(page(ListStart::After(at(6)), 7).await, (ids(7..14), true));
        assert_eq!(page(ListStart::After(at(52)), 7).await, (ids(53..60), false));
        assert_eq!(page(ListStart::After(at(59)), 7).await, (ids(0..0), false));
        assert_eq!(page(ListStart::Before(at(14)), 7).await, (ids(7..14), true));
        assert_eq!(page(ListStart::Before(at(7)), 7).await, (ids(0..7), false));
        assert_eq!(page(ListStart::Before(at(3)), 7).await, (ids(0..3), false));
        assert_eq!(page(ListStart::Before(at(0)), 7).await, (ids(0..0), false));
        assert_eq!(page(ListStart::Before(at(59)), 100).await, (ids(0..59), false));
    });
}

#[test]
fn each_is_counted_once_however_often_and_in_what_order_its_records_come() {
    World::get().runtime.block_on(async {
        let owner = owner();
        let made: Vec<_> = (0..230).map(|_| samples::customer(&owner.merchant_id, owner.mode, samples::NOW)).collect();
        let changes = |range: std::ops::Range<usize>, came: bool| -> Vec<CountChange> {
            made[range].iter().map(|customer| support::count_change(customer, came)).collect()
        };
        let table = || World::get().table.clone();
        let note = async |table: Table, changes: Vec<CountChange>| {
            Counts::new(table).note(changes, samples::NOW).await.unwrap();
        };
        let count = async || Counts::new(table()).of(&owner, Counted::Customers).await.unwrap();
        assert_eq!(count().await, 0);
        note(World::get().losing(2), changes(0..3, true)).await;
        assert_eq!(count().await, 3);
        // Twice in one batch, and together with new ones.
        note(table(), [changes(2..5, true), changes(2..5, true)].concat()).await;
        assert_eq!(count().await, 5);
        // Another function counts some of them meanwhile, before the first request and before its repetition.
        let meanwhile = |changes: Vec<CountChange>| {
            let table = table();
            async move { Counts::new(table).note(changes, samples::NOW).await.unwrap() }
        };
        note(World::get().while_on_the_way(0, meanwhile(changes(4..8, true))), changes(6..10, true)).await;
        assert_eq!(count().await, 10);
        note(World::get().losing_one(0, meanwhile(changes(10..20, true))), changes(8..15, true)).await;
        assert_eq!(count().await, 20);
        // More than fit in one transaction; a call whose way breaks off is repeated as a whole.
        note(World::get().through([Fault::None, Fault::Conflict, Fault::AnswerLost]), changes(0..230, true)).await;
        assert_eq!(count().await, 230);
        note(table(), [changes(0..30, false), changes(0..230, true)].concat()).await;
        note(table(), changes(0..30, false)).await;
        assert_eq!(count().await, 200);
        let other = Owner { mode: Mode::Live, ..owner.clone() };
        assert_eq!(Counts::new(table()).of(&other, Counted::Customers).await.unwrap(), 0);
    });
}
