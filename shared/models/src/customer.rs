//! A merchant's customer: whom its sessions are for, in the formats that have customers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, MerchantId};
use crate::list_shards::ListShard;
use crate::mode::Mode;
use crate::new_session::Metadata;
use crate::text::{EmailAddress, Name, PhoneNumber};
use crate::wire_format::{Extra, WireFormat};

/// What a client asks for when it creates a customer, valid by construction.
#[derive(Debug, Clone)]
pub struct NewCustomer {
    /// In whose format it is asked for.
    pub format: WireFormat,
    /// Where they are written to.
    pub email: EmailAddress,
    /// Their name.
    pub name: Option<Name>,
    /// Where they can be called.
    pub phone: Option<PhoneNumber>,
    /// The merchant's own notes.
    pub metadata: Metadata,
    /// What that format keeps of it for itself.
    pub extra: Option<Extra>,
}

/// What a customer is created with beside what the client asked for.
#[derive(Debug, Clone)]
pub struct CustomerCreation {
    /// The customer's id.
    pub id: CustomerId,
    /// Whose it is.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// In which of its merchant's lists' shards it is; see [`crate::ListSharding::shard_of`].
    pub list_shard: ListShard,
    /// Now.
    pub at: Timestamp,
}

impl Customer {
    /// A new customer.
    pub fn create(new: NewCustomer, creation: CustomerCreation) -> Self {
        let NewCustomer { format, email, name, phone, metadata, extra } = new;
        let CustomerCreation { id, merchant_id, mode, list_shard, at } = creation;
        let (created_at, changed_at) = (at, at);
        Self { id, merchant_id, mode, format, list_shard, created_at, changed_at, email, name, phone, metadata, extra }
    }
}

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
