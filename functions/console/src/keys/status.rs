//! How keys stand.

use jiff::Timestamp;
use models::ApiKey;
use pages::{Facts, Language, Zone};

use crate::texts::texts;

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
        let t = texts(language).keys;
        let at = |text, time| Facts::new(language).time("time", time, Zone::London).plain(text);
        let (text, class) = match (key.revoked_at, key.valid_until) {
            (Some(revoked_at), _) => (at(t.revoked, revoked_at), ""),
            (None, Some(until)) if until <= now => (at(t.ended, until), ""),
            (None, Some(until)) => (at(t.rolled, until), "wait"),
            (None, None) => (t.valid.to_owned(), "good"),
        };
        Self { text, class }
    }
}
