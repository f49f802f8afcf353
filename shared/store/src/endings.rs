//! What ended and when, which the console's overview counts from.
//!
//! An ending is an item of its own, put after the table's stream, once or many times: it is the same each time, so nothing is
//! counted twice, in whatever order records come. Two days after a day has ended, what its endings add up to is kept as well, by
//! the first who asks for it. An ending that comes after that removes the sum again (docs/decisions/0051-overview.md).

mod ending;
mod tally;

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use models::{ListShards, MerchantId, Mode, Object};
use serde::Deserialize;

use crate::error::StoreError;
use crate::keys;
use crate::owner::Owner;
use crate::query::{Query, Source};
use crate::table::{Item, Table, n, read, sk};
use crate::update::{Update, Updated, Version};
use crate::write::WriteKind;
pub(crate) use ending::{Ending, counted, day_of, kept_until, start_of};
pub use tally::{ByMethod, InCurrency, Tally, Wait};

/// How long after a day's end its endings are added up: the stream brings records within a day.
const ADDED_UP_AFTER: SignedDuration = SignedDuration::from_hours(24 + 48);

/// From when on an ending is late, after the beginning of its day. The hour less is far more than two clocks differ by and a write
/// takes.
const LATE_AFTER: SignedDuration = SignedDuration::from_hours(24 + 47);

/// How often a day is tried to be counted again, while others do the same.
const TRIES: usize = 16;

/// The attribute with what a day adds up to.
const TALLY: &str = "tally";

/// An hour, in seconds.
const HOUR_S: i64 = 3_600;

/// How many hours [`Endings::last_day`] shows.
const HOURS: i64 = 24;

/// What ended on some days.
#[derive(Debug)]
pub struct LastDays {
    /// Each by UTC, oldest first; none where there was no time left to count.
    pub days: Vec<(Date, Option<Tally>)>,
    /// Whether what a day adds up to was kept just now, so that the same is done in less time later.
    pub has_kept: bool,
}

/// What is kept of a day.
#[derive(Debug, Deserialize)]
pub(crate) struct Day {
    /// Nothing while it is to be counted again.
    #[serde(default)]
    pub(crate) tally: Option<Tally>,
}

/// The table's endings.
#[derive(Debug, Clone)]
pub struct Endings {
    table: Table,
}

impl Endings {
    /// The endings in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// Notes how a session or refund ended, if it has: one write, and one more if its day may be added up already. The first
    /// stays.
    ///
    /// # Errors
    /// The table failed us; it may be noted, and is counted for certain when this is done again.
    pub async fn note(&self, object: &Object, now: Timestamp) -> Result<(), StoreError> {
        let Some((key, ending)) = counted(object) else { return Ok(()) };
        let until = kept_until(ending.at);
        if until <= now {
            return Ok(());
        }
        let mut item: Item = serde_dynamo::to_item(&ending)?;
        item.insert("ttl".to_owned(), n(until.as_second()));
        self.table.put_new(WriteKind::EndingPut, key, item).await?;
        let day = day_of(ending.at);
        if now.duration_since(start_of(day)) >= LATE_AFTER {
            self.count_again(object.merchant_id(), object.mode(), day).await?;
        }
        Ok(())
    }

    /// What ended on each of the last `count` days, today included. Stops reading when `may_go_on` says so. Days whose sum can be
    /// kept are counted first, the oldest before all: so each time goes further than the one before.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn last_days(
        &self,
        owner: &Owner,
        shards: ListShards,
        count: usize,
        now: Timestamp,
        may_go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<LastDays, StoreError> {
        let today = day_of(now);
        let days: Vec<_> = std::iter::successors(Some(today), |day| day.yesterday().ok()).take(count).collect();
        let first = days.last().unwrap_or(&today).to_string();
        let days_pk = keys::days_pk(&owner.merchant_id, owner.mode);
        let kept = self.table.query(&days_pk, Some((&first, &today.to_string())), usize::MAX).await?;
        let mut kept: HashMap<_, _> = kept.into_iter().map(|item| (sk(&item).to_owned(), item)).collect();
        let (mut found, mut open) = (BTreeMap::new(), Vec::new());
        for day in days {
            let item = kept.remove(&day.to_string());
            let version = Version::of(item.as_ref());
            let kept = item.map(|item| read::<Day>(format!("{days_pk} {day}"), item)).transpose()?;
            match kept.and_then(|day| day.tally) {
                Some(tally) => {
                    found.insert(day, Some(tally));
                }
                None => open.push((day, version)),
            }
        }
        let can_be_kept = |day: Date| now.duration_since(start_of(day)) >= ADDED_UP_AFTER;
        let (past, recent): (Vec<_>, Vec<_>) = open.into_iter().partition(|(day, _)| can_be_kept(*day));
        let mut has_kept = false;
        for (day, version) in past.into_iter().rev() {
            let counted = self.count(owner, shards, day, may_go_on).await?;
            if let Some(tally) = &counted {
                self.keep(owner, day, tally, version).await?;
                has_kept = true;
            }
            found.insert(day, counted);
        }
        for (day, _) in recent {
            found.insert(day, self.count(owner, shards, day, may_go_on).await?);
        }
        Ok(LastDays { days: found.into_iter().collect(), has_kept })
    }

    /// What ended in each of the last 24 hours, this one included, oldest first, each by when it began; none if there was no time to
    /// count them.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn last_day(
        &self,
        owner: &Owner,
        shards: ListShards,
        now: Timestamp,
        may_go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Vec<(Timestamp, Tally)>>, StoreError> {
        let this_hour = now.as_second().div_euclid(HOUR_S);
        let begins = |hour: i64| Timestamp::from_second(hour.saturating_mul(HOUR_S)).unwrap_or(now);
        let first = this_hour.saturating_sub(HOURS - 1);
        let mut hours: Vec<_> = (first..=this_hour).map(|hour| (begins(hour), Tally::default())).collect();
        let mut add = |ending: &Ending| {
            let hour = ending.at.as_second().div_euclid(HOUR_S).saturating_sub(first);
            if let Some((_, tally)) = usize::try_from(hour).ok().and_then(|hour| hours.get_mut(hour)) {
                tally.add(ending);
            }
        };
        let (yesterday, today) = (day_of(begins(first)), day_of(now));
        for day in std::iter::once(today).chain((yesterday != today).then_some(yesterday)) {
            if !self.each(owner, shards, day, may_go_on, &mut add).await? {
                return Ok(None);
            }
        }
        Ok(Some(hours))
    }

    /// What ended on a day, by its endings; none if there was no time to read them all.
    pub(crate) async fn count(
        &self,
        owner: &Owner,
        shards: ListShards,
        day: Date,
        may_go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Tally>, StoreError> {
        let mut tally = Tally::default();
        let all = self.each(owner, shards, day, may_go_on, &mut |ending: &Ending| tally.add(ending)).await?;
        Ok(all.then_some(tally))
    }

    /// Goes through the endings of a day, consistently and page by page; whether it came to their end.
    async fn each(
        &self,
        owner: &Owner,
        shards: ListShards,
        day: Date,
        may_go_on: &(dyn Fn() -> bool + Sync),
        each: &mut (dyn FnMut(&Ending) + Send),
    ) -> Result<bool, StoreError> {
        for shard in shards.all() {
            let pk = keys::ended_pk(&owner.merchant_id, owner.mode, day, shard);
            let query = Query { source: Source::Table, pk: &pk, between: None, descending: false, limit: usize::MAX };
            let mut start = None;
            loop {
                if !may_go_on() {
                    return Ok(false);
                }
                let page = self.table.page(&query, start).await?;
                for item in page.items {
                    each(&read(&pk, item)?);
                }
                start = page.next;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Keeps what a day adds up to, unless that is kept, or it was to be counted again since its version was read.
    async fn keep(&self, owner: &Owner, day: Date, tally: &Tally, version: Version) -> Result<(), StoreError> {
        let update = Update::new(WriteKind::DayKeep, keys::day(&owner.merchant_id, owner.mode, day))
            .at_version(version)
            .when("attribute_not_exists(#tally)", [])
            .set(TALLY, serde_dynamo::to_attribute_value(tally)?)
            .set("ttl", n(kept_until(start_of(day)).as_second()));
        update.send(&self.table).await.map(|_| ())
    }

    /// Removes what a day adds up to: something ended on it that may not be in it.
    async fn count_again(&self, merchant: &MerchantId, mode: Mode, day: Date) -> Result<(), StoreError> {
        let mut version = Version::of(None);
        for tried in 0..TRIES {
            let update = Update::new(WriteKind::DayCountAgain, keys::day(merchant, mode, day))
                .of_version(version)
                .set("ttl", n(kept_until(start_of(day)).as_second()))
                .remove(&[TALLY]);
            match update.send(&self.table).await? {
                Updated::New(_) => return Ok(()),
                // Somebody else has removed it since the try before this one, and so since what ended was noted.
                Updated::Refused(Some(item)) if tried > 0 && !item.contains_key(TALLY) => return Ok(()),
                Updated::Refused(item) => version = Version::of(item.as_ref()),
            }
        }
        Err(StoreError::Conflict { operation: WriteKind::DayCountAgain.as_str() })
    }
}
