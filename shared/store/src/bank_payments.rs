//! Whose a provider's payment is: what leads from a provider's webhook to a session.

use models::{BankId, ProviderPaymentId, SessionId};
use serde::Deserialize;

use crate::error::StoreError;
use crate::keys;
use crate::table::{SCHEMA_VERSION, Table, n, read, s};
use crate::update::Update;
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
}

/// Records whose a provider's payment is. It may be repeated, and is never another session's or attempt's afterwards.
pub(crate) fn record(provider: &BankId, id: &ProviderPaymentId, payment: BankPayment) -> Update {
    let (session_id, attempt) = (s(payment.session_id.to_string()), n(payment.attempt));
    Update::new(WriteKind::BankPayment, keys::bank_payment(provider, id))
        .when("attribute_not_exists(#pk) OR (#session_id = :set_session_id AND #attempt = :set_attempt)", [])
        .set("session_id", session_id)
        .set("attempt", attempt)
        .set("schema_version", n(SCHEMA_VERSION))
}
