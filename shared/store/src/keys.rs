//! How items are keyed. Nothing outside of this crate spells a key.

use std::fmt;

use models::{ApiKeyId, EndToEndId, LinkedAccount, MailId, MerchantId, Mode, RefundId, SessionId, SortableTimestamp};

use crate::table::Key;

pub(crate) const PROFILE: &str = "PROFILE";
pub(crate) const KEY_PREFIX: &str = "KEY#";
pub(crate) const ACCOUNT_PREFIX: &str = "ACCOUNT#";
pub(crate) const SESSION_SK: &str = "SESSION";
pub(crate) const REFUND_PREFIX: &str = "REFUND#";

pub(crate) fn merchant_pk(id: &MerchantId) -> String {
    format!("MERCHANT#{id}")
}

pub(crate) fn profile(id: &MerchantId) -> Key {
    Key::new(merchant_pk(id), PROFILE)
}

pub(crate) fn api_key(id: &ApiKeyId) -> Key {
    Key::new(merchant_pk(id.merchant()), format!("{KEY_PREFIX}{id}"))
}

pub(crate) fn linked_account(merchant: &MerchantId, linked: &LinkedAccount) -> Key {
    let account = &linked.account;
    let sk = format!("{ACCOUNT_PREFIX}{}-{}", account.sort_code.as_str(), account.account_number.as_str());
    Key::new(merchant_pk(merchant), sk)
}

pub(crate) fn session_pk(id: &SessionId) -> String {
    format!("SESSION#{id}")
}

pub(crate) fn session(id: &SessionId) -> Key {
    Key::new(session_pk(id), SESSION_SK)
}

/// A refund stands beside the session that it refunds.
pub(crate) fn refund(session: &SessionId, id: &RefundId) -> Key {
    Key::new(session_pk(session), format!("{REFUND_PREFIX}{id}"))
}

/// Says of which session a refund is.
pub(crate) fn refund_pointer(id: &RefundId) -> Key {
    Key::new(format!("{REFUND_PREFIX}{id}"), "REFUND")
}

pub(crate) fn event(object: impl fmt::Display, sequence: usize) -> Key {
    Key::new(format!("EVENTS#{object}"), format!("EVENT#{sequence:06}"))
}

pub(crate) fn mail(id: &MailId) -> Key {
    Key::new(format!("MAIL#{}", id.topic.object()), format!("{}#{}", id.topic.kind(), id.sequence))
}

pub(crate) fn mock_attempt(payment: EndToEndId, attempt: u8) -> Key {
    Key::new(format!("MOCKBANK#{payment}"), format!("ATTEMPT#{attempt}"))
}

pub(crate) fn mock_order(payment: EndToEndId) -> Key {
    Key::new(format!("MOCKBANK#{payment}"), "ORDER")
}

/// Partition of the list index. One shard until a merchant needs more; each item keeps its own.
pub(crate) fn list_pk(merchant: &MerchantId, mode: Mode) -> String {
    format!("{merchant}#{}#0", mode.as_str())
}

/// Sort key of the list index: by creation, then by id so that no two are the same.
pub(crate) fn list_sk(created_at: &SortableTimestamp, id: &SessionId) -> String {
    format!("{}#{id}", created_at.as_str())
}

/// Partition of the due index: 16 shards, by a hash of the key that never changes (FNV-1a).
pub(crate) fn due_pk(key: &Key) -> String {
    let hash = key.pk.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    due_shard(hash % crate::DUE_SHARDS)
}

pub(crate) fn due_shard(shard: u32) -> String {
    format!("DUE#{shard}")
}
