//! Whose a provider's payment is: what leads from a provider's webhook to a session.

use aws_sdk_dynamodb::types::AttributeValue;
use models::{
    BankId, History, LateMoney, Mode, PaymentAttempt, ProviderPaymentId, Session, SessionId, SessionState,
    TransferInstructions,
};
use serde::Deserialize;

use crate::change::ChangeError;
use crate::error::StoreError;
use crate::keys;
use crate::session_writes::{of_attempt, present};
use crate::sessions::Sessions;
use crate::table::{Item, Key, SCHEMA_VERSION, Table, n, read, s};
use crate::tombstone::is_tombstone;
use crate::transaction::{Transacted, Transaction, Verdict, get_settled};
use crate::update::{Update, Updated};
use crate::write::WriteKind;

/// The payments that providers know, by what they call them.
#[derive(Debug, Clone)]
pub struct BankPayments {
    table: Table,
}

/// A provider's payment. It stays when the session is erased or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct BankPayment {
    /// Which session it pays.
    pub session_id: SessionId,
    /// Which of the session's attempts it is.
    pub attempt: u8,
}

/// A provider's payment, by what the provider calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPayment {
    /// Who knows it: a bank, or the provider of many.
    pub provider: BankId,
    /// What the provider calls it.
    pub id: ProviderPaymentId,
    /// What it pays.
    pub pays: BankPayment,
}

impl KnownPayment {
    /// What an item is, if it is one.
    pub(crate) fn of(item: Item) -> Option<Self> {
        let (provider, id) =
            item.get("pk")?.as_s().ok()?.strip_prefix(keys::BANK_PAYMENT_PK_PREFIX)?.split_once('#')?;
        let (provider, id) = (provider.parse().ok()?, id.parse().ok()?);
        Some(Self { provider, id, pays: serde_dynamo::from_item(item).ok()? })
    }
}

/// What a provider's payment is compared with: how its session stands. Of a deleted one, all that is left.
#[derive(Debug, Clone, Deserialize)]
pub struct PaidSession {
    /// Test or live.
    pub mode: Mode,
    /// As it was recorded last.
    pub state: SessionState,
    /// All that happened to it.
    pub history: History,
    /// Its latest attempt; none if it was deleted or erased.
    #[serde(default)]
    pub attempt: Option<PaymentAttempt>,
    /// The money that moved for an attempt that was over, if any is noted.
    #[serde(default)]
    pub late_money: Option<LateMoney>,
}

impl BankPayments {
    /// The payments in this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The payment that this provider calls so, if we began it and know its id. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn get(&self, provider: &BankId, id: &ProviderPaymentId) -> Result<Option<BankPayment>, StoreError> {
        let key = keys::bank_payment(provider, id);
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }

    /// The session that a payment pays, deleted or not. A consistent read.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn session(&self, payment: &BankPayment) -> Result<Option<PaidSession>, StoreError> {
        let key = keys::session(&payment.session_id);
        self.table.get(key.clone()).await?.map(|item| read(key, item)).transpose()
    }
}

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
        let payment = record(provider, payment_id, BankPayment { session_id: *id, attempt: number });
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
}

/// Records whose the payment of a session's attempt is that is open, if it is.
pub(crate) fn of_open_attempt(session: &Session) -> Option<Update> {
    let attempt = session.open_at_consent()?;
    let payment_id = attempt.at_consent.as_ref()?.payment_id.as_ref()?;
    Some(record(&attempt.bank, payment_id, BankPayment { session_id: session.id, attempt: attempt.number }))
}

/// Records whose a provider's payment is. It may be repeated, and is never another session's or attempt's afterwards.
fn record(provider: &BankId, id: &ProviderPaymentId, payment: BankPayment) -> Update {
    let (session_id, attempt) = (s(payment.session_id.to_string()), n(payment.attempt));
    Update::new(WriteKind::BankPayment, keys::bank_payment(provider, id))
        .when("attribute_not_exists(#pk) OR (#session_id = :set_session_id AND #attempt = :set_attempt)", [])
        .set("session_id", session_id)
        .set("attempt", attempt)
        .set("schema_version", n(SCHEMA_VERSION))
}

fn session_of(key: Key, item: Item) -> Result<Session, ChangeError> {
    if is_tombstone(&item) { Err(ChangeError::NotFound) } else { Ok(read(key, item)?) }
}

/// The provider calls two attempts by the same id.
fn of_another(provider: &BankId, payment_id: &ProviderPaymentId) -> StoreError {
    StoreError::Disagreement { key: keys::bank_payment(provider, payment_id).to_string() }
}
