//! How many sessions and customers there are in an owner's lists.
//!
//! They are counted after the table's stream, not where they are created, and each once however often its record comes: a
//! marker that it is counted is put in the transaction that counts it. It is removed two days later by its time to live, and
//! a stream's record comes within one (Amazon DynamoDB, "Change data capture for DynamoDB Streams").

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use models::{CustomerId, SessionId, WireFormat};
use serde_dynamo::AttributeValue;

use crate::error::StoreError;
use crate::keys;
use crate::owner::{Owner, WHOSE, Whose};
use crate::table::{Item, Key, Table, n};
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::update::Update;
use crate::write::WriteKind;

/// How long a marker is kept.
const MARKED_FOR: SignedDuration = SignedDuration::from_hours(48);

/// How many markers one transaction puts beside its count: it may have 100 writes.
const AT_ONCE: usize = 99;

/// What is counted, by owner and format. Banked's sessions are not: no answer of that format has their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Payment sessions.
    Sessions,
    /// Customers that have been neither deleted nor erased.
    Customers,
}

impl Counted {
    /// As it is stored.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "SESSIONS",
            Self::Customers => "CUSTOMERS",
        }
    }
}

/// That something came to a list or left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountChange {
    count: Key,
    marker: Key,
    came: bool,
}

/// The table's counts.
#[derive(Debug, Clone)]
pub struct Counts {
    table: Table,
}

impl Counts {
    /// The counts in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// How many `owner` has, of the format through which they come. Eventually right: what has come or gone in the last seconds
    /// may not be counted yet.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn of(&self, owner: &Owner, counted: Counted) -> Result<u64, StoreError> {
        let format = owner.format.unwrap_or_default();
        let key = keys::count(&owner.merchant_id, owner.mode, counted.as_str(), format);
        let count = self.table.get_eventually(key).await?;
        Ok(count.and_then(|item| item.get("count")?.as_n().ok()?.parse().ok()).unwrap_or_default())
    }

    /// Counts what has not been counted yet: of each list, as much in one transaction as fits.
    ///
    /// # Errors
    /// The table failed us; some of it may be counted, and the rest is when this is done again.
    pub async fn note(&self, changes: Vec<CountChange>, now: Timestamp) -> Result<(), StoreError> {
        let mut by_count: BTreeMap<String, Vec<CountChange>> = BTreeMap::new();
        for change in changes {
            let of_count = by_count.entry(change.count.to_string()).or_default();
            // The same record may come twice in one batch, if not from one shard of the stream.
            if !of_count.contains(&change) {
                of_count.push(change);
            }
        }
        for changes in by_count.values() {
            for some in changes.chunks(AT_ONCE) {
                self.note_some(some.to_vec(), now).await?;
            }
        }
        Ok(())
    }

    /// Of one count.
    async fn note_some(&self, mut changes: Vec<CountChange>, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let Some(first) = changes.first() else { return Ok(()) };
            let sum: i64 = changes.iter().map(|change| if change.came { 1 } else { -1 }).sum();
            let count = Update::new(WriteKind::Count, first.count.clone()).set_to(
                "count",
                "if_not_exists(#count, :none) + :sum",
                [(":none", n(0)), (":sum", n(sum))],
            );
            let ttl = now.checked_add(MARKED_FOR).unwrap_or(Timestamp::MAX).as_second();
            let marked = changes.iter().fold(Transaction::default(), |all, change| {
                let marker = Item::from([("ttl".to_owned(), n(ttl))]);
                all.put_new(WriteKind::CountMark, change.marker.clone(), marker)
            });
            match marked.update(count).send(&self.table).await? {
                Transacted::Done => return Ok(()),
                Transacted::Refused(verdicts) => {
                    let mut position = 0..;
                    changes.retain(|_| match position.next().map(|position| verdicts.of(position)) {
                        // It was counted before.
                        Some(Verdict::Refused(_)) | None => false,
                        Some(Verdict::Held) => true,
                    });
                }
            }
        }
    }
}

/// What a stream's record says of the counts: a session or customer came to a list or left it. None of whatever is not counted.
/// Images as the stream has them, empty where there is none.
pub fn count_change(old: &serde_dynamo::Item, new: &serde_dynamo::Item) -> Option<CountChange> {
    let is_listed = |image: &serde_dynamo::Item| image.contains_key("list_pk");
    let came = match (is_listed(old), is_listed(new)) {
        (false, true) => true,
        (true, false) => false,
        (true, true) | (false, false) => return None,
    };
    let image = if came { new } else { old };
    let part = |name: &str| match image.get(name) {
        Some(AttributeValue::S(text)) => Some(text.as_str()),
        Some(_) | None => None,
    };
    let (pk, sk) = (part("pk")?, part("sk")?);
    // Those alone: an image may be large.
    let whose = WHOSE.into_iter().filter_map(|name| Some((name.to_owned(), image.get(name)?.clone())));
    let whose = serde_dynamo::Item::from(whose.collect::<HashMap<_, _>>());
    let Whose { merchant_id, mode, format } = serde_dynamo::from_item(whose).ok()?;
    let session: Option<SessionId> = pk.strip_prefix(keys::SESSION_PK_PREFIX).and_then(|id| id.parse().ok());
    let customer: Option<CustomerId> = pk.strip_prefix(keys::CUSTOMER_PK_PREFIX).and_then(|id| id.parse().ok());
    let (counted, id) = match (session, customer) {
        (Some(id), _) if sk == keys::SESSION_SK && is_counted(format) => (Counted::Sessions, id.to_string()),
        (_, Some(id)) if sk == keys::CUSTOMER_SK => (Counted::Customers, id.to_string()),
        (Some(_) | None, Some(_) | None) => return None,
    };
    let count = keys::count(&merchant_id, mode, counted.as_str(), format);
    Some(CountChange { count, marker: keys::counted(&id, came), came })
}

/// Whether the sessions of a format are counted: whether a list of them says how many there are.
const fn is_counted(format: WireFormat) -> bool {
    match format {
        WireFormat::Banked => false,
        WireFormat::Yorlet | WireFormat::Fintecture => true,
    }
}
