//! What comes of a payment that its payer makes by transfers of their own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::money::MinorUnits;

/// What has come, as the provider says: in all, so that it is set and never added to. No personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// How much. It only rises.
    pub total: MinorUnits,
    /// When it was noted.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
}
