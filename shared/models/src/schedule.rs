//! When a provider is next asked about a payment that it has.

use jiff::{SignedDuration, Timestamp};

/// The next time to ask about what has been so `since` then: soon if that is young, within the hour if it is old.
pub fn next_check_at(since: Timestamp, now: Timestamp) -> Timestamp {
    let age_s = now.duration_since(since).as_secs();
    let wait = SignedDuration::from_secs((age_s / 2).clamp(2, 3600));
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
