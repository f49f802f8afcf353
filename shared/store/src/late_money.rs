//! Money that moves for an attempt that is over: noted on its session, so that a person returns it.

use models::{LateMoney, MinorUnits, SessionId, SessionState};

use crate::error::StoreError;
use crate::keys;
use crate::sessions::Sessions;
use crate::table::{Item, Key, n, s};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

impl Sessions {
    /// Money moved for an attempt that was over: because the session had ended, deleted or not, or because the payer has
    /// chosen again. Only the first such payment is noted, again if more has come of it; whether it is this one.
    ///
    /// # Errors
    /// The table failed us, or the attempt is not over.
    pub async fn note_late_money(&self, id: &SessionId, money: &LateMoney) -> Result<bool, StoreError> {
        let key = keys::session(id);
        let update = Update::new(WriteKind::LateMoney, key.clone())
            .when(
                "attribute_exists(#pk) AND (attribute_not_exists(#late_money) \
                 OR (#late_money.#payment_id = :payment_id AND #late_money.#amount_minor < :amount))",
                [
                    (":payment_id", s(money.payment_id.as_str())),
                    // Nothing is less than nothing: where no amount is said, the first stays.
                    (":amount", n(money.amount_minor.map_or(0, MinorUnits::get))),
                ],
            )
            .when(
                "#state IN (:sent, :failed, :cancelled, :expired) OR #attempt.#number > :number \
                 OR (#attempt.#number = :number AND attribute_exists(#attempt.#ended))",
                [
                    (":sent", s(SessionState::Sent.as_str())),
                    (":failed", s(SessionState::Failed.as_str())),
                    (":cancelled", s(SessionState::Cancelled.as_str())),
                    (":expired", s(SessionState::Expired.as_str())),
                    (":number", n(money.attempt)),
                ],
            )
            .set("late_money", serde_dynamo::to_attribute_value(money)?);
        match update.send(&self.table).await? {
            Updated::New(_) => Ok(true),
            Updated::Refused(None) => Ok(false),
            Updated::Refused(Some(item)) => match late_money_of(&key, &item)? {
                // If it is the very same, this is its own write, whose answer was lost.
                Some(noted) => Ok(noted == *money),
                None => Err(StoreError::Disagreement { key: key.to_string() }),
            },
        }
    }

    /// The money that moved for an attempt of this session that was over, if any did: also of a session that was deleted. A
    /// consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn late_money(&self, id: &SessionId) -> Result<Option<LateMoney>, StoreError> {
        let key = keys::session(id);
        match self.table.get(key.clone()).await? {
            Some(item) => late_money_of(&key, &item),
            None => Ok(None),
        }
    }
}

fn late_money_of(key: &Key, item: &Item) -> Result<Option<LateMoney>, StoreError> {
    let noted = item.get("late_money").cloned().map(serde_dynamo::from_attribute_value).transpose();
    noted.map_err(|cause| StoreError::Unreadable { key: key.to_string(), cause })
}
