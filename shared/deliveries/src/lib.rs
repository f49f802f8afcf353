//! What is done about deliveries, whoever asks: an event is delivered again.

use models::{CursorId, EndpointId};
use queue::Queue;
use runtime::Clock;
use store::{Cursors, Endpoints, StoreError, StoredEvent, Table};

/// What is done about the deliveries of one table's events.
#[derive(Debug)]
pub struct Deliveries {
    endpoints: Endpoints,
    cursors: Cursors,
    webhooks: Queue,
    clock: Clock,
}

impl Deliveries {
    /// Of this table, by this queue and clock.
    pub fn new(table: Table, webhooks: Queue, clock: Clock) -> Self {
        Self { endpoints: Endpoints::new(table.clone()), cursors: Cursors::new(table), webhooks, clock }
    }

    /// Delivers the event again to every endpoint of its merchant that subscribes to its type now; those that it is delivered to.
    ///
    /// # Errors
    /// The table failed us; to some it may be delivered.
    pub async fn replay(&self, event: &StoredEvent) -> Result<Vec<EndpointId>, StoreError> {
        let merchant_id = event.object.merchant_id();
        let endpoints = self.endpoints.of(merchant_id).await?;
        let mut replayed_to = Vec::new();
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.wants(&event.object)) {
            let cursor = CursorId {
                object_id: event.object.id(),
                merchant_id: merchant_id.clone(),
                endpoint_id: endpoint.id,
                replay_of: Some(event.sequence),
            };
            self.cursors.replay(&cursor, &event.id(), self.clock.now()).await?;
            if let Err(error) = self.webhooks.enqueue(&cursor.to_string()).await {
                tracing::warn!(%cursor, %error, "a cursor could not be queued; `expire` will queue it");
            }
            replayed_to.push(endpoint.id);
        }
        Ok(replayed_to)
    }
}
