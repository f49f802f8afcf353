//! When API keys were last used to make or change something, to the day.
//!
//! What was noted is remembered, so that a payment costs nothing for it: a key is read once a day by each process, and written
//! once a day by one of them (docs/decisions/0051-overview.md).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lambda_events::event::dynamodb::EventRecord;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lambda_runtime::Error;
use models::ApiKeyId;
use runtime::Clock;
use store::{Merchants, Table};

/// How many keys are remembered, each with a day.
const MAX_REMEMBERED: usize = 10_000;

/// How long a batch waits for it: a hundred keys need no more, unless the table has trouble.
const MOST_FOR_A_BATCH: Duration = Duration::from_secs(2);

/// How long nothing is noted after that was not enough, or after an error: or every batch would wait.
const PAUSE: Duration = Duration::from_secs(60);

/// Notes when keys were used.
#[derive(Debug)]
pub(crate) struct UsedKeys {
    merchants: Merchants,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The latest day of each key that this process knows to be noted.
    noted: HashMap<ApiKeyId, Date>,
    /// When something could not be noted.
    failed_at: Option<Instant>,
}

impl UsedKeys {
    pub(crate) fn new(table: Table, clock: Clock) -> Self {
        Self { merchants: Merchants::new(table), clock, state: Mutex::default() }
    }

    /// The keys with which these records' changes were made, each with its latest day by UTC, if this process has not noted that;
    /// none for a minute after something could not be noted. What follows a test clock counts by the real time.
    pub(crate) fn not_noted(&self, records: &[EventRecord]) -> HashMap<ApiKeyId, Date> {
        let state = self.state();
        if state.failed_at.is_some_and(|at| self.clock.elapsed(at) < PAUSE) {
            return HashMap::new();
        }
        let used = records.iter().filter_map(|record| {
            let change = &record.change;
            let id = store::key_used(&change.old_image, &change.new_image)?;
            let at = Timestamp::from_second(change.approximate_creation_date_time.timestamp()).ok()?;
            Some((id, at.to_zoned(TimeZone::UTC).date()))
        });
        let mut latest = HashMap::new();
        for (id, on) in used.filter(|(id, on)| state.noted.get(id).is_none_or(|noted| noted < on)) {
            raise(&mut latest, id, on);
        }
        latest
    }

    /// Notes that keys were used on these days, for two seconds at the most. What could not be noted is not tried again: the keys'
    /// next use is noted.
    pub(crate) async fn note(&self, used: HashMap<ApiKeyId, Date>) {
        let noted = match tokio::time::timeout(MOST_FOR_A_BATCH, self.note_all(used)).await {
            Ok(noted) => noted,
            Err(elapsed) => Err(elapsed.into()),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "not all uses of keys could be noted; their next ones will be");
            self.state().failed_at = Some(self.clock.instant());
        }
    }

    /// Until the first error.
    async fn note_all(&self, used: HashMap<ApiKeyId, Date>) -> Result<(), Error> {
        for (id, on) in used {
            self.merchants.note_key_used(&id, on).await?;
            let mut state = self.state();
            if state.noted.len() >= MAX_REMEMBERED {
                state.noted.clear();
            }
            raise(&mut state.noted, id, on);
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The later day counts.
fn raise(days: &mut HashMap<ApiKeyId, Date>, id: ApiKeyId, on: Date) {
    let day = days.entry(id).or_insert(on);
    *day = on.max(*day);
}
