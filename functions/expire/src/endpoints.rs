//! Resumes webhook endpoints that were paused.

use std::time::SystemTime;

use futures_util::StreamExt;
use futures_util::future::ready;
use jiff::Timestamp;
use lambda_runtime::Error;
use models::{CursorId, EndpointId, MerchantId};
use runtime::Metric;
use store::Cursors;

use crate::handler::{CONCURRENCY, Expire};

impl Expire {
    /// Makes due again what was to be delivered to an endpoint and was paused, within the time; the rest follows in
    /// a minute, for the endpoint stays due until nothing is found any more.
    pub(crate) async fn resume(
        &self,
        merchant_id: &MerchantId,
        id: EndpointId,
        now: Timestamp,
        stop_at: SystemTime,
    ) -> Result<(), Error> {
        let paused = self.cursors.paused_of(&id, Cursors::ENOUGH_PAUSED).await?;
        let any = !paused.is_empty();
        let in_time = futures_util::stream::iter(paused).take_while(|_| ready(!self.clock.is_past(stop_at)));
        in_time.for_each_concurrent(CONCURRENCY, |cursor| self.resume_one(cursor, now)).await;
        if !any {
            self.endpoints.resumed(merchant_id, &id, now).await?;
            tracing::info!(%merchant_id, endpoint_id = %id, "an endpoint is resumed");
        }
        Ok(())
    }

    async fn resume_one(&self, cursor: CursorId, now: Timestamp) {
        let resumed = async {
            self.cursors.resume(&cursor, now).await?;
            Ok::<(), Error>(self.webhooks.enqueue(&cursor.to_string()).await?)
        };
        if let Err(error) = resumed.await {
            tracing::error!(%cursor, %error, "a cursor could not be resumed yet");
            Metric::DueFailed.count();
        }
    }
}
