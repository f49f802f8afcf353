//! When a provider is next asked about a payment that it has.

use jiff::{SignedDuration, Timestamp};

/// The same of what follows a test clock, which stops at each of these times: at least once a day.
pub fn next_check_by_clock(since: Timestamp, now: Timestamp) -> Timestamp {
    next_check_within(SignedDuration::from_hours(24), since, now)
}

/// The next time to ask about what has been so `since` then: soon if that is young, within the hour if it is old.
pub fn next_check_at(since: Timestamp, now: Timestamp) -> Timestamp {
    next_check_within(SignedDuration::from_hours(1), since, now)
}

/// After half of its age, which is at least two seconds and at most this.
fn next_check_within(longest: SignedDuration, since: Timestamp, now: Timestamp) -> Timestamp {
    let wait = (now.duration_since(since) / 2).clamp(SignedDuration::from_secs(2), longest);
    now.checked_add(SignedDuration::from_secs(wait.as_secs())).unwrap_or(Timestamp::MAX)
}
