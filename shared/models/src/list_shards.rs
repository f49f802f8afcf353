//! Into how many partitions of the list index a merchant's sessions are put: one partition takes a limited number of writes a
//! second.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long after a raise new sessions stay in the shards before it, so that every list knows of a shard before there is
/// anything in it. Warm functions keep what they have read of a merchant for 30 seconds, and the operator's clock, which
/// says when the raise was, may be as far off as AWS takes signatures: 15 minutes.
const SETTLES_WITHIN: SignedDuration = SignedDuration::from_mins(20);

/// One shard of a merchant's lists, from 0. A session's never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListShard(u8);

impl ListShard {
    /// From 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether it is the one that there always is.
    pub const fn is_first(&self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for ListShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many shards a merchant's lists have: 1 to 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct ListShards(u16);

impl ListShards {
    /// The most there may be.
    pub const MAX: Self = Self(256);

    /// How many creations a second one shard takes, at the busiest, with all that follows from them
    /// (docs/decisions/0010-shards.md).
    pub const CREATIONS_PER_SECOND: u16 = 40;

    /// How many.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Each of them.
    pub fn all(self) -> impl Iterator<Item = ListShard> {
        (0..=u8::MAX).take(usize::from(self.0)).map(ListShard)
    }

    /// The one that a session or customer with this id is put in.
    pub fn shard_of(self, id: &impl AsRef<[u8]>) -> ListShard {
        let shard = stable_hash(id.as_ref()) % u32::from(self.0);
        ListShard(u8::try_from(shard).unwrap_or_default())
    }
}

impl Default for ListShards {
    fn default() -> Self {
        Self(1)
    }
}

impl fmt::Display for ListShards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Not a count of shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 256")]
pub struct InvalidListShards;

impl TryFrom<u16> for ListShards {
    type Error = InvalidListShards;
    fn try_from(count: u16) -> Result<Self, InvalidListShards> {
        if (1..=Self::MAX.0).contains(&count) { Ok(Self(count)) } else { Err(InvalidListShards) }
    }
}

impl From<ListShards> for u16 {
    fn from(shards: ListShards) -> u16 {
        shards.0
    }
}

impl FromStr for ListShards {
    type Err = InvalidListShards;
    fn from_str(text: &str) -> Result<Self, InvalidListShards> {
        text.parse::<u16>().map_err(|_| InvalidListShards)?.try_into()
    }
}

/// How a merchant's sessions are put into shards. The count only rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListSharding {
    shards: ListShards,
    /// The last raise, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raise: Option<Raise>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Raise {
    /// How many shards new sessions were put in until then.
    before: ListShards,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    at: Timestamp,
}

impl ListSharding {
    /// How many shards lists read: all that any session may be in.
    pub const fn shards(&self) -> ListShards {
        self.shards
    }

    /// The shard of a session or customer that is created at `now`.
    pub fn shard_of(&self, id: &impl AsRef<[u8]>, now: Timestamp) -> ListShard {
        self.shards_of_new(now).shard_of(id)
    }

    /// The same with this many shards, from `now` on for lists and 20 minutes later for new sessions; none if there are
    /// as many or more already.
    pub fn raised_to(&self, shards: ListShards, now: Timestamp) -> Option<Self> {
        let raise = Some(Raise { before: self.shards_of_new(now), at: now });
        (shards > self.shards).then_some(Self { shards, raise })
    }

    fn shards_of_new(&self, now: Timestamp) -> ListShards {
        match self.raise {
            Some(raise) if now.duration_since(raise.at) < SETTLES_WITHIN => raise.before,
            Some(_) | None => self.shards,
        }
    }
}

/// A hash that never changes (FNV-1a, 32 bits): what is stored is where it says.
pub fn stable_hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::SessionId;

    const NOW: Timestamp = Timestamp::constant(1_772_000_000, 0);

    fn at(seconds: i64) -> Timestamp {
        NOW + SignedDuration::from_secs(seconds)
    }

    fn shards(count: u16) -> ListShards {
        count.try_into().unwrap()
    }

    #[test]
    fn a_count_is_one_to_256() {
        for text in ["0", "257", "-1", "one", ""] {
            assert_eq!(text.parse::<ListShards>(), Err(InvalidListShards), "{text}");
        }
        for count in [1, 2, 255, 256] {
            assert_eq!(shards(count).all().count(), usize::from(count));
            assert_eq!(count.to_string().parse(), Ok(shards(count)));
        }
    }

    #[test]
    fn where_a_session_is_never_changes() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        assert_eq!(stable_hash(b"foobar"), 0xbf9c_f968, "FNV-1a's own test vector");
        assert_eq!([1, 2, 16, 100, 256].map(|count| shards(count).shard_of(&id).0), [0, 1, 11, 59, 123]);
    }

    #[test]
    fn every_shard_is_used_and_none_beyond() {
        for count in [1, 7, 256] {
            let mut found: Vec<_> = (0..5000_u128)
                .map(|n| shards(count).shard_of(&SessionId::new(Uuid::from_u128(n.wrapping_mul(u128::MAX / 7919)))))
                .collect();
            found.sort();
            found.dedup();
            assert_eq!(found, shards(count).all().collect::<Vec<_>>());
        }
    }

    #[test]
    fn lists_know_of_a_shard_before_there_is_anything_in_it() {
        let first = ListSharding::default();
        let settled = SETTLES_WITHIN.as_secs();
        let raised = first.raised_to(shards(4), at(0)).unwrap();
        assert_eq!((raised.shards(), raised.shards_of_new(at(0))), (shards(4), shards(1)));
        assert_eq!((raised.shards_of_new(at(settled - 1)), raised.shards_of_new(at(settled))), (shards(1), shards(4)));
        // Raised again before that was over: those that wait, wait on.
        let again = raised.raised_to(shards(8), at(30)).unwrap();
        assert_eq!((again.shards(), again.shards_of_new(at(settled + 29))), (shards(8), shards(1)));
        assert_eq!(again.shards_of_new(at(settled + 30)), shards(8));
        assert_eq!(again.raised_to(shards(16), at(settled + 30)).unwrap().shards_of_new(at(settled + 31)), shards(8));
        // A process that still has the count of before uses no shard that those of the new count don't know.
        for count in [1, 7, 8] {
            assert_eq!(again.raised_to(shards(count), at(2 * settled)), None);
        }
    }

    #[test]
    fn is_kept_as_it_is() {
        let raised = ListSharding::default().raised_to(shards(4), NOW).unwrap();
        let kept = serde_json::json!({ "shards": 4, "raise": { "before": 1, "at": 1_772_000_000_000_i64 } });
        assert_eq!(serde_json::to_value(raised).unwrap(), kept);
        assert_eq!(serde_json::from_value::<ListSharding>(kept).unwrap(), raised);
        assert!(serde_json::from_str::<ListSharding>(r#"{"shards":0}"#).is_err());
    }
}
