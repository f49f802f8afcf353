//! Lists over one shard and many: in order, whole, without repeats, whatever is created and however often the count rises
//! meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use models::{LineItem, ListShards, Mode, Object, Session, SessionId, WireFormat};
use store::{
    Events, ListCursor, ListRange, ListShardsRaised, ListStart, Merchants, Owner, Page, Sessions, StoredEvent, Table,
};
use support::{Fault, TABLE_NAME, World};

fn block_on<T>(test: impl Future<Output = T>) -> T {
    World::get().runtime.block_on(test)
}

fn table() -> Table {
    World::get().table.clone()
}

fn shards(count: u16) -> ListShards {
    count.try_into().unwrap()
}

/// A session of that second, wherever it is put with this many shards.
async fn create(owner: &Owner, count: u16, second: i64) -> SessionId {
    let at = Timestamp::constant(1_772_000_000, 0) + SignedDuration::from_secs(second);
    let mut session = support::new_session(owner, at, None, 100);
    session.list_shard = shards(count).shard_of(&session.id);
    let id = session.id;
    Sessions::new(table()).create(session, None).await.unwrap();
    id
}

/// Sessions of this many seconds, the newest first.
async fn create_all(owner: &Owner, count: u16, seconds: i64) -> Vec<SessionId> {
    let mut ids = Vec::new();
    for second in (0..seconds).rev() {
        ids.push(create(owner, count, second).await);
    }
    ids
}

type Filter<'a> = Option<&'a (dyn Fn(&Session) -> bool + Sync)>;

async fn page(owner: &Owner, count: u16, limit: usize, after: Option<ListCursor>, filter: Filter<'_>) -> Page<Session> {
    page_of(table(), owner, count, limit, after, filter).await
}

async fn page_of(
    table: Table,
    owner: &Owner,
    count: u16,
    limit: usize,
    after: Option<ListCursor>,
    filter: Filter<'_>,
) -> Page<Session> {
    let start = after.map_or(ListStart::Newest, ListStart::After);
    let range = ListRange { limit, start, ..ListRange::default() };
    let page = Sessions::new(table).list(owner, shards(count), range, filter).await.unwrap();
    assert!(page.items.len() <= limit);
    // As clients carry it.
    let next = page.next.map(|cursor| ListCursor::of_sessions(&cursor.encode()).unwrap());
    Page { items: page.items, next }
}

/// The page that begins so, as the ids of its sessions, through this way to the table.
async fn ids_from(table: Table, owner: &Owner, count: u16, limit: usize, start: ListStart) -> Page<SessionId> {
    let range = ListRange { limit, start, ..ListRange::default() };
    let Page { items, next } = Sessions::new(table).list(owner, shards(count), range, None).await.unwrap();
    Page { items: items.into_iter().map(|session| session.id).collect(), next }
}

/// Deletes a session, whose tombstone stays; the index has it still, as it may for a second or so.
async fn delete_behind_the_index(owner: &Owner, id: SessionId) {
    let client = World::get().client();
    let key = |name: &str| match name {
        "pk" => AttributeValue::S(format!("SESSION#{id}")),
        _ => AttributeValue::S("SESSION".to_owned()),
    };
    let item = client.get_item().table_name(TABLE_NAME).key("pk", key("pk")).key("sk", key("sk"));
    let item = item.send().await.unwrap().item.unwrap();
    Sessions::new(table()).delete(id, owner, samples::now(), samples::write_id(), None).await.unwrap();
    let update = client.update_item().table_name(TABLE_NAME).key("pk", key("pk")).key("sk", key("sk"));
    let update = update.update_expression("SET list_pk = :pk, list_sk = :sk");
    let update = update.expression_attribute_values(":pk", item["list_pk"].clone());
    update.expression_attribute_values(":sk", item["list_sk"].clone()).send().await.unwrap();
}

/// All that a client finds who goes on as long as there is a next page.
async fn all(owner: &Owner, count: u16, limit: usize, filter: Filter<'_>) -> Vec<SessionId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let Page { items, next } = page(owner, count, limit, after, filter).await;
        found.extend(items.into_iter().map(|session| session.id));
        if next.is_none() {
            return found;
        }
        after = next;
    }
}

/// A way to the table that counts its calls.
fn counted() -> (Table, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let table = World::get().through(std::iter::repeat_with(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        Fault::None
    }));
    (table, calls)
}

#[test]
fn a_list_over_many_shards_is_newest_first_and_whole() {
    block_on(async {
        for count in [1, 2, 7, 40] {
            let owner = support::new_owner(Mode::Test);
            let created = create_all(&owner, count, 60).await;
            for limit in [7, 20, 60, 61] {
                assert_eq!(all(&owner, count, limit, None).await, created, "{count} shards, {limit} at a time");
            }
        }
    });
}

#[test]
fn a_list_without_a_filter_asks_each_shard_once_and_reads_its_page_at_once() {
    block_on(async {
        for count in [1, 7, 40] {
            let owner = support::new_owner(Mode::Test);
            create_all(&owner, count, 60).await;
            let mut after = None;
            for limit in [20, 5, 100] {
                let (table, calls) = counted();
                let page = page_of(table, &owner, count, limit, after, None).await;
                assert_eq!(calls.load(Ordering::SeqCst), usize::from(count) + 1, "{limit} at a time");
                assert_eq!(page.items.len(), limit.min(35));
                after = page.next;
            }
        }
    });
}

#[test]
fn what_is_deleted_or_gone_is_in_no_page_though_the_index_has_it() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let mut created = create_all(&owner, 3, 30).await;
        let (deleted, gone) = ([created[0], created[4], created[5], created[29]], created[8]);
        for id in deleted {
            delete_behind_the_index(&owner, id).await;
        }
        created.retain(|id| !deleted.contains(id));
        for limit in [1, 4, 30] {
            assert_eq!(all(&owner, 3, limit, None).await, created, "{limit} at a time");
            assert_eq!(all(&owner, 3, limit, Some(&|_| true)).await, created, "{limit} at a time, filtered");
        }

        // An item that goes while the page is read: the index said three times what it has.
        let table = World::get().while_on_the_way(3, async move {
            let item = World::get().client().delete_item().table_name(TABLE_NAME);
            let item = item.key("pk", AttributeValue::S(format!("SESSION#{gone}")));
            item.key("sk", AttributeValue::S("SESSION".to_owned())).send().await.unwrap();
        });
        let page = ids_from(table, &owner, 3, 30, ListStart::Newest).await;
        created.retain(|id| *id != gone);
        assert_eq!((page.items, page.next), (created, None));
    });
}

#[test]
fn a_page_of_nothing_but_what_is_deleted_leads_on() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let created = create_all(&owner, 1, 12).await;
        for id in &created[..8] {
            delete_behind_the_index(&owner, *id).await;
        }
        let page = ids_from(table(), &owner, 1, 3, ListStart::Newest).await;
        assert_eq!(page.items, created[8..11]);
        assert_eq!(all(&owner, 1, 3, None).await, created[8..]);
    });
}

#[test]
fn what_dynamodb_leaves_unread_is_asked_for_again_and_stands_in_its_order() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let created = create_all(&owner, 3, 20).await;
        let through = |times| World::get().through(std::iter::repeat_n(Fault::LeftUnread, times));
        for times in [1, 2] {
            let page = ids_from(through(times), &owner, 3, 20, ListStart::Newest).await;
            assert_eq!((page.items, page.next), (created.clone(), None), "{times} times");
        }
        let range = ListRange { limit: 20, ..ListRange::default() };
        let error = Sessions::new(through(3)).list(&owner, shards(3), range, None).await.unwrap_err();
        assert!(error.to_string().contains("unread"), "a page that lacks some is none: {error}");
    });
}

#[test]
fn a_list_is_read_both_ways() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let mut created = create_all(&owner, 3, 20).await;
        delete_behind_the_index(&owner, created.remove(9)).await;
        let (mut found, mut start) = (Vec::new(), ListStart::Newest);
        while let Page { items, next: Some(next) } = ids_from(table(), &owner, 3, 4, start).await {
            found.extend(items);
            start = ListStart::After(next);
        }
        // From the oldest that was found back to the newest, each page newest first.
        let oldest = *found.last().unwrap();
        let oldest = Sessions::new(table()).get(&oldest).await.unwrap().unwrap();
        let (mut back, mut start) = (vec![oldest.id], ListStart::Before(ListCursor::at(&oldest)));
        loop {
            let Page { mut items, next } = ids_from(table(), &owner, 3, 4, start).await;
            items.extend(back);
            back = items;
            let Some(next) = next else { break };
            start = ListStart::Before(next);
        }
        assert_eq!(found, back);
        assert_eq!(found, created[..found.len()]);
        assert!(found.len() >= 16, "{}", found.len());
    });
}

#[test]
fn nothing_is_lost_or_repeated_while_sessions_are_created_and_the_count_rises() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let mut created = create_all(&owner, 1, 40).await;
        let (mut found, mut after, mut last_page) = (Vec::new(), None, false);
        let expected = created.clone();
        // One shard, then four, then sixteen. Each page meets sessions that came after the one before.
        for count in [1, 1, 4, 4, 4, 16, 16, 16, 16, 16] {
            let Page { items, next } = page(&owner, count, 7, after, None).await;
            found.extend(items.into_iter().map(|session| session.id));
            last_page = next.is_none();
            if last_page {
                break;
            }
            after = next;
            for _ in 0..5 {
                let second = i64::try_from(created.len()).unwrap();
                created.insert(0, create(&owner, count, second).await);
            }
        }
        assert!(last_page);
        assert_eq!(found, expected, "what there was when the first page was read");
        assert_eq!(all(&owner, 16, 7, None).await, created, "who begins again finds all");
    });
}

#[test]
fn a_filter_finds_what_it_wants_in_every_shard_and_works_no_call_without_bound() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let created = create_all(&owner, 16, 700).await;
        let every_70th: Vec<_> = created.iter().step_by(70).copied().collect();
        let wanted = |session: &Session| every_70th.contains(&session.id);
        for limit in [3, 100] {
            assert_eq!(all(&owner, 16, limit, Some(&wanted)).await, every_70th, "{limit} at a time");
        }
        let oldest = |session: &Session| session.id == created[699];
        let (table, calls) = counted();
        let first = page_of(table, &owner, 16, 100, None, Some(&oldest)).await;
        assert!(first.items.is_empty() && first.next.is_some());
        // Once each, and again as they run out, a share of some 20 of each at a time; five times 100 are read.
        let calls = calls.load(Ordering::SeqCst);
        assert!((17..60).contains(&calls), "{calls}");
        let second = page(&owner, 16, 100, first.next, Some(&oldest)).await;
        assert_eq!(second.items.into_iter().map(|session| session.id).collect::<Vec<_>>(), created[699..]);
    });
}

#[test]
fn a_page_of_large_sessions_ends_before_it_is_too_large_to_answer() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let mut created = Vec::new();
        for second in (0..80).rev() {
            let at = Timestamp::constant(1_772_000_000, 0) + SignedDuration::from_secs(second);
            let mut session = support::new_session(&owner, at, None, 100);
            let item = LineItem { name: samples::name(&"n".repeat(140)), ..session.line_items[0].clone() };
            session.line_items = vec![item; 100];
            session.list_shard = shards(8).shard_of(&session.id);
            created.push(session.id);
            Sessions::new(table()).create(session, None).await.unwrap();
        }
        let first = page(&owner, 8, 100, None, None).await;
        let bytes: usize =
            first.items.iter().map(|session| store::size_bytes(&store::session_item(session).unwrap())).sum();
        assert!((1 << 20..(1 << 20) + 100_000).contains(&bytes), "{bytes}");
        assert_eq!(all(&owner, 8, 100, None).await, created);
    });
}

#[test]
fn merchants_and_modes_are_apart() {
    block_on(async {
        let (one, two) = (support::new_owner(Mode::Test), support::new_owner(Mode::Test));
        let live = Owner { mode: Mode::Live, ..one.clone() };
        let mut created = Vec::new();
        for owner in [&one, &two, &live] {
            created.push(create_all(owner, 5, 12).await);
        }
        for (owner, created) in [&one, &two, &live].into_iter().zip(&created) {
            assert_eq!(all(owner, 5, 5, None).await, *created);
        }
        // Another's cursor is a position in one's own list, and opens nothing else.
        let theirs = page(&two, 5, 5, None, None).await.next;
        let found = page(&one, 5, 100, theirs, None).await.items;
        assert!(found.iter().all(|session| created[0].contains(&session.id)));
    });
}

#[test]
fn events_are_in_the_shard_of_their_session() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let events = Events::new(table());
        let mut listed = Vec::new();
        for id in create_all(&owner, 16, 20).await {
            let session = Sessions::new(table()).get(&id).await.unwrap().unwrap();
            let object = Object::Session(Box::new(session));
            events.put(&StoredEvent::new(object.clone(), 1)).await.unwrap();
            listed.push(object.id());
        }
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let start = after.map_or(ListStart::Newest, ListStart::After);
            let range = ListRange { limit: 6, start, ..ListRange::default() };
            let Page { items, next } = events.list(&owner, shards(16), range, None).await.unwrap();
            found.extend(items.into_iter().map(|event| event.object.id()));
            let Some(next) = next else { break };
            after = ListCursor::of_events(&next.encode());
        }
        assert_eq!(found, listed);
        let first =
            events.list(&owner, shards(1), ListRange { limit: 100, ..ListRange::default() }, None).await.unwrap();
        assert!(first.items.len() < 10, "{} of 20 are in the first of 16", first.items.len());
    });
}

#[test]
fn a_count_is_raised_once_whatever_becomes_of_the_answer() {
    block_on(async {
        let merchants = Merchants::new(table());
        let id = support::new_owner(Mode::Test).merchant_id;
        let now = samples::now();
        let raise = |table, count| {
            let id = id.clone();
            async move { Merchants::new(table).raise_list_shards(&id, shards(count), now).await.unwrap() }
        };
        assert_eq!(raise(table(), 4).await, ListShardsRaised::NoMerchant);
        merchants.create(&id, samples::name("Acme"), [7; 32]).await.unwrap();
        // As merchants were before there were shards.
        let client = World::get().client();
        let profile = client.update_item().table_name(TABLE_NAME);
        let profile = profile.key("pk", AttributeValue::S(format!("MERCHANT#{id}")));
        let profile = profile.key("sk", AttributeValue::S("PROFILE".to_owned()));
        profile.update_expression("REMOVE list_spread").send().await.unwrap();
        let sharding = async || merchants.get(&id).await.unwrap().unwrap().list_sharding;
        assert_eq!(sharding().await.shards(), shards(1));

        assert_eq!(raise(World::get().losing(2), 4).await, ListShardsRaised::Done);
        assert_eq!(sharding().await.shards(), shards(4));
        for count in [1, 4] {
            assert_eq!(raise(table(), count).await, ListShardsRaised::NotMore(shards(4)));
        }
        // Somebody else is faster.
        let meanwhile = raise(table(), 8);
        let slow = World::get().while_on_the_way(1, async move { assert_eq!(meanwhile.await, ListShardsRaised::Done) });
        assert_eq!(raise(slow, 6).await, ListShardsRaised::NotMore(shards(8)));
        let meanwhile = raise(table(), 9);
        let slow = World::get().while_on_the_way(1, async move { assert_eq!(meanwhile.await, ListShardsRaised::Done) });
        assert_eq!(raise(slow, 10).await, ListShardsRaised::Done);
        assert_eq!(sharding().await.shards(), shards(10));
    });
}

#[test]
fn lists_of_every_format_are_merged_and_amounts_are_found_by_the_index() {
    block_on(async {
        let owner = support::new_owner(Mode::Test);
        let mut newest_first = Vec::new();
        for second in 0..60 {
            let at = Timestamp::constant(1_772_000_000, 0) + SignedDuration::from_secs(second);
            let pence = if second % 20 == 0 { 5194 } else { 100 };
            let mut session = support::new_session(&owner, at, None, pence);
            session.format = match second {
                0..=2 => WireFormat::Fintecture,
                second if second % 7 == 0 => WireFormat::Yorlet,
                _ => WireFormat::Banked,
            };
            session.list_shard = shards(2).shard_of(&session.id);
            newest_first.insert(0, (session.id, session.format, pence));
            Sessions::new(table()).create(session, None).await.unwrap();
        }
        let owner = Owner { format: None, ..owner };
        let search = async |owner: &Owner, start, limit, amount: Option<i64>| {
            let (way, calls) = counted();
            let range = ListRange { limit, start, ..ListRange::default() };
            let is = |money: models::Money| Some(money.minor()) == amount;
            let by_amount: Option<&(dyn Fn(models::Money) -> bool + Sync)> =
                if amount.is_some() { Some(&is) } else { None };
            let page = Sessions::new(way).search(owner, shards(2), range, by_amount, None).await.unwrap();
            let next = page.next.map(|cursor| ListCursor::of_sessions(&cursor.encode()).unwrap());
            (page.items.into_iter().map(|session| session.id).collect::<Vec<_>>(), next, calls.load(Ordering::SeqCst))
        };
        let all: Vec<_> = newest_first.iter().map(|(id, ..)| *id).collect();
        let (mut found, mut start) = (Vec::new(), ListStart::Newest);
        loop {
            let (ids, next, calls) = search(&owner, start.clone(), 25, None).await;
            // One for each shard of each format, and one for the sessions.
            assert!(calls <= 7, "{calls}");
            assert_eq!(ids.len(), 25.min(60 - found.len()));
            found.extend(ids);
            let Some(next) = next else { break };
            start = ListStart::After(next);
        }
        assert_eq!(found, all);
        // Back to the newest.
        let oldest = Sessions::new(table()).get(&all[59]).await.unwrap().unwrap();
        let (ids, next, _) = search(&owner, ListStart::Before(ListCursor::at(&oldest)), 25, None).await;
        assert_eq!((&ids[..], next.is_some()), (&all[34..59], true));

        for (minor, count) in [(5194, 3), (100, 57), (7, 0)] {
            let (ids, next, calls) = search(&owner, ListStart::Newest, 100, Some(minor)).await;
            let expected: Vec<_> =
                newest_first.iter().filter(|(_, _, pence)| *pence == minor).map(|(id, ..)| *id).collect();
            assert_eq!((ids.len(), ids, next), (count, expected, None), "{minor}");
            assert!(calls <= 7, "{calls}");
        }
        for format in WireFormat::ALL {
            let owner = Owner { format: Some(format), ..owner.clone() };
            let (ids, ..) = search(&owner, ListStart::Newest, 100, None).await;
            let expected: Vec<_> = newest_first.iter().filter(|(_, of, _)| *of == format).map(|(id, ..)| *id).collect();
            assert_eq!(ids, expected);
        }
        // It ends in the middle, and goes on from there.
        let (ids, next, _) = search(&owner, ListStart::Newest, 1, Some(5194)).await;
        assert_eq!(ids, [all[19]]);
        assert!(next.as_ref().and_then(ListCursor::created_at).is_some());
        let (ids, ..) = search(&owner, ListStart::After(next.unwrap()), 1, Some(5194)).await;
        assert_eq!(ids, [all[39]]);
    });
}
