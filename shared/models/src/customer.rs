//! A merchant's customer: whom its sessions are for, in the formats that have customers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, MerchantId};
use crate::list_shards::ListShard;
use crate::mode::Mode;
use crate::new_session::Metadata;
use crate::text::{EmailAddress, Name, PhoneNumber};
use crate::wire_format::{Extra, WireFormat};

/// A customer. Personal data, all but its id, its owner and its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Test or live, by the key that created it.
    pub mode: Mode,
    /// In whose format it was created; there is no other's for it.
    #[serde(default, skip_serializing_if = "WireFormat::is_banked")]
    pub format: WireFormat,
    /// In which of its merchant's lists' shards it is.
    #[serde(default, skip_serializing_if = "ListShard::is_first")]
    pub list_shard: ListShard,
    /// When it was created.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// When it was last changed; when it was created, if never.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub changed_at: Timestamp,
    /// Where they are written to.
    pub email: EmailAddress,
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Where they can be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
    /// The merchant's own notes.
    #[serde(default)]
    pub metadata: Metadata,
    /// What its format keeps of it for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Extra>,
}
