//! Whose sessions, refunds and customers a caller may touch.

use models::{Customer, MerchantId, Mode, Refund, Session, WireFormat};
use serde::Deserialize;

/// Whose sessions, refunds and customers a caller may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// Through which format the caller comes: there is no other's for it. None is any.
    pub format: Option<WireFormat>,
}

impl Owner {
    /// Whether the session is this owner's, and shown.
    pub fn owns(&self, session: &Session) -> bool {
        self.is(&session.merchant_id, session.mode) && self.reads(session.format) && session.is_shown()
    }

    /// Whether the refund is this owner's.
    pub fn owns_refund(&self, refund: &Refund) -> bool {
        self.is(&refund.merchant_id, refund.mode) && self.reads(refund.format)
    }

    /// Whether the customer is this owner's.
    pub(crate) fn owns_customer(&self, customer: &Customer) -> bool {
        self.is(&customer.merchant_id, customer.mode) && self.reads(customer.format)
    }

    /// Whether what is left of a customer is this owner's.
    pub(crate) fn owns_what_is_left(&self, whose: &Whose) -> bool {
        self.is(&whose.merchant_id, whose.mode) && self.reads(whose.format)
    }

    pub(crate) fn is(&self, merchant_id: &MerchantId, mode: Mode) -> bool {
        self.merchant_id == *merchant_id && self.mode == mode
    }

    pub(crate) fn reads(&self, format: WireFormat) -> bool {
        self.format.is_none_or(|of| of == format)
    }
}

/// Whose an item is, read by itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Whose {
    pub(crate) merchant_id: MerchantId,
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) format: WireFormat,
}

/// The attributes that say so.
pub(crate) const WHOSE: [&str; 3] = ["merchant_id", "mode", "format"];
