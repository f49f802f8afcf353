//! Money that was taken back after it was sent: noted on its session, so that nothing of it is refunded and a person knows.

use models::{SessionId, SessionState, TakenBack};

use crate::error::StoreError;
use crate::keys;
use crate::session_writes::present;
use crate::sessions::Sessions;
use crate::update::{Update, Updated};
use crate::write::WriteKind;

impl Sessions {
    /// The money of a session that is sent was taken back. What is noted first stays; whether it is this.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn note_taken_back(&self, id: &SessionId, taken_back: &TakenBack) -> Result<bool, StoreError> {
        let value: aws_sdk_dynamodb::types::AttributeValue = serde_dynamo::to_attribute_value(taken_back)?;
        let update = present(Update::new(WriteKind::TakenBack, keys::session(id)))
            .when_one_of("state", [SessionState::Sent.as_str()])
            .when("attribute_not_exists(#taken_back)", [])
            .set("taken_back", value.clone());
        Ok(match update.send(&self.table).await? {
            Updated::New(_) => true,
            // If it is the very same, this is its own write, whose answer was lost.
            Updated::Refused(item) => item.is_some_and(|item| item.get("taken_back") == Some(&value)),
        })
    }
}
