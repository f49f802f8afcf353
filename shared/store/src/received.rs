//! What has come of a payment by its payer's transfers.

use models::{Received, SessionId, SessionState};

use crate::error::StoreError;
use crate::keys;
use crate::session_writes::present;
use crate::sessions::Sessions;
use crate::table::n;
use crate::update::Update;
use crate::write::WriteKind;

impl Sessions {
    /// So much has come of attempt `number`, which is the latest and open, or paid the session, erased since or not. It is the
    /// provider's total, and noted only if it is more than what was: in whatever order totals are noted, the highest stays.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn note_received(&self, id: &SessionId, number: u8, received: &Received) -> Result<(), StoreError> {
        let states = [SessionState::AwaitingPaymentConsent, SessionState::Pending, SessionState::Sent];
        let update = present(Update::new(WriteKind::Received, keys::session(id)))
            .when_one_of("state", states.map(SessionState::as_str))
            .when(
                "#attempt.#number = :number OR (attribute_not_exists(#attempt) AND attribute_exists(#received))",
                [(":number", n(number))],
            )
            .when("attribute_not_exists(#attempt.#ended)", [])
            .when("attribute_not_exists(#received) OR #received.#total < :total", [(":total", n(received.total.get()))])
            .set("received", serde_dynamo::to_attribute_value(received)?);
        // Refused means that as much is known, or that it has ended: then it is late money.
        update.send(&self.table).await.map(drop)
    }
}
