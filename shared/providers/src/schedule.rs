//! When a provider is asked again.

use jiff::{SignedDuration, Timestamp};

/// The next time to ask: soon for a young payment, within the hour for an old one.
pub fn ask_again_at(submitted_at: Timestamp, now: Timestamp) -> Timestamp {
    let age_s = now.duration_since(submitted_at).as_secs();
    let wait = SignedDuration::from_secs((age_s / 2).clamp(2, 3600));
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
