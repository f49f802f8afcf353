//! Removes personal data that has been kept for long enough.

use std::time::SystemTime;

use futures_util::StreamExt;
use futures_util::future::ready;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use runtime::Metric;
use store::{Erasable, Erased, FINAL_SHARDS};
use tracing::field::display;

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
                    tracing::error!(shard, %error, "a shard of what is done with could not be read");
                    Metric::DueFailed.count();
                    return;
                }
            };
            let in_time = futures_util::stream::iter(page.items).take_while(|_| ready(!self.clock.is_past(stop_at)));
            in_time.for_each_concurrent(CONCURRENCY, |found| self.erase_one(found, before, now)).await;
            position = page.next;
            if position.is_none() {
                return;
            }
        }
    }

    async fn erase_one(&self, found: Erasable, before: Timestamp, now: Timestamp) {
        let done = match found {
            Erasable::Session(id) => self.erasures.erase_alone(&id, now).await,
            Erasable::Customer(id) => self.erasures.erase_customer(&id, Some(before), now).await,
        };
        let (session_id, customer_id) = match found {
            Erasable::Session(id) => (Some(display(id)), None),
            Erasable::Customer(id) => (None, Some(display(id))),
        };
        match done {
            Ok(erased) => {
                tracing::info!(session_id, customer_id, ?erased, "personal data kept for long enough");
                match (found, erased) {
                    (Erasable::Session(_), Erased::Done) => Metric::SessionsErased.count(),
                    (Erasable::Customer(_), Erased::Done) => Metric::CustomersErased.count(),
                    (_, Erased::AlreadyErased | Erased::NotFinal | Erased::NotFound) => {}
                }
            }
            Err(error) => {
                tracing::error!(session_id, customer_id, %error, "personal data could not be removed yet");
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
