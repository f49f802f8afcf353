//! What is done about deliveries, by any caller: what is sent, an event is delivered again, and an endpoint is tested.

mod delivery;
mod test_event;

use models::{CursorId, EndpointId};
use queue::Queue;
use runtime::Clock;
use store::{Cursors, Endpoints, StoreError, StoredEvent, Table};

pub use delivery::{delivery, note};
pub use test_event::TestEvents;

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

    /// The endpoints of the event's merchant that are enabled and subscribe to its type now.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn subscribers(&self, event: &StoredEvent) -> Result<Vec<EndpointId>, StoreError> {
        let endpoints = self.endpoints.of(event.object.merchant_id()).await?;
        let subscribers = endpoints.iter().filter(|endpoint| endpoint.wants(&event.object));
        Ok(subscribers.map(|endpoint| endpoint.id).collect())
    }

    /// Delivers the event again to these endpoints of its merchant.
    ///
    /// # Errors
    /// The table failed us; to some it may be delivered.
    pub async fn replay(&self, event: &StoredEvent, to: &[EndpointId]) -> Result<(), StoreError> {
        for endpoint_id in to {
            let cursor = CursorId {
                object_id: event.object.id(),
                merchant_id: event.object.merchant_id().clone(),
                endpoint_id: *endpoint_id,
                replay_of: Some(event.sequence),
            };
            self.cursors.replay(&cursor, &event.id(), self.clock.now()).await?;
            if let Err(error) = self.webhooks.enqueue(&cursor.to_string()).await {
                tracing::warn!(%cursor, %error, "a cursor could not be queued; `expire` will queue it");
            }
        }
        Ok(())
    }
}
