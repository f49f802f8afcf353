//! Whether the counts of shards are enough: one second of far more payments than there are (docs/decisions/0010-shards.md).
//!
//! DynamoDB is assumed at its worst: all items of one partition key are in one partition, nothing splits and nothing adapts.

use models::{ListShard, ListShards, SessionId};
use runtime::Random;

use crate::{DUE_SHARDS, keys};

/// What one partition takes a second ("Best practices for designing and using partition keys effectively").
const WRITE_UNITS: u32 = 1000;

/// Of 1,000 merchants the greatest creates 10,000 sessions a second and the nth an nth of that. As many end.
const CREATED: u32 = 74_855;
const CREATED_BY_GREATEST: u32 = 10_000;

fn ids(count: u32) -> impl Iterator<Item = SessionId> {
    let random = Random::seeded(1);
    (0..count).map(move |_| SessionId::new(random.uuid_v4()))
}

/// The most units that any of these partitions gets.
fn hottest(partitions: u32, writes: &[(u32, u32)]) -> u32 {
    let mut units = vec![0; partitions as usize];
    writes.iter().for_each(|(partition, written)| units[(partition % partitions) as usize] += written);
    units.into_iter().max().unwrap()
}

/// Sessions begin and expire: each costs the index one unit, and its cursor one to wait and one more if it is delivered in
/// the same second, as one of 15 is.
#[test]
fn the_due_index_has_shards_enough() {
    let writes = (1..).zip(ids(2 * CREATED)).flat_map(|(number, id)| {
        let session = (keys::due_shard(&keys::session_pk(&id)), 1);
        let cursor = (keys::due_shard(&keys::events_pk(&id.into())), if number % 15 == 0 { 2 } else { 1 });
        [session, cursor]
    });
    let writes: Vec<_> = writes.collect();
    assert!(hottest(DUE_SHARDS, &writes) < WRITE_UNITS * 70 / 100, "with 30 % to spare");
    assert!(hottest(16, &writes) > WRITE_UNITS, "as many as there were once");
}

/// Sessions begin, which costs the lists of sessions and of events one unit each, and are paid, which costs the first nothing
/// and the second four (docs/decisions/0047-lists.md).
#[test]
fn the_greatest_merchants_lists_have_shards_enough() {
    let busiest = |shards: ListShards, paid_units| {
        let each = [1, paid_units].into_iter().flat_map(|units| ids(CREATED_BY_GREATEST).map(move |id| (id, units)));
        let writes: Vec<_> = each.map(|(id, units)| (index(shards.shard_of(&id)), units)).collect();
        hottest(shards.get().into(), &writes)
    };
    let advised = CREATED_BY_GREATEST.div_ceil(ListShards::CREATIONS_PER_SECOND.into());
    let advised = ListShards::try_from(u16::try_from(advised).unwrap()).unwrap();
    for paid_units in [0, 4] {
        assert!(busiest(advised, paid_units) < WRITE_UNITS);
        assert!(busiest(ListShards::default(), paid_units) > WRITE_UNITS);
    }
}

fn index(shard: ListShard) -> u32 {
    u32::try_from(shard.index()).unwrap()
}
