//! Attempts whose money moves at consent, and how attempts end without their session.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use models::{
    AttemptEnd, BankId, LateMoney, ProviderPaymentId, Session, SessionId, SessionState, SortableTimestamp,
    TransferInstructions,
};

use crate::bank_payments::{self, BankPayment};
use crate::change::{Change, ChangeError, Changed};
use crate::error::StoreError;
use crate::keys;
use crate::session_writes::{ForRefund, present, transition};
use crate::sessions::{Sessions, of_attempt};
use crate::table::{Item, Key, n, read, s};
use crate::tombstone::is_tombstone;
use crate::transaction::{Transacted, Transaction, Verdict, get_settled};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

impl Sessions {
    /// The provider says what it calls attempt `number`, whose money moves at consent; and, if the payer is to make a
    /// transfer, where to. One transaction, which also puts the item that finds the session by that id. It may be repeated.
    ///
    /// If the session has moved on, so that this is no longer its latest attempt, or if the provider had called it something
    /// else, that item is put alone: money that moves all the same must be found.
    ///
    /// # Errors
    /// [`ChangeError::Refused`] with the session if it has moved on, [`ChangeError::NotFound`] if it was deleted; else the table
    /// failed us, or the provider calls another attempt by this id.
    pub async fn provider_answered(
        &self,
        id: &SessionId,
        number: u8,
        provider: &BankId,
        payment_id: &ProviderPaymentId,
        transfer: Option<&TransferInstructions>,
    ) -> Result<Session, ChangeError> {
        let key = keys::session(id);
        let payment = bank_payments::record(provider, payment_id, BankPayment { session_id: *id, attempt: number });
        let update = present(Update::new(WriteKind::ProviderAnswer, key.clone())).when(
            "attribute_not_exists(#attempt.#at_consent.#payment_id) OR #attempt.#at_consent.#payment_id = :payment_id",
            [(":payment_id", s(payment_id.as_str()))],
        );
        let update = of_attempt(update, number)
            .when(
                "attribute_exists(#attempt.#at_consent) AND #attempt.#bank = :provider",
                [(":provider", s(provider.as_str()))],
            )
            .set_inside("#attempt.#at_consent.#payment_id", s(payment_id.as_str()));
        let update = match transfer {
            Some(transfer) => {
                let transfer: AttributeValue = serde_dynamo::to_attribute_value(transfer).map_err(StoreError::from)?;
                update.set_inside("#attempt.#at_consent.#transfer", transfer)
            }
            None => update,
        };
        let verdicts = match Transaction::default().update(update).update(payment.clone()).send(&self.table).await? {
            Transacted::Done => {
                let item = get_settled(&self.table, key.clone()).await?.ok_or(ChangeError::NotFound)?;
                return session_of(key, item);
            }
            Transacted::Refused(verdicts) => verdicts,
        };
        let item = match verdicts.of(0) {
            Verdict::Refused(Some(item)) => item,
            Verdict::Refused(None) => return Err(ChangeError::NotFound),
            Verdict::Held => return Err(of_another(provider, payment_id).into()),
        };
        match payment.send(&self.table).await? {
            Updated::New(_) => Err(ChangeError::Refused(Box::new(session_of(key, item)?))),
            Updated::Refused(_) => Err(of_another(provider, payment_id).into()),
        }
    }

    /// The provider says that the payer consented to attempt `number`, which must be the latest and move its money at consent:
    /// the money moves without us, also after `expires_at`. `next_check_at` is when the provider is next asked.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn authorised(
        &self,
        change: Change,
        number: u8,
        next_check_at: Timestamp,
    ) -> Result<Changed, ChangeError> {
        let authorised = |change: &Change| {
            of_attempt(transition(change, None), number)
                .when("attribute_exists(#attempt.#at_consent)", [])
                .set("due_at", s(SortableTimestamp::from(next_check_at).as_str()))
        };
        self.apply(change, None, ForRefund::Submitted, authorised).await
    }

    /// The latest attempt of `session`, as it was read, is over by the provider's final word, and its money never moves: the
    /// payer may choose again. An attempt that was consented to ends so only where the session allows another (`retry`),
    /// and never of a session that pays a refund.
    ///
    /// # Errors
    /// See [`ChangeError`].
    pub async fn end_attempt(
        &self,
        change: Change,
        session: &Session,
        end: AttemptEnd,
    ) -> Result<Changed, ChangeError> {
        let consenting = (":consenting", s(SessionState::AwaitingPaymentConsent.as_str()));
        let ended = |change: &Change| {
            of_attempt(transition(change, None), session.attempt_number())
                .when(
                    "#state = :consenting OR (#retry = :yes AND attribute_not_exists(#pays_refund))",
                    [consenting.clone(), (":yes", AttributeValue::Bool(true))],
                )
                .set_inside("#attempt.#ended", s(end.as_str()))
                .remove(&["submission"])
                .set("due_at", s(SortableTimestamp::from(session.expires_at).as_str()))
        };
        self.apply(change, None, ForRefund::OpenAtConsent(false), ended).await
    }

    /// Money moved for an attempt that was over: because the session had ended, deleted or not, or because the payer has
    /// chosen again. Only the first such payment is noted; whether it is this one.
    ///
    /// # Errors
    /// The table failed us, or the attempt is not over.
    pub async fn note_late_money(&self, id: &SessionId, money: &LateMoney) -> Result<bool, StoreError> {
        let key = keys::session(id);
        let update = Update::new(WriteKind::LateMoney, key.clone())
            .when("attribute_exists(#pk) AND attribute_not_exists(#late_money)", [])
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

fn session_of(key: Key, item: Item) -> Result<Session, ChangeError> {
    if is_tombstone(&item) { Err(ChangeError::NotFound) } else { Ok(read(key, item)?) }
}

/// The provider calls two attempts by the same id.
fn of_another(provider: &BankId, payment_id: &ProviderPaymentId) -> StoreError {
    StoreError::Disagreement { key: keys::bank_payment(provider, payment_id).to_string() }
}
