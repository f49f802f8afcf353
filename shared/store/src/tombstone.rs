//! What is left of a deleted session.

use jiff::Timestamp;
use models::{History, MerchantId, Mode, OnClock, SessionState, WireFormat, WriteId};
use serde::Deserialize;

use crate::table::Item;

/// What is left of a deleted session, without anything personal.
#[derive(Debug, Deserialize)]
pub(crate) struct Tombstone {
    pub(crate) merchant_id: MerchantId,
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) format: WireFormat,
    pub(crate) state: SessionState,
    pub(crate) history: History,
    #[serde(default)]
    pub(crate) test_clock: Option<OnClock>,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(crate) deleted_at: Timestamp,
    #[serde(default)]
    pub(crate) deleted_by: Option<WriteId>,
}

/// The attributes that deleting removes: all that a client or payer wrote, and the keys of the indexes that it is in.
pub(crate) const ERASED: [&str; 25] = [
    "payer",
    "payer_named_at_creation",
    "payee",
    "line_items",
    "description",
    "reference",
    "success_url",
    "error_url",
    "cancel_url",
    "payment_methods",
    "offer_limits",
    "customer_id",
    "locale",
    "email_link",
    "retry",
    "extra",
    "metadata",
    "base_url",
    "attempt",
    "fingerprint",
    "email_receipt",
    "list_pk",
    "list_sk",
    "final_pk",
    "final_at",
];

pub(crate) fn is_tombstone(item: &Item) -> bool {
    item.contains_key("deleted_at")
}
