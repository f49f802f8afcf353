//! Sessions of many merchants, second by second, each with an id of its own and in the shards that the functions would put it
//! in; and what each partition gets of that.
//!
//! DynamoDB is taken at its worst: all items of one partition key are in one partition, which takes 1,000 write and 3,000 read
//! units a second, and nothing adapts. An index that can't follow throttles its table.

use std::fmt;

use fastrand::Rng;
use models::{CursorId, EndpointId, ListShards, MailId, MailTopic, MerchantId, SessionId};
use store::{DUE_SHARDS, DueItem};
use uuid::{Builder, Uuid};

use super::weights::{Weights, Writes};

/// What one partition takes a second ("Best practices for designing and using partition keys effectively").
const WRITE_LIMIT: u32 = 1000;
const READ_LIMIT: u32 = 3000;

/// How much of the limit is left in the hottest second where a count of shards is chosen.
pub(crate) const SPARE_PERCENT: u32 = 30;

/// How many merchants there are, and how many sessions the greatest creates a second; the nth creates an nth of that (Zipf's
/// law). As many end each second, having been created before.
const MERCHANTS: u32 = 1000;
const GREATEST_PER_SECOND: f64 = 10_000.0;

/// How many webhooks are delivered a second: template.yaml lets 50 functions do that, with 10 messages each, and no delivery
/// takes less than a twentieth of a second, with all that it reads and writes. To one endpoint, by its ten slots.
const DELIVERIES_PER_SECOND: f64 = 50.0 * 10.0 * 20.0;
const DELIVERIES_PER_ENDPOINT: f64 = 10.0 * 20.0;

/// How many stream records `publish` gets at a time (template.yaml). Under such a load it always gets so many: each shard of
/// the stream has one function, which is busy with them for a second.
const RECORDS_AT_ONCE: f64 = 100.0;

/// How many warm functions keep a merchant, each reading it every 30 seconds; and how many new ones Lambda starts a second
/// ("Lambda scaling behavior": 1,000 every 10 seconds).
const WARM_FUNCTIONS: f64 = 1000.0;
const NEW_FUNCTIONS_PER_SECOND: f64 = 100.0;

/// How many seconds are looked at to find a count of shards, and up to which count.
const SECONDS_TO_NEED: u32 = 20;
const MAX_NEEDED: u32 = 1 << 14;

/// How many shards there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) due: u32,
    /// Of a merchant's lists, who creates so many sessions a second.
    pub(crate) list: fn(f64) -> ListShards,
}

impl Counts {
    /// As the functions have them, and as `counterfoil merchants shards` advises.
    pub(crate) const REAL: Self = Self { due: DUE_SHARDS, list: advised };

    /// Of the greatest merchant's lists.
    pub(crate) fn greatest() -> ListShards {
        advised(GREATEST_PER_SECOND)
    }
}

fn advised(creations_per_second: f64) -> ListShards {
    let takes = |shards: &ListShards| f64::from(shards.get()) * f64::from(ListShards::CREATIONS_PER_SECOND);
    let mut counts = (1..=ListShards::MAX.get()).filter_map(|count| ListShards::try_from(count).ok());
    counts.find(|shards| takes(shards) >= creations_per_second).unwrap_or(ListShards::MAX)
}

/// Partitions of one kind: what any of them gets at the most in a second.
#[derive(Debug)]
pub(crate) struct Hottest {
    pub(crate) kind: &'static str,
    pub(crate) partitions: usize,
    pub(crate) units: u32,
    pub(crate) limit: u32,
}

/// What all merchants' payments ask of the table.
#[derive(Debug)]
pub(crate) struct Load {
    weights: Weights,
    /// What happens to sessions, and to which share of them.
    happenings: [(Writes, f64); 3],
    creations_per_second: f64,
    events_per_second: f64,
}

impl Load {
    /// Of each hundred sessions so many are paid, and all others expire.
    pub(crate) fn new(weights: Weights, paid_percent: u32) -> Self {
        let paid = f64::from(paid_percent) / 100.0;
        let happenings = [(weights.begun, 1.0), (weights.expired, 1.0 - paid), (weights.paid, paid)];
        let creations_per_second = rates().sum();
        let events: f64 = happenings.iter().map(|(writes, share)| f64::from(writes.events) * share).sum();
        Self { weights, happenings, creations_per_second, events_per_second: events * creations_per_second }
    }

    /// Which share of the events is delivered in the second that they happen in; all others wait for their turn.
    fn delivered(&self) -> f64 {
        (DELIVERIES_PER_SECOND / self.events_per_second).min(1.0)
    }

    /// What any partition gets at the most.
    pub(crate) fn simulate(&self, counts: &Counts, seconds: u32, rng: &mut Rng) -> Vec<Hottest> {
        let mut due = Partitions::new(counts.due as usize);
        let (mut sessions, mut events) = (Vec::new(), Vec::new());
        let merchants: Vec<_> = rates().map(|rate| (rate, (counts.list)(rate))).collect();
        for (_, shards) in &merchants {
            sessions.push(Partitions::new(shards.get().into()));
            events.push(Partitions::new(shards.get().into()));
        }
        let delivered = self.delivered();
        for _ in 0..seconds {
            for (((rate, shards), sessions), events) in merchants.iter().zip(&mut sessions).zip(&mut events) {
                for (writes, share) in &self.happenings {
                    for _ in 0..arrivals(rate * share, rng) {
                        let id = random_id(rng);
                        let shard = shards.shard_of(&id).index();
                        sessions.add(shard, writes.session.list);
                        events.add(shard, writes.event.list);
                        let mut wait = |item: DueItem, units| due.add((item.shard() % counts.due) as usize, units);
                        wait(DueItem::Session(id), writes.session.due);
                        let delivery = if rng.f64() < delivered { writes.delivered.due } else { 0 };
                        wait(DueItem::Cursor(cursor(id)), writes.told.due + delivery);
                        if writes.mail.due > 0 {
                            wait(DueItem::Mail(MailId { topic: MailTopic::Receipt(id), sequence: 5 }), writes.mail.due);
                        }
                    }
                }
                sessions.end_second();
                events.end_second();
            }
            due.end_second();
        }
        let of = |kind, partitions: &[Partitions]| Hottest {
            kind,
            partitions: partitions.iter().map(|partitions| partitions.units.len()).sum(),
            units: partitions.iter().map(|partitions| partitions.hottest).max().unwrap_or(0),
            limit: WRITE_LIMIT,
        };
        let mut found = vec![
            of("list index, sessions: writes", &sessions),
            of("list index, events: writes", &events),
            of("due index: writes", &[due]),
        ];
        found.extend(self.single_keys());
        found
    }

    /// What no hash spreads: all of one session, and all of one merchant. By arithmetic.
    fn single_keys(&self) -> [Hottest; 5] {
        let Weights { paid, slot, endpoints_read, merchant_read, .. } = self.weights;
        let looked_at = DELIVERIES_PER_SECOND * GREATEST_PER_SECOND / self.creations_per_second;
        let published = self.events_per_second / RECORDS_AT_ONCE;
        let read = WARM_FUNCTIONS / 30.0 + NEW_FUNCTIONS_PER_SECOND;
        let of = |kind, partitions: f64, units: f64, limit| Hottest {
            kind,
            partitions: partitions.ceil() as usize,
            units: units.ceil() as u32,
            limit,
        };
        let merchants = f64::from(MERCHANTS);
        // As if a payment took no longer than a second.
        let events = f64::from(paid.event.table + paid.told.table + paid.delivered.table);
        let endpoints = "a merchant's endpoints: reads to tell them";
        [
            of("one session: writes", self.creations_per_second, paid.session.table.into(), WRITE_LIMIT),
            of("its events and their cursor: writes", self.creations_per_second, events, WRITE_LIMIT),
            of("an endpoint's slots: writes", merchants, DELIVERIES_PER_ENDPOINT * f64::from(slot), WRITE_LIMIT),
            of(endpoints, merchants, (published + looked_at) * f64::from(endpoints_read), READ_LIMIT),
            of("a merchant and its keys: reads", merchants, read * f64::from(merchant_read), READ_LIMIT),
        ]
    }

    /// How many shards of the due index, and of the greatest merchant's lists, hold with something to spare.
    pub(crate) fn needed(&self, rng: &mut Rng) -> (u32, u32) {
        let streams = |rate: f64, units: fn(&Writes) -> u32| {
            self.happenings.iter().map(move |(writes, share)| (rate * share, units(writes)))
        };
        let all = self.creations_per_second;
        let delivered = self.delivered();
        let mut due: Vec<_> = streams(all, |writes| writes.session.due).collect();
        due.extend(streams(all, |writes| writes.mail.due));
        due.extend(streams(all * (1.0 - delivered), |writes| writes.told.due));
        due.extend(streams(all * delivered, |writes| writes.told.due + writes.delivered.due));
        let sessions: Vec<_> = streams(GREATEST_PER_SECOND, |writes| writes.session.list).collect();
        let events: Vec<_> = streams(GREATEST_PER_SECOND, |writes| writes.event.list).collect();
        (fewest(&due, rng), fewest(&sessions, rng).max(fewest(&events, rng)))
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { creations_per_second, events_per_second, .. } = self;
        writeln!(
            f,
            "{MERCHANTS} merchants, the greatest with {GREATEST_PER_SECOND} new sessions a second, the nth with an nth of that;"
        )?;
        writeln!(
            f,
            "{creations_per_second:.0} sessions begin each second and as many end, with {events_per_second:.0} events."
        )?;
        writeln!(
            f,
            "\n{:<10} {:>6}  {:>22}  {:>22}  {:>16}",
            "of each", "events", "list: session, events", "due: session, mail", "told, delivered"
        )?;
        for (name, (writes, share)) in ["created", "expired", "paid"].into_iter().zip(&self.happenings) {
            let Writes { events, session, event, mail, told, delivered } = writes;
            let list = format!("{}, {}", session.list, event.list);
            let due = format!("{}, {}", session.due, mail.due);
            let tell = format!("{}, {}", told.due, delivered.due);
            writeln!(f, "{name:<10} {events:>6}  {list:>22}  {due:>22}  {tell:>16}  ({:.0} %)", share * 100.0)?;
        }
        Ok(())
    }
}

/// How many sessions each merchant creates a second.
fn rates() -> impl Iterator<Item = f64> {
    (1..=MERCHANTS).map(|rank| GREATEST_PER_SECOND / f64::from(rank))
}

/// Units that partitions get in this second, and the most that one got in any.
struct Partitions {
    units: Vec<u32>,
    hottest: u32,
}

impl Partitions {
    fn new(count: usize) -> Self {
        Self { units: vec![0; count], hottest: 0 }
    }

    fn add(&mut self, partition: usize, units: u32) {
        if let Some(partition) = self.units.get_mut(partition) {
            *partition += units;
        }
    }

    fn end_second(&mut self) {
        self.hottest = self.hottest.max(self.units.iter().copied().max().unwrap_or(0));
        self.units.fill(0);
    }
}

/// The fewest partitions over which so many units each, so often a second, can be thrown.
fn fewest(streams: &[(f64, u32)], rng: &mut Rng) -> u32 {
    let (mut too_few, mut enough) = (0, MAX_NEEDED);
    while too_few + 1 < enough {
        let count = u32::midpoint(too_few, enough);
        let mut partitions = Partitions::new(count as usize);
        for _ in 0..SECONDS_TO_NEED {
            for (rate, units) in streams.iter().filter(|(_, units)| *units > 0) {
                for _ in 0..arrivals(*rate, rng) {
                    partitions.add(rng.u32(0..count) as usize, *units);
                }
            }
            partitions.end_second();
        }
        let holds = partitions.hottest <= WRITE_LIMIT * (100 - SPARE_PERCENT) / 100;
        if holds { enough = count } else { too_few = count }
    }
    enough
}

/// How many come in a second of those who come so often: Poisson's, by the times between them.
fn arrivals(per_second: f64, rng: &mut Rng) -> u32 {
    let (mut count, mut at) = (0, 0.0);
    loop {
        at -= (1.0 - rng.f64()).ln();
        if at > per_second {
            return count;
        }
        count += 1;
    }
}

fn random_id(rng: &mut Rng) -> SessionId {
    SessionId::new(Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid())
}

/// A cursor of this session's. Whose it is says nothing of where it waits.
fn cursor(id: SessionId) -> CursorId {
    #[expect(clippy::expect_used, reason = "always valid")]
    let merchant_id: MerchantId = "m".parse().expect("a merchant's id");
    CursorId { object_id: id.into(), merchant_id, endpoint_id: EndpointId::new(Uuid::nil()), replay_of: None }
}
