//! Whose sessions and refunds a caller may touch.

use models::{MerchantId, Mode, Refund, Session};

/// Whose sessions a caller may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
}

impl Owner {
    /// Whether the session is this owner's.
    pub fn owns(&self, session: &Session) -> bool {
        self.is(&session.merchant_id, session.mode)
    }

    /// Whether the refund is this owner's.
    pub fn owns_refund(&self, refund: &Refund) -> bool {
        self.is(&refund.merchant_id, refund.mode)
    }

    pub(crate) fn is(&self, merchant_id: &MerchantId, mode: Mode) -> bool {
        self.merchant_id == *merchant_id && self.mode == mode
    }
}
