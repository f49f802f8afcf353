//! What the address of an endpoint's page says of events that were queued just now.

use jiff::Timestamp;
use jiff::civil::DateTime;
use pages::Zone;
use serde::{Deserialize, Serialize};
use store::ListCursor;

/// How many events are queued at once.
pub(super) const AT_ONCE: usize = 100;

/// The most that are said to have been queued in all: more than any endpoint gets in 30 days.
const MAX_IN_ALL: u32 = 1_000_000_000;

/// What was queued. It comes by an address, which anybody can write.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resent {
    /// How many just now.
    pub(super) queued: u16,
    /// How many since the newest, with these.
    pub(super) in_all: u32,
    /// Since when, as it was typed.
    pub(super) since: String,
    /// Before which there are more; empty if there are none.
    #[serde(default)]
    pub(super) after: String,
}

impl Resent {
    /// That of a query string; none if it says nothing of it, or what we never say.
    pub(super) fn read(query: &str) -> Option<Self> {
        let resent: Self = serde_urlencoded::from_str(query).ok()?;
        let queued = u32::from(resent.queued);
        let is_counted = usize::from(resent.queued) <= AT_ONCE && (queued..=MAX_IN_ALL).contains(&resent.in_all);
        let goes_on = resent.after.is_empty() || ListCursor::of_events(&resent.after).is_some();
        (is_counted && goes_on && read_time(&resent.since).is_some()).then_some(resent)
    }
}

/// `2026-01-31T09:30`, by London's clocks.
pub(super) fn read_time(text: &str) -> Option<Timestamp> {
    let has_its_form = (16..=19).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'T' | b':'));
    let shown: DateTime = text.parse().ok().filter(|_| has_its_form)?;
    Zone::London.time_of(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_londons() {
        for (text, read) in [
            ("2026-01-31T09:30", Some("2026-01-31T09:30:00Z")),
            ("2026-06-30T09:30:15", Some("2026-06-30T08:30:15Z")),
            ("2026-01-31", None),
            ("2026-01-31T09:30Z", None),
            ("2026-01-31T25:30", None),
            ("-009999-01-01T00:00", None),
            ("", None),
        ] {
            assert_eq!(read_time(text).map(|at| at.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn an_address_says_what_was_queued_and_nothing_else() {
        let resent = Resent { queued: 37, in_all: 137, since: "2026-01-31T09:30".to_owned(), after: String::new() };
        assert_eq!(Resent::read(&serde_urlencoded::to_string(&resent).unwrap()), Some(resent));
        for query in [
            "",
            "since=2026-01-31T09:30",
            "queued=1&since=2026-01-31T09:30",
            "queued=x&in_all=1&since=2026-01-31T09:30",
            "queued=101&in_all=101&since=2026-01-31T09:30",
            "queued=2&in_all=1&since=2026-01-31T09:30",
            "queued=1&in_all=1000000001&since=2026-01-31T09:30",
            "queued=1&in_all=1&since=ring+0800+1234",
            "queued=1&in_all=1&since=2026-01-31T09:30&after=abc",
        ] {
            assert_eq!(Resent::read(query), None, "{query}");
        }
    }
}
