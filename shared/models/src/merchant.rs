//! Merchants, their API keys, and what a credential may do.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::account::{AccountIdentifier, LinkedAccount};
use crate::ids::{ApiKeyId, MerchantId};
use crate::list_shards::ListSharding;
use crate::text::Name;

/// One thing that a credential may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read and list payment sessions, refunds, events and webhook endpoints.
    PaymentSessionsRead,
    /// Create, cancel and delete payment sessions.
    PaymentSessionsWrite,
    /// Refund payments.
    RefundsWrite,
    /// Register, change and remove webhook endpoints, and replay events.
    WebhooksWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] =
        [Self::PaymentSessionsRead, Self::PaymentSessionsWrite, Self::RefundsWrite, Self::WebhooksWrite];

    /// As OAuth's `scope` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentSessionsRead => "payment_sessions:read",
            Self::PaymentSessionsWrite => "payment_sessions:write",
            Self::RefundsWrite => "refunds:write",
            Self::WebhooksWrite => "webhooks:write",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    const fn bit(self) -> u8 {
        match self {
            Self::PaymentSessionsRead => 1,
            Self::PaymentSessionsWrite => 2,
            Self::RefundsWrite => 4,
            Self::WebhooksWrite => 8,
        }
    }
}

/// A set of scopes; `Display` and `FromStr` are OAuth's space-separated list (RFC 6749, 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(u8);

impl Scopes {
    /// All there are: what an API key has unless it was issued with fewer.
    pub const ALL: Self = Self(1 | 2 | 4 | 8);

    /// None.
    pub const NONE: Self = Self(0);

    /// Whether `scope` is in the set.
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Those that a text names, in capitals or small letters, whatever stands between them: a wrong separator is a typo too, and
    /// must not grant more than what is named.
    pub fn known_of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let words = text.split(|letter: char| !(letter.is_ascii_lowercase() || matches!(letter, '_' | ':')));
        Self(words.filter_map(Scope::of_word).fold(0, |bits, scope| bits | scope.bit()))
    }

    /// What both sets hold.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// The text names something that is not a scope of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a list of known scopes")]
pub struct UnknownScope;

impl FromStr for Scopes {
    type Err = UnknownScope;
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let mut bits = 0;
        for word in text.split_ascii_whitespace() {
            bits |= Scope::of_word(word).ok_or(UnknownScope)?.bit();
        }
        Ok(Self(bits))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = Scope::ALL.into_iter().filter(|scope| self.allow(*scope)).map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

impl TryFrom<String> for Scopes {
    type Error = UnknownScope;
    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> String {
        scopes.to_string()
    }
}

/// An API key as it is kept: its secret only as a hash.
#[derive(Clone, Serialize, Deserialize)]
pub struct ApiKey {
    /// The public half.
    pub id: ApiKeyId,
    /// What people know it by, if it was given a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// SHA-256 of the secret half. The secret has 256 random bits, so that a slow hash would add nothing.
    #[serde(with = "serde_bytes")]
    pub secret_sha256: [u8; 32],
    /// What this key's tokens are signed with; revoking the key ends them.
    #[serde(with = "serde_bytes")]
    pub token_secret: [u8; 32],
    /// What the key may do.
    pub scopes: Scopes,
    /// When it was issued.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// When it was revoked; a warm function may honour it for 30 seconds more.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub revoked_at: Option<Timestamp>,
    /// When it ends by itself, if another has taken its place.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::millisecond::optional"
    )]
    pub valid_until: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it is valid at this time: neither revoked nor ended.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.valid_until.is_none_or(|until| now < until)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).field("revoked_at", &self.revoked_at).finish_non_exhaustive()
    }
}

/// For how long an API key stays valid beside the one that takes its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum KeyOverlap {
    /// An hour.
    Hour,
    /// A day.
    #[default]
    Day,
    /// A week.
    Week,
}

/// It is none of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1h, 24h or 7d")]
pub struct InvalidKeyOverlap;

impl KeyOverlap {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// As it is spelled on the command line and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// When it is over that begins now.
    pub fn after(self, now: Timestamp) -> Timestamp {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
        };
        now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
    }
}

impl FromStr for KeyOverlap {
    type Err = InvalidKeyOverlap;
    fn from_str(text: &str) -> Result<Self, InvalidKeyOverlap> {
        Self::ALL.into_iter().find(|overlap| overlap.as_str() == text).ok_or(InvalidKeyOverlap)
    }
}

impl TryFrom<String> for KeyOverlap {
    type Error = InvalidKeyOverlap;
    fn try_from(text: String) -> Result<Self, InvalidKeyOverlap> {
        text.parse()
    }
}

/// A merchant with its keys and accounts, read as one.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Its name, for the operator.
    pub name: Name,
    /// What session ids are derived from when an idempotency key is given. It never changes: if it did, a repeated
    /// request would pay twice.
    pub idempotency_salt: [u8; 32],
    /// How its sessions are put into shards of the list index.
    pub list_sharding: ListSharding,
    /// Where it may be paid.
    pub linked_accounts: Vec<LinkedAccount>,
    /// Its keys, revoked ones included.
    pub keys: Vec<ApiKey>,
}

impl Merchant {
    /// The linked account that `account` names, if it is one.
    pub fn linked_account(&self, account: &AccountIdentifier) -> Option<&LinkedAccount> {
        self.linked_accounts.iter().find(|linked| linked.account == *account)
    }

    /// The key with this id, if it is valid at this time.
    pub fn active_key(&self, id: &ApiKeyId, now: Timestamp) -> Option<&ApiKey> {
        self.active_keys(now).find(|key| key.id == *id)
    }

    /// All keys that are valid at this time.
    pub fn active_keys(&self, now: Timestamp) -> impl Iterator<Item = &ApiKey> {
        self.keys.iter().filter(move |key| key.is_active(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_they_are_written() {
        for text in ["payment_sessions:read", "payment_sessions:write refunds:write", ""] {
            assert_eq!(text.parse::<Scopes>().unwrap().to_string(), text);
        }
        assert_eq!("payment_sessions:read accounts".parse::<Scopes>(), Err(UnknownScope));
        let read: Scopes = "payment_sessions:read".parse().unwrap();
        assert!(read.allow(Scope::PaymentSessionsRead) && !read.allow(Scope::PaymentSessionsWrite));
        assert_eq!(Scopes::ALL.intersection(read), read);
    }

    #[test]
    fn an_overlap_reads_back_as_it_is_spelled_and_each_is_longer_than_the_one_before() {
        let now = Timestamp::UNIX_EPOCH;
        for overlap in KeyOverlap::ALL {
            assert_eq!(overlap.as_str().parse(), Ok(overlap));
            assert_eq!(serde_json::from_value::<KeyOverlap>(overlap.as_str().into()).unwrap(), overlap);
        }
        assert!(KeyOverlap::ALL.is_sorted_by_key(|overlap| overlap.after(now)));
        assert_eq!(KeyOverlap::Week.after(now).to_string(), "1970-01-08T00:00:00Z");
        assert_eq!("2h".parse::<KeyOverlap>(), Err(InvalidKeyOverlap));
    }

    fn key() -> ApiKey {
        ApiKey {
            id: "pk_test_demo".parse().unwrap(),
            name: None,
            secret_sha256: [7; 32],
            token_secret: [8; 32],
            scopes: Scopes::ALL,
            created_at: Timestamp::UNIX_EPOCH,
            revoked_at: None,
            valid_until: None,
        }
    }

    #[test]
    fn a_key_is_valid_until_it_is_revoked_or_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let valid = |revoked_at, valid_until, now| ApiKey { revoked_at, valid_until, ..key() }.is_active(at(now));
        assert!(valid(None, None, 1000));
        assert!(valid(None, Some(at(10)), 9) && !valid(None, Some(at(10)), 10));
        assert!(!valid(Some(at(5)), None, 6) && !valid(Some(at(5)), Some(at(10)), 6));
    }

    #[test]
    fn a_key_is_debugged_without_its_secrets() {
        let key = key();
        let debug = format!("{key:?}");
        assert!(!debug.contains('7') && !debug.contains('8'), "{debug}");
    }
}
