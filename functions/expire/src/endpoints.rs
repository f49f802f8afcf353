//! Resumes webhook endpoints.

use std::time::SystemTime;

use futures_util::StreamExt;
use futures_util::future::ready;
use jiff::Timestamp;
use lambda_runtime::Error;
use models::{CursorId, EndpointId, MerchantId};
use runtime::Metric;
use store::{BackingOff, Cursors, Search, StoreError};

use crate::handler::{CONCURRENCY, Expire};

impl Expire {
    /// Makes due again what was to be delivered to an endpoint and was paused, and what waits for its next try, within the time; the
    /// rest follows in a minute, for the endpoint stays due until nothing is paused any more, and for two minutes at least. So what
    /// was being delivered when it was resumed, and failed after that, is found too.
    pub(crate) async fn resume(
        &self,
        merchant_id: &MerchantId,
        id: EndpointId,
        now: Timestamp,
        stop_at: SystemTime,
    ) -> Result<(), Error> {
        let paused = self.cursors.paused_of(&id, Cursors::ENOUGH_TO_RESUME).await?;
        let any = !paused.is_empty();
        let in_time = futures_util::stream::iter(paused).take_while(|_| ready(!self.clock.is_past(stop_at)));
        in_time.for_each_concurrent(CONCURRENCY, |cursor| self.resume_one(cursor, now)).await;
        let waiting = self.cursors.backing_off(&id, now, Search::Thorough).await?.cursors;
        let in_time = futures_util::stream::iter(waiting).take_while(|_| ready(!self.clock.is_past(stop_at)));
        in_time.for_each_concurrent(CONCURRENCY, |one| self.hasten_one(one, now)).await;
        if !any && !self.clock.is_past(stop_at) {
            self.endpoints.resumed(merchant_id, &id, now).await?;
            tracing::info!(%merchant_id, endpoint_id = %id, "an endpoint is resumed");
        }
        Ok(())
    }

    async fn resume_one(&self, cursor: CursorId, now: Timestamp) {
        let resumed = self.cursors.resume(&cursor, now).await;
        self.queue(&cursor, resumed).await;
    }

    async fn hasten_one(&self, waiting: BackingOff, now: Timestamp) {
        let hastened = self.cursors.hasten(&waiting, now).await;
        self.queue(&waiting.id, hastened).await;
    }

    /// Queues a cursor that was made due, if it was.
    async fn queue(&self, cursor: &CursorId, made_due: Result<(), StoreError>) {
        let queued = match made_due {
            Ok(()) => self.webhooks.enqueue(&cursor.to_string()).await.map_err(Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = queued {
            tracing::error!(%cursor, %error, "a cursor could not be resumed yet");
            Metric::DueFailed.count();
        }
    }
}
