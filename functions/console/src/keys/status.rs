//! How keys stand.

use jiff::Timestamp;
use models::ApiKey;
use pages::{Language, Zone};

/// How a key stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    /// In words.
    pub(super) text: String,
    /// How it is shown: `good`, `wait`, or empty where it is over.
    pub(super) class: &'static str,
}

impl Status {
    pub(super) fn of(key: &ApiKey, language: Language, now: Timestamp) -> Self {
        let at = |at| language.date_and_time(at, Zone::London);
        let (text, class) = match (key.revoked_at, key.valid_until) {
            (Some(revoked_at), _) => (format!("Revoked on {}", at(revoked_at)), ""),
            (None, Some(until)) if until <= now => (format!("Ended on {}", at(until)), ""),
            (None, Some(until)) => (format!("Rolled. Valid until {}", at(until)), "wait"),
            (None, None) => ("Valid".to_owned(), "good"),
        };
        Self { text, class }
    }
}
