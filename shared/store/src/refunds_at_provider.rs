//! Refunds that the payment's own provider makes. Each was recorded before the provider heard of it, and stays due until the
//! provider has said how it ended.

use jiff::Timestamp;
use models::{ProviderRefundId, Refund, RefundEvent, WriteId};

use crate::error::StoreError;
use crate::keys;
use crate::refund_writes;
use crate::refunds::{RefundChangeError, RefundChanged, Refunds};
use crate::table::read;
use crate::transaction::Transaction;
use crate::update::Updated;

/// How a refund ended at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundConclusion {
    /// The money is back.
    Settled,
    /// It finally won't be.
    Refused,
}

impl RefundConclusion {
    const fn refund_event(self) -> RefundEvent {
        match self {
            Self::Settled => RefundEvent::Settled,
            Self::Refused => RefundEvent::DeclinedByBank,
        }
    }
}

impl Refunds {
    /// The provider has accepted a refund, and calls it this. It may be repeated.
    ///
    /// # Errors
    /// [`RefundChangeError::Refused`] with the refund if it has ended, or if the provider had called it something else.
    pub async fn provider_accepted(&self, refund: &Refund, id: &ProviderRefundId) -> Result<Refund, RefundChangeError> {
        let key = keys::refund(&refund.session_id, &refund.id);
        match refund_writes::accepted(refund, id).send(&self.table).await? {
            Updated::New(item) => Ok(read(key, item)?),
            Updated::Refused(Some(item)) => Err(RefundChangeError::Refused(Box::new(read(key, item)?))),
            Updated::Refused(None) => Err(StoreError::Disagreement { key: key.to_string() }.into()),
        }
    }

    /// The provider has said how a refund ended that is known to it by the same id as `refund`, or, if it was refused, by none
    /// yet. If no money moves, the amount goes back to the refunded session in the same transaction.
    ///
    /// # Errors
    /// See [`RefundChangeError`].
    pub async fn conclude(
        &self,
        refund: &Refund,
        conclusion: RefundConclusion,
        at: Timestamp,
        write_id: &WriteId,
    ) -> Result<RefundChanged, RefundChangeError> {
        let concluded = |at| {
            let update = refund_writes::concluded(refund, conclusion.refund_event(), at, write_id);
            let transaction = Transaction::default().update(update);
            match conclusion {
                RefundConclusion::Settled => transaction,
                RefundConclusion::Refused => {
                    transaction.update(refund_writes::give_back(&refund.session_id, refund.amount))
                }
            }
        };
        self.change(refund, at, write_id, concluded).await
    }

    /// When the provider is next asked about a refund. Of one that has ended, nothing is written.
    ///
    /// # Errors
    /// The table failed us.
    pub async fn check_again_at(&self, refund: &Refund, at: Timestamp) -> Result<(), StoreError> {
        refund_writes::check_again_at(refund, at).send(&self.table).await.map(|_| ())
    }
}
