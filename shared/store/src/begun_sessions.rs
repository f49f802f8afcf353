//! Sessions that are created with their first attempt begun.

use models::Session;

use crate::bank_payments::of_open_attempt;
use crate::error::StoreError;
use crate::mock_ledger::NewMockEntries;
use crate::session_item::item_as_it_is;
use crate::sessions::{Created, Fingerprint, Sessions, created};
use crate::table::Put;
use crate::transaction::{Transacted, Transaction, Verdict};
use crate::write::WriteKind;

impl Sessions {
    /// Creates a session whose first attempt begins with it: in one transaction with what finds it by its provider's payment, and
    /// with what that provider, a mock one, has of it in its ledger.
    ///
    /// # Errors
    /// The table failed us; all of it may have been done. Or the ledger has such a payment, of another session.
    pub async fn create_begun(
        &self,
        session: Session,
        fingerprint: Option<Fingerprint>,
        ledger: NewMockEntries,
    ) -> Result<Created, StoreError> {
        let (key, mut item) = item_as_it_is(&session)?;
        if let Some(fingerprint) = fingerprint {
            item.insert("fingerprint".into(), fingerprint.as_attribute());
        }
        let mut all = Transaction::default().put_new(WriteKind::SessionCreate, key.clone(), item);
        if let Some(payment) = of_open_attempt(&session) {
            all = all.update(payment);
        }
        for (key, item) in ledger.take() {
            all = all.put_new(WriteKind::MockLedger, key, item);
        }
        match all.send(&self.table).await? {
            Transacted::Done => created(session, Put::Done),
            Transacted::Refused(verdicts) => match verdicts.of(0) {
                Verdict::Refused(existing) => created(session, Put::Exists(existing.unwrap_or_default())),
                Verdict::Held => Err(StoreError::Disagreement { key: key.to_string() }),
            },
        }
    }
}
