//! Removes personal data that has been kept for long enough.

use std::time::SystemTime;

use futures_util::StreamExt;
use futures_util::future::ready;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use models::SessionId;
use runtime::Metric;
use store::{Erased, FINAL_SHARDS};

use crate::handler::{CONCURRENCY, Expire};

impl Expire {
    /// Removes personal data that has been kept for long enough. Nobody waits for it, so that each run reads one shard.
    pub(crate) async fn erase(&self, minute: i64, now: Timestamp, stop_at: SystemTime) {
        let Ok(shard) = u32::try_from(minute.rem_euclid(i64::from(FINAL_SHARDS))) else { return };
        let Ok(before) = months_before(now, self.personal_data_months) else { return };
        let mut position = None;
        while !self.clock.is_past(stop_at) {
            let page = match self.erasures.page(shard, before, position).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(shard, %error, "a shard of the sessions that have ended could not be read");
                    Metric::DueFailed.count();
                    return;
                }
            };
            let in_time = futures_util::stream::iter(page.items).take_while(|_| ready(!self.clock.is_past(stop_at)));
            in_time.for_each_concurrent(CONCURRENCY, |id| self.erase_one(id, now)).await;
            position = page.next;
            if position.is_none() {
                return;
            }
        }
    }

    async fn erase_one(&self, id: SessionId, now: Timestamp) {
        match self.erasures.erase_alone(&id, now).await {
            Ok(erased) => {
                tracing::info!(session_id = %id, ?erased, "personal data kept for long enough");
                if erased == Erased::Done {
                    Metric::SessionsErased.count();
                }
            }
            Err(error) => {
                tracing::error!(session_id = %id, %error, "personal data could not be removed yet");
                Metric::DueFailed.count();
            }
        }
    }
}

fn months_before(now: Timestamp, months: u16) -> Result<Timestamp, jiff::Error> {
    Ok(now.to_zoned(TimeZone::UTC).checked_sub(Span::new().try_months(months)?)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::MAX_PERSONAL_DATA_MONTHS;

    #[test]
    fn months_are_those_of_the_calendar() {
        let before = |now: &str, months| months_before(now.parse().unwrap(), months).unwrap().to_string();
        assert_eq!(before("2026-11-21T10:00:00Z", 1), "2026-10-21T10:00:00Z");
        assert_eq!(before("2026-03-31T10:00:00Z", 1), "2026-02-28T10:00:00Z");
        assert_eq!(before("2026-11-21T10:00:00Z", MAX_PERSONAL_DATA_MONTHS), "2006-11-21T10:00:00Z");
    }
}
